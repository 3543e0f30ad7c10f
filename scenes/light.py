"""Baked light: lamps and windows with soft shadows and one bounce, by Embree, as a colour for each vertex."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from simulator.bvh import Bvh

GATHER = 64
"""Rays that collect bounced light at each vertex."""
AMBIENT = 0.06
"""What further bounces would add, relative to a well-lit wall."""


@dataclass(frozen=True)
class Lamp:
    """A small round lamp, or one patch of a window; power is in the units of the result."""

    position: np.ndarray
    normal: np.ndarray | None
    """None: shines to all sides; else only to the side of its normal, by the cosine."""
    color: np.ndarray
    radius: float


def bake(
    bvh: Bvh, albedo: np.ndarray, points: np.ndarray, normals: np.ndarray, face_normals: np.ndarray, lamps: list[Lamp],
    rng: np.random.Generator,
) -> np.ndarray:
    """Give the light that falls on N points with normals (N, 3), linear RGB (N, 3); white walls well lit are about 1.

    albedo: (F, 3) linear colour of each triangle of the BVH, face_normals (F, 3).
    """
    light = _direct(bvh, points, normals, lamps, rng, samples=6) + AMBIENT
    sums = np.zeros_like(light)
    for _ in range(GATHER):
        direction = _cosine(normals, rng)
        hits = bvh.closest(points, direction)
        met = np.flatnonzero(hits.face >= 0)
        face = hits.face[met]
        toward = -np.sign((direction[met] * face_normals[face]).sum(1, keepdims=True))
        normal = face_normals[face] * toward
        place = points[met] + hits.distance[met, None] * direction[met] + 1e-3 * normal
        sums[met] += albedo[face] * (_direct(bvh, place, normal, lamps, rng, samples=1) + AMBIENT)
    return light + sums / GATHER


def _direct(
    bvh: Bvh, points: np.ndarray, normals: np.ndarray, lamps: list[Lamp], rng: np.random.Generator, samples: int
) -> np.ndarray:
    """Add up what reaches points straight from the lamps, each seen at some random places of its extent."""
    light = np.zeros((len(points), 3))
    for lamp in lamps:
        near = np.flatnonzero(((lamp.position - points) ** 2).sum(1) < 64.0)
        for _ in range(samples):
            target = lamp.position + lamp.radius * _ball(len(near), rng)
            way = target - points[near]
            square = np.maximum((way**2).sum(1), 0.04)
            cosine = (way * normals[near]).sum(1) / np.sqrt(square)
            if lamp.normal is not None:
                cosine = cosine * np.maximum(-(way @ lamp.normal) / np.sqrt(square), 0.0)
            rows = np.flatnonzero(cosine > 0)
            free = rows[bvh.visible(points[near[rows]], target[rows], shrink=0.01)]
            light[near[free]] += (cosine[free] / square[free] / samples)[:, None] * lamp.color
    return light


def _ball(count: int, rng: np.random.Generator) -> np.ndarray:
    direction = rng.standard_normal((count, 3))
    direction /= np.linalg.norm(direction, axis=1, keepdims=True)
    return direction * np.cbrt(rng.random((count, 1)))


def _cosine(normals: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Draw directions about normals (N, 3) with probability proportional to the cosine."""
    around = rng.standard_normal(normals.shape)
    around /= np.linalg.norm(around, axis=1, keepdims=True)
    direction = normals + 0.999 * around
    return direction / np.linalg.norm(direction, axis=1, keepdims=True)
