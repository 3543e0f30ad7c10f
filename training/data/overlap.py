"""The share of one view's picture that another view's picture contains, from depth and poses."""

from __future__ import annotations

import numpy as np

from dataset.geometry import Pinhole

Camera = Pinhole
GRID = 24
"""Projected pixels per row; shares are exact to about 2 %."""


def overlap(
    depth_mm: np.ndarray,
    position_s: np.ndarray,
    heading_s: float,
    position_t: np.ndarray,
    heading_t: float,
    camera_s: Pinhole,
    camera_t: Pinhole,
) -> float:
    """Return the share, 0 to 1, of view s's picture (pixels with a surface) that projects into view t's picture.

    depth_mm: (H, W) planar depth of view s; view t has the same size. Positions: (3,) m, world frame; headings in degrees.
    Occlusion is ignored, so the share is exact for views of one position and an upper bound for others.
    """
    height, width = depth_mm.shape
    step = max(1, width // GRID)
    rows, columns = (np.arange(step // 2, n, step) for n in (height, width))
    depth = depth_mm[np.ix_(rows, columns)].astype(float) / 1000
    ray = pixel_rays(camera_s, heading_s, rows, columns, height, width)
    point = position_s + depth[..., None] * ray - position_t
    right, up, ahead = camera_t.axes(heading_t)
    half, z = camera_t.half_width, point @ ahead
    with np.errstate(divide="ignore", invalid="ignore"):
        inside = (z > 0) & (abs(point @ right / z) <= half) & (abs(point @ up / z) <= half * height / width)
    seen = depth > 0
    return float(inside[seen].mean()) if seen.any() else 0.0


def pixel_rays(camera: Pinhole, heading_deg: float, rows: np.ndarray, columns: np.ndarray, height: int, width: int) -> np.ndarray:
    """Return the directions (R, C, 3), world frame, of pixels of a picture of height x width; 1 along the optical axis.

    rows: (R,), columns: (C,), pixel centres at whole numbers.
    """
    half = camera.half_width
    x = ((columns + 0.5) / width * 2 - 1) * half
    y = (1 - (rows + 0.5) / height * 2) * half * height / width
    right, up, ahead = camera.axes(heading_deg)
    return x[None, :, None] * right + y[:, None, None] * up + ahead
