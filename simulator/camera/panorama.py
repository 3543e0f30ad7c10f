"""Equirectangular pictures of everything around a point: colour, distance and instances."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from simulator.camera.embree import first_surface, sample_offsets, shoot
from simulator.scene.model import Scene

ROWS = 64
"""Rows rendered at a time, which bounds memory."""


class Panoramas(NamedTuple):
    """P panoramas of a scene, H x 2H pixels: columns run from heading 180 over 0 in the middle to -180, rows from up to down."""

    rgb: np.ndarray
    """(P, H, 2H, 3) uint8, sRGB."""
    distance: np.ndarray
    """(P, H, 2H) float32, m, along the ray through the pixel's centre; 0 where nothing was hit."""
    instance: np.ndarray
    """(P, H, 2H) uint16, instance at the pixel's centre; 0 for none."""


def panorama_rays(height: int, first: int, last: int, offsets: np.ndarray) -> np.ndarray:
    """Return unit directions ((last - first) * 2 height * S, 3) float32 of rows first to last - 1, world frame.

    offsets: (S, 2) points of each pixel, to the right and down, (0.5, 0.5) is its centre. A column at x of 2 H has the heading
    180 - 360 x / (2 H), left positive, a row at y of H the elevation 90 - 180 y / H.
    """
    right, down = offsets.T
    heading = np.deg2rad(180.0 - 180.0 * (np.arange(2 * height)[:, None] + right) / height)
    up = np.deg2rad(90.0 - 180.0 * (np.arange(first, last)[:, None] + down) / height)
    level, height_of = np.cos(up)[:, None], np.sin(up)[:, None]
    parts = np.broadcast_arrays(-np.sin(heading) * level, height_of, -np.cos(heading) * level)
    return np.stack(parts, -1).reshape(-1, 3).astype(np.float32)


def render_panoramas(scene: Scene, positions: np.ndarray, height: int, samples: int) -> Panoramas:
    """Render what is around positions (P, 3), scene frame, m; height: of the pictures, px; samples: rays for each pixel."""
    shape = (len(positions), height, 2 * height)
    out = Panoramas(np.empty((*shape, 3), np.uint8), np.empty(shape, np.float32), np.empty(shape, np.uint16))
    for first in range(0, height, ROWS):
        last = min(first + ROWS, height)
        centres = panorama_rays(height, first, last, np.array([[0.5, 0.5]]))
        fine = panorama_rays(height, first, last, sample_offsets(samples))
        for k, position in enumerate(positions):
            hits = first_surface(scene, position, centres)
            hit = hits.face >= 0
            rows = (last - first, 2 * height)
            out.distance[k, first:last] = np.where(hit, hits.distance, np.float32(0.0)).reshape(rows)
            out.instance[k, first:last] = np.where(hit, scene.face_instance[hits.face], np.uint16(0)).reshape(rows)
            shoot(scene, position, fine, np.pi / height, out.rgb[k, first:last])
    return out
