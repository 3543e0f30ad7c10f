"""The moments of a long sound that clips are cut from."""

from __future__ import annotations

import numpy as np

STEP_S = 0.05
"""Clips start at multiples of this."""
SILENT = 0.25
"""A clip counts as silent if its level is below this share of the whole sound's."""


def audible_starts(mono: np.ndarray, clip_samples: int, sample_rate: int) -> np.ndarray:
    """Return the starts, in samples, of the audible clips of a dry sound (L,).

    Some sounds, such as knocks or telephones, have long silent pauses. If every clip is silent, return the start of the loudest.
    """
    starts = np.arange(0, len(mono) - clip_samples + 1, max(1, round(STEP_S * sample_rate)))
    energy = np.concatenate([[0.0], np.cumsum(mono.astype(np.float64) ** 2)])
    power = (energy[starts + clip_samples] - energy[starts]) / clip_samples
    audible = starts[power >= SILENT**2 * energy[-1] / len(mono)]
    return audible if len(audible) else starts[[power.argmax()]]


def draw_start(mono: np.ndarray, clip_samples: int, sample_rate: int, rng: np.random.Generator) -> int:
    """Draw the first sample of a clip of a dry sound (L,), uniformly among the audible ones."""
    audible = audible_starts(mono, clip_samples, sample_rate)
    return int(audible[rng.integers(len(audible))])
