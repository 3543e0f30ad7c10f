"""The bedroom: bed with nightstands and rug, wardrobe, chest of drawers with a mirror."""

from __future__ import annotations

import numpy as np

from scenes.furniture import bathroom, decor, gadgets, lamps, seats, storage, tables
from scenes.rooms.common import SIDEBOARD_TOP, dress_windows, light_room, scatter
from scenes.space import Space


def furnish_bedroom(space: Space) -> None:
    """Furnish a bedroom."""
    rng, style = space.rng, space.style
    light_room(space)
    dress_windows(space)
    child = space.room.name.endswith("2") and rng.random() < 0.6
    bed = seats.bed(rng, style, 0.9 if child else None)
    for _ in range(3):
        if space.against_wall(bed, 40, corner=child) is not None:
            break
        bed = seats.bed(rng, style, 0.9)
    for side in (-1, 1):
        stand = tables.nightstand(rng, style)
        if space.put_beside(bed, stand, side, 0.05):
            space.put_on(stand, lamps.table_lamp(rng, style), 0.05 * side, 0.03)
            scatter(space, stand, (decor.book_pile, decor.photo_frame), 1, 0.02)
    if rng.random() < 0.8:
        width, depth = float(np.ptp(bed.size()[:, 0])), rng.uniform(0.8, 1.3)
        rug = decor.rug(rng, style, min(width + 0.3, 2.2), depth)
        space.put_before(bed, rug, 0.04, turn=0.0)
    for _ in range(2 if space.room.area > 14 else 1):
        for _ in range(3):
            if space.against_wall(storage.wardrobe(rng, style), 20, corner=rng.random() < 0.6):
                break
    dresser = storage.dresser(rng, style)
    found = space.against_wall(dresser, 25)
    if found is not None:
        scatter(space, dresser, SIDEBOARD_TOP, 3)
        space.at_wall(bathroom.wall_mirror(rng, style), found[0], found[1], 1.3, 0.003)
    if child:
        for maker in (storage.toy_box, seats.cot, seats.pouf):
            space.against_wall(maker(rng, style), 15)
    elif rng.random() < 0.4:
        desk = tables.desk(rng, style)
        if space.against_wall(desk, 15):
            space.put_before(desk, seats.chair(rng, style), -0.2)
            scatter(space, desk, (gadgets.laptop, lamps.desk_lamp, decor.book_pile), 2)
    for maker, chance in (
        (seats.armchair, 0.3),
        (seats.bench, 0.25),
        (storage.chest, 0.3),
        (decor.basket, 0.4),
        (lamps.floor_lamp, 0.3),
    ):
        if rng.random() < chance:
            space.against_wall(maker(rng, style), 12, out=0.04)
