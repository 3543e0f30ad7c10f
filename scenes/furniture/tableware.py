"""Objects on worktops and tables."""

from __future__ import annotations

import numpy as np

from scenes.furniture.kitchen import BLACK, STEEL, WHITE
from scenes.mesh import Thing
from scenes.style import Style
from scenes.surface import Surface, tinted

Generator = np.random.Generator


def kettle(rng: Generator, style: Style) -> Thing:
    """Build a kettle."""
    thing = Thing("kettle")
    surface = STEEL if rng.random() < 0.5 else Surface("enamel", style.tone)
    thing.lathe(surface, [(0.08, 0), (0.085, 0.03), (0.07, 0.15), (0.035, 0.2), (0.01, 0.22)], (0, 0, 0.09), 12)
    thing.rod(BLACK, (0.07, 0.06, 0.09), (0.12, 0.17, 0.09), 0.01)
    thing.rod(surface, (-0.06, 0.1, 0.09), (-0.12, 0.17, 0.09), 0.014)
    return thing


def microwave(rng: Generator, style: Style) -> Thing:
    """Build a microwave oven."""
    thing = Thing("microwave")
    thing.box(WHITE if rng.random() < 0.5 else STEEL, (-0.24, 0.01, 0.0), (0.24, 0.28, 0.34))
    thing.box(BLACK, (-0.22, 0.04, 0.34), (0.11, 0.25, 0.35), skip="n")
    for y in (0.08, 0.14, 0.2):
        thing.cylinder(style.house.metal, (0.175, y, 0.34), 0.02, 0.02, sides=8)
    return thing


def pots(rng: Generator, style: Style) -> Thing:
    """Build a pot with a lid."""
    thing = Thing("pot")
    r, h = rng.uniform(0.09, 0.13), rng.uniform(0.1, 0.16)
    surface = STEEL if rng.random() < 0.5 else Surface("cast iron enamel", style.tone)
    thing.lathe(
        surface,
        [
            (r, 0),
            (r, h),
            (r + 0.006, h),
            (0.5 * r, h + 0.025),
            (0.015, h + 0.03),
            (0.018, h + 0.05),
            (0.005, h + 0.055),
        ],
        (0, 0, r),
        14,
    )
    for x in (-1, 1):
        thing.rod(BLACK, (x * r, h - 0.03, r), (x * (r + 0.04), h - 0.03, r), 0.009)
    return thing


def knife_block(rng: Generator, style: Style) -> Thing:
    """Build a block with knives."""
    thing = Thing("knife-block")
    thing.box(style.second_wood, (-0.05, 0, 0.02), (0.05, 0.2, 0.13))
    for x in (-0.03, 0.0, 0.03):
        thing.box(BLACK, (x - 0.008, 0.2, 0.05), (x + 0.008, 0.29, 0.07))
    return thing


def jars(rng: Generator, style: Style) -> Thing:
    """Build a row of jars."""
    thing = Thing("jars")
    for x in (-0.12, 0.0, 0.12):
        h = rng.uniform(0.12, 0.2)
        thing.cylinder(Surface("glazed ceramic", tinted(style.tone, rng.uniform(0.7, 1.6))), (x, 0, 0.06), 0.05, h, sides=10)
        thing.cylinder(style.wood, (x, h, 0.06), 0.042, 0.02, sides=10)
    return thing


def bottles(rng: Generator, style: Style) -> Thing:
    """Build a few bottles."""
    thing = Thing("bottles")
    for k in range(int(rng.integers(2, 5))):
        glass = Surface(
            "bottle glass",
            [(0.1, 0.25, 0.12), (0.35, 0.18, 0.06), (0.75, 0.75, 0.6), (0.5, 0.1, 0.12)][rng.integers(4)],
        )
        h = rng.uniform(0.24, 0.32)
        thing.lathe(
            glass,
            [(0.036, 0), (0.037, 0.55 * h), (0.013, 0.75 * h), (0.013, h), (0.001, h)],
            (0.085 * k - 0.1, 0, 0.05),
            9,
        )
    return thing


def fruit_bowl(rng: Generator, style: Style) -> Thing:
    """Build a bowl of fruit."""
    thing = Thing("fruit-bowl")
    thing.lathe(
        Surface("glazed ceramic", tinted(style.tone, 1.3)),
        [(0.05, 0), (0.06, 0.012), (0.13, 0.07), (0.15, 0.1), (0.125, 0.07), (0.01, 0.03)],
        (0, 0, 0.15),
        14,
    )
    for k in range(6):
        a, r = 2 * np.pi * k / 6, 0.07 if k else 0.0
        color = [(0.8, 0.25, 0.15), (0.9, 0.6, 0.15), (0.55, 0.7, 0.2), (0.95, 0.8, 0.25)][rng.integers(4)]
        thing.lathe(
            Surface("fruit plant", color),
            [(0.005, 0), (0.036, 0.02), (0.038, 0.05), (0.01, 0.074)],
            (r * np.cos(a), 0.055, 0.15 + r * np.sin(a)),
            8,
        )
    return thing


def mug(rng: Generator, style: Style) -> Thing:
    """Build a mug."""
    thing = Thing("mug")
    surface = Surface("glazed ceramic", tuple(rng.uniform(0.3, 0.95, 3)))
    thing.lathe(surface, [(0.036, 0), (0.04, 0.09), (0.034, 0.09), (0.03, 0.015), (0.001, 0.015)], (0, 0, 0.05), 10)
    thing.rod(surface, (0.04, 0.02, 0.05), (0.062, 0.05, 0.05), 0.006, 5)
    thing.rod(surface, (0.062, 0.05, 0.05), (0.04, 0.075, 0.05), 0.006, 5)
    return thing


def bin_(rng: Generator, style: Style) -> Thing:
    """Build a waste bin."""
    thing = Thing("bin")
    r, h = rng.uniform(0.12, 0.17), rng.uniform(0.28, 0.5)
    thing.lathe(
        STEEL if rng.random() < 0.5 else Surface("plastic bin", style.tone),
        [(0.8 * r, 0), (r, h), (0.9 * r, h), (0.75 * r, 0.3 * h), (0.01, 0.25 * h)],
        (0, 0, r),
        14,
    )
    return thing
