"""Heads of other sizes against the rigid sphere (Rayleigh's series; Kuhn 1977; Woodworth 1938) and the law of scaling."""

import numpy as np
import pytest
from scipy.special import eval_legendre, spherical_jn, spherical_yn

from dataset.angles import direction
from simulator.acoustics.arrivals import sphere_cells
from simulator.acoustics.bands import LATE_HZ
from simulator.receivers.hrtf import SPECTRUM, load_ears, prepare, resized
from simulator.receivers.sofa import BUNDLED, Measurement, read_sofa

RATE, SPEED = 16000, 343.0
RADIUS = 0.0875
SCALES = [0.85, 1.15, 1.3]


def sphere(radius_m):
    """Measurement of a rigid sphere with ears at +-90 degrees: pressure there relative to the free field at its centre."""
    toward = sphere_cells(400)
    f = np.fft.rfftfreq(1024, 1 / 48000)
    ka = 2 * np.pi * np.maximum(f, 20.0) * radius_m / SPEED
    pressure = np.zeros((len(toward), 2, len(f)), complex)
    cosine = toward @ np.array([[-1.0, 0, 0], [1.0, 0, 0]]).T
    for m in range(60):
        outgoing = spherical_jn(m, ka, True) + 1j * spherical_yn(m, ka, True)
        with np.errstate(all="ignore"):
            term = np.nan_to_num((-1j) ** m * (2 * m + 1) * 1j / (ka**2 * outgoing))  # -: the source is where the wave comes from
        pressure += term * eval_legendre(m, cosine)[..., None]
    smooth = np.cos(np.clip((f - 16000) / 16000, 0, 1) * np.pi / 2)  # no ringing from the end of the spectrum
    late = np.exp(-2j * np.pi * f * 2e-3)
    return Measurement(np.fft.irfft(pressure.conj() * smooth * late), toward, 48000.0, "sphere", "0" * 64)


@pytest.fixture(scope="module")
def ball():
    return sphere(RADIUS)


@pytest.fixture(scope="module")
def kemar():
    return read_sofa(BUNDLED), load_ears(None, RATE)


def gain_db(ears, toward):
    return 20 * np.log10(np.abs(ears.paths(toward)[0]) * ears.level)


@pytest.mark.parametrize("scale", SCALES)
def test_a_resized_sphere_is_a_sphere_of_that_radius(ball, scale):
    ours, truth = resized(prepare(ball, RATE), ball, scale), prepare(sphere(scale * RADIUS), RATE)
    toward = direction(np.arange(-180.0, 180, 10), np.zeros(36))
    bins = slice(8, 225)  # 250 to 7000 Hz
    error = np.abs(gain_db(ours, toward) - gain_db(truth, toward))[..., bins]
    assert np.median(error) < 0.05 and np.quantile(error, 0.99) < 0.5
    delay, expected = ours.paths(toward)[1], truth.paths(toward)[1]
    assert np.abs((delay[:, 0] - delay[:, 1]) - (expected[:, 0] - expected[:, 1])).max() < 12e-6
    band, wanted = ours.bands(toward), truth.bands(toward)
    assert np.abs(20 * np.log10(band[0] * ours.level / (wanted[0] * truth.level)))[..., :7].max() < 0.2
    assert np.abs((band[1][:, 0] - band[1][:, 1]) - (wanted[1][:, 0] - wanted[1][:, 1])).max() < 15e-6


@pytest.mark.parametrize("scale", SCALES)
def test_the_interaural_delay_is_that_of_theory(ball, scale):
    ears = resized(prepare(ball, RATE), ball, scale)
    left = direction(np.array([90.0]), np.zeros(1))
    delay = ears.paths(left)[1][0]
    woodworth = scale * RADIUS / SPEED * (np.pi / 2 + 1)
    assert delay[1] - delay[0] == pytest.approx(woodworth, rel=0.06)
    band = ears.bands(direction(np.array([30.0]), np.zeros(1)))[1][0]
    kuhn = 3 * scale * RADIUS / SPEED * np.sin(np.deg2rad(30.0))
    assert band[1, LATE_HZ.index(250.0)] - band[0, LATE_HZ.index(250.0)] == pytest.approx(kuhn, rel=0.08)


@pytest.mark.parametrize("scale", SCALES)
def test_delays_of_a_measured_head_scale(kemar, scale):
    measured, ears = kemar
    toward = sphere_cells(200)
    assert resized(ears, measured, scale).paths(toward)[1] == pytest.approx(scale * ears.paths(toward)[1], abs=1e-12)


@pytest.mark.parametrize("scale", SCALES)
def test_the_response_at_f_is_that_of_the_original_at_k_f(kemar, scale):
    measured, ears = kemar
    toward = ears.directions[::7]  # no interpolation between directions
    f = np.linspace(0, RATE / 2, SPECTRUM // 2 + 1)
    known = (f > 200) & (scale * f < 7900)
    ours = gain_db(resized(ears, measured, scale), toward)[..., known]
    fine = 20 * np.log10(np.abs(np.fft.rfft(np.fft.irfft(ears.paths(toward)[0], SPECTRUM), 16 * SPECTRUM)) * ears.level)
    at = np.rint(scale * f[known] / (RATE / 2) * (8 * SPECTRUM)).astype(int)
    error = np.abs(ours - fine[..., at])
    assert np.median(error) < 0.1 and np.quantile(error, 0.95) < 0.6  # the rest are notches


@pytest.mark.parametrize("scale", [0.85, 1.15])
def test_a_notch_moves_to_its_frequency_over_k(scale):
    """A head with a second path of 0.1 ms, such as a pinna's: its first notch is at 5 kHz."""
    toward = sphere_cells(60)
    f = np.fft.rfftfreq(512, 1 / 48000)
    time = 2e-3 - 0.08 * toward @ np.array([[-1.0, 0, 0], [1.0, 0, 0]]).T / SPEED
    pinna = 1 + 0.8 * np.exp(-2j * np.pi * f * 1e-4)
    measured = Measurement(
        np.fft.irfft(pinna * np.exp(-2j * np.pi * f * time[..., None]), 512), toward, 48000.0, "notch", "0" * 64
    )
    spectra, _ = resized(prepare(measured, RATE), measured, scale).paths(toward)
    notch = np.abs(spectra).argmin(-1) * RATE / SPECTRUM
    assert notch == pytest.approx(5000 / scale, abs=1.5 * RATE / SPECTRUM)


@pytest.mark.parametrize("scale", SCALES)
def test_heads_of_all_sizes_are_transparent_at_low_frequencies(ball, scale):
    low = gain_db(resized(prepare(ball, RATE), ball, scale), sphere_cells(50))[..., 2:6]  # 60 to 160 Hz
    assert np.abs(low.mean((0, 1))).max() < 0.1


def test_a_head_of_the_same_size_is_the_original():
    assert load_ears(None, RATE, 1.0) is load_ears(None, RATE)
    assert load_ears(None, RATE, 1.1) is load_ears(None, RATE, 1.1)
    assert load_ears(None, RATE, 1.1) is not load_ears(None, RATE)
