"""From arrivals to responses: timing, level, rotation and coherence against geometry and the measured head."""

import h5py
import numpy as np
import pytest

from dataset.angles import direction
from simulator.acoustics.arrivals import Arrivals, Paths, sphere_cells
from simulator.receivers.ambisonics import Microphone
from simulator.receivers.hrtf import load_ears
from simulator.receivers.sofa import BUNDLED
from simulator.receivers.spatialize import convolve, late_directions, spatialize, to_head

RATE, SPEED = 16000, 343.0
CELLS, BIN_S = 128, 0.002


@pytest.fixture(scope="module")
def ears():
    return load_ears(None, RATE)


@pytest.fixture
def rng():
    return np.random.default_rng(5)


def paths(distance, toward, gain=None):
    distance = np.atleast_1d(np.asarray(distance, float))
    gain = 1 / distance[:, None] * np.ones(7) if gain is None else gain
    return Paths(np.zeros(len(distance), np.int32), distance, np.atleast_2d(toward), gain)


NONE = paths(np.zeros(0), np.zeros((0, 3)), np.zeros((0, 7)))


def field(direct=NONE, images=NONE, energy=None):
    energy = np.zeros((1, 1, CELLS, 7), np.float32) if energy is None else energy
    return Arrivals(direct, images, energy, BIN_S, sphere_cells(CELLS), SPEED)


def from_azimuth(azimuth_deg, elevation_deg=0.0):
    return direction(np.array([float(azimuth_deg)]), np.array([float(elevation_deg)]))


def fine_peak(response):
    """Time in samples of the highest point of a response, on a 64 times finer grid."""
    return np.fft.irfft(np.fft.rfft(response), 64 * len(response)).argmax() / 64


@pytest.mark.parametrize("distance", [0.5, 1.0, 1.2345, 2.0, 3.7])
def test_direct_sound_arrives_at_distance_over_c_with_one_over_distance(distance, rng):
    microphone = Microphone(0, RATE)
    direct, _ = spatialize(field(paths(distance, from_azimuth(40))), microphone, np.zeros(1), 600, 600, rng)
    assert fine_peak(direct[0, 0, 0].astype(float)) == pytest.approx(distance / SPEED * RATE, abs=0.05)
    spectrum = np.abs(np.fft.rfft(direct[0, 0, 0]))[: 300 * 7 // 8]  # the band limit begins at 7 kHz
    assert spectrum == pytest.approx(1 / distance, rel=0.01)


@pytest.mark.parametrize("distance", [0.5, 2.0])
def test_the_ears_hear_a_source_ahead_when_its_sound_passes_the_head(ears, distance, rng):
    direct, _ = spatialize(field(paths(distance, from_azimuth(0))), ears, np.zeros(1), 600, 600, rng)
    onset = [np.flatnonzero(np.abs(d) > 0.3 * np.abs(d).max())[0] for d in direct[0, 0]]
    assert np.mean(onset) == pytest.approx(distance / SPEED * RATE, abs=2.0)


def test_energy_falls_with_the_square_of_distance(ears, rng):
    energy = [
        (spatialize(field(paths(d, from_azimuth(25))), ears, np.zeros(1), 700, 700, rng)[0] ** 2).sum() for d in (1.0, 2.0, 4.0)
    ]
    assert energy[0] / energy[1] == pytest.approx(4, rel=1e-3)
    assert energy[1] / energy[2] == pytest.approx(4, rel=1e-3)


def test_left_is_earlier_and_louder_left(ears, rng):
    direct, _ = spatialize(field(paths(1.5, from_azimuth(60))), ears, np.zeros(1), 600, 600, rng)
    left, right = direct[0, 0]
    assert np.abs(left).argmax() + 5 < np.abs(right).argmax()
    assert (left**2).sum() > 4 * (right**2).sum()


@pytest.mark.parametrize("turn", [-130.0, -30.0, 12.5, 77.0])
def test_turning_the_head_is_moving_the_source_the_other_way(ears, turn, rng):
    turned, _ = spatialize(field(paths(1.5, from_azimuth(20, 15))), ears, np.array([turn]), 600, 600, rng)
    moved, _ = spatialize(field(paths(1.5, from_azimuth(20 - turn, 15))), ears, np.zeros(1), 600, 600, rng)
    assert turned == pytest.approx(moved, abs=1e-7)


def test_the_head_frame_follows_the_sign_convention():
    assert to_head(from_azimuth(70), 70.0) == pytest.approx(from_azimuth(0), abs=1e-12)
    assert to_head(from_azimuth(70, 20), 30.0) == pytest.approx(from_azimuth(40, 20), abs=1e-12)


@pytest.mark.parametrize("azimuth", [0, 45, 90, 180, -120])
def test_nothing_rings_before_and_nothing_clicks_after(ears, azimuth, rng):
    distance, length = 2.0, 800
    direct, _ = spatialize(field(paths(distance, from_azimuth(azimuth))), ears, np.zeros(1), length, length, rng)
    arrival = round(distance / SPEED * RATE)
    for ear in direct[0, 0].astype(float):
        total = (ear**2).sum()
        early = arrival - 16 - 16  # the head's radius is 4 samples; 1 ms more is the rise of the band limit
        assert (ear[:early] ** 2).sum() < 1e-6 * total
        assert (ear[: arrival - 6] ** 2).sum() < 0.03 * total
        assert (ear[arrival + 250 :] ** 2).sum() < 1e-5 * total
        assert np.abs(np.diff(ear[arrival + 200 :])).max() < 2e-3 * np.abs(ear).max()


def test_a_coloured_path_has_its_band_gains_and_comes_no_earlier(rng):
    gain = np.array([[0.9, 0.8, 0.6, 0.5, 0.4, 0.3, 0.2]])
    microphone = Microphone(0, RATE)
    direct, _ = spatialize(field(paths(2.0, from_azimuth(0), gain)), microphone, np.zeros(1), 1024, 1024, rng)
    spectrum = np.abs(np.fft.rfft(direct[0, 0, 0]))
    at = [int(f / RATE * 1024) for f in (125, 250, 500, 1000, 2000, 4000)]
    assert spectrum[at] == pytest.approx(gain[0, :6], rel=0.05)
    assert (direct[0, 0, 0, : int(2.0 / SPEED * RATE) - 4] ** 2).sum() < 0.02 * (direct**2).sum()


def test_a_response_cut_short_is_the_beginning_of_the_long_one(ears, rng):
    arrivals = field(paths(3.0, from_azimuth(10)), paths([3.5, 9.0], np.repeat(from_azimuth(10), 2, 0)))
    short, long = (spatialize(arrivals, ears, np.zeros(1), n, n, rng) for n in (170, 700))
    for a, b in zip(short, long, strict=True):
        assert a == pytest.approx(b[..., :170], abs=1e-7)


def diffuse(seconds=1.0, decay_s=None):
    """Isotropic energy of 1 a second; with a decay, falling by 60 dB in that time."""
    bins = round(seconds / BIN_S)
    fall = np.ones(bins) if decay_s is None else 10 ** (-6 * np.arange(bins) * BIN_S / decay_s)
    energy = fall[None, :, None, None] * np.full((1, bins, CELLS, 7), BIN_S / CELLS)
    return field(energy=energy.astype(np.float32))


BANDS = [(80, 200), (200, 400), (400, 800)]
BOUND = 0.08
"""Tolerance of late coherence against theory. KEMAR was not measured below -40 degrees; the assumption there contributes 0.05."""


@pytest.fixture(scope="module")
def theory():
    """Coherence of KEMAR in an isotropic field (frequencies of an 8192-point transform at 44.1 kHz), from the measured file."""
    with h5py.File(BUNDLED) as file:
        spectra = np.fft.rfft(file["Data.IR"][()], 8192)
        elevation = file["SourcePosition"][:, 1]
    count = np.array([(elevation == e).sum() for e in elevation])
    weight = np.cos(np.deg2rad(np.minimum(elevation, 87.5))) / count  # rings of equal thickness, 10 degrees
    weight[elevation == elevation.min()] *= 3.2  # and below -45 degrees, where nothing was measured, the lowest ring
    cross = (weight[:, None] * spectra[:, 0] * np.conj(spectra[:, 1])).sum(0).real
    power = (weight[:, None, None] * np.abs(spectra) ** 2).sum(0)
    return np.fft.rfftfreq(8192, 1 / 44100), cross / np.sqrt(power.prod(0))


def test_diffuse_theory_is_as_published(theory):
    f, coherence = theory
    assert [np.abs(coherence[(f >= a) & (f < b)]).mean() for a, b in BANDS] == pytest.approx([0.86, 0.55, 0.15], abs=0.03)


def test_late_coherence_is_that_of_the_head_in_a_diffuse_field(ears, theory):
    sums = 0
    for seed in range(6):
        _, late = spatialize(diffuse(2.0), ears, np.zeros(1), 10, 2 * RATE, np.random.default_rng(seed))
        pieces = np.lib.stride_tricks.sliding_window_view(late[0, 0].astype(float), 2048, -1)[:, 1000:29000:1024]
        left, right = np.fft.rfft(pieces * np.hanning(2048))
        sums = sums + np.array([(left * np.conj(right)).real.sum(0), (np.abs(left) ** 2).sum(0), (np.abs(right) ** 2).sum(0)])
    f = np.fft.rfftfreq(2048, 1 / RATE)
    for low, high in BANDS:
        cross, left, right = sums[:, (f >= low) & (f < high)].sum(1)
        expected = theory[1][(theory[0] >= low) & (theory[0] < high)].mean()
        assert cross / np.sqrt(left * right) == pytest.approx(expected, abs=BOUND), low


def test_late_sound_has_exactly_the_energy_that_arrives():
    arrivals = diffuse(0.512, decay_s=0.8)
    _, late = spatialize(arrivals, Microphone(0, RATE), np.zeros(1), 10, 8192, np.random.default_rng(0))
    received = (late[0, 0, 0].astype(float) ** 2).reshape(-1, 1024).sum(1)  # 64 ms each
    # All bands carry the same energy density, so the whole is the broadband energy, block by block.
    sent = arrivals.energy[0, :, :, 3].sum(1).reshape(-1, 32).sum(1)
    assert 10 * np.log10(received / sent) == pytest.approx(0, abs=0.02)
    assert 10 * np.log10(received.sum() / sent.sum()) == pytest.approx(0, abs=0.01)


def test_late_energy_at_the_ears_hangs_on_what_arrives_and_not_on_the_random_sequence(ears):
    arrivals = diffuse(0.512, decay_s=0.5)
    arrivals.energy[..., 4:] *= 0.3  # coloured, and mostly from one side
    arrivals.energy[:, :, arrivals.cells[:, 0] > 0] *= 0.2
    late = np.stack([spatialize(arrivals, ears, np.zeros(1), 10, 8192, np.random.default_rng(s))[1][0, 0] for s in range(8)])
    level = 10 * np.log10((late.astype(float) ** 2).reshape(8, 2, -1, 256).sum(-1))
    assert level.std(0)[:, 1:].max() < 0.12  # a sequence of such a length by itself: 0.4 dB
    assert 10 * np.log10((late.astype(float) ** 2).sum((1, 2))).std() < 0.005


def test_what_little_energy_a_band_has_is_spread_over_its_time_and_does_not_click():
    arrivals = diffuse(0.512)
    arrivals.energy[..., 3:] *= 0.01  # dull ...
    arrivals.energy[:, :, :100, 3:] = 0  # ... and what is bright comes from other directions than what is dull
    arrivals.energy[:, :, 100:, :3] = 0
    _, late = spatialize(arrivals, Microphone(0, RATE), np.zeros(1), 10, 8192, np.random.default_rng(0))
    bright = np.fft.irfft(np.fft.rfft(late[0, 0, 0]) * (np.fft.rfftfreq(8192, 1 / RATE) > 2000)).reshape(-1, 256)[2:-2]
    # Noise has a largest sample of 2.8 in 256; a pulse where all the block's energy meets has 16.
    assert (np.abs(bright).max(1) / bright.std(1)).max() < 5


def test_late_sound_is_as_loud_at_the_ears_as_in_the_empty_field(ears):
    _, late = spatialize(diffuse(1.0), ears, np.zeros(1), 10, RATE, np.random.default_rng(0))
    level_db = 10 * np.log10((late.astype(float) ** 2).sum(-1).mean() / 1.0)
    assert level_db == pytest.approx(0, abs=0.4)


def test_late_sound_from_the_left_favours_the_left_ear_and_turns_with_the_head(ears):
    arrivals = diffuse(0.3)
    from_left = arrivals.cells[:, 0] < -0.7
    arrivals.energy[:, :, ~from_left] = 0
    _, late = spatialize(arrivals, ears, np.array([0.0, 90.0, 180.0]), 10, 4800, np.random.default_rng(0))
    level = 10 * np.log10((late.astype(float) ** 2).sum(-1))[:, 0]
    assert level[0, 0] > level[0, 1] + 4
    assert abs(level[1, 0] - level[1, 1]) < 1.5  # now straight ahead
    assert level[2, 1] > level[2, 0] + 4


def test_late_sound_is_repeatable_and_seeds_differ(ears):
    arrivals = diffuse(0.2)
    a, b, c = (spatialize(arrivals, ears, np.zeros(1), 10, 3200, np.random.default_rng(s))[1] for s in (1, 1, 2))
    assert (a == b).all()
    assert np.abs(a - c).max() > 1e-3


def test_late_sound_does_not_start_before_its_bin(ears):
    arrivals = diffuse(0.4)
    arrivals.energy[:, :100] = 0  # 200 ms
    _, late = spatialize(arrivals, ears, np.zeros(1), 10, 6400, np.random.default_rng(0))
    before = (late[..., :3100].astype(float) ** 2).sum()
    assert before < 1e-3 * (late.astype(float) ** 2).sum()


@pytest.mark.parametrize("rate", [11025, 22050, 44100])
def test_late_sound_keeps_its_time_at_rates_whose_bins_are_no_whole_samples(rate):
    arrivals = diffuse(2.0)
    arrivals.energy[:, :850] = 0  # silent but from 1.7 to 1.75 s
    arrivals.energy[:, 875:] = 0
    _, late = spatialize(arrivals, Microphone(0, rate), np.zeros(1), 10, round(2.1 * rate), np.random.default_rng(0))
    power = late[0, 0, 0].astype(float) ** 2
    middle = (power * np.arange(len(power))).sum() / power.sum() / rate
    assert middle == pytest.approx(1.725, abs=0.0015)
    assert power.sum() / arrivals.energy[0, :, :, 3].sum() == pytest.approx(1, rel=0.06)


def test_late_directions_stay_in_their_cells():
    cells = sphere_cells(CELLS)
    spread = late_directions(cells).reshape(CELLS, -1, 3)
    assert np.linalg.norm(spread, axis=-1) == pytest.approx(1.0)
    angle = np.rad2deg(np.arccos(np.einsum("dpk,dk->dp", spread, cells)))
    assert angle.max() < 12  # a cell's radius, 2 / sqrt(128), is 10 degrees


def test_audio_is_the_convolution(rng):
    sound, response = rng.normal(size=(3, 1, 500)), rng.normal(size=(3, 2, 200))
    out = convolve(sound, response)
    assert out.shape == (3, 2, 500)
    for i in range(3):
        for c in range(2):
            assert out[i, c] == pytest.approx(np.convolve(sound[i, 0], response[i, c])[:500], abs=1e-10)
