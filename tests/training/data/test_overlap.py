"""The overlap of two views with cameras of their own, by the geometry of one place."""

import numpy as np
import pytest

from dataset.geometry import Pinhole
from training.data.overlap import overlap

HERE = np.array([1.0, 1.5, 2.0])
DEPTH = np.full((48, 64), 2000, np.uint16)
LEVEL = Pinhole(60.0, 0.0)


def share(camera_s, camera_t, turn=0.0):
    return overlap(DEPTH, HERE, 10.0, HERE, 10.0 + turn, camera_s, camera_t)


def test_a_wider_picture_holds_a_narrower_one():
    wide = Pinhole(90.0, 0.0)
    assert share(LEVEL, wide) == 1.0
    assert share(wide, LEVEL) == pytest.approx(np.tan(np.pi / 6) ** 2, abs=0.06)


def test_a_quarter_of_a_roll_leaves_the_square_in_the_middle():
    assert share(LEVEL, Pinhole(60.0, 0.0, 90.0)) == pytest.approx(0.75, abs=0.05)
    assert share(LEVEL, Pinhole(60.0, 0.0, 180.0)) == 1.0


def test_a_pitch_by_the_height_of_the_picture_leaves_nothing():
    height = np.rad2deg(2 * np.arctan(0.75 * LEVEL.half_width))
    assert share(LEVEL, Pinhole(60.0, height + 0.1)) == 0.0
    assert 0.4 < share(LEVEL, Pinhole(60.0, height / 2)) < 0.6


def test_a_turn_counts_the_fields_of_view_of_both():
    assert share(LEVEL, LEVEL, 61.0) == 0.0
    assert share(LEVEL, Pinhole(90.0, 0.0), 61.0) > 0.1
