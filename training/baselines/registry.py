"""The baselines without training; formulas in docs/training.md."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial

import numpy as np

from dataset.geometry import Pinhole
from training.baselines.azimuth import gcc_phat_azimuth, ild_azimuth, onset_gcc_phat_azimuth
from training.baselines.rotation import correlation_rotation, homography_rotation

RotationBaseline = Callable[[np.ndarray, np.ndarray, Sequence[Pinhole], Sequence[Pinhole]], np.ndarray]
"""Two batches of pictures (B, H, W, 3) uint8 and their cameras, B each -> turns (B,), degrees; NaN without an answer."""
AzimuthBaseline = Callable[[np.ndarray, int], np.ndarray]
"""Sounds (B, 2, L) and their sample rate -> azimuths (B,), degrees."""


def _one_by_one(
    predict: Callable[[np.ndarray, np.ndarray, Pinhole, Pinhole], float | None],
    rgb_s: np.ndarray,
    rgb_t: np.ndarray,
    cameras_s: Sequence[Pinhole],
    cameras_t: Sequence[Pinhole],
) -> np.ndarray:
    pairs = zip(rgb_s, rgb_t, cameras_s, cameras_t, strict=True)
    return np.array([predict(*pair) for pair in pairs], float)  # None becomes NaN


AZIMUTH_BASELINES: dict[str, AzimuthBaseline] = {
    "GCC-PHAT": gcc_phat_azimuth,
    "GCC-PHAT of onsets": onset_gcc_phat_azimuth,
    "level difference": ild_azimuth,
}


ROTATION_BASELINES: dict[str, RotationBaseline] = {
    "SIFT + homography": partial(_one_by_one, homography_rotation),
    "correlation over azimuth": partial(_one_by_one, correlation_rotation),
}


def constant_answers(truth_deg: np.ndarray, reference_deg: np.ndarray) -> dict[str, np.ndarray]:
    """Return answers (N,), degrees, that ignore the input: always zero, and the sign oracle.

    The oracle knows every true sign and answers one magnitude, the median of |reference| (M,), which has the least mean error;
    the reference is another split than the truth (N,). A method that does not beat it distinguishes left and right only.
    """
    size = float(np.median(np.abs(reference_deg)))
    return {"always zero": np.zeros(len(truth_deg)), "sign oracle": np.sign(truth_deg) * size}
