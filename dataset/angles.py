"""The sign convention of all packages: headings and azimuths grow to the left, in degrees; +Y up, -Z ahead at heading 0.

World frame: +Y up, right-handed, metres. A head at heading 0 looks along -Z with +X to its right. Every function takes
NumPy arrays, torch tensors or floats, and returns the same kind.
"""

from __future__ import annotations

from typing import Any

import numpy as np

Array = Any
"""A NumPy array, a torch tensor or a float."""


def wrap_180(degrees: Array) -> Array:
    """Return angles of any shape, in degrees, wrapped to (-180, 180]."""
    return 180.0 - (180.0 - degrees) % 360.0


def wrap_360(degrees: Array) -> Array:
    """Return angles of any shape, in degrees, wrapped to [0, 360)."""
    return degrees % 360.0 % 360.0


def forward(heading_deg: Array) -> Array:
    """Return the level unit vectors (..., 3), world frame, along headings (...) in degrees."""
    xp = _namespace(heading_deg)
    h = xp.deg2rad(heading_deg)
    return _stack([-xp.sin(h), xp.zeros_like(h), -xp.cos(h)])


def leftward(heading_deg: Array) -> Array:
    """Return the unit vectors (..., 3) to the left of headings (...) in degrees: the direction of the left ear."""
    xp = _namespace(heading_deg)
    h = xp.deg2rad(heading_deg)
    return _stack([-xp.cos(h), xp.zeros_like(h), xp.sin(h)])


def azimuth(offset: Array, heading_deg: Array) -> Array:
    """Return the angle to the left of the heading, degrees in (-180, 180].

    offset: (..., 3) source minus head, world frame, any length but zero in the horizontal plane.
    heading_deg: broadcasts against (...).
    """
    xp = _namespace(offset)
    world = xp.rad2deg(xp.arctan2(-offset[..., 0], -offset[..., 2]))
    return wrap_180(world - heading_deg)


def elevation(offset: Array) -> Array:
    """Return the angle of (..., 3) offsets above the horizontal plane, degrees in [-90, 90]."""
    xp = _namespace(offset)
    level = xp.hypot(offset[..., 0], offset[..., 2])
    return xp.rad2deg(xp.arctan2(offset[..., 1], level))


def direction(azimuth_deg: Array, elevation_deg: Array) -> Array:
    """Return unit vectors (..., 3) of azimuths and elevations (...) in degrees, in the frame of a head at heading 0."""
    xp = _namespace(azimuth_deg)
    a, e = xp.deg2rad(azimuth_deg), xp.deg2rad(elevation_deg)
    return _stack([-xp.sin(a) * xp.cos(e), xp.sin(e) + xp.zeros_like(a), -xp.cos(a) * xp.cos(e)])


def fold_front(azimuth_deg: Array) -> Array:
    """Return azimuths (...) with those behind the head mirrored to the front: degrees in [-90, 90], same lateral angle."""
    xp = _namespace(azimuth_deg)
    wrapped = wrap_180(azimuth_deg)
    return xp.where(abs(wrapped) > 90.0, xp.sign(wrapped) * 180.0 - wrapped, wrapped)


def _namespace(value: Array) -> Any:
    if type(value).__module__.startswith("torch"):
        import torch

        return torch
    return np


def _stack(parts: list[Array]) -> Array:
    xp = _namespace(parts[0])
    return xp.stack(parts, -1)
