"""The room around a listener reduced to an outline: a polygon with a flat floor and ceiling.

Rays fan out level just below the ceiling, where neither furniture nor doorways are, from the listener, from the sources and
from the ends of corners that hide a part of the room. The areas they sweep are joined, their contour is simplified to a few
walls, and each wall is fitted to the points where rays met it.
"""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np

from simulator.engines.outline import Outline, cross, encloses, is_simple, plan_of, signed_area
from simulator.scene.bvh import Bvh

FAN = 720
"""Rays of a fan."""
BELOW_CEILING_M = (0.12, 0.22, 0.32)
"""Heights of the fans; the middle distance of the three counts, so that beams and lamps do not."""
REACH_M = 12.0
"""Where nothing is met by then, the room is held to end."""
JUMP_M = 0.5
"""Neighbouring rays that differ by this much pass the edge of something that hides a part of the room."""
FANS = 8
"""At most this many fans."""
PASSAGE_M = 0.7
"""Width of a passage."""
WALLS = 24
"""At most this many walls."""
CELL_M = 0.02
"""Fineness of the map on which areas are joined."""
MARGIN_CELLS = 8


def find_outline(bvh: Bvh, listener: np.ndarray, sources: np.ndarray) -> Outline:
    """Reduce the room around a listener (3,) that also holds the sources (S, 3), world frame, m.

    The sources are in sight of the listener. Where the rays under the ceiling do not join them, as when a source is seen through
    a doorway, the line of sight is widened to a passage of the full height.
    """
    floor, ceiling = _heights(bvh, listener)
    levels = ceiling - np.array(BELOW_CEILING_M)
    levels = np.maximum(levels, 0.5 * (floor + ceiling))
    fans = _fans(bvh, np.concatenate([listener[None], sources]), levels)
    inside = plan_of(np.concatenate([listener[None], sources]))
    hits = np.concatenate([f.hits for f in fans])
    for joined in (inside[:1], inside):
        rough = _simplified(_contour(fans, joined))
        for corners in (_fitted(rough, hits), rough):
            if is_simple(corners) and encloses(corners, inside).all():
                return Outline(corners, floor, ceiling)
    return Outline(rough, floor, ceiling)


@dataclass(frozen=True, eq=False)
class _Fan:
    origin: np.ndarray
    """(3,) world frame."""
    distance: np.ndarray
    """(FAN,) m, at most REACH_M."""
    ends: np.ndarray
    """(FAN, 2) in plan."""
    hits: np.ndarray
    """(K, 2) those of the ends that lie on a surface."""


def _heights(bvh: Bvh, listener: np.ndarray) -> tuple[float, float]:
    """Find floor and ceiling from what rays straight down, and up into a cone, meet."""
    turn = np.arange(64) * np.pi * (3.0 - np.sqrt(5.0))
    reach = np.sqrt((np.arange(64) + 0.5) / 64)
    disc = np.stack([reach * np.cos(turn), np.zeros(64), reach * np.sin(turn)], -1)
    upright = np.array([0.0, 1.0, 0.0])
    depth = bvh.closest(listener + 0.3 * disc, np.broadcast_to(-upright, disc.shape)).distance
    depth = np.where(np.isfinite(depth), depth, 1.5)
    rise = bvh.closest(np.broadcast_to(listener, disc.shape), upright + 0.5 * disc).distance
    # Lamps and near walls are met below the ceiling, so that more than the middle of the hits counts.
    ceiling = np.percentile(rise, 70, method="lower")
    if not np.isfinite(ceiling):  # there is none: the room ends where its walls do
        steep = upright * np.tan(np.deg2rad(np.arange(5.0, 60.0, 5.0)))[:, None, None]
        ways = (disc / reach[:, None] + steep).reshape(-1, 3)
        met = bvh.closest(np.broadcast_to(listener, ways.shape), ways).distance
        tops = (met * ways[:, 1])[met < REACH_M]
        ceiling = max(1.0, np.percentile(tops, 95)) if len(tops) else 1.0
    return float(listener[1] - np.median(depth)), float(listener[1] + ceiling)


def _fans(bvh: Bvh, origins: np.ndarray, levels: np.ndarray) -> list[_Fan]:
    """Fan out from (K, 3) origins, and from where the fans pass edges that hide a part of the room."""
    fans = [_fan(bvh, origin, levels) for origin in origins]
    for fan in fans:  # grows as it goes
        jump = np.roll(fan.distance, -1) - fan.distance
        for k in np.flatnonzero(np.abs(jump) > JUMP_M):
            near = fan.distance[k] if jump[k] > 0 else fan.distance[(k + 1) % FAN]
            behind = near + min(0.5 * abs(jump[k]), 1.0)
            step = fan.ends[k] if jump[k] > 0 else fan.ends[(k + 1) % FAN]
            way = (step - plan_of(fan.origin)) / near
            # A finger's breadth on the open side of the edge, so that the new fan looks around it.
            far = fan.ends[(k + 1) % FAN] if jump[k] > 0 else fan.ends[k]
            open_side = np.sign(cross(way, far - plan_of(fan.origin)))
            place = plan_of(fan.origin) + behind * way + 0.05 * open_side * np.array([-way[1], way[0]])
            if len(fans) < FANS and all(np.linalg.norm(place - plan_of(f.origin)) > 1.0 for f in fans):
                fans.append(_fan(bvh, np.array([place[0], fan.origin[1], -place[1]]), levels))
    return fans


def _fan(bvh: Bvh, origin: np.ndarray, levels: np.ndarray) -> _Fan:
    """Look all around, level, at (L,) heights: the middle distance of each direction."""
    turn = 2.0 * np.pi * np.arange(FAN) / FAN
    ways = np.stack([np.cos(turn), np.zeros(FAN), -np.sin(turn)], -1)
    starts = np.repeat(np.broadcast_to(origin, (len(levels), 3)).astype(np.float64), FAN, 0)
    starts[:, 1] = np.repeat(levels, FAN)
    reach = bvh.closest(starts, np.tile(ways, (len(levels), 1))).distance.reshape(len(levels), FAN)
    reach = np.median(reach.astype(np.float64), axis=0)
    met = reach < REACH_M
    if met.any():  # a gap, such as an open window, ends where its neighbours do
        reach = np.interp(turn, turn[met], reach[met], period=2.0 * np.pi)
    reach = np.minimum(reach, REACH_M)
    ends = plan_of(origin) + reach[:, None] * plan_of(ways)
    return _Fan(origin, reach, ends, ends[met])


def _contour(fans: list[_Fan], joined: np.ndarray) -> np.ndarray:
    """Join the areas that fans sweep, and passages from the first of (K, 2) points to the others; the contour (N, 2)."""
    every = np.concatenate([f.ends for f in fans])
    low, high = every.min(0), every.max(0)
    cell = max(CELL_M, float((high - low).max()) / 2000.0)
    low = low - MARGIN_CELLS * cell
    size = np.ceil((high - low) / cell).astype(int) + MARGIN_CELLS
    area = np.zeros((size[1], size[0]), np.uint8)
    for fan in fans:
        cv2.fillPoly(area, [np.rint((fan.ends - low) / cell * 16).astype(np.int32)], 1, shift=4)
    # Slits narrower than 12 cm are no room.
    area = cv2.morphologyEx(area, cv2.MORPH_OPEN, np.ones((3, 3), np.uint8), iterations=2)
    pixels = np.rint((joined - low) / cell).astype(int).tolist()
    for pixel in pixels[1:]:
        cv2.line(area, pixels[0], pixel, 1, round(PASSAGE_M / cell))
        cv2.circle(area, pixel, round(0.5 * PASSAGE_M / cell), 1, -1)
    part = cv2.connectedComponents(area, connectivity=4)[1]
    own = (part == part[pixels[0][1], pixels[0][0]]).astype(np.uint8)
    contours = cv2.findContours(own, cv2.RETR_EXTERNAL, cv2.CHAIN_APPROX_NONE)[0]
    longest = max(contours, key=len)[:, 0].astype(np.float64) * cell + low
    return longest if signed_area(longest) > 0 else longest[::-1]


def _simplified(contour: np.ndarray) -> np.ndarray:
    """Keep the corners that matter: as many as WALLS at most."""
    tolerance = 0.1
    while True:
        corners = cv2.approxPolyDP(contour[:, None].astype(np.float32), tolerance, True)[:, 0].astype(np.float64)
        if len(corners) <= WALLS:
            return corners if len(corners) >= 3 else contour
        tolerance *= 1.4


def _fitted(corners: np.ndarray, hits: np.ndarray) -> np.ndarray:
    """Lay each wall through the points that rays met on it (least squares, twice), and let neighbours meet."""
    lines = []
    for a, b in zip(corners, np.roll(corners, -1, 0), strict=True):
        length = float(np.linalg.norm(b - a))
        middle, way = 0.5 * (a + b), (b - a) / length
        for near in (0.1, 0.04):
            offset = hits - middle
            on = (np.abs(cross(way, offset)) < near) & (np.abs(offset @ way) < 0.5 * length - min(0.05, 0.2 * length))
            if on.sum() < 4:
                break
            middle = hits[on].mean(0)
            main = np.linalg.svd(hits[on] - middle, full_matrices=False)[2][0]
            way = main if main @ way > 0 else -main
        lines.append((middle, way))
    out = corners.copy()
    for k, (q, v) in enumerate(lines):
        p, u = lines[k - 1]
        sine = float(cross(u, v))
        if abs(sine) > 0.2:
            meeting = p + cross(q - p, v) / sine * u
            if np.linalg.norm(meeting - corners[k]) < 0.3:
                out[k] = meeting
    return out
