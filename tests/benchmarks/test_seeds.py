"""The tables of several seeds: every run and baseline has a row, and sweeps compare the mean over seeds with the baselines."""

from __future__ import annotations

import numpy as np

from benchmarks.seeds import sweep_table
from training.evaluation.robustness import Point, Sweep


def test_sweeps_show_the_mean_over_seeds_its_range_and_differences_with_intervals() -> None:
    n = 40
    errors = {"seed 0": 1.0, "seed 1": 3.0, "GCC-PHAT": 5.0, "GCC-PHAT of onsets": 2.0}
    point = Point(
        Sweep("noise_snr_db", "white noise below the sound, dB", (None,), {}),
        None,
        np.zeros(n),
        {name: np.full(n, value) for name, value in errors.items()},
        np.arange(n) // 4,
    )
    *_, row = sweep_table([point], seeds=2).splitlines()
    assert row == (
        "| white noise below the sound, dB | none | 2.0 [1.0, 3.0] | 5.0 | 2.0 | -3.0 [-3.0, -3.0] | +0.0 [+0.0, +0.0] |"
    )
