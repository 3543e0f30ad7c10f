"""Electronics and instruments."""

from __future__ import annotations

import numpy as np

from scenes.mesh import Thing
from scenes.style import Style
from scenes.surface import Surface, tinted

Generator = np.random.Generator

BLACK = Surface("black plastic", (0.1, 0.1, 0.11))
GREY = Surface("grey plastic", (0.62, 0.63, 0.65))


def screen_surface(rng: Generator, name: str) -> Surface:
    """Return a display with one of a few pictures."""
    return Surface(name, (0.4, 0.5, 0.6), "screen", 1.0, int(rng.integers(6)))


def television(rng: Generator, style: Style) -> Thing:
    """Build a television on its foot."""
    thing = Thing("television")
    w = rng.uniform(0.8, 1.3) / 2
    h = 2 * w * 0.58
    thing.box(BLACK, (-0.25, 0.0, 0.02), (0.25, 0.015, 0.22))
    thing.box(BLACK, (-0.06, 0.015, 0.09), (0.06, 0.08, 0.12))
    thing.box(BLACK, (-w, 0.07, 0.08), (w, 0.07 + h, 0.12))
    thing.box(
        screen_surface(rng, "television screen"),
        (-w + 0.015, 0.09, 0.12),
        (w - 0.015, 0.055 + h, 0.122),
        skip="nwedu",
        fit="s",
        step=0.4,
    )
    return thing


def speaker(rng: Generator, style: Style) -> Thing:
    """Build a loudspeaker on the floor."""
    thing = Thing("speaker")
    w, h, d = 0.11, rng.uniform(0.7, 1.05), 0.26
    thing.box(style.second_wood, (-w, 0.0, 0.0), (w, h, d))
    thing.box(
        Surface("speaker cloth", (0.14, 0.14, 0.15), "weave", 0.3, 4),
        (-w + 0.015, 0.1, d),
        (w - 0.015, h - 0.02, d + 0.012),
        skip="n",
    )
    return thing


def monitor(rng: Generator, style: Style) -> Thing:
    """Build a computer monitor."""
    thing = Thing("monitor")
    w = rng.uniform(0.5, 0.68) / 2
    h = 1.15 * w
    thing.box(GREY, (-0.12, 0, 0.0), (0.12, 0.012, 0.17))
    thing.box(GREY, (-0.025, 0.012, 0.05), (0.025, 0.2, 0.08))
    thing.box(BLACK, (-w, 0.12, 0.08), (w, 0.12 + h, 0.11))
    thing.box(
        screen_surface(rng, "monitor screen"),
        (-w + 0.01, 0.13, 0.11),
        (w - 0.01, 0.11 + h, 0.112),
        skip="nwedu",
        fit="s",
    )
    return thing


def keyboard(rng: Generator, style: Style) -> Thing:
    """Build a keyboard and a mouse."""
    thing = Thing("keyboard")
    surface = BLACK if rng.random() < 0.5 else GREY
    thing.box(surface, (-0.22, 0, 0), (0.2, 0.02, 0.14), skip="d")
    for r in range(4):
        thing.box(
            Surface("plastic keys", tinted(surface.color, 1.3)),
            (-0.21, 0.02, 0.012 + 0.031 * r),
            (0.19, 0.026, 0.036 + 0.031 * r),
            skip="d",
        )
    thing.cushion(surface, (0.25, 0, 0.03), (0.31, 0.035, 0.13), 0.02)
    return thing


def laptop(rng: Generator, style: Style) -> Thing:
    """Build an open laptop."""
    thing = Thing("laptop")
    thing.box(GREY, (-0.17, 0, 0.06), (0.17, 0.015, 0.29), skip="d")
    thing.box(BLACK, (-0.15, 0.015, 0.09), (0.15, 0.018, 0.2), skip="d")
    low, high = np.array([0.0, 0.015, 0.06]), np.array([0.0, 0.23, 0.0])
    for surface, push in ((screen_surface(rng, "laptop screen"), 0.004), (GREY, -0.004)):
        edge = high - low
        shift = np.array([0.0, 0.0, push])
        if push > 0:
            thing.quad(surface, tuple(low + shift + [-0.17, 0, 0]), (0.34, 0, 0), tuple(edge), fit=True)
        else:
            thing.quad(surface, tuple(low + shift + [0.17, 0, 0]), (-0.34, 0, 0), tuple(edge))
    thing.solids.append(np.array([[-0.17, 0, 0], [0.17, 0.23, 0.065]]))
    return thing


def record_player(rng: Generator, style: Style) -> Thing:
    """Build a record player."""
    thing = Thing("record-player")
    thing.box(style.wood, (-0.21, 0, 0), (0.21, 0.09, 0.34))
    thing.cylinder(BLACK, (-0.04, 0.09, 0.17), 0.145, 0.012, sides=20)
    thing.cylinder(Surface("record label paper", style.tone), (-0.04, 0.102, 0.17), 0.05, 0.002, sides=12)
    thing.rod(GREY, (0.15, 0.12, 0.05), (0.06, 0.115, 0.24), 0.006, 5)
    return thing


def piano(rng: Generator, style: Style) -> Thing:
    """Build an upright piano with its keys."""
    thing = Thing("piano")
    wood = Surface("lacquered wood", (0.12, 0.09, 0.08)) if rng.random() < 0.4 else style.second_wood
    thing.box(wood, (-0.74, 0.0, 0.0), (0.74, 1.15, 0.3), step=0.5)
    thing.box(wood, (-0.74, 0.58, 0.3), (0.74, 0.66, 0.58))
    thing.box(wood, (-0.74, 0.66, 0.3), (-0.66, 0.75, 0.58))
    thing.box(wood, (0.66, 0.66, 0.3), (0.74, 0.75, 0.58))
    for x in (-0.7, 0.64):
        thing.box(wood, (x, 0.0, 0.5), (x + 0.06, 0.58, 0.57))
    thing.box(Surface("white plastic keys", (0.93, 0.92, 0.88)), (-0.66, 0.66, 0.4), (0.66, 0.685, 0.57), skip="dn")
    for k in range(36):
        if k % 7 in (2, 6):
            continue
        x = -0.64 + k * 1.28 / 35
        thing.box(BLACK, (x - 0.01, 0.685, 0.4), (x + 0.01, 0.7, 0.5), skip="dn")
    thing.box(Surface("music paper", (0.95, 0.94, 0.9)), (-0.2, 0.8, 0.3), (0.2, 1.08, 0.31), skip="n")
    return thing


def guitar(rng: Generator, style: Style) -> Thing:
    """Build a guitar on a stand."""
    thing = Thing("guitar")
    wood = Surface("guitar wood", (0.72, 0.42, 0.18), "wood", 0.5, 8)
    thing.lathe(
        wood,
        [(0.005, 0.1), (0.16, 0.16), (0.185, 0.27), (0.13, 0.4), (0.11, 0.45), (0.135, 0.54), (0.1, 0.6), (0.01, 0.62)],
        (0, 0, 0.18),
        14,
        squeeze=0.3,
    )
    thing.box(style.second_wood, (-0.028, 0.6, 0.17), (0.028, 1.0, 0.195))
    thing.box(style.second_wood, (-0.04, 1.0, 0.165), (0.04, 1.13, 0.19))
    for x in (-0.13, 0.13):
        thing.rod(BLACK, (x, 0, 0.3), (0.0, 0.42, 0.09), 0.01)
    thing.rod(BLACK, (0, 0, 0.0), (0.0, 0.5, 0.1), 0.01)
    return thing


def globe(rng: Generator, style: Style) -> Thing:
    """Build a globe."""
    thing = Thing("globe")
    thing.cylinder(style.wood, (0, 0, 0.12), 0.08, 0.02, sides=12)
    thing.rod(style.house.metal, (0, 0.02, 0.12), (0, 0.1, 0.12), 0.01)
    t = np.linspace(-np.pi / 2, np.pi / 2, 9)
    thing.lathe(
        Surface("globe plastic", (0.3, 0.5, 0.7), "paint strokes", 0.5, 5),
        [(0.12 * np.cos(a) + 0.001, 0.22 + 0.12 * np.sin(a)) for a in t],
        (0, 0, 0.12),
        14,
    )
    return thing
