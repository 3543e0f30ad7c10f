"""Room-acoustic measures of impulse responses (ISO 3382-1): decay curve, RT60, EDT, C50 and direct-to-reverberant ratio."""

from __future__ import annotations

import numpy as np


def energy_decay(response: np.ndarray) -> np.ndarray:
    """Integrate the energy of (..., T) responses backwards (Schroeder 1965); (..., T) dB relative to the whole, <= 0."""
    left = np.cumsum(response[..., ::-1].astype(np.float64) ** 2, -1)[..., ::-1]
    whole = np.maximum(left[..., :1], 1e-300)
    return 10.0 * np.log10(np.maximum(left / whole, 1e-20))


def decay_time(decay_db: np.ndarray, step_s: float, start_db: float, stop_db: float) -> np.ndarray:
    """Fit a line to decay curves (..., T) between two levels and give the time of 60 dB of decay, (...) s.

    Where the curve ends before `stop_db` the fit ends with it; a curve of fewer than two points in the range gives 0.
    """
    t = np.arange(decay_db.shape[-1]) * step_s
    # The last sample's backward integral is its own energy alone: above it the truncated tail still bends the curve.
    inside = (decay_db <= start_db) & (decay_db >= stop_db)
    n = inside.sum(-1)
    safe = np.maximum(n, 1)
    mean_t = (inside * t).sum(-1) / safe
    mean_d = (inside * decay_db).sum(-1) / safe
    dt = inside * (t - mean_t[..., None])
    variance = (dt * dt).sum(-1)
    slope = (dt * (decay_db - mean_d[..., None])).sum(-1) / np.where(variance > 0, variance, 1.0)
    return np.where((n >= 2) & (slope < 0), -60.0 / np.where(slope < 0, slope, -1.0), 0.0)


def rt60(response: np.ndarray, sample_rate_hz: int) -> np.ndarray:
    """Estimate RT60 of (..., T) responses from 30 dB of decay (T30: -5 to -35 dB); (...) s."""
    return decay_time(energy_decay(response), 1.0 / sample_rate_hz, -5.0, -35.0)


def early_decay_time(response: np.ndarray, sample_rate_hz: int) -> np.ndarray:
    """Estimate the early decay time of (..., T) responses from their first 10 dB; (...) s."""
    return decay_time(energy_decay(response), 1.0 / sample_rate_hz, 0.0, -10.0)


def clarity(response: np.ndarray, sample_rate_hz: int, early_s: float = 0.05, onset_s: float = 0.0) -> np.ndarray:
    """Compare the energy of (..., T) responses in the first 50 ms after onset with the rest (C50); (...) dB."""
    split = round((onset_s + early_s) * sample_rate_hz)
    energy = response.astype(np.float64) ** 2
    return 10.0 * np.log10(energy[..., :split].sum(-1) / np.maximum(energy[..., split:].sum(-1), 1e-300))


def direct_to_reverberant(direct: np.ndarray, indirect: np.ndarray) -> np.ndarray:
    """Compare the energy of (..., T) direct responses with that of their indirect parts; (...) dB."""

    def energy(x: np.ndarray) -> np.ndarray:
        return np.maximum((x.astype(np.float64) ** 2).sum(-1), 1e-300)

    return 10.0 * np.log10(energy(direct) / energy(indirect))
