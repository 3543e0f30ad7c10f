"""Hall and corridor: coats, shoes, a narrow table with a mirror, a runner."""

from __future__ import annotations

import numpy as np

from scenes.furniture import bathroom, decor, entrance, lamps, seats, storage, tables
from scenes.rooms.common import dress_windows, light_room, scatter
from scenes.space import Space, facing


def furnish_hall(space: Space) -> None:
    """Furnish a hall or a corridor."""
    rng, style = space.rng, space.style
    light_room(space)
    dress_windows(space)
    for opening in space.openings:
        if opening.kind == "front door":
            wall = space.room.walls[opening.wall]
            space.place(
                entrance.doormat(rng, style),
                np.array(wall.point((opening.s0 + opening.s1) / 2, 0.0, 0.06)),
                facing(wall),
                zones=False,
            )
    _runner(space)
    console = tables.console(rng, style)
    found = space.against_wall(console, 20)
    if found is not None:
        scatter(space, console, (decor.vase, decor.bowl, decor.photo_frame, lamps.table_lamp), 2)
        space.at_wall(bathroom.wall_mirror(rng, style), found[0], found[1], 1.15, 0.003)
    space.against_wall(entrance.coat_rack(rng, style), 20, 0.55, 0.003)
    for maker, chance in (
        (entrance.shoe_rack, 0.8), (entrance.umbrella_stand, 0.6), (seats.bench, 0.4), (storage.dresser, 0.3),
        (storage.bookcase, 0.35), (entrance.ironing_board, 0.15), (seats.stool, 0.3),
    ):  # fmt: skip
        if rng.random() < chance:
            space.against_wall(maker(rng, style), 12)


def _runner(space: Space) -> None:
    """Lay a long rug along the room."""
    r = max(space.rects(), key=lambda r: r.area)
    wide, long = r.short - 0.7, max(r.x1 - r.x0, r.z1 - r.z0) - 1.0
    if wide < 0.5 or long < 1.0 or space.rng.random() < 0.25:
        return
    rug = decor.rug(space.rng, space.style, min(long, 3.2), min(wide, 1.1))
    along_x = r.x1 - r.x0 > r.z1 - r.z0
    depth = rug.size()[1, 2] / 2
    x, z = (r.x0 + r.x1) / 2, (r.z0 + r.z1) / 2
    if along_x:
        space.place(rug, np.array([x, 0.0, z - depth]), 0.0)
    else:
        space.place(rug, np.array([x - depth, 0.0, z]), np.pi / 2)
