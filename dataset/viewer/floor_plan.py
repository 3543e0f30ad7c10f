"""Plans of scenes from above, built from the depth pictures of their sets."""

from __future__ import annotations

from itertools import islice

import numpy as np
from scipy.ndimage import distance_transform_edt

from dataset.geometry import CAMERA_FIELDS, Pinhole, pinholes
from dataset.reader import Dataset

CELL_M = 0.025
"""Side of the plan's pixels, in scenes of up to MOST_CELLS of them."""
MOST_CELLS = 2048
"""Largest width and height of a plan in pixels: in larger scenes the pixels are 2, 4, 8 ... times as wide."""
HIGHEST_M = 1.9
"""Height above the floor at which the plan is cut."""
MARGIN_M = 0.4
"""Margin around the middle 98 % of the occupied cells."""
GAP_CELLS = 3
"""Gaps of up to twice this width are filled: at a distance the rows of a picture are that far apart on the floor."""
NEEDED = ("rgb", "depth", "position", "heading", "height_m", *CAMERA_FIELDS)
"""Fields that make a plan."""
PLAN_SETS, PLAN_VIEWS = 48, 24
"""Largest number of sets, and of views of each, whose depth pictures make a plan."""
KEY_BITS = 24
"""Cell numbers are distinct within 2^23 cells (200 km) of the origin."""


def points(depth: np.ndarray, position: np.ndarray, heading_deg: float, camera: Pinhole) -> np.ndarray:
    """Return the world positions of the pixels of a depth picture.

    depth: (H, W) uint16, mm along the optical axis. position: (3,), m. Returns (H, W, 3) float64, world frame, m; NaN
    where nothing was hit.
    """
    height, width = depth.shape
    focal = width / 2 / camera.half_width
    right = (np.arange(width) + 0.5 - width / 2) / focal
    up = (height / 2 - np.arange(height) - 0.5) / focal
    rightward, upward, axis = camera.axes(heading_deg)
    ray = axis + up[:, None, None] * upward + right[None, :, None] * rightward
    along = np.where(depth == 0, np.nan, depth / 1000.0)
    return position + along[..., None] * ray


def highest(places: np.ndarray, side: float = CELL_M) -> np.ndarray:
    """Return the indices of the points (P, 3) that are the highest of their cell, `side` m wide; of equal ones the last."""
    column, row = np.floor(places[:, [0, 2]].T / side).astype(np.int64)
    key = (column << KEY_BITS) + row
    order = np.lexsort((places[:, 1], key))
    key = key[order]
    last = np.ones(len(key), bool)
    last[:-1] = key[1:] != key[:-1]
    return order[last]


def plan(places: np.ndarray, colors: np.ndarray) -> tuple[np.ndarray, tuple[float, float, float, float]]:
    """Return the view from above of points (P, 3) with colours (P, 3) uint8: the highest point of each cell.

    Returns a picture (H, W, 3) uint8, white where there is no point, and its (left, right, bottom, top) in x and z, m.
    """
    side = CELL_M
    while np.ptp(places[:, [0, 2]], axis=0).max() / side >= MOST_CELLS - 1:
        side *= 2
    top = highest(places, side)
    cell = np.floor(places[top][:, [0, 2]] / side).astype(int)
    low = cell.min(0)
    width, height = cell.max(0) - low + 1
    image = np.full((height, width, 3), 255, np.uint8)
    seen = np.zeros((height, width), bool)
    seen[cell[:, 1] - low[1], cell[:, 0] - low[0]] = True
    image[cell[:, 1] - low[1], cell[:, 0] - low[0]] = colors[top]
    x, z = low * side
    return filled(image, seen), (x, x + width * side, z + height * side, z)


def filled(image: np.ndarray, seen: np.ndarray) -> np.ndarray:
    """Return a picture (H, W, 3) with gaps between its seen cells (H, W) in the colour of the nearest; outlines do not change."""
    wide = np.pad(seen, GAP_CELLS + 1)
    away, nearest = distance_transform_edt(~wide, return_indices=True)
    closed = distance_transform_edt(away <= GAP_CELLS) > GAP_CELLS
    inner = (slice(GAP_CELLS + 1, -GAP_CELLS - 1),) * 2
    row, column = nearest[(slice(None), *inner)] - GAP_CELLS - 1
    return np.where((closed[inner] | seen)[..., None], image[row, column], image)


def scene_plan(data: Dataset, rows: list[int]) -> tuple[np.ndarray, tuple[float, ...]]:
    """Return the plan of a scene and its (left, right, bottom, top), m, from some of its sets (indices of the data set)."""
    chosen = [rows[k] for k in np.unique(np.linspace(0, len(rows) - 1, PLAN_SETS).astype(int))]
    parts, tints = [], []
    for index in chosen:
        one = {name: data.read(index, name) for name in NEEDED}
        views = zip(*(one[name] for name in ("rgb", "depth", "position", "heading", "height_m")), pinholes(one), strict=True)
        for rgb, depth, position, heading, above, camera in islice(views, 0, None, -(-len(one["rgb"]) // PLAN_VIEWS)):
            found = points(depth, position, heading, camera).reshape(-1, 3)
            seen = np.flatnonzero(found[:, 1] < position[1] - float(above) + HIGHEST_M)  # NaN is not below
            # Thousands of pixels share few cells: hidden points are dropped immediately.
            seen = seen[highest(found[seen])]
            parts.append(found[seen])
            tints.append(rgb.reshape(-1, 3)[seen])
    if not sum(map(len, parts)):
        return np.full((1, 1, 3), 255, np.uint8), (0.0, 1.0, 1.0, 0.0)
    places, colors = np.concatenate(parts), np.concatenate(tints)
    top = highest(places)
    places, colors = places[top], colors[top]
    # Percentiles of cells, not of pixels: distant surfaces behind windows are many pixels, but few cells.
    cells = np.floor(places[:, [0, 2]] / CELL_M) * CELL_M
    low, high = np.percentile(cells, [1, 99], axis=0) + np.array([[-MARGIN_M], [MARGIN_M]])
    near = ((places[:, [0, 2]] >= low) & (places[:, [0, 2]] <= high)).all(1)
    return plan(places[near], colors[near])
