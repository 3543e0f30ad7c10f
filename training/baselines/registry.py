"""The baselines without training; formulas in docs/training.md."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

import numpy as np

from training.baselines.azimuth import gcc_phat_azimuth, ild_azimuth, onset_gcc_phat_azimuth
from training.baselines.rotation import TurnCorrelation, homography_rotation
from training.data.overlap import Camera

RotationBaseline = Callable[[np.ndarray, np.ndarray], np.ndarray]
"""Two batches of pictures (B, H, W, 3) uint8 -> turns (B,), degrees; NaN without an answer."""
AzimuthBaseline = Callable[[np.ndarray, int], np.ndarray]
"""Sounds (B, 2, L) and their sample rate -> azimuths (B,), degrees."""

AZIMUTH_BASELINES: dict[str, AzimuthBaseline] = {
    "GCC-PHAT": gcc_phat_azimuth,
    "GCC-PHAT of onsets": onset_gcc_phat_azimuth,
    "level difference": ild_azimuth,
}


def rotation_baselines(camera: Camera, height: int, width: int) -> dict[str, RotationBaseline]:
    """Return the rotation baselines for a camera, by name."""
    correlation = TurnCorrelation(camera, height, width)
    return {
        "SIFT + homography": partial(_one_by_one, partial(homography_rotation, camera=camera)),
        "correlation over azimuth": partial(_one_by_one, correlation),
    }


def constant_answers(truth_deg: np.ndarray, reference_deg: np.ndarray) -> dict[str, np.ndarray]:
    """Return answers (N,), degrees, that ignore the input: always zero, and the sign oracle.

    The oracle knows every true sign and answers one magnitude, the median of |reference| (M,), which has the least mean error;
    the reference is another split than the truth (N,). A method that does not beat it distinguishes left and right only.
    """
    size = float(np.median(np.abs(reference_deg)))
    return {"always zero": np.zeros(len(truth_deg)), "sign oracle": np.sign(truth_deg) * size}


def _one_by_one(predict: Callable[[np.ndarray, np.ndarray], float | None], rgb_s: np.ndarray, rgb_t: np.ndarray) -> np.ndarray:
    return np.array([predict(s, t) for s, t in zip(rgb_s, rgb_t, strict=True)], float)  # None becomes NaN
