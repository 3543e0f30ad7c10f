"""Pieces of geometry in metres, collected by object and surface; +Y up."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np

Vector = tuple[float, float, float]


@dataclass
class Piece:
    """The part of an object that has one surface: a list of vertex and triangle blocks."""

    vertices: list[np.ndarray] = field(default_factory=list)
    normals: list[np.ndarray] = field(default_factory=list)
    uvs: list[np.ndarray] = field(default_factory=list)
    faces: list[np.ndarray] = field(default_factory=list)
    count: int = 0

    def add(self, vertices: np.ndarray, normals: np.ndarray, uvs: np.ndarray, faces: np.ndarray) -> None:
        """Append a block of (N, 3) vertices and normals, (N, 2) texture coordinates and (K, 3) faces."""
        self.vertices.append(vertices)
        self.normals.append(normals)
        self.uvs.append(uvs)
        self.faces.append(faces + self.count)
        self.count += len(vertices)

    def joined(self) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
        """Give vertices, normals, uvs and faces as one block each."""
        return tuple(np.concatenate(x) for x in (self.vertices, self.normals, self.uvs, self.faces))  # type: ignore[return-value]


@dataclass
class Thing:
    """One object: its name in the scene and its pieces by surface name."""

    name: str
    pieces: dict[str, Piece] = field(default_factory=dict)

    def quad(
        self, surface: str, corner: Vector, along: Vector, up: Vector, scale: float = 1.0, step: float = 0.4,
        fit: bool = False,
    ) -> None:
        """Add a rectangle from a corner and two edges; its front is the side of along x up.

        scale: metres that one tile of the texture covers; fit: the texture covers the rectangle once instead.
        step: it is divided into parts of about this size, so that baked light can vary over it.
        """
        o, a, b = (np.asarray(x, np.float64) for x in (corner, along, up))
        la, lb = float(np.linalg.norm(a)), float(np.linalg.norm(b))
        if la < 1e-6 or lb < 1e-6:
            return
        na, nb = max(1, round(la / step)), max(1, round(lb / step))
        s, t = np.meshgrid(np.linspace(0, 1, na + 1), np.linspace(0, 1, nb + 1), indexing="ij")
        vertices = o + s[..., None] * a + t[..., None] * b
        uv = np.stack([s, 1 - t], -1) if fit else np.stack([_origin(o, a) + s * la, -_origin(o, b) - t * lb], -1) / scale
        index = np.arange((na + 1) * (nb + 1)).reshape(na + 1, nb + 1)
        p, q, r, u = index[:-1, :-1].ravel(), index[1:, :-1].ravel(), index[1:, 1:].ravel(), index[:-1, 1:].ravel()
        faces = np.concatenate([np.stack([p, q, r], -1), np.stack([p, r, u], -1)])
        normal = np.cross(a, b) / (la * lb)
        self._piece(surface).add(vertices.reshape(-1, 3), np.tile(normal, (vertices.size // 3, 1)), uv.reshape(-1, 2), faces)

    def box(
        self, surface: str, low: Vector, high: Vector, scale: float = 1.0, step: float = 0.4, skip: str = "", fit: str = "",
    ) -> None:
        """Add a box between two corners; skip and fit name sides by letter: west, east, down, up, north, south."""
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
                self.quad(surface, corner, along, up, scale, step, fit=side in fit)

    def cylinder(
        self, surface: str, centre: Vector, radius: float, height: float, top_radius: float | None = None, sides: int = 12,
        scale: float = 1.0,
    ) -> None:
        """Add an upright cylinder or cone frustum that stands on its centre, with a lid."""
        top = radius if top_radius is None else top_radius
        angle = np.linspace(0, 2 * np.pi, sides + 1)
        ring = np.stack([np.cos(angle), np.zeros_like(angle), -np.sin(angle)], -1)
        c = np.asarray(centre, np.float64)
        low, high = c + radius * ring, c + top * ring + [0, height, 0]
        u = angle * max(radius, top) / scale
        uv = np.concatenate([np.stack([u, 0 * u], -1), np.stack([u, 0 * u - height / scale], -1)])
        k = np.arange(sides)
        faces = np.concatenate([np.stack([k, k + 1, k + sides + 2], -1), np.stack([k, k + sides + 2, k + sides + 1], -1)])
        self._piece(surface).add(np.concatenate([low, high]), np.tile(ring, (2, 1)), uv, faces)
        if top > 0.01:
            lid = np.concatenate([high[:-1], [c + [0, height, 0]]])
            flat = np.stack([k, (k + 1) % sides, np.full(sides, sides)], -1)
            self._piece(surface).add(lid, np.tile([0.0, 1.0, 0.0], (sides + 1, 1)), lid[:, [0, 2]] / scale, flat)

    def turned(self, quarter_turns: int, to: Vector) -> Thing:
        """Give the object turned about the vertical by quarters to the left, then moved."""
        angle = quarter_turns * np.pi / 2
        c, s = round(np.cos(angle)), round(np.sin(angle))
        matrix = np.array([[c, 0, s], [0, 1, 0], [-s, 0, c]], np.float64)
        out = Thing(self.name)
        for surface, piece in self.pieces.items():
            vertices, normals, uvs, faces = piece.joined()
            out._piece(surface).add(vertices @ matrix.T + np.asarray(to), normals @ matrix.T, uvs, faces)
        return out

    def bounds(self) -> np.ndarray:
        """Give the lowest and the highest corner, (2, 3)."""
        points = np.concatenate([p.joined()[0] for p in self.pieces.values()])
        return np.stack([points.min(0), points.max(0)])

    def _piece(self, surface: str) -> Piece:
        return self.pieces.setdefault(surface, Piece())


def _origin(corner: np.ndarray, edge: np.ndarray) -> float:
    """Give where a corner lies along an edge's direction, so that a texture runs on from one rectangle to the next."""
    return float(corner @ edge / np.linalg.norm(edge))
