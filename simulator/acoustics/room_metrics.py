"""Room-acoustic parameters of impulse responses (ISO 3382-1:2009): decay curve, EDT, T20, T30, C50, C80, D50 and DRR.

All functions work on the last axis and keep the leading ones. `measure` and `measure_bands` return every parameter at once,
broadband and by octave band.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy import signal

from simulator.acoustics.arrivals import BANDS_HZ

ONSET_DB = -20.0
"""The direct sound arrives where the squared response first exceeds this level relative to its maximum (ISO 3382-1, 5.3.1)."""
DIRECT_S = 0.0025
"""Length of the direct sound of a response whose direct part is not known apart (Zahorik 2002, J. Acoust. Soc. Am. 111)."""
FILTER_LEAD_S = 0.04
"""Silence put before a response so that the octave filters, which have zero phase, keep the energy they move forward."""
EMPTY = 1e-300
"""Energies below this count as none."""


@dataclass(frozen=True, eq=False)
class RoomMetrics:
    """Parameters of responses (..., T): arrays (...) from `measure`, (..., B) from `measure_bands`; NaN where unknown."""

    edt_s: np.ndarray
    """Early decay time, s: from 0 to -10 dB of the decay curve."""
    t20_s: np.ndarray
    """Reverberation time, s: from -5 to -25 dB."""
    t30_s: np.ndarray
    """Reverberation time, s: from -5 to -35 dB."""
    c50_db: np.ndarray
    """Clarity, dB: energy of the first 50 ms after the direct sound over the later energy."""
    c80_db: np.ndarray
    """Clarity, dB: the same for 80 ms."""
    d50: np.ndarray
    """Definition, 0 to 1: energy of the first 50 ms over the whole energy."""
    drr_db: np.ndarray
    """Direct-to-reverberant ratio, dB."""


def measure(response: np.ndarray, sample_rate_hz: float, direct: np.ndarray | None = None) -> RoomMetrics:
    """Compute the broadband parameters of responses (..., T) without noise floor.

    direct: (..., Td) the direct part of the responses, for the direct-to-reverberant ratio. Without it, the first DIRECT_S after
    the onset count as direct. Decay times are corrected for truncation (see `energy_decay`) and NaN where the response ends
    before the decay reaches the lower level of the fit.
    """
    return _measure(response, onset(response), sample_rate_hz, direct)


def measure_bands(response: np.ndarray, sample_rate_hz: float, direct: np.ndarray | None = None) -> RoomMetrics:
    """Compute the parameters of responses (..., T) in the B octave bands of `band_centres`; fields are (..., B).

    Arguments as in `measure`. The onset is that of the broadband response.
    """
    lead = [(0, 0)] * (response.ndim - 1) + [(round(FILTER_LEAD_S * sample_rate_hz), 0)]
    whole = np.pad(response, lead)
    part = None if direct is None else octave_bands(np.pad(direct, lead), sample_rate_hz)
    return _measure(octave_bands(whole, sample_rate_hz), onset(whole)[..., None], sample_rate_hz, part)


def band_centres(sample_rate_hz: float) -> tuple[float, ...]:
    """Return the centres, Hz, of the octave bands that lie wholly below half the sample rate."""
    return tuple(f for f in BANDS_HZ if f * np.sqrt(2.0) < 0.5 * sample_rate_hz)


def octave_bands(response: np.ndarray, sample_rate_hz: float) -> np.ndarray:
    """Filter responses (..., T) into the B octave bands of `band_centres`; (..., B, T) float64.

    Butterworth band-pass filters of third order, run forwards and backwards: zero phase, -6 dB at the edges of the bands.
    """
    edges = [(f / np.sqrt(2.0), f * np.sqrt(2.0)) for f in band_centres(sample_rate_hz)]
    filters = [signal.butter(3, edge, "bandpass", fs=sample_rate_hz, output="sos") for edge in edges]
    return np.stack([signal.sosfiltfilt(f, response.astype(np.float64), padtype=None) for f in filters], -2)


def onset(response: np.ndarray) -> np.ndarray:
    """Return the sample (...) int at which the direct sound of responses (..., T) arrives; see ONSET_DB."""
    energy = response.astype(np.float64) ** 2
    return np.asarray((energy >= 10.0 ** (ONSET_DB / 10.0) * energy.max(-1, keepdims=True)).argmax(-1))


def energy_decay(response: np.ndarray, *, correct_truncation: bool = False) -> np.ndarray:
    """Integrate the energy of responses (..., T) backwards (Schroeder 1965); (..., T) dB relative to the whole, <= 0.

    correct_truncation: add the energy that an exponential decay has after the end of the response (ISO 3382-1, 5.3.3,
    equation 3). Its rate is that of the second half of the response. A response that does not decay there has no such energy,
    and its curve is NaN.
    """
    energy = response.astype(np.float64) ** 2
    left = np.cumsum(energy[..., ::-1], -1)[..., ::-1]
    if correct_truncation:
        left = left + _energy_after(energy)[..., None]
    whole = np.maximum(left[..., :1], EMPTY)
    return 10.0 * np.log10(np.maximum(left / whole, 1e-20))


def decay_time(decay_db: np.ndarray, step_s: float, start_db: float, stop_db: float) -> np.ndarray:
    """Fit a line to decay curves (..., T) between two levels (least squares); return the time of 60 dB of decay, (...) s.

    Where the curve ends before `stop_db` the fit ends with it; a curve of fewer than two points in the range returns 0.
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


def rt60(response: np.ndarray, sample_rate_hz: float) -> np.ndarray:
    """Return the reverberation time of responses (..., T) without noise floor from 30 dB of decay (T30: -5 to -35 dB); (...) s.

    The same as RoomMetrics.t30_s, except where the decay passes -5 dB before the onset. The decay is corrected for truncation
    (see `energy_decay`). NaN where the response ends before -35 dB, or does not decay.
    """
    return _known_decay_time(energy_decay(response, correct_truncation=True), 1.0 / sample_rate_hz, -5.0, -35.0)


def clarity(response: np.ndarray, sample_rate_hz: float, early_s: float = 0.05, onset_s: float = 0.0) -> np.ndarray:
    """Return the clarity index (...), dB: energy of responses (..., T) until `early_s` after the onset over the rest.

    10 lg(E(0, t) / E(t, inf)), ISO 3382-1, A.10; C50 for 0.05 s, C80 for 0.08 s.
    """
    early, late = _split(response, round((onset_s + early_s) * sample_rate_hz))
    return _decibels(early, late)


def direct_to_reverberant(direct: np.ndarray, indirect: np.ndarray) -> np.ndarray:
    """Return the energy of direct responses (..., T) over that of their indirect parts; (...) dB."""
    return _decibels((direct.astype(np.float64) ** 2).sum(-1), (indirect.astype(np.float64) ** 2).sum(-1))


def _measure(response: np.ndarray, start: np.ndarray, sample_rate_hz: float, direct: np.ndarray | None) -> RoomMetrics:
    """Compute all parameters of responses (..., T) whose direct sound arrives at sample start (...)."""
    decay = energy_decay(response, correct_truncation=True)
    # What comes before the direct sound is no decay: lifted above 0 dB, it lies outside every fit.
    decay = np.where(np.arange(response.shape[-1]) < start[..., None], 1.0, decay)
    early, late = _split(response, start + round(0.05 * sample_rate_hz))
    split = _split(response, start + round(DIRECT_S * sample_rate_hz))
    if direct is not None:
        own = (direct.astype(np.float64) ** 2).sum(-1)
        rest = response.astype(np.float64)
        rest[..., : direct.shape[-1]] -= direct[..., : response.shape[-1]]
        split = own, (rest**2).sum(-1)
    return RoomMetrics(
        edt_s=_known_decay_time(decay, 1.0 / sample_rate_hz, 0.0, -10.0),
        t20_s=_known_decay_time(decay, 1.0 / sample_rate_hz, -5.0, -25.0),
        t30_s=_known_decay_time(decay, 1.0 / sample_rate_hz, -5.0, -35.0),
        c50_db=_decibels(early, late),
        c80_db=_decibels(*_split(response, start + round(0.08 * sample_rate_hz))),
        d50=early / np.where(early + late > EMPTY, early + late, np.nan),
        drr_db=_decibels(*split),
    )


def _known_decay_time(decay_db: np.ndarray, step_s: float, start_db: float, stop_db: float) -> np.ndarray:
    """Return `decay_time` (...) where the curves (..., T) reach the lower level within the response; NaN elsewhere."""
    time = decay_time(decay_db, step_s, start_db, stop_db)
    return np.where((decay_db[..., -1] <= stop_db) & (time > 0), time, np.nan)


def _energy_after(energy: np.ndarray) -> np.ndarray:
    """Extrapolate how much energy follows after (..., T) samples of an exponential decay; (...), NaN where none is seen.

    The mean time m of an exponential of rate r over a length L is 1/r - L / (exp(r L) - 1): solved for r by bisection on the
    second half of the samples. Of its energy E there, E / (exp(r L) - 1) follows.
    """
    late = energy[..., energy.shape[-1] // 2 :]
    length, total = late.shape[-1], late.sum(-1)
    middle = (late * (np.arange(length) + 0.5)).sum(-1) / np.where(total > 0, total, 1.0) / length
    low, high = np.full(total.shape, 1e-6), np.full(total.shape, 700.0)
    for _ in range(60):
        rate = 0.5 * (low + high)
        slower = 1.0 / rate - 1.0 / np.expm1(rate) < middle
        low, high = np.where(slower, low, rate), np.where(slower, rate, high)
    follows = total / np.expm1(0.5 * (low + high))
    return np.where(total > EMPTY, np.where(middle < 0.5 - 1e-6, follows, np.nan), 0.0)


def _split(response: np.ndarray, sample: np.ndarray | int) -> tuple[np.ndarray, np.ndarray]:
    """Return the energies (...) of responses (..., T) before a sample (...) and from it on."""
    energy = response.astype(np.float64) ** 2
    early = np.arange(response.shape[-1]) < np.asarray(sample)[..., None]
    return (energy * early).sum(-1), (energy * ~early).sum(-1)


def _decibels(energy: np.ndarray, reference: np.ndarray) -> np.ndarray:
    return 10.0 * np.log10(np.maximum(energy, EMPTY) / np.maximum(reference, EMPTY))
