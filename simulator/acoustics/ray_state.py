"""Data of the compiled ray tracer: the surroundings, the accumulated energy, and the rays themselves."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from simulator.scene.bvh import new_ray

DIFFUSE, SPECULAR, IN_IMAGES = 0, 1, 2
"""State of a ray by its last reflection: diffuse (its rain has been sent); specular; or purely specular on planes whose image
sources are known, which is also the state of a new ray."""
SPHERE_M = 1.0
"""Radius of the spheres around the sources in which specular reflections are counted."""
DEPTH = 32
"""At most this many split rays wait at a time."""


class Surroundings(NamedTuple):
    """F faces of K surfaces, and S sources."""

    scene: np.uint64
    """Embree's handle."""
    normals: np.ndarray
    """(F, 3) float32."""
    lift: np.ndarray
    """(F,) float32, m."""
    surface: np.ndarray
    """(F,) int32."""
    in_images: np.ndarray
    """(F,) bool: faces whose specular chains of up to `image_order` reflections are image sources."""
    image_order: int
    reflectance: np.ndarray
    """(K, 7) float32."""
    scattering: np.ndarray
    """(K, 7) float32."""
    sources: np.ndarray
    """(S, 3) float32."""
    front: np.ndarray
    """(S, 3) float32: unit vectors in which the sources face."""
    visible_share: np.ndarray
    """(S,) float32: share of the sphere around each source that is visible from it."""
    directivity: np.ndarray
    """(n, 7) float32: pressure gain by the cosine to the front of a source; one row for omnidirectional sources."""


class Tally(NamedTuple):
    """Accumulated energy; T time bins, D direction cells, G groups of rays, W times of the weight window."""

    energy: np.ndarray
    """(D, S, T, 7) float32: contiguous for the rays of one cell, for the processor cache."""
    curves: np.ndarray
    """(G, S, T) float64: sum over bands, weighted."""
    weights: np.ndarray
    """(T, 7) float32: weight of each band in `curves`."""
    bins_per_m: float
    alive: np.ndarray
    """(W, 7) float64: power of all rays at regular distances from the start."""
    window: np.ndarray
    """(W, 7) float32: 1 / (7 x target power of a ray) there."""
    windows_per_m: float


class Rays(NamedTuple):
    """A ray and its waiting split rays: a stack of DEPTH rows, changed in place."""

    origin: np.ndarray
    """(DEPTH, 3) float32."""
    direction: np.ndarray
    """(DEPTH, 3) float32."""
    normal: np.ndarray
    """(DEPTH, 3) float32: of the last reflection, on the side the ray came from."""
    power: np.ndarray
    """(DEPTH, 7) float32: remaining share of the energy in each band."""
    length: np.ndarray
    """(DEPTH,) float64, m."""
    bounces: np.ndarray
    """(DEPTH,) int64."""
    chain: np.ndarray
    """(DEPTH,) int64."""
    material: np.ndarray
    """(DEPTH,) int64: of the last reflection."""
    point: np.ndarray
    """(3,) float32: scratch memory."""
    shot: np.ndarray
    """Scratch memory of `nearest` and `blocked` ..."""
    ints: np.ndarray
    """... and the same as integers."""


def new_rays() -> Rays:
    """Allocate the memory of `trace`."""
    origin, direction, normal = np.empty((3, DEPTH, 3), np.float32)
    power, length, point = np.empty((DEPTH, 7), np.float32), np.empty(DEPTH), np.empty(3, np.float32)
    bounces, chain, material = np.empty((3, DEPTH), np.int64)
    shot, ints = new_ray()
    return Rays(origin, direction, normal, power, length, bounces, chain, material, point, shot, ints)
