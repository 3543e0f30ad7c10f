"""Geometry of views and sources: the axes of the pinhole camera, and the directions that a set stores."""

from __future__ import annotations

import numpy as np

from dataset.angles import azimuth, elevation, forward, leftward


def camera_axes(heading_deg: float, pitch_deg: float) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return the unit vectors to the right, up and along the optical axis of a camera, each (3,), world frame.

    heading_deg: left positive. pitch_deg: up positive.
    """
    ahead, right = forward(float(heading_deg)), -leftward(float(heading_deg))
    pitch = np.deg2rad(pitch_deg)
    vertical = np.array([0.0, 1.0, 0.0])
    axis = np.cos(pitch) * ahead + np.sin(pitch) * vertical
    up = right[[1, 2, 0]] * axis[[2, 0, 1]] - right[[2, 0, 1]] * axis[[1, 2, 0]]  # their cross product; np.cross is slow
    return right, up, axis


def source_directions(position: np.ndarray, heading_deg: np.ndarray, source_position: np.ndarray) -> dict[str, np.ndarray]:
    """Return azimuth and elevation, degrees, and distance, m, of S sources from V views: the fields of a set, each (V, S).

    position: (V, 3). heading_deg: (V,). source_position: (S, 3). From positions and headings as stored; computed
    in float64, rounded to float32.
    """
    offset = source_position[None].astype(np.float64) - position[:, None]
    found = {
        "azimuth": azimuth(offset, heading_deg[:, None].astype(np.float64)),
        "elevation": elevation(offset),
        "distance": np.linalg.norm(offset, axis=-1),
    }
    return {name: value.astype(np.float32) for name, value in found.items()}
