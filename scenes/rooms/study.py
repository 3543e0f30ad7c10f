"""The study: desk with a computer, shelves, a pinboard, an armchair."""

from __future__ import annotations

from scenes.furniture import decor, gadgets, lamps, seats, storage, tables
from scenes.rooms.common import DESK_TOP, dress_windows, light_room, scatter
from scenes.space import Space


def furnish_study(space: Space) -> None:
    """Furnish a study."""
    rng, style = space.rng, space.style
    light_room(space)
    dress_windows(space)
    for _ in range(2 if space.room.area > 10 and rng.random() < 0.4 else 1):
        desk = tables.desk(rng, style)
        found = space.against_wall(desk, 40)
        if found is None:
            continue
        space.put_before(desk, seats.office_chair(rng, style), rng.uniform(-0.3, -0.1), rng.uniform(-0.15, 0.15))
        if rng.random() < 0.7:
            space.put_on(desk, gadgets.monitor(rng, style), 0.0, 0.08)
            space.put_on(desk, gadgets.keyboard(rng, style), 0.0, 0.34)
        else:
            space.put_on(desk, gadgets.laptop(rng, style), 0.0, 0.2)
        scatter(space, desk, DESK_TOP, 3, 0.06)
        space.at_wall(decor.pinboard(rng, style), found[0], found[1], 1.35, 0.003)
    for _ in range(int(rng.integers(2, 4))):
        space.against_wall(storage.bookcase(rng, style, tall=rng.random() < 0.8), 25)
    if rng.random() < 0.6:
        rug = decor.rug(rng, style, rng.uniform(1.4, 2.0), rng.uniform(1.0, 1.4))
        space.in_middle(rug, 10)
    if rng.random() < 0.6:
        chair = seats.armchair(rng, style)
        if space.against_wall(chair, 15, corner=True, out=0.1):
            space.put_beside(chair, lamps.floor_lamp(rng, style), int(rng.choice([-1, 1])))
    for maker, chance in (
        (storage.filing_cabinet, 0.5),
        (gadgets.guitar, 0.2),
        (gadgets.piano, 0.15),
        (storage.sideboard, 0.3),
        (decor.basket, 0.3),
    ):
        if rng.random() < chance:
            space.against_wall(maker(rng, style), 12)
