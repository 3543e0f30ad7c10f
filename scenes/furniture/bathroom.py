"""Bathroom fittings."""

from __future__ import annotations

from typing import Any

import numpy as np

from scenes.furniture.storage import fronts
from scenes.mesh import Thing
from scenes.style import Style
from scenes.surface import Surface, tinted

Generator = np.random.Generator

CERAMIC = Surface("white ceramic", (0.94, 0.94, 0.93))
CHROME = Surface("chrome metal", (0.78, 0.79, 0.8), "metal", 0.4, 2)
MIRROR = Surface("mirror glass", (0.78, 0.85, 0.88), "mirror", 1.0, 3)


def bathtub(rng: Generator, style: Style) -> Thing:
    """Build a bathtub along a wall, with taps."""
    thing = Thing("bathtub")
    w, d, h = rng.uniform(1.5, 1.72) / 2, rng.uniform(0.7, 0.78), 0.56
    skirt = style.walls[0][1] if rng.random() < 0.5 else CERAMIC
    for corner, along in (((-w, 0, d), (2 * w, 0, 0)), ((-w, 0, 0), (0, 0, d)), ((w, 0, d), (0, 0, -d))):
        thing.quad(skirt, corner, along, (0, h - 0.03, 0))
    thing.solids.append(np.array([[-w, 0, 0], [w, h, d]]))
    # A rounded basin: rings from the rim down to the bottom.
    angle = np.linspace(0, 2 * np.pi, 25)
    c, s = np.cos(angle), np.sin(angle)
    square = np.maximum(np.abs(c), np.abs(s))
    rings: list[tuple[Any, Any, float, float, float]] = [
        (1 / square, 1 / square, 1.0, 1.0, h),
        (1 / square**0.55, 1 / square**0.55, 1 - 0.055 / w, 1 - 0.11 / d, h),
        (1, 1, 0.9, 0.82, h - 0.05),
        (1, 1, 0.78, 0.62, 0.16),
        (1, 1, 0.3, 0.2, 0.13),
    ]
    points = np.stack([np.stack([w * a * k * c, np.full(25, y), d / 2 * b * m * s + d / 2], -1) for a, b, k, m, y in rings])
    thing.grid(CERAMIC, points, points[..., [0, 2]])
    thing.quad(CERAMIC, (-w, h - 0.03, d), (2 * w, 0, 0), (0, 0.03, 0))
    thing.rod(CHROME, (-0.08, h + 0.12, 0.03), (0.08, h + 0.12, 0.03), 0.018)
    thing.rod(CHROME, (0, h + 0.12, 0.03), (0, h + 0.1, 0.14), 0.012)
    thing.rod(CHROME, (w - 0.1, h + 0.2, 0.03), (w - 0.1, 1.7, 0.03), 0.01)
    thing.rod(CHROME, (w - 0.1, 1.62, 0.03), (w - 0.16, 1.72, 0.12), 0.022)
    return thing


def shower(rng: Generator, style: Style) -> Thing:
    """Build a shower: tray, glass walls on two sides, a head on a rail."""
    thing = Thing("shower")
    w, d = 0.45, 0.9
    thing.box(CERAMIC, (-w, 0.0, 0.0), (w, 0.1, d), skip="n")
    glass = Surface("shower glass", (0.86, 0.94, 0.94), alpha=0.2, both_sides=True)
    thing.quad(glass, (-w + 0.02, 0.1, d - 0.02), (2 * w - 0.04, 0, 0), (0, 1.85, 0), step=4)
    thing.quad(glass, (w - 0.02, 0.1, d - 0.02), (0, 0, -d + 0.02), (0, 1.85, 0), step=4)
    for x, z in ((-w + 0.02, d - 0.02), (w - 0.02, d - 0.02), (w - 0.02, 0.02)):
        thing.box(CHROME, (x - 0.015, 0.1, z - 0.015), (x + 0.015, 1.97, z + 0.015))
    thing.box(CHROME, (-w + 0.02, 1.95, d - 0.035), (w - 0.02, 1.97, d - 0.005))
    thing.rod(CHROME, (0, 1.0, 0.04), (0, 1.9, 0.04), 0.011)
    thing.rod(CHROME, (0, 1.88, 0.04), (0, 1.84, 0.16), 0.01)
    thing.cylinder(CHROME, (0, 1.81, 0.18), 0.07, 0.02)
    thing.box(CHROME, (-0.08, 1.05, 0.02), (0.08, 1.1, 0.07))
    thing.solids.append(np.array([[-w, 0, 0], [w, 1.97, d]]))
    return thing


def toilet(rng: Generator, style: Style) -> Thing:
    """Build a toilet with its cistern."""
    thing = Thing("toilet")
    thing.box(CERAMIC, (-0.19, 0.4, 0.0), (0.19, 0.78, 0.17))
    thing.box(CERAMIC, (-0.2, 0.78, 0.0), (0.2, 0.81, 0.18))
    thing.cylinder(CHROME, (0, 0.81, 0.09), 0.025, 0.01)
    thing.lathe(CERAMIC, [(0.13, 0), (0.11, 0.12), (0.13, 0.25), (0.19, 0.38), (0.19, 0.4)], (0, 0, 0.42), 14, squeeze=1.25)
    thing.box(CERAMIC, (-0.1, 0.0, 0.08), (0.1, 0.36, 0.36))
    lid = Surface("plastic toilet seat", (0.95, 0.95, 0.94))
    thing.lathe(lid, [(0.195, 0.4), (0.2, 0.42), (0.19, 0.44), (0.1, 0.447), (0.01, 0.448)], (0, 0, 0.42), 14, squeeze=1.22)
    return thing


def washbasin(rng: Generator, style: Style) -> Thing:
    """Build a washbasin on a cabinet, with tap, soap and brushes."""
    thing = Thing("washbasin")
    w, d, top = rng.uniform(0.55, 1.0) / 2, 0.48, 0.84
    thing.box(style.wood, (-w, 0.2, 0.0), (w, top - 0.08, d - 0.03))
    fronts(thing, style.second_wood, CHROME, -w, w, 0.21, top - 0.09, d - 0.03, 2, int(rng.integers(1, 3)))
    thing.box(CERAMIC, (-w - 0.01, top - 0.08, 0.0), (w + 0.01, top - 0.004, d), skip="u")
    rim, bowl = w + 0.01, min(0.24, w - 0.04)
    angle = np.linspace(0, 2 * np.pi, 21)
    c, s = np.cos(angle), np.sin(angle)
    square = np.maximum(np.abs(c), np.abs(s))
    rings = [
        (rim / square, d / 2 / square, top - 0.004),
        (bowl * 1.05 + 0 * c, 0.19 + 0 * c, top),
        (bowl + 0 * c, 0.175 + 0 * c, top - 0.02),
        (0.5 * bowl + 0 * c, 0.09 + 0 * c, top - 0.075),
        (0.02 + 0 * c, 0.02 + 0 * c, top - 0.078),
    ]
    points = np.stack([np.stack([a * c, np.full(21, y), b * s + d / 2], -1) for a, b, y in rings])
    thing.grid(CERAMIC, points, points[..., [0, 2]])
    thing.rod(CHROME, (0, top, 0.045), (0, top + 0.13, 0.045), 0.013)
    thing.rod(CHROME, (0, top + 0.125, 0.04), (0, top + 0.1, 0.15), 0.011)
    cup = Surface("glazed ceramic", style.tone)
    thing.cylinder(cup, (w - 0.04, top - 0.002, 0.05), 0.028, 0.09, sides=8)
    for k in range(2):
        brush = Surface("plastic brush", tuple(rng.uniform(0.2, 0.95, 3)))
        thing.rod(brush, (w - 0.045 + 0.015 * k, top + 0.06, 0.05), (w - 0.07 + 0.05 * k, top + 0.17, 0.055), 0.005, 5)
    thing.cushion(
        Surface("plastic soap", tinted(style.tone, 1.5)),
        (-w + 0.01, top - 0.002, 0.03),
        (-w + 0.08, top + 0.02, 0.08),
        0.012,
    )
    return thing


def wall_mirror(rng: Generator, style: Style, width: float | None = None) -> Thing:
    """Build a mirror in a frame; its origin lies at its lower edge."""
    thing = Thing("mirror")
    w, h = (width or rng.uniform(0.45, 0.8)) / 2, rng.uniform(0.6, 0.9)
    thing.box(style.second_wood, (-w, 0, 0), (w, h, 0.025), skip="n")
    thing.box(MIRROR, (-w + 0.03, 0.03, 0.02), (w - 0.03, h - 0.03, 0.029), skip="n", fit="s")
    return thing


def towel_rail(rng: Generator, style: Style) -> Thing:
    """Build a rail with towels; its origin lies at the towels' lower edge."""
    thing = Thing("towel-rail")
    w = rng.uniform(0.45, 0.7) / 2
    thing.rod(CHROME, (-w, 0.7, 0.07), (w, 0.7, 0.07), 0.01)
    for x in (-w, w):
        thing.rod(CHROME, (x, 0.7, 0.0), (x, 0.7, 0.07), 0.01)
    ends = np.linspace(-w + 0.02, w - 0.02, 3)
    for k in range(2):
        base = style.accent if k == 0 else style.curtain
        color = tinted(base.color, 1.2)
        towel = Surface("towel cloth", color, "terry", 0.7, base.variant)
        low = rng.uniform(0.0, 0.2)
        across = np.linspace(ends[k] + 0.01, ends[k + 1] - 0.01, 7)
        wave = 0.006 * np.sin(40 * across)
        for z, start in ((0.094, low), (0.05, low + 0.1)):
            y = np.linspace(start, 0.715, 5)
            points = np.stack(np.broadcast_arrays(across[:, None], y[None, :], z + wave[:, None]), -1)
            uv = np.stack(np.broadcast_arrays((across[:, None] - across[0]) / 0.3, (0.715 - y[None, :]) / (0.715 - low)), -1)
            thing.grid(Surface(towel.name, color, "terry", 0.7, base.variant, both_sides=True), points, uv)
    thing.solids.append(np.array([[-w, 0, 0.04], [w, 0.72, 0.105]]))
    return thing


def washing_machine(rng: Generator, style: Style) -> Thing:
    """Build a washing machine."""
    thing = Thing("washing-machine")
    white = Surface("white enamel", (0.93, 0.93, 0.92))
    thing.box(white, (-0.3, 0.01, 0.0), (0.3, 0.85, 0.56))
    thing.box(Surface("grey plastic", (0.6, 0.62, 0.65)), (-0.29, 0.74, 0.56), (0.29, 0.84, 0.568), skip="n")
    dark = Surface("black glass", (0.1, 0.11, 0.13))
    angle = np.linspace(0, 2 * np.pi, 19)
    for radius, z, surface in ((0.2, 0.57, CHROME), (0.155, 0.585, dark)):
        rim = np.stack([radius * np.cos(angle), 0.42 + radius * np.sin(angle), np.full(19, z)], -1)
        edge, centre = rim - [0, 0, z - 0.56], np.broadcast_to([0, 0.42, z], rim.shape)
        points = np.stack([edge, rim, centre], 1)
        thing.grid(surface, points, points[..., :2])
    return thing


def laundry_basket(rng: Generator, style: Style) -> Thing:
    """Build a wicker basket with a lid, or open and filled with linen."""
    thing = Thing("laundry-basket")
    wicker = Surface("wicker wood", (0.72, 0.55, 0.34), "weave", 0.35, 21)
    r, h = rng.uniform(0.19, 0.24), rng.uniform(0.4, 0.6)
    thing.lathe(wicker, [(0.85 * r, 0), (r, 0.6 * h), (0.97 * r, h)], (0, 0, r), 14)
    if rng.random() < 0.5:
        thing.cylinder(wicker, (0, h, r), r, 0.03, sides=14)
    else:
        thing.cushion(style.accent, (-0.7 * r, h - 0.12, 0.3 * r), (0.6 * r, h + 0.06, 1.6 * r), 0.06)
    return thing


def toilet_roll(rng: Generator, style: Style) -> Thing:
    """Build a roll of paper on a holder."""
    thing = Thing("toilet-roll")
    paper = Surface("paper roll", (0.95, 0.95, 0.94))
    thing.rod(paper, (-0.05, 0.06, 0.065), (0.05, 0.06, 0.065), 0.055, 12)
    thing.rod(CHROME, (-0.065, 0.06, 0.0), (-0.065, 0.06, 0.065), 0.006)
    thing.rod(CHROME, (-0.065, 0.06, 0.065), (0.065, 0.06, 0.065), 0.008)
    return thing


def bath_mat(rng: Generator, style: Style) -> Thing:
    """Build a mat on the floor."""
    thing = Thing("bath-mat")
    mat = Surface("bathmat", tinted(style.accent.color, 1.3), "terry", 0.8, style.accent.variant)
    thing.box(mat, (-0.4, 0.0, 0.0), (0.4, 0.015, 0.5), skip="d")
    return thing
