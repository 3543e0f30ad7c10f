"""The sign convention, by hand: left positive, degrees, +Y up, -Z ahead; NumPy and torch alike."""

import numpy as np
import pytest
import torch

from dataset import angles


def test_headings_turn_left():
    ahead = angles.forward(np.array([0.0, 90.0, 180.0, 270.0]))
    np.testing.assert_allclose(ahead, [[0, 0, -1], [-1, 0, 0], [0, 0, 1], [1, 0, 0]], atol=1e-12)
    np.testing.assert_allclose(angles.leftward(np.array([0.0, 90.0])), [[-1, 0, 0], [0, 0, 1]], atol=1e-12)


@pytest.mark.parametrize(
    ("offset", "heading", "expected"),
    [
        ((0, 0, -2), 0, 0),
        ((-1, 0, 0), 0, 90),
        ((1, 0, 0), 0, -90),
        ((0, 0, 1), 0, 180),
        ((-1, 5, -1), 0, 45),
        ((-1, 0, 0), 90, 0),
        ((0, 0, -1), 90, -90),
        ((0, 0, -1), 350, 10),
    ],
)
def test_azimuth_by_hand(offset, heading, expected):
    assert angles.azimuth(np.array(offset, float), np.array(float(heading))) == pytest.approx(expected, abs=1e-9)


def test_elevation_by_hand():
    offsets = np.array([[0, 1, -1], [0, -1, 0], [3, 0, 4], [3, 5, 4]], float)
    np.testing.assert_allclose(angles.elevation(offsets), [45, -90, 0, 45], atol=1e-9)


def test_wrapping_ends():
    turns = np.array([180.0, -180.0, 181.0, -181.0, 540.0, 0.0])
    np.testing.assert_array_equal(angles.wrap_180(turns), [180, 180, -179, 179, 180, 0])
    np.testing.assert_array_equal(angles.wrap_360(np.array([360.0, -90.0, 725.0])), [0, 270, 5])
    assert angles.wrap_360(np.float32(-1e-6)) < 360  # the remainder alone rounds up to 360


def test_fold_front_keeps_the_side():
    np.testing.assert_array_equal(angles.fold_front(np.array([30.0, 100.0, -100.0, 180.0, -135.0])), [30, 80, -80, 0, -45])


def test_direction_is_what_azimuth_and_elevation_read():
    a, e = np.array([10.0, -170.0, 90.0]), np.array([20.0, -60.0, 0.0])
    unit = angles.direction(a, e)
    np.testing.assert_allclose(np.linalg.norm(unit, axis=-1), 1)
    np.testing.assert_allclose(angles.azimuth(unit, np.zeros(3)), a)
    np.testing.assert_allclose(angles.elevation(unit), e, atol=1e-12)


@pytest.mark.parametrize("name", ["wrap_180", "wrap_360", "forward", "leftward", "fold_front"])
def test_torch_agrees_of_angles(name):
    degrees = np.random.default_rng(0).uniform(-720, 720, 100)
    answer = getattr(angles, name)(torch.from_numpy(degrees))
    assert isinstance(answer, torch.Tensor)
    np.testing.assert_allclose(answer.numpy(), getattr(angles, name)(degrees), atol=1e-9)


def test_torch_agrees_of_directions():
    rng = np.random.default_rng(1)
    offset, heading = rng.standard_normal((50, 3)), rng.uniform(0, 360, 50)
    t = torch.from_numpy
    np.testing.assert_allclose(angles.azimuth(t(offset), t(heading)).numpy(), angles.azimuth(offset, heading))
    np.testing.assert_allclose(angles.elevation(t(offset)).numpy(), angles.elevation(offset))
    np.testing.assert_allclose(angles.direction(t(heading), t(heading / 9)).numpy(), angles.direction(heading, heading / 9))
