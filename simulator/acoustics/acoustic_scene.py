"""The acoustic properties of a scene: materials on its faces, planes for the image sources, air."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from simulator.acoustics.air import attenuation, speed_of_sound
from simulator.acoustics.directivity import gain
from simulator.acoustics.materials import SurfaceAcoustics
from simulator.acoustics.planes import Planes, find_planes
from simulator.config import AcousticsSettings
from simulator.scene.bvh import Bvh
from simulator.scene.model import Scene

COSINES = 257
"""Entries of a source's directivity table, from straight back to straight ahead."""


@dataclass(frozen=True, eq=False)
class AcousticScene:
    """Everything that sound propagation needs of a scene; computed once, used for every listener in it."""

    bvh: Bvh
    normals: np.ndarray
    """(F, 3) float32 unit normals: that of the plane where the face has one, so that noise of a scan does not scatter sound."""
    lift: np.ndarray
    """(F,) float32, m: distance from the face at which a reflected ray starts, to clear the roughness of the face."""
    surface: np.ndarray
    """(F,) int32: index into the coefficients."""
    reflectance: np.ndarray
    """(K, 7) float32: share of energy that remains after a reflection (1 - absorption)."""
    scattering: np.ndarray
    """(K, 7) float32: share of the reflected energy that is diffuse."""
    planes: Planes
    air: np.ndarray
    """(7,) energy attenuation, 1/m."""
    speed_m_s: float
    directivity: np.ndarray
    """(COSINES, 7) float32: pressure gain of a source by the cosine of the angle from its front."""


def prepare_acoustics(scene: Scene, acoustics: SurfaceAcoustics, settings: AcousticsSettings) -> AcousticScene:
    """Find the planes of a scene and combine them with its materials, air and source directivity."""
    planes = find_planes(scene)
    known = planes.of_face >= 0
    normals = scene.normals.copy()
    normals[known] = planes.normal[planes.of_face[known]]
    lift = np.full(len(normals), 1e-4, np.float32)
    lift[known] += planes.roughness[planes.of_face[known]]
    cosine = np.linspace(-1.0, 1.0, COSINES)
    leaving = np.stack([np.sqrt(1.0 - cosine**2), np.zeros(COSINES), cosine], -1)
    return AcousticScene(
        bvh=scene.bvh,
        normals=normals,
        lift=lift,
        surface=scene.face_surface,
        reflectance=(1.0 - acoustics.absorption).astype(np.float32),
        scattering=acoustics.scattering.astype(np.float32),
        planes=planes,
        air=attenuation(settings.temperature_c, settings.humidity_percent),
        speed_m_s=speed_of_sound(settings.temperature_c),
        directivity=gain(settings.directivity, leaving, np.array([0.0, 0.0, 1.0])).astype(np.float32),
    )


def directivity_row(cosine: np.ndarray) -> np.ndarray:
    """Return the nearest row of the directivity table for cosines (...); (...) int."""
    return np.rint((cosine + 1.0) * 0.5 * (COSINES - 1)).astype(np.int64)
