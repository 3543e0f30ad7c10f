"""Turns read off pictures of a painted sphere, whose pixels are placed by the simulator's camera."""

from dataclasses import replace

import numpy as np
import pytest
from scipy.ndimage import gaussian_filter, map_coordinates

from dataset.angles import azimuth, elevation
from simulator.camera.embree import rays
from simulator.camera.view_camera import ViewCamera, fixed
from simulator.config import CameraSettings
from training.baselines.rotation import TurnCorrelation, correlation_rotation, homography_rotation
from training.data.overlap import Camera

CAMERA = fixed(CameraSettings(width_px=160, height_px=120))
LENS = Camera(CAMERA.hfov_deg, CAMERA.pitch_deg)


@pytest.fixture(scope="module")
def sphere() -> np.ndarray:
    """Colours (360, 181, 3), one a degree of azimuth and elevation."""
    noise = np.random.default_rng(0).standard_normal((720, 362, 3))
    fine = sum(gaussian_filter(noise, (s, s, 0), mode="wrap") * s for s in (1.2, 3.0, 8.0))
    return np.clip(128 + 60 * fine / fine.std(), 0, 255)


def picture(sphere: np.ndarray, heading_deg: float, camera: ViewCamera = CAMERA) -> np.ndarray:
    """Look at the sphere: (H, W, 3) uint8."""
    toward = rays(camera, heading_deg, (0.5, 0.5)).astype(float)
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


@pytest.mark.parametrize(
    "changes",
    [
        {"roll_deg": 15.0},
        {"pitch_deg": -10.0},
        {"hfov_deg": 72.0},
        {"hfov_deg": 50.0, "pitch_deg": -30.0, "roll_deg": -10.0},
    ],
    ids=str,
)
@pytest.mark.parametrize("turn", [-14.0, 20.0])
def test_each_picture_has_its_own_camera(sphere, changes, turn):
    other = replace(CAMERA, **changes)
    lenses = LENS, Camera(other.hfov_deg, other.pitch_deg, other.roll_deg)
    views = picture(sphere, 340.0), picture(sphere, 340.0 + turn, other)
    for predict in (homography_rotation, correlation_rotation):
        assert predict(*views, *lenses) == pytest.approx(turn, abs=0.7)
        assert predict(*views[::-1], *lenses[::-1]) == pytest.approx(-turn, abs=0.7)


def test_pictures_of_different_elevations_are_not_comparable(sphere):
    up = replace(CAMERA, pitch_deg=60.0)
    turn = correlation_rotation(picture(sphere, 0.0), picture(sphere, 20.0, up), LENS, Camera(up.hfov_deg, up.pitch_deg))
    assert np.isnan(turn)


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
