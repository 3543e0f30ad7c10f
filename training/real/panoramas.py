"""Equirectangular photographs, and pinhole views cut from them by back-projection.

The column is the heading, one turn over the width, ahead in the middle and left to its left; the row is the elevation, from
+90 degrees above to -90 below.
"""

from __future__ import annotations

from functools import lru_cache
from pathlib import Path

import cv2
import numpy as np
from PIL import Image

from dataset.angles import azimuth, elevation
from training.data.overlap import Camera, pixel_rays
from training.errors import InputError

SUFFIXES = (".jpg", ".jpeg", ".png", ".tif", ".tiff", ".webp", ".bmp")
ASPECT, TOLERANCE = 2.0, 0.02
LARGEST_PX = 16384
"""Widest panorama."""
FINEST = 8
"""Most samples per pixel of a view, along each axis."""
STEEPEST_DEG = 75.0
"""Up to this elevation the rows of a panorama, stretched towards the poles, are sampled finely enough."""


def find_panoramas(source: Path) -> list[Path]:
    """Return the pictures of a folder, or one picture; raise InputError where there are none or one is not a panorama."""
    if not source.exists():
        raise InputError(f"--panoramas {source} does not exist; name a folder of equirectangular pictures, or one picture")
    found = [source] if source.is_file() else sorted(p for p in source.rglob("*") if p.suffix.lower() in SUFFIXES)
    if not found:
        raise InputError(f"--panoramas {source} holds no pictures ({', '.join(SUFFIXES)})")
    for path in found:
        _check(path)
    return found


@lru_cache(maxsize=2)
def read_panorama(path: Path) -> np.ndarray:
    """Read a panorama as (H, W, 3) uint8; raise InputError where that fails. The last two are kept."""
    _check(path)
    try:
        with Image.open(path) as file:
            return np.asarray(file.convert("RGB"))
    except (OSError, ValueError, SyntaxError) as error:
        raise InputError(f"{path} is not a readable picture ({error}); save it again as JPEG or PNG") from None


def cut(panorama: np.ndarray, heading_deg: float, camera: Camera, width: int, height: int) -> np.ndarray:
    """Cut a pinhole view out of a panorama (H, W, 3) uint8: (height, width, 3) uint8.

    Each pixel is the mean of bilinear samples, as many along each axis as keep them at most a pixel of the panorama apart.
    """
    fine = _samples_per_pixel(panorama.shape[1], camera, width, height)
    rows, columns = ((np.arange(n * fine) + 0.5) / fine - 0.5 for n in (height, width))
    ray = pixel_rays(camera, heading_deg, rows, columns, height, width)
    x = (0.5 - azimuth(ray, 0.0) / 360.0) * panorama.shape[1] - 0.5
    y = np.clip((0.5 - elevation(ray) / 180.0) * panorama.shape[0] - 0.5, 0, panorama.shape[0] - 1)
    # Columns are wrapped by a copy of the first ones on each side; OpenCV would wrap the rows too.
    around = np.concatenate([panorama[:, -2:], panorama, panorama[:, :2]], 1)
    sampled = cv2.remap(around, (x + 2).astype(np.float32), y.astype(np.float32), cv2.INTER_LINEAR)
    return cv2.resize(sampled, (width, height), interpolation=cv2.INTER_AREA) if fine > 1 else np.asarray(sampled)


def _samples_per_pixel(panorama_width: int, camera: Camera, width: int, height: int) -> int:
    """Return the samples per pixel along each axis, for the middle of the view, where pixels cover the largest angles."""
    half = np.tan(np.deg2rad(camera.hfov_deg / 2))
    pixel = 2 * half / width * panorama_width / (2 * np.pi)  # pixels of the panorama, at the equator, per pixel of the view
    steepest = abs(camera.pitch_deg) + np.rad2deg(np.arctan(half * height / width))
    return int(np.clip(np.ceil(pixel / np.cos(np.deg2rad(min(steepest, STEEPEST_DEG)))), 1, FINEST))


def _check(path: Path) -> None:
    try:
        with Image.open(path) as file:
            width, height = file.size
    except (OSError, ValueError, SyntaxError, Image.DecompressionBombError) as error:
        raise InputError(f"{path} is not a readable picture ({error}); --panoramas expects equirectangular pictures") from None
    if abs(width / height - ASPECT) > TOLERANCE:
        raise InputError(f"{path} is {width} x {height} pixels; an equirectangular picture of the whole sphere is 2:1")
    if width > LARGEST_PX:
        raise InputError(f"{path} is {width} pixels wide; at most {LARGEST_PX} are read: scale it down")
