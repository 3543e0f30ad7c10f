"""Geometry of views and sources: the pinhole camera of a view, and the directions that a set stores."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from dataset.angles import azimuth, elevation, forward, leftward

CAMERA_FIELDS = ("hfov_deg", "pitch_deg", "roll_deg")
"""Fields of a set that describe the camera of each view, besides position and heading."""


@dataclass(frozen=True)
class Pinhole:
    """A pinhole camera with square pixels: width of its picture, and its tilt against a level camera of the same heading."""

    hfov_deg: float
    """Horizontal field of view."""
    pitch_deg: float
    """Up positive."""
    roll_deg: float = 0.0
    """Turn about the optical axis, right side up positive."""

    @property
    def half_width(self) -> float:
        """Half of the picture's width at distance 1 along the optical axis."""
        return float(np.tan(np.deg2rad(self.hfov_deg / 2)))

    def axes(self, heading_deg: float) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """Return the unit vectors to the right, up and along the optical axis, each (3,), world frame; heading left positive."""
        return camera_axes(heading_deg, self.pitch_deg, self.roll_deg)


def pinholes(one: Mapping[str, Any]) -> list[Pinhole]:
    """Return the cameras of a set's V views; one: at least the fields CAMERA_FIELDS, each (V,)."""
    return [Pinhole(*map(float, angles)) for angles in zip(*(one[name] for name in CAMERA_FIELDS), strict=True)]


def camera_axes(heading_deg: float, pitch_deg: float, roll_deg: float = 0.0) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return the unit vectors to the right, up and along the optical axis of a camera, each (3,), world frame.

    heading_deg: left positive. pitch_deg: up positive. roll_deg: right side up positive. The camera is turned by heading about
    +Y, then by pitch about its own right, then by roll about its own rear.
    """
    ahead, right = forward(float(heading_deg)), -leftward(float(heading_deg))
    pitch = np.deg2rad(pitch_deg)
    vertical = np.array([0.0, 1.0, 0.0])
    axis = np.cos(pitch) * ahead + np.sin(pitch) * vertical
    up = right[[1, 2, 0]] * axis[[2, 0, 1]] - right[[2, 0, 1]] * axis[[1, 2, 0]]  # their cross product; np.cross is slow
    if roll_deg:
        roll = np.deg2rad(roll_deg)
        right, up = np.cos(roll) * right + np.sin(roll) * up, np.cos(roll) * up - np.sin(roll) * right
    return right, up, axis


def source_directions(position: np.ndarray, heading_deg: np.ndarray, source_position: np.ndarray) -> dict[str, np.ndarray]:
    """Return azimuth and elevation, degrees, and distance, m, of S sources from V views: the fields of a set, each (V, S).

    position: (V, 3). heading_deg: (V,). source_position: (S, 3), or (V, S, 3) where sources move. From positions and headings
    as stored; computed in float64, rounded to float32.
    """
    offset = source_position.astype(np.float64) - position[:, None]
    found = {
        "azimuth": azimuth(offset, heading_deg[:, None].astype(np.float64)),
        "elevation": elevation(offset),
        "distance": np.linalg.norm(offset, axis=-1),
    }
    return {name: value.astype(np.float32) for name, value in found.items()}
