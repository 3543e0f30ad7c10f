"""What the compiled tracing of rays works on: what rays meet, where their energy goes, and the rays themselves."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from simulator.scene.bvh import new_ray

DIFFUSE, SPECULAR, IN_IMAGES = 0, 1, 2
"""How a ray was last reflected, and so how the energy that it carries may reach a source directly: diffusely (its rain was
sent at once); specularly; or specularly throughout on planes whose images are known, the state of a fresh ray too."""
SPHERE_M = 1.0
"""Radius of the spheres around the sources that catch specular reflections."""
DEPTH = 32
"""At most this many twins of a ray wait at a time."""


class Surroundings(NamedTuple):
    """What rays meet: F faces of K surfaces, S sources."""

    scene: np.uint64
    """Embree's handle."""
    normals: np.ndarray
    """(F, 3) float32."""
    lift: np.ndarray
    """(F,) float32, m."""
    surface: np.ndarray
    """(F,) int32."""
    in_images: np.ndarray
    """(F,) bool: faces whose specular chains of up to `image_order` reflections are known as images."""
    image_order: int
    kept: np.ndarray
    """(K, 7) float32."""
    scattering: np.ndarray
    """(K, 7) float32."""
    sources: np.ndarray
    """(S, 3) float32."""
    front: np.ndarray
    """(S, 3) float32: unit vectors, where the sources face."""
    seen: np.ndarray
    """(S,) float32: share of each source's sphere in sight of it."""
    directivity: np.ndarray
    """(n, 7) float32: pressure by the cosine to a source's front; one row where all directions are alike."""


class Tally(NamedTuple):
    """Where energy is gathered; T time bins, D direction cells, G groups of rays, W times of the window."""

    energy: np.ndarray
    """(D, S, T, 7) float32: what rays of one cell fill lies together, for the processor's cache."""
    curves: np.ndarray
    """(G, S, T) float64: weighted by band."""
    weights: np.ndarray
    """(T, 7) float32: weight of each band."""
    bins_per_m: float
    alive: np.ndarray
    """(W, 7) float64: power of all rays at regular distances from the start."""
    window: np.ndarray
    """(W, 7) float32: one over the power that a ray should have there, over 7."""
    windows_per_m: float


class Rays(NamedTuple):
    """A ray on its way and its twins that wait: a stack of DEPTH rows, changed in place."""

    origin: np.ndarray
    """(DEPTH, 3) float32."""
    direction: np.ndarray
    """(DEPTH, 3) float32."""
    normal: np.ndarray
    """(DEPTH, 3) float32: of the last reflection, on the side the ray came from."""
    power: np.ndarray
    """(DEPTH, 7) float32: share of the ray's energy left in each band."""
    length: np.ndarray
    """(DEPTH,) float64, m."""
    bounces: np.ndarray
    """(DEPTH,) int64."""
    chain: np.ndarray
    """(DEPTH,) int64."""
    material: np.ndarray
    """(DEPTH,) int64: of the last reflection."""
    point: np.ndarray
    """(3,) float32: a place to reckon with."""
    shot: np.ndarray
    """Memory for `nearest` and `blocked` ..."""
    ints: np.ndarray
    """... and the same as integers."""


def new_rays() -> Rays:
    """Make the memory for `trace`."""
    origin, direction, normal = np.empty((3, DEPTH, 3), np.float32)
    power, length, point = np.empty((DEPTH, 7), np.float32), np.empty(DEPTH), np.empty(3, np.float32)
    bounces, chain, material = np.empty((3, DEPTH), np.int64)
    shot, ints = new_ray()
    return Rays(origin, direction, normal, power, length, bounces, chain, material, point, shot, ints)
