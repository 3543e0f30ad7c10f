"""Rectilinear polygons on the floor: (N, 2) corners (x, z), ordered with the inside on the left seen from above.

Seen from above with +X to the right and +Z down the page, the left of direction (dx, dz) is (dz, -dx).
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise
from typing import NamedTuple

import numpy as np


class Rect(NamedTuple):
    """A rectangle on the floor, m."""

    x0: float
    z0: float
    x1: float
    z1: float

    @property
    def area(self) -> float:
        """Area, m^2."""
        return (self.x1 - self.x0) * (self.z1 - self.z0)

    @property
    def short(self) -> float:
        """Shorter side, m."""
        return min(self.x1 - self.x0, self.z1 - self.z0)


def outline(rects: Sequence[Rect]) -> np.ndarray:
    """Return the outline (N, 2) of touching rectangles whose union has no holes."""
    xs = sorted({v for r in rects for v in (r.x0, r.x1)})
    zs = sorted({v for r in rects for v in (r.z0, r.z1)})
    inside = {
        (i, k)
        for i in range(len(xs) - 1)
        for k in range(len(zs) - 1)
        for r in rects
        if r.x0 <= xs[i] and xs[i + 1] <= r.x1 and r.z0 <= zs[k] and zs[k + 1] <= r.z1
    }
    ahead: dict[tuple[int, int], tuple[int, int]] = {}
    for i, k in inside:
        # Ordered with the inside on the left, as the module defines it.
        for step, start, end in (
            ((0, -1), (i + 1, k), (i, k)), ((-1, 0), (i, k), (i, k + 1)),
            ((0, 1), (i, k + 1), (i + 1, k + 1)), ((1, 0), (i + 1, k + 1), (i + 1, k)),
        ):  # fmt: skip
            if (i + step[0], k + step[1]) not in inside:
                ahead[start] = end
    start = min(ahead)
    walk = [start]
    while ahead[walk[-1]] != start:
        walk.append(ahead[walk[-1]])
    points = np.array([(xs[i], zs[k]) for i, k in walk])
    before, after = points - np.roll(points, 1, 0), np.roll(points, -1, 0) - points
    return points[np.abs(before[:, 0] * after[:, 1] - before[:, 1] * after[:, 0]) > 1e-9]


def inset(polygon: np.ndarray, by: float) -> np.ndarray:
    """Move every side of a polygon (N, 2) inwards (outwards where negative) by a distance."""
    ahead = np.roll(polygon, -1, 0) - polygon
    ahead = ahead / np.linalg.norm(ahead, axis=1, keepdims=True)
    inward = np.stack([ahead[:, 1], -ahead[:, 0]], -1)
    return polygon + by * (inward + np.roll(inward, 1, 0))


def rectangles(polygon: np.ndarray) -> list[Rect]:
    """Divide a polygon into rectangles along the lines through its corners."""
    xs, zs = np.unique(polygon[:, 0]), np.unique(polygon[:, 1])
    cells = [Rect(x0, z0, x1, z1) for x0, x1 in pairwise(xs) for z0, z1 in pairwise(zs)]
    return [Rect(*map(float, c)) for c in cells if contains(polygon, np.array([[(c.x0 + c.x1) / 2, (c.z0 + c.z1) / 2]]))[0]]


def contains(polygon: np.ndarray, points: np.ndarray) -> np.ndarray:
    """Return which of (K, 2) points lie inside; (K,) bool."""
    x, z = points[:, 0, None], points[:, 1, None]
    a, b = polygon, np.roll(polygon, -1, 0)
    crosses = (a[:, 1] > z) != (b[:, 1] > z)
    # Only sides along z cross a line of constant z, so x is the same all along them.
    return (crosses & (x < np.maximum(a[:, 0], b[:, 0]))).sum(1) % 2 == 1


def covers(polygon: np.ndarray, rect: Rect) -> bool:
    """Return whether a rectangle lies wholly inside a polygon."""
    x, z = np.meshgrid(np.linspace(rect.x0, rect.x1, 3), np.linspace(rect.z0, rect.z1, 3))
    if not contains(polygon, np.stack([x.ravel(), z.ravel()], -1)).all():
        return False
    within = (polygon > [rect.x0, rect.z0]).all(1) & (polygon < [rect.x1, rect.z1]).all(1)
    return not within.any()


def area(polygon: np.ndarray) -> float:
    """Return the area, m^2."""
    x, z = polygon.T
    return float(abs(np.roll(x, -1) @ z - x @ np.roll(z, -1)) / 2)
