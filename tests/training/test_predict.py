"""What a run says of one's own pictures and sounds follows from the files; what cannot be used is refused in one line."""

import csv
import json

import numpy as np
import pytest
import soundfile
import torch
from PIL import Image

from dataset.angles import wrap_180
from dataset.reader import Dataset
from training.config import preset
from training.errors import InputError
from training.evaluation.learned import Learned, load_predictor
from training.networks.encoders import ordered_pairs
from training.predict import QUIET_DB, describe_azimuths, follow, main, read_picture, read_sound
from training.tasks import checkpoint
from training.tasks.slfm import Slfm

RATE = 16000


def signs(**right):
    """Give a report that says whether the signs of predictors are right, by names with _ for spaces; the first is the method."""
    found = {
        name.replace("_", " "): {
            "right": r,
            "mean_deg_kept": 10.0 if r else 60.0,
            "mean_deg_turned": 60.0 if r else 10.0,
            "pairs": 9,
        }
        for name, r in right.items()
    }
    return json.dumps({"rotation": {"method": next(iter(found)), "signs": found}})


def write_run(folder, stage="slfm", sign=1.0, full_circle=False):
    settings = preset("small")
    torch.manual_seed(0)
    model = Slfm(settings)
    with torch.no_grad():  # statistics of normalisation, so that pictures that differ give turns that show
        for seed in range(20):
            rgb = torch.rand(2, 2, 3, 72, 96, generator=torch.Generator().manual_seed(seed)) * 2 - 1
            model.localiser.rotation(rgb, *ordered_pairs(2))
        model.localiser.rotation_head[-1].weight.mul_(10)
    model.localiser.rotation_sign.fill_(sign)
    model.localiser.full_circle.fill_(full_circle)
    checkpoint.save(folder / f"{stage}.pt", settings, {"model": model.state_dict()})


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    """A run whose network is untrained: its answers mean nothing, but they depend on what it is given."""
    folder = tmp_path_factory.mktemp("run")
    write_run(folder)
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
    full_circle = False

    def __init__(self):
        pass

    def azimuth(self, sound, sample_rate):
        assert sample_rate == RATE and sound.shape[1:] == (2, self.clip) and sound.dtype == np.float32
        power = np.mean(sound.astype(float) ** 2, -1)
        return 10 * np.log10(np.maximum(power[:, 0], 1e-12) / np.maximum(power[:, 1], 1e-12))


def turn_told(capsys, run, paths):
    assert main([str(run), *paths]) == 0
    text = capsys.readouterr().out
    return float(text.split("(")[1].split(";")[0]), text


def test_exchanging_pictures_negates_the_turn_and_the_runs_own_sign_turns_it(run, pictures, tmp_path, capsys):
    (run / "report.json").unlink(missing_ok=True)
    turn, _ = turn_told(capsys, run, pictures)
    assert turn != 0 and turn_told(capsys, run, pictures[::-1])[0] == -turn
    write_run(tmp_path, sign=-1.0)
    assert turn_told(capsys, tmp_path, pictures)[0] == -turn


def test_the_reports_verdict_on_the_sign_is_told_and_corrects_nothing(run, pictures, capsys):
    (run / "report.json").unlink(missing_ok=True)
    turn, text = turn_told(capsys, run, pictures)
    assert "is not checked" in text
    (run / "report.json").write_text(signs(SLfM=True))
    assert turn_told(capsys, run, pictures) == (turn, text.splitlines()[0] + "\n" + (
        "the run's sign agrees with the true turns of 9 validation pairs: mean error 10.0 degrees, 60.0 with the other sign\n"
    ))  # fmt: skip
    (run / "report.json").write_text(signs(SLfM=False))
    wrong, told = turn_told(capsys, run, pictures)
    assert wrong == turn and "CONTRADICTS" in told and "mean error 60.0" in told
    (run / "report.json").unlink()


def test_each_checkpoint_has_the_verdict_on_its_own_sign(tmp_path, pictures, capsys):
    for stage in ("slfm", "front-back", "supervised"):
        write_run(tmp_path, stage)
    (tmp_path / "report.json").write_text(
        signs(SLfM=True, SLfM_before_front_back=False, supervised=True).replace("front back", "front-back")
    )
    for file, right in (("", True), ("front-back.pt", True), ("slfm.pt", False), ("supervised.pt", True)):
        told = turn_told(capsys, tmp_path / file, pictures)[1]
        assert ("agrees" in told) == right and ("CONTRADICTS" in told) != right
    (tmp_path / "report.json").write_text(signs(SLfM=False, supervised=True))  # a run without the stage front-back
    assert "CONTRADICTS" in turn_told(capsys, tmp_path / "slfm.pt", pictures)[1]


class Behind(Loudness):
    """Answers 170 degrees, then -160, and so on."""

    full_circle = True

    def azimuth(self, sound, sample_rate):
        return np.where(np.arange(len(sound)) % 2, -160.0, 170.0)


def test_full_circle_answers_are_said_to_be_so_and_averaged_as_directions(run, tmp_path):
    rng = np.random.default_rng(0)
    soundfile.write(tmp_path / "a.wav", rng.uniform(-0.5, 0.5, (RATE, 2)), RATE)
    told = describe_azimuths(Behind(), tmp_path / "a.wav", 0.1, tmp_path)
    assert "mean direction -175.0 degrees (left is positive; full circle, beyond 90 is behind)" in told.replace(
        "-174.9", "-175.0"
    )
    assert "+170.0" in told and "-160.0" in told
    folded = describe_azimuths(load_predictor(run), tmp_path / "a.wav", 0.1, tmp_path)
    assert "front only: a sound behind appears at its mirror image" in folded


def test_a_run_that_learned_front_and_back_answers_beyond_the_side(tmp_path):
    sound = np.random.default_rng(0).uniform(-0.5, 0.5, (4, 2, RATE)).astype(np.float32)
    write_run(tmp_path)
    front = load_predictor(tmp_path)
    write_run(tmp_path, "front-back", full_circle=True)
    whole = load_predictor(tmp_path)  # the last stage without labels
    assert not front.full_circle and whole.full_circle
    with torch.no_grad():
        whole.localiser.behind_head[-1].bias.fill_(100.0)
        behind = whole.azimuth(sound, RATE)
        whole.localiser.behind_head[-1].bias.fill_(-100.0)
        np.testing.assert_allclose(whole.azimuth(sound, RATE), front.azimuth(sound, RATE), atol=1e-4)
    np.testing.assert_allclose(np.abs(wrap_180(behind + front.azimuth(sound, RATE))), 180, atol=1e-3)
    assert (np.abs(behind) > 90).all() and (np.abs(front.azimuth(sound, RATE)) <= 90).all()


def test_exchanging_the_ears_negates_the_azimuth(tmp_path):
    sound = np.random.default_rng(0).uniform(-0.5, 0.5, (4, 2, 2 * RATE)).astype(np.float32)
    write_run(tmp_path, "front-back", full_circle=True)
    learned = load_predictor(tmp_path)
    answer = learned.azimuth(sound, RATE)
    assert np.abs(answer).min() > 1e-3
    np.testing.assert_allclose(learned.azimuth(sound[:, ::-1].copy(), RATE), -answer, atol=1e-4)


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
        (["empty.wav"], "not a readable sound"),
        (["good.png"], "not a readable sound"),
        (["nothing.wav"], "nothing.wav is missing"),
        (["good.png", "text.png"], "text.png is not a readable picture"),
        (["half.png", "good.png"], "half.png is not a readable picture"),
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
