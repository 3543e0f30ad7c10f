"""The kitchen: a run of units with sink and stove, wall units, fridge, a table."""

from __future__ import annotations

import numpy as np

from scenes.furniture import decor, kitchen, seats, storage, tables, tableware
from scenes.mesh import Thing
from scenes.rooms.common import dress_windows, light_room, scatter
from scenes.rooms.living import dining_corner
from scenes.space import Space

ON_WORKTOP = (
    tableware.kettle, tableware.microwave, tableware.jars, tableware.bottles, tableware.knife_block,
    tableware.fruit_bowl, tableware.mug, decor.bowl,
)  # fmt: skip


def furnish_kitchen(space: Space) -> None:
    """Furnish a kitchen."""
    rng, style = space.rng, space.style
    light_room(space)
    units = _run(space)
    dress_windows(space)
    for unit, kind in units:
        if kind == "stove":
            space.put_on(unit, tableware.pots(rng, style), rng.choice([-0.14, 0.14]), 0.07, kitchen.WORKTOP_M + 0.006)
        elif kind != "sink":
            scatter(space, unit, ON_WORKTOP, 1, 0.04, kitchen.WORKTOP_M)
    if not dining_corner(space, seats_at_ends=space.room.area > 11):
        space.against_wall(tables.console(rng, style), 14)
    space.against_wall(tableware.bin_(rng, style), 14, corner=True)
    if rng.random() < 0.5:
        space.against_wall(storage.bookcase(rng, style, tall=False), 10)
    if rng.random() < 0.4:
        space.against_wall(seats.stool(rng, style), 10)


def _run(space: Space) -> list[tuple[Thing, str]]:
    """Line units up along the wall with the longest clear stretch, from a corner, and hang units above."""
    rng, style = space.rng, space.style
    front = kitchen.unit_front(style, int(rng.integers(3)))
    placed: list[tuple[Thing, str]] = []
    order = sorted(range(len(space.room.walls)), key=lambda k: -_clear(space, k)[1])
    kinds = ["plain", "sink", "drawers", "stove", "plain", "dishwasher", "drawers", "plain"]
    shift = int(rng.integers(2))
    kinds = kinds[shift:] if shift else kinds
    for number in order[: 2 if space.room.area > 9 else 1]:
        start, length = _clear(space, number)
        s = start + 0.02
        first = len(placed)
        if length > 2.6 and not any(t.name.endswith("fridge-1") for t in space.things):
            fridge = kitchen.fridge(rng, style)
            if space.at_wall(fridge, number, s + 0.31):
                s += 0.63
        while kinds and s + 0.6 <= start + length - 0.02:
            unit = kitchen.base_unit(rng, style, 0.6, kinds[0], front)
            if not space.at_wall(unit, number, s + 0.3):
                if len(placed) > first:
                    break
                s += 0.1
                continue
            placed.append((unit, kinds.pop(0)))
            _above(space, number, s + 0.3, placed[-1][1], front)
            s += 0.6
        if len(placed) == first and placed:
            break
    return placed


def _above(space: Space, number: int, s: float, kind: str, front: object) -> None:
    """Hang a unit or a hood above a base unit, where no window is."""
    if kind == "stove":
        if space.room.lowest() > 2.2:
            space.at_wall(kitchen.hood(space.rng, space.style), number, s, out=0.003)
    elif space.rng.random() < 0.85:
        space.at_wall(kitchen.wall_unit(space.rng, space.style, 0.6, front), number, s, out=0.003)  # type: ignore[arg-type]


def _clear(space: Space, number: int) -> tuple[float, float]:
    """Find the longest stretch of a wall without doors or low windows: (start, length)."""
    wall = space.room.walls[number]
    taken = sorted((o.s0 - 0.12, o.s1 + 0.12) for o in space.openings if o.wall == number and o.y0 < 0.95)
    edges = [0.0, *np.ravel(taken), wall.length]
    spans = [(a, b - a) for a, b in zip(edges[::2], edges[1::2], strict=True)]
    return max(spans, key=lambda p: p[1])
