"""Delays and levels against the theory's limits, pure delays, and a measured head."""

import numpy as np
import pytest
from scipy.signal import butter, oaconvolve, sosfiltfilt

from dataset.angles import direction
from simulator.receivers.hrtf import load_ears
from training.baselines.azimuth import gcc_phat_azimuth, head_delay, ild_azimuth, onset_gcc_phat_azimuth
from training.baselines.spherical_head import RADIUS_M, SPEED_M_S, ild_slopes, kuhn_itd, surface_pressure, woodworth_itd

RATE = 16000
LATERAL = np.array([-80.0, -45.0, -20.0, -5.0, 0.0, 10.0, 30.0, 60.0])


def test_long_waves_pass_the_ball_with_kuhns_delay_and_no_level():
    frequency = np.array([40.0, 80.0])
    left, right = surface_pressure(90.0 - LATERAL, frequency), surface_pressure(90.0 + LATERAL, frequency)
    # Time runs as exp(-i w t): a later wave has more phase.
    delay = np.angle(right / left) / (2 * np.pi * frequency)
    np.testing.assert_allclose(delay[:, 1:], delay[:, :1], rtol=0.02, atol=1e-9)
    np.testing.assert_allclose(delay[:, 0], kuhn_itd(LATERAL), rtol=0.02, atol=1e-9)
    np.testing.assert_allclose(np.abs(left), 1.0, atol=0.01)


def test_short_waves_double_their_pressure_on_the_near_side():
    assert abs(surface_pressure(np.array(0.0), np.array([8000.0])))[0] == pytest.approx(2.0, rel=0.02)
    assert abs(surface_pressure(np.array(150.0), np.array([8000.0])))[0] < 0.5


def test_woodworth_bends_around_the_head():
    # At 90 degrees the far ear is a quarter turn and one radius farther away.
    assert woodworth_itd(np.array(90.0)) == pytest.approx(RADIUS_M / SPEED_M_S * (np.pi / 2 + 1))
    assert woodworth_itd(np.array(-30.0)) == -woodworth_itd(np.array(30.0))


def test_delays_move_from_kuhns_to_woodworths():
    delay = head_delay(LATERAL, np.array([100.0, 1225.0, 6000.0]))
    np.testing.assert_allclose(delay[:, 0], kuhn_itd(LATERAL))
    np.testing.assert_allclose(delay[:, 1], (kuhn_itd(LATERAL) + woodworth_itd(LATERAL)) / 2, rtol=1e-3)
    np.testing.assert_allclose(delay[:, 2], woodworth_itd(LATERAL))


def test_levels_grow_as_measured_on_heads():
    # Van Opstal's rule of thumb for heads (2016, chapter 7): 0.18 sqrt(f) dB.
    edges = (500.0, 1000.0, 2000.0, 4000.0)
    np.testing.assert_allclose(ild_slopes(edges), 0.18 * np.sqrt([707.0, 1414.0, 2828.0]), rtol=0.35)


def delayed(noise: np.ndarray, delay_s: np.ndarray) -> np.ndarray:
    """Give (N, 2, L): the left ear hears the noise, the right ear hears it later."""
    spectrum, frequency = np.fft.rfft(noise), np.fft.rfftfreq(len(noise), 1 / RATE)
    late = np.fft.irfft(spectrum * np.exp(-2j * np.pi * frequency * delay_s[:, None]), len(noise))
    return np.stack([np.broadcast_to(noise, late.shape), late], 1)


@pytest.mark.parametrize("locate", [gcc_phat_azimuth, onset_gcc_phat_azimuth])
def test_pure_delays_are_read_as_azimuths(locate):
    noise = np.random.default_rng(0).standard_normal(RATE)
    high = sosfiltfilt(butter(8, 3000, "high", fs=RATE, output="sos"), noise)
    a_c = RADIUS_M / SPEED_M_S
    x = np.deg2rad(LATERAL)
    floor = 1e-3 * np.random.default_rng(1).standard_normal((len(x), 2, RATE))  # so that empty bands mean nothing
    found = locate(delayed(high, a_c * (x + np.sin(x))) + floor, RATE)
    np.testing.assert_allclose(found, LATERAL, atol=4.0)


@pytest.fixture(scope="module")
def heard() -> tuple[np.ndarray, np.ndarray]:
    """Noise from the side of a measured head (KEMAR): azimuths and (N, 2, L)."""
    ears = load_ears(None, RATE)
    azimuth = np.arange(-75.0, 80.0, 15.0)
    noise = np.random.default_rng(2).standard_normal(RATE)
    spectra, delay = ears.paths(direction(azimuth, 0 * azimuth))
    turn = np.pi * np.arange(spectra.shape[-1]) / (spectra.shape[-1] - 1)
    response = np.fft.irfft(spectra * np.exp(-1j * turn * RATE * (delay[..., None] + 0.002)))
    return azimuth, oaconvolve(noise[None, None], response, axes=-1)


@pytest.mark.parametrize(("locate", "tolerance"), [(gcc_phat_azimuth, 8.0), (onset_gcc_phat_azimuth, 8.0), (ild_azimuth, 45.0)])
def test_a_measured_head_is_near_enough_to_a_ball(heard, locate, tolerance):
    azimuth, sound = heard
    np.testing.assert_allclose(locate(sound, RATE), azimuth, atol=tolerance)


@pytest.mark.parametrize("locate", [gcc_phat_azimuth, onset_gcc_phat_azimuth, ild_azimuth])
def test_swapped_ears_mirror_the_answer_and_silence_is_ahead(heard, locate):
    _, sound = heard
    np.testing.assert_allclose(locate(sound[:, ::-1], RATE), -locate(sound, RATE), atol=0.5)
    assert (locate(np.zeros((2, 2, RATE)), RATE) == 0).all()


def test_onsets_hear_past_an_echo_from_the_other_side():
    rng = np.random.default_rng(3)
    sound = np.zeros((4, 2, RATE))
    for k, (first, echo) in enumerate([(30, -60), (-30, 60), (10, -45), (-50, 20)]):
        for start in range(0, RATE - 4800, 4000):
            burst = rng.standard_normal(2400) * np.exp(-np.arange(2400) / 600)
            for angle, after, gain in ((first, 0, 1.0), (echo, 400, 1.2)):
                pair = delayed(burst, woodworth_itd(np.array([float(angle)])))[0]
                sound[k, :, start + after : start + after + 2400] += gain * pair
    truth = np.array([30, -30, 10, -50])
    with_onsets, plain = (np.abs(f(sound, RATE) - truth).mean() for f in (onset_gcc_phat_azimuth, gcc_phat_azimuth))
    assert with_onsets < 10 < plain
