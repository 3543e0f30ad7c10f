"""Polygons of any number of corners -> triangles."""

from __future__ import annotations

import mapbox_earcut
import numpy as np

STRAIGHT = 1e-9
"""Sine of the turn at a corner above which the corner counts as reflex."""


def triangulate(vertices: np.ndarray, corners: np.ndarray, counts: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return triangles (K, 3) that cover P polygons, in the polygons' order, and the polygon of each triangle (K,).

    vertices: (N, 3). corners: flat indices into vertices. counts: (P,) corners of each polygon; those below 3 yield nothing.
    Convex polygons become fans around their first corner, concave ones are cut by ear clipping in the plane of their mean
    normal (Newell's method). Triangles keep the winding of their polygon. Repeated corners count once.
    """
    if counts.max(initial=0) > 3:
        corners, counts = _distinct(vertices, corners, counts)
    start = np.cumsum(counts) - counts
    faces, owner = _fans(corners, start, counts)
    concave = _concave(vertices, corners, start, counts)
    if len(concave) == 0:
        return faces, owner
    plain = ~np.isin(owner, concave)
    clipped = [_ears(vertices, corners[start[p] : start[p] + counts[p]]) for p in concave]
    faces = np.concatenate([faces[plain], *clipped])
    owner = np.concatenate([owner[plain], np.repeat(concave, [len(c) for c in clipped])])
    order = np.argsort(owner, kind="stable")
    return faces[order], owner[order]


def _distinct(vertices: np.ndarray, corners: np.ndarray, counts: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return corners and counts without those corners of larger polygons that lie where the next one does."""
    owner = np.repeat(np.arange(len(counts)), counts)
    ahead = np.arange(1, len(corners) + 1)
    last = np.cumsum(counts)[counts > 0]
    ahead[last - 1] = last - counts[counts > 0]
    kept = (counts[owner] <= 3) | (vertices[corners] != vertices[corners[ahead]]).any(1)
    return corners[kept], np.bincount(owner[kept], minlength=len(counts))


def _fans(corners: np.ndarray, start: np.ndarray, counts: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    triangles = np.maximum(counts - 2, 0)
    owner = np.repeat(np.arange(len(counts)), triangles)
    within = np.arange(len(owner)) - np.repeat(np.cumsum(triangles) - triangles, triangles)
    first = start[owner]
    return corners[np.stack([first, first + within + 1, first + within + 2], -1)], owner


def _concave(vertices: np.ndarray, corners: np.ndarray, start: np.ndarray, counts: np.ndarray) -> np.ndarray:
    """Return the indices of the polygons with a reflex corner."""
    large = np.flatnonzero(counts > 3)
    if len(large) == 0:
        return large
    count = counts[large]
    owner = np.repeat(np.arange(len(large)), count)
    first = np.repeat(np.cumsum(count) - count, count)
    within = np.arange(len(owner)) - first
    base = np.repeat(start[large], count)
    here = vertices[corners[base + within]]
    ahead = vertices[corners[base + (within + 1) % count[owner]]] - here
    behind = ahead[first + (within - 1) % count[owner]]
    turn = np.cross(behind, ahead)
    origin = here[first]  # close to the polygon, so that coordinates far from zero cancel
    normal = np.add.reduceat(np.cross(here - origin, here + ahead - origin), np.cumsum(count) - count)
    bend = (turn * normal[owner]).sum(1)
    scale = np.linalg.norm(behind, axis=1) * np.linalg.norm(ahead, axis=1) * np.linalg.norm(normal, axis=1)[owner]
    return large[np.unique(owner[bend < -STRAIGHT * scale])]


def _ears(vertices: np.ndarray, polygon: np.ndarray) -> np.ndarray:
    """Cut one polygon, (M,) indices into vertices, by ear clipping: (K, 3) indices."""
    points = vertices[polygon] - vertices[polygon[0]]
    normal = np.cross(points, np.roll(points, -1, 0)).sum(0)
    normal /= np.linalg.norm(normal)
    side = np.cross(normal, np.eye(3)[np.abs(normal).argmin()])
    side /= np.linalg.norm(side)
    flat = np.ascontiguousarray(np.stack([points @ side, points @ np.cross(normal, side)], -1))
    faces = mapbox_earcut.triangulate_float64(flat, np.array([len(flat)], np.uint32)).reshape(-1, 3).astype(np.int64)
    a, b, c = (flat[faces[:, k]] for k in range(3))
    ab, ac = b - a, c - a
    inverted = ab[:, 0] * ac[:, 1] < ab[:, 1] * ac[:, 0]
    faces[inverted] = faces[inverted, ::-1]
    return polygon[faces]
