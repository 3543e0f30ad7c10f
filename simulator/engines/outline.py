"""A room as a vertical prism: a polygon with a flat floor and ceiling."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np


@dataclass(frozen=True, eq=False)
class Outline:
    """A vertical prism; its plan has coordinates (x, -z), m, which are right-handed as seen from above."""

    corners: np.ndarray
    """(W, 2) float64: counter-clockwise; wall k runs from corner k to the next."""
    floor_m: float
    ceiling_m: float
    """Heights (y) in the world frame."""

    @property
    def lengths(self) -> np.ndarray:
        """(W,) lengths of the walls, m."""
        return np.linalg.norm(np.roll(self.corners, -1, 0) - self.corners, axis=1)

    @property
    def ground_m2(self) -> float:
        """Area of the floor."""
        return abs(signed_area(self.corners))

    @property
    def areas(self) -> np.ndarray:
        """(W + 2,) areas of walls, floor and ceiling, m^2."""
        return np.append(self.lengths * (self.ceiling_m - self.floor_m), [self.ground_m2] * 2)

    @property
    def volume_m3(self) -> float:
        """Volume."""
        return self.ground_m2 * (self.ceiling_m - self.floor_m)

    @property
    def mean_free_path_m(self) -> float:
        """Mean distance between reflections in a diffuse field, 4 V / S (Kosten 1960), m."""
        return float(4.0 * self.volume_m3 / self.areas.sum())

    def clearance(self, point: np.ndarray) -> float:
        """Return the distance of a point (3,) inside from the nearest surface, m."""
        along = np.roll(self.corners, -1, 0) - self.corners
        to = plan_of(point) - self.corners
        share = np.clip((to * along).sum(1) / np.maximum((along**2).sum(1), 1e-12), 0.0, 1.0)
        walls = np.linalg.norm(to - share[:, None] * along, axis=1)
        return float(min(walls.min(), point[1] - self.floor_m, self.ceiling_m - point[1]))

    def holds(self, points: np.ndarray) -> np.ndarray:
        """Return which of (N, 3) points, world frame, lie inside; (N,) bool."""
        level = (points[:, 1] > self.floor_m) & (points[:, 1] < self.ceiling_m)
        return level & encloses(self.corners, plan_of(points))

    def leave(self, points: np.ndarray, directions: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Return where rays (N, 3) from inside leave: surface (N,) int (W: floor, W + 1: ceiling) and distance (N,), m."""
        start, way = plan_of(points)[:, None], plan_of(directions)[:, None]
        along = np.roll(self.corners, -1, 0) - self.corners
        to = self.corners - start
        with np.errstate(divide="ignore", invalid="ignore"):
            turn = cross(way, along)
            reach = cross(to, along) / turn
            place = cross(to, way) / turn
            rise = np.where(directions[:, 1] > 0, self.ceiling_m, self.floor_m) - points[:, 1]
            vertical = rise / directions[:, 1]
        hit = (reach > 0) & (place >= -1e-9) & (place <= 1 + 1e-9)
        reach = np.where(hit, reach, np.inf)
        wall = reach.argmin(1)
        distance = reach[np.arange(len(wall)), wall]
        vertical = np.where(np.isfinite(vertical), vertical, np.inf)
        flat = vertical < distance
        count = len(self.corners)
        return np.where(flat, count + (directions[:, 1] > 0), wall), np.minimum(distance, vertical)


def plan_of(points: np.ndarray) -> np.ndarray:
    """Return the coordinates (..., 2) in plan of points or directions (..., 3)."""
    return points[..., [0, 2]] * [1.0, -1.0]


def encloses(corners: np.ndarray, points: np.ndarray) -> np.ndarray:
    """Return which of (N, 2) points lie in a polygon: crossing number."""
    a, b = corners, np.roll(corners, -1, 0)
    x, y = points[:, None, 0], points[:, None, 1]
    crosses = (a[:, 1] > y) != (b[:, 1] > y)
    with np.errstate(divide="ignore", invalid="ignore"):
        at = a[:, 0] + (y - a[:, 1]) / (b[:, 1] - a[:, 1]) * (b[:, 0] - a[:, 0])
    return np.asarray((crosses & (x < at)).sum(1) % 2 == 1)


def is_simple(corners: np.ndarray) -> bool:
    """Return whether no two sides of a polygon cross."""
    a, b = corners, np.roll(corners, -1, 0)
    one = cross(b - a, a[:, None] - a), cross(b - a, b[:, None] - a)
    crossing = (one[0] * one[1] < 0) & (one[0].T * one[1].T < 0)
    return not crossing.any() and signed_area(corners) > 0


def signed_area(corners: np.ndarray) -> float:
    """Return the area of a polygon (N, 2), positive where it runs counter-clockwise."""
    return 0.5 * float(cross(corners, np.roll(corners, -1, 0)).sum())


def cross(a: np.ndarray, b: np.ndarray) -> np.ndarray:
    """Return the cross product of vectors (..., 2)."""
    return a[..., 0] * b[..., 1] - a[..., 1] * b[..., 0]
