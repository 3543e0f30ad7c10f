"""What a run says of one's own pictures and sounds follows from the files; what cannot be used is refused in one line."""

import csv
import json

import numpy as np
import pytest
import soundfile
from PIL import Image

from dataset.reader import Dataset
from training.config import preset
from training.errors import InputError
from training.evaluation.learned import Learned, load_predictor
from training.predict import QUIET_DB, follow, main, read_picture, read_sound
from training.tasks import checkpoint
from training.tasks.slfm import Slfm

RATE = 16000


def signs(sign):
    return {"rotation": {"signs": {"SLfM": {"sign": sign, "mean_deg_kept": 10.0, "mean_deg_turned": 60.0, "pairs": 9}}}}


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    """A run whose network is untrained: its answers mean nothing, but they depend on what it is given."""
    folder = tmp_path_factory.mktemp("run")
    settings = preset("small")
    checkpoint.save(folder / "slfm.pt", settings, {"model": Slfm(settings).state_dict()})
    return folder


@pytest.fixture
def pictures(tiny_data, tmp_path):
    rgb = Dataset(tiny_data, "test").read(0, "rgb")
    paths = [tmp_path / f"{k}.png" for k in range(2)]
    for path, one in zip(paths, rgb, strict=False):
        Image.fromarray(one).save(path)
    return [str(p) for p in paths]


class Loudness(Learned):
    """Answers the level of the left ear over the right in dB, so that a window's answer tells what it held."""

    clip = 1600
    name = "loudness"

    def __init__(self):
        pass

    def azimuth(self, sound, sample_rate):
        assert sample_rate == RATE and sound.shape[1:] == (2, self.clip) and sound.dtype == np.float32
        power = np.mean(sound.astype(float) ** 2, -1)
        return 10 * np.log10(np.maximum(power[:, 0], 1e-12) / np.maximum(power[:, 1], 1e-12))


def test_exchanging_pictures_negates_the_turn_and_the_reports_sign_turns_it(run, pictures, capsys):
    def turn(paths):
        assert main([str(run), *paths]) == 0
        return float(capsys.readouterr().out.split("(")[1].split(";")[0])

    (run / "report.json").unlink(missing_ok=True)
    unsigned = turn(pictures)
    assert turn(pictures[::-1]) == -unsigned
    (run / "report.json").write_text(json.dumps(signs(-1)))
    assert turn(pictures) == -unsigned
    (run / "report.json").write_text(json.dumps(signs(1)))
    assert turn(pictures) == unsigned


def test_an_answer_is_that_of_the_predictor(run, pictures, capsys):
    (run / "report.json").unlink(missing_ok=True)
    rgb = [np.asarray(Image.open(p))[None] for p in pictures]
    expected = load_predictor(run / "slfm.pt").rotation(*rgb)[0]
    assert main([str(run), *pictures]) == 0
    text = capsys.readouterr().out
    assert f"({expected:+.1f};" in text and "is not checked" in text


def test_pictures_are_upright_and_cut_to_the_networks_shape(tmp_path):
    rgb = np.zeros((100, 60, 3), np.uint8)
    rgb[:50] = 255  # white above
    picture = Image.fromarray(rgb)
    exif = picture.getexif()
    exif[0x0112] = 3  # the camera was held upside down
    picture.save(tmp_path / "a.png", exif=exif)
    read = read_picture(tmp_path / "a.png", 4 / 3)
    assert read.shape == (45, 60, 3)
    assert read[:20].max() == 0 and read[-20:].min() == 255
    wide = Image.fromarray(np.full((30, 100), 7, np.uint8))  # grey
    wide.save(tmp_path / "b.png")
    assert read_picture(tmp_path / "b.png", 4 / 3).shape == (30, 40, 3)


def test_a_sound_of_another_rate_is_the_same_sound(tmp_path):
    def tone(rate):
        t = np.arange(rate) / rate
        return np.stack([np.sin(2 * np.pi * 440 * t), np.sin(2 * np.pi * 440 * (t - 5e-4))], -1) / 2

    soundfile.write(tmp_path / "a.flac", tone(44100), 44100)
    read = read_sound(tmp_path / "a.flac")
    assert read.shape == (2, RATE) and read.dtype == np.float32
    np.testing.assert_allclose(read[:, 800:-800], tone(RATE).T[:, 800:-800], atol=2e-4)


def test_moments_stand_where_the_sound_was(tmp_path):
    rng = np.random.default_rng(0)
    sound = rng.standard_normal((2, 3 * RATE)).astype(np.float32)
    sound[1, : 3 * RATE // 2] *= 10 ** (-20 / 20)  # left for 1.5 s, then right
    sound[0, 3 * RATE // 2 :] *= 10 ** (-20 / 20)
    track = follow(Loudness(), sound, 0.05)
    assert len(track.time_s) == 1 + (3 * RATE - 1600) // 800
    np.testing.assert_allclose(track.time_s[[0, 1]], [0.05, 0.1])
    np.testing.assert_allclose(track.azimuth_deg[track.time_s < 1.44], 20, atol=1.5)
    np.testing.assert_allclose(track.azimuth_deg[track.time_s > 1.56], -20, atol=1.5)
    np.testing.assert_allclose(track.level_db[0, 0], 0, atol=0.5)


def test_quiet_moments_have_no_azimuth():
    sound = np.random.default_rng(0).standard_normal((2, RATE)).astype(np.float32)
    sound[:, RATE // 2 :] *= 10 ** (-(QUIET_DB + 6) / 20)
    track = follow(Loudness(), sound, 0.1)
    quiet = track.time_s > 0.55
    assert np.isnan(track.azimuth_deg[quiet]).all() and np.isnan(track.gcc_phat_deg[quiet]).all()
    assert np.isfinite(track.azimuth_deg[track.time_s < 0.5]).all()


def test_table_and_plot_hold_what_the_data_sets_ears_heard(run, tiny_data, tmp_path, capsys):
    data = Dataset(tiny_data, "test")
    audio = data.read(0, "audio", view=0)
    soundfile.write(tmp_path / "ears.wav", audio.T, RATE, subtype="FLOAT")
    out = tmp_path / "out"
    assert main([str(run), str(tmp_path / "ears.wav"), "--every", "0.2", "--out", str(out)]) == 0
    assert "ears-azimuth.csv" in capsys.readouterr().out
    with (out / "ears-azimuth.csv").open() as file:
        rows = list(csv.DictReader(file))
    learned = load_predictor(run / "slfm.pt")
    starts = np.arange(0, audio.shape[-1] - learned.clip + 1, 3200)
    assert len(rows) == len(starts)
    expected = [learned.azimuth(audio[None, :, s : s + learned.clip], RATE)[0] for s in starts]
    lateral = np.rad2deg(np.arcsin(np.sin(np.deg2rad(expected))))  # front and back are one
    np.testing.assert_allclose([float(r["azimuth_deg"]) for r in rows], lateral, atol=0.02)
    with Image.open(out / "ears-azimuth.png") as plot:
        assert np.asarray(plot.convert("L")).std() > 5


def bad_files(folder):
    noise = np.random.default_rng(0).uniform(-0.5, 0.5, (RATE, 3))
    soundfile.write(folder / "mono.wav", noise[:, 0], RATE)
    soundfile.write(folder / "three.wav", noise, RATE)
    soundfile.write(folder / "short.wav", noise[:100, :2], RATE)
    soundfile.write(folder / "silent.wav", 0 * noise[:, :2], RATE)
    soundfile.write(folder / "good.wav", noise[:, :2], RATE)
    (folder / "text.png").write_text("no picture")
    (folder / "empty.wav").write_bytes(b"")
    Image.fromarray(np.full((30, 40, 3), 9, np.uint8)).save(folder / "good.png")
    whole = (folder / "good.png").read_bytes()
    (folder / "half.png").write_bytes(whole[: len(whole) // 2])


@pytest.mark.parametrize(
    ("names", "told"),
    [
        (["mono.wav"], "1 channel (mono); direction needs two ears"),
        (["three.wav"], "3 channels"),
        (["short.wav"], "lasts 0.006 s"),
        (["silent.wav"], "is silent"),
        (["empty.wav"], "no sound that can be read"),
        (["good.png"], "no sound that can be read"),
        (["nothing.wav"], "nothing.wav is missing"),
        (["good.png", "text.png"], "text.png is no picture that can be read"),
        (["half.png", "good.png"], "half.png is no picture that can be read"),
        (["good.png", "nothing.png"], "nothing.png is missing"),
        (["good.wav", "--every", "0"], "--every is 0"),
        (["good.wav", "--every", "nan"], "--every is nan"),
        (["good.wav", "--out", "good.png/sub"], "cannot be written"),
    ],
)
def test_what_cannot_be_used_is_refused_in_one_line(run, tmp_path, monkeypatch, capsys, names, told):
    bad_files(tmp_path)
    monkeypatch.chdir(tmp_path)
    assert main([str(run), *names]) == 2
    captured = capsys.readouterr()
    assert captured.out == ""
    assert captured.err.startswith("error: ") and captured.err.count("\n") == 1 and told in captured.err


def test_a_run_that_is_missing_or_has_no_localiser_is_refused(run, tmp_path, capsys):
    assert main([str(tmp_path / "none"), "a.wav"]) == 2
    assert "is missing; train first" in capsys.readouterr().err
    checkpoint.save(tmp_path / "pretext.pt", preset("small"), {"model": {}})
    assert main([str(tmp_path / "pretext.pt"), "a.wav"]) == 2
    assert "holds no localiser" in capsys.readouterr().err


def test_a_damaged_report_is_refused(run, pictures, capsys):
    (run / "report.json").write_text("{")
    assert main([str(run), *pictures]) == 2
    assert "report.json is damaged" in capsys.readouterr().err
    (run / "report.json").unlink()


def test_moments_cannot_be_longer_apart_than_finite():
    with pytest.raises(InputError, match="--every is inf"):
        follow(Loudness(), np.ones((2, 3200), np.float32), float("inf"))
