"""The bare room: floor, ceiling, walls with holes for doors and windows, skirting and cornice."""

from __future__ import annotations

from itertools import pairwise

import numpy as np

from scenes.mesh import Thing
from scenes.openings import Opening
from scenes.plan import Room, Wall
from scenes.polygon import inset, rectangles
from scenes.style import Style
from scenes.surface import Surface

LAP_M = 0.01
"""Floors, ceilings and walls overlap by this much, so that no ray escapes through a joint."""
HOLE_M = 0.02
"""Holes are this much larger than the clear opening; the frame's 3 cm cover their edge."""
STEP_M = 0.33
"""Mesh size on which light is baked."""


def build_shell(room: Room, openings: list[Opening], style: Style, rng: np.random.Generator) -> list[Thing]:
    """Build the things that enclose a room."""
    things = [_floor(room, style.floor), _ceiling(room, style.ceiling)]
    for number, wall in enumerate(room.walls):
        things.append(_wall(room, number, wall, openings, style, rng))
    things.append(_skirting(room, openings, style))
    if rng.random() < 0.4 and room.ceiling.slope_x == room.ceiling.slope_z == 0.0:
        things.append(_cornice(room, style))
    return things


def _floor(room: Room, surface: Surface) -> Thing:
    thing = Thing("floor")
    for r in rectangles(inset(room.polygon, -LAP_M)):
        x, z = _cuts(r.x0, r.x1), _cuts(r.z0, r.z1)
        # First axis along +Z, second along +X: the front faces up.
        points = np.stack(np.broadcast_arrays(x[None, :], 0.0, z[:, None]), -1)
        thing.grid(surface, points, points[..., [0, 2]] / surface.tile_m)
    return thing


def _ceiling(room: Room, surface: Surface) -> Thing:
    thing = Thing("ceiling")
    for r in rectangles(inset(room.polygon, -LAP_M)):
        x, z = np.meshgrid(_cuts(r.x0, r.x1), _cuts(r.z0, r.z1), indexing="ij")
        points = np.stack([x, room.ceiling.height(x, z), z], -1)
        thing.grid(surface, points, points[..., [0, 2]] / surface.tile_m)
    return thing


def _wall(room: Room, number: int, wall: Wall, openings: list[Opening], style: Style, rng: np.random.Generator) -> Thing:
    """Build one wall on a grid with holes; all walls of a room share their heights, so that their corners match."""
    thing = Thing(f"wall-{number + 1}")
    edges = {o: (o.s0 - HOLE_M, o.s1 + HOLE_M, o.y0 - HOLE_M if o.y0 > 0 else -LAP_M, o.y1 + HOLE_M) for o in openings}
    holes = [e for o, e in edges.items() if o.wall == number]
    low, high = room.lowest() - 0.05, float(room.ceiling.height(*room.polygon.T).max())
    upper, lower, line = style.walls[number]
    line = min(line, low) if line else 0.0
    lines = [w[2] for w in style.walls]
    s = _merged([0.0, wall.length], [v for e in holes for v in e[:2]])
    y = _merged([-LAP_M, low], [v for e in edges.values() for v in e[2:]] + lines)
    ground = wall.start + s[:, None] * wall.along
    top = room.ceiling.height(ground[:, 0], ground[:, 1]) + LAP_M
    share = np.linspace(0, 1, max(1, round((high - low) / STEP_M)) + 1)[1:]
    heights = np.concatenate([np.broadcast_to(y, (len(s), len(y))), low + share * (top[:, None] - low)], 1)
    points = np.stack(np.broadcast_arrays(ground[:, 0, None], heights, ground[:, 1, None]), -1)
    at_s, at_y = (s[:-1] + s[1:])[:, None] / 2, (heights[:-1, :-1] + heights[:-1, 1:]) / 2
    solid = np.ones(at_y.shape, bool)
    for e in holes:
        solid &= ~((e[0] < at_s) & (at_s < e[1]) & (e[2] < at_y) & (at_y < e[3]))
    shift = rng.random(2) * 10
    for surface, part in ((lower, at_y < line), (upper, at_y >= line)):
        uv = np.stack(np.broadcast_arrays(s[:, None], -heights), -1) / surface.tile_m + shift
        if (solid & part).any():
            thing.grid(surface, points, uv, solid & part)
    return thing


def _merged(ends: list[float], inner: list[float]) -> np.ndarray:
    """Return all cuts between two ends, with the regular ones left out where they come near another."""
    fixed = sorted({ends[0], ends[1], *(v for v in inner if ends[0] < v < ends[1])})
    cuts: list[float] = []
    for a, b in pairwise(fixed):
        cuts += list(_cuts(a, b)[:-1])
    return np.array([*cuts, ends[1]])


def _cuts(a: float, b: float) -> np.ndarray:
    return np.linspace(a, b, max(1, round((b - a) / STEP_M)) + 1)


def _skirting(room: Room, openings: list[Opening], style: Style) -> Thing:
    thing = Thing("skirting")
    height = 0.09
    for number, wall in enumerate(room.walls):
        doors = sorted((o.s0 - 0.08, o.s1 + 0.08) for o in openings if o.wall == number and o.y0 < height)
        starts, ends = [0.0, *(d[1] for d in doors)], [*(d[0] for d in doors), wall.length]
        for s0, s1 in zip(starts, ends, strict=True):
            if s1 - s0 > 0.03:
                strip_along(thing, style.house.trim, wall, s0, s1, 0.0, height, 0.012, closed=False)
    return thing


def _cornice(room: Room, style: Style) -> Thing:
    thing = Thing("cornice")
    for wall in room.walls:
        top = room.lowest()
        strip_along(thing, style.house.trim, wall, 0.0, wall.length, top - 0.07, top, 0.05, closed=False)
    return thing


def strip_along(
    thing: Thing,
    surface: Surface,
    wall: Wall,
    s0: float,
    s1: float,
    y0: float,
    y1: float,
    out: float,
    back: float = 0.0,
    closed: bool = True,
) -> None:
    """Add a box on a wall, from s0 to s1 along it, y0 to y1 high, from `back` to `out` metres into the room.

    closed: whether the side towards the wall, which nobody sees, is built.
    """
    a, b = wall.point(s0, y0, back), wall.point(s1, y1, out)
    low, high = (tuple(float(f(p, q)) for p, q in zip(a, b, strict=True)) for f in (min, max))
    x, z = np.rint(wall.inward)
    hidden = {(1, 0): "w", (-1, 0): "e", (0, 1): "n", (0, -1): "s"}[int(x), int(z)]
    thing.box(surface, low, high, skip="" if closed else hidden, step=0.8)  # type: ignore[arg-type]
