"""What pages show: true numbers, pictures and sounds that decode to what is stored, and nothing invented."""

import base64
import io
import json

import numpy as np
import pytest
import soundfile
from PIL import Image

from dataset.errors import DatasetError
from dataset.reader import Dataset
from dataset.viewer.payload import SMALL, WHOLE, Panels, SoundForm


def heard(text):
    """Decode base64 sound: (2, L) and its rate."""
    sound, rate = soundfile.read(io.BytesIO(base64.b64decode(text)), always_2d=True)
    return sound.T, rate


@pytest.fixture
def panels(data):
    return Panels(Dataset(data))


def bare(root, make_set, make_shard, make_manifest):
    """Write a set as SLfM's layout gives it: pictures, geometry and responses, no depth and no sound."""
    missing = ("depth", "instance", "mono", "audio", "clips", "rt60")
    one = {name: value for name, value in make_set("attic", 0).items() if name not in missing}
    make_shard(root, "attic", [one], absent=json.dumps(dict.fromkeys(missing, "not there")))
    make_manifest(root)
    return Panels(Dataset(root))


def test_facts_are_those_of_the_set(panels):
    facts, one = panels.facts(3), panels.data[3]
    assert facts["set"] == "barn/1" and facts["clips"] == ["noise0.wav", "noise1.wav"]
    for name in ("position", "heading", "source_position", "azimuth", "elevation", "distance", "rt60"):
        np.testing.assert_allclose(facts[name], one[name], atol=6e-4)
    assert facts["cameras"] == [{"hfov_deg": 60.0, "pitch_deg": -22.5, "roll_deg": 0.0}] * 2
    assert np.shape(facts["itd_us"]) == np.shape(facts["ild_db"]) == (2, 2)
    json.dumps(facts, allow_nan=False)


def test_each_view_has_its_own_camera(tmp_path, make_set, make_shard, make_manifest):
    angles = {"hfov_deg": [50.0, 52.5], "pitch_deg": [0.0, -5.0], "roll_deg": [3.0, -4.0]}
    one = {**make_set("attic", 0), **{name: np.float32(value) for name, value in angles.items()}}
    make_shard(tmp_path, "attic", [one])
    make_manifest(tmp_path)
    expected = [dict(zip(angles, values, strict=True)) for values in zip(*angles.values(), strict=True)]
    assert Panels(Dataset(tmp_path)).facts(0)["cameras"] == expected


@pytest.mark.parametrize("key", ["hfov_deg", "pitch_deg"])
def test_a_camera_without_its_angles_is_refused(key, tmp_path, make_set, make_shard, make_manifest):
    camera = {"hfov_deg": 60.0, "pitch_deg": -22.5}
    del camera[key]
    make_shard(tmp_path, "attic", [make_set("attic", 0)], settings=json.dumps({"camera": camera}))
    make_manifest(tmp_path)
    with pytest.raises(DatasetError, match=rf"attic-0000\.h5 have camera\.{key} = None; a number is expected"):
        Panels(Dataset(tmp_path)).facts(0)


def test_pictures_are_the_views(panels):
    for text, rgb in zip(panels.facts(0)["pictures"], panels.data.read(0, "rgb"), strict=True):
        picture = np.asarray(Image.open(io.BytesIO(base64.b64decode(text))))
        assert picture.shape == rgb.shape
        np.testing.assert_allclose(picture.mean((0, 1)), rgb.mean((0, 1)), atol=4)


def test_what_is_not_finite_is_none(tmp_path, make_data):
    def spoil(one):
        one["rt60"][0, 0, 1] = np.nan
        one["brir_direct"][1, 0, 0] = 0

    facts = Panels(Dataset(make_data(tmp_path / "data", spoil))).facts(3)
    assert facts["rt60"][0][0] == [pytest.approx(0.1, abs=1e-3), None]
    assert facts["itd_us"][1][0] is None and facts["ild_db"][1][0] is None


def test_whole_sounds_are_what_is_stored_and_sources_add_up(panels):
    sound, audio = panels.sound(2, WHOLE), panels.data.read(2, "audio")
    assert sound["sources"] == [-1, 0, 1] and not sound["response"]
    gain = 10 ** (sound["gain_db"] / 20)
    for view in range(2):
        every, first, second = (heard(track[view])[0] for track in sound["tracks"])
        np.testing.assert_allclose(every, gain * audio[view], atol=0.007)  # the gain is told to 0.1 dB
        np.testing.assert_allclose(every, first + second, atol=1e-3)
        assert np.abs(first).max() > 0.01 < np.abs(second).max()


def test_small_sounds_keep_their_ears(tmp_path, make_data):
    def left_only(one):
        one["audio"][:, 1] *= 0.1

    sound = Panels(Dataset(make_data(tmp_path / "data", left_only))).sound(3, SMALL)
    ears, rate = heard(sound["tracks"][0][0])
    assert rate == 16000 and ears.shape[1] == pytest.approx(0.2 * rate, abs=rate * 0.01)
    assert 10 * np.log10(np.mean(ears[0] ** 2) / np.mean(ears[1] ** 2)) == pytest.approx(20, abs=1.5)


def test_the_loudest_stretch_is_taken(tmp_path, make_data):
    def late(one):
        one["audio"][..., :2000] *= 0.01

    panels = Panels(Dataset(make_data(tmp_path / "data", late)))
    sound = panels.sound(3, SoundForm("FLAC", "PCM_16", "audio/flac", 0.05))
    assert sound["start_s"] >= 0.12 and sound["seconds"] == 0.05
    assert heard(sound["tracks"][0][0])[0].shape == (2, 800)


def test_absent_fields_are_absent_and_responses_can_be_heard(tmp_path, make_set, make_shard, make_manifest):
    panels = bare(tmp_path, make_set, make_shard, make_manifest)
    facts, sound = panels.facts(0), panels.sound(0, WHOLE)
    assert facts["rt60"] is None and facts["clips"] == [] and facts["azimuth"] is not None
    assert sound["response"] and sound["sources"] == [0, 1]
    direct = panels.data.read(0, "brir_direct")
    first = heard(sound["tracks"][0][0])[0]
    assert abs(first[0]).argmax() == direct[0, 0, 0].argmax()
    assert panels.plan("attic") == {"image": None, "extent": None}


def test_plans_are_clear_where_nothing_was_seen(panels):
    plan = panels.plan("barn")
    picture = Image.open(io.BytesIO(base64.b64decode(plan["image"])))
    left, right, bottom, top = plan["extent"]
    assert left < right and top < bottom
    assert picture.width / picture.height == pytest.approx((right - left) / (bottom - top), rel=0.05)
    clear = np.asarray(picture.convert("RGBA"))[..., 3] == 0
    assert 0.01 < clear.mean() < 0.99
