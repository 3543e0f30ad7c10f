"""Room-acoustic parameters on decays whose values are known in closed form, and beside pyroomacoustics."""

import numpy as np
import pytest
from pyroomacoustics.experimental import measure_rt60
from scipy import signal

from simulator.acoustics.room_metrics import (
    band_centres,
    clarity,
    decay_time,
    direct_to_reverberant,
    energy_decay,
    measure,
    measure_bands,
    octave_bands,
    onset,
    rt60,
)

RATE = 16000
LN = 6 * np.log(10)
"""Energy falls by exp(-LN t / T60)."""


def exponential(t60_s, length_s=2.0):
    """A decay of 60 dB in t60_s."""
    t = np.arange(int(length_s * RATE)) / RATE
    return 10 ** (-3 * t / t60_s)


@pytest.mark.parametrize("t60", [0.2, 0.55, 1.3])
def test_an_exponential_decay_has_its_own_decay_time(t60):
    found = measure(exponential(t60), RATE)
    assert rt60(exponential(t60), RATE) == pytest.approx(t60, rel=1e-3)
    for time in (found.edt_s, found.t20_s, found.t30_s):
        assert time == pytest.approx(t60, rel=1e-3)


def test_noise_under_an_exponential_has_it_too():
    noise = np.random.default_rng(0).normal(size=2 * RATE)
    assert rt60(noise * exponential(0.6), RATE) == pytest.approx(0.6, rel=0.03)


@pytest.mark.parametrize("t60", [0.3, 0.6, 0.9])
def test_decay_times_are_those_of_pyroomacoustics(t60):
    noise = np.random.default_rng(1).normal(size=2 * RATE) * exponential(t60)
    found = measure(noise, RATE)
    assert found.t30_s == rt60(noise, RATE)
    assert found.t30_s == pytest.approx(measure_rt60(noise, fs=RATE, decay_db=30), rel=0.02)
    assert found.t20_s == pytest.approx(measure_rt60(noise, fs=RATE, decay_db=20), rel=0.03)


def test_two_slopes_are_told_apart_by_early_and_late():
    response = exponential(0.3) + 0.05 * exponential(1.5)
    assert measure(response, RATE).edt_s == pytest.approx(0.3, rel=0.15)
    assert decay_time(energy_decay(response), 1 / RATE, -40, -60) == pytest.approx(1.5, rel=0.05)


def test_silence_before_the_direct_sound_is_no_decay():
    late = np.concatenate([np.zeros(800), exponential(0.4)])
    assert onset(late) == 800
    assert measure(late, RATE).edt_s == pytest.approx(0.4, rel=1e-3)
    assert measure(late, RATE).c50_db == pytest.approx(measure(exponential(0.4), RATE).c50_db, abs=1e-6)


def test_leading_axes_are_kept():
    responses = np.stack([[exponential(0.3), exponential(0.6)]] * 3)
    assert rt60(responses, RATE) == pytest.approx(np.array([[0.3, 0.6]] * 3), rel=1e-3)
    whole, bands = measure(responses, RATE, responses[..., :100]), measure_bands(responses, RATE, responses[..., :100])
    for name, value in vars(whole).items():
        assert value.shape == (3, 2)
        assert value[1, 1] == pytest.approx(getattr(measure(responses[1, 1], RATE, responses[1, 1, :100]), name))
        assert getattr(bands, name).shape == (3, 2, 6)


def test_the_decay_starts_at_zero_and_never_rises():
    decay = energy_decay(np.random.default_rng(1).normal(size=(2, 500)))
    assert decay[:, 0] == pytest.approx([0, 0], abs=1e-12)
    assert (np.diff(decay) <= 0).all()


@pytest.mark.parametrize("length", [0.6, 0.8, 1.2, 4.0])
def test_the_decay_beyond_the_end_of_a_response_is_accounted_for(length):
    """60 dB of decay last 1 s here: 36 dB fit into the shortest response."""
    decay = energy_decay(exponential(1.0, length), correct_truncation=True)
    line = -60 * np.arange(len(decay)) / RATE
    assert decay[line > -150] == pytest.approx(line[line > -150], abs=0.01)
    noise = np.random.default_rng(2).normal(size=(8, int(length * RATE))) * exponential(1.0, length)
    assert measure(noise, RATE).t30_s == pytest.approx(1.0, rel=0.04)


def test_decay_times_are_unknown_where_the_decay_does_not_fit_or_there_is_none():
    """30 dB below the first 5 dB do not fit into 0.5 s, 20 dB do; 0.1 s is too short for either."""
    half = measure(exponential(1.0, 0.5), RATE)
    assert np.isnan(half.t30_s)
    assert [half.t20_s, half.edt_s] == pytest.approx([1.0, 1.0], rel=1e-3)
    assert np.isnan(
        [measure(x, RATE).t20_s for x in (exponential(1.0, 0.1), np.ones(100), np.zeros(100), np.eye(1, 100)[0])]
    ).all()


@pytest.mark.parametrize("length", [0.62, 1.0, 2.0])
def test_reverberation_time_does_not_depend_on_the_length_of_the_response(length):
    noise = np.random.default_rng(5).normal(size=(16, int(length * RATE))) * exponential(1.0, length)
    assert rt60(noise, RATE).mean() == pytest.approx(1.0, rel=0.02)
    assert np.isnan(rt60(noise[:, : round(0.55 * RATE)], RATE)).all()


def test_silence_and_a_single_click_have_no_decay_time_and_do_not_fail():
    assert np.isnan(rt60(np.zeros((2, 100)), RATE)).all()
    assert np.isnan(rt60(np.eye(1, 100), RATE)).all()


@pytest.mark.parametrize("early", [0.05, 0.08])
def test_clarity_and_definition_of_an_exponential(early):
    """Energy before t over energy after: exp(13.8 t / T) - 1 (Kuttruff 2009, 7.4)."""
    ratio = np.exp(LN * early / 0.8) - 1
    late = np.concatenate([np.zeros(160), exponential(0.8)])
    found = measure(late, RATE)
    assert clarity(late, RATE, early, onset_s=0.01) == pytest.approx(10 * np.log10(ratio), abs=0.02)
    assert (found.c50_db if early == 0.05 else found.c80_db) == pytest.approx(10 * np.log10(ratio), abs=0.02)
    if early == 0.05:
        assert found.d50 == pytest.approx(ratio / (1 + ratio), abs=0.002)


def test_direct_to_reverberant_ratio_is_that_of_energies():
    assert direct_to_reverberant(np.array([0.0, 2.0]), np.array([1.0, 1.0, 0.0])) == pytest.approx(10 * np.log10(2))
    response = np.zeros(1000)
    response[[100, 130, 200]] = 2.0, 1.0, 0.5
    assert measure(response, RATE).drr_db == pytest.approx(10 * np.log10(5 / 0.25))
    assert measure(response, RATE, 2 * np.eye(1, 120, 100)[0]).drr_db == pytest.approx(10 * np.log10(4 / 1.25))


def test_each_octave_band_has_its_own_decay():
    """Noise of one band decays by 60 dB in 0.4 s, of another in 0.8 s."""
    rng, times = np.random.default_rng(3), {250.0: 0.8, 1000.0: 0.4, 4000.0: 0.6}
    filters = [signal.butter(6, [f / 1.6, f * 1.6], "bandpass", fs=RATE, output="sos") for f in times]
    noise = [signal.sosfilt(f, rng.normal(size=(16, 3 * RATE)))[:, RATE:] for f in filters]
    parts = [n * exponential(t) for n, t in zip(noise, times.values(), strict=True)]
    found = measure_bands(np.sum(parts, 0), RATE)
    at = [band_centres(RATE).index(f) for f in times]
    assert band_centres(RATE) == (125.0, 250.0, 500.0, 1000.0, 2000.0, 4000.0)
    assert found.t30_s[:, at].mean(0) == pytest.approx(list(times.values()), rel=0.05)


def test_white_noise_has_the_clarity_of_its_decay_in_each_band():
    noise = np.random.default_rng(4).normal(size=(64, 2 * RATE)) * exponential(0.8)
    ratio = np.exp(LN * 0.05 / 0.8) - 1
    found = measure_bands(noise, RATE)
    assert found.d50.mean(0) == pytest.approx(np.full(6, ratio / (1 + ratio)), abs=0.03)
    assert found.c50_db.mean(0)[2:] == pytest.approx(np.full(4, 10 * np.log10(ratio)), abs=0.3)


def test_octave_bands_pass_their_own_tones_with_zero_phase():
    click = np.eye(1, RATE, RATE // 2)[0]
    bands = octave_bands(click, RATE)
    gain = np.abs(np.fft.rfft(bands))
    for k, centre in enumerate(band_centres(RATE)):
        assert gain[k, round(centre)] == pytest.approx(1.0, abs=0.01)
        assert gain[k, [round(centre / 2**0.5), round(centre * 2**0.5)]] == pytest.approx([0.5, 0.5], abs=0.03)
        assert bands[k].argmax() == RATE // 2
