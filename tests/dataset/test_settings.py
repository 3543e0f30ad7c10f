"""Settings by dotted name: values and texts change them, and what is unknown or of another type is refused."""

from dataclasses import dataclass, field

import pytest

from dataset.errors import InputError
from dataset.settings import Range, bounds, changed, flattened


@dataclass(frozen=True)
class Camera:
    width_px: int = 320
    hfov_deg: float = 60.0
    grey: bool = False
    tilt_deg: float | Range = 0.0


@dataclass(frozen=True)
class Settings:
    seed: int = 0
    name: str = "one"
    camera: Camera = field(default_factory=Camera)


def test_texts_come_on_top_of_values():
    found = changed(Settings(), {"seed": 3, "camera.hfov_deg": 70.0}, ["seed=4", "camera.grey=True", "name=a=b"])
    assert found == Settings(4, "a=b", Camera(320, 70.0, True))
    assert changed(found, {}) == found


@pytest.mark.parametrize(
    ("text", "value"),
    [("3", 3.0), ("-3.5", -3.5), ("45..90", Range(45, 90)), ("-30..-1e1", Range(-30, -10)), ("1..1", Range(1, 1))],
)
def test_a_number_or_a_range(text, value):
    found = changed(Settings(), {}, [f"camera.tilt_deg={text}"]).camera.tilt_deg
    assert found == value and isinstance(found, type(value))
    assert str(Range(45, 90)) == "45..90" and bounds(3.0) == (3, 3) and bounds(Range(1, 2)) == (1, 2)


def test_flattened():
    assert flattened({"seed": 1, "camera": {"width_px": 2}}) == {"seed": 1, "camera.width_px": 2}


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("sed=1", "known key is expected, such as seed"),
        ("seed", "KEY=VALUE"),
        ("seed=1.5", "int is expected, as in seed=0"),
        ("camera.grey=maybe", "true or false is expected"),
        ("camera.tilt_deg=1..", "float is expected, as in camera.tilt_deg=0.0, or a range, as in low..high"),
        ("camera.tilt_deg=a..b", "or a range, as in low..high"),
        ("camera.hfov_deg=45..90", "float is expected, as in camera.hfov_deg=60.0$"),
        ("camera.hfov_deg=wide", "float is expected, as in camera.hfov_deg=60.0"),
    ],
)
def test_wrong_texts(text, message):
    with pytest.raises(InputError, match=message):
        changed(Settings(), {}, [text])


def test_a_value_of_an_unknown_name():
    with pytest.raises(InputError, match=r"camera\.depth are unknown"):
        changed(Settings(), {"camera.depth": 1})
