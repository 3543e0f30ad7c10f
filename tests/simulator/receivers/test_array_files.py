"""Files of microphone arrays: delays between capsules are those of their geometry, levels follow their directivity, errors."""

from __future__ import annotations

import json

import h5py
import numpy as np
import pytest

import simulator
from dataset.angles import direction
from dataset.reader import Dataset
from dataset.verify import verify
from simulator.acoustics.air import speed_of_sound
from simulator.errors import InputError
from simulator.receivers.array_files import BUNDLED, find_array, read_array
from simulator.render import main

SPEED, RATE = speed_of_sound(20.0), 48000
FREE = ([[-50, 0, -50], [50, 0, -50], [0, 0, 50]], [[0, 2, 1]])
LISTENER = np.array([0.0, 20.0, 0.0])
EXAMPLES = sorted(path.stem for path in BUNDLED.glob("*.toml"))


@pytest.fixture(scope="module")
def free_field():
    return simulator.Scene.from_arrays(*FREE, "opening")


def heard(scene, name: str, azimuth: float, elevation: float, heading: float = 0.0) -> np.ndarray:
    """Return the direct responses (M, T) to a source 4 m away, at angles relative to the head."""
    source = LISTENER + 4 * direction(azimuth + heading, elevation)
    acoustics = simulator.AcousticsSettings(quality="draft", response_s=0.1, image_order=0, sample_rate_hz=RATE)
    brirs = simulator.simulate_brirs(scene, LISTENER, heading, source, receiver=simulator.load_array(name), acoustics=acoustics)
    return brirs.direct[0, 0].astype(float)


def test_there_are_three_examples() -> None:
    assert EXAMPLES == ["glasses", "ring", "tetrahedral"]


@pytest.mark.parametrize("name", EXAMPLES)
@pytest.mark.parametrize(("azimuth", "elevation", "heading"), [(35.0, 10.0, 0.0), (-110.0, -30.0, 75.0)])
def test_delays_between_capsules_are_those_of_their_geometry(free_field, name, azimuth, elevation, heading) -> None:
    found, capsules = heard(free_field, name, azimuth, elevation, heading), read_array(BUNDLED / f"{name}.toml")
    toward = direction(azimuth, elevation)
    expected = -(capsules.position @ toward) / SPEED * RATE
    size = 2 * found.shape[1]
    spectra = np.fft.rfft(found, size)
    low = slice(20, size // 8)
    bins = np.arange(size // 2 + 1)[low]
    for k in range(1, len(found)):
        phase = np.unwrap(np.angle(spectra[k, low] / spectra[0, low]))
        delay = -np.polyfit(bins, phase, 1)[0] * size / (2 * np.pi)
        assert delay == pytest.approx(expected[k] - expected[0], abs=0.02)


@pytest.mark.parametrize(("azimuth", "elevation"), [(45.0, 35.26), (0.0, 0.0), (-135.0, 35.26), (180.0, -20.0)])
def test_levels_of_the_tetrahedral_microphone_follow_the_cardioid(free_field, azimuth, elevation) -> None:
    found, capsules = heard(free_field, "tetrahedral", azimuth, elevation), read_array(BUNDLED / "tetrahedral.toml")
    expected = (0.5 + 0.5 * capsules.facing @ direction(azimuth, elevation)) / 4
    np.testing.assert_allclose(found.sum(1), expected, atol=0.003)


def test_the_ring_records_one_level_everywhere(free_field) -> None:
    np.testing.assert_allclose(heard(free_field, "ring", 77.0, 5.0).sum(1), 1 / 4, rtol=0.01)


def test_a_b_format_from_the_tetrahedron_points_to_the_source(free_field) -> None:
    """Sums and differences of the capsules are W, Y, Z, X below 1 kHz: their ratios give the direction."""
    azimuth, elevation = 50.0, 20.0
    a = heard(free_field, "tetrahedral", azimuth, elevation).sum(1)
    x, y, z = (
        (np.array(signs) * a).sum() for signs in ((1, 1, -1, -1), (1, -1, 1, -1), (1, -1, -1, 1))
    )  # front left up, front right down, rear left down, rear right up
    assert np.rad2deg(np.arctan2(y, x)) == pytest.approx(azimuth, abs=1.0)
    assert np.rad2deg(np.arctan2(z, np.hypot(x, y))) == pytest.approx(elevation, abs=1.0)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("capsule = 3", "has no \\[\\[capsule\\]\\] tables"),
        ("[[capsule]]\nfacing = [0, 0, 1]", "capsule 0 has no position"),
        ("[[capsule]]\nposition = [0, 0]", "three numbers x, y, z"),
        ("[[capsule]]\nposition = [0, 0, 0]\nalpha = 2", "alpha of 0 to 1"),
        ("[[capsule]]\nposition = [0, 0, 0]\nfacing = [0, 0, 0]", "a facing that is not 0"),
        ("[[capsule]]\nposition = [0, 0, 0]\ngain = 2", "has gain; position, facing, alpha are known"),
        ("[[capsule]]\nposition = [0, 3, 0]", "3 m from the centre"),
        ("[[capsule]]\nposition = [0, nan, 0]", "NaN or infinite"),
        ("[[capsule", "is not TOML"),
    ],
)
def test_files_that_cannot_be_used_are_refused_with_the_reason(tmp_path, text, message) -> None:
    path = tmp_path / "array.toml"
    path.write_text(text)
    with pytest.raises(InputError, match=message):
        find_array(path)


def test_an_unknown_name_lists_the_examples() -> None:
    with pytest.raises(InputError, match="glasses, ring, tetrahedral"):
        find_array("eigenmike")


@pytest.mark.slow
@pytest.mark.parametrize("rate", [44100, 48000])
def test_an_array_and_ambisonics_beside_the_ears_at_other_sample_rates(tiny_scenes, tiny_options, tmp_path, rate) -> None:
    out = tmp_path / "data"
    options = [*tiny_options, "--sets", "1", "--receiver", "tetrahedral", "--set", f"acoustics.sample_rate_hz={rate}"]
    options += ["--set", "acoustics.ambisonic_order=1", "--workers", "0", "--out", str(out)]
    assert main(["--scenes", str(tiny_scenes / "alpha.glb"), *options]) == 0
    assert verify(out) == []
    one = Dataset(out)[0]
    assert one["array_rir"].shape == (2, 1, 4, rate // 10) and one["ambisonic_rir"].shape == (2, 1, 4, rate // 10)
    with h5py.File(next((out / "shards").glob("*.h5")), locking=False) as file:
        assert file.attrs["sample_rate"] == rate
        receiver = json.loads(file.attrs["settings"])["inputs"]["receiver"]
    position = np.array([capsule["position"] for capsule in receiver["capsules"]])
    for view in range(2):
        toward = direction(float(one["azimuth"][view, 0]), float(one["elevation"][view, 0]))
        expected = (float(one["distance"][view, 0]) - position @ toward) / SPEED * rate
        for k, response in enumerate(one["array_rir"][view, 0]):
            if 0.5 + 0.5 * np.array(receiver["capsules"][k]["facing"]) @ toward > 0.3:
                assert abs(np.abs(response[: int(expected[k]) + 12]).argmax() - expected[k]) < 1.5
