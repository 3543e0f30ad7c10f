"""Walks as videos and in the layout of the stereo SELD challenge: read back, they are what the data set holds."""

from __future__ import annotations

import csv
import json
import sys
from pathlib import Path

import numpy as np
import pytest
import soundfile

from dataset.convert import main
from dataset.layouts.dcase import COLUMNS
from dataset.reader import Dataset

RATE, MOMENTS = 16000, 12


def decoded(path: Path) -> tuple[np.ndarray, list[float], np.ndarray, int]:
    """Return the pictures (V, H, W, 3), their times, s, the sound (C, L) and its rate."""
    av = pytest.importorskip("av")
    with av.open(str(path)) as file:
        frames = [(frame.to_ndarray(format="rgb24"), float(frame.time)) for frame in file.decode(video=0)]
    with av.open(str(path)) as file:
        if not file.streams.audio:
            return np.stack([f for f, _ in frames]), [t for _, t in frames], np.zeros((0, 0)), 0
        parts = [(frame.pts, frame.to_ndarray()) for frame in file.decode(audio=0)]
        rate = file.streams.audio[0].rate
    return np.stack([f for f, _ in frames]), [t for _, t in frames], np.concatenate([p for _, p in parts], 1), rate


@pytest.fixture(scope="module")
def videos(walks, tmp_path_factory) -> Path:
    pytest.importorskip("av")
    out = tmp_path_factory.mktemp("videos") / "out"
    assert main([str(walks), "--to", "video", "--out", str(out)]) == 0
    return out


@pytest.fixture(scope="module")
def seld(walks, tmp_path_factory) -> Path:
    pytest.importorskip("av")
    out = tmp_path_factory.mktemp("seld") / "out"
    assert main([str(walks), "--to", "dcase", "--out", str(out)]) == 0
    return out


@pytest.mark.parametrize(("index", "name"), [(0, "train/attic-0"), (1, "train/attic-1"), (2, "test/cellar-0")])
def test_a_video_holds_pictures_sound_and_truths(walks, videos, index, name) -> None:
    one = Dataset(walks)[index]
    pictures, times, sound, rate = decoded(videos / f"{name}.mp4")
    assert pictures.shape == one["rgb"].shape and rate == RATE
    np.testing.assert_allclose(times, one["time"], atol=1e-3)
    assert np.abs(pictures.astype(float) - one["rgb"]).mean() < 6  # chroma is stored at half the resolution
    truths = json.loads((videos / f"{name}.json").read_text())
    for field in ("position", "azimuth", "distance", "in_sight"):
        np.testing.assert_allclose(truths[field], one[field], rtol=1e-6)
    np.testing.assert_allclose(truths["source_position"], one["source_track"], rtol=1e-6)
    assert truths["fps"] == 10 and truths["set_id"] == one["set_id"]
    expected = truths["gain"] * one["recording"]
    assert np.abs(expected).max() <= 0.981 and (truths["gain"] < 1) == (index == 1)
    middle = slice(4000, 16000)
    difference = sound[:, middle] - expected[:, middle]
    assert (difference**2).mean() < 0.01 * (expected**2).mean()  # no delay, ears in their order


def test_the_challenge_reads_what_the_data_set_holds(walks, seld) -> None:
    data = Dataset(walks)
    named = json.loads((seld / "sight-and-sound.json").read_text())["sets"]
    assert sorted(named) == ["fold3_room0_mix000", "fold3_room0_mix001", "fold4_room1_mix000", "fold4_room1_mix001"]
    ids = [data.read(k, "set_id") for k in range(len(data))]
    for name, set_id in named.items():
        one, split = data[ids.index(set_id)], "dev-train" if name.startswith("fold3") else "dev-test"
        sound, rate = soundfile.read(seld / "stereo_dev" / split / f"{name}.wav")
        assert rate == 24000 and sound.shape == (round(1.2 * 24000), 2)
        assert np.abs(sound).max() <= 0.99
        assert decoded(seld / "video_dev" / split / f"{name}.mp4")[0].shape == one["rgb"].shape
        with open(seld / "metadata_dev" / split / f"{name}.csv") as file:
            rows = list(csv.reader(file))
        assert tuple(rows[0]) == COLUMNS
        table = np.array(rows[1:], int)
        # The second source is silent for a quarter of the time.
        assert [tuple(x) for x in table[:, [0, 2]]] == [(k, s) for k in range(12) for s in range(2) if s == 0 or k >= 3]
        for frame, kind, source, azimuth, distance, onscreen in table:
            true = one["azimuth"][frame, source]
            true = np.sign(true) * 180 - true if abs(true) > 90 else true
            assert kind == source and abs(azimuth - true) <= 0.51 and abs(distance - 100 * one["distance"][frame, source]) <= 0.51
            assert onscreen == _on_screen(one, frame, source)
    assert (seld / "classes.csv").read_text() == "idx,label\n0,noise0\n1,noise1\n"


def _on_screen(one, frame: int, source: int) -> bool:
    """Project a source by hand: a camera of 60 degrees, 32 x 24 pixels, pitched down by 22.5 degrees."""
    side, up = (np.deg2rad(one[name][frame, source].astype(float)) for name in ("azimuth", "elevation"))
    x, y, z = -np.sin(side) * np.cos(up), np.sin(up), np.cos(side) * np.cos(up)
    pitch = np.deg2rad(-22.5)
    ahead, above = z * np.cos(pitch) + y * np.sin(pitch), y * np.cos(pitch) - z * np.sin(pitch)
    half = np.tan(np.deg2rad(30))
    return bool(ahead > 0 and abs(x) <= half * ahead and abs(above) <= 0.75 * half * ahead)


def test_some_sources_are_on_screen_and_others_are_not(walks) -> None:
    one = Dataset(walks)[0]
    shown = {_on_screen(one, k, s) for k in range(MOMENTS) for s in range(2)}
    assert shown == {True, False}


def test_a_repeated_command_changes_nothing_and_an_interrupted_one_is_finished(walks, videos, capsys) -> None:
    before = {path: path.read_bytes() for path in videos.rglob("*") if path.is_file()}
    assert main([str(walks), "--to", "video", "--out", str(videos)]) == 0
    assert {path: path.read_bytes() for path in videos.rglob("*") if path.is_file()} == before
    assert "4 videos" in capsys.readouterr().out


@pytest.mark.parametrize("layout", ["video", "dcase"])
def test_sets_without_motion_are_refused_before_anything_is_written(good, tmp_path, capsys, layout) -> None:
    pytest.importorskip("av")
    assert main([str(good), "--to", layout, "--out", str(tmp_path / "out")]) == 2
    assert "holds no walks; render with --motion walk" in capsys.readouterr().err and not (tmp_path / "out").exists()


@pytest.mark.parametrize("layout", ["video", "dcase"])
def test_without_pyav_the_message_names_the_remedy(walks, tmp_path, capsys, monkeypatch, layout) -> None:
    monkeypatch.setitem(sys.modules, "av", None)
    assert main([str(walks), "--to", layout, "--out", str(tmp_path / "out")]) == 2
    assert "pip install av" in capsys.readouterr().err and not (tmp_path / "out").exists()
