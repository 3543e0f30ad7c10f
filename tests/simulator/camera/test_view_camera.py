"""Cameras of a set: drawn from ranges, jittered by view, or fixed."""

from __future__ import annotations

import numpy as np
import pytest

from simulator.camera.view_camera import DRAWN, draw_cameras, fixed
from simulator.config import CameraSettings, with_options
from simulator.errors import InputError

RANGES = ["hfov_deg=45..90", "pitch_deg=-40..10", "roll_deg=-5..5", "height_m=1..1.8"]


def drawn(texts, sets=300, views=4, motion="free"):
    """Draw cameras of many sets: {setting: (sets, views)}."""
    settings = with_options({"sampling.motion": motion}, [f"camera.{text}" for text in texts]).camera
    cameras = [draw_cameras(settings, views, np.random.default_rng(k)) for k in range(sets)]
    return {name: np.array([[getattr(c, name) for c in one] for one in cameras]) for name in DRAWN}


def test_numbers_are_what_they_are():
    camera = CameraSettings(hfov_deg=61.3, roll_deg=0.1, width_px=64)
    assert draw_cameras(camera, 2, np.random.default_rng(0)) == [fixed(camera)] * 2
    found = fixed(camera)
    assert (found.hfov_deg, found.pitch_deg, found.roll_deg, found.height_m, found.width_px) == (61.3, -22.5, 0.1, 1.5, 64)


def test_a_range_is_drawn_evenly_once_a_set():
    for name, values in drawn(RANGES).items():
        low, high = (float(end) for end in next(t for t in RANGES if t.startswith(name)).split("=")[1].split(".."))
        assert (values == values[:, :1]).all()
        assert values.min() >= low and values.max() <= high
        counts, _ = np.histogram(values[:, 0], 5, (low, high))
        assert counts.min() > 30
    columns = np.array([values[:, 0] for values in drawn(RANGES).values()])
    assert np.abs(np.corrcoef(columns) - np.eye(4)).max() < 0.2, "each is drawn on its own"


def test_jitter_varies_each_view_around_its_set():
    values = drawn(["hfov_deg=45..90", "hfov_jitter_deg=3", "roll_jitter_deg=2", "height_jitter_m=0.1"])
    assert (np.ptp(values["hfov_deg"], axis=1) > 0).all()
    assert 4 < np.ptp(values["hfov_deg"], axis=1).max() <= 6 and np.ptp(values["hfov_deg"]) > 40
    assert 1.9 < np.abs(values["roll_deg"]).max() <= 2 and abs(values["roll_deg"].mean()) < 0.2
    assert np.abs(values["height_m"] - 1.5).max() == pytest.approx(0.1, abs=0.01)
    assert (values["pitch_deg"] == -22.5).all()


def test_drawn_values_are_stored_exactly():
    for name, values in drawn([*RANGES, "pitch_jitter_deg=3"], sets=5).items():
        np.testing.assert_array_equal(values.astype(np.float32).astype(np.float64), values, err_msg=name)


@pytest.mark.parametrize(("text", "message"), [("hfov_deg=45..90", "use a number"), ("roll_jitter_deg=2", "use 0")])
def test_one_camera_where_they_vary_is_refused(text, message):
    with pytest.raises(InputError, match=rf"camera\.{text.split('=')[0]} is {text.split('=')[1]}; one camera .* {message}"):
        fixed(with_options({}, [f"camera.{text}"]).camera)
