"""The bathroom: bath or shower, basin with a mirror, toilet, towels, washing machine."""

from __future__ import annotations

from scenes.furniture import bathroom, decor, tableware
from scenes.rooms.common import dress_windows, light_room
from scenes.space import Space


def furnish_bathroom(space: Space) -> None:
    """Furnish a bathroom."""
    rng, style = space.rng, space.style
    light_room(space)
    tub = bathroom.bathtub(rng, style) if rng.random() < 0.65 else bathroom.shower(rng, style)
    if space.against_wall(tub, 60, corner=True, out=0.016) is None:
        if space.against_wall(bathroom.shower(rng, style), 40, corner=True, out=0.016) is None:
            space.against_wall(bathroom.shower(rng, style), 40, out=0.016)
    elif space.room.area > 6.5 and rng.random() < 0.4:
        space.against_wall(bathroom.shower(rng, style), 20, corner=True, out=0.016)
    basin = bathroom.washbasin(rng, style)
    found = space.against_wall(basin, 50)
    if found is not None:
        space.at_wall(bathroom.wall_mirror(rng, style, min(0.9, basin.size()[1, 0] * 2)), found[0], found[1], 1.08, 0.003)
        mat = bathroom.bath_mat(rng, style)
        space.put_before(basin, mat, 0.08, turn=0.0)
    toilet = bathroom.toilet(rng, style)
    found = space.against_wall(toilet, 50)
    if found is not None:
        for side in (-0.42, 0.42):
            if space.at_wall(bathroom.toilet_roll(rng, style), found[0], found[1] + side, 0.65, 0.003):
                break
    if rng.random() < 0.6:
        space.against_wall(bathroom.washing_machine(rng, style), 25, corner=True)
    dress_windows(space)
    for _ in range(2):
        space.against_wall(bathroom.towel_rail(rng, style), 20, rng.uniform(0.75, 0.95), 0.003)
    for maker, chance in ((bathroom.laundry_basket, 0.6), (tableware.bin_, 0.5), (decor.basket, 0.2)):
        if rng.random() < chance:
            space.against_wall(maker(rng, style), 14, corner=True, out=0.04)
