"""Cues: known delays and levels between the ears are found, between samples too, and the left is positive."""

import numpy as np
import pytest

from dataset.interaural import ild_db, itd_us

RATE = 16000


def pulse(at: float, size: float = 1.0) -> np.ndarray:
    """Make a band-limited pulse at a time in samples."""
    return size * np.sinc(np.arange(256) - at) * np.hanning(256)


@pytest.mark.parametrize("lag", [-9.5, -3.25, 0, 0.0625, 5.5, 11])
def test_the_ear_that_leads_is_found(lag):
    ears = np.stack([pulse(120), pulse(120 + lag)])
    assert itd_us(ears, RATE) == pytest.approx(lag / RATE * 1e6, abs=1e6 / RATE / 32)


def test_louder_left_is_positive_and_axes_are_kept():
    ears = np.stack([[pulse(100), pulse(100, 0.5)], [pulse(100, 0.1), pulse(100)]])
    np.testing.assert_allclose(ild_db(ears), [20 * np.log10(2), -20], atol=1e-9)
    assert itd_us(ears, RATE).shape == (2,)


def test_a_tone_is_not_taken_for_one_a_period_off():
    time = np.arange(4000) / RATE
    ears = np.stack([np.sin(2 * np.pi * 500 * time), np.sin(2 * np.pi * 500 * (time - 3e-4))])
    assert itd_us(ears, RATE) == pytest.approx(300, abs=5)


def test_silence_has_no_cue():
    ears = np.stack([pulse(100), np.zeros(256)])
    assert np.isnan(itd_us(ears, RATE)) and np.isnan(ild_db(ears))
