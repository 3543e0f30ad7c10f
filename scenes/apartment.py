"""Seed -> apartment: plan, openings, materials, shell, furniture."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from scenes.joinery import REVEAL_M, build_doorway, build_leaf, build_window
from scenes.mesh import Thing
from scenes.openings import Opening, draw_openings
from scenes.plan import Room, draw_plan
from scenes.rooms import furnish
from scenes.shell import build_shell
from scenes.space import Space
from scenes.style import HARD, House, Style, draw_house, draw_style
from scenes.surface import Surface

OUTSIDE_M = 3.0
"""Distance of the backdrop from the outer walls."""


@dataclass(frozen=True, eq=False)
class Apartment:
    """A furnished apartment, not yet lit."""

    seed: int
    house: House
    rooms: list[Room]
    openings: dict[str, list[Opening]]
    styles: dict[str, Style]
    things: dict[str, list[Thing]]
    """Objects by room; those of no room are under "house"."""


def build_apartment(seed: int, rooms: int | None = None, softness: float | None = None) -> Apartment:
    """Build the apartment of a seed; a number of rooms (2 to 7) or a softness (0 to 1) can be given."""
    rng = np.random.default_rng([0x5CE2E5, seed])
    house = draw_house(rng, softness)
    while True:
        plan = draw_plan(rng, rooms, lofty=house.softness < HARD)
        openings = draw_openings(plan, rng)
        if openings is not None:
            break
    things: dict[str, list[Thing]] = {"house": [_outside(plan, rng)]}
    styles: dict[str, Style] = {}
    for room in plan:
        style = draw_style(room.name, room.kind, len(room.walls), house, rng)
        styles[room.name] = style
        space = Space(room, openings[room.name], style, rng)
        fixed = build_shell(room, openings[room.name], style, rng)
        for opening in openings[room.name]:
            _fit_opening(space, fixed, opening, house, rng)
        furnish(space)
        for thing in fixed:
            thing.name = f"{room.name}/{thing.name}"
        things[room.name] = fixed + space.things
    return Apartment(seed, house, plan, openings, styles, things)


def _fit_opening(space: Space, fixed: list[Thing], opening: Opening, house: House, rng: np.random.Generator) -> None:
    """Put the frame of a door or a window into its hole, and the leaf where it hangs."""
    wall = space.room.walls[opening.wall]
    number = sum(t.name.startswith(("window", "doorway")) for t in fixed) + 1
    if opening.kind == "window":
        fixed.append(build_window(wall, opening, house, rng))
        fixed[-1].name = f"window-{number}"
        return
    # The room that is first by name gets the doorway's lining.
    if opening.kind == "front door" or space.room.name < opening.to:
        fixed.append(build_doorway(wall, opening, house))
        fixed[-1].name = f"doorway-{number}"
    if opening.leaf:
        space.add(build_leaf(wall, opening, house, rng))


def _outside(plan: list[Room], rng: np.random.Generator) -> Thing:
    """Build the backdrop around the house, which is visible through windows only."""
    corners = np.concatenate([r.gross for r in plan])
    (x0, z0), (x1, z1) = corners.min(0) - OUTSIDE_M - REVEAL_M, corners.max(0) + OUTSIDE_M + REVEAL_M
    thing = Thing("outside")
    surface = Surface("outside backdrop", (0.6, 0.7, 0.8), "outside", 1.0, int(rng.integers(1_000_000)), glow=1.0)
    low, high = -6.0, 7.0
    round_length = 2 * (x1 - x0 + z1 - z0)
    turns, at = 3, rng.random()
    for corner, along in (
        ((x0, z1), (0, z0 - z1)),
        ((x0, z0), (x1 - x0, 0)),
        ((x1, z0), (0, z1 - z0)),
        ((x1, z1), (x0 - x1, 0)),
    ):
        length = float(np.hypot(*along))
        a = np.array([corner[0], low, corner[1]])
        points = np.stack(
            [np.stack([a + np.array([s * along[0], y - low, s * along[1]]) for y in (low, high)]) for s in (0.0, 1.0)]
        )
        uv = np.array([[[at + s * turns * length / round_length, v] for v in (1.0, 0.0)] for s in (0.0, 1.0)])
        thing.grid(surface, points, uv)
        at += turns * length / round_length
    return thing
