"""The field of view of photographs: from EXIF data, and how pictures of one lens are shown to networks that know another."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from PIL import ExifTags

FILM_DIAGONAL_MM = 43.267
"""Equivalent focal lengths refer to the diagonal of a 36 x 24 mm picture (CIPA DCG-001)."""
UNITS_MM = {2: 25.4, 3: 10.0}
"""Length of FocalPlaneResolutionUnit: inch, centimetre."""
NARROWEST_DEG, WIDEST_DEG = 2.0, 170.0


def exif_hfov_deg(exif: Mapping[int, Any], width: int, height: int) -> float | None:
    """Return the horizontal field of view of an upright picture of width x height pixels, degrees; None if EXIF does not tell.

    exif: the values of the EXIF sub-directory by tag. The focal length is its 35 mm equivalent, else the one in mm with the
    resolution of the sensor. The picture is taken to show the whole sensor.
    """
    focal_px = _equivalent(exif, width, height) or _measured(exif, width, height)
    if not focal_px:
        return None
    hfov = float(np.rad2deg(2 * np.arctan(width / 2 / focal_px)))
    return hfov if NARROWEST_DEG <= hfov <= WIDEST_DEG else None


def cropped_hfov_deg(hfov_deg: float, share: float) -> float:
    """Return the horizontal field of view of the middle `share` of a picture's width."""
    return float(np.rad2deg(2 * np.arctan(share * np.tan(np.deg2rad(hfov_deg / 2)))))


def middle(rgb: np.ndarray, hfov_deg: float, wanted_deg: float) -> np.ndarray:
    """Return the middle of a picture (H, W, 3) that a lens of `wanted_deg`, at most hfov_deg, would show."""
    share = np.tan(np.deg2rad(wanted_deg / 2)) / np.tan(np.deg2rad(hfov_deg / 2))
    high, wide = (max(1, round(n * min(share, 1.0))) for n in rgb.shape[:2])
    top, left = (rgb.shape[0] - high) // 2, (rgb.shape[1] - wide) // 2
    return rgb[top : top + high, left : left + wide]


def zoom(hfov_deg: float, network_deg: float) -> float:
    """Return the factor on turns that a network for `network_deg` finds in pictures of a lens of hfov_deg.

    To first order a turn moves pictures in proportion to the focal length.
    """
    return float(np.tan(np.deg2rad(hfov_deg / 2)) / np.tan(np.deg2rad(network_deg / 2)))


def _equivalent(exif: Mapping[int, Any], width: int, height: int) -> float | None:
    """Return the focal length in pixels from the 35 mm equivalent."""
    focal = _number(exif.get(ExifTags.Base.FocalLengthIn35mmFilm))
    return focal * float(np.hypot(width, height)) / FILM_DIAGONAL_MM if focal else None


def _measured(exif: Mapping[int, Any], width: int, height: int) -> float | None:
    """Return the focal length in pixels from that in mm and the pixels of the sensor per unit of length."""
    focal = _number(exif.get(ExifTags.Base.FocalLength))
    per_unit = _number(exif.get(ExifTags.Base.FocalPlaneXResolution))
    unit = UNITS_MM.get(int(_number(exif.get(ExifTags.Base.FocalPlaneResolutionUnit)) or 2))
    stored = _number(exif.get(ExifTags.Base.ExifImageWidth)), _number(exif.get(ExifTags.Base.ExifImageHeight))
    if not (focal and per_unit and unit):
        return None
    # A picture that was scaled down after it was taken has fewer pixels on the same sensor.
    scale = max(width, height) / max(s for s in stored if s) if any(stored) else 1.0
    return focal * per_unit / unit * scale


def _number(value: Any) -> float | None:
    """Return a positive number, None for what is missing, zero (unknown) or damaged."""
    try:
        number = float(value)
    except (TypeError, ValueError, ZeroDivisionError):
        return None
    return number if 0 < number < float("inf") else None
