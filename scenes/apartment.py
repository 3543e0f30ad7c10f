"""A seed -> the bytes of one apartment."""

from __future__ import annotations

import numpy as np

from scenes.furnish import Furnisher
from scenes.glb import Primitive, write_glb
from scenes.light import Lamp, bake
from scenes.mesh import Thing
from scenes.plan import Opening, Room, draw_plan
from scenes.shell import build_shell
from scenes.textures import FAMILIES
from simulator.bvh import Bvh

COPYRIGHT = "CC0-1.0: made by scenes/generate.py of sight-and-sound, dedicated to the public domain"
FAMILY_OF = {
    "plaster": "plaster", "wallpaper": "wallpaper", "brick": "brick", "wood_panel": "wood", "tile": "tile",
    "parquet": "parquet", "marble": "marble", "carpet": "carpet", "rug": "rug", "skyline": "skyline", "picture": "painting",
    "screen": "screen", "metal": "metal", "ceramic": "ceramic", "foliage": "foliage", "shade": "plaster", "books_paper": "painting",
    "books": "books", "fabric": "fabric", "wood": "wood",
}  # fmt: skip
"""Word in a surface's name -> texture family; the first that fits counts."""
COLOR_OF = {"wall": "wall", "floor": "floor", "wood": "wood", "cushion": "accent", "curtain": "accent", "rug": "accent"}
GLASS = np.array([1.0, 1.0, 1.0, 0.12])


def make_apartment(seed: int) -> bytes:
    """Build, furnish and light the apartment of a seed; the same seed gives the same bytes."""
    rng = np.random.default_rng(np.random.SeedSequence([seed, 20260]))
    rooms = draw_plan(rng)
    things: list[Thing] = []
    for room in rooms:
        things += build_shell(room, rng)
        things += Furnisher(room, rng).furnish()
        things.append(_ceiling_lamp(room))
    pictures = _pictures(things, rooms, rng)
    return write_glb(_lit(things, pictures, rooms, rng), pictures, COPYRIGHT)


def _pictures(things: list[Thing], rooms: list[Room], rng: np.random.Generator) -> dict[str, np.ndarray]:
    """Draw a picture for each surface, in the colours of its room."""
    out: dict[str, np.ndarray] = {}
    for surface in dict.fromkeys(s for t in things for s in t.pieces):
        room = next((r for r in rooms if surface.startswith(f"{r.name}_")), rooms[0])
        words = surface.removeprefix(f"{room.name}_")
        if "window_glass" in words:
            out[surface] = GLASS
            continue
        family = next(f for word, f in FAMILY_OF.items() if word in words)
        tint = next((room.colors[c] for word, c in COLOR_OF.items() if word in words), room.colors["main"])
        if "ceiling" in words or "shade" in words or "pillow" in words:
            tint = (0.93, 0.92, 0.89)
        out[surface] = FAMILIES[family](rng, tint)
    return out


def _lit(
    things: list[Thing], pictures: dict[str, np.ndarray], rooms: list[Room], rng: np.random.Generator
) -> dict[str, list[Primitive]]:
    """Bake the light of the whole apartment and hand out each surface's share."""
    pieces = [(t.name, surface, *piece.joined()) for t in things for surface, piece in t.pieces.items()]
    opaque = [p for p in pieces if "window_glass" not in p[1]]
    start = np.cumsum([0, *(len(p[2]) for p in opaque)])
    vertices = np.concatenate([p[2] for p in opaque])
    faces = np.concatenate([p[5] + s for p, s in zip(opaque, start, strict=False)])
    mean = {s: (p.reshape(-1, p.shape[-1]).mean(0)[:3]) ** 2.2 if p.ndim == 3 else p[:3] for s, p in pictures.items()}
    albedo = np.concatenate([np.tile(mean[p[1]], (len(p[5]), 1)) for p in opaque])
    cross = np.cross(vertices[faces[:, 1]] - vertices[faces[:, 0]], vertices[faces[:, 2]] - vertices[faces[:, 0]])
    face_normals = cross / np.maximum(np.linalg.norm(cross, axis=1, keepdims=True), 1e-12)
    normals = np.concatenate([p[3] for p in opaque])
    points = _drawn_in(vertices, faces) + 0.01 * normals
    light = bake(Bvh(vertices, faces), albedo, points, normals, face_normals, _lamps(rooms), rng)
    light = 1.0 - np.exp(-1.1 * light)
    out: dict[str, list[Primitive]] = {t.name: [] for t in things}
    offset = 0
    for name, surface, v, _, uv, f in pieces:
        if "window_glass" in surface:
            shade = np.ones((len(v), 3))
        else:
            shade = light[offset : offset + len(v)]
            offset += len(v)
        if "outside" in surface or "shade" in surface or "lamp_light" in name:
            shade = np.ones((len(v), 3))
        out[name].append(Primitive(surface, v, uv, shade, f))
    return out


def _drawn_in(vertices: np.ndarray, faces: np.ndarray) -> np.ndarray:
    """Move vertices a little towards the middle of their triangles, out of corners where no light is to be seen."""
    middle = vertices[faces].mean(1)
    total, count = np.zeros_like(vertices), np.zeros(len(vertices))
    for k in range(3):
        np.add.at(total, faces[:, k], middle)
        np.add.at(count, faces[:, k], 1)
    return vertices + 0.3 * (total / np.maximum(count, 1)[:, None] - vertices)


def _lamps(rooms: list[Room]) -> list[Lamp]:
    """Place a lamp under each ceiling and a patch of sky in each window."""
    lamps = []
    for room in rooms:
        middle = np.array([(room.x0 + room.x1) / 2, room.height - 0.35, (room.z0 + room.z1) / 2])
        power = 0.10 * room.width * room.depth + 0.5
        lamps.append(Lamp(middle, None, power * np.array([1.0, 0.86, 0.68]), 0.22))
        for opening in room.openings:
            if opening.kind == "window":
                lamps.append(_sky(room, opening))
    return lamps


def _sky(room: Room, opening: Opening) -> Lamp:
    corner, along, _ = room.wall(opening.side)
    height = opening.top - opening.sill
    middle = corner + (opening.start + opening.width / 2) * along + [0, opening.sill + height / 2, 0]
    inward = room.inward(opening.side)
    area = opening.width * height
    return Lamp(middle + 0.05 * inward, inward, 2.0 * area * np.array([0.85, 0.95, 1.1]), 0.4 * min(opening.width, height))


def _ceiling_lamp(room: Room) -> Thing:
    lamp = Thing(f"{room.name}/lamp_light")
    x, z = (room.x0 + room.x1) / 2, (room.z0 + room.z1) / 2
    lamp.cylinder(f"{room.name}_paper_shade", (x, room.height - 0.12, z), 0.16, 0.11, 0.2)
    return lamp
