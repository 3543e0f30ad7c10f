"""Mean absorption and scattering of the surfaces of an outline, as sound in the full mesh meets them."""

from __future__ import annotations

import numpy as np

from simulator.acoustics.acoustic_scene import Room
from simulator.acoustics.arrivals import sphere_cells
from simulator.engines.outline import Outline

WALKERS, STEPS = 4096, 16
"""Rays, and their reflections."""
NEAR_M = 0.15
"""Surfaces up to this far behind a surface of the outline are that surface."""


def mean_surfaces(room: Room, outline: Outline, listener: np.ndarray, rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
    """Average the mesh's materials over the surfaces of an outline: energy kept and scattering, (W + 2, 7) each.

    Rays from the listener are reflected diffusely in the mesh. Each counts, with the energy it brings, for the surface that it
    flies towards, until it comes from inside again: so furniture counts for what is behind it, and what goes through an
    opening and does not come back is absorbed there. Where furniture shortens the way between reflections against that in
    the empty outline (4 volume / area; Kosten 1960), the energy kept at each is lowered to the same loss by metre.
    """
    came, back, met, diffuse = np.zeros((4, len(outline.areas), 7))
    at, origin, direction = np.zeros(WALKERS, np.int64), np.repeat(listener[None], WALKERS, 0), sphere_cells(WALKERS)
    power, normal, inside = np.ones((WALKERS, 7)), np.zeros((WALKERS, 3)), np.ones(WALKERS, bool)
    length, reflections = 0.0, 0
    for step in range(STEPS):
        toward, reach = outline.leave(origin + NEAR_M * normal, direction)
        at = np.where(inside, toward, at)
        _add(came, at, power, inside)
        hits = room.bvh.closest(origin, direction)
        hit = hits.face >= 0
        if step > 0:  # from here on rays start where sound is reflected
            length += float(np.minimum(hits.distance, reach + NEAR_M)[inside].sum())
            reflections += int(inside.sum())
        surface = room.surface[hits.face]
        _add(met, at, power, inside & hit)
        _add(diffuse, at, power * room.scattering[surface], inside & hit)
        power *= room.kept[surface] * hit[:, None]
        normal = room.normals[hits.face].astype(np.float64)
        normal *= -np.sign((normal * direction).sum(1, keepdims=True))
        travelled = np.where(hit, hits.distance, 0.0)[:, None] * direction
        origin = origin + travelled + (1e-4 + room.lift[hits.face, None]) * normal
        direction = _lambert(normal, rng)
        inside = hit & outline.holds(origin + NEAR_M * normal)
        _add(back, at, power, inside)
    free_way = 4.0 * outline.volume_m3 / outline.areas.sum()
    crowding = float(np.clip(free_way * reflections / max(length, 1e-9), 1.0, 4.0))
    kept = np.clip(back / np.maximum(came, 1e-12), 0.0, 1.0) ** crowding
    return kept, diffuse / np.maximum(met, 1e-12)


def _add(total: np.ndarray, at: np.ndarray, values: np.ndarray, rows: np.ndarray) -> None:
    """Add (N, 7) values to rows `at` (N,) of (W, 7)."""
    np.add.at(total, at[rows], values[rows])


def _lambert(normal: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Draw directions (N, 3) about normals with probability proportional to the cosine: a point on the sphere on top."""
    ball = rng.normal(size=normal.shape)
    out = normal + 0.999 * ball / np.linalg.norm(ball, axis=1, keepdims=True)
    return out / np.linalg.norm(out, axis=1, keepdims=True)
