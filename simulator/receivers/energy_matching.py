"""Energy of late sound, block by block: what each band of each channel and their sum should have, and scaling to it.

A random sequence has the wanted energy only on average. Scaled, responses of different seeds differ by what rays found and
not by their noise.
"""

from __future__ import annotations

import numba
import numpy as np
from scipy import fft

BLOCK_S = 0.016
"""Length of the blocks in which energy is made exact."""
REACH = 64
"""Samples between the two ears' and two bands' parts of one pulse beyond which their overlap counts as none."""


def energy_gains(gain: np.ndarray, shape: np.ndarray, cells: int) -> np.ndarray:
    """Give what energy 1 from each of D cells makes in each band, (V, D, C, 8); gain: (V, D * J, C, 8), shape: (C, 8, F)."""
    views, directions, channels, bands = gain.shape
    share = (np.abs(shape) ** 2).mean(-1)
    return (gain**2).reshape(views, cells, directions // cells, channels, bands).mean(2) * share


def overlap(shape: np.ndarray) -> np.ndarray:
    """Give the product that a pulse in one band has with one in the next, 0 +- REACH samples later; (C, 7, 2 REACH + 1).

    Neighbouring bands of one pulse add up as amplitudes where their spectra overlap; shape: (C, 8, F).
    """
    product = fft.irfft(shape[:, :-1] * shape[:, 1:].conj())
    return np.concatenate([product[..., -REACH:], product[..., : REACH + 1]], -1)


def goals(energy: np.ndarray, block: int, gains: np.ndarray) -> np.ndarray:
    """Give the energy (V, C, 9, B) that each block of time bins should have in each band, and in their sum but for overlaps."""
    power = energy.reshape(-1, block, *energy.shape[1:]).sum(1)
    by_band = np.einsum("tdb,vdcb->vcbt", power, gains, optimize=True)
    return np.concatenate([by_band, by_band.sum(2, keepdims=True)], 2).astype(np.float32)


@numba.njit(cache=True, nogil=True, error_model="numpy")
def sum_exact(signals: np.ndarray, goal: np.ndarray, size: int, out: np.ndarray) -> None:
    """Scale each band of (C, 8, N), then their sum, to the energy (C, 9, B) of each block of `size` samples; sum to (C, T)."""
    bands = signals.shape[1]
    ramp = np.abs((np.arange(size) + 0.5) / size - 0.5).astype(np.float32)
    whole = np.zeros(goal.shape[2] * size, np.float32)
    for c in range(len(signals)):
        whole[:] = 0.0
        for b in range(bands):
            _scale_to(signals[c, b], goal[c, b], ramp)
            for n in range(len(whole)):
                whole[n] += signals[c, b, n]
        _scale_to(whole, goal[c, bands], ramp)
        out[c] = whole[: out.shape[1]]


@numba.njit(cache=True, nogil=True, error_model="numpy")
def _scale_to(signal: np.ndarray, goal: np.ndarray, ramp: np.ndarray) -> None:
    """Scale (N,) to the energy of its blocks (B,), in place.

    Scales are interpolated between block centres; a second pass mends what the first one's interpolation missed.
    """
    size, scale = len(ramp), np.empty(len(goal), np.float32)
    for _ in range(2):
        for k in range(len(goal)):
            have = _energy(signal[k * size : (k + 1) * size])
            scale[k] = min(np.sqrt(max(goal[k], np.float32(0.0)) / (have + np.float32(1e-30))), np.float32(4.0))
        for k in range(len(goal)):
            _scale(signal[k * size : (k + 1) * size], ramp, scale, k)


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
