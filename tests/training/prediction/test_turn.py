"""Turns take the lens into account, and pairs whose answers scatter get none."""

from dataclasses import replace
from types import SimpleNamespace

import numpy as np
import pytest
from PIL import Image

from training.evaluation.calibration import Calibration
from training.prediction.pictures import Photograph
from training.prediction.turn import find_turn, turn_text
from training.prediction.turn_picture import draw_turn


class Wide:
    """Answers the width of the pictures it is shown, and their brightness as scatter."""

    settings = SimpleNamespace(picture=SimpleNamespace(width_px=96, height_px=72))
    hfov_deg = 60.0
    calibration = Calibration(60.0, 5.0, 100, 0.05, 100, 0.9)

    def rotation_and_spread(self, rgb_s, rgb_t):
        assert rgb_s.shape[:3] == rgb_t.shape[:3] == (1, *rgb_s.shape[1:3])
        return np.array([rgb_s.shape[2] / 10.0]), np.array([rgb_s.mean()])


def photograph(hfov_deg, width=400, grey=2):
    return Photograph(np.full((width * 3 // 4, width, 3), grey, np.uint8), hfov_deg, "given")


def test_wider_pictures_are_cropped_to_the_trained_field_of_view():
    share = np.tan(np.pi / 6) / np.tan(np.deg2rad(40))
    turn = find_turn(Wide(), photograph(80.0), photograph(80.0))
    assert turn.degrees == pytest.approx(40 * share, abs=0.1) and turn.hfov_deg == 60.0


def test_narrower_pictures_scale_the_answer():
    turn = find_turn(Wide(), photograph(45.0), photograph(45.0))
    assert turn.degrees == pytest.approx(40 * np.tan(np.deg2rad(22.5)) / np.tan(np.deg2rad(30))) and turn.hfov_deg == 45.0


def test_of_two_lenses_the_narrower_part_is_compared():
    wide = photograph(60.0, width=round(400 * np.tan(np.pi / 6) / np.tan(np.pi / 8)))
    assert find_turn(Wide(), wide, photograph(45.0)).hfov_deg == 45.0


def test_an_unknown_lens_is_reported_as_guessed():
    turn = find_turn(Wide(), photograph(None), photograph(None))
    assert turn.degrees == 40.0 and "guessed: 60 degrees" in turn.notes[0] and "--hfov" in turn.notes[0]
    assert "45.0 degrees (given)" in find_turn(Wide(), photograph(45.0), photograph(45.0)).notes[0]


def test_scattered_answers_are_not_given():
    turn = find_turn(Wide(), photograph(60.0, grey=9), photograph(60.0, grey=9))
    assert not turn.known and turn_text(turn, None, "a.jpg", "b.jpg").startswith("cannot tell: a.jpg and b.jpg share too little")
    known = find_turn(Wide(), photograph(60.0), photograph(60.0))
    assert known.known and "turned 40.0 degrees to the left" in turn_text(known, None, "a.jpg", "b.jpg")


def test_without_calibration_every_pair_has_an_answer_and_a_note():
    wide = Wide()
    wide.calibration = None
    turn = find_turn(wide, photograph(60.0, grey=99), photograph(60.0, grey=99))
    assert turn.known and "training.calibrate" in turn.notes[-1]


def test_the_picture_marks_the_middle_of_the_other_view(tmp_path):
    first, second = photograph(60.0, grey=200), photograph(60.0, grey=200)
    turn = replace(find_turn(Wide(), first, second), degrees=20.0)
    for name, one in (("known", replace(turn, limit_deg=None)), ("unknown", turn)):
        draw_turn(tmp_path / f"{name}.png", first, second, one, ("a", "b"))
    known, unknown = (np.asarray(Image.open(tmp_path / f"{n}.png").convert("RGB")).astype(int) for n in ("known", "unknown"))
    width = known.shape[1]
    blue = (known[..., 2] - known[..., 0] > 80).sum(0)
    assert blue[: width // 3].max() < blue[width // 3 : 2 * width // 3].max()  # the first's middle, in the second picture
    assert (known != unknown).any()
