"""Read photographs: upright, at the proportions of the networks, with their field of view."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
from PIL import ExifTags, Image, ImageOps

from training.errors import InputError
from training.prediction.files import present, reason
from training.prediction.lens import cropped_hfov_deg, exif_hfov_deg


@dataclass(frozen=True, eq=False)
class Photograph:
    """A picture at the networks' proportions."""

    rgb: np.ndarray
    """(H, W, 3) uint8."""
    hfov_deg: float | None
    """Horizontal field of view of `rgb`, degrees; None where neither the user nor the file states it."""
    origin: str = ""
    """Where it comes from: given or EXIF."""


def read_picture(path: Path, aspect: float) -> np.ndarray:
    """Read a picture upright as (H, W, 3) uint8, cropped at its centre to width / height = aspect."""
    return read_photograph(path, aspect).rgb


def read_photograph(path: Path, aspect: float, hfov_deg: float | None = None) -> Photograph:
    """Read a picture as `read_picture` does, with its field of view: as given for the whole width, else from EXIF."""
    try:
        with Image.open(present(path)) as file:
            exif = file.getexif().get_ifd(ExifTags.IFD.Exif)
            picture = np.asarray(ImageOps.exif_transpose(file).convert("RGB"))
    except (OSError, ValueError, SyntaxError, Image.DecompressionBombError) as error:
        raise InputError(f"{path} is not a readable picture ({reason(error)}); two PNG or JPEG files are expected") from None
    height, width = picture.shape[:2]
    whole = exif_hfov_deg(exif, width, height) if hfov_deg is None else hfov_deg
    return photograph(picture, aspect, whole, "given" if hfov_deg is not None else "EXIF")


def photograph(picture: np.ndarray, aspect: float, hfov_deg: float | None, origin: str) -> Photograph:
    """Return a picture (H, W, 3), whose whole width shows hfov_deg, cropped at its centre to width / height = aspect."""
    height, width = picture.shape[:2]
    wide, high = min(width, round(height * aspect)), min(height, round(width / aspect))
    top, left = (height - high) // 2, (width - wide) // 2
    rgb = picture[top : top + high, left : left + wide]
    return Photograph(rgb, hfov_deg and cropped_hfov_deg(hfov_deg, wide / width), origin)
