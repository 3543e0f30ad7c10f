"""Positions for a listener: on the floor of a storey, with clearance for head and body, inside the building."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from typing import Protocol

import numpy as np

from simulator.config import Settings
from simulator.errors import InputError
from simulator.kernels import kernel
from simulator.scene.bvh import Bvh
from simulator.scene.model import Scene
from simulator.scene.plausible import factor_for
from simulator.scene.solids import inside_solid

LINES = 6000
"""Number of vertical lines along which floors are searched."""
LAYERS = 24
LEVEL = 0.9
"""Vertical part of a floor's normal: up to 26 degrees of slope."""
HEAD_ROOM_M = 0.2
"""Free height above the ears."""
BODY_HEIGHTS_M = (0.35, 0.9, 1.5)
STOREY_M = 1.9
"""Floors less than this above a larger floor are furniture, not storeys."""
STEP_M = 0.2
"""Ground higher than this above the lowest ground near it is furniture."""
NEAR_M = 1.0
LAYER_M = 3 * STEP_M
"""Ground is compared within this height: further below is another storey."""
MOST_WITHIN = 0.5
"""If a greater share of the places seems to be inside solids, the triangles of the rooms face the other way, and none is."""
SMALLEST_SHARE = 0.1
"""A storey has at least this share of the largest storey's floor."""


class Ground(Protocol):
    """Positions for a listener in one scene: Places here, habitat-sim's navmesh in simulator/habitat/camera.py."""

    @property
    def roofed(self) -> bool:
        """Whether the scene has ceilings, so that a place without one is outside."""

    def draw(self, rng: np.random.Generator, near: np.ndarray | None = None, within_m: float = np.inf) -> np.ndarray | None:
        """Draw a floor point (3,), evenly over the floor (within a distance of `near`); None if the draw failed."""

    def stand(self, near: np.ndarray) -> np.ndarray | None:
        """Return the floor point (3,) under a point some centimetres off the floor if one can stand there, else None."""

    def enclosed(self, positions: np.ndarray) -> np.ndarray:
        """Return which of (N, 3) positions of a listener's ears are inside closed solids; (N,) bool."""

    def straight(self, floor: np.ndarray, points: np.ndarray) -> np.ndarray:
        """Return which of (N, 3) points visible to a listener on a floor point (3,) may be sources; (N,) bool."""


@dataclass(frozen=True, eq=False)
class Places:
    """The positions of a scene, found along vertical lines."""

    scene: Scene
    floor: np.ndarray
    """(N, 3) points on the floor, world frame, m."""
    spacing_m: float
    """Mean distance between them; a drawn position lies within half of it from one of them."""
    roofed: bool
    """Whether the scene has ceilings, so that a place without one is outside."""
    ear_height_m: float
    clearance_m: float
    oriented: bool
    """Whether triangles face the rooms, so that a place behind them is inside a solid."""
    rejected: Counter[str]
    """Number of candidates that failed each rule."""

    def draw(self, rng: np.random.Generator, near: np.ndarray | None = None, within_m: float = np.inf) -> np.ndarray | None:
        """Draw a floor point (3,), evenly over the floor (within a distance of `near`); None if the draw failed."""
        points = self.floor
        if near is not None:
            points = points[np.linalg.norm(points - near, axis=1) <= within_m]
        if len(points) == 0:
            return None
        base = points[rng.integers(len(points))]
        beside = base + np.array([*(rng.random(2) - 0.5) * self.spacing_m, 0.0])[[0, 2, 1]]
        place = self.stand(beside)
        return place if place is None or near is None or np.linalg.norm(place - near) <= within_m else None

    def stand(self, near: np.ndarray) -> np.ndarray | None:
        """Return the floor point (3,) under a point some centimetres off the floor if one can stand there, else None."""
        above = near + [0.0, STEP_M, 0.0]
        hit = self.scene.bvh.closest(above[None], np.array([[0.0, -1.0, 0.0]]))
        if not hit.distance[0] < 2 * STEP_M:
            return None
        floor = above - [0.0, float(hit.distance[0]), 0.0]
        reason = _obstacles(self.scene.bvh, floor[None], self.ear_height_m, self.clearance_m, self.roofed)[0]
        return floor if reason == "" else None

    def enclosed(self, positions: np.ndarray) -> np.ndarray:
        """Return which of (N, 3) positions are inside closed solids; (N,) bool."""
        return inside_solid(self.scene, positions) if self.oriented else np.zeros(len(positions), bool)

    def straight(self, floor: np.ndarray, points: np.ndarray) -> np.ndarray:
        """Accept all visible points: a source may stand on a table."""
        return np.ones(len(points), bool)


def find_places(scene: Scene, settings: Settings, rng: np.random.Generator) -> Places:
    """Find the positions in a scene; raise InputError with the counts of rejected candidates if there are none."""
    ear, clearance = settings.camera.highest_m, settings.sampling.clearance_m
    points, candidates = _level_ground(scene, rng)
    rejected: Counter[str] = Counter()
    if len(points) == 0:
        raise InputError(_nowhere(scene, candidates, rejected))
    up = scene.bvh.closest(points + [0.0, 0.01, 0.0], np.broadcast_to([0.0, 1.0, 0.0], points.shape)).distance
    roofed = bool((np.isfinite(up) & (up > 1.9)).sum() > 0.2 * len(points))
    reasons = _obstacles(scene.bvh, points, ear, clearance, roofed)
    # A surface close below another one is the inside of a slab or of furniture, not ground.
    furniture = _raised(points, (reasons != "outside the house") & (up > LAYER_M))
    reasons = np.where((reasons == "") & furniture, "on furniture or off the storeys' floors", reasons)
    rejected.update(str(r) for r in reasons[reasons != ""])
    floor = points[reasons == ""]
    if len(floor) == 0:
        raise InputError(_nowhere(scene, candidates, rejected))
    _check_ceilings(scene, up[reasons == ""], settings.sampling.max_ceiling_m)
    low, high = scene.bounds
    oriented = bool(inside_solid(scene, floor + [0.0, ear, 0.0]).mean() <= MOST_WITHIN)
    spacing = float(np.sqrt((high[0] - low[0]) * (high[2] - low[2]) / LINES))
    return Places(scene, floor, spacing, roofed, ear, clearance, oriented, rejected)


def _level_ground(scene: Scene, rng: np.random.Generator) -> tuple[np.ndarray, int]:
    """Return points of level surfaces along vertical lines, (N, 3), and the number of all surfaces hit."""
    low, high = scene.bounds.astype(np.float64)
    at = low + rng.random((LINES, 3)) * (high - low)
    at[:, 1] = high[1] + 1.0
    down = np.array([0.0, -1.0, 0.0])
    found, met = [], 0
    for _ in range(LAYERS):
        hits = scene.bvh.closest(at, np.broadcast_to(down, at.shape))
        alive = hits.face >= 0
        if not alive.any():
            break
        at = at[alive] + hits.distance[alive, None] * down
        met += len(at)
        found.append(at[np.abs(scene.normals[hits.face[alive], 1]) > LEVEL])
        at = at + 0.01 * down
    return (np.concatenate(found) if found else np.zeros((0, 3))), met


def _obstacles(bvh: Bvh, floor: np.ndarray, ear_m: float, clearance_m: float, roofed: bool) -> np.ndarray:
    """Return why a listener cannot stand at each of (N, 3) floor points: (N,) text, empty where one can."""
    reasons = np.full(len(floor), "", dtype="<U48")
    up = np.broadcast_to([0.0, 1.0, 0.0], floor.shape)
    overhead = bvh.closest(floor + [0.0, 0.01, 0.0], up).distance
    reasons[overhead < ear_m + HEAD_ROOM_M] = "no head room"
    if roofed:
        reasons[(reasons == "") & ~np.isfinite(overhead)] = "outside the house"
    rows = np.flatnonzero(reasons == "")
    angle = np.arange(16) * (2 * np.pi / 16)
    around = np.stack([np.cos(angle), np.zeros(16), np.sin(angle)], -1)
    heights = [min(h, ear_m) for h in BODY_HEIGHTS_M]
    origins = floor[rows, None, None] + np.array([[0.0, h, 0.0] for h in heights])[None, :, None]
    origins = np.broadcast_to(origins, (len(rows), len(heights), 16, 3)).reshape(-1, 3)
    directions = np.broadcast_to(around, (len(rows), len(heights), 16, 3)).reshape(-1, 3)
    reach = bvh.closest(origins, directions).distance.reshape(len(rows), len(heights), 16)
    reasons[rows[(reach < clearance_m).any((1, 2))]] = "too near to a wall or furniture"
    walled = np.isfinite(reach[:, -1]).mean(1)
    reasons[rows[walled < 0.7]] = "outside the house"
    return reasons


def _raised(points: np.ndarray, ground: np.ndarray) -> np.ndarray:
    """Return which of (N, 3) level points lie on furniture instead of a storey's floor, given which may be ground; (N,) bool."""
    storeys = _storeys(points[ground, 1]) if ground.any() else []
    off = np.ones(len(points), bool)
    for height in storeys:
        off &= np.abs(points[:, 1] - height) > 2 * STEP_M
    # Terrain outside may be lower than the floor behind the wall, so only points inside count.
    order = np.flatnonzero(ground)[np.argsort(points[ground, 0], kind="stable")]
    lowest = _lowest_near(points, points[order])
    return off | (points[:, 1] - lowest > STEP_M)


@kernel()
def _lowest_near(points: np.ndarray, ground: np.ndarray) -> np.ndarray:
    """Return the height of the lowest ground (M, 3), sorted by x, around each of (N, 3) points; its own if there is none."""
    out = np.empty(len(points))
    for k in range(len(points)):
        x, y, z = points[k, 0], points[k, 1], points[k, 2]
        lowest = y
        for g in range(np.searchsorted(ground[:, 0], x - NEAR_M), len(ground)):
            dx, dy, dz = ground[g, 0] - x, ground[g, 1] - y, ground[g, 2] - z
            if dx > NEAR_M:
                break
            if -LAYER_M < dy < 0.0 and dx * dx + dz * dz < NEAR_M * NEAR_M:
                lowest = min(lowest, ground[g, 1])
        out[k] = lowest
    return out


def _storeys(heights: np.ndarray) -> list[float]:
    """Return the heights of the storeys: the most frequent levels, none within a storey's height of another."""
    bins = np.round(heights / 0.1).astype(np.int64)
    levels, counts = np.unique(bins, return_counts=True)
    chosen: list[float] = []
    for k in np.argsort(-counts, kind="stable"):
        height = levels[k] * 0.1
        if counts[k] < SMALLEST_SHARE * counts.max():
            break
        if all(abs(height - other) > STOREY_M for other in chosen):
            chosen.append(height)
    return chosen


def _check_ceilings(scene: Scene, heights: np.ndarray, highest: float) -> None:
    """Raise InputError if ceilings at heights (N,) above the floor, infinite without one, are too high for a room in metres."""
    roofed = heights[np.isfinite(heights)]
    if len(roofed) and (height := float(np.median(roofed))) > highest:
        raise InputError(
            f"scene {scene.name} has ceilings {height:.3g} m above its floor (median); if its unit is not the metre, use "
            f"--scale {factor_for(height):g}; for a hall of this height, --set sampling.max_ceiling_m={np.ceil(height):g}"
        )


def _nowhere(scene: Scene, candidates: int, rejected: Counter[str]) -> str:
    why = "; ".join(f"{count} {reason}" for reason, count in rejected.most_common()) or "none of them level"
    extent = scene.bounds[1] - scene.bounds[0]
    size = " x ".join(f"{s:.3g}" for s in extent)
    factor = factor_for(max(float(extent[1]), 1e-12))
    hint = f"; its height suggests --scale {factor:g}" if not 1.0 <= extent[1] <= 25.0 and factor != 1.0 else ""
    return (
        f"scene {scene.name} ({size} m) has no place to stand: of {candidates} surfaces below vertical lines, {why}; "
        f"check that it is in metres with +Y up and has a floor{hint}"
    )
