"""Textures: decoded once, scaled to a memory budget, packed as mip pyramids."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import numpy as np
from PIL import Image as Pillow

from simulator.kernels import kernel
from simulator.scene.model import Textures

LARGEST_PX = 2048
"""Larger textures are scaled down; views of some hundred pixels resolve no finer detail."""
SMALLEST_PX = 32
"""Textures are not scaled below this to fit a budget."""
LEVELS = 12
"""Levels of a pyramid at LARGEST_PX."""
MOST_PIXELS = 100_000_000
"""Larger images are not decoded: 10,000 x 10,000 pixels take 0.4 GB."""
PYRAMID = 4.0 / 3.0
"""Size of a mip pyramid over that of its picture."""
UNREADABLE = (OSError, ValueError, SyntaxError, Pillow.DecompressionBombError)
"""Errors of Pillow for images that are invalid, truncated or too large."""

BYTE_OF_16_BITS = np.rint(np.arange(65536) / 257.0).astype(np.uint8)
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


DECODE = linear_from_srgb(np.arange(256)).astype(np.float32)
"""Linear light of each sRGB byte."""
ENCODE = srgb_from_linear(np.arange(65536) / 65535.0)
"""sRGB byte of linear light in steps of 1 / 65535."""


def pack(
    pictures: Sequence[Pillow.Image | None], used: Iterable[int], budget_mb: float, notes: list[str]
) -> tuple[Textures, dict[int, int]]:
    """Decode, pack and close the used pictures; also return the texture index of each picture index.

    budget_mb: memory that all pyramids may take together, MB; larger pictures are scaled down to fit. A picture that
    cannot be decoded is omitted, with a note appended to `notes`.
    """
    chosen = {k: picture for k in sorted(set(used)) if (picture := pictures[k]) is not None}
    sizes = {k: picture.size for k, picture in chosen.items()}
    largest = fitting_px(list(sizes.values()), budget_mb)
    texels = np.empty((sum(_most_texels(size, largest) for size in sizes.values()), 4), np.uint8)
    offset, size = np.zeros((len(chosen), LEVELS), np.int64), np.zeros((len(chosen), LEVELS, 2), np.int32)
    row_of: dict[int, int] = {}
    at = 0
    for k, picture in chosen.items():
        try:
            chain = pyramid(to_image(picture, largest))
        except UNREADABLE as error:
            notes.append(f"picture {k} cannot be decoded ({error}): plain colour instead")
            continue
        finally:
            picture.close()  # frees its pixels before the next one is decoded
        row = row_of[k] = len(row_of)
        for level, image in enumerate(chain):
            height, width = image.shape[:2]
            texels[at : at + width * height] = image.reshape(-1, 4)
            offset[row, level:], size[row, level:] = at, (width, height)  # short pyramids repeat their last level
            at += width * height
    if largest < LARGEST_PX and any(max(sizes[k]) > largest for k in row_of):
        notes.append(f"textures scaled down to at most {largest} pixels to fit {budget_mb:g} MB (camera.texture_mb)")
    rows = len(row_of)
    # The unused end of the allocation was never written, so it takes no physical memory.
    return Textures(texels[:at], offset[:rows], size[:rows]), row_of


def fitting_px(sizes: Sequence[tuple[int, int]], budget_mb: float) -> int:
    """Return the largest side, a power of two up to LARGEST_PX, with which pictures of (width, height) fit the budget."""
    largest = LARGEST_PX
    while largest > SMALLEST_PX:
        scales = [min(1.0, largest / max(size)) for size in sizes]
        texels = sum(w * h * s * s for (w, h), s in zip(sizes, scales, strict=True))
        if 4 * PYRAMID * texels <= budget_mb * 1e6:
            break
        largest //= 2
    return largest


def to_image(picture: Pillow.Image, largest_px: int) -> Image:
    """Decode a Pillow picture to an Image, at most `largest_px` wide and high.

    16-bit grey is rounded to 8 bits. Raise ValueError for more than MOST_PIXELS, before decoding.
    """
    picture.draft("RGB", (largest_px, largest_px))  # JPEG is decoded at a smaller size
    width, height = picture.size
    if width * height > MOST_PIXELS:
        raise ValueError(f"{width} x {height} pixels; at most {MOST_PIXELS} are decoded; scale the image down")
    if picture.mode.startswith("I"):
        picture = Pillow.fromarray(BYTE_OF_16_BITS[np.clip(np.asarray(picture), 0, 65535)])
    if picture.mode not in ("RGB", "L") or "transparency" in picture.info:
        picture = picture.convert("RGBA")
    picture.load()
    if max(picture.size) > largest_px:
        picture.thumbnail((largest_px, largest_px), Pillow.Resampling.BOX)
    return np.asarray(picture.convert("RGBA"))


def pyramid(image: Image) -> list[Image]:
    """Halve an image down to one texel, averaging light weighted by alpha."""
    chain = [np.ascontiguousarray(image)]
    while max(chain[-1].shape[:2]) > 1:
        chain.append(_halve(chain[-1]))
    return chain


def _most_texels(size: tuple[int, int], largest_px: int) -> int:
    """Return an upper bound of the texels in the pyramid of a picture of (width, height) after scaling."""
    scale = min(1.0, largest_px / max(size))
    width, height = (min(n, int(np.ceil(n * scale)) + 1) for n in size)
    total = width * height
    while max(width, height) > 1:
        width, height = (width + 1) // 2, (height + 1) // 2
        total += width * height
    return total


@kernel(error_model="numpy")
def _halve(image: np.ndarray) -> np.ndarray:
    """Average an Image over 2 x 2 texels; an odd last row or column is repeated."""
    height, width = image.shape[0], image.shape[1]
    rows, columns = max((height + 1) // 2, 1), max((width + 1) // 2, 1)
    out = np.empty((rows, columns, 4), np.uint8)
    for y in range(rows):
        for x in range(columns):
            light, plain, weight = np.zeros(3, np.float32), np.zeros(3, np.float32), np.float32(0.0)
            for j in range(2):
                for i in range(2):
                    v, u = min(2 * y + j, height - 1), min(2 * x + i, width - 1)
                    alpha = np.float32(image[v, u, 3])
                    weight += alpha
                    for k in range(3):
                        light[k] += alpha * DECODE[image[v, u, k]]
                        plain[k] += DECODE[image[v, u, k]]
            for k in range(3):
                mean = light[k] / weight if weight > 0 else plain[k] / 4
                out[y, x, k] = ENCODE[int(mean * 65535 + 0.5)]
            out[y, x, 3] = np.uint8(weight / 4 + 0.5)
    return out
