"""The materials of a room: colours that go together, hard or soft surfaces, and furniture."""

from __future__ import annotations

import colorsys
from dataclasses import dataclass, replace

import numpy as np

from scenes.surface import Color, Surface, tinted

Generator = np.random.Generator

HARD = 0.16
"""Softness below which an apartment is a loft of concrete, stone and metal."""


@dataclass(frozen=True)
class House:
    """What all rooms of an apartment share."""

    softness: float
    """0 (stone, tiles, bare walls) to 1 (carpets, curtains, acoustic panels)."""
    hue: float
    woods: tuple[Surface, ...]
    boards: tuple[Surface, ...]
    """Wood of floors and panelling."""
    trim: Surface
    """Skirting, door frames, window frames."""
    door: Surface
    metal: Surface
    books: tuple[Surface, ...]
    pictures: int
    """Seed of the first of the eight pictures and eight posters that the apartment draws from."""


@dataclass(frozen=True)
class Style:
    """The materials of one room."""

    room: str
    softness: float
    walls: tuple[tuple[Surface, Surface, float], ...]
    """For each wall: the upper surface, the lower one, and the height of the line between them (0 for none), m."""
    floor: Surface
    ceiling: Surface
    wood: Surface
    second_wood: Surface
    fabric: Surface
    accent: Surface
    """A cloth of the second hue: cushions, blankets."""
    curtain: Surface
    rug: Surface
    tone: Color
    """The room's strong colour, for small things."""
    house: House


def draw_house(rng: Generator, softness: float | None = None) -> House:
    """Draw what all rooms share."""
    woods = tuple(
        Surface(f"{name} wood", _hsv(rng, hue, saturation, value), "wood", 0.9, int(rng.integers(1000)))
        for name, hue, saturation, value in (
            ("oak", (0.07, 0.1), (0.35, 0.55), (0.6, 0.8)), ("walnut", (0.04, 0.07), (0.5, 0.65), (0.3, 0.48)),
            ("pine", (0.09, 0.12), (0.25, 0.45), (0.75, 0.92)), ("cherry", (0.02, 0.05), (0.5, 0.65), (0.5, 0.65)),
        )
    )  # fmt: skip
    doors, chosen = woods, rng.permutation(4)[:2]
    softness = float(rng.beta(0.7, 0.8)) if softness is None else softness
    if softness < HARD:
        # A loft: lacquered metal instead of wood.
        woods = tuple(Surface("lacquered metal", _hsv(rng, (0, 1), (0.0, 0.14), (0.15, 0.75)), "metal", 0.8, k) for k in range(4))
    light = (0.93, 0.92, 0.89)
    trim = Surface("painted wood trim", light) if softness < HARD or rng.random() < 0.65 else woods[chosen[0]]
    kind = rng.integers(3)
    door = (
        Surface("painted wood door", light)
        if kind == 0
        else Surface("wooden door", doors[chosen[kind - 1]].color, "wood", 1.4, 7)
    )
    return House(
        softness=softness,
        hue=_hue(rng),
        woods=tuple(woods[k] for k in chosen),
        boards=tuple(doors[k] for k in chosen),
        trim=trim,
        door=door,
        metal=Surface("brushed steel", (0.66, 0.67, 0.69), "metal", 0.5),
        books=tuple(Surface("books", (0.5, 0.4, 0.3), "books", 1.0, int(rng.integers(1000))) for _ in range(2)),
        pictures=_seed(rng),
    )


def draw_style(room: str, kind: str, walls: int, house: House, rng: Generator) -> Style:
    """Draw the materials of a room with a number of walls."""
    softness = float(np.clip(house.softness + rng.normal(0, 0.15), 0, 1))
    hue = house.hue if rng.random() < 0.3 else _hue(rng)
    other = (hue + rng.choice([0.1, 0.42, 0.5, 0.6])) % 1 if rng.random() < 0.5 else _hue(rng)
    tone = colorsys.hsv_to_rgb(hue, rng.uniform(0.15, 0.6), rng.uniform(0.3, 0.75))
    second = colorsys.hsv_to_rgb(other, rng.uniform(0.2, 0.7), rng.uniform(0.4, 0.85))
    woods = list(house.woods)
    rng.shuffle(woods)
    cloth = Surface("upholstery fabric", tone, str(rng.choice(["weave", "weave", "stripes", "checks"])), 0.45, _seed(rng))
    if softness < 0.3 or rng.random() < 0.15:
        cloth = Surface("leather upholstery", _hsv(rng, (0.02, 0.08), (0.4, 0.6), (0.25, 0.55)), "plaster", 0.5, _seed(rng))
    return Style(
        room=room,
        softness=softness,
        walls=_wall_surfaces(kind, walls, hue, softness, house, rng),
        floor=_floor(kind, hue, softness, house, rng),
        ceiling=_ceiling(kind, softness, house, rng),
        wood=woods[0],
        second_wood=woods[1],
        fabric=cloth,
        accent=Surface("cushion cloth", second, _cloth(rng), 0.4, _seed(rng)),
        curtain=Surface("curtain cloth", (second, tinted(tone, 1.4))[rng.integers(2)], _cloth(rng), 0.7, _seed(rng)),
        rug=Surface("wool rug", second if rng.random() < 0.6 else tone, "rug", 1.0, _seed(rng)),
        tone=second,
        house=house,
    )  # fmt: skip


def _wall_surfaces(
    kind: str, count: int, hue: float, softness: float, house: House, rng: Generator
) -> tuple[tuple[Surface, Surface, float], ...]:
    paint = _hsv(rng, (hue, hue), (0.02, rng.choice([0.1, 0.16, 0.24])), (0.78, 0.95))
    base = Surface(
        "plaster wall",
        paint,
        str(rng.choice(["plaster", "plaster", "paint strokes"])),
        rng.uniform(2.0, 3.1),
        _seed(rng),
    )
    accent = _accent(kind, hue, softness, house, rng)
    covered = {"living room": 1, "bathroom": 4, "bedroom": 2, "study": 2}.get(kind, 1)
    if accent.name == "acoustic_panel":
        covered = count
    order = rng.permutation(count)
    line = float(rng.uniform(0.9, 1.3)) if rng.random() < 0.3 else 0.0
    if kind == "bathroom":
        line, base = float(rng.choice([1.4, 2.0, 9.0])), base
        return tuple((base, accent, line) for _ in range(count))
    chosen = {int(k) for k in order[:covered]} if rng.random() < 0.85 or accent.name == "acoustic_panel" else set()
    # Where all walls have panels, each wall has its own tone and panel size, so that headings can be told apart.
    own = [accent] * count
    if accent.name == "acoustic_panel":
        own = [
            replace(
                accent,
                color=tinted(accent.color, (0.7, 1.0, 1.35, 0.85)[k % 4]),
                tile_m=accent.tile_m * (0.8 + 0.15 * k),
            )
            for k in range(count)
        ]
    lower = Surface("painted plaster dado", tinted(paint, 0.6), base.family, 1.7, _seed(rng))
    if rng.random() < 0.4 and softness > 0.3:
        lower = Surface("wooden panelling", house.boards[0].color, "panelling", 1.1, _seed(rng))
    return tuple((own[k], own[k], 0.0) if k in chosen else (base, lower, line) for k in range(count))


def _accent(kind: str, hue: float, softness: float, house: House, rng: Generator) -> Surface:
    """Draw the covering of the walls that differ from the rest."""
    color = _hsv(rng, (hue - 0.03, hue + 0.03), (0.12, 0.45), (0.45, 0.88))
    seed = _seed(rng)
    if kind == "bathroom":
        return Surface("ceramic tile", _hsv(rng, (hue, hue), (0.05, 0.5), (0.6, 0.95)), "tile", rng.uniform(0.9, 1.5), seed)
    if softness > 0.8 and kind in ("living room", "study", "bedroom"):
        return Surface("acoustic_panel", color, "panel", rng.uniform(1.2, 1.8), seed)
    kinds = ["wallpaper", "wallpaper", "wallpaper", "brick", "panelling", "concrete", "paint strokes"]
    if softness < 0.3:
        kinds = ["brick", "concrete", "wallpaper", "paint strokes"]
    family = str(kinds[rng.integers(len(kinds))])
    name = {
        "wallpaper": "wallpaper on plaster", "brick": "brick wall", "panelling": "wooden panelling",
        "concrete": "concrete wall", "paint strokes": "painted plaster wall",
    }[family]  # fmt: skip
    if family == "brick":
        color = _hsv(rng, (0.01, 0.07), (0.15, 0.6), (0.5, 0.85))
    if family == "panelling":
        color = house.boards[1].color
    if family == "concrete":
        color = (0.62, 0.62, 0.62)
    return Surface(name, color, family, rng.uniform(1.1, 1.6), seed)


def _floor(kind: str, hue: float, softness: float, house: House, rng: Generator) -> Surface:
    seed = _seed(rng)
    if kind in ("bathroom", "kitchen") or (kind in ("hall", "corridor") and softness < 0.6):
        color = _hsv(rng, (hue, hue + 0.1), (0.05, 0.35), (0.45, 0.9))
        if rng.random() < 0.7:
            return Surface("ceramic floor tile", color, "tile", rng.uniform(1.2, 1.9), seed)
        return Surface("marble floor", color, "marble", rng.uniform(1.5, 2.2), seed)
    color = _hsv(rng, (hue - 0.05, hue + 0.05), (0.08, 0.4), (0.35, 0.7))
    if softness > 0.75:
        return Surface("thick carpet", color, "carpet", 1.6, seed)
    if softness > 0.6:
        return Surface("carpet", color, "carpet", 1.3, seed)
    if softness < HARD:
        return Surface("marble floor", color, "marble", 2.0, seed)
    if softness < 0.25:
        return Surface("concrete floor", (0.55, 0.55, 0.55), "concrete", 2.4, seed)
    return Surface("parquet", house.boards[rng.integers(2)].color, "parquet", rng.uniform(1.2, 1.9), seed)


def _ceiling(kind: str, softness: float, house: House, rng: Generator) -> Surface:
    if softness > 0.9 and kind in ("living room", "study", "bedroom"):
        return Surface("acoustic_ceiling", (0.9, 0.9, 0.88), "panel", 1.6, _seed(rng))
    if softness < 0.3:
        # Bare, painted concrete: almost nothing absorbs in a hard room.
        return Surface("concrete ceiling", (0.9, 0.9, 0.88), "ceiling", 1.5, 3)
    if rng.random() < 0.12:
        return Surface("wooden ceiling panelling", house.boards[0].color, "panelling", 1.2, _seed(rng))
    return Surface("ceiling plaster", (0.95, 0.95, 0.93), "ceiling", 1.5, 3)


def _hue(rng: Generator) -> float:
    """Draw a hue with the frequencies of homes: earth, ochre, leaf, water; rarely violet."""
    middle = rng.choice([0.03, 0.07, 0.1, 0.13, 0.22, 0.33, 0.42, 0.52, 0.58, 0.62, 0.78, 0.96])
    return float((middle + 0.02 * rng.standard_normal()) % 1)


def _cloth(rng: Generator) -> str:
    return str(rng.choice(["dots", "stripes", "checks", "weave"]))


def _hsv(rng: Generator, hue: tuple[float, float], saturation: tuple[float, float], value: tuple[float, float]) -> Color:
    return colorsys.hsv_to_rgb(rng.uniform(*hue) % 1, rng.uniform(*saturation), rng.uniform(*value))


def _seed(rng: Generator) -> int:
    return int(rng.integers(1_000_000))
