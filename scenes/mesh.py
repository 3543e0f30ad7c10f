"""Pieces of geometry in metres, collected by object and surface; +Y up.

Object frame: centred at x = 0, back at z = 0, front towards +Z, lowest point at y = 0.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np

from scenes.surface import Surface

Vector = tuple[float, float, float]


@dataclass(frozen=True, eq=False)
class Patch:
    """Triangles of one surface."""

    surface: Surface
    vertices: np.ndarray
    """(N, 3), object frame, m."""
    normals: np.ndarray
    """(N, 3) unit."""
    uv: np.ndarray
    """(N, 2) texture coordinates, v downwards."""
    faces: np.ndarray
    """(K, 3) counter-clockwise seen from the front."""


@dataclass(frozen=True)
class Light:
    """A light bulb: a small sphere in an object's frame."""

    at: Vector
    radius: float
    color: Vector
    """Linear; 1 is an ordinary lamp."""


@dataclass
class Thing:
    """One object: geometry in its own frame, position and rotation."""

    name: str
    patches: list[Patch] = field(default_factory=list)
    solids: list[np.ndarray] = field(default_factory=list)
    """Lowest and highest corner, (2, 3), of each simple body it is made of."""
    lights: list[Light] = field(default_factory=list)
    at: np.ndarray = field(default_factory=lambda: np.zeros(3))
    angle: float = 0.0
    """Rotation about +Y, radians: the front points to (sin, 0, cos)."""

    def quad(self, surface: Surface, corner: Vector, along: Vector, up: Vector, step: float = 0.5, fit: bool = False) -> None:
        """Add a rectangle from a corner and two edges; its front is the side of along x up.

        step: it is divided into parts of about this size, so that baked light can vary over it.
        fit: the texture covers the rectangle once; else the grain runs along the longer edge, to the texture's scale.
        """
        o, a, b = (np.asarray(x, np.float64) for x in (corner, along, up))
        la, lb = float(np.linalg.norm(a)), float(np.linalg.norm(b))
        if la < 1e-6 or lb < 1e-6:
            return
        s, t = np.meshgrid(*(np.linspace(0, 1, max(1, round(n / step)) + 1) for n in (la, lb)), indexing="ij")
        points = o + s[..., None] * a + t[..., None] * b
        if fit:
            uv = np.stack([s, 1 - t], -1)
        else:
            u, v = (s * la, -t * lb) if la >= lb else (t * lb, s * la)
            uv = np.stack([u, v], -1) / surface.tile_m + np.array([_where(o), _where(o[::-1])])
        self.grid(surface, points, uv, normal=np.cross(a, b) / (la * lb))

    def grid(
        self,
        surface: Surface,
        points: np.ndarray,
        uv: np.ndarray,
        keep: np.ndarray | None = None,
        normal: np.ndarray | None = None,
    ) -> None:
        """Add a smooth surface through (N, M, 3) points; its front is the side of first x second axis.

        keep: (N - 1, M - 1) bool, the cells that are solid; all where it is not given. normal: (3,) of a flat surface.
        """
        n, m = points.shape[:2]
        index = np.arange(n * m).reshape(n, m)
        p, q, r, u = index[:-1, :-1].ravel(), index[1:, :-1].ravel(), index[1:, 1:].ravel(), index[:-1, 1:].ravel()
        faces: np.ndarray = np.stack([p, q, r, p, r, u], -1).reshape(-1, 2, 3)
        vertices, coordinates = points.reshape(-1, 3), uv.reshape(-1, 2)
        if keep is not None:
            used, compact = np.unique(faces[keep.ravel()], return_inverse=True)
            vertices, coordinates, faces = vertices[used], coordinates[used], compact
        faces = faces.reshape(-1, 3)
        if normal is None:
            # Poles of bodies of revolution leave triangles without area.
            faces = faces[_areas(vertices, faces) > 1e-10]
            normals = smooth_normals(vertices, faces)
        else:
            normals = np.tile(normal, (len(vertices), 1))
        self.patches.append(Patch(surface, vertices, normals, coordinates, faces))

    def box(self, surface: Surface, low: Vector, high: Vector, skip: str = "", fit: str = "", step: float = 0.5) -> None:
        """Add a box between two corners; skip and fit name sides: west, east, down, up, north (-Z), south (+Z)."""
        (x0, y0, z0), (x1, y1, z1) = low, high
        dx, dy, dz = x1 - x0, y1 - y0, z1 - z0
        sides = {
            "w": ((x0, y0, z0), (0, 0, dz), (0, dy, 0)),
            "e": ((x1, y0, z1), (0, 0, -dz), (0, dy, 0)),
            "d": ((x0, y0, z0), (dx, 0, 0), (0, 0, dz)),
            "u": ((x0, y1, z1), (dx, 0, 0), (0, 0, -dz)),
            "n": ((x1, y0, z0), (-dx, 0, 0), (0, dy, 0)),
            "s": ((x0, y0, z1), (dx, 0, 0), (0, dy, 0)),
        }
        for side, (corner, along, up) in sides.items():
            if side not in skip:
                self.quad(surface, corner, along, up, step, fit=side in fit)
        self.solids.append(np.array([low, high], np.float64))

    def cushion(self, surface: Surface, low: Vector, high: Vector, radius: float = 0.06) -> None:
        """Add a box with round edges."""
        lo, hi = np.array(low, np.float64), np.array(high, np.float64)
        r = min(radius, 0.49 * float((hi - lo).min()))
        c, half = (lo + hi) / 2, (hi - lo) / 2
        for axis in range(3):
            for sign in (-1.0, 1.0):
                first, second = ((axis + 1) % 3, (axis + 2) % 3) if sign > 0 else ((axis + 2) % 3, (axis + 1) % 3)
                p = np.zeros((4, 4, 3))
                p[..., axis] = sign * half[axis]
                p[..., first] = np.array([-half[first], r - half[first], half[first] - r, half[first]])[:, None]
                p[..., second] = np.array([-half[second], r - half[second], half[second] - r, half[second]])
                core = np.clip(p, r - half, half - r)
                away = p - core
                point = core + r * away / np.maximum(np.linalg.norm(away, axis=-1, keepdims=True), 1e-9)
                self.grid(surface, c + point, p[..., [first, second]] / surface.tile_m + _where(lo))
        self.solids.append(np.stack([lo, hi]))

    def lathe(
        self,
        surface: Surface,
        profile: Sequence[tuple[float, float]],
        centre: Vector = (0.0, 0.0, 0.0),
        sides: int = 12,
        squeeze: float = 1.0,
    ) -> None:
        """Add a body of revolution from a profile of (radius, height), from the bottom up; squeeze scales its depth."""
        angle = np.linspace(0, 2 * np.pi, sides + 1)
        r, y = np.array(profile, np.float64).T
        ring = np.stack([np.cos(angle), 0 * angle, -squeeze * np.sin(angle)], -1)
        points = np.asarray(centre) + r[None, :, None] * ring[:, None] + np.stack([0 * y, y, 0 * y], -1)[None]
        reach = np.concatenate([[0], np.cumsum(np.hypot(np.diff(r), np.diff(y)))])
        u = np.broadcast_to(angle[:, None] * r.max(), (len(angle), len(r)))
        uv = np.stack([u, np.broadcast_to(-reach, u.shape)], -1) / surface.tile_m
        self.grid(surface, points, uv)
        self.solids.append(np.stack([points.min((0, 1)), points.max((0, 1))]))

    def cylinder(
        self, surface: Surface, centre: Vector, radius: float, height: float, top: float | None = None, sides: int = 10
    ) -> None:
        """Add an upright cylinder or frustum with a lid and a bottom."""
        end = radius if top is None else top
        self.lathe(surface, [(radius, 0.0), (end, height)], centre, sides)
        self.solids.pop()
        x, y, z = centre
        self.disc(surface, (x, y + height, z), end, sides)
        self.disc(surface, centre, radius, sides, up=False)
        widest = max(radius, end)
        self.solids.append(np.array([[x - widest, y, z - widest], [x + widest, y + height, z + widest]]))

    def disc(self, surface: Surface, centre: Vector, radius: float, sides: int = 10, up: bool = True) -> None:
        """Add a horizontal disc that faces up or down."""
        angle = np.arange(sides) * (2 * np.pi / sides)
        rim = np.stack([np.cos(angle), 0 * angle, -np.sin(angle)], -1) * radius
        vertices = np.concatenate([rim, np.zeros((1, 3))]) + np.asarray(centre)
        k = np.arange(sides)
        faces = np.stack([k, (k + 1) % sides, np.full(sides, sides)], -1)
        normal = np.tile([0.0, 1.0 if up else -1.0, 0.0], (sides + 1, 1))
        uv = vertices[:, [0, 2]] / surface.tile_m
        self.patches.append(Patch(surface, vertices, normal, uv, faces if up else faces[:, ::-1]))

    def rod(self, surface: Surface, start: Vector, end: Vector, radius: float, sides: int = 6) -> None:
        """Add a round bar between two points."""
        a, b = np.asarray(start, np.float64), np.asarray(end, np.float64)
        axis = (b - a) / np.linalg.norm(b - a)
        side = np.cross(axis, [1.0, 0.0, 0.0] if abs(axis[0]) < 0.9 else [0.0, 1.0, 0.0])
        side /= np.linalg.norm(side)
        angle = np.linspace(0, 2 * np.pi, sides + 1)
        ring = radius * (np.cos(angle)[:, None] * side + np.sin(angle)[:, None] * np.cross(axis, side))
        points = np.stack([a + ring, b + ring], 1)
        u = np.linspace(0, 1, sides + 1)[:, None] * 6 * radius
        uv = np.stack(np.broadcast_arrays(np.array([[0.0, np.linalg.norm(b - a)]]), u), -1) / surface.tile_m
        self.grid(surface, points, uv)
        self.solids.append(np.stack([points.min((0, 1)), points.max((0, 1))]))

    def absorb(self, other: Thing) -> None:
        """Merge another object's geometry, at its place, into this one."""
        for patch in other.patches:
            turned = patch.normals @ other.rotation.T
            self.patches.append(Patch(patch.surface, other.to_world(patch.vertices), turned, patch.uv, patch.faces))
        self.solids += list(other.world_solids())
        for light in other.lights:
            self.lights.append(Light(tuple(other.to_world(np.array([light.at]))[0]), light.radius, light.color))

    @property
    def rotation(self) -> np.ndarray:
        """(3, 3) rotation matrix."""
        c, s = np.cos(self.angle), np.sin(self.angle)
        return np.array([[c, 0.0, s], [0.0, 1.0, 0.0], [-s, 0.0, c]])

    def to_world(self, points: np.ndarray) -> np.ndarray:
        """Transform (N, 3) points from the object frame to the world frame."""
        return points @ self.rotation.T + self.at

    def world_solids(self) -> np.ndarray:
        """Return the lowest and highest corner of each body in the world frame, (K, 2, 3)."""
        boxes = np.array(self.solids).reshape(-1, 2, 3)
        pick = np.array([[i, j, k] for i in (0, 1) for j in (0, 1) for k in (0, 1)])
        corners = np.stack([boxes[:, pick[:, a], a] for a in range(3)], -1)
        world = corners @ self.rotation.T + self.at
        return np.stack([world.min(1), world.max(1)], 1)

    def size(self) -> np.ndarray:
        """Return the lowest and the highest corner of all bodies in the object frame, (2, 3)."""
        boxes = np.array(self.solids)
        return np.stack([boxes[:, 0].min(0), boxes[:, 1].max(0)])


def smooth_normals(vertices: np.ndarray, faces: np.ndarray) -> np.ndarray:
    """Average the normals of the faces at each vertex; vertices at one place count as one."""
    a, b, c = (vertices[faces[:, k]] for k in range(3))
    cross = np.cross(b - a, c - a)
    _, place = np.unique(np.round(vertices, 5), axis=0, return_inverse=True)
    place = place.reshape(-1)
    total = np.zeros((place.max() + 1, 3))
    for k in range(3):
        np.add.at(total, place[faces[:, k]], cross)
    normals = total[place]
    return normals / np.maximum(np.linalg.norm(normals, axis=1, keepdims=True), 1e-12)


def _areas(vertices: np.ndarray, faces: np.ndarray) -> np.ndarray:
    a, b, c = (vertices[faces[:, k]] for k in range(3))
    return np.linalg.norm(np.cross(b - a, c - a), axis=1)


def _where(corner: np.ndarray) -> float:
    """Return a texture offset that differs from place to place, so that equal parts of an object do not look alike."""
    return float(np.round(corner @ np.array([0.731, 0.377, 0.593]), 3))
