"""A scene in memory: triangles, colours, instances and surfaces, shared by camera and acoustics."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import cached_property

import numpy as np

from simulator.scene.bvh import Bvh

BLOCK = 1 << 16


@dataclass(frozen=True, eq=False)
class Textures:
    """Mip pyramids of all textures of a scene, packed one after another."""

    texels: np.ndarray
    """(K, 4) uint8: sRGB-encoded red, green, blue and linear alpha, row by row, level by level, texture by texture."""
    offset: np.ndarray
    """(T, L) int64: where each level of each texture starts in `texels`; L levels, short pyramids repeat the last."""
    size: np.ndarray
    """(T, L, 2) int32: width and height of each level in texels."""


@dataclass(frozen=True, eq=False)
class Materials:
    """Optical properties of M materials."""

    base_color: np.ndarray
    """(M, 4) float32: linear red, green, blue, alpha factor, 0..1."""
    emissive: np.ndarray
    """(M, 3) float32: linear light added to the surface's own colour."""
    texture: np.ndarray
    """(M,) int32: index into Textures, -1 for none."""
    wrap: np.ndarray
    """(M, 2) uint8: behaviour of u and v beyond 0..1: 0 repeat, 1 clamp to edge, 2 mirrored repeat."""
    alpha_cutoff: np.ndarray
    """(M,) float32: texels with alpha below are holes; 0 for opaque materials."""
    shaded: np.ndarray
    """(M,) bool: plain colour that receives soft shading; False if texture, vertex colours or an unlit flag include it."""


@dataclass(frozen=True, eq=False)
class Scene:
    """An immutable triangle scene in metres, +Y up, right-handed."""

    name: str
    """Safe for file names, unique in a data set."""
    sha256: str
    """Digest of the content of the scene's files, hexadecimal."""
    vertices: np.ndarray
    """(V, 3) float32, m, relative to `origin`."""
    faces: np.ndarray
    """(F, 3) int32, counter-clockwise seen from the front."""
    face_instance: np.ndarray
    """(F,) uint16: 1-based index into `instances`."""
    instances: tuple[str, ...]
    """Name of each instance: a node or primitive of the file."""
    face_material: np.ndarray
    """(F,) int32: index into `materials`."""
    materials: Materials
    textures: Textures
    corner_uv: np.ndarray
    """(F, 3, 2) float32: texture coordinates of each corner, as in glTF: v grows downwards from the image's first row."""
    corner_color: np.ndarray
    """(F, 3, 4) uint8: sRGB-encoded colour and linear alpha of each corner; 255 where there is none."""
    face_surface: np.ndarray
    """(F,) int32: index into `surfaces`."""
    surfaces: tuple[tuple[str, str], ...]
    """Distinct (instance name, material name) pairs, for the acoustic materials."""
    notes: tuple[str, ...] = ()
    """What the loader skipped or repaired, for the user."""
    credit: str = ""
    """Copyright or licence text found in the file."""
    origin: np.ndarray = field(default_factory=lambda: np.zeros(3))
    """(3,) float64, m: world position = scene position + origin. Zero unless the scene lies far from the world's origin, where
    float32 is too coarse."""

    @cached_property
    def bvh(self) -> Bvh:
        """The scene's acceleration structure."""
        return Bvh(self.vertices, self.faces)

    @cached_property
    def normals(self) -> np.ndarray:
        """(F, 3) float32 unit normals by winding; zero for triangles without area."""
        out = np.empty((len(self.faces), 3), np.float32)
        for rows in _blocks(len(self.faces)):
            cross = _cross(self.vertices, self.faces[rows])
            length = np.linalg.norm(cross, axis=1, keepdims=True)
            out[rows] = cross / np.where(length > 0, length, 1.0)
        return out

    @cached_property
    def areas(self) -> np.ndarray:
        """(F,) float32 triangle areas, m^2."""
        return 0.5 * doubled_areas(self.vertices, self.faces)

    @cached_property
    def texel_level(self) -> np.ndarray:
        """(F,) float32: log2 of the texels per metre on each triangle (root of texel over world area); 0 untextured."""
        texture = self.materials.texture[self.face_material]
        level = np.zeros(len(self.faces), np.float32)
        rows = np.flatnonzero(texture >= 0)
        size = self.textures.size[texture[rows], 0].astype(np.float32)
        a, b, c = (self.corner_uv[rows, k] * size for k in range(3))
        twice = np.abs((b[:, 0] - a[:, 0]) * (c[:, 1] - a[:, 1]) - (c[:, 0] - a[:, 0]) * (b[:, 1] - a[:, 1]))
        share = 0.5 * twice / np.maximum(self.areas[rows], np.float32(1e-12))
        level[rows] = 0.5 * np.log2(np.maximum(share, np.float32(1e-12)))
        return level

    @property
    def bounds(self) -> np.ndarray:
        """(2, 3) float32 lowest and highest corner, m."""
        return np.stack([self.vertices.min(0), self.vertices.max(0)])


def doubled_areas(vertices: np.ndarray, faces: np.ndarray) -> np.ndarray:
    """Return twice the area of each of F triangles, (F,) float32, m^2."""
    out = np.empty(len(faces), np.float32)
    for rows in _blocks(len(faces)):
        out[rows] = np.linalg.norm(_cross(vertices, faces[rows]), axis=1)
    return out


def _blocks(count: int) -> Iterator[slice]:
    """Yield blocks of rows, which bounds the memory of double-precision intermediates."""
    for start in range(0, count, BLOCK):
        yield slice(start, start + BLOCK)


def _cross(vertices: np.ndarray, faces: np.ndarray) -> np.ndarray:
    a, b, c = (vertices[faces[:, k]].astype(np.float64) for k in range(3))
    return np.cross(b - a, c - a)
