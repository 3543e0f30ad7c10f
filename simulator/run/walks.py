"""Random walks of listeners and sources through a scene, for sets that are stretches of time."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass

import numpy as np

from simulator.camera.view_camera import ViewCamera, draw_cameras
from simulator.config import WALK, Settings
from simulator.motion.path import Gait, length, rounded, turn_on_the_spot, walk_along
from simulator.motion.trajectory import Trajectory
from simulator.run.sampling import Rejected, draw_sources
from simulator.scene.model import Scene
from simulator.scene.walkable import STEP_M, Ground

LEG_M = (0.8, 6.0)
"""Shortest and longest straight piece of a walk."""
SHARPEST_DEG = (100.0, 180.0)
"""Largest turn from one piece to the next; the second where no piece with the first is found: then someone turns round."""
LEG_TRIES = 20
"""Ends tried for each piece and largest turn."""
BEND_M = 0.5
"""Distance from a corner at which its bend begins."""
CHECK_M, COARSE_M = 0.1, 0.3
"""Distance between the points of a path where someone must be able to stand, and between those of a piece that is tried."""
SHORTEST_SHARE = 0.8
"""Least length of a walk, as a share of the longest that its duration allows."""
SOURCE_TRIES = 20
"""Tries for each source of a walk."""
WATCH_S = 0.05
"""Time between two checks of the distance of listener and sources."""


@dataclass(frozen=True, eq=False)
class WalkGeometry:
    """Listener, sources and cameras of one walk, scene frame, m."""

    listener: Trajectory
    sources: tuple[Trajectory, ...]
    cameras: list[ViewCamera]
    """One for each moment, all alike."""


def draw_walk(scene: Scene, places: Ground, settings: Settings, rng: np.random.Generator) -> WalkGeometry:
    """Draw a listener's walk, or turns on the spot, and sources that stand or walk, until all rules hold.

    Every source is in sight of the listener at one moment at least, and never nearer than min_source_distance_m. Raise Rejected
    after `position_tries` positions.
    """
    counts: Counter[str] = Counter()
    cameras = draw_cameras(settings.camera, settings.moments, rng.spawn(1)[0])
    up = np.array([0.0, cameras[0].height_m, 0.0])
    standing = rng.random() < settings.motion.standing_share
    for _ in range(settings.sampling.position_tries):
        floor = places.draw(rng)
        if floor is None:
            counts["positions without room to stand"] += 1
            continue
        ground = _turns(floor, settings, rng) if standing else _walk(places, floor, settings, rng)
        if ground is None:
            counts["positions without a way to walk"] += 1
            continue
        listener = ground.moved(-up)
        if places.enclosed(listener.position(np.array([0.0, settings.clips.stretch_s]))).any():
            counts["positions inside a solid"] += 1
            continue
        sources = _sources(_Around(scene, places, listener, cameras[0], settings), rng, counts)
        if sources is None:
            counts["walks with too few sources"] += 1
            continue
        return WalkGeometry(listener, sources, cameras)
    raise Rejected(counts)


def _gait(settings: Settings, rng: np.random.Generator) -> Gait:
    motion = settings.motion
    return Gait(motion.max_speed_m_s * rng.uniform(0.5, 1.0), motion.max_acceleration_m_s2, motion.max_turn_deg_s)


def _turns(floor: np.ndarray, settings: Settings, rng: np.random.Generator) -> Trajectory | None:
    """Draw turns on the spot, on a floor point (3,)."""
    gait = _gait(settings, rng)
    return turn_on_the_spot(floor, rng.uniform(0.0, 360.0), settings.clips.stretch_s, gait, rng)


def _walk(places: Ground, floor: np.ndarray, settings: Settings, rng: np.random.Generator) -> Trajectory | None:
    """Draw a walk over the floor from a point (3,); None where there is no way of sufficient length."""
    gait = _gait(settings, rng)
    longest = gait.speed_m_s * settings.clips.stretch_s
    corners = [floor]
    while length(np.stack(corners)) < longest:
        end = _leg(places, corners, rng)
        if end is None:
            break
        corners.append(end)
    if len(corners) < 2 or length(np.stack(corners)) < SHORTEST_SHARE * longest:
        return None
    points = _on_floor(places, rounded(np.stack(corners), BEND_M))
    return None if points is None else walk_along(points, gait)


def _leg(places: Ground, corners: list[np.ndarray], rng: np.random.Generator) -> np.ndarray | None:
    """Draw the end (3,) of the next straight piece after the corners so far; None where all tries fail."""
    start = corners[-1]
    for sharpest in np.repeat(SHARPEST_DEG, LEG_TRIES):
        end = places.draw(rng, near=start, within_m=LEG_M[1])
        if end is None or length(np.stack([start, end])) < LEG_M[0]:
            continue
        if len(corners) > 1 and _turn_deg(corners[-2], start, end) > sharpest:
            continue
        if _on_floor(places, rounded(np.stack([start, end]), 0.0), COARSE_M) is not None:
            return end
    return None


def _turn_deg(before: np.ndarray, corner: np.ndarray, after: np.ndarray) -> float:
    a, b = (corner - before)[[0, 2]], (after - corner)[[0, 2]]
    return float(np.rad2deg(np.abs(np.arctan2(a[0] * b[1] - a[1] * b[0], a @ b))))


def _on_floor(places: Ground, points: np.ndarray, apart_m: float = CHECK_M) -> np.ndarray | None:
    """Return the points (N, 3) of a path at the height of the floor; None where one cannot stand everywhere along it."""
    every = max(1, round(apart_m / max(length(points) / (len(points) - 1), 1e-9)))
    rows = np.unique(np.append(np.arange(0, len(points), every), len(points) - 1))
    heights: list[float] = []
    for row in rows:
        point = points[row] if not heights else np.array([points[row, 0], heights[-1], points[row, 2]])
        found = places.stand(point)
        if found is None or abs(found[1] - point[1]) > STEP_M:
            return None
        heights.append(float(found[1]))
    return np.stack([points[:, 0], np.interp(np.arange(len(points)), rows, heights), points[:, 2]], 1)


@dataclass(frozen=True, eq=False)
class _Around:
    """What the sources of a walk are placed around."""

    scene: Scene
    places: Ground
    listener: Trajectory
    camera: ViewCamera
    """That of the listener's first moment."""
    settings: Settings


def _sources(around: _Around, rng: np.random.Generator, counts: Counter[str]) -> tuple[Trajectory, ...] | None:
    """Draw the sources of a walk; None where one of them does not fit."""
    draw = _walking_source if around.settings.motion.sources == WALK else _standing_source
    clock = np.arange(0.0, around.settings.clips.stretch_s + WATCH_S, WATCH_S)
    out: list[Trajectory] = []
    for _ in range(around.settings.sources):
        for _ in range(SOURCE_TRIES):
            source = draw(around, rng, counts)
            if source is None:
                continue
            away = np.linalg.norm(around.listener.position(clock) - source.position(clock), axis=1)
            if away.min() >= around.settings.sampling.min_source_distance_m:
                break
            counts["sources that the listener comes too near to"] += 1
        else:
            return None
        assert source is not None
        out.append(source)
    return tuple(out)


def _standing_source(around: _Around, rng: np.random.Generator, counts: Counter[str]) -> Trajectory | None:
    """Draw a source as for sets without motion, around the listener at a random moment."""
    head = around.listener.position(np.array(rng.uniform(0.0, around.settings.clips.stretch_s)))
    floor = head - [0.0, around.camera.height_m, 0.0]
    found = draw_sources(around.scene, around.places, floor, head[None], [around.camera], around.settings, rng, counts)
    return Trajectory(0.0, found[0]) if len(found) else None


def _walking_source(around: _Around, rng: np.random.Generator, counts: Counter[str]) -> Trajectory | None:
    """Draw a source that walks, from a place in sight of the listener at the beginning."""
    rules = around.settings.sampling
    head = around.listener.position(np.array(0.0))
    start = around.places.draw(rng, near=head - [0.0, around.camera.height_m, 0.0], within_m=rules.max_source_distance_m)
    up = np.array([0.0, rng.uniform(rules.min_source_height_m, rules.max_source_height_m), 0.0])
    if start is None or not around.scene.bvh.visible(head[None], (start + up)[None])[0]:
        counts["sources hidden from the first view"] += 1
        return None
    ground = _walk(around.places, start, around.settings, rng)
    if ground is None:
        counts["sources without a way to walk"] += 1
        return None
    return ground.moved(-up)
