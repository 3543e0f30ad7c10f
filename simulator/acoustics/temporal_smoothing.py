"""Temporal smoothing of sparse late energy, so that single rays are not audible as clicks.

The echo density of a room soon exceeds what listeners resolve; that of a few thousand rays may not. Where fewer than ENOUGH
arrivals fall into a time bin, its energy is spread over as many neighbouring bins as contain that many, up to the limits below.
Level and decay are preserved, and densely filled bins are unchanged.
"""

from __future__ import annotations

import numpy as np

from simulator.acoustics.room_metrics import decay_time
from simulator.kernels import kernel

ENOUGH = 16.0
"""Arrivals of equal weight: the relative standard deviation of such bins is a fourth."""
OF_TIME = 1 / 20
"""Energy is moved by at most this share of the time since emission ..."""
OF_DECAY = 1 / 60
"""... and of the reverberation time, 1 dB of decay: the mean of both sides is 0.04 dB above the level halfway."""


def smooth_energy(energy: np.ndarray, curves: np.ndarray, bin_s: float) -> np.ndarray:
    """Spread energy (D, S, T, B) in time; curves: (G, S, T) the energy found by each of G equal groups of rays."""
    widths = _widths(curves, bin_s)
    if not widths.any():
        return energy
    out = np.zeros_like(energy)
    _spread(energy, widths, out)
    return out


def _widths(curves: np.ndarray, bin_s: float) -> np.ndarray:
    """Return the number of bins (S, T) on either side over which the energy of a bin is spread.

    Groups of rays with a mean of k arrivals have the standard deviation sqrt(k): the spread of the groups estimates k.
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


@kernel(error_model="numpy")
def _spread(energy: np.ndarray, widths: np.ndarray, out: np.ndarray) -> None:
    """Distribute the energy of each bin of (D, S, T, B) equally over the bins within its width."""
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
