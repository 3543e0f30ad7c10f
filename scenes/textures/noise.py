"""Tileable noise and the basic operations of all textures; arrays are (N, N) or (N, N, 3), sRGB 0..1."""

from __future__ import annotations

import colorsys

import numpy as np

Generator = np.random.Generator


def noise(rng: Generator, size: int, falloff: float, stretch: tuple[float, float] = (1.0, 1.0)) -> np.ndarray:
    """Return tileable noise with mean 0 and deviation 1, whose amplitude falls as frequency^-falloff.

    stretch: above 1 draws the grain out along v (first) or u (second).
    """
    fy, fx = np.meshgrid(np.fft.fftfreq(size) * size, np.fft.rfftfreq(size) * size, indexing="ij")
    frequency = np.hypot(fy * stretch[0], fx * stretch[1])
    frequency[0, 0] = np.inf
    field = np.fft.irfft2(np.fft.rfft2(rng.standard_normal((size, size))) * frequency**-falloff, (size, size))
    return (field - field.mean()) / field.std()


def grid(size: int) -> tuple[np.ndarray, np.ndarray]:
    """Return v (downwards) and u of the texels' centres, 0..1."""
    axis = (np.arange(size) + 0.5) / size
    v, u = np.meshgrid(axis, axis, indexing="ij")
    return v, u


def paint(color: np.ndarray, tone: np.ndarray) -> np.ndarray:
    """Spread a colour over a picture of tones around 1."""
    return np.clip(color * tone[..., None], 0, 1)


def mix(first: np.ndarray, second: np.ndarray, share: np.ndarray) -> np.ndarray:
    """Blend two pictures (or colours) by a share of the second."""
    s = np.clip(share, 0, 1)[..., None]
    return first * (1 - s) + second * s


def relief(height: np.ndarray, depth: float) -> np.ndarray:
    """Light a tileable height field from the upper left: tones around 1."""
    slope = (height - np.roll(height, (1, 1), (0, 1))) + 0.5 * (height - np.roll(height, 1, 0))
    return 1 + depth * slope / max(slope.std(), 1e-9)


def shifted(color: np.ndarray, rng: Generator, hue: float = 0.03, saturation: float = 0.1, value: float = 0.1) -> np.ndarray:
    """Draw a colour near another one."""
    h, s, v = colorsys.rgb_to_hsv(*color)
    return np.array(
        colorsys.hsv_to_rgb(
            (h + rng.normal(0, hue)) % 1,
            np.clip(s + rng.normal(0, saturation), 0, 1),
            np.clip(v + rng.normal(0, value), 0.05, 1),
        )
    )


def vivid(rng: Generator) -> np.ndarray:
    """Draw any strong colour."""
    return np.array(colorsys.hsv_to_rgb(rng.random(), rng.uniform(0.2, 0.9), rng.uniform(0.25, 0.95)))


def contrast(color: np.ndarray, amount: float) -> np.ndarray:
    """Darken a light colour and lighten a dark one."""
    return color * (1 - amount) if color.mean() > 0.45 else color + (1 - color) * amount


def brushed(rng: Generator, size: int, amount: float) -> np.ndarray:
    """Return tones of large stains and fine grain together."""
    return 1 + amount * (0.7 * noise(rng, size, 1.7) + 0.5 * noise(rng, size, 1.0) + 0.35 * noise(rng, size, 0.2))
