"""Which moment of a long sound a clip is cut from."""

from __future__ import annotations

import numpy as np

STEP_S = 0.05
"""Clips start at multiples of this."""
SILENT = 0.25
"""A clip counts as silent when its level is below this share of the whole sound's."""


def audible_starts(mono: np.ndarray, clip_samples: int, sample_rate: int) -> np.ndarray:
    """List the starts, in samples, of the clips of a dry sound (L,) that are not silent.

    Some sounds are knocks or telephones with long pauses, in which nothing can be heard. When every moment is silent the
    loudest one is given.
    """
    starts = np.arange(0, len(mono) - clip_samples + 1, max(1, round(STEP_S * sample_rate)))
    energy = np.concatenate([[0.0], np.cumsum(mono.astype(np.float64) ** 2)])
    power = (energy[starts + clip_samples] - energy[starts]) / clip_samples
    heard = starts[power >= SILENT**2 * energy[-1] / len(mono)]
    return heard if len(heard) else starts[[power.argmax()]]


def draw_start(mono: np.ndarray, clip_samples: int, sample_rate: int, rng: np.random.Generator) -> int:
    """Draw the first sample of a clip of a dry sound (L,), evenly among the moments that are not silent."""
    heard = audible_starts(mono, clip_samples, sample_rate)
    return int(heard[rng.integers(len(heard))])
