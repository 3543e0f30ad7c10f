"""Planes of a scene: flat surfaces formed by its triangles, exact on clean models and robust on scans."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from simulator.scene.model import Scene

SMALLEST_M2 = 0.4
"""Flat surfaces smaller than this are handled by the rays alone."""
MOST = 96
"""At most this many planes per scene."""
REACH_M = 0.02
"""Triangles this near to a plane may belong to it: scans deviate by millimetres."""
FINEST_M = 1e-3
"""Smallest tolerance of a plane."""
SAME_WAY = np.cos(np.deg2rad(35.0))
"""Small triangles of a scan are tilted by up to this angle by the noise of their corners."""


@dataclass(frozen=True, eq=False)
class Planes:
    """P flat surfaces; a point x lies on plane p where normal[p] . x = offset[p]."""

    normal: np.ndarray
    """(P, 3) float64 unit vectors."""
    offset: np.ndarray
    """(P,) float64, m."""
    low: np.ndarray
    """(P, 3) float64 lowest corner of the bounding box of the surface, m."""
    high: np.ndarray
    """(P, 3) float64 highest corner, m."""
    roughness: np.ndarray
    """(P,) float64: three standard deviations of the corners about the plane, m; 0 on clean models."""
    of_face: np.ndarray
    """(F,) int32: plane of each face of the scene, -1 for none."""


def find_planes(scene: Scene) -> Planes:
    """Group the triangles of a scene into planes, those with the most votes first, each fitted to the triangles near it.

    Triangles vote with their area for a direction and a distance. The winner is refined by a weighted least-squares fit
    (principal axes of the area moments of the triangles), its tolerance is set from the median residual, and its triangles are
    removed.
    """
    corners = scene.vertices[scene.faces].astype(np.float64)
    middle, area = corners.mean(1), scene.areas.astype(np.float64)
    normal = scene.normals.astype(np.float64)
    of_face = np.full(len(area), -1, np.int32)
    votes = _votes(normal, middle)
    order = np.argsort(votes, kind="stable")
    tally = np.bincount(votes, area)
    found: list[tuple[np.ndarray, float, np.ndarray]] = []
    while len(found) < MOST and tally.max() > 0.25 * SMALLEST_M2:
        winner = int(tally.argmax())
        first, last = np.searchsorted(votes, [winner, winner + 1], sorter=order)
        seed = order[first:last]
        seed = seed[(of_face[seed] < 0) & (area[seed] > 0)]
        tally[winner] = 0.0
        members = _grow(seed, middle, normal, area, corners, of_face)
        if area[members].sum() < SMALLEST_M2:
            continue
        of_face[members] = len(found)
        tally -= np.bincount(votes[members], area[members], len(tally))
        tally = np.maximum(tally, 0.0)
        found.append((*_fit(corners[members], area[members]), corners[members]))
    return _collect(found, of_face)


def _votes(normal: np.ndarray, middle: np.ndarray) -> np.ndarray:
    """Return the bin of direction (about 6 degrees) and distance (5 cm) for which each triangle votes; (F,) int64."""
    sign = np.where(np.take_along_axis(normal, np.abs(normal).argmax(1)[:, None], 1) < 0, -1.0, 1.0)
    coarse = np.round(normal * sign * 9.0).astype(np.int64)
    axis = coarse / np.maximum(np.linalg.norm(coarse, axis=1, keepdims=True), 1e-9)
    distance = np.round((axis * middle).sum(1) / 0.05).astype(np.int64)
    key = np.concatenate([coarse, distance[:, None]], 1)
    key -= key.min(0)
    return np.unique(np.ravel_multi_index(tuple(key.T), tuple(key.max(0) + 1)), return_inverse=True)[1]


def _grow(
    seed: np.ndarray, middle: np.ndarray, normal: np.ndarray, area: np.ndarray, corners: np.ndarray, of_face: np.ndarray
) -> np.ndarray:
    """Extend a seed of triangles to all unassigned triangles on its plane; return (K,) indices."""
    members, reach = seed, REACH_M
    for step in range(4):
        if len(members) == 0:
            return members
        axis, offset = _fit(corners[members], area[members])
        if step == 2:
            # Four robust standard deviations (median absolute deviation): millimetres for exact models, more for noisy scans.
            spread = np.abs(middle[members] @ axis - offset)
            reach = float(np.clip(4.0 * 1.4826 * _median(spread, area[members]), FINEST_M, REACH_M))
        near = np.abs(middle @ axis - offset) < reach
        members = np.flatnonzero(near & (of_face < 0) & (area > 0))
        members = members[np.abs(normal[members] @ axis) > SAME_WAY]
        members = members[(np.abs(corners[members] @ axis - offset) < 4.0 * reach).all(1)]
    return members


def _median(values: np.ndarray, weight: np.ndarray) -> float:
    order = np.argsort(values, kind="stable")
    total = np.cumsum(weight[order])
    return float(values[order][np.searchsorted(total, 0.5 * total[-1])])


def _fit(corners: np.ndarray, area: np.ndarray) -> tuple[np.ndarray, float]:
    """Fit a plane to (K, 3, 3) triangles: unit normal (3,) and offset, by their exact second area moments."""
    middle = corners.mean(1)
    centre = area @ middle / area.sum()
    points = np.concatenate([(corners - centre).reshape(-1, 3), middle - centre])
    # Quadrature that is exact for quadratics: 1/12 at each corner, 9/12 at the middle.
    weight = np.concatenate([np.repeat(area / 12.0, 3), area * 0.75])
    axis = np.linalg.eigh((points * weight[:, None]).T @ points)[1][:, 0]
    axis = axis * np.sign(axis[np.abs(axis).argmax()])
    return axis, float(axis @ centre)


def _collect(found: list[tuple[np.ndarray, float, np.ndarray]], of_face: np.ndarray) -> Planes:
    if not found:
        none = np.zeros((0, 3))
        return Planes(none, np.zeros(0), none, none, np.zeros(0), of_face)
    rough = [3.0 * float((c @ n - d).std()) for n, d, c in found]
    return Planes(
        normal=np.stack([n for n, _, _ in found]),
        offset=np.array([d for _, d, _ in found]),
        low=np.stack([c.min((0, 1)) for _, _, c in found]),
        high=np.stack([c.max((0, 1)) for _, _, c in found]),
        roughness=np.where(np.array(rough) > 1e-5, rough, 0.0),
        of_face=of_face,
    )
