"""Closest hits and occlusion on a triangle mesh: one Embree BVH for pictures, line of sight and sound."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from embreex import rtcore_scene
from embreex.mesh_construction import TriangleMesh


class Hits(NamedTuple):
    """Closest hits of N rays."""

    distance: np.ndarray
    """(N,) float32, in lengths of the ray direction (m for unit directions); inf where nothing was hit."""
    face: np.ndarray
    """(N,) int32, index of the triangle; -1 where nothing was hit."""
    u: np.ndarray
    """(N,) float32, barycentric weight of the triangle's second corner."""
    v: np.ndarray
    """(N,) float32, barycentric weight of the triangle's third corner."""


class Bvh:
    """Bounding volume hierarchy over (V, 3) vertices in metres and (F, 3) faces."""

    def __init__(self, vertices: np.ndarray, faces: np.ndarray) -> None:
        self._scene = rtcore_scene.EmbreeScene()
        # Embree keeps pointers into these arrays.
        self._vertices = np.ascontiguousarray(vertices, np.float32)
        self._faces = np.ascontiguousarray(faces, np.int32)
        self._mesh = TriangleMesh(self._scene, self._vertices, self._faces)

    def closest(self, origins: np.ndarray, directions: np.ndarray) -> Hits:
        """Find the first triangle along each of N rays; origins and directions are (N, 3), world frame, m."""
        if len(origins) == 0:
            empty = np.zeros(0, np.float32)
            return Hits(empty, np.zeros(0, np.int32), empty, empty)
        out = self._scene.run(_float32(origins), _float32(directions), output=True)
        face = out["primID"]
        distance = np.where(face < 0, np.float32(np.inf), out["tfar"])
        return Hits(distance, face, out["u"], out["v"])

    def visible(self, origins: np.ndarray, targets: np.ndarray, shrink: float = 1e-3) -> np.ndarray:
        """Say for each of N segments whether nothing lies on it, leaving out its last `shrink` share; (N,) bool."""
        if len(origins) == 0:
            return np.zeros(0, bool)
        start = _float32(origins)
        ahead = _float32(targets) - start
        far = np.full(len(start), 1.0 - shrink, np.float32)
        return self._scene.run(start, ahead, dists=far, query="OCCLUDED") == -1


def _float32(array: np.ndarray) -> np.ndarray:
    return np.ascontiguousarray(array, np.float32)
