"""What all kinds of room share: lamps, curtains, radiators, pictures, objects on tables."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np

from scenes.furniture import bathroom, decor, entrance, gadgets, lamps, plants, seats, storage, tables, tableware
from scenes.joinery import build_curtains, build_radiator
from scenes.mesh import Thing
from scenes.space import GAP_M, Space, facing
from scenes.style import Style

Maker = Callable[[np.random.Generator, Style], Thing]


def dress_windows(space: Space) -> None:
    """Put radiators under windows and curtains beside them."""
    for opening in space.openings:
        if opening.kind != "window":
            continue
        wall = space.room.walls[opening.wall]
        middle = (opening.s0 + opening.s1) / 2
        radiator = build_radiator(opening, wall)
        if radiator is not None and space.room.kind != "kitchen" and space.rng.random() < 0.85:
            space.place(radiator, np.array(wall.point(middle, 0.0, GAP_M - 0.015)), facing(wall), zones=False)
        if space.room.kind not in ("kitchen", "bathroom", "corridor") and space.rng.random() < min(
            0.95, 1.6 * space.style.softness
        ):
            curtains = build_curtains(opening, wall, space.room, space.style, space.rng)
            space.place(curtains, np.array(wall.point(middle, 0.0, GAP_M)), facing(wall), tight=True, zones=False)


def light_room(space: Space) -> None:
    """Hang one lamp from the ceiling for each part of the room."""
    for r in space.rects():
        if r.area < 2.0 or r.short < 1.0:
            continue
        x, z = (r.x0 + r.x1) / 2, (r.z0 + r.z1) / 2
        height = float(space.room.ceiling.height(np.array(x), np.array(z)))
        sloped = space.room.ceiling.slope_x != 0 or space.room.ceiling.slope_z != 0
        if height > 2.5 and space.room.kind not in ("bathroom", "corridor"):
            # Head clearance: everything hangs above 1.95 m.
            drop = min(space.rng.uniform(0.25, 0.8), height - 2.0 - 0.54)
            lamp = lamps.pendant(space.rng, space.style, max(0.08, drop))
        else:
            lamp = lamps.ceiling_lamp(space.rng, space.style)
        lift = 0.02 if sloped else 0.0
        lamp.at = np.array([x, height + lift, z])
        space.add(lamp)


def scatter(space: Space, host: Thing, makers: Sequence[Maker], count: int, margin: float = 0.12, y: float | None = None) -> None:
    """Put some small objects on top of a host."""
    size = host.size()
    for _ in range(count):
        thing = makers[int(space.rng.integers(len(makers)))](space.rng, space.style)
        own = thing.size()
        reach_x, reach_z = (own[1, 0] - own[0, 0]) / 2, own[1, 2]
        for _ in range(5):
            low, high = size[0, 0] + margin / 2 + reach_x, size[1, 0] - margin / 2 - reach_x
            near, far = size[0, 2] + 0.03, size[1, 2] - reach_z - 0.02
            if high <= low or far <= near:
                break
            if space.put_on(host, thing, space.rng.uniform(low, high), space.rng.uniform(near, far), y):
                break


def hang_pictures(space: Space, count: int) -> None:
    """Hang pictures, a shelf and a clock on bare stretches of wall."""
    rng, style = space.rng, space.style
    for _ in range(count):
        kind = rng.random()
        if kind < 0.72:
            space.hang(decor.picture(rng, style), 1.35, 1.7, 14)
        elif kind < 0.84:
            space.hang(storage.wall_shelf(rng, style), 1.35, 1.75, 14)
        elif kind < 0.92:
            space.hang(decor.wall_clock(rng, style), 1.7, 2.0, 14)
        else:
            space.hang(lamps.wall_lamp(rng, style), 1.6, 1.8, 14)


def finish(space: Space) -> None:
    """Add small objects and plants."""
    rng, style, kind = space.rng, space.style, space.room.kind
    bare = sum(w.length for w in space.room.walls)
    hang_pictures(space, {"bathroom": 1, "kitchen": 3}.get(kind, int(bare / 2.4)))
    fill_floor(space)
    most = {"living room": 3, "bedroom": 1, "study": 2, "hall": 1, "kitchen": 1}.get(kind, 1)
    for _ in range(int(rng.integers(0, most + 1))):
        space.against_wall(plants.potted_plant(rng, style), 12, corner=rng.random() < 0.6, out=0.05)
    for opening in space.openings:
        if opening.kind == "window" and 0.5 < opening.y0 < 1.3 and rng.random() < 0.5:
            window_sill(space, opening.wall, opening.s0, opening.s1, opening.y0)


def fill_floor(space: Space) -> None:
    """Add furniture along bare walls until a given share of the floor is occupied."""
    rng, style = space.rng, space.style
    makers = EXTRAS.get(space.room.kind, ())
    for _ in range(8):
        if not makers or space.taken_share() > 0.08 + 0.3 * space.style.softness:
            return
        thing = makers[int(rng.integers(len(makers)))](rng, style)
        if space.against_wall(thing, 10, out=0.03) and 0.4 < thing.size()[1, 1] < 1.2:
            scatter(space, thing, SIDEBOARD_TOP, 1)


def window_sill(space: Space, number: int, s0: float, s1: float, y: float) -> None:
    """Put a plant or two into a window's niche."""
    wall = space.room.walls[number]
    for s in np.arange(s0 + 0.2, s1 - 0.15, 0.4):
        if space.rng.random() < 0.5:
            plant = plants.potted_plant(space.rng, space.style, space.rng.uniform(0.2, 0.34))
            plant.name = "sill-plant"
            box = plant.size()
            if box[1, 2] - box[0, 2] > 0.3:
                continue
            plant.at, plant.angle = np.array(wall.point(float(s), y + 0.001, -0.14 + 0.02)), facing(wall)
            if space.clear(plant):
                space.add(plant)


TABLE_TOP: tuple[Maker, ...] = (
    decor.vase,
    decor.bowl,
    decor.book_pile,
    decor.candles,
    tableware.mug,
    tableware.fruit_bowl,
)
SIDEBOARD_TOP: tuple[Maker, ...] = (
    decor.vase, lamps.table_lamp, decor.photo_frame, decor.book_pile, decor.sculpture, decor.bowl, decor.candles,
    gadgets.record_player, gadgets.globe,
)  # fmt: skip
EXTRAS: dict[str, tuple[Maker, ...]] = {
    "living room": (
        storage.bookcase, storage.sideboard, tables.desk, seats.armchair, plants.potted_plant, storage.chest,
        tables.console, gadgets.piano, seats.bench, lamps.floor_lamp,
    ),
    "bedroom": (
        storage.bookcase, storage.dresser, storage.wardrobe, plants.potted_plant, storage.chest, seats.bench,
        tables.desk, entrance.ironing_board, seats.armchair,
    ),
    "study": (
        storage.bookcase, storage.filing_cabinet, plants.potted_plant, storage.sideboard, seats.armchair,
        gadgets.guitar,
    ),
    "kitchen": (storage.bookcase, storage.sideboard, plants.potted_plant, seats.bench, seats.stool, decor.basket),
    "bathroom": (bathroom.laundry_basket, storage.dresser, seats.stool, plants.potted_plant, bathroom.washing_machine),
    "hall": (storage.wardrobe, plants.potted_plant, seats.bench, storage.chest, storage.bookcase),
    "corridor": (storage.bookcase, tables.console, plants.potted_plant, seats.bench),
}  # fmt: skip
DESK_TOP: tuple[Maker, ...] = (decor.book_pile, tableware.mug, decor.photo_frame, lamps.desk_lamp, gadgets.globe)
