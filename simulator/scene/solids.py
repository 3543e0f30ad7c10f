"""Places inside closed solids: the surfaces around them turn their backs."""

from __future__ import annotations

from itertools import product

import numpy as np

from simulator.scene.model import Scene

AROUND = np.array([d for d in product((-1.0, 0.0, 1.0), repeat=3) if any(d)])
"""(26, 3) directions over the sphere."""
MOST_BACKS = 0.6
"""A point is inside a solid if a greater share of the surfaces around it turns its back to it: 17 of 26 directions in a box
without a bottom; 15 in a shower cabin, where one can stand."""


def inside_solid(scene: Scene, points: np.ndarray) -> np.ndarray:
    """Return which of (N, 3) points most surfaces around turn their backs to; (N,) bool.

    This is right where triangles face outwards from solids and inwards to rooms.
    """
    directions = np.broadcast_to(AROUND, (len(points), *AROUND.shape))
    origins = np.broadcast_to(points[:, None], directions.shape)
    face = scene.bvh.closest(origins.reshape(-1, 3), directions.reshape(-1, 3)).face.reshape(len(points), -1)
    met = face >= 0
    backs = met & ((scene.normals[face] * directions).sum(-1) > 0)
    return np.asarray(backs.sum(1) > MOST_BACKS * met.sum(1))
