"""Lamps, switched on."""

from __future__ import annotations

import numpy as np

from scenes.mesh import Light, Thing
from scenes.style import Style
from scenes.surface import Surface

Generator = np.random.Generator

WARM = (1.0, 0.82, 0.6)
SHADE = Surface("lamp shade cloth", (1.0, 0.93, 0.8), glow=0.95)
BULB = Surface("lamp glass", (1.0, 0.97, 0.9), glow=1.0)


def dimmed(share: float) -> tuple[float, float, float]:
    """Return a share of warm lamp light."""
    return share * WARM[0], share * WARM[1], share * WARM[2]


def table_lamp(rng: Generator, style: Style) -> Thing:
    """Build a lamp with a foot and a shade, lit."""
    thing = Thing("table-lamp")
    h, r = rng.uniform(0.34, 0.5), rng.uniform(0.1, 0.15)
    foot = Surface("glazed ceramic", style.tone) if rng.random() < 0.6 else style.house.metal
    thing.lathe(
        foot,
        [(0.06, 0), (0.065, 0.02), (0.025, 0.08), (0.045, 0.3 * h), (0.012, 0.55 * h), (0.01, 0.62 * h)],
        (0, 0, r),
        10,
    )
    thing.lathe(SHADE, [(r, 0.58 * h), (0.65 * r, h)], (0, 0, r), 14)
    thing.lights.append(Light((0, 0.78 * h, r), 0.05, dimmed(0.35)))
    return thing


def floor_lamp(rng: Generator, style: Style) -> Thing:
    """Build a tall lamp with a shade, lit."""
    thing = Thing("floor-lamp")
    h, r = rng.uniform(1.4, 1.75), rng.uniform(0.16, 0.24)
    thing.cylinder(style.house.metal, (0, 0, 0.24), 0.14, 0.025, sides=14)
    thing.rod(style.house.metal, (0, 0.02, 0.24), (0, h - 0.1, 0.24), 0.012)
    thing.lathe(SHADE, [(r, h - 0.28), (0.7 * r, h)], (0, 0, 0.24), 16)
    thing.lights.append(Light((0, h - 0.12, 0.24), 0.07, dimmed(0.8)))
    return thing


def desk_lamp(rng: Generator, style: Style) -> Thing:
    """Build a jointed lamp."""
    thing = Thing("desk-lamp")
    paint = Surface("lamp metal", style.tone)
    thing.cylinder(paint, (0, 0, 0.1), 0.08, 0.02, sides=12)
    thing.rod(paint, (0, 0.02, 0.1), (0.0, 0.28, 0.04), 0.009)
    thing.rod(paint, (0, 0.28, 0.04), (0.0, 0.44, 0.2), 0.009)
    thing.lathe(paint, [(0.075, 0.36), (0.03, 0.44), (0.01, 0.46)], (0, 0, 0.22), 12)
    thing.disc(BULB, (0, 0.365, 0.22), 0.06, 10, up=False)
    thing.lights.append(Light((0, 0.33, 0.22), 0.03, dimmed(0.22)))
    return thing


def pendant(rng: Generator, style: Style, drop: float) -> Thing:
    """Build a lamp that hangs from the ceiling; its origin lies on the ceiling, its geometry at negative heights."""
    thing = Thing("pendant")
    kind, r = rng.integers(3), rng.uniform(0.16, 0.26)
    thing.cylinder(style.house.trim, (0, -0.03, 0), 0.05, 0.03, sides=10)
    thing.rod(Surface("black plastic", (0.1, 0.1, 0.11)), (0, -drop, 0), (0, -0.03, 0), 0.006, 5)
    if kind == 0:
        t = np.linspace(-np.pi / 2, np.pi / 2, 9)
        thing.lathe(BULB, [(r * np.cos(a) + 0.001, -drop - r + r * np.sin(a)) for a in t], sides=16)
        low = -2 * r
    elif kind == 1:
        thing.lathe(
            Surface("lamp metal", style.tone, both_sides=True),
            [(1.2 * r, -drop - 0.8 * r), (0.9 * r, -drop - 0.3 * r), (0.12 * r, -drop)],
            sides=18,
        )
        thing.disc(BULB, (0, -drop - 0.75 * r, 0), 1.1 * r, 16, up=False)
        low = -0.8 * r
    else:
        thing.lathe(SHADE, [(1.3 * r, -drop - 0.9 * r), (1.2 * r, -drop)], sides=18)
        low = -0.9 * r
    thing.lights.append(Light((0, -drop + low - 0.05, 0), 0.12, (1.5, 1.3, 1.05)))
    return thing


def ceiling_lamp(rng: Generator, style: Style) -> Thing:
    """Build a flat lamp on the ceiling; its origin lies on the ceiling, its geometry at negative heights."""
    thing = Thing("ceiling-lamp")
    r = rng.uniform(0.14, 0.22)
    thing.lathe(BULB, [(0.001, -0.1), (0.7 * r, -0.09), (r, -0.05), (r, 0.0)], sides=18)
    thing.lights.append(Light((0, -0.16, 0), 0.1, (1.3, 1.15, 0.95)))
    return thing


def wall_lamp(rng: Generator, style: Style) -> Thing:
    """Build a lamp on the wall; its origin lies at its lower edge."""
    thing = Thing("wall-lamp")
    thing.box(style.house.metal, (-0.04, 0.02, 0.0), (0.04, 0.14, 0.02))
    thing.rod(style.house.metal, (0, 0.08, 0.02), (0, 0.08, 0.1), 0.01)
    thing.lathe(SHADE, [(0.075, 0.02), (0.055, 0.16)], (0, 0, 0.12), 12)
    thing.lights.append(Light((0, 0.1, 0.12), 0.04, dimmed(0.3)))
    return thing
