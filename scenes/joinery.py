"""Doors and windows: frames, leaves, panes, sills, radiators, curtains."""

from __future__ import annotations

from itertools import pairwise

import numpy as np

from scenes.mesh import Thing
from scenes.openings import Opening
from scenes.plan import WALL_M, Room, Wall
from scenes.shell import strip_along
from scenes.style import House, Style
from scenes.surface import Surface, tinted

JAMB_M = 0.03
"""Thickness of the boards that line an opening."""
REVEAL_M = 0.24
"""Depth of a window's niche."""
GLASS = Surface("window glass", (0.9, 0.96, 0.98), alpha=0.12, both_sides=True)


def build_doorway(wall: Wall, opening: Opening, house: House) -> Thing:
    """Build the lining of a door or an arch from one room to the next, with frames on both sides and a threshold."""
    thing = Thing("doorway")
    s0, s1, top = opening.s0, opening.s1, opening.y1
    front, back = 0.018, -WALL_M - 0.018
    if opening.kind == "front door":
        back = -WALL_M
        # The outside has no frame: a board behind the leaf closes the gaps around it.
        ends = (s0 - JAMB_M, s1 + JAMB_M, -0.02, top + JAMB_M)
        strip_along(thing, house.door, wall, *ends, -WALL_M, -WALL_M - 0.02)
    for a, b in ((s0 - JAMB_M, s0), (s1, s1 + JAMB_M)):
        strip_along(thing, house.trim, wall, a, b, -0.01, top + JAMB_M, front, back)
    strip_along(thing, house.trim, wall, s0, s1, top, top + JAMB_M, front, back)
    strip_along(thing, house.woods[0], wall, s0, s1, -0.02, 0.004, 0.0, -WALL_M)
    faces = [(0.018, 0.0)] if opening.kind == "front door" else [(0.018, 0.0), (-WALL_M, -WALL_M - 0.018)]
    for out, inner in faces:
        for a, b in ((s0 - 0.09, s0 - JAMB_M), (s1 + JAMB_M, s1 + 0.09)):
            strip_along(thing, house.trim, wall, a, b, 0.0, top + 0.09, out, inner)
        strip_along(thing, house.trim, wall, s0 - JAMB_M, s1 + JAMB_M, top + JAMB_M, top + 0.09, out, inner)
    return thing


def build_leaf(wall: Wall, opening: Opening, house: House, rng: np.random.Generator) -> Thing:
    """Build a door leaf with panels and handles, shut in its frame or turned into the room."""
    thing = Thing("door")
    width, height = opening.s1 - opening.s0 - 0.006, opening.y1 - 0.012
    surface = (
        house.door if opening.kind != "front door" else Surface("wooden door", tinted(house.woods[1].color, 0.7), "wood", 1.5, 3)
    )
    thick = 0.04
    thing.box(surface, (0.0, 0.008, -thick), (width, height, 0.0), step=0.6)
    rows = [(0.12, 0.75), (0.85, height - 0.12)] if rng.random() < 0.6 else [(0.12, 0.6), (0.7, 1.25), (1.35, height - 0.1)]
    for y0, y1 in rows:
        for side in (0.0, -thick):
            _panel(
                thing,
                Surface(surface.name, tinted(surface.color, 0.86), surface.family, surface.tile_m, surface.variant),
                width,
                y0,
                y1,
                side,
            )
    for side in (1.0, -1.0):
        z = 0.0 if side > 0 else -thick
        thing.rod(house.metal, (width - 0.06, 1.02, z), (width - 0.06, 1.02, z + 0.05 * side), 0.012)
        thing.rod(house.metal, (width - 0.07, 1.02, z + 0.05 * side), (width - 0.18, 1.02, z + 0.05 * side), 0.01)
    # Slices, so that the bounds of the turned leaf stay tight.
    edges = np.linspace(0.0, width, 9)
    thing.solids = [np.array([[a, 0.008, -thick], [b, height, 0.0]]) for a, b in pairwise(edges)]
    # The leaf's own frame: hinge at the origin, free edge along +X, room side +Z (mirrored for the other hinge).
    turn = np.deg2rad(opening.angle_deg) if opening.leaf == "open" else 0.0
    if not opening.hinge_left:
        _mirror(thing)
    along = np.arctan2(-wall.along[1], wall.along[0])
    thing.angle = float(along - turn if opening.hinge_left else along + turn)
    hinge = opening.s0 + 0.003 if opening.hinge_left else opening.s1 - 0.003
    inset = 0.022 if opening.leaf == "open" else -0.02
    thing.at = np.array(wall.point(hinge, 0.0, inset))
    return thing


def _panel(thing: Thing, surface: Surface, width: float, y0: float, y1: float, z: float) -> None:
    a, b = (z, z + 0.008) if z == 0.0 else (z - 0.008, z)
    thing.box(surface, (0.11, y0, a), (width - 0.13, y1, b), skip="n" if z == 0.0 else "s")


def _mirror(thing: Thing) -> None:
    """Mirror a thing at x = 0, in place."""
    for patch in thing.patches:
        for array in (patch.vertices, patch.normals):
            array[:, 0] *= -1
        patch.faces[:] = patch.faces[:, ::-1].copy()
    for solid in thing.solids:
        solid[:, 0] = -solid[::-1, 0]


def build_window(wall: Wall, opening: Opening, house: House, rng: np.random.Generator) -> Thing:
    """Build a window in its niche: lining, sill, casements with bars, panes."""
    thing = Thing("window")
    s0, s1, y0, y1 = opening.s0, opening.s1, opening.y0, opening.y1
    plaster = Surface("plaster reveal", (0.93, 0.93, 0.91))
    for a, b in ((s0 - JAMB_M, s0), (s1, s1 + JAMB_M)):
        strip_along(thing, plaster, wall, a, b, y0 - JAMB_M, y1 + JAMB_M, 0.006, -REVEAL_M)
    strip_along(thing, plaster, wall, s0, s1, y1, y1 + JAMB_M, 0.006, -REVEAL_M)
    strip_along(thing, house.trim, wall, s0, s1, y0 - JAMB_M, y0, 0.006, -REVEAL_M)
    strip_along(thing, house.trim, wall, s0 - 0.05, s1 + 0.05, y0 - JAMB_M, y0 - 0.002, 0.06, 0.006)
    out, back, bar = -0.15, -0.2, 0.055
    sashes = max(1, round((s1 - s0) / 0.75))
    edges = np.linspace(s0, s1, sashes + 1)
    cross = y0 + 0.68 * (y1 - y0) if y1 - y0 > 1.0 and rng.random() < 0.5 else None
    for a, b in pairwise(edges):
        for left, right in ((a, a + bar), (b - bar, b)):
            strip_along(thing, house.trim, wall, left, right, y0, y1, out, back, closed=False)
        for low, high in ((y0, y0 + bar), (y1 - bar, y1)):
            strip_along(thing, house.trim, wall, a + bar, b - bar, low, high, out, back, closed=False)
        if cross is not None:
            strip_along(thing, house.trim, wall, a + bar, b - bar, cross, cross + 0.03, out, back, closed=False)
    middle = (out + back) / 2
    corner = np.array(wall.point(s0 - 0.01, y0 - 0.01, middle))
    along = np.array([wall.along[0], 0.0, wall.along[1]]) * (s1 - s0 + 0.02)
    thing.quad(GLASS, tuple(corner), tuple(along), (0.0, y1 - y0 + 0.02, 0.0), step=5.0)
    return thing


def build_radiator(opening: Opening, wall: Wall) -> Thing | None:
    """Build a ribbed radiator for the wall below a window."""
    height = opening.y0 - 0.25
    width = min(opening.s1 - opening.s0, 1.6)
    if height < 0.35 or width < 0.5:
        return None
    thing = Thing("radiator")
    steel = Surface("radiator metal", (0.92, 0.92, 0.9))
    top = min(0.12 + height, 0.75)
    ribs = max(4, round(width / 0.12))
    for x in np.linspace(-width / 2, width / 2, ribs + 1)[:-1]:
        thing.box(steel, (x + 0.01, 0.12, 0.03), (x + width / ribs - 0.01, top, 0.1), skip="nd")
    thing.box(steel, (-width / 2, 0.16, 0.045), (width / 2, 0.2, 0.085), skip="dn")
    thing.box(steel, (-width / 2, top - 0.08, 0.045), (width / 2, top - 0.04, 0.085), skip="n")
    return thing


def build_curtains(opening: Opening, wall: Wall, room: Room, style: Style, rng: np.random.Generator) -> Thing:
    """Build a rod and two drawn-back curtains with folds, in the wall's frame: x along it from the window's middle."""
    thing = Thing("curtain")
    half = (opening.s1 - opening.s0) / 2
    top = min(opening.y1 + 0.16, room.lowest() - 0.1)
    bottom = 0.02 if opening.y0 < 0.6 or rng.random() < 0.5 else opening.y0 - 0.2
    middle = (opening.s0 + opening.s1) / 2
    reach = min(half + 0.3, middle - 0.04, wall.length - middle - 0.04)
    thing.rod(style.house.metal, (-reach, top, 0.12), (reach, top, 0.12), 0.013)
    drawn = max(0.25, reach - half + 0.12) if style.softness < 0.6 else reach * rng.uniform(0.5, 0.9)
    for a, b in ((-reach, -reach + drawn), (reach - drawn, reach)):
        x = np.linspace(a, b, max(9, int(drawn / 0.035)))
        y = np.linspace(bottom, top - 0.02, 6)
        fold = 0.12 + 0.035 * np.sin(x * 55 + rng.random() * 6)
        points = np.stack(np.broadcast_arrays(x[:, None], y[None, :], fold[:, None]), -1)
        uv = np.stack(np.broadcast_arrays(x[:, None] * 1.8, -y[None, :]), -1) / style.curtain.tile_m
        thing.grid(
            Surface(
                style.curtain.name,
                style.curtain.color,
                style.curtain.family,
                style.curtain.tile_m,
                style.curtain.variant,
                both_sides=True,
            ),
            points,
            uv,
        )
        thing.solids.append(np.array([[a, bottom, 0.085], [b, top, 0.155]]))
    return thing
