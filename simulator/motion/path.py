"""How someone walks along a path, or turns on the spot: bounded speed, acceleration and rate of turning."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy.ndimage import uniform_filter1d

from simulator.motion.trajectory import Trajectory

POINT_M = 0.02
"""Distance between the points of a path."""
MOMENT_S = 0.1
"""Time between the moments of a trajectory, over which speed, acceleration and turning are bounded."""
FINE = 10
"""Headings averaged for each moment."""
LEVEL_M = 0.6
"""Length of a path over which the height of the floor is averaged: heads do not follow thresholds and rugs."""
LOOK_S = 0.3
"""Time over which headings are averaged, so that turning begins and ends gradually."""
PAUSE_S = (0.3, 1.0)
"""Shortest and longest pause between two turns on the spot."""
TURN_DEG = (30.0, 180.0)
"""Smallest and largest turn on the spot."""


@dataclass(frozen=True)
class Gait:
    """Bounds of a movement, each over MOMENT_S."""

    speed_m_s: float
    acceleration_m_s2: float
    turn_deg_s: float


def rounded(corners: np.ndarray, radius_m: float) -> np.ndarray:
    """Return the points (N, 3) of a path through corners (K, 3), about POINT_M apart in the horizontal plane.

    Bends are quadratic Bezier curves that begin `radius_m` before a corner, or half-way to the next corner.
    """
    pieces = [corners[:1]]
    for before, corner, after in zip(corners[:-2], corners[1:-1], corners[2:], strict=True):
        near = [min(1.0, radius_m / length(np.stack([corner, end]))) for end in (before, after)]
        enter, leave = (corner + min(share, 0.5) * (end - corner) for share, end in zip(near, (before, after), strict=True))
        t = np.linspace(0.0, 1.0, 33)[:, None]
        pieces.append((1 - t) ** 2 * enter + 2 * t * (1 - t) * corner + t**2 * leave)
    points = np.concatenate([*pieces, corners[-1:]])
    along = _along(points)
    keep = np.concatenate([[True], np.diff(along) > 1e-9])
    even = np.linspace(0.0, along[-1], max(2, round(along[-1] / POINT_M) + 1))
    return np.stack([np.interp(even, along[keep], points[keep, axis]) for axis in range(3)], 1)


def length(points: np.ndarray) -> float:
    """Return the horizontal length of a path (N, 3), m."""
    return float(_along(points)[-1])


def walk_along(points: np.ndarray, gait: Gait) -> Trajectory:
    """Return how someone walks along the points (N, 3) of a smooth path, from rest to rest, facing the way.

    Bends are walked as slowly as their curvature requires. The path is followed exactly in the horizontal plane.
    """
    along = _along(points)
    step = along[1]
    heading = np.unwrap(np.arctan2(-np.gradient(points[:, 0]), -np.gradient(points[:, 2])))
    turned = np.pad(np.abs(np.diff(heading)) / step, 1)
    bend = np.maximum(np.maximum(turned[:-1], turned[1:]), 1e-9)  # the larger of both sides: where someone turns round, it jumps
    push = gait.acceleration_m_s2 / np.sqrt(2.0)  # along the path and across it
    limit = np.minimum(gait.speed_m_s, np.minimum(np.deg2rad(gait.turn_deg_s) / bend, np.sqrt(push / bend)))
    square = limit**2
    square[[0, -1]] = 0.0
    for k in range(1, len(square)):
        square[k] = min(square[k], square[k - 1] + 2.0 * push * step)
    for k in range(len(square) - 2, -1, -1):
        square[k] = min(square[k], square[k + 1] + 2.0 * push * step)
    speed = np.sqrt(square)
    clock = np.concatenate([[0.0], np.cumsum(2.0 * step / (speed[1:] + speed[:-1]))])
    level = uniform_filter1d(points[:, 1], max(1, round(LEVEL_M / step)), mode="nearest")
    smooth = np.stack([points[:, 0], level, points[:, 2]], 1)
    return _within(clock, smooth, np.rad2deg(heading), gait)


def turn_on_the_spot(
    position: np.ndarray, heading_deg: float, duration_s: float, gait: Gait, rng: np.random.Generator
) -> Trajectory:
    """Return how someone stands at a position (3,) and turns by random angles, with pauses, for at least a duration."""
    clock, heading = [0.0], [heading_deg]
    while clock[-1] < duration_s:
        angle = rng.uniform(*TURN_DEG) * rng.choice([-1.0, 1.0])
        takes = np.pi / 2 * abs(angle) / gait.turn_deg_s
        t = np.linspace(0.0, 1.0, max(2, round(takes / MOMENT_S) + 1))[1:]
        heading += list(heading[-1] + angle * (1.0 - np.cos(np.pi * t)) / 2)
        clock += list(clock[-1] + takes * t)
        clock.append(clock[-1] + rng.uniform(*PAUSE_S))
        heading.append(heading[-1])
    return _within(np.array(clock), np.repeat(position[None], len(clock), 0), np.array(heading), gait)


def paces(time_s: np.ndarray, position: np.ndarray, heading_deg: np.ndarray) -> tuple[float, float, float]:
    """Return the greatest speed, m/s, acceleration, m/s^2, and rate of turning, degrees/s, between even moments (N,)."""
    step = time_s[1] - time_s[0]
    velocity = np.diff(position, axis=0) / step
    change = np.diff(velocity, axis=0) / step
    turn = np.abs(np.diff(heading_deg)).max() / step
    return float(np.linalg.norm(velocity, axis=1).max()), float(np.linalg.norm(change, axis=1).max()), float(turn)


def _within(clock: np.ndarray, position: np.ndarray, heading_deg: np.ndarray, gait: Gait) -> Trajectory:
    """Return the trajectory through positions and headings at times (N,), slowed down until it keeps to a gait."""
    slower = 1.0
    while True:
        # One moment before the start, and two at the end: cubics through moments at rest begin and end at rest.
        moments = np.arange(-1, np.ceil(slower * clock[-1] / MOMENT_S) + 2) * MOMENT_S
        at = moments / slower
        place = np.stack([np.interp(at, clock, position[:, axis]) for axis in range(3)], 1)
        fine = np.arange(len(moments) * FINE) * (MOMENT_S / FINE) - MOMENT_S
        seen = np.interp(fine / slower, clock, heading_deg)
        turned = uniform_filter1d(seen, round(FINE * LOOK_S / MOMENT_S) | 1, mode="nearest")[::FINE]
        speed, push, turn = paces(moments, place, turned)
        excess = max(speed / gait.speed_m_s, np.sqrt(push / gait.acceleration_m_s2), turn / gait.turn_deg_s)
        if excess <= 1.0:
            return Trajectory(moments, place, turned)
        slower *= float(excess) * 1.001


def _along(points: np.ndarray) -> np.ndarray:
    """Return the horizontal distance (N,) walked until each of (N, 3) points."""
    steps = np.hypot(np.diff(points[:, 0]), np.diff(points[:, 2]))
    return np.concatenate([[0.0], np.cumsum(steps)])
