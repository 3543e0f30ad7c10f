"""Pictures on surfaces: decoded once, scaled to bounds, packed as mip pyramids."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import numpy as np
from PIL import Image as Pillow

from simulator.scene import Textures

LARGEST_PX = 2048
"""Larger textures are scaled down; nothing finer shows in views of some hundred pixels."""

Image = np.ndarray
"""(H, W, 4) uint8: sRGB-encoded colour, linear alpha, first row on top."""


def linear_from_srgb(encoded: np.ndarray) -> np.ndarray:
    """Decode sRGB values 0..255 of any shape to linear light 0..1 (IEC 61966-2-1)."""
    x = np.asarray(encoded, np.float32) / 255.0
    return np.where(x <= 0.04045, x / 12.92, ((x + 0.055) / 1.055) ** 2.4)


def srgb_from_linear(linear: np.ndarray) -> np.ndarray:
    """Encode linear light 0..1 of any shape to sRGB uint8 (IEC 61966-2-1)."""
    x = np.clip(np.asarray(linear, np.float64), 0.0, 1.0)
    y = np.where(x <= 0.0031308, x * 12.92, 1.055 * x ** (1 / 2.4) - 0.055)
    return np.rint(y * 255.0).astype(np.uint8)


def to_image(picture: Pillow.Image) -> Image:
    """Decode a Pillow picture to an Image, at most LARGEST_PX wide and high."""
    picture.draft("RGB", (LARGEST_PX, LARGEST_PX))
    picture = picture.convert("RGBA")
    if max(picture.size) > LARGEST_PX:
        picture.thumbnail((LARGEST_PX, LARGEST_PX), Pillow.Resampling.BOX)
    return np.asarray(picture)


def pack(images: Sequence[Image | None], used: Iterable[int]) -> tuple[Textures, dict[int, int]]:
    """Pack the used images that could be decoded; also give the texture index of each image index."""
    pyramids = {k: pyramid(image) for k in sorted(used) if (image := images[k]) is not None}
    levels = max((len(p) for p in pyramids.values()), default=1)
    texels = [level.reshape(-1, 4) for p in pyramids.values() for level in p]
    offset, size = np.zeros((len(pyramids), levels), np.int64), np.zeros((len(pyramids), levels, 2), np.int32)
    at = 0
    for row, chain in enumerate(pyramids.values()):
        for n in range(levels):
            level = chain[min(n, len(chain) - 1)]
            if n < len(chain):
                offset[row, n] = at
                at += level.shape[0] * level.shape[1]
            else:
                offset[row, n] = offset[row, n - 1]
            size[row, n] = level.shape[1], level.shape[0]
    packed = np.concatenate(texels) if texels else np.zeros((0, 4), np.uint8)
    return Textures(np.ascontiguousarray(packed), offset, size), {k: row for row, k in enumerate(pyramids)}


def pyramid(image: Image) -> list[Image]:
    """Halve an image down to one texel, averaging light weighted by alpha."""
    chain = [image]
    alpha = image[..., 3:].astype(np.float32) / 255.0
    light = linear_from_srgb(image[..., :3]) * alpha
    while max(chain[-1].shape[:2]) > 1:
        light, alpha = _halve(light), _halve(alpha)
        color = srgb_from_linear(light / np.maximum(alpha, 1e-6))
        chain.append(np.concatenate([color, np.rint(alpha * 255).astype(np.uint8)], -1))
    return chain


def _halve(values: np.ndarray) -> np.ndarray:
    """Average (H, W, C) over 2 x 2 texels; an odd last row or column is repeated."""
    h, w = values.shape[:2]
    padded = np.pad(values, ((0, h % 2 if h > 1 else 0), (0, w % 2 if w > 1 else 0), (0, 0)), mode="edge")
    if h > 1:
        padded = 0.5 * (padded[0::2] + padded[1::2])
    if w > 1:
        padded = 0.5 * (padded[:, 0::2] + padded[:, 1::2])
    return padded
