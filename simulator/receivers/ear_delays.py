"""Delays of both ears in measured responses: the delay beside the minimum-phase part, and the interaural lag by band."""

from __future__ import annotations

import numpy as np
from scipy import fft

from simulator.acoustics.bands import LATE_HZ, minimum_phase, windows

SPECTRUM = 512
"""Points of the Fourier transform of a response."""
UPSAMPLING = 8
"""Delays are first searched on a grid finer than the sampling interval by this factor."""
CHUNK = 64
"""Responses whose peaks are searched at a time: small enough for the processor cache."""


def ear_delays(spectra: np.ndarray, magnitude: np.ndarray, sample_rate_hz: int) -> np.ndarray:
    """Return the delay (M, 2) s of each ear with which the minimum-phase responses have the measured interaural delay."""
    smooth = minimum_phase(magnitude)
    delay = _peak_delay(spectra * np.conj(smooth), sample_rate_hz)
    # The peak of the excess phase differs by some 30 us from the interaural cross-correlation: correct the difference.
    missing = _lag(spectra, sample_rate_hz) - _lag(_shifted(smooth, delay, sample_rate_hz), sample_rate_hz)
    missing = np.where(np.abs(missing) < 1e-4, missing, 0.0)
    return delay + 0.5 * missing[:, None] * np.array([1.0, -1.0])


def band_lags(spectra: np.ndarray, lag_s: np.ndarray, sample_rate_hz: int) -> np.ndarray:
    """Return the lag of the left ear behind the right in each band, (M, 8) s, from the interaural phase up to 1 kHz.

    Diffraction makes it longer at low frequencies (Kuhn 1977). Above 1 kHz the phase is ambiguous by whole turns, and the
    broadband lag lag_s (M,) is used.
    """
    f = np.linspace(0.0, sample_rate_hz / 2, spectra.shape[-1])
    aligned = spectra[:, 0] * np.conj(spectra[:, 1]) * np.exp(2j * np.pi * f * lag_s[:, None])
    centre = np.asarray(LATE_HZ)
    phase = np.angle(aligned @ (windows(len(f), sample_rate_hz, LATE_HZ) ** 2).T)
    return lag_s[:, None] - np.where(centre <= 1000.0, phase / (2.0 * np.pi * centre), 0.0)


def _lag(spectra: np.ndarray, sample_rate_hz: int) -> np.ndarray:
    """Return the lag of the left ear behind the right, the peak of their cross-correlation; spectra (M, 2, F), result (M,) s."""
    cross = spectra[:, 0] * np.conj(spectra[:, 1])
    early = np.full(cross.shape[0], 2e-3)
    return _peak_delay(_shifted(cross, early, sample_rate_hz), sample_rate_hz) - early


def _shifted(spectra: np.ndarray, delay_s: np.ndarray, sample_rate_hz: int) -> np.ndarray:
    turn = 2.0 * np.pi * np.linspace(0.0, sample_rate_hz / 2, spectra.shape[-1])
    return spectra * np.exp(-1j * delay_s[..., None] * turn)


def _peak_delay(spectra: np.ndarray, sample_rate_hz: int) -> np.ndarray:
    """Return the time of the peak of spectra (..., F): upsampling, then a parabola through three points; (...) s."""
    n = SPECTRUM * UPSAMPLING
    flat = spectra.reshape(-1, spectra.shape[-1])
    out = np.empty(len(flat))
    for first in range(0, len(flat), CHUNK):
        signal = fft.irfft(flat[first : first + CHUNK], n)
        # The second half of the circular time axis is negative time.
        top = np.clip(signal[:, : n // 2].argmax(1), 1, n // 2 - 2)
        before, at, after = (signal[np.arange(len(top)), top + d] for d in (-1, 0, 1))
        bend = before - 2 * at + after
        out[first : first + CHUNK] = top + 0.5 * (before - after) / np.where(bend < 0, bend, -np.inf)
    return out.reshape(spectra.shape[:-1]) / (UPSAMPLING * sample_rate_hz)
