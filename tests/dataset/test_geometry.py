"""The camera's axes and stored directions, by hand; full responses, by hand."""

import numpy as np
import pytest
from scipy.spatial.transform import Rotation

from dataset.geometry import Pinhole, camera_axes, pinholes, source_directions
from dataset.responses import full_response


def test_a_level_camera_at_heading_0_looks_along_minus_z():
    right, up, ahead = camera_axes(0.0, 0.0)
    np.testing.assert_allclose([right, up, ahead], [[1, 0, 0], [0, 1, 0], [0, 0, -1]], atol=1e-12)


def test_heading_grows_to_the_left_and_pitch_upwards():
    right, up, ahead = camera_axes(90.0, 30.0)  # along -X, 30 degrees up
    c, s = np.cos(np.pi / 6), 0.5
    np.testing.assert_allclose([right, up, ahead], [[0, 0, -1], [s, c, 0], [-c, s, 0]], atol=1e-12)


def test_a_roll_lifts_the_right_side_and_keeps_the_axis():
    right, up, ahead = camera_axes(0.0, 0.0, 30.0)
    c, s = np.cos(np.pi / 6), 0.5
    np.testing.assert_allclose([right, up, ahead], [[c, s, 0], [-s, c, 0], [0, 0, -1]], atol=1e-12)


def test_axes_are_those_of_turns_about_y_then_x_then_z():
    found = np.stack(camera_axes(40.0, -25.0, 12.0), 1) * [1, 1, -1]  # right, up, rear
    np.testing.assert_allclose(found, Rotation.from_euler("YXZ", [40.0, -25.0, 12.0], degrees=True).as_matrix(), atol=1e-12)


def test_pinholes_of_the_views():
    one = {"hfov_deg": np.float32([60, 90]), "pitch_deg": np.float32([-22.5, 0]), "roll_deg": np.float32([0, 5])}
    assert pinholes(one) == [Pinhole(60.0, -22.5), Pinhole(90.0, 0.0, 5.0)]
    assert pinholes(one)[1].half_width == pytest.approx(1.0, abs=1e-12)


def test_directions_of_a_source_to_the_left():
    found = source_directions(np.zeros((1, 3), np.float32), np.array([0.0, 90.0, 270.0]), np.array([[-3.0, 4.0, 0.0]]))
    np.testing.assert_allclose(found["azimuth"][:, 0], [90, 0, 180], atol=1e-4)
    np.testing.assert_allclose(found["elevation"], np.rad2deg(np.arctan2(4, 3)), atol=1e-4)
    np.testing.assert_allclose(found["distance"], 5)
    assert {v.dtype for v in found.values()} == {np.dtype(np.float32)}


@pytest.mark.parametrize(("taps", "full"), [(None, [2, 4, 2]), (2, [2, 4]), (4, [2, 4, 2, 0])])
def test_a_full_response(taps, full):
    direct, indirect = np.array([[1.0, 3.0]], np.float32), np.array([[2.0, 2.0, 4.0]], np.float32)
    found = full_response(direct, indirect, 0.5, taps)
    assert found.tolist() == [full] and found.dtype == np.float32
    assert direct.tolist() == [[1, 3]] and indirect.tolist() == [[2, 2, 4]]


def test_a_direct_response_longer_than_the_indirect_one():
    assert full_response(np.ones((2, 3)), np.ones((2, 1)), 2.0).tolist() == [[3, 1, 1]] * 2
