"""Turns read off pictures of a painted sphere, whose pixels are placed by the simulator's camera."""

import numpy as np
import pytest
from scipy.ndimage import gaussian_filter, map_coordinates

from dataset.angles import azimuth, elevation
from simulator.camera.embree import rays
from simulator.camera.view_camera import fixed
from simulator.config import CameraSettings
from training.baselines.rotation import TurnCorrelation, homography_rotation
from training.data.overlap import Camera

CAMERA = fixed(CameraSettings(width_px=160, height_px=120))
LENS = Camera(CAMERA.hfov_deg, CAMERA.pitch_deg)


@pytest.fixture(scope="module")
def sphere() -> np.ndarray:
    """Colours (360, 181, 3), one a degree of azimuth and elevation."""
    noise = np.random.default_rng(0).standard_normal((720, 362, 3))
    fine = sum(gaussian_filter(noise, (s, s, 0), mode="wrap") * s for s in (1.2, 3.0, 8.0))
    return np.clip(128 + 60 * fine / fine.std(), 0, 255)


def picture(sphere: np.ndarray, heading_deg: float) -> np.ndarray:
    """Look at the sphere: (H, W, 3) uint8."""
    toward = rays(CAMERA, heading_deg, (0.5, 0.5)).astype(float)
    at = [azimuth(toward, 0.0) * 2 % 720, (elevation(toward) + 90) * 2]
    colors = np.stack([map_coordinates(sphere[..., c], at, order=1, mode="grid-wrap") for c in range(3)], -1)
    return colors.reshape(CAMERA.height_px, CAMERA.width_px, 3).astype(np.uint8)


@pytest.mark.parametrize("turn", [-50.0, -12.3, 0.0, 7.7, 25.0, 58.0])
def test_both_ways_read_the_turn(sphere, turn):
    first, second = picture(sphere, 340.0), picture(sphere, 340.0 + turn)
    correlation = TurnCorrelation(LENS, CAMERA.height_px, CAMERA.width_px)
    assert correlation(first, second) == pytest.approx(turn, abs=0.5)
    if abs(turn) < 30:  # beyond, too few features are shared in so small a picture
        assert homography_rotation(first, second, LENS) == pytest.approx(turn, abs=0.5)


def test_the_pitch_matters(sphere):
    first, second = picture(sphere, 10.0), picture(sphere, 40.0)
    level = TurnCorrelation(Camera(CAMERA.hfov_deg, 0.0), CAMERA.height_px, CAMERA.width_px)
    assert abs(level(first, second) - 30.0) > 1.0


def test_pictures_without_features_fail_openly():
    grey = np.full((120, 160, 3), 128, np.uint8)
    assert homography_rotation(grey, grey, LENS) is None
    noise = np.random.default_rng(1).integers(0, 256, (2, 120, 160, 3), dtype=np.uint8)
    assert homography_rotation(noise[0], noise[1], LENS) is None


def test_exchanged_pictures_turn_back(sphere):
    first, second = picture(sphere, 100.0), picture(sphere, 120.0)
    correlation = TurnCorrelation(LENS, CAMERA.height_px, CAMERA.width_px)
    assert correlation(second, first) == pytest.approx(-correlation(first, second), abs=0.2)
