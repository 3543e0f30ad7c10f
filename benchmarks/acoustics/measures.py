"""Room-acoustic parameters of energy over time, before spatialisation: decay times, clarity, direct-to-reverberant ratio."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from simulator.acoustics.arrivals import Arrivals
from simulator.acoustics.room_metrics import decay_time


class Measures(NamedTuple):
    """ISO 3382-1 measures; each field may be an array."""

    t30: np.ndarray
    """s, from -5 to -35 dB."""
    t20: np.ndarray
    """s, from -5 to -25 dB."""
    edt: np.ndarray
    """s, from the first 10 dB."""
    c50: np.ndarray
    """dB."""
    drr: np.ndarray
    """Direct-to-reverberant ratio, dB."""


def echogram(arrivals: Arrivals, source: int = 0) -> np.ndarray:
    """Return the energy of all arrivals from one source by time bin and band; (T, 7)."""
    energy = arrivals.energy[source].sum(1, dtype=np.float64)
    for paths in (arrivals.direct, arrivals.images):
        own = paths.source == source
        at = (paths.distance[own] / arrivals.speed_m_s / arrivals.bin_s).astype(int)
        inside = at < len(energy)
        np.add.at(energy, at[inside], paths.gain[own][inside] ** 2)
    return energy


def decay_curve(energy: np.ndarray) -> np.ndarray:
    """Integrate energy by time (..., T) backwards (Schroeder 1965); (..., T) dB relative to the whole."""
    left = np.cumsum(energy[..., ::-1], -1)[..., ::-1]
    return 10.0 * np.log10(np.maximum(left / np.maximum(left[..., :1], 1e-300), 1e-20))


def measure(energy: np.ndarray, bin_s: float, distance_m: float, speed_m_s: float) -> Measures:
    """Return the parameters of energy by time (..., T) whose direct sound over distance_m has the energy 1 / distance^2."""
    decay = decay_curve(energy)
    t30, t20, edt = (decay_time(decay, bin_s, *span) for span in ((-5.0, -35.0), (-5.0, -25.0), (0.0, -10.0)))
    split = round((distance_m / speed_m_s + 0.05) / bin_s)
    early, late = energy[..., :split].sum(-1), energy[..., split:].sum(-1)
    direct = distance_m**-2.0
    reverberant = energy.sum(-1) - direct
    return Measures(t30, t20, edt, 10.0 * np.log10(early / late), 10.0 * np.log10(direct / reverberant))
