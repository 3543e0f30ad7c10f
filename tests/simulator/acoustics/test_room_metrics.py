"""Room-acoustic measures on decays whose values are known in closed form."""

import numpy as np
import pytest

from simulator.acoustics.room_metrics import clarity, decay_time, direct_to_reverberant, early_decay_time, energy_decay, rt60

RATE = 16000


def exponential(t60_s, length_s=2.0):
    """A decay of 60 dB in t60_s."""
    t = np.arange(int(length_s * RATE)) / RATE
    return 10 ** (-3 * t / t60_s)


@pytest.mark.parametrize("t60", [0.2, 0.55, 1.3])
def test_an_exponential_decay_has_its_own_decay_time(t60):
    assert rt60(exponential(t60), RATE) == pytest.approx(t60, rel=1e-3)
    assert early_decay_time(exponential(t60), RATE) == pytest.approx(t60, rel=1e-3)


def test_noise_under_an_exponential_has_it_too():
    noise = np.random.default_rng(0).normal(size=2 * RATE)
    assert rt60(noise * exponential(0.6), RATE) == pytest.approx(0.6, rel=0.03)


def test_two_slopes_are_told_apart_by_early_and_late():
    response = exponential(0.3) + 0.05 * exponential(1.5)
    assert early_decay_time(response, RATE) == pytest.approx(0.3, rel=0.15)
    assert decay_time(energy_decay(response), 1 / RATE, -40, -60) == pytest.approx(1.5, rel=0.05)


def test_leading_axes_are_kept():
    responses = np.stack([[exponential(0.3), exponential(0.6)]] * 3)
    assert rt60(responses, RATE) == pytest.approx(np.array([[0.3, 0.6]] * 3), rel=1e-3)


def test_the_decay_starts_at_zero_and_never_rises():
    decay = energy_decay(np.random.default_rng(1).normal(size=(2, 500)))
    assert decay[:, 0] == pytest.approx([0, 0], abs=1e-12)
    assert (np.diff(decay) <= 0).all()


def test_silence_and_a_single_click_have_no_decay_time_and_do_not_fail():
    assert rt60(np.zeros((2, 100)), RATE).tolist() == [0, 0]
    assert rt60(np.eye(1, 100), RATE).tolist() == [0]


@pytest.mark.parametrize("onset", [0.0, 0.01])
def test_clarity_of_an_exponential(onset):
    """Energy before t over energy after: exp(13.8 t / T) - 1 (Kuttruff 2009, 7.4)."""
    response = np.concatenate([np.zeros(round(onset * RATE)), exponential(0.8)])
    expected = 10 * np.log10(np.exp(6 * np.log(10) * 0.05 / 0.8) - 1)
    assert clarity(response, RATE, onset_s=onset) == pytest.approx(expected, abs=0.02)


def test_direct_to_reverberant_ratio_is_that_of_energies():
    assert direct_to_reverberant(np.array([0.0, 2.0]), np.array([1.0, 1.0, 0.0])) == pytest.approx(10 * np.log10(2))
