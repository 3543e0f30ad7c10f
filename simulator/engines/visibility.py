"""The room around a listener, reduced to an outline: a polygon with a flat floor and ceiling.

Horizontal rays are cast in all directions just below the ceiling, above furniture and doorways, from the listener, from the
sources and from behind corners that occlude a part of the room. The visible areas of these scans are joined, their contour is
simplified to a few walls, and each wall is fitted to the points where rays hit it.
"""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np

from simulator.engines.outline import Outline, cross, encloses, is_simple, plan_of, signed_area
from simulator.scene.bvh import Bvh

SCAN_RAYS = 720
"""Rays of a horizontal scan."""
BELOW_CEILING_M = (0.12, 0.22, 0.32)
"""Heights of a scan; the median distance over the three is used, so that beams and lamps have no effect."""
REACH_M = 12.0
"""Longest distance of a scan: beyond it the room is assumed to end."""
JUMP_M = 0.5
"""Neighbouring rays whose distances differ by this much pass an edge that occludes a part of the room."""
MOST_SCANS = 8
"""At most this many scans."""
PASSAGE_M = 0.7
"""Width of the passage that joins a source seen through a doorway."""
WALLS = 24
"""At most this many walls."""
CELL_M = 0.02
"""Resolution of the map on which areas are joined."""
MARGIN_CELLS = 8


def find_outline(bvh: Bvh, listener: np.ndarray, sources: np.ndarray) -> Outline:
    """Return the outline of the room around a listener (3,) that also contains the sources (S, 3), world frame, m.

    The sources are visible from the listener. Where the scans do not join them, as for a source seen through a doorway, the line
    of sight is widened to a passage of the full height.
    """
    floor, ceiling = _heights(bvh, listener)
    levels = ceiling - np.array(BELOW_CEILING_M)
    levels = np.maximum(levels, 0.5 * (floor + ceiling))
    scans = _scans(bvh, np.concatenate([listener[None], sources]), levels)
    inside = plan_of(np.concatenate([listener[None], sources]))
    hits = np.concatenate([f.hits for f in scans])
    for joined in (inside[:1], inside):
        rough = _simplified(_contour(scans, joined))
        for corners in (_fitted(rough, hits), rough):
            if is_simple(corners) and encloses(corners, inside).all():
                return Outline(corners, floor, ceiling)
    return Outline(rough, floor, ceiling)


@dataclass(frozen=True, eq=False)
class _Scan:
    origin: np.ndarray
    """(3,) world frame."""
    distance: np.ndarray
    """(SCAN_RAYS,) m, at most REACH_M."""
    ends: np.ndarray
    """(SCAN_RAYS, 2) in plan."""
    hits: np.ndarray
    """(K, 2) the ends that lie on a surface."""


def _heights(bvh: Bvh, listener: np.ndarray) -> tuple[float, float]:
    """Return the heights of floor and ceiling, from rays straight down and rays upwards into a cone."""
    turn = np.arange(64) * np.pi * (3.0 - np.sqrt(5.0))
    reach = np.sqrt((np.arange(64) + 0.5) / 64)
    disc = np.stack([reach * np.cos(turn), np.zeros(64), reach * np.sin(turn)], -1)
    upright = np.array([0.0, 1.0, 0.0])
    depth = bvh.closest(listener + 0.3 * disc, np.broadcast_to(-upright, disc.shape)).distance
    depth = np.where(np.isfinite(depth), depth, 1.5)
    rise = bvh.closest(np.broadcast_to(listener, disc.shape), upright + 0.5 * disc).distance
    # Lamps and near walls are hit below the ceiling: use a percentile above the median.
    ceiling = np.percentile(rise, 70, method="lower")
    if not np.isfinite(ceiling):  # no ceiling: the room ends at the top of its walls
        slopes = upright * np.tan(np.deg2rad(np.arange(5.0, 60.0, 5.0)))[:, None, None]
        rays = (disc / reach[:, None] + slopes).reshape(-1, 3)
        met = bvh.closest(np.broadcast_to(listener, rays.shape), rays).distance
        tops = (met * rays[:, 1])[met < REACH_M]
        ceiling = max(1.0, np.percentile(tops, 95)) if len(tops) else 1.0
    return float(listener[1] - np.median(depth)), float(listener[1] + ceiling)


def _scans(bvh: Bvh, origins: np.ndarray, levels: np.ndarray) -> list[_Scan]:
    """Scan from (K, 3) origins, and from behind edges that occlude a part of the room."""
    scans = [_scan(bvh, origin, levels) for origin in origins]
    for scan in scans:  # the list grows in the loop
        jump = np.roll(scan.distance, -1) - scan.distance
        for k in np.flatnonzero(np.abs(jump) > JUMP_M):
            near = scan.distance[k] if jump[k] > 0 else scan.distance[(k + 1) % SCAN_RAYS]
            behind = near + min(0.5 * abs(jump[k]), 1.0)
            step = scan.ends[k] if jump[k] > 0 else scan.ends[(k + 1) % SCAN_RAYS]
            way = (step - plan_of(scan.origin)) / near
            # 5 cm to the open side of the edge, so that the new scan sees past it.
            far = scan.ends[(k + 1) % SCAN_RAYS] if jump[k] > 0 else scan.ends[k]
            open_side = np.sign(cross(way, far - plan_of(scan.origin)))
            place = plan_of(scan.origin) + behind * way + 0.05 * open_side * np.array([-way[1], way[0]])
            if len(scans) < MOST_SCANS and all(np.linalg.norm(place - plan_of(f.origin)) > 1.0 for f in scans):
                scans.append(_scan(bvh, np.array([place[0], scan.origin[1], -place[1]]), levels))
    return scans


def _scan(bvh: Bvh, origin: np.ndarray, levels: np.ndarray) -> _Scan:
    """Cast horizontal rays in all directions at (L,) heights; the distance of each direction is the median over heights."""
    turn = 2.0 * np.pi * np.arange(SCAN_RAYS) / SCAN_RAYS
    ways = np.stack([np.cos(turn), np.zeros(SCAN_RAYS), -np.sin(turn)], -1)
    starts = np.repeat(np.broadcast_to(origin, (len(levels), 3)).astype(np.float64), SCAN_RAYS, 0)
    starts[:, 1] = np.repeat(levels, SCAN_RAYS)
    reach = bvh.closest(starts, np.tile(ways, (len(levels), 1))).distance.reshape(len(levels), SCAN_RAYS)
    reach = np.median(reach.astype(np.float64), axis=0)
    met = reach < REACH_M
    if met.any():  # a gap, such as an open window, is closed between its neighbours
        reach = np.interp(turn, turn[met], reach[met], period=2.0 * np.pi)
    reach = np.minimum(reach, REACH_M)
    ends = plan_of(origin) + reach[:, None] * plan_of(ways)
    return _Scan(origin, reach, ends, ends[met])


def _contour(scans: list[_Scan], joined: np.ndarray) -> np.ndarray:
    """Return the contour (N, 2) of the joined scans, with passages from the first of (K, 2) points to the others."""
    every = np.concatenate([f.ends for f in scans])
    low, high = every.min(0), every.max(0)
    cell = max(CELL_M, float((high - low).max()) / 2000.0)
    low = low - MARGIN_CELLS * cell
    size = np.ceil((high - low) / cell).astype(int) + MARGIN_CELLS
    area = np.zeros((size[1], size[0]), np.uint8)
    for scan in scans:
        cv2.fillPoly(area, [np.rint((scan.ends - low) / cell * 16).astype(np.int32)], 1, shift=4)
    # Slits narrower than 12 cm do not belong to the room.
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
    """Simplify a contour to at most WALLS corners."""
    tolerance = 0.1
    while True:
        corners = cv2.approxPolyDP(contour[:, None].astype(np.float32), tolerance, True)[:, 0].astype(np.float64)
        if len(corners) <= WALLS:
            return corners if len(corners) >= 3 else contour
        tolerance *= 1.4


def _fitted(corners: np.ndarray, hits: np.ndarray) -> np.ndarray:
    """Fit each wall to the points that rays hit on it (least squares, twice), and intersect neighbours."""
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
