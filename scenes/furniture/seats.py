"""Seats and beds."""

from __future__ import annotations

from itertools import pairwise

import numpy as np

from scenes.mesh import Thing
from scenes.style import Style
from scenes.surface import Surface

Generator = np.random.Generator


def legs(
    thing: Thing,
    surface: Surface,
    half: float,
    z0: float,
    z1: float,
    height: float,
    size: float = 0.04,
    lean: float = 0.0,
) -> None:
    """Add four legs at the corners of a rectangle; lean spreads their feet."""
    for x in (-half, half):
        for z in (z0, z1):
            out_x, out_z = lean * np.sign(x), lean * (1 if z == z1 else -1)
            if lean > 0:
                thing.rod(surface, (x + out_x, 0.0, z + out_z), (x, height, z), size / 2)
            else:
                s = size / 2
                thing.box(surface, (x - s, 0.0, z - s), (x + s, height, z + s), skip="ud")


def chair(rng: Generator, style: Style) -> Thing:
    """Build a dining chair: slats, a board or a cushion for a back."""
    thing = Thing("chair")
    wood, w, d, h = style.wood, 0.22, 0.42, 0.45
    back = rng.uniform(0.82, 0.98)
    legs(thing, wood, w - 0.02, 0.03, d - 0.02, h - 0.02, 0.038)
    for x in (-w + 0.02, w - 0.02):
        thing.box(wood, (x - 0.019, h + 0.02, 0.01), (x + 0.019, back, 0.045))
    thing.box(wood, (-w, h - 0.025, 0.0), (w, h + 0.01, d))
    kind = rng.integers(3)
    if kind == 0:
        for x in np.linspace(-w + 0.09, w - 0.09, 4):
            thing.box(wood, (x - 0.015, h + 0.01, 0.018), (x + 0.015, back - 0.05, 0.035), skip="ud")
        thing.box(wood, (-w + 0.04, back - 0.06, 0.012), (w - 0.04, back, 0.04))
    elif kind == 1:
        for y in np.linspace(h + 0.12, back - 0.06, 3):
            thing.box(wood, (-w + 0.04, y, 0.015), (w - 0.04, y + 0.055, 0.038))
    else:
        thing.cushion(style.fabric, (-w + 0.04, h + 0.14, 0.01), (w - 0.04, back - 0.01, 0.06), 0.03)
    if rng.random() < 0.5:
        thing.cushion(style.accent, (-w + 0.03, h + 0.011, 0.05), (w - 0.03, h + 0.05, d - 0.02), 0.02)
    return thing


def stool(rng: Generator, style: Style) -> Thing:
    """Build a round stool."""
    thing = Thing("stool")
    h = rng.uniform(0.42, 0.66)
    legs(thing, style.wood, 0.1, 0.08, 0.28, h, 0.035, 0.04)
    thing.cylinder(style.wood, (0, h - 0.03, 0.18), 0.17, 0.035)
    if rng.random() < 0.5:
        thing.cylinder(style.accent, (0, h + 0.006, 0.18), 0.155, 0.05, 0.14)
    return thing


def bench(rng: Generator, style: Style) -> Thing:
    """Build a wooden bench."""
    thing = Thing("bench")
    w = rng.uniform(0.45, 0.7)
    legs(thing, style.wood, w - 0.08, 0.06, 0.3, 0.41, 0.05)
    thing.box(style.wood, (-w, 0.41, 0.0), (w, 0.45, 0.36))
    if rng.random() < 0.6:
        thing.cushion(style.accent, (-w + 0.03, 0.452, 0.02), (w - 0.03, 0.5, 0.34), 0.02)
    return thing


def sofa(rng: Generator, style: Style, width: float | None = None) -> Thing:
    """Build a sofa with seat and back cushions, arms and loose cushions."""
    thing = Thing("sofa")
    w, d = (width or rng.uniform(1.5, 2.3)) / 2, rng.uniform(0.82, 0.98)
    seat, back, arm = rng.uniform(0.38, 0.44), rng.uniform(0.72, 0.9), rng.uniform(0.12, 0.22)
    arm_top = rng.uniform(0.52, 0.66)
    f = style.fabric
    legs(thing, style.second_wood, w - 0.08, 0.08, d - 0.08, 0.12, 0.05)
    thing.cushion(f, (-w + arm - 0.02, 0.1, 0.1), (w - arm + 0.02, 0.27, d - 0.02), 0.03)
    thing.cushion(f, (-w + arm, 0.1, 0.0), (w - arm, back, 0.2), 0.06)
    for side in (-1, 1):
        a, b = sorted((side * w, side * (w - arm)))
        thing.cushion(f, (a, 0.1, 0.0), (b, arm_top, d), 0.06)
    seats = max(1, round((2 * w - 2 * arm) / 0.7))
    edges = np.linspace(-w + arm, w - arm, seats + 1)
    for a, b in pairwise(edges):
        thing.cushion(f, (a + 0.005, 0.27, 0.19), (b - 0.005, seat + 0.03, d + 0.01), 0.05)
        thing.cushion(f, (a + 0.01, seat + 0.03, 0.16), (b - 0.01, back + 0.04, 0.32), 0.07)
    free = max(0.0, w - arm - 0.22)
    for x in rng.uniform(-free, free, int(rng.integers(1, 4)) if w > 0.6 else 1):
        thing.absorb(_loose_cushion(rng, style, x, seat + 0.035, 0.4))
    if rng.random() < 0.4:
        throw = _throw(style, edges[0] + 0.02, edges[0] + 0.5, seat + 0.04, d)
        thing.absorb(throw)
    return thing


def _loose_cushion(rng: Generator, style: Style, x: float, y: float, z: float) -> Thing:
    cushion, size = Thing("cushion"), rng.uniform(0.36, 0.46)
    surface = style.accent if rng.random() < 0.7 else style.curtain
    cushion.cushion(
        Surface("cushion cloth", surface.color, surface.family, surface.tile_m, surface.variant),
        (-size / 2, 0, -0.06),
        (size / 2, size, 0.06),
        0.055,
    )
    cushion.angle, cushion.at = rng.uniform(-0.4, 0.4), np.array([x, y, z])
    return cushion


def _throw(style: Style, x0: float, x1: float, top: float, front: float) -> Thing:
    """Build a blanket over the seat's edge."""
    throw = Thing("blanket")
    run = np.array([[0.36, top + 0.012], [front - 0.03, top + 0.014], [front + 0.026, top - 0.03], [front + 0.028, 0.2]])
    x = np.linspace(x0, x1, 4)
    points = np.stack(np.broadcast_arrays(x[None, :], run[:, 1, None], run[:, 0, None]), -1)
    reach = np.concatenate([[0], np.cumsum(np.linalg.norm(np.diff(run, axis=0), axis=1))])
    uv = np.stack(np.broadcast_arrays(x[None, :], reach[:, None]), -1) / style.accent.tile_m
    throw.grid(
        Surface("wool blanket", style.accent.color, style.accent.family, style.accent.tile_m, style.accent.variant),
        points,
        uv,
    )
    throw.solids.append(np.array([[x0, top, 0.36], [x1, top + 0.015, front]]))
    return throw


def armchair(rng: Generator, style: Style) -> Thing:
    """Build an armchair."""
    thing = sofa(rng, style, width=rng.uniform(0.78, 0.98))
    thing.name = "armchair"
    return thing


def pouf(rng: Generator, style: Style) -> Thing:
    """Build a round padded stool."""
    thing = Thing("pouf")
    r, h = rng.uniform(0.22, 0.32), rng.uniform(0.32, 0.44)
    surface = style.accent
    thing.lathe(
        surface,
        [(0.6 * r, 0), (0.95 * r, 0.12 * h), (r, 0.5 * h), (0.93 * r, 0.88 * h), (0.55 * r, h), (0.01, h)],
        (0, 0, r),
        14,
    )
    return thing


def office_chair(rng: Generator, style: Style) -> Thing:
    """Build a swivel chair on a star of five feet."""
    thing = Thing("office-chair")
    black = Surface("black plastic", (0.13, 0.13, 0.14))
    for k in range(5):
        a = 2 * np.pi * k / 5
        x, z = 0.27 * np.sin(a), 0.27 * np.cos(a) + 0.3
        thing.rod(black, (0, 0.11, 0.3), (x, 0.07, z), 0.02)
        thing.box(black, (x - 0.025, 0, z - 0.025), (x + 0.025, 0.06, z + 0.025))
    thing.rod(style.house.metal, (0, 0.1, 0.3), (0, 0.44, 0.3), 0.025)
    thing.cushion(style.fabric, (-0.24, 0.44, 0.08), (0.24, 0.53, 0.54), 0.04)
    thing.box(black, (-0.03, 0.42, 0.05), (0.03, 0.66, 0.08))
    thing.cushion(style.fabric, (-0.22, 0.62, 0.03), (0.22, 1.02, 0.1), 0.04)
    for x in (-0.27, 0.27):
        thing.box(black, (x - 0.03, 0.66, 0.15), (x + 0.03, 0.69, 0.42))
        thing.box(black, (x - 0.015, 0.48, 0.25), (x + 0.015, 0.66, 0.3))
    return thing


def bed(rng: Generator, style: Style, width: float | None = None) -> Thing:
    """Build a bed with headboard, mattress, duvet, pillows and a blanket at its foot."""
    thing = Thing("bed")
    w, length = (width or float(rng.choice([0.9, 1.2, 1.4, 1.6, 1.8]))) / 2, 2.03
    head = rng.uniform(0.75, 1.15)
    wood = style.wood
    if rng.random() < 0.5:
        thing.cushion(style.fabric, (-w - 0.06, 0.1, 0.0), (w + 0.06, head, 0.09), 0.04)
    else:
        thing.box(wood, (-w - 0.05, 0.0, 0.0), (w + 0.05, head, 0.05))
    thing.box(wood, (-w - 0.04, 0.12, 0.09), (w + 0.04, 0.3, length + 0.1), step=0.7)
    legs(thing, wood, w - 0.05, 0.15, length, 0.12, 0.06)
    thing.cushion(Surface("mattress", (0.93, 0.92, 0.9)), (-w, 0.3, 0.09), (w, 0.48, length + 0.06), 0.05)
    duvet = Surface("duvet cover", style.curtain.color, style.curtain.family, 0.8, style.curtain.variant)
    _duvet(thing, duvet, w, 0.48, 0.62, length + 0.09, rng)
    count = 1 if w < 0.6 else 2
    for k in range(count):
        middle = (k + 0.5 - count / 2) * (2 * w / count)
        half = min(0.36, w / count - 0.04)
        surface = Surface("pillow cloth", (0.94, 0.93, 0.9)) if rng.random() < 0.5 else style.accent
        thing.cushion(surface, (middle - half, 0.475, 0.12), (middle + half, 0.61, 0.52), 0.065)
    if rng.random() < 0.6:
        y, z0 = 0.56, length - rng.uniform(0.35, 0.6)
        thing.cushion(
            Surface("wool blanket", style.accent.color, style.accent.family, 0.5, style.accent.variant),
            (-w - 0.07, 0.28, z0),
            (w + 0.07, y + 0.03, length - 0.05),
            0.05,
        )
    return thing


def _duvet(thing: Thing, surface: Surface, w: float, top: float, z0: float, z1: float, rng: Generator) -> None:
    """Add a cover with folds that hangs over three edges."""
    x = np.array([-w - 0.055, -w - 0.05, -w + 0.04, *np.linspace(-w + 0.15, w - 0.15, 6), w - 0.04, w + 0.05, w + 0.055])
    z = np.linspace(z0, z1, 10)
    edge = np.clip((w + 0.05 - np.abs(x)) / 0.08, 0, 1)[:, None] * np.clip((z1 - z) / 0.08, 0, 1)[None, :]
    height = top - 0.16 + (0.16 + 0.07) * edge + 0.012 * rng.standard_normal((len(x), len(z))) * (edge > 0.5)
    # First axis along +Z, second along +X: the front faces up.
    points = np.stack(np.broadcast_arrays(x[:, None], height, z[None, :]), -1).transpose(1, 0, 2)
    thing.grid(surface, points, points[..., [0, 2]] / surface.tile_m)
    thing.solids.append(np.array([[-w - 0.055, top - 0.16, z0], [w + 0.055, top + 0.08, z1]]))


def cot(rng: Generator, style: Style) -> Thing:
    """Build a child's cot with bars."""
    thing = Thing("cot")
    wood = style.second_wood
    legs(thing, wood, 0.33, 0.03, 1.22, 0.85, 0.045)
    for z in (0.015, 1.205):
        thing.box(wood, (-0.33, 0.3, z), (0.33, 0.8, z + 0.03))
    for x in (-0.33, 0.33):
        for y in (0.3, 0.78):
            thing.box(wood, (x - 0.015, y, 0.05), (x + 0.015, y + 0.035, 1.2))
        for z in np.linspace(0.13, 1.12, 11):
            thing.rod(wood, (x, 0.33, z), (x, 0.79, z), 0.009, 5)
    thing.cushion(Surface("mattress", (0.93, 0.92, 0.9)), (-0.31, 0.34, 0.06), (0.31, 0.45, 1.19), 0.04)
    thing.cushion(style.accent, (-0.3, 0.44, 0.45), (0.3, 0.5, 1.18), 0.025)
    return thing
