"""Ears against their measurement, read here with h5py alone, and against geometry."""

import h5py
import numpy as np
import pytest

from dataset.angles import direction
from simulator.acoustics.arrivals import sphere_cells
from simulator.acoustics.bands import LATE_HZ, windows
from simulator.errors import InputError
from simulator.receivers.hrtf import SPECTRUM, load_ears, prepare
from simulator.receivers.sofa import BUNDLED, Measurement, read_sofa

RATE = 16000
FRONT = np.arange(-90, 91, 5)


@pytest.fixture(scope="module")
def ears():
    return load_ears(None, RATE)


@pytest.fixture(scope="module")
def kemar():
    """Spectra (M, 2, 4097) below 8 kHz of the measured responses, with azimuth and elevation (M,) in degrees."""
    with h5py.File(BUNDLED) as file:
        rate = float(file["Data.SamplingRate"][0])
        position = file["SourcePosition"][()]
        f = np.linspace(0, RATE / 2, 4097)
        time = np.arange(file["Data.IR"].shape[-1]) / rate
        spectra = file["Data.IR"][()] @ np.exp(-2j * np.pi * time[:, None] * f)
    return spectra, (position[:, 0] + 180) % 360 - 180, position[:, 1]


def lag_us(spectra):
    """Lag of the left ear behind the right, us: peak of the cross-correlation, searched on a 16 times finer grid."""
    cross = np.fft.irfft(spectra[..., 0, :] * np.conj(spectra[..., 1, :]), 16 * 8192)
    near = np.roll(cross, 500, -1)[..., :1000]  # 2 ms either way
    return (near.argmax(-1) - 500) / (16 * RATE) * 1e6


def level_difference_db(spectra):
    energy = (np.abs(spectra) ** 2).sum(-1)
    return 10 * np.log10(energy[..., 0] / energy[..., 1])


def interpolated(ears, azimuth_deg, elevation_deg=0.0):
    """Spectra (K, 2, 4097) of the ears for directions in degrees, delays included."""
    azimuth_deg = np.atleast_1d(np.asarray(azimuth_deg, float))
    spectra, delay = ears.paths(direction(azimuth_deg, np.full_like(azimuth_deg, elevation_deg)))
    fine = np.fft.rfft(np.fft.irfft(spectra, SPECTRUM), 8192)
    return fine * np.exp(-2j * np.pi * np.linspace(0, RATE / 2, 4097) * delay[..., None])


def measured(kemar, azimuth_deg):
    spectra, azimuth, elevation = kemar
    rows = [np.flatnonzero((np.abs(azimuth - a) < 0.1) & (elevation == 0))[0] for a in azimuth_deg]
    return spectra[rows]


def test_interaural_time_and_level_are_those_measured(ears, kemar):
    ours, truth = interpolated(ears, FRONT), measured(kemar, FRONT)
    assert np.abs(lag_us(ours) - lag_us(truth)).max() <= 10
    assert np.abs(level_difference_db(ours) - level_difference_db(truth)).max() <= 0.1


def test_magnitudes_at_measured_directions_are_those_measured(ears, kemar):
    ours, truth = (np.abs(s(x, FRONT)) for s, x in ((interpolated, ears), (measured, kemar)))
    smooth = windows(4097, RATE) ** 2
    ratio_db = 10 * np.log10((ours**2 @ smooth.T) / (truth**2 @ smooth.T))
    assert np.ptp(ratio_db) < 0.1  # one factor for all: the level is set by the diffuse field


def test_between_measured_directions_nothing_jumps(ears):
    degrees = np.arange(-180, 180.5, 0.5)
    spectra = interpolated(ears, degrees)
    step = np.abs(np.diff(lag_us(spectra)))
    # A sphere of KEMAR's size (radius 8.75 cm) changes by at most 2 a / c = 510 us per radian, 4.5 us per half degree, and
    # the lag here is read in steps of 3.9 us. Behind the ears the far ear receives sound on two ways round the head.
    assert step[np.abs(degrees[1:]) <= 90].max() < 8
    assert step.max() < 16
    assert np.abs(np.diff(level_difference_db(spectra))).max() < 0.6


def test_between_measured_directions_timing_lies_between_the_neighbours(ears, kemar):
    middle = FRONT[:-1] + 2.5
    at = lag_us(measured(kemar, FRONT))
    assert np.abs(lag_us(interpolated(ears, middle)) - 0.5 * (at[:-1] + at[1:])).max() < 12


def test_timing_follows_a_rigid_sphere(ears):
    lateral = np.deg2rad(FRONT)
    woodworth = 0.0875 / 343.0 * (lateral + np.sin(lateral)) * 1e6
    assert np.abs(-lag_us(interpolated(ears, FRONT)) - woodworth).max() < 80


def test_left_sources_are_earlier_and_louder_left(ears):
    spectra = interpolated(ears, [30.0, 60.0, 90.0])
    assert (lag_us(spectra) < -200).all()
    assert (level_difference_db(spectra) > 5).all()
    assert (lag_us(interpolated(ears, [-30.0, -60.0, -90.0])) > 200).all()


def test_front_reaches_the_ears_when_it_reaches_the_head(ears):
    _, delay = ears.paths(direction(np.array([0.0]), np.array([0.0])))
    assert abs(delay.mean()) < 1e-6


def test_a_diffuse_field_is_as_loud_at_the_ears_as_at_the_empty_heads_centre(ears):
    spectra, _ = ears.paths(sphere_cells(3000))
    assert 10 * np.log10((np.abs(spectra) ** 2).mean()) == pytest.approx(0.0, abs=0.2)


def test_bands_describe_the_paths(ears):
    toward = sphere_cells(500)
    gain, delay = ears.bands(toward)
    spectra, path_delay = ears.paths(toward)
    weight = windows(spectra.shape[-1], RATE, LATE_HZ) ** 2
    energy = np.abs(spectra) ** 2 @ weight.T / weight.sum(1)
    error_db = 10 * np.log10(gain**2 / energy)
    assert np.median(np.abs(error_db)) < 0.5
    high = [k for k, f in enumerate(LATE_HZ) if f >= 2000]
    itd, band_itd = (d[:, 0] - d[:, 1] for d in (path_delay, delay[..., high].mean(-1)))
    assert np.corrcoef(itd, band_itd)[0, 1] > 0.98


def test_interpolation_weights_are_a_partition_at_any_direction(ears):
    corner, weight = ears._weights(np.random.default_rng(3).normal(size=(2000, 3)))
    assert (weight >= 0).all()
    assert weight.sum(1) == pytest.approx(1.0)
    assert corner.max() < len(ears.directions)


def test_a_measured_direction_is_met_exactly(ears):
    _, weight = ears._weights(ears.directions)
    assert weight.max(1) == pytest.approx(1.0, abs=1e-6)


def test_responses_of_a_head_without_a_floor_below_are_closed_at_the_nadir(ears):
    low = direction(np.array([0.0, 90.0]), np.array([-89.0, -89.0]))
    _, delay = ears.paths(low)
    assert np.abs(delay[:, 0] - delay[:, 1]).max() < 60e-6


def test_ears_are_prepared_once(ears):
    assert load_ears(None, RATE) is ears


@pytest.mark.parametrize("rate", [8000, 22050, 44100, 48000])
def test_any_rate_keeps_timing_and_level(ears, kemar, rate):
    other = load_ears(None, rate)
    toward = direction(np.array([60.0]), np.array([0.0]))
    (gain,), (delay,) = other.bands(toward)
    (reference,), (expected,) = ears.bands(toward)
    common = [k for k, f in enumerate(LATE_HZ) if 2 * rate / SPECTRUM <= f <= min(rate / 4, 2000)]
    assert 20 * np.log10(gain[:, common] / reference[:, common]) == pytest.approx(0, abs=1.5)
    assert delay[:, common] == pytest.approx(expected[:, common], abs=60e-6)
    _, path_delay = other.paths(toward)
    assert (path_delay[0, 0] - path_delay[0, 1]) == pytest.approx(-480e-6, abs=60e-6)


def test_a_coarse_grid_of_any_shape_is_interpolated():
    """An artificial head of two points, 16 cm apart, in 60 directions: the delay between them follows from geometry."""
    toward = sphere_cells(60)
    time = 2e-3 - 0.08 * toward @ np.array([[-1.0, 0, 0], [1.0, 0, 0]]).T / 343.0
    f = np.fft.rfftfreq(512, 1 / 48000)
    responses = np.fft.irfft(np.exp(-2j * np.pi * f * time[..., None]), 512)
    ears = prepare(Measurement(responses, toward, 48000.0, "two points", "0" * 64), RATE)
    asked = direction(np.arange(-80.0, 81, 7), np.zeros(23))
    _, delay = ears.paths(asked)
    assert delay[:, 0] - delay[:, 1] == pytest.approx(-0.16 * -asked[:, 0] / 343.0, abs=35e-6)


@pytest.mark.parametrize("last", [90, 180])
def test_a_measurement_of_half_the_directions_is_refused_in_one_line(last):
    around = direction(np.linspace(0, last, 24), np.zeros(24))
    responses = np.zeros((24, 2, 64))
    responses[..., 10] = 1.0
    with pytest.raises(InputError, match=r"^[^\n]*half of all directions[^\n]*$"):
        prepare(Measurement(responses, around, 16000.0, "half a ring", "0" * 64), RATE)


def test_a_ring_at_ear_height_is_enough():
    around = direction(np.arange(0.0, 360, 15), np.zeros(24))
    responses = np.zeros((24, 2, 64))
    responses[..., 10] = 1.0
    ears = prepare(Measurement(responses, around, 16000.0, "ring", "0" * 64), RATE)
    _, delay = ears.paths(sphere_cells(50))
    assert np.isfinite(delay).all()


def test_the_bundled_file_is_kemar():
    kemar = read_sofa(BUNDLED)
    assert kemar.responses.shape == (710, 2, 512)
    assert kemar.sample_rate_hz == 44100
