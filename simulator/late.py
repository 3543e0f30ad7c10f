"""Late sound: from energy by time, direction and band to responses whose energy is exact.

Each sample carries one pulse of random sign. Its direction is drawn from the energy that arrives in its time bin, and it
reaches every channel with that channel's gain and delay in each band, so that both ears share one random sequence
and interaural delays, level differences and coherence follow from the directions. A random sequence has the wanted energy
only on average; so each band of each channel is scaled, block by block, to the energy it should have.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numba
import numpy as np
from scipy import fft

from simulator.bands import LATE_HZ, windows, windows_at

if TYPE_CHECKING:
    from simulator.binaural import Receiver

BLOCK_S = 0.016
"""Length of the blocks in which energy is made exact."""


def late_responses(
    energy: np.ndarray,
    bin_s: float,
    gain: np.ndarray,
    delay_s: np.ndarray,
    receiver: Receiver,
    length: int,
    rng: np.random.Generator,
) -> np.ndarray:
    """Turn energy (S, T, D, 7) into responses (V, S, C, length) for V headings.

    gain, delay_s: (V, D * J, C, 8) pressure gain and delay, by the bands LATE_HZ, of J directions in each of the D cells, cell
    by cell.
    """
    sources, _, cells, _ = energy.shape
    views, directions, channels, bands = gain.shape
    per_bin = round(bin_s * receiver.sample_rate_hz)
    block = max(1, round(BLOCK_S / bin_s))
    bins = -(-length // (per_bin * block)) * block
    energy = _by_late_band(_fit(energy, bins, per_bin / (bin_s * receiver.sample_rate_hz)))
    mean_square = (gain**2).reshape(views, cells, directions // cells, channels, bands).mean(2)
    samples = fft.next_fast_len(bins * per_bin + 2 * receiver.diffuse.shape[-1], real=True)
    shape = windows(samples // 2 + 1, receiver.sample_rate_hz, LATE_HZ)[:, None] * _stretch(receiver.diffuse, samples // 2 + 1)
    shape = np.ascontiguousarray(shape.transpose(1, 0, 2), np.complex64)
    share = np.einsum("cbf,cbf->cb", shape.real, shape.real) + np.einsum("cbf,cbf->cb", shape.imag, shape.imag)
    share /= shape.shape[-1]
    out = np.zeros((views, sources, channels, length), np.float32)
    gain, offset = gain.astype(np.float32), (delay_s * receiver.sample_rate_hz).astype(np.float32)
    for s in range(sources):
        random = rng.random((bins * per_bin, 4), np.float32)
        pulses = _draw(energy[s], random, per_bin, directions // cells)
        blocks = energy[s].reshape(-1, block, cells, bands).sum(1)
        goal = np.einsum("tdb,vdcb->vcbt", blocks, mean_square, optimize=True) * share[:, :, None]
        for v in range(views):
            signals = np.zeros((channels, bands, samples), np.float32)
            _place(*pulses, gain[v], offset[v], signals)
            signals = fft.irfft(fft.rfft(signals) * shape, samples)
            _sum_exact(signals, goal[v].astype(np.float32), block * per_bin, out[v, s])
    return out


def settle(late: np.ndarray, known: np.ndarray, sample_rate_hz: int) -> np.ndarray:
    """Scale late sound (..., T) so that its energy and that of known sound add up, block by block; known: (..., T).

    How a random sequence happens to interfere with the reflections known one by one would otherwise be heard as a different
    level from seed to seed.
    """
    size = round(BLOCK_S * sample_rate_hz)
    for row in np.ndindex(late.shape[:-1]):
        _settle(late[row], known[row], size)
    return late


@numba.njit(cache=True, nogil=True, error_model="numpy")
def _settle(late: np.ndarray, known: np.ndarray, size: int) -> None:
    """Scale (T,) late sound in place: |known + g late|^2 = |known|^2 + |late|^2 in each block, g interpolated between them."""
    blocks = (len(late) + size - 1) // size
    scale = np.ones(blocks)
    for k in range(blocks):
        cross, power = 0.0, 1e-30
        for n in range(k * size, min((k + 1) * size, len(late))):
            cross += known[n] * late[n]
            power += late[n] * late[n]
        tilt = cross / power
        scale[k] = min(max(np.sqrt(tilt * tilt + 1.0) - tilt, 0.5), 2.0)
    for n in range(len(late)):
        place = (n + 0.5) / size - 0.5
        k = min(max(int(np.floor(place)), 0), blocks - 1)
        share = min(max(place - k, 0.0), 1.0)
        late[n] *= scale[k] * (1.0 - share) + scale[min(k + 1, blocks - 1)] * share


def _fit(energy: np.ndarray, bins: int, step: float) -> np.ndarray:
    """Lay the energy (S, T, D, 7) into `bins` bins that are `step` times as long as before, so as to last whole samples."""
    if abs(step - 1.0) > 1e-9:
        edge = np.minimum(np.arange(bins + 1) * step, energy.shape[1])
        whole = np.minimum(edge.astype(np.int64), energy.shape[1] - 1)
        until = np.cumsum(energy, axis=1, dtype=np.float64) - energy
        return np.diff(until[:, whole] + energy[:, whole] * (edge - whole)[:, None, None], axis=1).astype(np.float32)
    missing = max(0, bins - energy.shape[1])
    return np.pad(energy, ((0, 0), (0, missing), (0, 0), (0, 0)))[:, :bins]


def _by_late_band(energy: np.ndarray) -> np.ndarray:
    """Turn energy by octave (S, T, D, 7) into energy by the bands LATE_HZ (S, T, D, 8); amplitudes mix in between."""
    return np.asarray((np.sqrt(energy) @ windows_at(np.asarray(LATE_HZ)).astype(np.float32)) ** 2)


def _stretch(spectrum: np.ndarray, count: int) -> np.ndarray:
    """Give (C, F) complex spectra on `count` bins: the same short response, transformed at a longer length."""
    return fft.rfft(fft.irfft(spectrum), 2 * (count - 1))


@numba.njit(cache=True, nogil=True, error_model="numpy")
def _sum_exact(signals: np.ndarray, goal: np.ndarray, size: int, out: np.ndarray) -> None:
    """Scale each band of (C, 8, N) to the energy (C, 8, B) of each block of `size` samples; add the bands to (C, N).

    Scales are interpolated between block centres; a second pass mends what the first one's interpolation missed.
    """
    channels, bands, blocks = goal.shape
    ramp = np.abs((np.arange(size) + 0.5) / size - 0.5).astype(np.float32)
    scale = np.empty((2, blocks), np.float32)
    whole = np.zeros(blocks * size, np.float32)
    for c in range(channels):
        whole[:] = 0.0
        for b in range(bands):
            signal = signals[c, b]
            for last in range(2):
                for k in range(blocks):
                    have = _energy(signal[k * size : (k + 1) * size])
                    scale[last, k] = min(np.sqrt(goal[c, b, k] / (have + np.float32(1e-30))), np.float32(4.0))
                for k in range(blocks):
                    _scale(signal[k * size : (k + 1) * size], ramp, scale[last], k)
            for n in range(len(whole)):
                whole[n] += signal[n]
        out[c] += whole[: out.shape[1]]


@numba.njit(cache=True, nogil=True, error_model="numpy")
def _energy(signal: np.ndarray) -> float:
    """Sum the squares of (N,) samples in eight sums that the processor can carry at once."""
    sums = np.zeros(8, np.float32)
    whole = len(signal) // 8 * 8
    for n in range(0, whole, 8):
        for i in range(8):
            sums[i] += signal[n + i] * signal[n + i]
    for n in range(whole, len(signal)):
        sums[0] += signal[n] * signal[n]
    return sums.sum()


@numba.njit(cache=True, nogil=True, error_model="numpy")
def _scale(signal: np.ndarray, ramp: np.ndarray, scale: np.ndarray, k: int) -> None:
    """Scale block k (N,) by its own scale at its centre, running to the mean with its neighbour's at either end."""
    half = len(ramp) // 2
    here, before, after = scale[k], scale[max(k - 1, 0)], scale[min(k + 1, len(scale) - 1)]
    for n in range(half):
        signal[n] *= here + (before - here) * ramp[n]
    for n in range(half, len(ramp)):
        signal[n] *= here + (after - here) * ramp[n]


@numba.njit(cache=True, nogil=True, error_model="numpy")
def _draw(energy: np.ndarray, random: np.ndarray, per_bin: int, parts: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Draw one pulse of random sign for each of N samples from energy (T, D, 8).

    Gives its size (N, 8) in each band, its direction (N,) among the D * parts, and its time (N,) in samples.
    """
    bins, cells, bands = energy.shape
    size = np.zeros((bins * per_bin, bands), np.float32)
    direction, time = np.zeros(bins * per_bin, np.int64), np.zeros(bins * per_bin)
    order = np.empty(per_bin, np.int64)
    weight = np.empty(cells, np.float64)
    for t in range(bins):
        total = 0.0
        for d in range(cells):
            weight[d] = 0.0
            for b in range(bands):
                weight[d] += energy[t, d, b]
            total += weight[d]
        if total <= 0.0:
            continue
        for i in range(per_bin):
            order[i] = i
        for i in range(per_bin - 1, 0, -1):
            j = int(random[t * per_bin + i, 0] * (i + 1))
            order[i], order[j] = order[j], order[i]
        d, passed = 0, weight[0]
        for i in range(per_bin):
            n = t * per_bin + i
            # One draw in each of per_bin equal shares of the energy: the bin's directions are met in proportion.
            wanted = (i + random[n, 1]) / per_bin * total
            while passed < wanted and d < cells - 1:
                d += 1
                passed += weight[d]
            if weight[d] <= 0.0:
                continue
            sign = 1.0 if random[n, 2] < 0.5 else -1.0
            direction[n] = d * parts + int(random[n, 3] * parts)
            time[n] = t * per_bin + order[i] + random[n, 2]
            for b in range(bands):
                size[n, b] = sign * np.sqrt(energy[t, d, b] * total / (weight[d] * per_bin))
    return size, direction, time


@numba.njit(cache=True, nogil=True, error_model="numpy")
def _place(
    size: np.ndarray, direction: np.ndarray, time: np.ndarray, gain: np.ndarray, offset: np.ndarray, out: np.ndarray
) -> None:
    """Put N pulses into (C, 8, T) with the gain and the offset in samples (K, C, 8) of their direction."""
    channels, bands, length = out.shape
    for n in range(len(size)):
        k = direction[n]
        for c in range(channels):
            for b in range(bands):
                m = int(time[n] + offset[k, c, b])
                if 0 <= m < length:
                    out[c, b, m] += size[n, b] * gain[k, c, b]
