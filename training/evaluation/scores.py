"""Errors of answers: mean and median angle, with their uncertainty, by condition."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from dataset.angles import wrap_180

RESAMPLES = 1000


def angle_error(answer_deg: np.ndarray, truth_deg: np.ndarray) -> np.ndarray:
    """Return the angle between unit vectors at `answer` and `truth`, degrees in [0, 180]; an answer of NaN counts as 0."""
    return np.abs(wrap_180(np.nan_to_num(np.asarray(answer_deg, float)) - truth_deg))


def score(error_deg: np.ndarray, group: np.ndarray, seed: int = 0) -> dict[str, Any]:
    """Return a summary of errors (N,), degrees: mean, median, n, and the 95 % interval of the mean.

    The interval is a bootstrap over `group` (N,), the sets that items belong to, because the views of one set are correlated.
    """
    low, high = _interval(error_deg, group, np.random.default_rng((seed, 21)))
    return {
        "mean_deg": float(error_deg.mean()),
        "median_deg": float(np.median(error_deg)),
        "mean_95_deg": [low, high],
        "n": len(error_deg),
    }


def chance(truth_deg: np.ndarray, guesses_deg: np.ndarray) -> dict[str, float]:
    """Return the mean and median error of guesses drawn at random from `guesses` (M,), expected over all draws, degrees."""
    error = angle_error(guesses_deg[None], truth_deg[:, None])
    return {"chance_mean_deg": float(error.mean()), "chance_median_deg": float(np.median(error))}


def edges(values: np.ndarray, wanted: Sequence[float] | None = None, count: int = 6) -> np.ndarray:
    """Return the edges of bins: those wanted around the values, or quantiles of the values, so that no bin is empty."""
    if wanted is None:
        return np.unique(np.quantile(values, np.linspace(0.0, 1.0, count + 1)))
    inside = np.histogram(values, wanted)[0] > 0
    first, last = np.flatnonzero(inside)[[0, -1]] if inside.any() else (0, len(wanted) - 2)
    return np.asarray(wanted, float)[first : last + 2]


def binned(error_deg: np.ndarray, values: np.ndarray, bounds: np.ndarray) -> list[dict[str, Any]]:
    """Return a summary of errors (N,) in each bin of `values` (N,): low, high, n, mean and median; None in empty bins."""
    index = np.clip(np.digitize(values, bounds) - 1, 0, len(bounds) - 2)
    out = []
    for k in range(len(bounds) - 1):
        part = error_deg[index == k]
        known = {"mean_deg": float(part.mean()), "median_deg": float(np.median(part))} if len(part) else {}
        row = {"low": float(bounds[k]), "high": float(bounds[k + 1]), "n": len(part), "mean_deg": None, "median_deg": None}
        out.append({**row, **known})
    return out


def difference(error_deg: np.ndarray, other_deg: np.ndarray, group: np.ndarray, seed: int = 0) -> dict[str, Any]:
    """Compare errors (N,) with other errors on the same items: mean difference, degrees, negative if the first is smaller.

    Return mean_deg, its 95 % interval (bootstrap over `group`) and a verdict: better, worse, or no clear difference.
    """
    low, high = _interval(error_deg - other_deg, group, np.random.default_rng((seed, 22)))
    verdict = "better" if high < 0 else "worse" if low > 0 else "no clear difference"
    return {"mean_deg": float((error_deg - other_deg).mean()), "mean_95_deg": [low, high], "verdict": verdict}


def _interval(error_deg: np.ndarray, group: np.ndarray, rng: np.random.Generator) -> tuple[float, float]:
    _, index = np.unique(group, return_inverse=True)
    total, count = np.bincount(index, error_deg), np.bincount(index)
    draws = rng.integers(0, len(count), (RESAMPLES, len(count)))
    means = total[draws].sum(1) / count[draws].sum(1)
    low, high = np.quantile(means, [0.025, 0.975])
    return float(low), float(high)
