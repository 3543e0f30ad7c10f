"""Tables and desks."""

from __future__ import annotations

import numpy as np

from scenes.furniture.seats import legs
from scenes.mesh import Thing
from scenes.style import Style
from scenes.surface import Surface

Generator = np.random.Generator


def dining_table(rng: Generator, style: Style, width: float | None = None, depth: float | None = None) -> Thing:
    """Build a rectangular table with an apron."""
    thing = Thing("table")
    w, d = (width or rng.uniform(1.1, 1.9)) / 2, depth or rng.uniform(0.72, 0.95)
    wood = style.wood
    legs(thing, wood, w - 0.07, 0.07, d - 0.07, 0.71, rng.uniform(0.05, 0.08))
    for z in (0.06, d - 0.085):
        thing.box(wood, (-w + 0.1, 0.63, z), (w - 0.1, 0.71, z + 0.025))
    for x in (-w + 0.06, w - 0.085):
        thing.box(wood, (x, 0.63, 0.1), (x + 0.025, 0.71, d - 0.1))
    thing.box(wood, (-w, 0.71, 0.0), (w, 0.745, d), step=0.35)
    return thing


def round_table(rng: Generator, style: Style) -> Thing:
    """Build a round table on one foot."""
    thing = Thing("round-table")
    r = rng.uniform(0.42, 0.62)
    thing.cylinder(style.wood, (0, 0.7, r), r, 0.04, sides=20)
    thing.lathe(style.wood, [(0.3, 0.0), (0.28, 0.03), (0.06, 0.1), (0.045, 0.4), (0.06, 0.62), (0.12, 0.7)], (0, 0, r), 10)
    return thing


def coffee_table(rng: Generator, style: Style) -> Thing:
    """Build a low table with a shelf, or a round one."""
    thing = Thing("coffee-table")
    h = rng.uniform(0.36, 0.46)
    if rng.random() < 0.3:
        r = rng.uniform(0.32, 0.46)
        legs(thing, style.second_wood, 0.6 * r, 0.4 * r, 1.6 * r, h - 0.03, 0.04, 0.03)
        thing.cylinder(style.wood, (0, h - 0.03, r), r, 0.03, sides=18)
        return thing
    w, d = rng.uniform(0.4, 0.6), rng.uniform(0.5, 0.66)
    legs(thing, style.wood, w - 0.04, 0.04, d - 0.04, h - 0.03, 0.05)
    top = style.wood if rng.random() < 0.75 else Surface("marble top", (0.85, 0.83, 0.8), "marble", 0.9, 5)
    thing.box(top, (-w, h - 0.03, 0.0), (w, h, d), step=0.3)
    if rng.random() < 0.6:
        thing.box(style.wood, (-w + 0.04, 0.12, 0.04), (w - 0.04, 0.14, d - 0.04))
    return thing


def side_table(rng: Generator, style: Style) -> Thing:
    """Build a small table beside a seat."""
    thing = Thing("side-table")
    r, h = rng.uniform(0.18, 0.25), rng.uniform(0.45, 0.58)
    if rng.random() < 0.5:
        legs(thing, style.house.metal, 0.6 * r, 0.4 * r, 1.6 * r, h - 0.02, 0.02, 0.05)
        thing.cylinder(style.second_wood, (0, h - 0.02, r), r, 0.025, sides=16)
    else:
        legs(thing, style.second_wood, r - 0.03, 0.03, 2 * r - 0.03, h - 0.03, 0.035)
        thing.box(style.second_wood, (-r, h - 0.03, 0.0), (r, h, 2 * r))
    return thing


def desk(rng: Generator, style: Style) -> Thing:
    """Build a desk with drawers on one side."""
    thing = Thing("desk")
    w, d = rng.uniform(1.0, 1.5) / 2, rng.uniform(0.58, 0.72)
    wood, side = style.wood, rng.choice([-1, 1])
    thing.box(wood, (-w, 0.72, 0.0), (w, 0.75, d), step=0.35)
    a, b = sorted((side * (w - 0.02), side * (w - 0.38)))
    thing.box(wood, (a, 0.06, 0.04), (b, 0.72, d - 0.06), skip="u")
    for k in range(3):
        y = 0.09 + 0.21 * k
        thing.box(style.second_wood, (a + 0.02, y, d - 0.06), (b - 0.02, y + 0.19, d - 0.045), skip="n")
        thing.rod(style.house.metal, ((a + b) / 2 - 0.05, y + 0.13, d - 0.03), ((a + b) / 2 + 0.05, y + 0.13, d - 0.03), 0.006)
    for z in (0.05, d - 0.07):
        x = -side * (w - 0.05)
        thing.box(wood, (x - 0.025, 0.0, z - 0.025), (x + 0.025, 0.72, z + 0.025), skip="ud")
    thing.box(wood, (min(a, -side * (w - 0.05)), 0.4, 0.03), (max(b, -side * (w - 0.05)), 0.7, 0.05))
    return thing


def console(rng: Generator, style: Style) -> Thing:
    """Build a narrow table for the wall of a hall."""
    thing = Thing("console")
    w, d, h = rng.uniform(0.7, 1.1) / 2, rng.uniform(0.26, 0.34), rng.uniform(0.78, 0.88)
    legs(thing, style.second_wood, w - 0.03, 0.03, d - 0.03, h - 0.13, 0.035)
    thing.box(style.second_wood, (-w, h - 0.13, 0.0), (w, h, d))
    for x in (-w / 2, w / 2):
        thing.box(style.wood, (x - w / 2 + 0.03, h - 0.11, d), (x + w / 2 - 0.03, h - 0.03, d + 0.012), skip="n")
    return thing


def nightstand(rng: Generator, style: Style) -> Thing:
    """Build a small cabinet beside a bed."""
    thing = Thing("nightstand")
    w, d, h = rng.uniform(0.36, 0.5) / 2, rng.uniform(0.34, 0.42), rng.uniform(0.42, 0.56)
    legs(thing, style.wood, w - 0.03, 0.03, d - 0.03, 0.12, 0.03)
    thing.box(style.wood, (-w, 0.12, 0.0), (w, h, d))
    for k in range(2):
        y = 0.14 + k * (h - 0.14) / 2
        thing.box(style.second_wood, (-w + 0.02, y, d), (w - 0.02, y + (h - 0.14) / 2 - 0.02, d + 0.014), skip="n")
        thing.cylinder(style.house.metal, (0, y + 0.07, d + 0.014), 0.012, 0.02, sides=6)
    return thing
