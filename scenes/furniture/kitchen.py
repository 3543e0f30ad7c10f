"""Kitchen units, cooker, hood and fridge."""

from __future__ import annotations

import numpy as np

from scenes.furniture.storage import fronts
from scenes.mesh import Thing
from scenes.style import Style
from scenes.surface import Surface, tinted

Generator = np.random.Generator

WORKTOP_M = 0.9
DEPTH_M = 0.6
STEEL = Surface("stainless steel", (0.72, 0.73, 0.74), "metal", 0.5, 1)
BLACK = Surface("black glass", (0.08, 0.08, 0.09))
WHITE = Surface("white enamel", (0.93, 0.93, 0.92))


def unit_front(style: Style, variant: int) -> Surface:
    """Return the surface of kitchen fronts: wood, or painted in the room's colour."""
    if variant % 3 == 0:
        return style.wood
    return Surface("painted wood front", tinted(style.tone, 1.6 if variant % 3 == 1 else 0.9))


def base_unit(rng: Generator, style: Style, width: float, kind: str, front: Surface) -> Thing:
    """Build a base cabinet with worktop: kind is plain, drawers, sink, stove or dishwasher."""
    thing = Thing({"sink": "sink-unit", "stove": "stove", "dishwasher": "dishwasher"}.get(kind, "base-unit"))
    w, d, top = width / 2, DEPTH_M, WORKTOP_M
    thing.box(style.second_wood, (-w, 0.0, 0.0), (w, 0.09, d - 0.06), skip="n")
    body = WHITE if kind in ("stove", "dishwasher") else style.wood
    thing.box(body, (-w, 0.09, 0.0), (w, top - 0.035, d - 0.02), skip="n")
    counter = _counter(style)
    if kind == "sink":
        _sink(thing, counter, w, d, top)
    else:
        thing.box(counter, (-w, top - 0.035, 0.0), (w, top, d + 0.01), step=0.3)
    if kind == "stove":
        for x in (-0.14, 0.14):
            for z in (0.17, 0.42):
                thing.cylinder(BLACK, (x, top, z), 0.085, 0.006, sides=14)
        thing.box(STEEL, (-w + 0.01, 0.12, d - 0.02), (w - 0.01, top - 0.05, d), skip="n")
        thing.box(BLACK, (-w + 0.06, 0.3, d), (w - 0.06, 0.64, d + 0.006), skip="n")
        thing.rod(style.house.metal, (-w + 0.06, 0.68, d + 0.03), (w - 0.06, 0.68, d + 0.03), 0.01)
        for x in np.linspace(-w + 0.1, w - 0.1, 5):
            thing.box(BLACK, (x - 0.018, 0.76, d), (x + 0.018, 0.8, d + 0.025), skip="n")
    elif kind == "dishwasher":
        thing.box(STEEL, (-w + 0.005, 0.1, d - 0.02), (w - 0.005, top - 0.045, d), skip="n")
        thing.rod(style.house.metal, (-w + 0.06, 0.78, d + 0.03), (w - 0.06, 0.78, d + 0.03), 0.01)
    else:
        rows = 3 if kind == "drawers" else 1
        fronts(thing, front, style.house.metal, -w, w, 0.1, top - 0.045, d - 0.02, 1 if width < 0.7 else 2, rows)
    return thing


def _counter(style: Style) -> Surface:
    return Surface("stone worktop", tinted(style.floor.color, 0.8), "marble", 1.1, style.floor.variant % 97)


def _sink(thing: Thing, counter: Surface, w: float, d: float, top: float) -> None:
    """Add a worktop with a basin let into it, and a tap."""
    a, z0, z1, low = min(0.24, w - 0.06), 0.12, 0.5, top - 0.18
    for low_corner, high_corner in (
        ((-w, top - 0.035, 0.0), (w, top, z0)), ((-w, top - 0.035, z1), (w, top, d + 0.01)),
        ((-w, top - 0.035, z0), (-a, top, z1)), ((a, top - 0.035, z0), (w, top, z1)),
    ):  # fmt: skip
        thing.box(counter, low_corner, high_corner)
    thing.box(STEEL, (-a, low - 0.01, z0), (a, low, z1), skip="d")
    for corner, along in (
        ((-a, low, z1), (0, 0, z0 - z1)),
        ((a, low, z0), (0, 0, z1 - z0)),
        ((a, low, z1), (-2 * a, 0, 0)),
        ((-a, low, z0), (2 * a, 0, 0)),
    ):
        thing.quad(STEEL, corner, along, (0, top - low + 0.002, 0))
    thing.rod(STEEL, (0, top, 0.07), (0, top + 0.24, 0.07), 0.014)
    thing.rod(STEEL, (0, top + 0.235, 0.06), (0, top + 0.22, 0.26), 0.011)
    thing.rod(STEEL, (0.02, top + 0.06, 0.07), (0.09, top + 0.09, 0.07), 0.008)


def wall_unit(rng: Generator, style: Style, width: float, front: Surface) -> Thing:
    """Build a wall cabinet; its origin lies 1.45 m above the floor."""
    thing = Thing("wall-unit")
    w = width / 2
    thing.box(style.wood, (-w, 1.45, 0.0), (w, 2.1, 0.33))
    fronts(thing, front, style.house.metal, -w, w, 1.455, 2.095, 0.33, 1 if width < 0.6 else 2, 1)
    return thing


def hood(rng: Generator, style: Style) -> Thing:
    """Build a cooker hood with its chimney."""
    thing = Thing("hood")
    thing.box(STEEL, (-0.29, 1.55, 0.0), (0.29, 1.63, 0.48))
    thing.box(STEEL, (-0.13, 1.63, 0.0), (0.13, 2.15, 0.26), skip="d")
    return thing


def fridge(rng: Generator, style: Style) -> Thing:
    """Build a fridge with a freezer."""
    thing = Thing("fridge")
    h = rng.uniform(1.55, 1.9)
    surface = (
        STEEL
        if rng.random() < 0.4
        else Surface("fridge enamel", tinted(style.tone, 1.85) if rng.random() < 0.5 else (0.93, 0.93, 0.92))
    )
    thing.box(surface, (-0.3, 0.03, 0.0), (0.3, h, 0.58), step=0.6)
    for y0, y1 in ((0.05, 0.62), (0.64, h - 0.01)):
        thing.box(surface, (-0.295, y0, 0.58), (0.295, y1, 0.62), skip="n", step=0.6)
    for y in (0.42, 0.75):
        thing.rod(style.house.metal, (0.25, y, 0.65), (0.25, y + 0.16, 0.65), 0.01)
    for _ in range(int(rng.integers(0, 6))):
        x, y, s = rng.uniform(-0.22, 0.1), rng.uniform(0.9, h - 0.2), rng.uniform(0.04, 0.09)
        note = Surface("note paper", tuple(rng.uniform(0.4, 0.98, 3)))
        thing.box(note, (x, y, 0.62), (x + s, y + 1.2 * s, 0.622), skip="n")
    return thing
