"""Responses of a set: arrivals from the chosen engine, spatialised for every heading."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from simulator.acoustics.acoustic_scene import AcousticScene
from simulator.acoustics.arrivals import Arrivals, sphere_cells
from simulator.acoustics.image_sources import direct_paths, image_paths, planes_around
from simulator.acoustics.tracer import BIN_S, CELLS, QUALITY, Tracer
from simulator.config import FARTHEST_M, AcousticsSettings
from simulator.engines.pyroom import polygon_arrivals
from simulator.engines.soundspaces import soundspaces_responses
from simulator.errors import InputError
from simulator.receivers.ambisonics import Microphone
from simulator.receivers.hrtf import SPECTRUM, Ears
from simulator.receivers.receiver import Receiver
from simulator.receivers.spatialize import spatialize


@dataclass(frozen=True, eq=False)
class Responses:
    """Impulse responses of a set; time zero is the emission."""

    direct: np.ndarray
    """(V, S, C, Td) float32: C = 2 for ears, left first."""
    indirect: np.ndarray
    """(V, S, C, Ti) float32."""
    ambisonic: np.ndarray | None = None
    """(V, S, (order + 1)^2, Ti) float32, direct and indirect together, head frame; None without `ambisonic_order`."""
    array: np.ndarray | None = None
    """(V, S, M, Ti) float32 of the microphones of an array, direct and indirect together; None without one."""


def responses(
    scene: AcousticScene,
    positions: np.ndarray,
    headings_deg: np.ndarray,
    sources: np.ndarray,
    settings: AcousticsSettings,
    receiver: Receiver,
    rng: np.random.Generator,
    farthest_m: float = FARTHEST_M,
    array: Receiver | None = None,
) -> Responses:
    """Compute the responses of V views and S sources; each distinct position is traced once for all its headings.

    positions: (V, 3) and sources: (S, 3), world frame, m. headings_deg: (V,), left positive. farthest_m: distance of a source
    for which direct responses are long enough, at least; sets of one data set have one length. array: microphones beside the
    receiver. Raises InputError where the engine is soundspaces and the receiver has no ears.
    """
    farthest = max(farthest_m, float(np.linalg.norm(positions[:, None] - sources, axis=-1).max()))
    lengths = direct_length(settings, farthest), round(settings.response_s * settings.sample_rate_hz)
    shape = (len(headings_deg), len(sources), receiver.channels)
    direct, indirect = (np.zeros((*shape, n), np.float32) for n in lengths)
    ambisonic = _empty_ambisonic(settings, shape[:2], lengths[1])
    recorded = np.zeros((*shape[:2], array.channels, lengths[1]), np.float32) if array else None
    for position in np.unique(positions, axis=0):
        views = np.flatnonzero((positions == position).all(1))
        if settings.engine == "soundspaces":
            if not isinstance(receiver, Ears):
                raise InputError("acoustics engine is soundspaces, which knows ears only; choose raytrace or pyroomacoustics")
            parts = soundspaces_responses(scene, position, headings_deg[views], sources, settings, receiver, lengths)
            direct[views], indirect[views] = parts
            continue
        arrivals = trace(scene, position, sources, settings, rng)
        carrier = rng.spawn(1)[0]
        direct[views], indirect[views] = spatialize(arrivals, receiver, headings_deg[views], *lengths, carrier)
        if ambisonic is not None:
            microphone = Microphone(settings.ambisonic_order, settings.sample_rate_hz)
            first, rest = spatialize(arrivals, microphone, headings_deg[views], lengths[1], lengths[1], rng.spawn(1)[0])
            ambisonic[views] = first + rest
        if array is not None and recorded is not None:
            first, rest = spatialize(arrivals, array, headings_deg[views], lengths[1], lengths[1], rng.spawn(1)[0])
            recorded[views] = first + rest
    return Responses(direct, indirect, ambisonic, recorded)


def direct_length(settings: AcousticsSettings, farthest_m: float = FARTHEST_M) -> int:
    """Return the number of samples of a direct response: travel time from the farthest source and response of the ears."""
    return int(np.ceil(farthest_m / 343.0 * settings.sample_rate_hz)) + SPECTRUM * 3 // 4


def trace(
    scene: AcousticScene, listener: np.ndarray, sources: np.ndarray, settings: AcousticsSettings, rng: np.random.Generator
) -> Arrivals:
    """Compute the arrivals at a listener (3,) from sources (S, 3), world frame, m: exact paths first, then rays."""
    if settings.engine == "pyroomacoustics":
        return polygon_arrivals(scene, listener, sources, settings, rng)
    planes = planes_around(scene, listener)
    longest = settings.response_s * scene.speed_m_s
    images = image_paths(scene, planes, listener, sources, settings.image_order, longest)
    in_images = np.isin(scene.planes.of_face, planes)
    tracer = Tracer(scene, in_images, settings.image_order, listener, sources, settings.response_s, rng)
    energy = tracer.run(QUALITY[settings.quality])
    return Arrivals(direct_paths(scene, listener, sources), images, energy, BIN_S, sphere_cells(CELLS), scene.speed_m_s)


def _empty_ambisonic(settings: AcousticsSettings, shape: tuple[int, int], length: int) -> np.ndarray | None:
    if settings.ambisonic_order < 0:
        return None
    return np.zeros((*shape, (settings.ambisonic_order + 1) ** 2, length), np.float32)
