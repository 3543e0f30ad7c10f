"""Late energy of few rays: spread where it is sparse, unchanged where it is dense, and conserved."""

import numpy as np
import pytest

from simulator.acoustics.temporal_smoothing import smooth_energy

BIN_S, BINS, CELLS, GROUPS = 0.002, 500, 16, 32
FALL = 10 ** (-6 * np.arange(BINS) * BIN_S / 1.2)
"""60 dB in 1.2 s."""


def found(per_bin, seed=0):
    """Energy (D, 1, T, 7) and curves (G, 1, T) with a mean number of arrivals per bin, in a room of 1.2 s."""
    rng = np.random.default_rng(seed)
    count = rng.poisson(per_bin / CELLS / GROUPS, (GROUPS, CELLS, BINS)) * FALL
    energy = np.repeat(count.sum(0)[:, None, :, None], 7, -1).astype(np.float32)
    return energy, count.sum(1)[:, None]


def test_many_arrivals_are_left_as_they_are():
    energy, curves = found(1000)
    assert (smooth_energy(energy, curves, BIN_S) == energy).all()


@pytest.mark.parametrize("per_bin", [0.5, 3])
def test_few_arrivals_are_spread_evenly_without_loss(per_bin):
    energy, curves = found(per_bin)
    out = smooth_energy(energy, curves, BIN_S)
    assert out.sum((0, 2)) == pytest.approx(energy.sum((0, 2)), rel=1e-4)
    late = slice(250, 480)
    before, after = ((x[:, 0, late, 0].sum(0) / FALL[late]).std() / per_bin for x in (energy, out))
    assert after < 0.5 * before
    levels = 10 * np.log10([x[:, 0, late, 0].sum() for x in (energy, out)])
    assert levels[1] == pytest.approx(levels[0], abs=0.25)  # both ends of so short a time exchange energy with outside


def test_nothing_moves_further_than_hearing_and_decay_allow():
    energy, curves = np.zeros((CELLS, 1, BINS, 7), np.float32), np.zeros((GROUPS, 1, BINS))
    lone = np.arange(10, BINS, 40)
    energy[3, 0, lone], curves[5, 0, lone] = FALL[lone, None], FALL[lone]
    reached = np.flatnonzero(smooth_energy(energy, curves, BIN_S)[3, 0, :, 0])
    assert reached[:6].tolist() == [10, 48, 49, 50, 51, 52]  # a twentieth of 100 ms
    away = np.abs(reached[:, None] - lone).min(1)
    assert away.max() * BIN_S == pytest.approx(1.2 / 60, abs=BIN_S)


def test_directions_and_bands_keep_their_energy():
    energy, curves = found(1)
    energy *= np.arange(1, 8, dtype=np.float32)
    energy[4:] = 0
    out = smooth_energy(energy, curves, BIN_S)
    assert (out[4:] == 0).all()
    assert out.sum(2) == pytest.approx(energy.sum(2), rel=1e-4)


def test_silence_stays_silent():
    assert not smooth_energy(np.zeros((2, 1, 50, 7), np.float32), np.zeros((4, 1, 50)), BIN_S).any()
