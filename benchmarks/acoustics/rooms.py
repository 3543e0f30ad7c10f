"""Rooms for measurements, made of rectangles: boxes, floor plans, fine meshes and simulated scans of them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from simulator.acoustics.acoustic_scene import AcousticScene, prepare_acoustics
from simulator.acoustics.materials import SurfaceAcoustics
from simulator.config import AcousticsSettings
from simulator.scene.assemble import MaterialSpec, Part, assemble
from simulator.scene.model import Scene

STEP_M = 0.12
"""Edges of a scan's triangles."""
NOISE_M = 0.003
"""Standard deviation of a scan's vertices along each axis."""


@dataclass(frozen=True, eq=False)
class Surface:
    """A rectangle: a corner and two edges, (3,) m, whose cross product points into the room."""

    name: str
    corner: np.ndarray
    along: np.ndarray
    across: np.ndarray

    def grid(self, step_m: float) -> tuple[np.ndarray, np.ndarray]:
        """Return vertices (N, 3) and faces (K, 3) with edges of at most step_m."""
        m, n = (max(1, int(np.ceil(np.linalg.norm(edge) / step_m))) for edge in (self.along, self.across))
        i, j = np.meshgrid(np.arange(m + 1) / m, np.arange(n + 1) / n, indexing="ij")
        vertices = self.corner + i[..., None] * self.along + j[..., None] * self.across
        k = np.arange((m + 1) * (n + 1)).reshape(m + 1, n + 1)
        a, b, c, d = k[:-1, :-1], k[1:, :-1], k[1:, 1:], k[:-1, 1:]
        faces = np.stack([np.stack([a, b, c], -1), np.stack([a, c, d], -1)], 2)
        return vertices.reshape(-1, 3), faces.reshape(-1, 3)


def box(size: Sequence[float], low: Sequence[float] = (0.0, 0.0, 0.0), outside: bool = False, name: str = "") -> list[Surface]:
    """Return the six sides of a box from its lowest corner, facing inwards, or outwards as furniture does."""
    (w, h, d), o = np.asarray(size, float), np.asarray(low, float)
    x, y, z = np.diag([w, h, d])
    sides = [("floor", o, z, x), ("ceiling", o + y, x, z), ("west", o, y, z), ("east", o + x, z, y), ("north", o, x, y),
             ("south", o + z, y, x)]  # fmt: skip
    return [Surface(name or side, c, v, u) if outside else Surface(name or side, c, u, v) for side, c, u, v in sides]


def floor_plan(xs: Sequence[float], zs: Sequence[float], inside: Sequence[Sequence[int]], height: float) -> list[Surface]:
    """Return floor, ceiling and walls of the cells between grid lines xs and zs where inside[z][x] is 1; heights in m."""
    cells = np.pad(np.asarray(inside, bool), 1)
    up, out = np.array([0.0, height, 0.0]), []
    for k, j in np.argwhere(cells):
        x0, x1, z0, z1 = xs[j - 1], xs[j], zs[k - 1], zs[k]
        o, x, z = np.array([x0, 0.0, z0]), np.array([x1 - x0, 0.0, 0.0]), np.array([0.0, 0.0, z1 - z0])
        out += [Surface("floor", o, z, x), Surface("ceiling", o + up, x, z)]
        if not cells[k, j - 1]:
            out.append(Surface("wall", o, up, z))
        if not cells[k, j + 1]:
            out.append(Surface("wall", o + x, z, up))
        if not cells[k - 1, j]:
            out.append(Surface("wall", o, x, up))
        if not cells[k + 1, j]:
            out.append(Surface("wall", o + z, up, x))
    return out


def clean(surfaces: Sequence[Surface], step_m: float = np.inf) -> Scene:
    """Return a scene of surfaces, one part for each, with edges of at most step_m."""
    return _scene([(s.name, *s.grid(step_m)) for s in surfaces])


def scanned(surfaces: Sequence[Surface], rng: np.random.Generator) -> Scene:
    """Return a simulated scan: noisy vertices, holes, duplicate and flipped faces and edges shared by three faces."""
    return _scene([(s.name, *_damaged(*s.grid(STEP_M), rng)) for s in surfaces])


def _damaged(vertices: np.ndarray, faces: np.ndarray, rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
    rough = vertices + rng.normal(scale=NOISE_M, size=vertices.shape)
    remaining = faces[rng.random(len(faces)) > 0.002]
    flipped = rng.random(len(remaining)) < 0.05
    remaining[flipped] = remaining[flipped][:, ::-1]
    twice = remaining[rng.random(len(remaining)) < 0.02]
    fins = remaining[rng.random(len(remaining)) < 0.01]
    tips = rough[fins].mean(1) + rng.normal(scale=0.01, size=(len(fins), 3))
    fins = np.stack([fins[:, 0], fins[:, 1], len(rough) + np.arange(len(fins))], 1)
    return np.concatenate([rough, tips]), np.concatenate([remaining, twice, fins])


def _scene(parts: Sequence[tuple[str, np.ndarray, np.ndarray]]) -> Scene:
    names = list(dict.fromkeys(name for name, _, _ in parts))
    specs = [MaterialSpec(name) for name in names]
    made = [Part(name, names.index(name), v, f, group=name) for name, v, f in parts]
    return assemble("room", "0" * 64, made, specs, [], [], "", 1.0)


def room_of(
    scene: Scene,
    absorption: float | dict[str, float],
    scattering: float,
    settings: AcousticsSettings,
    air: bool = False,
) -> AcousticScene:
    """Prepare a scene with the given absorption, one value or one by surface name, and scattering, equal in all bands."""
    names = [name for name, _ in scene.surfaces]
    share = [absorption[name] if isinstance(absorption, dict) else absorption for name in names]
    flat = np.repeat(np.array(share)[:, None], 7, 1)
    acoustics = SurfaceAcoustics(flat, np.full_like(flat, scattering), tuple(names), ("given",) * len(names))
    room = prepare_acoustics(scene, acoustics, settings)
    return room if air else replace(room, air=np.zeros(7))
