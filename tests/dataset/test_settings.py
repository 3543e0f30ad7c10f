"""Settings by dotted name: values and texts change them, and what is unknown or of another type is refused."""

from dataclasses import dataclass, field

import pytest

from dataset.errors import InputError
from dataset.settings import changed, flattened


@dataclass(frozen=True)
class Camera:
    width_px: int = 320
    hfov_deg: float = 60.0
    grey: bool = False


@dataclass(frozen=True)
class Settings:
    seed: int = 0
    name: str = "one"
    camera: Camera = field(default_factory=Camera)


def test_texts_come_on_top_of_values():
    found = changed(Settings(), {"seed": 3, "camera.hfov_deg": 70.0}, ["seed=4", "camera.grey=True", "name=a=b"])
    assert found == Settings(4, "a=b", Camera(320, 70.0, True))
    assert changed(found, {}) == found


def test_flattened():
    assert flattened({"seed": 1, "camera": {"width_px": 2}}) == {"seed": 1, "camera.width_px": 2}


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("sed=1", "known key is expected, such as seed"),
        ("seed", "KEY=VALUE"),
        ("seed=1.5", "int is expected, as in seed=0"),
        ("camera.grey=maybe", "true or false is expected"),
        ("camera.hfov_deg=wide", "float is expected, as in camera.hfov_deg=60.0"),
    ],
)
def test_wrong_texts(text, message):
    with pytest.raises(InputError, match=message):
        changed(Settings(), {}, [text])


def test_a_value_of_an_unknown_name():
    with pytest.raises(InputError, match=r"camera\.depth are unknown"):
        changed(Settings(), {"camera.depth": 1})
