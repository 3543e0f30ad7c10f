"""Octave bands: window functions, and spectra from one gain per band."""

from __future__ import annotations

import numpy as np
from scipy import fft

from simulator.acoustics.arrivals import BANDS_HZ

LATE_HZ = (125.0, 250.0, 500.0, 707.1, 1000.0, 2000.0, 4000.0, 8000.0)
"""Centres of the bands in which late sound is weighted with the gains and delays of the ears: octaves, and a half-octave at
707 Hz, where the interaural delay changes most within an octave (Kuhn 1977)."""


def windows(count: int, sample_rate_hz: int, centres_hz: tuple[float, ...] = BANDS_HZ) -> np.ndarray:
    """Return the amplitude window of each of B bands on the `count` bins of a real spectrum: (B, count), summing to 1.

    Raised cosines in log-frequency between neighbouring centres; the outermost bands reach to 0 Hz and to Nyquist.
    Amplitudes sum to 1 because all bands of one arrival are coherent.
    """
    return windows_at(np.linspace(0.0, sample_rate_hz / 2, count), centres_hz)


def windows_at(frequency_hz: np.ndarray, centres_hz: tuple[float, ...] = BANDS_HZ) -> np.ndarray:
    """Return the amplitude windows (B, F) of B bands at F frequencies."""
    order = np.arange(len(centres_hz))
    position = np.interp(np.log2(np.maximum(frequency_hz, 1e-6)), np.log2(centres_hz), order)
    away = np.abs(position - order[:, None])
    return np.where(away < 1.0, 0.5 + 0.5 * np.cos(np.pi * np.minimum(away, 1.0)), 0.0)


def energy_share(sample_rate_hz: int) -> np.ndarray:
    """Return the share of the energy of white noise that the window of each band passes, (7,)."""
    return (windows(4097, sample_rate_hz) ** 2).mean(1)


def minimum_phase(magnitude: np.ndarray) -> np.ndarray:
    """Return the complex minimum-phase spectrum of magnitudes (..., n/2 + 1) of an n-point spectrum; same shape.

    Real cepstrum folded to positive time (Oppenheim and Schafer, Discrete-Time Signal Processing, section 12.3).
    """
    half = magnitude.shape[-1] - 1
    floor = 1e-5 * magnitude.max(-1, keepdims=True) + 1e-30
    cepstrum = fft.irfft(np.log(np.maximum(magnitude, floor)), 2 * half)
    cepstrum[..., 1:half] *= 2.0
    cepstrum[..., half + 1 :] = 0.0
    return np.exp(fft.rfft(cepstrum))


def path_spectra(gain: np.ndarray, count: int, sample_rate_hz: int) -> np.ndarray:
    """Return causal minimum-phase spectra (K, count) of band gains (K, 7), interpolated in log-magnitude between the bands."""
    log_gain = np.log(np.maximum(gain, 1e-9))
    return minimum_phase(np.exp(log_gain @ windows(count, sample_rate_hz)))
