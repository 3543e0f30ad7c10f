"""Hall furniture."""

from __future__ import annotations

import numpy as np

from scenes.mesh import Thing
from scenes.style import Style
from scenes.surface import Surface

Generator = np.random.Generator


def coat_rack(rng: Generator, style: Style) -> Thing:
    """Build a board with hooks, coats and a bag; its origin lies at the coats' hems."""
    thing = Thing("coat-rack")
    w = rng.uniform(0.6, 1.1) / 2
    thing.box(style.wood, (-w, 1.15, 0.0), (w, 1.27, 0.025), skip="n")
    for x in np.linspace(-w + 0.1, w - 0.1, max(3, round(2 * w / 0.22))):
        thing.rod(style.house.metal, (x, 1.2, 0.02), (x, 1.22, 0.1), 0.01)
        if rng.random() < 0.65:
            color = tuple(rng.uniform(0.1, 0.7, 3))
            cloth = Surface("coat cloth", color, str(rng.choice(["weave", "checks"])), 0.5, int(rng.integers(3)))
            low, half = rng.uniform(0.0, 0.35), rng.uniform(0.09, 0.13)
            thing.cushion(cloth, (x - half, low, 0.03), (x + half, 1.16, 0.17), 0.06)
    return thing


def shoe_rack(rng: Generator, style: Style) -> Thing:
    """Build a rack with pairs of shoes."""
    thing = Thing("shoe-rack")
    w = rng.uniform(0.6, 0.9) / 2
    for x in (-w, w - 0.02):
        thing.box(style.second_wood, (x, 0.0, 0.0), (x + 0.02, 0.5, 0.3))
    for y in (0.1, 0.3):
        thing.box(style.second_wood, (-w + 0.02, y, 0.0), (w - 0.02, y + 0.015, 0.3))
        for x in np.arange(-w + 0.09, w - 0.1, 0.23):
            if rng.random() < 0.75:
                leather = Surface("shoe leather", tuple(rng.uniform(0.08, 0.6, 3)))
                for side in (-0.05, 0.05):
                    thing.cushion(leather, (x + side - 0.042, y + 0.016, 0.03), (x + side + 0.042, y + 0.075, 0.28), 0.03)
                    thing.cushion(leather, (x + side - 0.038, y + 0.03, 0.03), (x + side + 0.038, y + 0.12, 0.13), 0.03)
    thing.box(style.wood, (-w, 0.5, 0.0), (w, 0.525, 0.3))
    return thing


def umbrella_stand(rng: Generator, style: Style) -> Thing:
    """Build a stand with umbrellas."""
    thing = Thing("umbrella-stand")
    thing.lathe(
        Surface("painted steel", style.tone),
        [(0.1, 0), (0.12, 0.5), (0.11, 0.5), (0.09, 0.05), (0.002, 0.03)],
        (0, 0, 0.14),
        12,
    )
    for k in range(2):
        cloth = Surface("umbrella cloth", tuple(rng.uniform(0.1, 0.8, 3)))
        x = 0.05 * (2 * k - 1)
        thing.lathe(cloth, [(0.008, 0.05), (0.03, 0.4), (0.025, 0.62), (0.008, 0.68)], (x, 0, 0.14), 7)
        thing.rod(style.wood, (x, 0.66, 0.14), (x, 0.82, 0.14), 0.01)
    return thing


def doormat(rng: Generator, style: Style) -> Thing:
    """Build a mat of coir with a border."""
    thing = Thing("doormat")
    coir = Surface("doormat", (0.5, 0.38, 0.24), "carpet", 0.5, 9)
    thing.box(coir, (-0.38, 0.0, 0.0), (0.38, 0.015, 0.45), skip="d")
    return thing


def ironing_board(rng: Generator, style: Style) -> Thing:
    """Build an ironing board with an iron."""
    thing = Thing("ironing-board")
    x = np.linspace(-0.6, 0.6, 9)
    half = 0.17 * np.clip((0.62 - x) / 0.3, 0.1, 1) ** 0.5
    points = np.stack([np.stack([x, np.full(9, 0.88), 0.2 + half], -1), np.stack([x, np.full(9, 0.88), 0.2 - half], -1)], 1)
    thing.grid(style.curtain, points, points[..., [0, 2]] / style.curtain.tile_m)
    thing.grid(style.house.metal, points[::-1] - [0, 0.02, 0], points[..., [0, 2]])
    for z in (0.1, 0.3):
        thing.rod(style.house.metal, (-0.45, 0, z), (0.3, 0.86, z), 0.012)
        thing.rod(style.house.metal, (0.45, 0, z), (-0.3, 0.86, z), 0.012)
    thing.cushion(Surface("plastic iron", style.tone), (-0.5, 0.885, 0.14), (-0.28, 0.99, 0.26), 0.04)
    thing.solids.append(np.array([[-0.6, 0.85, 0.03], [0.6, 0.89, 0.37]]))
    return thing
