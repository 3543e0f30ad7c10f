"""Arrays of microphones and receivers of one's own: levels and delays against plane waves and closed forms."""

import h5py
import numpy as np
import pytest

import simulator
from dataset.angles import direction
from simulator.acoustics.air import speed_of_sound
from simulator.acoustics.bands import LATE_HZ
from simulator.receivers.hrtf import load_ears
from simulator.receivers.microphone_array import MicrophoneArray

FAST = simulator.AcousticsSettings(quality="draft", response_s=0.2, image_order=1)
FREE = ([[-50, 0, -50], [50, 0, -50], [0, 0, 50]], [[0, 2, 1]])
SPEED = speed_of_sound(20.0)


@pytest.fixture(scope="module")
def free_field():
    return simulator.Scene.from_arrays(*FREE, "opening")


def record(scene, receiver, azimuth=0.0, headings=0.0, distance=4.0, **settings):
    """Simulate a source at 20 m height, `distance` from the listener, at an azimuth to the left of -Z."""
    listener = np.array([0.0, 20.0, 0.0])
    source = listener + distance * direction(azimuth, 0.0)
    acoustics = simulator.AcousticsSettings(quality="draft", response_s=0.2, image_order=1, **settings)
    return simulator.simulate_brirs(scene, listener, headings, source, receiver=receiver, acoustics=acoustics)


def sum_at_0_hz(brirs):
    return brirs.direct[:, 0].astype(float).sum(-1)


def arrival(response):
    """Return the time of the peak of a response, in samples, on a grid of 1/64."""
    return np.fft.irfft(np.fft.rfft(response.astype(float)), 64 * len(response)).argmax() / 64


@pytest.mark.parametrize(
    ("pattern", "p"), [("omnidirectional", 1.0), ("cardioid", 0.5), ("hypercardioid", 0.25), ("figure_eight", 0.0)]
)
def test_first_order_patterns_have_their_gain_and_sign_at_every_angle(free_field, pattern, p):
    headings = np.array([0.0, 45.0, 90.0, 135.0, 180.0, 250.0])
    brirs = record(free_field, MicrophoneArray((0, 0, 0), pattern), headings=headings)
    assert brirs.direct.shape[:3] == (6, 1, 1) and brirs.indirect.shape[:3] == (6, 1, 1)
    expected = (p + (1 - p) * np.cos(np.deg2rad(headings))) / 4
    assert sum_at_0_hz(brirs)[:, 0] == pytest.approx(expected, abs=0.003)


def test_each_microphone_faces_its_own_way(free_field):
    pair = MicrophoneArray([(-0.1, 0, 0), (0.1, 0, 0)], "cardioid", facing=[(-2, 0, 0), (3, 0, 0)])
    left, right = sum_at_0_hz(record(free_field, pair, azimuth=60.0))[0]
    assert left == pytest.approx((0.5 + 0.5 * np.sin(np.pi / 3)) / 4, rel=0.02)
    assert right == pytest.approx((0.5 - 0.5 * np.sin(np.pi / 3)) / 4, rel=0.1)


@pytest.mark.parametrize(("rate", "temperature"), [(16000, 20.0), (48000, 0.0)])
def test_delays_are_those_of_the_distance_to_each_microphone(free_field, rate, temperature):
    places = np.array([(-0.1, 0, 0), (0.1, 0, 0), (0, 0.15, 0), (0, 0, -0.2), (0, 0, 0)])
    brirs = record(
        free_field, MicrophoneArray(places), azimuth=30.0, distance=5.9, sample_rate_hz=rate, temperature_c=temperature
    )
    distance = np.linalg.norm(5.9 * direction(30.0, 0.0) - places, axis=1)
    found = np.array([arrival(response) for response in brirs.direct[0, 0]])
    # 5.9 m away, a wavefront is 0.2^2 / (2 * 5.9) = 3.4 mm from plane.
    assert found / rate == pytest.approx(distance / speed_of_sound(temperature), abs=15e-6)


def test_an_array_turns_with_the_head(free_field):
    brirs = record(free_field, MicrophoneArray([(-0.2, 0, 0), (0.2, 0, 0)]), headings=[0.0, 90.0, -90.0, 180.0])
    lag = [(arrival(left) - arrival(right)) / brirs.sample_rate for left, right in brirs.direct[:, 0]]
    assert lag == pytest.approx([0.0, 0.4 / SPEED, -0.4 / SPEED, 0.0], abs=5e-6)


def test_late_sound_of_two_microphones_is_as_coherent_as_a_diffuse_field():
    import trimesh

    room = trimesh.creation.box((6.0, 4.0, 5.0))
    room.invert()
    scene = simulator.Scene.from_trimesh(room, "wall", library={"wall": {"absorption": 0.1, "scattering": 0.8}})
    spacing = 0.2
    array = MicrophoneArray([(-spacing / 2, 0, 0), (spacing / 2, 0, 0)])
    acoustics = simulator.AcousticsSettings(response_s=1.0)
    brirs = simulator.simulate_brirs(scene, (1, 0.3, 0.4), [0, 45, 90], (-1.3, -0.2, -0.9), receiver=array, acoustics=acoustics)
    late = brirs.indirect[:, 0, :, 3200:].astype(float)
    late = late[..., : late.shape[-1] // 256 * 256].reshape(3, 2, -1, 256) * np.hanning(256)
    spectra = np.fft.rfft(late)
    cross = (spectra[:, 0] * spectra[:, 1].conj()).mean((0, 1))
    power = (np.abs(spectra) ** 2).mean((0, 2))
    coherence = (cross / np.sqrt(power[0] * power[1])).real
    f = np.fft.rfftfreq(256, 1 / 16000)
    # Cook et al. 1955, J. Acoust. Soc. Am. 27, 1072: sin(kd) / (kd).
    expected = np.sinc(2 * f * spacing / SPEED)
    bands = [(200, 500), (700, 1000), (1100, 1500), (2000, 6000)]
    for low, high in bands:
        inside = (f >= low) & (f < high)
        assert coherence[inside].mean() == pytest.approx(expected[inside].mean(), abs=0.12), (low, high)


def test_a_pattern_of_ones_own_by_octave_band(free_field):
    bands = np.array([1.0, 1.0, 1.0, 1.0, 0.5, 0.25, 0.25])
    receiver = MicrophoneArray((0, 0, 0), lambda toward: np.where(toward[:, 2:] < 0, bands, -0.5 * bands)[:, None])
    brirs = record(free_field, receiver, headings=[0, 180], distance=2.0)
    ahead, behind = brirs.direct[:, 0, 0].astype(float)
    assert behind == pytest.approx(-0.5 * ahead, abs=1e-6)
    spectrum, f = np.abs(np.fft.rfft(ahead)) * 2, np.fft.rfftfreq(len(ahead), 1 / 16000)
    for band, expected in ((2, 1.0), (4, 0.5), (5, 0.25)):
        assert np.interp(125 * 2.0**band, f, spectrum) == pytest.approx(expected, rel=0.05)


class Delayed:
    """One omnidirectional channel, half as loud and 1 ms late; written after `simulator.Receiver`."""

    channels, sample_rate_hz, diffuse = 1, 16000, np.ones((1, 257), complex)
    delay = 1e-3

    def paths(self, toward):
        return np.full((len(toward), 1, 257), 0.5 + 0j), np.full((len(toward), 1), self.delay)

    def bands(self, toward):
        return np.full((len(toward), 1, len(LATE_HZ)), 0.5), np.full((len(toward), 1, len(LATE_HZ)), self.delay)


def test_a_receiver_of_ones_own(free_field):
    plain = record(free_field, MicrophoneArray((0, 0, 0)))
    late = record(free_field, Delayed())
    assert late.direct[0, 0, 0, 16:] == pytest.approx(0.5 * plain.direct[0, 0, 0, :-16], abs=1e-6)
    assert simulator.convolve(late, np.ones(100)).shape == (1, 1, 100)


def test_ears_are_a_receiver_like_any_other():
    scene = simulator.Scene.from_arrays(*FREE, "wood")
    place = (0, 1.5, 0), [0, 30], (0.5, 1.5, -2)
    plain = simulator.simulate_brirs(scene, *place, acoustics=FAST)
    passed = simulator.simulate_brirs(scene, *place, receiver=load_ears(None, 16000), acoustics=FAST)
    np.testing.assert_array_equal(passed.direct, plain.direct)
    np.testing.assert_array_equal(passed.indirect, plain.indirect)


def test_sofa_files_hold_the_places_of_the_microphones(free_field, tmp_path):
    brirs = record(free_field, MicrophoneArray([(-0.1, 0, 0), (0, 0.2, 0), (0, 0, -0.3)]), headings=[0, 30])
    simulator.write_sofa(tmp_path / "array.sofa", brirs)
    with h5py.File(tmp_path / "array.sofa") as file:
        np.testing.assert_array_equal(file["ReceiverPosition"][..., 0], [(0, 0.1, 0), (0, 0, 0.2), (0.3, 0, 0)])
        np.testing.assert_array_equal(file["Data.IR"][:].reshape(brirs.full().shape), brirs.full())


def in_spectrum(samples):
    """Return paths() with a delay in the spectrum."""
    spectrum = np.exp(-2j * np.pi * np.arange(257) / 512 * samples)
    return lambda self, toward: (np.tile(spectrum, (len(toward), 1, 1)), np.zeros((len(toward), 1)))


def changed(**members):
    return type("Changed", (Delayed,), members)()


WRONG = {
    "pattern": (lambda s: MicrophoneArray((0, 0, 0), "speech"), "'speech'; choose one of cardioid"),
    "place": (lambda s: MicrophoneArray([(0, 0)]), r"shape \(1, 2\)"),
    "far": (lambda s: MicrophoneArray([(0, 0, 2)]), "2 m from the centre .* at most 0.5 m"),
    "facing": (lambda s: MicrophoneArray([(0, 0, 0)] * 2, "cardioid", [(0, 0, 0)]), "longer than 0"),
    "fronts": (lambda s: MicrophoneArray([(0, 0, 0)] * 2, "cardioid", [(0, 0, 1)] * 3), "one vector, or 2"),
    "gains": (lambda s: record(s, MicrophoneArray((0, 0, 0), lambda d: d)), r"shape \(64, 3\) .*\(64, 1\) or \(64, 1, 7\)"),
    "signs": (
        lambda s: record(s, MicrophoneArray((0, 0, 0), lambda d: np.ones((len(d), 1, 7)) * [1, 1, 1, 1, 1, 1, -1])),
        "both signs",
    ),
    "rate": (lambda s: record(s, Delayed(), sample_rate_hz=48000), "16000 Hz; 48000 Hz is expected"),
    "members": (lambda s: record(s, object()), "object has no channels, sample_rate_hz"),
    "late": (lambda s: record(s, changed(delay=0.01)), "delays sound by 0.01 s"),
    "shape": (lambda s: record(s, changed(diffuse=np.ones((2, 257)))), r"diffuse have shape \(2, 257\)"),
    "long": (lambda s: record(s, changed(paths=in_spectrum(300))), "not within -20 to 192 samples"),
    "acausal": (lambda s: record(s, changed(paths=in_spectrum(-30))), "not within -20 to 192 samples"),
    "both": (
        lambda s: simulator.simulate_brirs(s, (0, 1, 0), 0, (0, 1, -2), hrtf="a.sofa", receiver=Delayed()),
        "both given",
    ),
    "engine": (lambda s: record(s, Delayed(), engine="soundspaces"), "ears only"),
}


@pytest.mark.parametrize("case", WRONG)
def test_wrong_use_is_one_clear_line(case, free_field):
    call, expected = WRONG[case]
    with pytest.raises(simulator.InputError, match=expected) as caught:
        call(free_field)
    assert "\n" not in str(caught.value)
