"""Textures of cloth, carpets and leaves."""

from __future__ import annotations

import colorsys

import numpy as np

from scenes.textures.noise import Generator, brushed, contrast, grid, mix, noise, paint, relief, shifted


def weave(rng: Generator, color: np.ndarray, size: int) -> np.ndarray:
    """Draw upholstery: coarse threads in two near tones."""
    v, u = grid(size)
    n = int(rng.integers(20, 34))
    over = (np.floor(u * n) + np.floor(v * n)) % 2 == 0
    thread = np.where(over, np.abs(np.sin(np.pi * n * v)), np.abs(np.sin(np.pi * n * u)))
    fleck = np.where(noise(rng, size, 0.3) > 0.9, rng.uniform(0.75, 1.3), 1.0)
    return paint(color, (0.8 + 0.25 * thread) * fleck * brushed(rng, size, 0.07))


def stripes(rng: Generator, color: np.ndarray, size: int) -> np.ndarray:
    """Draw stripes of several widths, along v."""
    edges = np.sort(rng.random(int(rng.integers(5, 12))))
    _, u = grid(size)
    band = np.searchsorted(edges, u) % len(edges)
    tones = np.array([shifted(contrast(color, rng.choice([0.0, 0.15, 0.45])), rng, 0.05) for _ in edges])
    return tones[band] * brushed(rng, size, 0.05)[..., None]


def checks(rng: Generator, color: np.ndarray, size: int) -> np.ndarray:
    """Draw tartan: bands of both directions laid over one another."""
    v, u = grid(size)
    n = int(rng.integers(2, 5))
    a, b = ((np.abs(x * n % 1 - 0.5) < 0.22) * 0.5 + (np.abs(x * n % 1 - 0.5) < 0.03) * 0.4 for x in (u, v))
    second = shifted(contrast(color, 0.6), rng, 0.08)
    return mix(paint(color, brushed(rng, size, 0.05)), paint(second, brushed(rng, size, 0.05)), a + b)


def dots(rng: Generator, color: np.ndarray, size: int) -> np.ndarray:
    """Draw cloth with printed spots or stars of varied size."""
    v, u = grid(size)
    figure = np.zeros((size, size))
    for _ in range(int(rng.integers(14, 40))):
        du, dv = (u - rng.random() + 0.5) % 1 - 0.5, (v - rng.random() + 0.5) % 1 - 0.5
        angle = np.arctan2(dv, du) + rng.random() * 6
        figure = np.maximum(figure, np.hypot(du, dv) < rng.uniform(0.025, 0.07) * (1 + 0.35 * np.cos(5 * angle)))
    second = shifted(contrast(color, 0.6), rng, 0.1)
    return mix(paint(color, brushed(rng, size, 0.05)), second, 0.9 * figure)


def carpet(rng: Generator, color: np.ndarray, size: int) -> np.ndarray:
    """Draw cut pile with worn patches, sometimes with a woven figure."""
    tone = relief(noise(rng, size, 0.15), 0.09) * brushed(rng, size, 0.09)
    v, u = grid(size)
    figure = np.zeros((size, size))
    if rng.random() < 0.5:
        n = int(rng.integers(3, 6))
        a, b = np.abs(u * n % 1 - 0.5), np.abs((v * n + 0.5 * (np.floor(u * n) % 2)) % 1 - 0.5)
        figure = ((a + b < 0.3) & ~(a + b < 0.14)) * 0.8
    return mix(paint(color, tone), paint(contrast(color, 0.35), tone), figure)


def rug(rng: Generator, color: np.ndarray, size: int) -> np.ndarray:
    """Draw a woven rug with borders and a medallion, or an abstract one; covers its object once."""
    v, u = grid(size)
    edge = np.minimum(np.minimum(u, 1 - u), np.minimum(v, 1 - v))
    tones = [
        shifted(c, rng, 0.05) for c in (color, contrast(color, 0.5), shifted(color, rng, 0.25, 0.1, 0.2), contrast(color, 0.75))
    ]
    weft = brushed(rng, size, 0.07) * relief(noise(rng, size, 0.1, (1.5, 0.7)), 0.06)
    if rng.random() < 0.4:
        field = sum(
            rng.uniform(0.3, 1) * np.sin(2 * np.pi * (rng.integers(-3, 4) * u + rng.integers(-3, 4) * v) + 6 * rng.random())
            for _ in range(5)
        )
        share = np.digitize(field, [-0.8, 0.1, 0.9])
        return np.array(tones)[share] * weft[..., None]
    x, y = np.abs(u - 0.5), np.abs(v - 0.5)
    n = int(rng.integers(5, 11))
    star = np.sin(n * np.pi * (x + y)) * np.cos(n * np.pi * (x - y) + rng.random())
    share = np.where(star > 0.25, 1, np.where(star < -0.55, 2, 0))
    medal = np.hypot(x / 0.28, y / 0.22) + 0.12 * np.cos(8 * np.arctan2(y, x))
    share = np.where(medal < 1, np.where(star > 0, 3, 2), share)
    share = np.where(medal < 0.45, 1, share)
    border = (np.sin(2 * np.pi * 14 * (u + v)) > 0) * 1 + 2
    share = np.where(edge < 0.14, border, share)
    share = np.where((edge < 0.03) | (np.abs(edge - 0.14) < 0.012), 1, share)
    return np.array(tones)[share] * weft[..., None]


def terry(rng: Generator, color: np.ndarray, size: int) -> np.ndarray:
    """Draw towelling with a woven band."""
    v, _ = grid(size)
    band = ((np.abs(v - 0.8) < 0.05) | (np.abs(v - 0.9) < 0.015)) * 0.8
    return mix(paint(color, relief(noise(rng, size, 0.2), 0.08)), contrast(color, 0.5), band)


def leaves(rng: Generator, color: np.ndarray, size: int) -> np.ndarray:
    """Draw a leaf's blade with ribs: along u, its midrib at v = 1/2."""
    v, u = grid(size)
    rib = (np.abs(v - 0.5) < 0.035) | (np.abs(np.sin(np.pi * (9 * u - 7 * np.abs(v - 0.5)))) < 0.13)
    green = np.array(colorsys.hsv_to_rgb(rng.uniform(0.23, 0.37), rng.uniform(0.4, 0.75), rng.uniform(0.35, 0.6)))
    return mix(paint(green, brushed(rng, size, 0.12)), green * 1.45, 0.7 * rib)


FABRICS = {
    "weave": (weave, 96), "stripes": (stripes, 96), "checks": (checks, 96), "dots": (dots, 96), "carpet": (carpet, 128),
    "rug": (rug, 128), "terry": (terry, 48), "leaves": (leaves, 48),
}  # fmt: skip
