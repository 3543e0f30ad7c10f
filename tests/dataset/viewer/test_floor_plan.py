"""Plans: depth goes back to where it came from, and the highest point of each cell shows."""

import numpy as np
import pytest

from dataset.geometry import Pinhole
from dataset.reader import Dataset
from dataset.viewer.floor_plan import MOST_CELLS, filled, highest, plan, points, scene_plan


def test_a_wall_goes_back_to_its_place():
    # A camera at (1, 1.5, 2) that looks along -X (heading 90): a wall at x = -2 has depth 3 m everywhere.
    found = points(np.full((6, 8), 3000, np.uint16), np.array([1, 1.5, 2]), 90.0, Pinhole(90.0, 0.0))
    np.testing.assert_allclose(found[..., 0], -2, atol=1e-9)
    # 90 degrees wide: the half width at 3 m is 3 m, less half of a pixel of 0.75 m. Right of -X is -Z.
    np.testing.assert_allclose(found[0, [0, -1], 2], [2 + 2.625, 2 - 2.625], atol=1e-9)
    np.testing.assert_allclose(found[[0, -1], 0, 1], [1.5 + 1.875, 1.5 - 1.875], atol=1e-9)


def test_a_pitched_camera_sees_the_floor():
    # Looking straight down from 1.5 m: all points lie on the floor, the top of the picture ahead (-Z).
    found = points(np.full((4, 4), 1500, np.uint16), np.array([0, 1.5, 0]), 0.0, Pinhole(60.0, -90.0))
    np.testing.assert_allclose(found[..., 1], 0, atol=1e-9)
    assert found[0, 0, 2] < 0 < found[-1, 0, 2] and found[0, 0, 0] < 0 < found[0, -1, 0]


def test_a_rolled_camera_has_its_right_side_up():
    # Looking along -Z, rolled by 90 degrees: the picture's right is up, its upper side is left (-X).
    found = points(np.full((3, 5), 2000, np.uint16), np.zeros(3), 0.0, Pinhole(90.0, 0.0, 90.0))
    np.testing.assert_allclose(found[1, :, 1], [-1.6, -0.8, 0, 0.8, 1.6], atol=1e-9)
    np.testing.assert_allclose(found[:, 2, 0], [-0.8, 0, 0.8], atol=1e-9)


def test_a_plan_uses_the_camera_of_each_view(tmp_path, make_set, make_shard, make_manifest):
    """Two cameras 1.2 and 2 m above the floor look straight down at it; a shelf at 1.95 m is above the cut."""
    one = make_set("attic", 0)
    one["position"] = np.float32([[3, 1.2, 2], [3, 2, 2]])
    one["depth"] = np.broadcast_to(np.uint16([1200, 2000])[:, None, None], one["depth"].shape).copy()
    one["depth"][1, 0], one["rgb"][1, 0] = 50, [255, 0, 0]
    one["heading"][:] = 0
    angles = {"hfov_deg": [90.0, 60.0], "pitch_deg": [-90.0, -90.0], "roll_deg": [0.0, 90.0], "height_m": [1.2, 2.0]}
    make_shard(tmp_path, "attic", [{**one, **{name: np.float32(value) for name, value in angles.items()}}])
    make_manifest(tmp_path)
    image, (left, right, bottom, top) = scene_plan(Dataset(tmp_path), [0])
    # Pixels are 32 x 24: 90 degrees from 1.2 m are 2.4 m x 1.8 m less a pixel; 60 degrees, rolled, fit inside in x only.
    assert (right - left, bottom - top) == (
        pytest.approx(2.4 * 31 / 32, abs=0.06),
        pytest.approx(4 * 3**-0.5 * 31 / 32, abs=0.06),
    )
    assert (image < 255).any(-1).mean() > 0.5 and not (image == [255, 0, 0]).all(-1).any()


def test_nothing_hit_is_nowhere():
    assert np.isnan(points(np.zeros((2, 2), np.uint16), np.zeros(3), 0.0, Pinhole(60.0, 0.0))).all()


def test_the_highest_point_shows():
    red, blue = [255, 0, 0], [0, 0, 255]
    places = np.array([[0.01, 1.0, 0.01], [0.01, 0.2, 0.01], [0.31, 0.0, 0.06]])
    image, extent = plan(places, np.array([red, blue, blue], np.uint8))
    assert image.shape == (3, 13, 3)
    assert image[0, 0].tolist() == red and image[2, 12].tolist() == blue and image[1, 1].tolist() == [255] * 3
    assert extent == pytest.approx((0, 0.325, 0.075, 0))


def test_narrow_gaps_are_filled_and_outlines_stay():
    seen = np.zeros((40, 40), bool)
    seen[10:30, 10:20] = seen[10:30, 23:30] = True  # a gap of three cells
    seen[10:30, 38] = True  # eight cells off
    image = np.where(seen[..., None], np.uint8(7), np.uint8(255)).repeat(3, -1)
    image[10:30, 23:30] = 9
    found = filled(image, seen)
    assert (found[12:28, 20] == 7).all() and (found[12:28, 22] == 9).all() and np.isin(found[12:28, 21], (7, 9)).all()
    changed = np.argwhere((found != image).any(-1))
    assert changed.min(0).tolist() >= [10, 20] and changed.max(0).tolist() <= [29, 22]


def test_of_equals_the_last_shows():
    places = np.array([[0.01, 0.5, -0.01], [0.02, 0.7, -0.02], [0.0, 0.7, -0.001], [0.01, 0.9, 0.01]])
    assert sorted(highest(places).tolist()) == [2, 3]


def test_dropping_what_cannot_show_changes_nothing():
    rng = np.random.default_rng(0)
    places = rng.uniform(-0.3, 0.3, (4000, 3))
    colors = rng.integers(0, 256, (4000, 3), dtype=np.uint8)
    parts = [k[highest(places[k])] for k in np.split(np.arange(4000), 5)]
    kept = np.concatenate(parts)
    assert len(kept) < 3000
    for whole, part in zip(plan(places, colors), plan(places[kept], colors[kept]), strict=True):
        np.testing.assert_array_equal(whole, part)


@pytest.mark.parametrize("size", [40.0, 600.0, 11904.0])
def test_a_plan_is_bounded_in_pixels(size):
    """A scene in centimetres is a hundred times as wide: at 2.5 cm its plan would take a hundred gigabytes."""
    corners = np.array([[0.0, 0.0, 0.0], [size, 0.0, size], [size, 1.0, 0.0]])
    image, (left, right, bottom, top) = plan(corners, np.full((3, 3), 9, np.uint8))
    assert max(image.shape) <= MOST_CELLS
    assert left <= 0 < right - size < 2 * size / MOST_CELLS + 0.05 and top <= 0 < bottom - size < 2 * size / MOST_CELLS + 0.05
    assert (image[0, -1] == 9).all() and (image[0, 0] == 9).all() and (image[-1, 0] == 255).all()
