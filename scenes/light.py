"""Baked light at every vertex: windows and lamps with soft shadows, interreflection, ambient occlusion."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from scenes.apartment import Apartment
from scenes.mesh import Patch
from scenes.surface import Surface
from simulator.scene.bvh import Bvh

LIFT_M = 0.012
"""Rays start this far off their surface."""
RAYS = 48
"""Directions in which each vertex gathers light from other surfaces."""
BOUNCES = 3
SKY = np.array([0.86, 0.95, 1.08]) * 1.5
"""Radiance of a window, relative to a lamp's intensity at 1 m."""
DARKEST = 0.04
CONTRAST = 1.35
"""Exponent of the tone curve, which restores the contrast that many bounces flatten."""
CHUNK = 16384


@dataclass(frozen=True, eq=False)
class _Mesh:
    """All geometry in the world frame."""

    patches: list[Patch]
    start: np.ndarray
    """(P + 1,) where each patch's vertices begin."""
    points: np.ndarray
    normals: np.ndarray
    room: np.ndarray
    """(N,) number of the room each vertex belongs to."""
    faces: np.ndarray
    owner: np.ndarray
    """(F,) patch of each face."""


def bake(apartment: Apartment, albedo: dict[Surface, np.ndarray]) -> dict[int, np.ndarray]:
    """Return linear light 0..1 at each vertex, {id of patch: (N, 3) float}, to be multiplied with the texture.

    albedo: (3,) linear mean colour of each surface.
    """
    mesh = _collect(apartment)
    solid = np.array([p.surface.alpha == 1 and p.surface.glow == 0 for p in mesh.patches])
    faces = mesh.faces[solid[mesh.owner]]
    owner = mesh.owner[solid[mesh.owner]]
    bvh = Bvh(mesh.points, faces)
    origins = _origins(mesh)
    direct = np.zeros((len(origins), 3))
    for at, color, room, normal, area in _sources(apartment):
        rows = np.flatnonzero(mesh.room == room)
        _add_light(direct, rows, mesh, origins, bvh, at, color, normal, area)
    hits, buried = _look_around(mesh, origins, bvh, faces)
    reflectance = np.array([albedo[mesh.patches[k].surface] for k in owner])
    light = direct
    for _ in range(BOUNCES):
        shining = np.concatenate([reflectance * light[faces].mean(1), np.zeros((1, 3))])
        light = direct + _gather(shining, hits)
    light = _filled(light, buried, mesh)
    exposed = _exposed(light, mesh, buried)
    out = {}
    for k, patch in enumerate(mesh.patches):
        part = exposed[mesh.start[k] : mesh.start[k + 1]]
        out[id(patch)] = np.full_like(part, patch.surface.glow) if patch.surface.glow or patch.surface.alpha < 1 else part
    return out


def _collect(apartment: Apartment) -> _Mesh:
    patches, points, normals, room, faces, owner = [], [], [], [], [], []
    start = [0]
    numbers = {name: k for k, name in enumerate(apartment.things)}
    for name, things in apartment.things.items():
        for thing in things:
            for patch in thing.patches:
                n = patch.normals @ thing.rotation.T
                if patch.surface.both_sides:
                    # Leaves and cloth are lit from above.
                    n = np.where(n[:, 1:2] < -0.3, -n, n)
                patches.append(patch)
                points.append(thing.to_world(patch.vertices))
                normals.append(n)
                room.append(np.full(len(n), numbers[name]))
                faces.append(patch.faces + start[-1])
                owner.append(np.full(len(patch.faces), len(patches) - 1))
                start.append(start[-1] + len(n))
    return _Mesh(patches, np.array(start), *(np.concatenate(a) for a in (points, normals, room, faces, owner)))


def _origins(mesh: _Mesh) -> np.ndarray:
    """Lift vertices off their surfaces and a little towards the middle of their faces, out of corners."""
    middle, count = np.zeros_like(mesh.points), np.zeros((len(mesh.points), 1))
    centre = mesh.points[mesh.faces].mean(1)
    for k in range(3):
        np.add.at(middle, mesh.faces[:, k], centre)
        np.add.at(count, mesh.faces[:, k], 1.0)
    inward = middle / np.maximum(count, 1) - mesh.points
    length = np.linalg.norm(inward, axis=1, keepdims=True)
    inward *= np.minimum(0.3 * length, 0.03) / np.maximum(length, 1e-9)
    return mesh.points + inward + LIFT_M * mesh.normals


def _sources(apartment: Apartment) -> list[tuple[np.ndarray, np.ndarray, int, np.ndarray | None, float]]:
    """Return point lights: place (3,), colour (3,), room, and for windows the normal into the room and the area."""
    sources: list[tuple[np.ndarray, np.ndarray, int, np.ndarray | None, float]] = []
    numbers = {name: k for k, name in enumerate(apartment.things)}
    spread = np.array([[1, 1, 1], [1, -1, -1], [-1, 1, -1], [-1, -1, 1]]) / np.sqrt(3)
    for room in apartment.rooms:
        number = numbers[room.name]
        for thing in apartment.things[room.name]:
            for light in thing.lights:
                at = thing.to_world(np.array([light.at]))[0]
                sources += [(at + light.radius * d, np.array(light.color) / 4, number, None, 0.0) for d in spread]
        for opening in apartment.openings[room.name]:
            if opening.kind == "window":
                wall = room.walls[opening.wall]
                n, m = max(2, round((opening.s1 - opening.s0) / 0.4)), max(2, round((opening.y1 - opening.y0) / 0.5))
                area = (opening.s1 - opening.s0) * (opening.y1 - opening.y0) / (n * m)
                for s in opening.s0 + (np.arange(n) + 0.5) * (opening.s1 - opening.s0) / n:
                    for y in opening.y0 + (np.arange(m) + 0.5) * (opening.y1 - opening.y0) / m:
                        normal = np.array([wall.inward[0], 0.0, wall.inward[1]])
                        sources.append((np.array(wall.point(float(s), float(y), -0.12)), SKY, number, normal, area))
    return sources


def _add_light(
    direct: np.ndarray,
    rows: np.ndarray,
    mesh: _Mesh,
    origins: np.ndarray,
    bvh: Bvh,
    at: np.ndarray,
    color: np.ndarray,
    normal: np.ndarray | None,
    area: float,
) -> None:
    """Add the direct light from a point lamp, or from a part of a window, at some vertices."""
    ahead = at - origins[rows]
    square = np.maximum((ahead**2).sum(1), 0.01)
    toward = ahead / np.sqrt(square)[:, None]
    cosine = (toward * mesh.normals[rows]).sum(1)
    cosine = np.maximum(cosine, 0.0)
    strength = cosine / square if normal is None else cosine * np.maximum(-toward @ normal, 0.0) * area / (square + area)
    lit = strength > 1e-4
    rows, strength = rows[lit], strength[lit]
    seen = bvh.visible(origins[rows], np.broadcast_to(at, (len(rows), 3)))
    direct[rows[seen]] += strength[seen, None] * color


def _look_around(mesh: _Mesh, origins: np.ndarray, bvh: Bvh, faces: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return the face that each vertex sees in each direction (N, RAYS), -1 for none, and which vertices are enclosed."""
    k = np.arange(RAYS) + 0.5
    radius, angle = np.sqrt(k / RAYS), k * np.pi * (3 - np.sqrt(5))
    local = np.stack([radius * np.cos(angle), radius * np.sin(angle), np.sqrt(1 - radius**2)], -1)
    a, b, c = (mesh.points[faces[:, i]] for i in range(3))
    facing = np.cross(b - a, c - a)
    hits = np.empty((len(origins), RAYS), np.int32)
    behind = np.zeros(len(origins))
    for first in range(0, len(origins), CHUNK):
        rows = slice(first, first + CHUNK)
        n = mesh.normals[rows]
        side = np.cross(n, np.where(np.abs(n[:, :1]) < 0.8, [[1.0, 0.0, 0.0]], [[0.0, 1.0, 0.0]]))
        side /= np.maximum(np.linalg.norm(side, axis=1, keepdims=True), 1e-9)
        basis = np.stack([side, np.cross(n, side), n], 1)
        directions = np.einsum("kj,njx->nkx", local, basis)
        start = np.repeat(origins[rows], RAYS, 0)
        found = bvh.closest(start, directions.reshape(-1, 3)).face.reshape(-1, RAYS)
        hits[rows] = found
        inside = (facing[found] * directions).sum(-1) > 0
        behind[rows] = ((found >= 0) & inside).mean(1)
        hits[rows][inside & (found >= 0)] = -1
    return hits, behind > 0.4


def _gather(shining: np.ndarray, hits: np.ndarray) -> np.ndarray:
    """Average the light of the faces that each vertex sees; (N, 3)."""
    out = np.empty((len(hits), 3))
    for first in range(0, len(hits), CHUNK):
        out[first : first + CHUNK] = shining[hits[first : first + CHUNK]].mean(1)
    return out


def _filled(light: np.ndarray, buried: np.ndarray, mesh: _Mesh) -> np.ndarray:
    """Assign the (dimmed) light of their neighbours to vertices inside other bodies."""
    light, known = light.copy(), ~buried
    for _ in range(4):
        if known.all():
            break
        total, count = np.zeros_like(light), np.zeros((len(light), 1))
        for i, k in ((0, 1), (1, 2), (2, 0), (1, 0), (2, 1), (0, 2)):
            a, b = mesh.faces[:, i], mesh.faces[:, k]
            rows = known[b] & ~known[a]
            np.add.at(total, a[rows], light[b[rows]])
            np.add.at(count, a[rows], 1.0)
        new = count[:, 0] > 0
        light[new] = 0.6 * total[new] / count[new]
        known = known | new
    return light


def _exposed(light: np.ndarray, mesh: _Mesh, buried: np.ndarray) -> np.ndarray:
    """Expose half by the apartment's and half by each room's median light, and round off the brightest."""
    level = light.mean(1)
    whole = np.median(level[~buried])
    out = np.empty_like(light)
    for room in np.unique(mesh.room):
        rows = mesh.room == room
        own = np.median(level[rows & ~buried]) if (rows & ~buried).any() else whole
        middle = np.sqrt(max(own, 1e-6) * max(whole, 1e-6))
        out[rows] = 1.0 - np.exp(-0.7 * (light[rows] / middle) ** CONTRAST)
    return np.clip(DARKEST + (1 - DARKEST) * out, 0.0, 1.0)
