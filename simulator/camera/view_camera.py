"""The camera of one view: drawn from the settings, which may hold ranges, or fixed by them."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from dataset.geometry import Pinhole
from dataset.settings import Range
from simulator.config import LIMITS, CameraSettings, jitter_of
from simulator.errors import InputError

DRAWN = tuple(LIMITS)
"""Settings of the camera that may be ranges and may jitter; fields of a set have the same names."""


@dataclass(frozen=True, kw_only=True)
class ViewCamera(Pinhole):
    """A pinhole camera that renders one view."""

    height_m: float
    """Above the floor."""
    width_px: int
    height_px: int
    samples_per_pixel: int


def fixed(settings: CameraSettings) -> ViewCamera:
    """Return the camera of all views; raise InputError for settings that let it vary."""
    for name in DRAWN:
        value, jitter = getattr(settings, name), jitter_of(name)
        if isinstance(value, Range):
            raise InputError(f"setting camera.{name} is {value}; one camera is needed here, use a number")
        if getattr(settings, jitter):
            raise InputError(f"setting camera.{jitter} is {getattr(settings, jitter):g}; one camera is needed here, use 0")
    return _camera(settings, {name: getattr(settings, name) for name in DRAWN})


def draw_cameras(settings: CameraSettings, count: int, rng: np.random.Generator) -> list[ViewCamera]:
    """Draw the cameras of a set's candidate views: one value of each setting for the set, and the jitter of each view.

    Drawn values are rounded to float32, as they are stored.
    """
    columns = {name: _drawn(getattr(settings, name), getattr(settings, jitter_of(name)), count, rng) for name in DRAWN}
    return [_camera(settings, {name: float(column[k]) for name, column in columns.items()}) for k in range(count)]


def _drawn(value: float | Range, jitter: float, count: int, rng: np.random.Generator) -> np.ndarray:
    """Return (count,) values; numbers without jitter stay as they are."""
    if not isinstance(value, Range) and not jitter:
        return np.full(count, value, np.float64)
    middle = rng.uniform(*value) if isinstance(value, Range) else value
    return (middle + jitter * rng.uniform(-1.0, 1.0, count)).astype(np.float32)


def _camera(settings: CameraSettings, values: dict[str, float]) -> ViewCamera:
    return ViewCamera(
        **values, width_px=settings.width_px, height_px=settings.height_px, samples_per_pixel=settings.samples_per_pixel
    )
