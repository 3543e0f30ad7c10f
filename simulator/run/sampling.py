"""Random geometry of one set: positions, headings and sources (Chen, Qian and Owens 2023, section 4)."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from dataset.angles import elevation, wrap_180
from simulator.camera.embree import InstanceFinder, depths, project, rays
from simulator.camera.view_camera import ViewCamera, draw_cameras
from simulator.config import Settings
from simulator.scene.model import Scene
from simulator.scene.walkable import Ground

COARSE = (32, 24)
"""Width and height of the depth pictures on which headings are checked, px."""
NEARBY_M = 0.25
"""Greatest horizontal distance of a view from the first with motion `nearby`."""
FREE_M = 2.0
"""Greatest distance of a view from the first with motion `free`."""
SOURCE_TRIES = 64
"""Fewest candidate points drawn for the sources of one position ..."""
TRIES_PER_SOURCE = 4
"""... and fewest for each source."""
SOURCE_CLEARANCE_M = 0.1
"""Free distance around a source, along the axes."""


@dataclass(frozen=True, eq=False)
class SetGeometry:
    """Poses of a set's views and positions of its sources; world frame, m, degrees."""

    positions: np.ndarray
    """(V, 3), of camera and ears."""
    headings_deg: np.ndarray
    """(V,) left positive, [0, 360)."""
    sources: np.ndarray
    """(S, 3)."""
    overlap: np.ndarray
    """(V,) shared surface of each view and the first: the smaller of both views' shares; 1 for the first view; NaN where it is
    not measured."""
    cameras: Sequence[ViewCamera]
    """V cameras."""


class Rejected(Exception):
    """No set could be drawn; `counts` holds the number of rejections by each rule."""

    def __init__(self, counts: Counter[str]) -> None:
        self.counts = +counts  # without rules that rejected nothing
        super().__init__("; ".join(f"{n} {reason}" for reason, n in self.counts.most_common()))


def draw_set(
    scene: Scene, places: Ground, settings: Settings, rng: np.random.Generator, visible: InstanceFinder | None = None
) -> SetGeometry:
    """Draw a position on the floor, headings, and sources in line of sight, until all rules of sampling hold.

    The cameras are drawn first, for the set and each candidate view. Positions are uniform over the floor, headings over the
    circle, sources over the disc around the listener and over height.
    visible: finder of annotated instances; where it is given, views must share instances instead of surface.
    Raise Rejected after `position_tries` positions.
    """
    counts: Counter[str] = Counter()
    cameras = draw_cameras(settings.camera, settings.sampling.heading_tries, rng.spawn(1)[0])
    for _ in range(settings.sampling.position_tries):
        floor = places.draw(rng)
        if floor is None:
            counts["positions without room to stand"] += 1
            continue
        views = _draw_views(scene, places, floor, cameras, settings, rng, counts, visible)
        if views is None:
            continue
        positions, headings, overlaps, chosen = views
        if places.enclosed(positions).any():
            counts["positions inside a solid"] += 1
            continue
        sources = draw_sources(scene, places, floor, positions, chosen, settings, rng, counts)
        if len(sources) < settings.sources:
            counts["positions with too few sources"] += 1
            continue
        return SetGeometry(positions, headings, sources[: settings.sources], overlaps, chosen)
    raise Rejected(counts)


def overlap(
    scene: Scene,
    from_position: np.ndarray,
    from_heading: float,
    depth: np.ndarray,
    position: np.ndarray,
    heading: float,
    from_camera: ViewCamera,
    camera: ViewCamera,
) -> float:
    """Return the share of one view's surface points, from its coarse depth (h, w), that are visible in the other view."""
    height, width = depth.shape
    hit = depth.ravel() > 0
    if not hit.any():
        return 0.0
    directions = rays(from_camera, from_heading, (0.5, 0.5), width, height)[hit]
    points = from_position + depth.ravel()[hit, None] * directions
    x, y, z = np.moveaxis(project(points, position, heading, camera), -1, 0)
    inside = (z > 0) & (x >= 0) & (x < camera.width_px) & (y >= 0) & (y < camera.height_px)
    if not np.array_equal(from_position, position):
        rows = np.flatnonzero(inside)
        inside[rows] = scene.bvh.visible(np.broadcast_to(position, (len(rows), 3)), points[rows], shrink=0.02)
    return float(inside.mean())


def _draw_views(
    scene: Scene,
    places: Ground,
    floor: np.ndarray,
    cameras: Sequence[ViewCamera],
    settings: Settings,
    rng: np.random.Generator,
    counts: Counter[str],
    visible: InstanceFinder | None,
) -> tuple[np.ndarray, np.ndarray, np.ndarray, list[ViewCamera]] | None:
    """Draw headings (and, with motion, positions) until enough views match the first; return None where too few do.

    Returns positions, headings, overlaps with the first, and cameras.
    """
    rules = settings.sampling
    headings = rng.uniform(0.0, 360.0, rules.heading_tries)
    positions = floor + _above(cameras)
    depth = depths(scene, positions, headings, cameras, *COARSE)
    rows = np.flatnonzero(_far_enough(depth, settings, counts))
    if len(rows) == 0:
        return None
    first = rows[0]
    if rules.motion != "rotation":
        rest = np.arange(first + 1, len(headings))
        positions[rest] = _moved(places, floor, settings, len(rest), rng) + _above([cameras[k] for k in rest])
        rest = rest[np.isfinite(positions[rest, 1])]
        depth[rest] = depths(scene, positions[rest], headings[rest], [cameras[k] for k in rest], *COARSE)
        rows = np.concatenate([rows[:1], rest[_far_enough(depth[rest], settings, counts)]])
    turn = np.abs(wrap_180(headings - headings[first]))
    shown = visible(positions[first], headings[first]) if visible else frozenset()
    chosen, shares = [first], [1.0]
    for k in rows[1:]:
        if not rules.min_turn_deg <= turn[k] <= rules.max_turn_deg:
            counts["headings outside the range of turns"] += 1
            continue
        share = min(
            overlap(scene, positions[a], headings[a], depth[a], positions[b], headings[b], cameras[a], cameras[b])
            for a, b in ((first, k), (k, first))
        )
        if visible is None and share < rules.min_overlap:
            counts["headings with too little overlap"] += 1
            continue
        if visible is not None and len(shown & visible(positions[k], headings[k])) < rules.min_shared_instances:
            counts["headings that share too few instances"] += 1
            continue
        chosen.append(k)
        shares.append(share)
        if len(chosen) == settings.views:
            return positions[chosen], headings[chosen], np.array(shares), [cameras[k] for k in chosen]
    counts["positions without enough views"] += 1
    return None


def _far_enough(depth: np.ndarray, settings: Settings, counts: Counter[str]) -> np.ndarray:
    """Return which of V coarse depth pictures (V, h, w) have surfaces far enough away; (V,) bool."""
    rules = settings.sampling
    far, mean = depth.max((1, 2)), depth.mean((1, 2))
    counts["headings with nothing far enough"] += int((far < rules.min_depth_max_m).sum())
    counts["headings too near to a surface"] += int((mean < rules.min_depth_mean_m).sum())
    return np.asarray((far >= rules.min_depth_max_m) & (mean >= rules.min_depth_mean_m))


def _above(cameras: Sequence[ViewCamera]) -> np.ndarray:
    """Return the offsets (V, 3) of V cameras from the floor."""
    return np.array([0.0, 1.0, 0.0]) * np.array([camera.height_m for camera in cameras])[:, None]


def _moved(places: Ground, floor: np.ndarray, settings: Settings, count: int, rng: np.random.Generator) -> np.ndarray:
    """Draw floor points of further views around the first view's, (count, 3); NaN where there is no free floor."""
    out = np.full((count, 3), np.nan)
    for k in range(count):
        if settings.sampling.motion == "nearby":
            angle, reach = rng.random() * 2 * np.pi, NEARBY_M * np.sqrt(rng.random())
            moved = places.stand(floor + reach * np.array([np.cos(angle), 0.0, np.sin(angle)]))
        else:
            moved = places.draw(rng, near=floor, within_m=FREE_M)
        if moved is not None:
            out[k] = moved
    return out


def draw_sources(
    scene: Scene,
    places: Ground,
    floor: np.ndarray,
    positions: np.ndarray,
    cameras: Sequence[ViewCamera],
    settings: Settings,
    rng: np.random.Generator,
    counts: Counter[str],
) -> np.ndarray:
    """Draw candidates for sources in line of sight of every view's ears, and return those that all rules allow, (N, 3)."""
    rules, tries = settings.sampling, max(SOURCE_TRIES, TRIES_PER_SOURCE * settings.sources)
    angle = rng.random(tries) * 2 * np.pi
    radius = rules.max_source_distance_m * np.sqrt(rng.random(tries))
    height = rng.uniform(rules.min_source_height_m, rules.max_source_height_m, tries)
    points = floor + np.stack([radius * np.cos(angle), height, radius * np.sin(angle)], -1)
    offset = points[:, None] - positions
    distance = np.linalg.norm(offset, axis=-1)
    within = ((distance >= rules.min_source_distance_m) & (distance <= rules.max_source_distance_m)).all(1)
    level = (np.abs(elevation(offset)) <= rules.max_elevation_deg).all(1)
    points = _kept(points, within, "sources too near or too far", counts)
    points = _kept(points, level[within], "sources too steep", counts)
    for position, below in np.unique(np.stack([positions, positions - _above(cameras)], 1), axis=0):
        seen = scene.bvh.visible(np.broadcast_to(position, points.shape), points)
        points = _kept(points, seen, "sources hidden from a view", counts)
        reached = places.straight(below, points)
        points = _kept(points, reached, "sources off the navmesh's reach", counts)
    points = _kept(points, _free_around(scene, points), "sources too near to a surface", counts)
    return _kept(points, _indoors(scene, places, points), "sources outside the house", counts)


def _kept(points: np.ndarray, holds: np.ndarray, rule: str, counts: Counter[str]) -> np.ndarray:
    """Return those of (N, 3) points for which a rule holds, (N,) bool; the others are counted under the rule's name."""
    counts[rule] += int((~holds).sum())
    return points[holds]


def _free_around(scene: Scene, points: np.ndarray) -> np.ndarray:
    """Return which of (N, 3) points have no surface within SOURCE_CLEARANCE_M along the axes; (N,) bool."""
    ends = points[:, None] + SOURCE_CLEARANCE_M * np.concatenate([np.eye(3), -np.eye(3)])
    starts = np.broadcast_to(points[:, None], ends.shape)
    free = scene.bvh.visible(starts.reshape(-1, 3), ends.reshape(-1, 3), shrink=0.0)
    return np.asarray(free.reshape(-1, 6).all(1))


def _indoors(scene: Scene, places: Ground, points: np.ndarray) -> np.ndarray:
    """Return which of (N, 3) points have a surface below and, in a scene with ceilings, above; (N,) bool."""
    inside = np.ones(len(points), bool)
    for vertical in (-1.0, 1.0) if places.roofed else (-1.0,):
        ray = np.broadcast_to([0.0, vertical, 0.0], points.shape)
        inside &= scene.bvh.closest(points, ray).face >= 0
    return inside
