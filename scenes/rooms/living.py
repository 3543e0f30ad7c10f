"""The living room: sofa and television, a table with chairs, shelves, perhaps a piano."""

from __future__ import annotations

import numpy as np

from scenes.furniture import decor, gadgets, lamps, seats, storage, tables
from scenes.mesh import Thing
from scenes.rooms.common import SIDEBOARD_TOP, TABLE_TOP, dress_windows, light_room, scatter
from scenes.space import Space


def furnish_living_room(space: Space) -> None:
    """Furnish a living room."""
    rng, style = space.rng, space.style
    light_room(space)
    dress_windows(space)
    sofa_corner(space)
    if rng.random() < 0.75:
        dining_corner(space)
    for _ in range(int(rng.integers(1, 4))):
        space.against_wall(storage.bookcase(rng, style, tall=rng.random() < 0.75))
    extras = [storage.sideboard, gadgets.piano, storage.chest, tables.console]
    for k in rng.permutation(len(extras))[: int(rng.integers(1, 3))]:
        thing = extras[k](rng, style)
        if space.against_wall(thing) and extras[k] in (storage.sideboard, tables.console):
            scatter(space, thing, SIDEBOARD_TOP, 3)
    for maker, chance in (
        (lamps.floor_lamp, 0.6),
        (gadgets.guitar, 0.25),
        (gadgets.speaker, 0.4),
        (decor.basket, 0.35),
        (seats.pouf, 0.3),
    ):
        if rng.random() < chance:
            space.against_wall(maker(rng, style), 14, corner=rng.random() < 0.5, out=0.04)


def sofa_corner(space: Space) -> None:
    """Group a sofa, a rug under it, a low table, a television opposite, an armchair and a lamp."""
    rng, style = space.rng, space.style
    sofa = seats.sofa(rng, style)
    for _ in range(3):
        if space.against_wall(sofa, 40) is not None:
            break
        sofa = seats.sofa(rng, style, width=1.5)
    else:
        return
    width = min(2.6, float(np.ptp(sofa.size()[:, 0])) + rng.uniform(-0.2, 0.5))
    rug = decor.rug(rng, style, width, rng.uniform(1.3, 1.8))
    if rng.random() < 0.4 + 0.6 * style.softness:
        # The sofa's front feet stand on it.
        space.put_before(sofa, rug, -0.05, turn=0.0)
    table = tables.coffee_table(rng, style)
    if space.put_before(sofa, table, rng.uniform(0.3, 0.42), rng.uniform(-0.2, 0.2)):
        scatter(space, table, TABLE_TOP, int(rng.integers(2, 4)), 0.06)
    _television_opposite(space, sofa)
    for side in (-1, 1):
        kind = rng.random()
        if kind < 0.3:
            space.put_beside(sofa, lamps.floor_lamp(rng, style), side, 0.05, 0.1)
        elif kind < 0.65:
            small = tables.side_table(rng, style)
            if space.put_beside(sofa, small, side, 0.04, 0.15):
                scatter(space, small, (lamps.table_lamp, decor.book_pile, decor.vase), 1, 0.02)
        elif kind < 0.85:
            _chair_at_side(space, sofa, side)
    if rng.random() < 0.5:
        _chair_at_side(space, sofa, int(rng.choice([-1, 1])))


def _chair_at_side(space: Space, sofa: Thing, side: int) -> None:
    """Put an armchair beside the low table, turned towards it."""
    chair = seats.armchair(space.rng, space.style)
    size = sofa.size()
    x = side * (size[1, 0] + space.rng.uniform(0.25, 0.5))
    at = sofa.to_world(np.array([[x, 0.0, size[1, 2] + space.rng.uniform(0.35, 0.7)]]))[0]
    space.place(chair, at, sofa.angle - side * np.pi / 2)


def _television_opposite(space: Space, sofa: Thing) -> None:
    """Put a bench with a television against the wall that the sofa faces."""
    rng, style = space.rng, space.style
    ahead = np.array([np.sin(sofa.angle), np.cos(sofa.angle)])
    for number, wall in enumerate(space.room.walls):
        away = (wall.start - sofa.at[[0, 2]]) @ ahead
        if wall.inward @ ahead > -0.9 or not 2.2 < away < 6.0:
            continue
        middle = float((sofa.at[[0, 2]] - wall.start) @ wall.along)
        bench = storage.tv_bench(rng, style)
        for shift in (0.0, 0.3, -0.3, 0.6, -0.6, 0.9, -0.9):
            if space.at_wall(bench, number, middle + shift):
                space.put_on(bench, gadgets.television(rng, style), 0.0, 0.08)
                for side in (-1, 1):
                    if rng.random() < 0.4:
                        space.put_beside(bench, gadgets.speaker(rng, style), side, 0.08)
                return


def dining_corner(space: Space, seats_at_ends: bool = True) -> bool:
    """Put a table with chairs around it, laid or with a vase."""
    rng, style = space.rng, space.style
    for trial in range(3):
        round_one = rng.random() < 0.3
        table = tables.round_table(rng, style) if round_one else tables.dining_table(rng, style, width=None if trial < 2 else 1.1)
        if not space.in_middle(table, 25, 0.5):
            continue
        size = table.size()
        middle = (size[0, 2] + size[1, 2]) / 2
        places: list[tuple[float, float, float]] = []
        if round_one:
            turn = rng.random() * 2 * np.pi
            reach = size[1, 0]
            places = [(reach * np.sin(a), middle + reach * np.cos(a), a + np.pi) for a in turn + np.arange(4) * np.pi / 2]
        else:
            count = 2 if size[1, 0] > 0.62 else 1
            for x in (np.arange(count) + 0.5 - count / 2) * (2 * size[1, 0] / count) * 0.95:
                places += [(float(x), float(size[1, 2]), np.pi), (float(x), float(size[0, 2]), 0.0)]
            if seats_at_ends:
                places += [
                    (float(size[1, 0]), float(middle), -np.pi / 2),
                    (float(size[0, 0]), float(middle), np.pi / 2),
                ]
        sample, seed = None, int(rng.integers(1_000_000))
        for x, z, turn in places:
            # One drawing for all chairs of a table.
            sample = seats.chair(np.random.default_rng(seed), style)
            for gap in (rng.uniform(-0.22, 0.0), 0.1):
                back = 0.42 + gap
                angle = turn + rng.normal(0, 0.06)
                at = table.to_world(np.array([[x - back * np.sin(turn), 0.0, z - back * np.cos(turn)]]))[0]
                if space.place(sample, at, table.angle + angle):
                    break
        scatter(space, table, TABLE_TOP, int(rng.integers(1, 4)))
        return True
    return False
