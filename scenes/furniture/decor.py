"""Pictures, rugs and small things."""

from __future__ import annotations

import numpy as np

from scenes.mesh import Thing
from scenes.style import Style
from scenes.surface import Surface, tinted

Generator = np.random.Generator


def picture(rng: Generator, style: Style, width: float | None = None) -> Thing:
    """Build a framed painting or poster; its origin lies at its lower edge."""
    thing = Thing("picture")
    w = (width or rng.uniform(0.3, 1.0)) / 2
    h = 2 * w * rng.choice([0.7, 1.0, 1.35])
    kind = "painting on canvas" if rng.random() < 0.75 else "poster paper"
    image = Surface(kind, (0.6, 0.45, 0.35), kind.split()[0], 1.0, style.house.pictures + int(rng.integers(8)))
    frame = [
        style.wood,
        style.second_wood,
        Surface("black wood frame", (0.1, 0.1, 0.1)),
        Surface("gilded wood frame", (0.75, 0.6, 0.25)),
    ][rng.integers(4)]
    bar = rng.uniform(0.015, 0.045)
    for low, high in (
        ((-w, 0, 0), (w, bar, 0.028)),
        ((-w, h - bar, 0), (w, h, 0.028)),
        ((-w, bar, 0), (-w + bar, h - bar, 0.028)),
        ((w - bar, bar, 0), (w, h - bar, 0.028)),
    ):
        thing.box(frame, low, high, skip="n")
    if rng.random() < 0.4 and w > 0.2:
        mat = min(0.06, 0.3 * w)
        thing.box(Surface("mount paper", (0.94, 0.93, 0.9)), (-w + bar, bar, 0), (w - bar, h - bar, 0.012), skip="nwedu")
        thing.box(image, (-w + bar + mat, bar + mat, 0.005), (w - bar - mat, h - bar - mat, 0.014), skip="nwedu", fit="s")
    else:
        thing.box(image, (-w + bar, bar, 0), (w - bar, h - bar, 0.015), skip="nwedu", fit="s")
    return thing


def wall_clock(rng: Generator, style: Style) -> Thing:
    """Build a round clock; its origin lies at its lower edge."""
    thing = Thing("clock")
    r = rng.uniform(0.13, 0.2)
    angle = np.linspace(0, 2 * np.pi, 21)
    rim = np.stack([r * np.cos(angle), r + r * np.sin(angle), np.full(21, 0.035)], -1)
    face = 0.9 * (rim - [0, r, 0]) * [1, 1, 0.7] + [0, r, 0]
    thing.grid(style.second_wood, np.stack([rim - [0, 0, 0.035], rim, face], 1), np.zeros((21, 3, 2)))
    centre = np.broadcast_to([0, r, 0.022], face.shape)
    points = np.stack([face, centre], 1)
    uv = np.stack([0.5 + points[..., 0] / (2 * r), 0.5 - (points[..., 1] - r) / (2 * r)], -1)
    thing.grid(Surface("clock face paper", (0.95, 0.94, 0.9), "clock", 1.0, int(rng.integers(50))), points, uv)
    thing.solids.append(np.array([[-r, 0, 0], [r, 2 * r, 0.035]]))
    return thing


def pinboard(rng: Generator, style: Style) -> Thing:
    """Build a cork board with notes; its origin lies at its lower edge."""
    thing = Thing("pinboard")
    w, h = rng.uniform(0.6, 1.0) / 2, rng.uniform(0.45, 0.65)
    thing.box(style.wood, (-w, 0, 0), (w, h, 0.018), skip="n")
    thing.box(
        Surface("cork wood", (0.72, 0.53, 0.34), "carpet", 0.4, 12),
        (-w + 0.02, 0.02, 0.01),
        (w - 0.02, h - 0.02, 0.021),
        skip="n",
    )
    for k in range(int(rng.integers(5, 11))):
        a, b = rng.uniform(0.06, 0.16, 2)
        x, y = rng.uniform(-w + 0.03, w - 0.03 - a), rng.uniform(0.03, h - 0.03 - b)
        z = 0.022 + 0.001 * k
        note = (
            Surface("note paper", tuple(rng.uniform(0.5, 0.98, 3)))
            if rng.random() < 0.6
            else Surface("poster paper", (0.6, 0.45, 0.35), "poster", 1.0, style.house.pictures + int(rng.integers(8)))
        )
        thing.box(note, (x, y, z), (x + a, y + b, z + 0.0008), skip="nwedu", fit="s")
    return thing


def rug(rng: Generator, style: Style, width: float, depth: float) -> Thing:
    """Build a rug with fringes on its short sides."""
    thing = Thing("rug")
    w = width / 2
    thing.box(style.rug, (-w, 0.0, 0.0), (w, 0.012, depth), skip="d", fit="u", step=0.35)
    fringe = Surface("wool rug fringe", (0.88, 0.84, 0.74))
    for x in np.linspace(0.04, depth - 0.04, max(6, int(depth / 0.09))):
        for a, b in ((-w - 0.05, -w), (w, w + 0.05)):
            thing.quad(fringe, (a, 0.004, x + 0.012), (b - a, 0, 0), (0, 0, -0.024))
    return thing


def vase(rng: Generator, style: Style) -> Thing:
    """Build a vase with dry stems."""
    thing = Thing("vase")
    h = rng.uniform(0.18, 0.32)
    body = Surface("glazed ceramic", tinted(style.tone, rng.uniform(0.6, 1.7)))
    thing.lathe(
        body,
        [(0.04, 0), (0.075, 0.3 * h), (0.06, 0.65 * h), (0.03, 0.85 * h), (0.04, h), (0.03, 0.95 * h)],
        (0, 0, 0.09),
        12,
    )
    for k in range(int(rng.integers(3, 7))):
        a = 2.4 * k
        tip = (0.09 * np.cos(a), h + rng.uniform(0.12, 0.3), 0.09 + 0.08 * np.sin(a))
        thing.rod(Surface("plant stem", (0.45, 0.4, 0.2)), (0, 0.8 * h, 0.09), tip, 0.004, 4)
        bloom = Surface("flower", tuple(np.clip(np.array(style.accent.color) * rng.uniform(0.8, 1.4), 0, 1)))
        thing.lathe(bloom, [(0.003, -0.03), (0.028, 0.0), (0.02, 0.03), (0.002, 0.04)], tip, 6)
    return thing


def candles(rng: Generator, style: Style) -> Thing:
    """Candles on a tray."""
    thing = Thing("candles")
    thing.cylinder(style.house.metal, (0, 0, 0.09), 0.09, 0.012, sides=12)
    for x in (-0.04, 0.04):
        thing.cylinder(Surface("wax plastic", tinted(style.tone, 1.6)), (x, 0.012, 0.09), 0.024, rng.uniform(0.06, 0.16), sides=8)
    return thing


def book_pile(rng: Generator, style: Style) -> Thing:
    """Build a pile of two to five books."""
    thing = Thing("books")
    y = 0.0
    for _ in range(int(rng.integers(2, 6))):
        w, d, h = rng.uniform(0.08, 0.12), rng.uniform(0.06, 0.08), rng.uniform(0.018, 0.04)
        x = rng.uniform(-0.015, 0.015)
        thing.box(
            Surface("book cover", tuple(rng.uniform(0.15, 0.85, 3))),
            (x - w, y, 0.09 - d),
            (x + w, y + h, 0.09 + d),
            skip="d",
        )
        y += h
    return thing


def bowl(rng: Generator, style: Style) -> Thing:
    """Build a wooden or ceramic bowl."""
    thing = Thing("bowl")
    surface = style.second_wood if rng.random() < 0.5 else Surface("glazed ceramic", tinted(style.tone, 1.2))
    thing.lathe(surface, [(0.05, 0), (0.06, 0.01), (0.13, 0.07), (0.12, 0.07), (0.05, 0.02), (0.002, 0.015)], (0, 0, 0.13), 14)
    return thing


def photo_frame(rng: Generator, style: Style) -> Thing:
    """Build a small standing picture."""
    thing = Thing("photo")
    w, h = 0.07, rng.uniform(0.12, 0.2)
    thing.box(style.second_wood, (-w, 0, 0.03), (w, h, 0.045))
    image = Surface("painting on canvas", (0.6, 0.45, 0.35), "painting", 1.0, style.house.pictures + int(rng.integers(8)))
    thing.box(image, (-w + 0.012, 0.012, 0.04), (w - 0.012, h - 0.012, 0.047), skip="nwedu", fit="s")
    return thing


def sculpture(rng: Generator, style: Style) -> Thing:
    """Build a turned abstract figure."""
    thing = Thing("sculpture")
    h = rng.uniform(0.2, 0.4)
    y = np.linspace(0, h, 9)
    r = 0.03 + 0.03 * rng.random(9)
    r[-1] = 0.004
    thing.lathe(
        Surface("stone figure", tinted(style.tone, rng.choice([0.5, 1.5]))),
        list(zip(r, y, strict=True)),
        (0, 0, 0.07),
        10,
    )
    return thing


def basket(rng: Generator, style: Style) -> Thing:
    """Build a low basket with a folded blanket."""
    thing = Thing("basket")
    r, h = rng.uniform(0.18, 0.25), rng.uniform(0.24, 0.34)
    thing.lathe(
        Surface("wicker wood", (0.72, 0.55, 0.34), "weave", 0.35, 21),
        [(0.85 * r, 0), (r, 0.7 * h), (0.95 * r, h)],
        (0, 0, r),
        14,
    )
    thing.cushion(
        Surface("wool blanket", style.accent.color, style.accent.family, 0.5, style.accent.variant),
        (-0.7 * r, 0.4 * h, 0.3 * r),
        (0.7 * r, h + 0.05, 1.7 * r),
        0.06,
    )
    return thing
