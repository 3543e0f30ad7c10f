"""Late energy found by few rays, spread over the time around it, so that single rays are not heard as clicks.

Echoes in a room soon follow each other more densely than anyone can tell; those of some thousand rays may not. Where fewer than
ENOUGH arrivals fill a time bin, its energy is laid over as many bins around it as hold so many, within what hearing and the
decay allow. Levels and decay stay what they were, and with many rays nothing changes.
"""

from __future__ import annotations

import numba
import numpy as np

from simulator.acoustics.room_metrics import decay_time

ENOUGH = 16.0
"""Arrivals of equal weight: by chance such bins differ by a fourth."""
OF_TIME = 1 / 20
"""Energy moves at most by this share of the time since emission ..."""
OF_DECAY = 1 / 60
"""... and of the reverberation time, so over 1 dB of decay: the mean of both sides is 0.04 dB above what is halfway."""


def spread_out(energy: np.ndarray, curves: np.ndarray, bin_s: float) -> np.ndarray:
    """Spread energy (D, S, T, B) in time, as widely as curves (G, S, T), what each of G equal groups of rays found, ask for."""
    widths = _widths(curves, bin_s)
    if not widths.any():
        return energy
    out = np.zeros_like(energy)
    _lay(energy, widths, out)
    return out


def _widths(curves: np.ndarray, bin_s: float) -> np.ndarray:
    """Give to how many bins (S, T) on either side the energy of a bin should reach.

    Groups of rays that find a mean of k arrivals differ by sqrt(k): their spread tells how many arrivals there were.
    """
    bins = curves.shape[-1]
    level = 10.0 * np.log10(np.maximum(np.cumsum(curves.sum(0)[:, ::-1], -1)[:, ::-1], 1e-30))
    reverberation = decay_time(level - level[:, :1], bin_s, -5.0, -35.0)
    most = np.minimum(OF_TIME * np.arange(bins), OF_DECAY * reverberation[:, None] / bin_s).astype(np.int64)
    first, last = np.maximum(np.arange(bins) - most, 0), np.minimum(np.arange(bins) + most + 1, bins)
    until = np.pad(np.cumsum(curves, -1), ((0, 0), (0, 0), (1, 0)))
    found = np.take_along_axis(until, last[None], -1) - np.take_along_axis(until, first[None], -1)
    arrivals = len(curves) * found.mean(0) ** 2 / np.maximum(found.var(0, ddof=1), 1e-30)
    wanted = ENOUGH * (last - first) / np.maximum(arrivals, 1e-3)
    return np.minimum(np.ceil(0.5 * (wanted - 1.0)).astype(np.int64), most)


@numba.njit(cache=True, nogil=True, error_model="numpy")
def _lay(energy: np.ndarray, widths: np.ndarray, out: np.ndarray) -> None:
    """Add the energy of each bin of (D, S, T, B) to those up to its width away, in equal shares."""
    cells, sources, bins, bands = energy.shape
    for d in range(cells):
        for s in range(sources):
            for t in range(bins):
                filled = False
                for b in range(bands):
                    filled |= energy[d, s, t, b] > 0
                if not filled:
                    continue
                first, last = max(t - widths[s, t], 0), min(t + widths[s, t] + 1, bins)
                share = np.float32(1.0) / np.float32(last - first)
                for other in range(first, last):
                    for b in range(bands):
                        out[d, s, other, b] += energy[d, s, t, b] * share
