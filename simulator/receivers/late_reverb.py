"""Late reverberation: from energy by time, direction and band to responses with exactly that energy.

Each sample is one pulse of random sign. Its direction is drawn, in each band, from the energy of its time bin, and every
channel receives it with its own gain and delay for that direction: both ears share one random sequence, so that interaural
delays, level differences and coherence follow from the directions. A random sequence has its target energy only on average;
`energy_matching.py` scales it to that energy.
"""

from __future__ import annotations

import numpy as np
from scipy import fft

from simulator.acoustics.bands import LATE_HZ, windows, windows_at
from simulator.kernels import kernel
from simulator.receivers.energy_matching import BLOCK_S, energy_gains, overlap, sum_matched, target_energies
from simulator.receivers.receiver import Receiver


def late_responses(
    energy: np.ndarray,
    bin_s: float,
    gain: np.ndarray,
    delay_s: np.ndarray,
    receiver: Receiver,
    length: int,
    rng: np.random.Generator,
) -> np.ndarray:
    """Return responses (V, S, C, length) for V headings from energy (S, T, D, 7) in time bins of bin_s.

    gain, delay_s: (V, D * J, C, 8) pressure gain and delay, by the bands LATE_HZ, of J directions in each of the D cells, cell
    by cell.
    """
    sources, _, cells, _ = energy.shape
    views, directions, channels, bands = gain.shape
    per_bin = round(bin_s * receiver.sample_rate_hz)
    block = max(1, round(BLOCK_S / bin_s))
    bins = -(-length // (per_bin * block)) * block
    energy = _by_late_band(_fit(energy, bins, per_bin / (bin_s * receiver.sample_rate_hz)))
    samples = fft.next_fast_len(bins * per_bin + 2 * receiver.diffuse.shape[-1], real=True)
    shape = windows(samples // 2 + 1, receiver.sample_rate_hz, LATE_HZ)[:, None] * _stretch(receiver.diffuse, samples // 2 + 1)
    shape = np.ascontiguousarray(shape.transpose(1, 0, 2), np.complex64)
    gain, offset = gain.astype(np.float32), (delay_s * receiver.sample_rate_hz).astype(np.float32)
    alone, together = energy_gains(gain, shape, cells), overlap(shape)
    out = np.zeros((views, sources, channels, length), np.float32)
    for s in range(sources):
        random = rng.random((bins * per_bin, 4), np.float32)
        pulses = _draw_pulses(energy[s], random, per_bin, directions // cells)
        target = target_energies(energy[s], block, alone)
        for v in range(views):
            signals = np.zeros((channels, bands, samples), np.float32)
            _place_pulses(*pulses, gain[v], offset[v], together, block * per_bin, signals, target[v, :, bands])
            signals = fft.irfft(fft.rfft(signals) * shape, samples)
            sum_matched(signals, target[v], block * per_bin, out[v, s])
    return out


def _fit(energy: np.ndarray, bins: int, step: float) -> np.ndarray:
    """Resample the energy (S, T, D, 7) to `bins` bins, `step` times as long, so that a bin is a whole number of samples."""
    if abs(step - 1.0) > 1e-9:
        edge = np.minimum(np.arange(bins + 1) * step, energy.shape[1])
        whole = np.minimum(edge.astype(np.int64), energy.shape[1] - 1)
        until = np.cumsum(energy, axis=1, dtype=np.float64) - energy
        return np.diff(until[:, whole] + energy[:, whole] * (edge - whole)[:, None, None], axis=1).astype(np.float32)
    missing = max(0, bins - energy.shape[1])
    return np.pad(energy, ((0, 0), (0, missing), (0, 0), (0, 0)))[:, :bins]


def _by_late_band(energy: np.ndarray) -> np.ndarray:
    """Return energy by the bands LATE_HZ (S, T, D, 8) of energy by octave (S, T, D, 7); amplitudes are interpolated."""
    return np.asarray((np.sqrt(energy) @ windows_at(np.asarray(LATE_HZ)).astype(np.float32)) ** 2)


def _stretch(spectrum: np.ndarray, count: int) -> np.ndarray:
    """Return complex spectra (C, F) on `count` bins: the zero-padded response, transformed at a greater length."""
    return fft.rfft(fft.irfft(spectrum), 2 * (count - 1))


@kernel(error_model="numpy")
def _draw_pulses(energy: np.ndarray, random: np.ndarray, per_bin: int, parts: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Draw one pulse of random sign for each of N samples from energy (T, D, 8).

    Returns size and direction (8, N), one of D * parts, of each pulse in each band, and its time (N,) in samples.
    """
    bins, cells, bands = energy.shape
    size, direction = np.zeros((bands, bins * per_bin), np.float32), np.zeros((bands, bins * per_bin), np.int32)
    time, order = np.zeros(bins * per_bin), np.empty(per_bin, np.int64)
    for t in range(bins):
        for i in range(per_bin):
            order[i] = i
        for i in range(per_bin - 1, 0, -1):
            j = int(random[t * per_bin + i, 0] * (i + 1))
            order[i], order[j] = order[j], order[i]
        for i in range(per_bin):
            n = t * per_bin + i
            time[n] = n - i + order[i] + random[n, 2]
        for b in range(bands):
            total = 0.0
            for d in range(cells):
                total += energy[t, d, b]
            d, passed = 0, np.float64(energy[t, 0, b])
            for i in range(per_bin):
                n = t * per_bin + i
                # Stratified: one draw in each of per_bin equal shares of the energy. Bands share the draw, and so the
                # direction as far as their energies arrive from the same ones.
                wanted = (i + random[n, 1]) / per_bin * total
                while passed < wanted and d < cells - 1:
                    d += 1
                    passed += energy[t, d, b]
                direction[b, n] = d * parts + int(random[n, 3] * parts)
                size[b, n] = np.sqrt(total / per_bin) * (1.0 if random[n, 2] < 0.5 else -1.0)
    return size, direction, time


@kernel(error_model="numpy")
def _place_pulses(
    size: np.ndarray,
    direction: np.ndarray,
    time: np.ndarray,
    gain: np.ndarray,
    offset: np.ndarray,
    together: np.ndarray,
    block: int,
    out: np.ndarray,
    cross: np.ndarray,
) -> None:
    """Add N pulses to out (C, 8, T) with the gain and the offset in samples (K, C, 8) of their direction.

    cross: (C, T / block), to which the energy of the overlap of neighbouring bands is added; see `energy_matching.overlap`.
    """
    channels, bands, length = out.shape
    reach = together.shape[2] // 2
    place, value = np.zeros(len(time), np.int64), np.zeros(len(time), np.float32)
    for c in range(channels):
        for b in range(bands):
            signal, gains, offsets = out[c, b], gain[:, c, b].copy(), offset[:, c, b].copy()
            for first in range(0, len(time), block):
                shared = np.float32(0.0)
                for n in range(first, first + block):
                    k = direction[b, n]
                    m, v = int(time[n] + offsets[k]), size[b, n] * gains[k]
                    if 0 <= m < length:
                        signal[m] += v
                    if b > 0 and abs(m - place[n]) <= reach:
                        shared += v * value[n] * together[c, b - 1, m - place[n] + reach]
                    place[n], value[n] = m, v
                cross[c, first // block] += 2 * shared
