"""Views cut from a panorama show what lies in each pixel's direction, and turn as the homography says."""

from pathlib import Path

import cv2
import numpy as np
import pytest
from PIL import Image

from training.baselines.rotation import homography_rotation, intrinsics, leveled
from training.data.overlap import Camera
from training.errors import InputError
from training.real.panorama_pairs import PanoramaPairs, ViewSettings
from training.real.panoramas import cut, find_panoramas, read_panorama

SHARED = Path(__file__).parents[4] / "shared" / "real" / "panoramas"
WIDTH, HEIGHT = 160, 120


def colour(ray):
    """Return the colour (..., 3), 0 to 255, of directions: waves along slanted axes."""
    unit = ray / np.linalg.norm(ray, axis=-1, keepdims=True)
    axes = np.array([[3.0, 5.0, 1.0], [-4.0, 2.0, 5.0], [5.0, -3.0, 4.0]])
    return 127 + 100 * np.sin(unit @ axes.T)


def painted(width=2048):
    """Return the panorama (width / 2, width, 3) of `colour`: azimuth falls with the column, elevation with the row."""
    azimuth = np.pi - (np.arange(width) + 0.5) / width * 2 * np.pi
    elevation = np.pi / 2 - (np.arange(width // 2) + 0.5) / (width // 2) * np.pi
    level = np.cos(elevation)[:, None]
    ray = np.stack([-np.sin(azimuth) * level, np.sin(elevation)[:, None] + 0 * azimuth, -np.cos(azimuth) * level], -1)
    return np.rint(colour(ray)).astype(np.uint8)


def expected(heading_deg, camera):
    """Return the colours of a view, from rotation matrices."""
    focal = WIDTH / 2 / np.tan(np.deg2rad(camera.hfov_deg / 2))
    x, y = np.meshgrid(np.arange(WIDTH) - (WIDTH - 1) / 2, (HEIGHT - 1) / 2 - np.arange(HEIGHT))
    ray = np.stack([x, y, np.full_like(x, -focal)], -1)
    p, h = np.deg2rad(camera.pitch_deg), np.deg2rad(heading_deg)
    pitch = np.array([[1, 0, 0], [0, np.cos(p), -np.sin(p)], [0, np.sin(p), np.cos(p)]])
    turn = np.array([[np.cos(h), 0, np.sin(h)], [0, 1, 0], [-np.sin(h), 0, np.cos(h)]])
    return colour(ray @ pitch.T @ turn.T)


@pytest.mark.parametrize("heading", [0.0, 77.0, 180.0, 299.0])
@pytest.mark.parametrize(("hfov", "pitch"), [(60.0, -22.5), (90.0, 0.0), (45.0, 50.0)])
@pytest.mark.parametrize("width", [1024, 4096])
def test_every_pixel_has_the_colour_of_its_direction(heading, hfov, pitch, width):
    camera = Camera(hfov, pitch)
    view = cut(painted(width), heading, camera, WIDTH, HEIGHT)
    assert view.shape == (HEIGHT, WIDTH, 3) and view.dtype == np.uint8
    assert np.abs(view - expected(heading, camera)).max() < 4


def test_views_are_related_by_the_homography_of_their_turn():
    camera, turn = Camera(60.0, -22.5), 20.0
    first, second = (cut(painted(), h, camera, WIDTH, HEIGHT) for h in (30.0, 30.0 + turn))
    k, level, a = intrinsics(camera, HEIGHT, WIDTH), leveled(camera), np.deg2rad(turn)
    # Level axes are right, down, ahead: what lay ahead lies to the right after a turn to the left.
    rotation = np.array([[np.cos(a), 0, np.sin(a)], [0, 1, 0], [-np.sin(a), 0, np.cos(a)]])
    h = k @ level.T @ rotation @ level @ np.linalg.inv(k)
    moved = cv2.warpPerspective(first, h, (WIDTH, HEIGHT))
    covered = cv2.warpPerspective(np.full((HEIGHT, WIDTH), 255, np.uint8), h, (WIDTH, HEIGHT)) == 255
    assert 0.3 < covered.mean() < 0.9
    assert np.abs(moved.astype(int) - second)[covered].max() < 6


def test_detail_finer_than_a_pixel_is_averaged():
    stripes = np.zeros((2048, 4096, 3), np.uint8)
    stripes[:, ::2] = 255
    view = cut(stripes, 10.0, Camera(90.0, -30.0), WIDTH, HEIGHT)
    assert view.std() < 12 and abs(view.mean() - 127) < 3


def test_pairs_turn_by_what_they_say_and_repeat(tmp_path):
    for k in range(2):
        Image.fromarray(np.roll(painted(512), 100 * k, 1)).save(tmp_path / f"{k}.png")
    settings = ViewSettings(width_px=WIDTH, height_px=HEIGHT, min_turn_deg=15, max_turn_deg=30, per_panorama=6)
    items = PanoramaPairs(find_panoramas(tmp_path), settings, seed=3)
    turn = items.pairs.turn_deg
    assert items.pairs.row.tolist() == [0] * 6 + [1] * 6 and items.label(1) == "1"
    assert (np.abs(turn) >= 15).all() and (np.abs(turn) <= 30).all() and (turn > 0).any() and (turn < 0).any()
    first, second = items.pictures(np.array([7]))
    panorama, (_, heading_s, heading_t) = read_panorama(tmp_path / "1.png"), items.heading_deg[7]
    np.testing.assert_array_equal(first[0], cut(panorama, heading_s, items.camera, WIDTH, HEIGHT))
    np.testing.assert_array_equal(second[0], cut(panorama, heading_t, items.camera, WIDTH, HEIGHT))
    assert (heading_t - heading_s - turn[7] + 180) % 360 - 180 == pytest.approx(0)
    again = PanoramaPairs(find_panoramas(tmp_path), settings, seed=3)
    np.testing.assert_array_equal(again.heading_deg, items.heading_deg)


def test_overlap_falls_with_the_turn_as_in_a_level_camera(tmp_path):
    Image.fromarray(painted(512)).save(tmp_path / "p.png")
    for turn in (10.0, 30.0, 59.0, 80.0):
        settings = ViewSettings(60.0, 0.0, WIDTH, HEIGHT, turn_deg=turn, per_panorama=1)
        # On the horizon the pixels between tan(30 - turn) and the edge stay in view; rows change little.
        inside = max(0.0, (np.tan(np.deg2rad(30)) + np.tan(np.deg2rad(30 - turn))) / 2 / np.tan(np.deg2rad(30)))
        assert PanoramaPairs([tmp_path / "p.png"], settings).pairs.overlap[0] == pytest.approx(inside, abs=0.08)


@pytest.mark.parametrize(
    ("name", "told"),
    [("none", "does not exist"), ("empty", "holds no pictures"), ("flat", "640 x 480"), ("text", "not a readable picture")],
)
def test_what_is_no_panorama_is_refused(tmp_path, name, told):
    for folder in ("empty", "flat", "text"):
        (tmp_path / folder).mkdir()
    Image.new("RGB", (640, 480)).save(tmp_path / "flat" / "a.png")
    (tmp_path / "text" / "a.png").write_text("text")
    with pytest.raises(InputError, match=told):
        find_panoramas(tmp_path / name)


@pytest.mark.skipif(not SHARED.is_dir(), reason="no real panoramas")
def test_features_find_the_turn_between_views_of_real_panoramas():
    settings = ViewSettings(pitch_deg=0.0, turn_deg=25.0, per_panorama=2)
    items = PanoramaPairs(find_panoramas(SHARED), settings)
    pairs = zip(*items.pictures(np.arange(len(items.heading_deg))), items.pairs.turn_deg, strict=True)
    off = [abs((homography_rotation(a, b, items.camera) or np.inf) - turn) for a, b, turn in pairs]
    assert np.mean(np.array(off) < 0.2) > 0.5
