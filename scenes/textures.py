"""Procedural, tileable pictures of surfaces, drawn from a generator and a colour."""

from __future__ import annotations

import colorsys
from collections.abc import Callable

import numpy as np

SIZE = 192
Generator = np.random.Generator
Color = tuple[float, float, float]
"""sRGB, 0..1."""


def noise(rng: Generator, roughness: float, stretch: tuple[float, float] = (1.0, 1.0), size: int = SIZE) -> np.ndarray:
    """Make tileable noise (size, size) with mean 0 and deviation 1, whose spectrum falls as frequency^-roughness.

    stretch: above 1 draws the grain out along the rows' (first) or columns' (second) direction.
    """
    fy, fx = np.meshgrid(np.fft.fftfreq(size) * size, np.fft.rfftfreq(size) * size, indexing="ij")
    frequency = np.hypot(fy * stretch[0], fx * stretch[1])
    frequency[0, 0] = np.inf
    spectrum = np.fft.rfft2(rng.standard_normal((size, size))) * frequency**-roughness
    field = np.fft.irfft2(spectrum, (size, size))
    return (field - field.mean()) / field.std()


def harmony(rng: Generator) -> dict[str, Color]:
    """Draw the colours of a room: wall, floor, main and accent, from two hues that go together."""
    hue = rng.random()
    other = (hue + rng.choice([0.08, 0.42, 0.5, 0.58])) % 1.0
    return {
        "wall": colorsys.hsv_to_rgb(hue, rng.uniform(0.04, 0.35), rng.uniform(0.75, 0.95)),
        "floor": colorsys.hsv_to_rgb(rng.uniform(0.05, 0.11), rng.uniform(0.3, 0.6), rng.uniform(0.4, 0.8)),
        "main": colorsys.hsv_to_rgb(hue, rng.uniform(0.3, 0.7), rng.uniform(0.35, 0.8)),
        "accent": colorsys.hsv_to_rgb(other, rng.uniform(0.5, 0.9), rng.uniform(0.5, 0.9)),
        "wood": colorsys.hsv_to_rgb(rng.uniform(0.04, 0.1), rng.uniform(0.35, 0.65), rng.uniform(0.35, 0.8)),
    }


def plaster(rng: Generator, color: Color) -> np.ndarray:
    """Rolled paint with stains and fine grain."""
    tone = 1 + 0.05 * noise(rng, 1.6) + 0.035 * noise(rng, 0.2)
    return _paint(color, tone)


def wallpaper(rng: Generator, color: Color) -> np.ndarray:
    """Stripes, diamonds or flowers on paper."""
    y, x = _grid()
    kind, n = rng.integers(3), int(rng.integers(3, 6))
    if kind == 0:
        figure = (np.sin(2 * np.pi * n * x) > rng.uniform(-0.3, 0.6)).astype(float)
    elif kind == 1:
        figure = (np.abs(np.sin(np.pi * n * (x + y))) + np.abs(np.sin(np.pi * n * (x - y))) < 0.7).astype(float)
    else:
        u, v = (n * x) % 1 - 0.5, (n * y + 0.5 * (np.floor(n * x) % 2)) % 1 - 0.5
        angle, radius = np.arctan2(v, u), np.hypot(u, v)
        figure = (radius < 0.2 + 0.13 * np.cos(rng.integers(4, 8) * angle)).astype(float)
    tone = 1 + 0.03 * noise(rng, 1.0)
    return _mix(_paint(color, tone), _paint(_darker(color, rng.uniform(0.45, 0.75)), tone), figure)


def brick(rng: Generator, color: Color) -> np.ndarray:
    """Bricks in running bond with mortar."""
    return _blocks(rng, color, rows=8, columns=4, joint=0.08, spread=0.16, shift=True, grout=(0.75, 0.73, 0.7))


def tile(rng: Generator, color: Color) -> np.ndarray:
    """Square tiles with grout, some of them in a darker colour."""
    n = int(rng.integers(3, 6))
    return _blocks(rng, color, rows=n, columns=n, joint=0.05, spread=0.08, shift=False, grout=(0.85, 0.85, 0.83))


def parquet(rng: Generator, color: Color) -> np.ndarray:
    """Boards with grain, laid with shifted joints."""
    boards = _blocks(rng, color, rows=8, columns=2, joint=0.025, spread=0.15, shift=True, grout=(0.2, 0.13, 0.08))
    grain = 1 + 0.07 * noise(rng, 1.2, (6.0, 0.6))
    return np.clip(boards * grain[..., None], 0, 1)


def wood(rng: Generator, color: Color) -> np.ndarray:
    """Grain of a sawn board."""
    warp = noise(rng, 2.2, (3.0, 0.5))
    rings = np.sin(9 * warp + 5 * noise(rng, 2.0))
    return _paint(color, 1 + 0.12 * rings + 0.06 * noise(rng, 0.8, (8.0, 0.5)))


def marble(rng: Generator, color: Color) -> np.ndarray:
    """Veins in polished stone."""
    vein = np.abs(np.sin(3.0 * noise(rng, 1.9)))
    return _paint(_lighter(color, 0.7), 0.72 + 0.3 * np.minimum(1, 2.5 * vein))


def carpet(rng: Generator, color: Color) -> np.ndarray:
    """Pile with large worn patches."""
    return _paint(color, 1 + 0.16 * noise(rng, 0.1) + 0.07 * noise(rng, 1.8))


def rug(rng: Generator, color: Color) -> np.ndarray:
    """A woven pattern with a border; meant to cover its object once."""
    y, x = _grid()
    edge = np.minimum(np.minimum(x, 1 - x), np.minimum(y, 1 - y))
    bands = np.sin(2 * np.pi * rng.integers(4, 9) * np.abs(x - 0.5)) * np.sin(2 * np.pi * rng.integers(4, 9) * np.abs(y - 0.5))
    figure = np.where(edge < 0.09, (edge % 0.045 < 0.02) * 1.0, (bands > rng.uniform(-0.3, 0.3)) * 1.0)
    weave = 1 + 0.12 * noise(rng, 0.1)
    second = _paint(_darker(color, 0.4), weave)
    return _mix(_paint(color, weave), second, figure)


def fabric(rng: Generator, color: Color) -> np.ndarray:
    """A weave: plain, striped or checked."""
    y, x = _grid()
    threads = 0.06 * (np.sin(2 * np.pi * 48 * x) + np.sin(2 * np.pi * 48 * y))
    kind, n = rng.integers(3), int(rng.integers(2, 7))
    figure = [np.zeros_like(x), np.sin(2 * np.pi * n * x) > 0.4, (np.sin(2 * np.pi * n * x) > 0) ^ (np.sin(2 * np.pi * n * y) > 0)][kind]
    tone = 1 + threads + 0.06 * noise(rng, 0.8)
    return _mix(_paint(color, tone), _paint(_lighter(color, 0.5), tone), 0.7 * figure)


def books(rng: Generator, color: Color) -> np.ndarray:
    """A shelf full of spines with titles."""
    picture = np.full((SIZE, SIZE, 3), 0.08)
    at = 0
    while at < SIZE:
        width = int(rng.integers(5, 15))
        top = int(rng.integers(0, SIZE // 5))
        spine = np.array(colorsys.hsv_to_rgb(rng.random(), rng.uniform(0.2, 0.9), rng.uniform(0.2, 0.85)))
        picture[top:, at : at + width - 1] = spine
        label = int(rng.integers(top + 10, SIZE - 50))
        picture[label : label + int(rng.integers(8, 40)), at + 1 : at + max(2, width - 2)] = np.clip(1.2 - spine, 0, 1)
        at += width
    return picture


def painting(rng: Generator, color: Color) -> np.ndarray:
    """A framed picture: landscape, shapes or strokes; covers its object once."""
    y, x = _grid()
    colors = [np.array(colorsys.hsv_to_rgb(rng.random(), rng.uniform(0.3, 0.9), rng.uniform(0.3, 0.95))) for _ in range(6)]
    picture = colors[0] * (1 - y[..., None]) + colors[1] * y[..., None]
    for k in range(int(rng.integers(4, 9))):
        cx, cy, rx, ry = rng.random(), rng.random(), rng.uniform(0.06, 0.3), rng.uniform(0.06, 0.3)
        inside = [np.hypot((x - cx) / rx, (y - cy) / ry) < 1, (np.abs(x - cx) < rx) & (np.abs(y - cy) < ry), y > cy + 0.1 * np.sin(9 * x + k)][k % 3]
        picture = np.where(inside[..., None] & (k % 3 < 2 or cy > 0.5), 0.25 * picture + 0.75 * colors[k % 6], picture)
    picture = picture * (1 + 0.08 * noise(rng, 0.7))[..., None]
    edge = np.minimum(np.minimum(x, 1 - x), np.minimum(y, 1 - y)) < 0.05
    return np.clip(np.where(edge[..., None], np.array(_darker(color, 0.4)), picture), 0, 1)


def foliage(rng: Generator, color: Color) -> np.ndarray:
    """Overlapping leaves."""
    picture = np.full((SIZE, SIZE, 3), (0.05, 0.12, 0.04))
    y, x = np.mgrid[0:SIZE, 0:SIZE]
    for _ in range(260):
        cx, cy, turn, length = rng.uniform(0, SIZE), rng.uniform(0, SIZE), rng.uniform(0, np.pi), rng.uniform(6, 16)
        dx, dy = (x - cx + SIZE / 2) % SIZE - SIZE / 2, (y - cy + SIZE / 2) % SIZE - SIZE / 2
        u, v = dx * np.cos(turn) + dy * np.sin(turn), -dx * np.sin(turn) + dy * np.cos(turn)
        leaf = (u / length) ** 2 + (v / (0.35 * length)) ** 2 < 1
        green = colorsys.hsv_to_rgb(rng.uniform(0.22, 0.36), rng.uniform(0.4, 0.8), rng.uniform(0.25, 0.65))
        picture[leaf] = np.array(green) * (0.7 + 0.3 * (v[leaf] > 0))[:, None]
    return picture


def skyline(rng: Generator, color: Color) -> np.ndarray:
    """What lies outside: sky, hills and houses."""
    y, x = _grid()
    picture = np.stack([0.55 + 0.35 * y, 0.7 + 0.25 * y, 0.95 + 0 * y], -1) + 0.05 * noise(rng, 2.0)[..., None]
    ridge = 0.5 + 0.06 * np.sin(2 * np.pi * (x + rng.random())) + 0.03 * np.sin(2 * np.pi * 3 * (x + rng.random()))
    picture = np.where((y > ridge)[..., None], np.array([0.35, 0.5, 0.3]) + 0.06 * noise(rng, 1.0)[..., None], picture)
    for _ in range(7):
        left, width, top = rng.random() * 0.9, rng.uniform(0.06, 0.16), rng.uniform(0.3, 0.6)
        house = (x > left) & (x < left + width) & (y > top)
        panes = ((x - left) * 60 % 2 > 1.1) & ((y - top) * 40 % 2 > 1.2)
        wall = np.array(colorsys.hsv_to_rgb(rng.random(), 0.3, rng.uniform(0.4, 0.8)))
        picture = np.where(house[..., None], np.where(panes[..., None], 0.2, wall), picture)
    return np.clip(picture, 0, 1)


def metal(rng: Generator, color: Color) -> np.ndarray:
    """Brushed metal."""
    return _paint((0.7, 0.71, 0.73), 1 + 0.06 * noise(rng, 0.6, (0.3, 8.0)))


def ceramic(rng: Generator, color: Color) -> np.ndarray:
    """Glazed white."""
    return _paint((0.93, 0.93, 0.91), 1 + 0.015 * noise(rng, 1.5))


def screen(rng: Generator, color: Color) -> np.ndarray:
    """A dark display with a reflection."""
    y, x = _grid()
    return np.repeat((0.06 + 0.12 * np.clip(x + y - 0.9, 0, 1))[..., None], 3, -1) * np.array([0.9, 1.0, 1.1])


FAMILIES: dict[str, Callable[[Generator, Color], np.ndarray]] = {
    f.__name__: f
    for f in (plaster, wallpaper, brick, tile, parquet, wood, marble, carpet, rug, fabric, books, painting, foliage, skyline, metal, ceramic, screen)
}  # fmt: skip


def _grid() -> tuple[np.ndarray, np.ndarray]:
    axis = (np.arange(SIZE) + 0.5) / SIZE
    y, x = np.meshgrid(axis, axis, indexing="ij")
    return y, x


def _blocks(
    rng: Generator, color: Color, rows: int, columns: int, joint: float, spread: float, shift: bool, grout: Color
) -> np.ndarray:
    """Lay blocks of varied tone with joints between; joint is a share of a block's height."""
    y, x = _grid()
    row = np.floor(y * rows).astype(int)
    moved = x * columns + (0.5 * (row % 2) if shift else 0.0)
    column = np.floor(moved).astype(int) % columns
    tone = 1 + spread * rng.standard_normal((rows, columns))
    if not shift and rng.random() < 0.5:
        tone[(np.arange(rows)[:, None] + np.arange(columns)) % 2 == 0] *= 0.6
    face = _paint(color, tone[row, column] + 0.04 * noise(rng, 0.8))
    v, u = y * rows % 1, moved % 1 * rows / columns
    seam = (np.minimum(v, 1 - v) < joint / 2) | (np.minimum(u, rows / columns - u) < joint / 2)
    return np.where(seam[..., None], np.array(grout), face)


def _paint(color: Color, tone: np.ndarray) -> np.ndarray:
    return np.clip(np.array(color) * tone[..., None], 0, 1)


def _mix(first: np.ndarray, second: np.ndarray, share: np.ndarray) -> np.ndarray:
    return first + (second - first) * share[..., None]


def _darker(color: Color, share: float) -> Color:
    return color[0] * share, color[1] * share, color[2] * share


def _lighter(color: Color, share: float) -> Color:
    return tuple(c + (1 - c) * share for c in color)  # type: ignore[return-value]
