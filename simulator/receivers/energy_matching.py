"""Energy of late sound by block: target energies of each band of each channel and of their sum, and scaling to them.

A random sequence has its target energy only on average. After scaling, responses of different seeds differ by the traced
energy and not by the random sequence.
"""

from __future__ import annotations

import numpy as np
from scipy import fft

from simulator.kernels import kernel

BLOCK_S = 0.016
"""Length of the blocks whose energy is matched."""
REACH = 64
"""Offsets of two parts of one pulse, in samples, beyond which their overlap is neglected."""


def energy_gains(gain: np.ndarray, shape: np.ndarray, cells: int) -> np.ndarray:
    """Return the energy (V, D, C, 8) in each band of energy 1 from each of D cells; gain: (V, D * J, C, 8), shape: (C, 8, F)."""
    views, directions, channels, bands = gain.shape
    share = (np.abs(shape) ** 2).mean(-1)
    return (gain**2).reshape(views, cells, directions // cells, channels, bands).mean(2) * share


def overlap(shape: np.ndarray) -> np.ndarray:
    """Return the cross-correlation of pulses in neighbouring bands at -REACH to REACH samples; (C, 7, 2 REACH + 1).

    Neighbouring bands of one pulse add as amplitudes where their spectra overlap. shape: (C, 8, F).
    """
    product = fft.irfft(shape[:, :-1] * shape[:, 1:].conj())
    return np.concatenate([product[..., -REACH:], product[..., : REACH + 1]], -1)


def target_energies(energy: np.ndarray, block: int, gains: np.ndarray) -> np.ndarray:
    """Return the target energy (V, C, 9, B) of each block of time bins in each band and, without overlaps, in their sum."""
    power = energy.reshape(-1, block, *energy.shape[1:]).sum(1)
    by_band = np.einsum("tdb,vdcb->vcbt", power, gains, optimize=True)
    return np.concatenate([by_band, by_band.sum(2, keepdims=True)], 2).astype(np.float32)


@kernel(error_model="numpy")
def sum_matched(signals: np.ndarray, target: np.ndarray, size: int, out: np.ndarray) -> None:
    """Scale each band of (C, 8, N), then their sum, to the target energy (C, 9, B) of blocks of `size` samples; out: (C, T)."""
    bands = signals.shape[1]
    ramp = np.abs((np.arange(size) + 0.5) / size - 0.5).astype(np.float32)
    whole = np.zeros(target.shape[2] * size, np.float32)
    for c in range(len(signals)):
        whole[:] = 0.0
        for b in range(bands):
            _scale_to(signals[c, b], target[c, b], ramp)
            for n in range(len(whole)):
                whole[n] += signals[c, b, n]
        _scale_to(whole, target[c, bands], ramp)
        out[c] = whole[: out.shape[1]]


@kernel(error_model="numpy")
def _scale_to(signal: np.ndarray, target: np.ndarray, ramp: np.ndarray) -> None:
    """Scale (N,) in place to the energy of its blocks (B,).

    Scales are interpolated between block centres; a second pass corrects the error of the interpolation in the first.
    """
    size, scale = len(ramp), np.empty(len(target), np.float32)
    for _ in range(2):
        for k in range(len(target)):
            have = _energy(signal[k * size : (k + 1) * size])
            scale[k] = min(np.sqrt(max(target[k], np.float32(0.0)) / (have + np.float32(1e-30))), np.float32(4.0))
        for k in range(len(target)):
            _scale(signal[k * size : (k + 1) * size], ramp, scale, k)


@kernel(error_model="numpy")
def _energy(signal: np.ndarray) -> float:
    """Return the sum of squares of (N,) samples; eight partial sums allow vector instructions."""
    sums = np.zeros(8, np.float32)
    whole = len(signal) // 8 * 8
    for n in range(0, whole, 8):
        for i in range(8):
            sums[i] += signal[n + i] * signal[n + i]
    for n in range(whole, len(signal)):
        sums[0] += signal[n] * signal[n]
    return sums.sum()


@kernel(error_model="numpy")
def _scale(signal: np.ndarray, ramp: np.ndarray, scale: np.ndarray, k: int) -> None:
    """Scale block k (N,) by scales interpolated linearly between the centres of the blocks."""
    half = len(ramp) // 2
    here, before, after = scale[k], scale[max(k - 1, 0)], scale[min(k + 1, len(scale) - 1)]
    for n in range(half):
        signal[n] *= here + (before - here) * ramp[n]
    for n in range(half, len(ramp)):
        signal[n] *= here + (after - here) * ramp[n]


def match_energy(late: np.ndarray, known: np.ndarray, sample_rate_hz: int) -> np.ndarray:
    """Scale late sound (..., T) in place so that in each block energies add: |known + late|^2 = |known|^2 + |late|^2.

    known: (..., T), the individual reflections. Their interference with the random sequence would otherwise change the level
    from seed to seed.
    """
    size = round(BLOCK_S * sample_rate_hz)
    for row in np.ndindex(late.shape[:-1]):
        _match_energy(late[row], known[row], size)
    return late


@kernel(error_model="numpy")
def _match_energy(late: np.ndarray, known: np.ndarray, size: int) -> None:
    """Scale (T,) late sound in place by g, interpolated between blocks: |known + g late|^2 = |known|^2 + |late|^2 in each."""
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
