"""Interaural time and level differences of sounds or of responses."""

from __future__ import annotations

import numpy as np

MOST_ITD_S = 1e-3
"""Largest delay of the search: later peaks of the correlation are echoes or periods of a tone."""
FINER = 16
"""Points of the correlation per sample."""
SILENCE = 1e-12
"""Energy of an ear below which there is no difference to measure."""


def itd_us(ears: np.ndarray, sample_rate: int) -> np.ndarray:
    """Return the delay of the right ear after the left: the peak of their cross-correlation within a millisecond.

    ears: (..., 2, L), left and right. Returns (...) microseconds, positive where the left ear leads, in steps of a sixteenth of a
    sample; NaN where an ear is silent.
    """
    size = 1 << (2 * ears.shape[-1] - 1).bit_length()
    left, right = np.moveaxis(np.fft.rfft(ears.astype(np.float64), size), -2, 0)
    # Zeros above the highest frequency put points between the samples. The lag is that of the right ear.
    correlation = np.fft.irfft(right * left.conj(), size * FINER)
    reach = round(MOST_ITD_S * sample_rate * FINER)
    lags = np.arange(-reach, reach + 1)
    best = lags[correlation[..., lags].argmax(-1)] / (FINER * sample_rate) * 1e6
    return np.where(_silent(ears), np.nan, best)


def ild_db(ears: np.ndarray) -> np.ndarray:
    """Return the level of the left ear over the right, over all frequencies.

    ears: (..., 2, L), left and right. Returns (...) dB, positive where the left ear is louder; NaN where an ear is silent.
    """
    energy = np.sum(ears.astype(np.float64) ** 2, -1)
    with np.errstate(divide="ignore", invalid="ignore"):
        return np.where(_silent(ears), np.nan, 10 * np.log10(energy[..., 0] / energy[..., 1]))


def _silent(ears: np.ndarray) -> np.ndarray:
    return (np.sum(ears.astype(np.float64) ** 2, -1) < SILENCE).any(-1)
