"""Shelves, cabinets and chests."""

from __future__ import annotations

import numpy as np

from scenes.furniture.seats import legs
from scenes.mesh import Thing
from scenes.style import Style
from scenes.surface import Surface, tinted

Generator = np.random.Generator


def fronts(
    thing: Thing,
    surface: Surface,
    knob: Surface,
    x0: float,
    x1: float,
    y0: float,
    y1: float,
    z: float,
    columns: int,
    rows: int,
) -> None:
    """Add cabinet fronts with handles on a plane that faces +Z."""
    for k in range(columns):
        for r in range(rows):
            a, b = x0 + k * (x1 - x0) / columns + 0.006, x0 + (k + 1) * (x1 - x0) / columns - 0.006
            c, e = y0 + r * (y1 - y0) / rows + 0.006, y0 + (r + 1) * (y1 - y0) / rows - 0.006
            thing.box(surface, (a, c, z), (b, e, z + 0.018), skip="n", step=0.6)
            if e - c < 0.5:
                thing.rod(knob, ((a + b) / 2 - 0.06, e - 0.05, z + 0.04), ((a + b) / 2 + 0.06, e - 0.05, z + 0.04), 0.007)
            else:
                x = b - 0.04 if k % 2 == 0 else a + 0.04
                middle = (c + e) / 2 if y0 < 1.2 else c + 0.14
                thing.rod(knob, (x, middle - 0.08, z + 0.04), (x, middle + 0.08, z + 0.04), 0.007)


def bookcase(rng: Generator, style: Style, tall: bool = True) -> Thing:
    """Build a bookcase with rows of books, and gaps with boxes and vases."""
    thing = Thing("bookcase")
    w, d = rng.uniform(0.6, 1.2) / 2, rng.uniform(0.26, 0.33)
    h = rng.uniform(1.6, 2.1) if tall else rng.uniform(0.75, 1.1)
    wood, board = style.wood, 0.022
    for x in (-w, w - board):
        thing.box(wood, (x, 0.0, 0.0), (x + board, h, d), step=0.6)
    thing.box(
        Surface(wood.name, tinted(wood.color, 0.7), wood.family, wood.tile_m, wood.variant),
        (-w + board, 0.05, 0.0),
        (w - board, h - board, 0.012),
        skip="nwedu",
        step=0.6,
    )
    thing.box(wood, (-w, h - board, 0.0), (w, h, d))
    rows = max(2, round(h / 0.34))
    for y in np.linspace(0.05, h - board, rows + 1)[:-1]:
        thing.box(wood, (-w + board, y, 0.012), (w - board, y + board, d - 0.01), skip="n")
        fill_shelf(thing, rng, style, -w + board + 0.01, w - board - 0.01, y + board, (h - 0.07) / rows - 0.05, d)
    return thing


def fill_shelf(thing: Thing, rng: Generator, style: Style, x0: float, x1: float, y: float, height: float, depth: float) -> None:
    """Fill a shelf with rows of books, piles, boxes, vases and gaps."""
    x = x0
    while x < x1 - 0.06:
        kind = rng.random()
        width = min(rng.uniform(0.15, 0.5), x1 - x)
        if kind < 0.62:
            row_of_books(thing, rng, style, x, x + width, y, min(height, rng.uniform(0.19, 0.28)), depth)
        elif kind < 0.72 and width > 0.2:
            pile_of_books(thing, rng, style, x + 0.11, y, depth / 2, 3)
            width = 0.23
        elif kind < 0.82 and width > 0.17:
            box = Surface("paper box", tinted(style.tone, rng.uniform(0.6, 1.4)))
            thing.box(box, (x + 0.01, y, 0.03), (x + width - 0.01, y + min(height, 0.2) * rng.uniform(0.6, 1), depth - 0.02))
        elif kind < 0.9:
            color = tinted(style.tone, rng.uniform(0.7, 1.6))
            h = min(height - 0.02, 0.22)
            thing.lathe(
                Surface("glazed ceramic", color),
                [(0.03, 0), (0.05, 0.35 * h), (0.02, 0.75 * h), (0.03, h)],
                (x + 0.06, y, depth / 2),
                9,
            )
            width = 0.13
        x += width + (0.0 if rng.random() < 0.6 else rng.uniform(0.02, 0.12))


def row_of_books(thing: Thing, rng: Generator, style: Style, x0: float, x1: float, y: float, height: float, depth: float) -> None:
    """Add upright books as one block, a stretch of a picture of spines on its front."""
    surface = style.house.books[rng.integers(len(style.house.books))]
    front = depth - rng.uniform(0.03, 0.07)
    u0, v0 = rng.random(), 0.0
    for corner, along, up, span in (
        ((x0, y, front), (x1 - x0, 0, 0), (0, height, 0), (x1 - x0) / 0.62),
        ((x0, y + height * 0.93, front), (x1 - x0, 0, 0), (0, 0, -0.13), 0.02),
        ((x1, y, front), (0, 0, -0.13), (0, height * 0.93, 0), 0.01),
        ((x0, y, front - 0.13), (0, 0, 0.13), (0, height * 0.93, 0), 0.01),
    ):
        o, a, b = (np.asarray(v, np.float64) for v in (corner, along, up))
        points = np.stack([np.stack([o, o + b]), np.stack([o + a, o + a + b])])
        uv = np.array([[[u0, v0 + 1.0], [u0, v0 + 0.12]], [[u0 + span, v0 + 1.0], [u0 + span, v0 + 0.12]]])
        thing.grid(surface, points, uv)
    thing.solids.append(np.array([[x0, y, front - 0.13], [x1, y + height, front]]))


def pile_of_books(thing: Thing, rng: Generator, style: Style, x: float, y: float, z: float, count: int) -> None:
    """Add a pile of books."""
    for _ in range(count):
        w, d, h = rng.uniform(0.07, 0.1), rng.uniform(0.05, 0.075), rng.uniform(0.015, 0.04)
        color = tuple(rng.uniform(0.15, 0.85, 3))
        thing.box(Surface("book cover", color), (x - w, y, z - d), (x + w, y + h, z + d), skip="d")
        y += h


def sideboard(rng: Generator, style: Style) -> Thing:
    """Build a low cabinet with doors."""
    thing = Thing("sideboard")
    w, d, h = rng.uniform(1.1, 1.8) / 2, rng.uniform(0.36, 0.45), rng.uniform(0.62, 0.85)
    legs(thing, style.second_wood, w - 0.06, 0.06, d - 0.06, 0.14, 0.04)
    thing.box(style.wood, (-w, 0.14, 0.0), (w, h, d), step=0.35)
    fronts(
        thing,
        style.second_wood if rng.random() < 0.5 else style.wood,
        style.house.metal,
        -w,
        w,
        0.15,
        h - 0.02,
        d,
        max(2, round(w * 2 / 0.45)),
        int(rng.integers(1, 3)),
    )
    return thing


def tv_bench(rng: Generator, style: Style) -> Thing:
    """Build a low bench for a television, half open."""
    thing = Thing("tv-bench")
    w, d, h = rng.uniform(1.2, 1.8) / 2, rng.uniform(0.36, 0.42), rng.uniform(0.4, 0.52)
    thing.box(style.wood, (-w, h - 0.03, 0.0), (w, h, d), step=0.35)
    thing.box(style.wood, (-w, 0.05, 0.0), (w, 0.08, d))
    for x in (-w, -w / 3, w / 3 - 0.02, w - 0.02):
        thing.box(style.wood, (x, 0.0, 0.0), (x + 0.02, h - 0.03, d))
    fronts(thing, style.second_wood, style.house.metal, -w + 0.02, -w / 3, 0.08, h - 0.04, d, 1, 1)
    fronts(thing, style.second_wood, style.house.metal, w / 3, w - 0.02, 0.08, h - 0.04, d, 1, 1)
    row_of_books(thing, rng, style, -w / 3 + 0.04, 0.0, 0.08, min(0.24, h - 0.15), d)
    thing.box(Surface("black plastic", (0.12, 0.12, 0.13)), (0.05, 0.08, 0.05), (w / 3 - 0.05, 0.15, d - 0.05))
    return thing


def wardrobe(rng: Generator, style: Style) -> Thing:
    """Build a tall wardrobe with doors."""
    thing = Thing("wardrobe")
    w, d, h = rng.uniform(0.9, 1.9) / 2, rng.uniform(0.54, 0.62), rng.uniform(1.85, 2.15)
    thing.box(style.wood, (-w, 0.0, 0.0), (w, h, d), step=0.6)
    front = style.second_wood if rng.random() < 0.5 else Surface("painted wood front", tinted(style.tone, 1.5))
    fronts(thing, front, style.house.metal, -w, w, 0.08, h - 0.04, d, max(2, round(w * 2 / 0.5)), 1)
    return thing


def dresser(rng: Generator, style: Style) -> Thing:
    """Build a chest of drawers."""
    thing = Thing("dresser")
    w, d, h = rng.uniform(0.7, 1.2) / 2, rng.uniform(0.4, 0.48), rng.uniform(0.75, 1.0)
    thing.box(style.wood, (-w, 0.0, 0.0), (w, h, d), step=0.4)
    fronts(
        thing,
        style.second_wood,
        style.house.metal,
        -w + 0.02,
        w - 0.02,
        0.06,
        h - 0.03,
        d,
        int(rng.integers(1, 3)),
        int(rng.integers(3, 5)),
    )
    return thing


def wall_shelf(rng: Generator, style: Style) -> Thing:
    """Build a board on the wall with books and small things; its height is that of the board."""
    thing = Thing("wall-shelf")
    w, d = rng.uniform(0.5, 1.1) / 2, rng.uniform(0.18, 0.25)
    thing.box(style.wood, (-w, 0.0, 0.0), (w, 0.025, d))
    for x in (-w + 0.12, w - 0.12):
        thing.box(style.house.metal, (x - 0.01, -0.12, 0.0), (x + 0.01, 0.0, 0.02))
    fill_shelf(thing, rng, style, -w + 0.02, w - 0.02, 0.025, 0.28, d)
    return thing


def chest(rng: Generator, style: Style) -> Thing:
    """Build a wooden chest with iron bands."""
    thing = Thing("chest")
    w, d, h = rng.uniform(0.7, 1.0) / 2, rng.uniform(0.4, 0.48), rng.uniform(0.38, 0.48)
    thing.box(style.second_wood, (-w, 0.02, 0.0), (w, h, d))
    iron = Surface("iron band", (0.22, 0.2, 0.19))
    for x in (-0.6 * w, 0.6 * w):
        thing.box(iron, (x - 0.025, 0.0, 0.0), (x + 0.025, h + 0.008, d + 0.01), skip="n")
    return thing


def filing_cabinet(rng: Generator, style: Style) -> Thing:
    """Build a steel cabinet with drawers."""
    thing = Thing("filing-cabinet")
    steel = Surface("painted steel", tinted(style.tone, 0.8))
    h = rng.choice([0.7, 1.02, 1.32])
    thing.box(steel, (-0.21, 0.0, 0.0), (0.21, h, 0.55))
    fronts(
        thing,
        Surface("painted steel", tinted(steel.color, 1.15)),
        style.house.metal,
        -0.2,
        0.2,
        0.05,
        h - 0.02,
        0.55,
        1,
        round(h / 0.32),
    )
    return thing


def toy_box(rng: Generator, style: Style) -> Thing:
    """Build an open box with balls and blocks."""
    thing = Thing("toy-box")
    wood = Surface("painted wood box", style.tone)
    w, d, h = 0.3, 0.38, 0.3
    for low, high in (
        ((-w, 0, 0), (w, h, 0.02)),
        ((-w, 0, d - 0.02), (w, h, d)),
        ((-w, 0, 0.02), (-w + 0.02, h, d - 0.02)),
        ((w - 0.02, 0, 0.02), (w, h, d - 0.02)),
    ):
        thing.box(wood, low, high)
    thing.box(wood, (-w, 0.0, 0.02), (w, 0.02, d - 0.02), skip="d")
    for _ in range(7):
        x, z, r = rng.uniform(-w + 0.1, w - 0.1), rng.uniform(0.1, d - 0.1), rng.uniform(0.05, 0.08)
        toy = Surface("toy plastic", tuple(rng.uniform(0.2, 0.95, 3)))
        y = rng.uniform(0.16, 0.3)
        if rng.random() < 0.5:
            thing.lathe(toy, [(0.01, -r), (0.7 * r, -0.7 * r), (r, 0), (0.7 * r, 0.7 * r), (0.01, r)], (x, y, z), 8)
        else:
            thing.box(toy, (x - 0.7 * r, y - r, z - 0.7 * r), (x + 0.7 * r, y + 0.4 * r, z + 0.7 * r))
    return thing
