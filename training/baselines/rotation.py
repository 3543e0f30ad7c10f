"""Camera rotation by picture processing: matched features with a homography, and correlation over azimuth.

Pictures are (H, W, 3) uint8 of pinholes with square pixels, pitched and rolled; both have one size, and cameras may differ.
A turn is about the vertical, degrees, positive to the left: heading of the second picture minus that of the first.
"""

from __future__ import annotations

from functools import lru_cache
from typing import NamedTuple

import numpy as np
from scipy.ndimage import gaussian_filter, map_coordinates

from dataset.geometry import Pinhole

RATIO = 0.8
"""A match is kept if its descriptor is this much nearer than the second best (Lowe 2004, section 7.1)."""
RANSAC_PX = 3.0
MIN_INLIERS = 12
STEP_DEG = 0.5
"""Resolution of azimuth and elevation in the correlation."""
HIGH_PASS_DEG = 6.0
MIN_SHARED_DEG = 8.0
"""Minimum azimuth that two pictures share at a turn that is considered."""


def focal_px(camera: Pinhole, width: int) -> float:
    """Return the focal length in pixels of a picture of this width."""
    return width / 2.0 / camera.half_width


def intrinsics(camera: Pinhole, height: int, width: int) -> np.ndarray:
    """Return K (3, 3) for pixel centres at whole numbers, as OpenCV counts; x right, y down, z ahead."""
    f = focal_px(camera, width)
    return np.array([[f, 0.0, (width - 1) / 2.0], [0.0, f, (height - 1) / 2.0], [0.0, 0.0, 1.0]])


def leveled(camera: Pinhole) -> np.ndarray:
    """Return the rotation (3, 3) from the camera's axes (right, down, ahead) to those of a level camera of the same heading."""
    p, r = np.deg2rad([camera.pitch_deg, camera.roll_deg])
    pitched = np.array([[1.0, 0.0, 0.0], [0.0, np.cos(p), -np.sin(p)], [0.0, np.sin(p), np.cos(p)]])
    return pitched @ np.array([[np.cos(r), np.sin(r), 0.0], [-np.sin(r), np.cos(r), 0.0], [0.0, 0.0, 1.0]])


def homography_rotation(
    first: np.ndarray, second: np.ndarray, camera: Pinhole, second_camera: Pinhole | None = None
) -> float | None:
    """Return the turn, degrees, between two pictures (H, W, 3) by SIFT and a homography; None with too few matches.

    Both views share a position, so pixels map by H = K2 R K1^-1: H is fitted to the matches by RANSAC, K2^-1 H K1 made the
    nearest rotation, and its part about the vertical returned. second_camera: None for the same as the first's. Sources:
    D. Lowe, IJCV 60 (2004), 91-110; R. Hartley and A. Zisserman, Multiple View Geometry, 2nd edition, section 8.4.2.
    """
    import cv2

    cv2.setRNGSeed(0)
    finder = cv2.SIFT.create()
    grey = [cv2.cvtColor(np.ascontiguousarray(p), cv2.COLOR_RGB2GRAY) for p in (first, second)]
    (points_a, features_a), (points_b, features_b) = (finder.detectAndCompute(g, None) for g in grey)
    if len(points_a) < MIN_INLIERS or len(points_b) < MIN_INLIERS:
        return None
    pairs = cv2.BFMatcher().knnMatch(features_a, features_b, k=2)
    good = [m for m, second_best in pairs if m.distance < RATIO * second_best.distance]
    if len(good) < MIN_INLIERS:
        return None
    a = np.array([points_a[m.queryIdx].pt for m in good], np.float64)
    b = np.array([points_b[m.trainIdx].pt for m in good], np.float64)
    h, inliers = cv2.findHomography(a, b, cv2.RANSAC, RANSAC_PX)
    if h is None or int(inliers.sum()) < MIN_INLIERS:
        return None
    other = second_camera or camera
    k1, k2 = intrinsics(camera, *first.shape[:2]), intrinsics(other, *second.shape[:2])
    return _turn_of(np.linalg.inv(k2) @ h @ k1, camera, other)


def _turn_of(homography: np.ndarray, first: Pinhole, second: Pinhole) -> float:
    """Return the turn, degrees, of K2^-1 H K1 (3, 3), known up to scale."""
    u, _, v = np.linalg.svd(homography)
    rotation = u @ v * np.sign(np.linalg.det(u @ v))
    level = leveled(second) @ rotation @ leveled(first).T  # level axes of the first camera -> level axes of the second
    return float(np.rad2deg(np.arctan2(level[0, 2] - level[2, 0], level[0, 0] + level[2, 2])))


def correlation_rotation(first: np.ndarray, second: np.ndarray, camera: Pinhole, second_camera: Pinhole | None = None) -> float:
    """Return the turn, degrees, between two pictures (H, W, 3) by TurnCorrelation; NaN for pictures that share no elevation."""
    return _correlation(camera, second_camera or camera, *first.shape[:2])(first, second)


@lru_cache(maxsize=8)
def _correlation(camera: Pinhole, second_camera: Pinhole, height: int, width: int) -> TurnCorrelation:
    return TurnCorrelation(camera, height, width, second_camera=second_camera)


class Grid(NamedTuple):
    """Where the directions of a grid of azimuth (A, rising, to the left) by elevation (E) lie in a picture."""

    mask: np.ndarray
    """(A, E): 1 inside the picture, 0 outside."""
    x: np.ndarray
    y: np.ndarray


class TurnCorrelation:
    """Correlation of two pictures over azimuth: pixels are resampled by azimuth and elevation, shifted, and compared.

    For each turn the high-passed brightness and colours of the shared part of both pictures are correlated; the turn with the
    most significant correlation (Fisher's z times the square root of the shared area) wins.
    """

    def __init__(
        self, camera: Pinhole, height: int, width: int, max_turn_deg: float = 90.0, second_camera: Pinhole | None = None
    ) -> None:
        """Set up the grid for pictures of height x width; turns of up to +-max_turn_deg are considered.

        second_camera: None for the same as the first's.
        """
        cameras = (camera, second_camera or camera)
        ranges = [_elevations(c, height, width) for c in cameras]
        elevation = np.arange(max(low for low, _ in ranges), min(high for _, high in ranges), STEP_DEG)
        azimuth = np.arange(-90.0, 90.0 + STEP_DEG, STEP_DEG)
        grids = [_grid(c, azimuth, elevation, height, width) for c in cameras]
        seen = [np.flatnonzero(g.mask.any(1)) for g in grids]
        self.comparable = all(len(columns) for columns in seen)
        """Whether the pictures share any elevation."""
        if not self.comparable:
            return
        keep = slice(min(c[0] for c in seen), max(c[-1] for c in seen) + 1)
        self.first, self.second = (Grid(*(part[keep] for part in g)) for g in grids)
        self.weight = np.broadcast_to(np.cos(np.deg2rad(elevation)), self.first.mask.shape) * self.first.mask
        shared = sum(int(c[-1] - c[0]) + 1 for c in seen) // 2
        reach = max(0, min(int(max_turn_deg / STEP_DEG), shared - int(MIN_SHARED_DEG / STEP_DEG)))
        self.shifts = np.arange(-reach, reach + 1)
        self.size = 2 ** int(np.ceil(np.log2(2 * len(self.weight))))

    def __call__(self, first: np.ndarray, second: np.ndarray) -> float:
        """Return the turn, degrees, between two pictures (H, W, 3); NaN where they share no elevation."""
        if not self.comparable:
            return float("nan")
        score = self.scores(first, second)
        best = int(score.argmax())
        return float(STEP_DEG * (self.shifts[best] + _peak(score, best)))

    def scores(self, first: np.ndarray, second: np.ndarray) -> np.ndarray:
        """Return the significance (T,) of each of the turns `shifts` x STEP_DEG."""
        a, b = _panorama(first, self.first), _panorama(second, self.second)
        w, mask = self.weight[..., None], self.second.mask[..., None]
        area = self._correlate(w, mask)
        ab = self._correlate(w * a, b)
        aa = self._correlate(w * a * a, mask)
        bb = self._correlate(w, b * b * mask)
        r = np.clip(ab / np.sqrt(np.maximum(aa * bb, 1e-12)), -0.999, 0.999)
        return np.arctanh(r) * np.sqrt(np.maximum(area, 0.0))

    def _correlate(self, first: np.ndarray, second: np.ndarray) -> np.ndarray:
        """Sum first[k + shift] x second[k] over azimuth k, elevation and channels, for every shift: (T,)."""
        f, g = (np.fft.rfft(x, self.size, axis=0) for x in (first, second))
        return np.fft.irfft(np.sum(f * np.conj(g), (1, 2)), self.size)[self.shifts % self.size]


def _elevations(camera: Pinhole, height: int, width: int) -> tuple[float, float]:
    """Return the least and the greatest elevation, degrees, above and below the middle of a picture."""
    r = np.deg2rad(camera.roll_deg)
    half = camera.half_width * height / width * abs(np.cos(r)) + camera.half_width * abs(np.sin(r))
    reach = float(np.rad2deg(np.arctan(half)))
    return max(camera.pitch_deg - reach, -80.0), min(camera.pitch_deg + reach, 80.0)


def _grid(camera: Pinhole, azimuth_deg: np.ndarray, elevation_deg: np.ndarray, height: int, width: int) -> Grid:
    """Return where azimuths (A,) and elevations (E,) lie in a picture of height x width."""
    a, e = np.deg2rad(azimuth_deg[:, None]), np.deg2rad(elevation_deg)
    level = np.stack([-np.sin(a) * np.cos(e), -np.sin(e) + 0.0 * a, np.cos(a) * np.cos(e)], -1)  # right, down, ahead
    ray = level @ leveled(camera)
    focal = focal_px(camera, width)
    with np.errstate(divide="ignore", invalid="ignore"):
        x = focal * ray[..., 0] / ray[..., 2] + (width - 1) / 2.0
        y = focal * ray[..., 1] / ray[..., 2] + (height - 1) / 2.0
    visible = (ray[..., 2] > 0.05) & (x >= 0) & (x <= width - 1) & (y >= 0) & (y <= height - 1)
    return Grid(visible.astype(np.float64), np.where(visible, x, 0.0), np.where(visible, y, 0.0))


def _panorama(picture: np.ndarray, grid: Grid) -> np.ndarray:
    """Resample a picture as (A, E, 3): high-passed brightness and two colour differences, 0 outside the picture."""
    blurred = gaussian_filter(picture.astype(np.float64), (0.7, 0.7, 0))
    rgb = np.stack([map_coordinates(blurred[..., c], (grid.y, grid.x), order=1) for c in range(3)], -1)
    r, g, b = np.moveaxis(rgb, -1, 0)
    channels = np.stack([(r + g + b) / 3.0, r - g, (r + g) / 2.0 - b], -1)
    sigma = HIGH_PASS_DEG / STEP_DEG
    covered = gaussian_filter(grid.mask, sigma)
    around = gaussian_filter(channels * grid.mask[..., None], (sigma, sigma, 0)) / np.maximum(covered, 1e-6)[..., None]
    detail = (channels - around) * grid.mask[..., None]
    return detail / np.maximum(np.abs(detail).mean(), 1e-9)


def _peak(score: np.ndarray, best: int) -> float:
    """Return the offset, -0.5 to 0.5, of the vertex of a parabola through the best sample and its neighbours."""
    if not 0 < best < len(score) - 1:
        return 0.0
    before, top, after = score[best - 1 : best + 2]
    bend = before - 2.0 * top + after
    return float(np.clip(0.5 * (before - after) / bend, -0.5, 0.5)) if bend < 0 else 0.0
