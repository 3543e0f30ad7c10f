"""Textures of floors, walls and boards."""

from __future__ import annotations

import numpy as np

from scenes.textures.noise import Generator, brushed, contrast, grid, mix, noise, paint, relief, shifted


def plaster(rng: Generator, color: np.ndarray, size: int) -> np.ndarray:
    """Draw trowelled plaster: strokes in relief, stains, a few cracks."""
    strokes = noise(rng, size, 1.3, (rng.uniform(0.5, 2.0), rng.uniform(0.5, 2.0)))
    tone = relief(np.tanh(1.5 * strokes), rng.uniform(0.025, 0.06)) * brushed(rng, size, rng.uniform(0.045, 0.08))
    crack = np.abs(noise(rng, size, 1.8)) < 0.012
    return mix(paint(color, tone), paint(color, 0.8 * tone), crack * (rng.random() < 0.5))


def paint_strokes(rng: Generator, color: np.ndarray, size: int) -> np.ndarray:
    """Draw lime wash: clouds of two near colours."""
    cloud = 0.5 + 0.35 * noise(rng, size, 1.5, (1.4, 0.8))
    second = shifted(color, rng, 0.02, 0.06, 0.09)
    return mix(paint(color, brushed(rng, size, 0.03)), paint(second, brushed(rng, size, 0.03)), cloud)


def wallpaper(rng: Generator, color: np.ndarray, size: int) -> np.ndarray:
    """Draw stripes, lozenges, flowers or leaves on paper."""
    v, u = grid(size)
    kind, n = rng.integers(4), int(rng.integers(3, 6))
    if kind == 0:
        phase = 2 * np.pi * n * u
        figure = np.clip(4 * (np.sin(phase) - rng.uniform(-0.3, 0.6)), 0, 1) + 0.6 * (np.abs(np.cos(phase)) < 0.08)
    elif kind == 1:
        a, b = np.abs(np.sin(np.pi * n * (u + v))), np.abs(np.sin(np.pi * n * (u - v)))
        figure = np.clip(8 * (0.25 - np.minimum(a, b)), 0, 1) + np.clip(9 * (a + b - 1.75), 0, 1)
    else:
        figure = np.zeros((size, size))
        for _ in range(int(rng.integers(9, 20))):
            figure = np.maximum(figure, _flower(u - rng.random(), v - rng.random(), rng, leafy=kind == 3))
    base = paint(color, brushed(rng, size, 0.025))
    second = paint(shifted(contrast(color, rng.uniform(0.25, 0.5)), rng, 0.06), brushed(rng, size, 0.04))
    return mix(base, second, 0.85 * figure)


def brick(rng: Generator, color: np.ndarray, size: int) -> np.ndarray:
    """Draw bricks in running bond with mortar."""
    tone, seam, edge = _blocks(rng, size, rows=12, columns=4, joint=0.11, spread=0.13, shift=True)
    face = paint(color, tone * (1 + 0.08 * noise(rng, size, 0.7) - 0.15 * edge))
    return mix(face, paint(np.array([0.72, 0.7, 0.66]), 1 + 0.06 * noise(rng, size, 0.3)), seam)


def tile(rng: Generator, color: np.ndarray, size: int) -> np.ndarray:
    """Draw glazed tiles: plain, two-coloured or with a figure, with grout."""
    n = int(rng.integers(4, 8))
    rows, shift = (n * 2, True) if rng.random() < 0.35 else (n, False)
    tone, seam, edge = _blocks(rng, size, rows, n, joint=0.06, spread=0.045, shift=shift)
    v, u = grid(size)
    cell = (np.floor(v * rows) + np.floor(u * n)).astype(int)
    second = shifted(contrast(color, rng.uniform(0.15, 0.5)), rng, 0.05)
    share: np.ndarray = np.zeros((size, size))
    style = rng.integers(4)
    if style == 1:
        share = (cell % 2 == 0) * 1.0
    elif style == 2 and not shift:
        a, b = np.abs(v * rows % 1 - 0.5), np.abs(u * n % 1 - 0.5)
        share = 1.0 * ((a + b < 0.3) ^ (np.hypot(a - 0.5, b - 0.5) < 0.28))
    elif style == 3:
        share = (rng.random((rows, n)) < 0.25)[(v * rows).astype(int), (u * n).astype(int)] * 1.0
    face = mix(color, second, share) * (tone * (1 + 0.02 * noise(rng, size, 1.3) - 0.08 * edge))[..., None]
    return mix(face, np.full(3, 0.8), seam)


def parquet(rng: Generator, color: np.ndarray, size: int) -> np.ndarray:
    """Draw floor boards, or herringbone, with grain along each board."""
    v, u = grid(size)
    grain = 0.07 * noise(rng, size, 1.1, (0.5, 7.0)) + 0.04 * noise(rng, size, 0.7, (0.4, 9.0))
    if rng.random() < 0.4:
        n = 8
        a, b = u * n, v * n
        across = (np.floor(a) + np.floor(b)) % 2 == 0
        strip = np.where(across, np.floor(b * 3), np.floor(a * 3)).astype(int)
        block = (np.floor(a) * 7 + np.floor(b) * 13).astype(int)
        tone = (1 + 0.11 * rng.standard_normal(512))[(strip * 5 + block) % 512]
        within = np.where(across, b * 3 % 1, a * 3 % 1)
        seam = (within < 0.09) | (a % 1 < 0.03) | (b % 1 < 0.03)
        grain = np.where(across, grain, grain.T)
    else:
        tone, seam, _ = _blocks(rng, size, rows=10, columns=1, joint=0.05, spread=0.11, shift=True)
    return mix(paint(color, tone + grain), color * 0.35, 0.8 * seam)


def wood(rng: Generator, color: np.ndarray, size: int) -> np.ndarray:
    """Draw grain of a sawn board, along u."""
    warp = noise(rng, size, 2.0, (0.45, 4.0))
    rings = np.sin(9 * warp + 2.5 * noise(rng, size, 2.0, (0.6, 2.0)))
    fibre = noise(rng, size, 0.6, (0.4, 9.0))
    return mix(paint(color, 1 + 0.05 * fibre), paint(color * np.array([0.68, 0.6, 0.5]), 1 + 0.05 * fibre), 0.42 + 0.3 * rings)


def panelling(rng: Generator, color: np.ndarray, size: int) -> np.ndarray:
    """Draw upright boards with grooves."""
    n = int(rng.integers(6, 11))
    _, u = grid(size)
    board = (u * n).astype(int) % n
    tone = (1 + 0.07 * rng.standard_normal(n))[board] + 0.06 * noise(rng, size, 1.0, (7.0, 0.4))
    groove = np.abs(u * n % 1 - 0.5) > 0.45
    return mix(paint(color, tone), color * 0.4, 0.8 * groove)


def marble(rng: Generator, color: np.ndarray, size: int) -> np.ndarray:
    """Draw veined stone slabs."""
    vein = np.abs(noise(rng, size, 1.7) + 0.3 * noise(rng, size, 1.0))
    light = color + (1 - color) * 0.6
    slab = mix(light * 0.5, light, np.minimum(1, 0.35 + 2.2 * vein)) * brushed(rng, size, 0.03)[..., None]
    n = int(rng.integers(2, 4))
    tone, seam, _ = _blocks(rng, size, n, n, joint=0.02, spread=0.05, shift=False)
    return mix(slab * tone[..., None], light * 0.5, 0.7 * seam)


def concrete(rng: Generator, color: np.ndarray, size: int) -> np.ndarray:
    """Draw cast concrete with pores and formwork joints."""
    grey = color.mean() * np.array([1.0, 0.99, 0.97])
    v, u = grid(size)
    pores = noise(rng, size, 0.4) > 2.4
    joint = (v < 0.008) | (u < 0.008)
    hole = sum(np.hypot(u - a, v - b) < 0.012 for a in (0.12, 0.88) for b in (0.2, 0.8)) > 0
    return mix(paint(grey, brushed(rng, size, 0.07)), grey * 0.5, 0.6 * pores + 0.8 * joint + hole)


def panel(rng: Generator, color: np.ndarray, size: int) -> np.ndarray:
    """Draw sound-absorbing wedges of foam, or felt squares in several tones."""
    v, u = grid(size)
    n = int(rng.integers(3, 6))
    if rng.random() < 0.5:
        a, b = u * n % 1, v * n % 1
        turned = (np.floor(u * n) + np.floor(v * n)) % 2 == 0
        ridge = np.abs(np.where(turned, a, b) * 4 % 1 - 0.5) * 2
        return paint(color, (0.55 + 0.5 * ridge) * brushed(rng, size, 0.06))
    tone, seam, edge = _blocks(rng, size, n, n, joint=0.05, spread=0.2, shift=False)
    return mix(paint(color, tone * brushed(rng, size, 0.06) - 0.1 * edge), color * 0.3, seam)


def ceiling(rng: Generator, color: np.ndarray, size: int) -> np.ndarray:
    """Draw stippled paint."""
    return paint(color, relief(noise(rng, size, 0.6), 0.02) * brushed(rng, size, 0.02))


def metal(rng: Generator, color: np.ndarray, size: int) -> np.ndarray:
    """Draw brushed metal, along u."""
    return paint(color, 1 + 0.06 * noise(rng, size, 0.6, (0.3, 8.0)))


def _flower(u: np.ndarray, v: np.ndarray, rng: Generator, leafy: bool) -> np.ndarray:
    """Draw one flower or leaf into wrapped offsets from its middle."""
    u, v = (u + 0.5) % 1 - 0.5, (v + 0.5) % 1 - 0.5
    turn, size = rng.uniform(0, 2 * np.pi), rng.uniform(0.06, 0.14)
    a, b = u * np.cos(turn) + v * np.sin(turn), v * np.cos(turn) - u * np.sin(turn)
    if leafy:
        leaf = (a / (1.7 * size)) ** 2 + (b / (0.45 * size * (1 - 0.5 * a / size))) ** 2 < 1
        return leaf * (1.0 - 0.6 * (np.abs(b) < 0.06 * size))
    angle, radius = np.arctan2(b, a), np.hypot(a, b)
    petals = radius < size * (0.6 + 0.4 * np.cos(rng.integers(4, 8) * angle))
    return np.where(radius < 0.25 * size, 0.35, 1.0 * petals)


def _blocks(
    rng: Generator, size: int, rows: int, columns: int, joint: float, spread: float, shift: bool
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Lay blocks: the tone of each, the joints between (share 0..1), and a dark lower edge; joint in block heights."""
    v, u = grid(size)
    row = np.floor(v * rows).astype(int)
    offset = (np.arange(rows) % 2 * 0.5 if columns > 1 else rng.random(rows)) if shift else np.zeros(rows)
    moved = (u * columns + offset[row]) % columns
    column = np.floor(moved).astype(int) % columns
    tone = (1 + spread * rng.standard_normal((rows, columns)))[row, column]
    b, a = v * rows % 1, moved % 1 * rows / columns
    near = np.minimum(np.minimum(b, 1 - b), np.minimum(a, rows / columns - a))
    seam = np.clip((joint - near) / joint * 2, 0, 1)
    return tone, seam, ((b > 1 - 2.5 * joint) | (a < 2 * joint)) * 1.0


COVERINGS = {
    "plaster": (plaster, 192), "paint strokes": (paint_strokes, 192), "wallpaper": (wallpaper, 192),
    "brick": (brick, 192),
    "tile": (tile, 160), "parquet": (parquet, 192), "wood": (wood, 128), "panelling": (panelling, 160),
    "marble": (marble, 192), "concrete": (concrete, 192), "panel": (panel, 128), "ceiling": (ceiling, 96),
    "metal": (metal, 64),
}  # fmt: skip
