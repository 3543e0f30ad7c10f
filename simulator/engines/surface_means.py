"""Mean absorption and scattering of the surfaces of an outline, weighted by the energy that hits them in the full mesh."""

from __future__ import annotations

import numpy as np

from simulator.acoustics.acoustic_scene import AcousticScene
from simulator.acoustics.arrivals import sphere_cells
from simulator.engines.outline import Outline

RAYS, STEPS = 4096, 16
"""Number of rays, and of their reflections."""
NEAR_M = 0.15
"""Surfaces up to this far behind a surface of the outline belong to it."""


def mean_surfaces(
    scene: AcousticScene, outline: Outline, listener: np.ndarray, rng: np.random.Generator
) -> tuple[np.ndarray, np.ndarray]:
    """Average the materials of the mesh over the surfaces of an outline: reflectance and scattering, (W + 2, 7) each.

    Rays from the listener are reflected diffusely in the mesh. Each counts, weighted by its energy, for the surface of the
    outline that it moves towards, until it returns inside: furniture counts for the surface behind it, and energy that does
    not return through an opening is absorbed there. Where furniture makes the mean free path shorter than that of the empty
    outline (4 volume / area; Kosten 1960), the reflectance is lowered so that the loss per metre is the same.
    """
    arriving, returning, hitting, diffuse = np.zeros((4, len(outline.areas), 7))
    at, origin, direction = np.zeros(RAYS, np.int64), np.repeat(listener[None], RAYS, 0), sphere_cells(RAYS)
    power, normal, inside = np.ones((RAYS, 7)), np.zeros((RAYS, 3)), np.ones(RAYS, bool)
    length, reflections = 0.0, 0
    for step in range(STEPS):
        toward, reach = outline.leave(origin + NEAR_M * normal, direction)
        at = np.where(inside, toward, at)
        _add(arriving, at, power, inside)
        hits = scene.bvh.closest(origin, direction)
        hit = hits.face >= 0
        if step > 0:  # from here on rays start at reflections
            length += float(np.minimum(hits.distance, reach + NEAR_M)[inside].sum())
            reflections += int(inside.sum())
        surface = scene.surface[hits.face]
        _add(hitting, at, power, inside & hit)
        _add(diffuse, at, power * scene.scattering[surface], inside & hit)
        power *= scene.reflectance[surface] * hit[:, None]
        normal = scene.normals[hits.face].astype(np.float64)
        normal *= -np.sign((normal * direction).sum(1, keepdims=True))
        travelled = np.where(hit, hits.distance, 0.0)[:, None] * direction
        origin = origin + travelled + (1e-4 + scene.lift[hits.face, None]) * normal
        direction = _lambert(normal, rng)
        inside = hit & outline.holds(origin + NEAR_M * normal)
        _add(returning, at, power, inside)
    crowding = float(np.clip(outline.mean_free_path_m * reflections / max(length, 1e-9), 1.0, 4.0))
    reflectance = np.clip(returning / np.maximum(arriving, 1e-12), 0.0, 1.0) ** crowding
    return reflectance, diffuse / np.maximum(hitting, 1e-12)


def _add(total: np.ndarray, at: np.ndarray, values: np.ndarray, rows: np.ndarray) -> None:
    """Add (N, 7) values to rows `at` (N,) of (W, 7)."""
    np.add.at(total, at[rows], values[rows])


def _lambert(normal: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Draw directions (N, 3) about normals with probability density proportional to the cosine (Lambert)."""
    ball = rng.normal(size=normal.shape)
    out = normal + 0.999 * ball / np.linalg.norm(ball, axis=1, keepdims=True)
    return out / np.linalg.norm(out, axis=1, keepdims=True)
