"""Front-back accuracy, azimuth errors on the full circle, and the bias of folded azimuths."""

from __future__ import annotations

from collections.abc import Mapping
from itertools import pairwise
from typing import Any

import numpy as np

from dataset.angles import fold_front, wrap_180
from training.evaluation.scores import angle_error, score

BOUNDS_DEG = (0, 15, 30, 45, 60, 75, 90)
FRONT_BACK_BELOW_DEG = 70.0
"""Limit of the front-back accuracy: nearer to the side, front and back hardly differ."""


def full_circle(truth_deg: np.ndarray, answers: Mapping[str, np.ndarray], group: np.ndarray) -> dict[str, Any]:
    """Score full-circle azimuths: truth (N,) and answers {name: (N,)} in degrees, group (N,) the set of each item.

    Return {name: {"mean_deg", "median_deg", "mean_95_deg", "n", "front_back_accuracy" within FRONT_BACK_BELOW_DEG of the median
    plane, "by_lateral": [{"low", "high", "n", "accuracy"}]}} for each answer, and for two references made of the first answer's
    lateral angles: "always in front", and "true side", its angles with the true side.
    """
    first = next(iter(answers.values()))
    lateral, behind = fold_front(first), np.abs(truth_deg) > 90
    references = {"always in front": lateral, "true side": np.where(behind, wrap_180(180 - lateral), lateral)}
    return {name: _scored(truth_deg, a, group) for name, a in {**answers, **references}.items()}


def bias(truth_deg: np.ndarray, answer_deg: np.ndarray) -> list[dict[str, Any]]:
    """Return the mean signed error of folded azimuths (N,), degrees, outward positive, by true angle from straight ahead."""
    out = []
    for low, high in pairwise(BOUNDS_DEG):
        inside = (np.abs(truth_deg) >= low) & (np.abs(truth_deg) < high + (high == BOUNDS_DEG[-1]))
        outward = (answer_deg - truth_deg)[inside] * np.sign(truth_deg[inside])
        out.append(
            {"low": low, "high": high, "n": int(inside.sum()), "mean_deg": float(outward.mean()) if len(outward) else None}
        )
    return out


def _scored(truth_deg: np.ndarray, answer_deg: np.ndarray, group: np.ndarray) -> dict[str, Any]:
    right = (np.abs(answer_deg) > 90) == (np.abs(truth_deg) > 90)
    off_median = np.abs(fold_front(truth_deg))
    counted = off_median < FRONT_BACK_BELOW_DEG
    bins = []
    for low, high in pairwise(BOUNDS_DEG):
        inside = (off_median >= low) & (off_median < high + (high == BOUNDS_DEG[-1]))
        share = float(right[inside].mean()) if inside.any() else None
        bins.append({"low": low, "high": high, "n": int(inside.sum()), "accuracy": share})
    accuracy = float(right[counted].mean()) if counted.any() else None
    return {**score(angle_error(answer_deg, truth_deg), group), "front_back_accuracy": accuracy, "by_lateral": bins}
