"""The command writes the report of a run on rooms, panoramas or both; what cannot be used is refused in one line."""

import csv
import json
import re
from pathlib import Path

import numpy as np
import pytest
import soundfile
import torch
from PIL import Image

from training.config import preset
from training.realworld import main
from training.tasks import checkpoint
from training.tasks.slfm import Slfm

RATE = 16000
SHARED = Path(__file__).parents[3] / "shared" / "real"


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    """A run whose networks are untrained; its front-back stage covers the full circle."""
    folder = tmp_path_factory.mktemp("runs") / "mine"
    settings = preset("small")
    torch.manual_seed(0)
    model = Slfm(settings)
    checkpoint.save(folder / "slfm.pt", settings, {"model": model.state_dict()})
    model.localiser.full_circle.fill_(True)
    checkpoint.save(folder / "front-back.pt", settings, {"model": model.state_dict()})
    return folder


@pytest.fixture(scope="module")
def world(tmp_path_factory):
    """Two rooms of four responses each, of pulses that reach the nearer ear first and louder, and two panoramas of noise."""
    folder = tmp_path_factory.mktemp("world")
    rng = np.random.default_rng(0)
    with (folder / "rooms.csv").open("w", newline="") as file:
        table = csv.writer(file)
        table.writerow(["file", "azimuth_deg", "elevation_deg", "room"])
        for room in ("hall", "attic"):
            for angle in (-150.0, -50.0, 0.0, 50.0):
                response = 0.001 * rng.standard_normal((800, 2))
                side = np.sin(np.deg2rad(angle))
                for ear, sign in enumerate((1, -1)):
                    response[round(20 - 5 * sign * side), ear] = 1 + 0.5 * sign * side
                soundfile.write(folder / f"{room}{angle:+.0f}.wav", response, RATE, subtype="FLOAT")
                table.writerow([f"{room}{angle:+.0f}.wav", angle, 0, room])
            table.writerow([f"{room}+0.wav", 0, 80, room])
    (folder / "views").mkdir()
    for k in range(2):
        small = rng.uniform(0, 255, (64, 128, 3)).astype(np.uint8)
        Image.fromarray(small).resize((1024, 512), Image.Resampling.BICUBIC).save(folder / "views" / f"{k}.png")
    (folder / "clips").mkdir()
    soundfile.write(folder / "clips" / "noise.wav", rng.uniform(-0.5, 0.5, RATE), RATE)
    return folder


def test_both_tasks_are_reported_with_baselines_groups_and_sweeps(run, world, tmp_path, capsys):
    options = ["--brirs", str(world), "--panoramas", str(world / "views"), "--clips", str(world / "clips"), "--pairs", "2"]
    assert main([str(run), *options, "--out", str(tmp_path), "--quiet"]) == 0
    assert "report.md" in capsys.readouterr().out
    content = json.loads((tmp_path / "report.json").read_text())
    rotation, azimuth = content["rotation"], content["azimuth"]
    assert rotation["n"] == 4 and azimuth["n"] == 8  # the sources far above are left out
    assert rotation["method"] == azimuth["method"] == "SLfM" and "SLfM before front-back" in azimuth["compared"]
    assert rotation["baselines"]["correlation over azimuth"]["mean_deg"] < 1
    assert azimuth["baselines"]["GCC-PHAT"]["mean_deg"] < 15
    assert set(rotation["groups"]) == {"0", "1"} and set(azimuth["groups"]) == {"hall", "attic"}
    assert azimuth["groups"]["hall"]["front_back_accuracy"]["always in front"] == 0.75
    assert [s["setting"] for s in rotation["sweeps"]] == ["hfov_deg", "hfov_deg", "pitch_deg", "turn_deg"]
    assert [s["setting"] for s in azimuth["sweeps"]] == ["sources", "dominance_db", "noise_snr_db", "clip_s"]
    text = (tmp_path / "report.md").read_text()
    for name in re.findall(r"\((report/[^)]+)\)", text):
        assert (tmp_path / name).stat().st_size > 100
    assert "![" not in (tmp_path / "summary.md").read_text()
    with (tmp_path / "report" / "rotation.csv").open() as file:
        turns = [(float(r["heading_t"]) - float(r["heading_s"]) - float(r["truth_deg"])) % 360 for r in csv.DictReader(file)]
    np.testing.assert_allclose(np.minimum(turns, np.subtract(360, turns)), 0, atol=1e-6)


def test_either_may_be_left_out(run, world, capsys):
    assert main([str(run / "slfm.pt"), "--panoramas", str(world / "views" / "0.png"), "--no-sweeps", "--quiet"]) == 0
    content = json.loads((run / "real" / "report.json").read_text())
    assert "azimuth" not in content and content["rotation"]["sweeps"] == [] and content["rotation"]["method"] == "slfm"
    assert main([str(run), "--brirs", str(world / "rooms.csv"), "--sounds", "5", "--no-sweeps", "--quiet"]) == 0
    content = json.loads((run / "real" / "report.json").read_text())
    assert "rotation" not in content and content["azimuth"]["n"] == 10 and len(content["azimuth"]["about"]["clips"]) > 3


@pytest.mark.parametrize(
    ("options", "told"),
    [
        ([], "neither --brirs nor --panoramas"),
        (["--brirs", "none"], "--brirs none does not exist"),
        (["--panoramas", "none"], "--panoramas none does not exist"),
        (["--panoramas", "views", "--hfov", "0"], "--hfov is 0"),
        (["--panoramas", "views", "--pitch", "nan"], "--pitch is nan"),
        (["--panoramas", "views", "--pairs", "0"], "--pairs is 0"),
        (["--brirs", ".", "--clips", "views"], "--clips views holds no sounds"),
        (["--brirs", ".", "--sounds", "0"], "--sounds is 0"),
        (["--panoramas", "views", "--no-sweeps", "--out", "rooms.csv/x"], "cannot be written"),
    ],
)
def test_what_cannot_be_used_is_refused_in_one_line(run, world, monkeypatch, capsys, options, told):
    monkeypatch.chdir(world)
    assert main([str(run), *options, "--quiet"]) == 2
    captured = capsys.readouterr()
    assert captured.out == ""
    assert captured.err.startswith("error: ") and captured.err.count("\n") == 1 and told in captured.err


def test_a_folder_without_checkpoints_is_refused(tmp_path, world, capsys):
    assert main([str(tmp_path), "--brirs", str(world)]) == 2
    assert "holds neither slfm.pt nor supervised.pt" in capsys.readouterr().err


@pytest.mark.skipif(not SHARED.is_dir(), reason="no measured rooms")
def test_delays_fit_the_azimuths_of_measured_rooms(run, tmp_path):
    options = ["--brirs", str(SHARED), "--clips", str(SHARED.parent / "clips"), "--no-sweeps", "--quiet", "--out", str(tmp_path)]
    assert main([str(run), *options]) == 0
    azimuth = json.loads((tmp_path / "report.json").read_text())["azimuth"]
    assert set(azimuth["groups"]) == {"bbc_listening_room", "rostock_seminar_room"} and not azimuth["about"]["notes"]
    assert azimuth["baselines"]["GCC-PHAT of onsets"]["mean_deg"] < 8
