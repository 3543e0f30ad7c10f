"""Dry sounds from a folder: split by clip, the same each time, and a run on SLfM's layout, which has none of its own."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
import soundfile

from dataset.convert import main as convert
from training.data.clips import LEVEL_RMS, ClipDataset, open_split, split_clips
from training.errors import InputError
from training.run import main

RATE = 16000
QUICK = ["sound.clip_s=0.25", "picture.width_px=48", "picture.height_px=36", "slfm.steps=2", "slfm.batch=2"]


@pytest.fixture(scope="module")
def clips(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Give twelve clips of various rates and lengths, some shorter than a stretch."""
    folder = tmp_path_factory.mktemp("clips")
    rng = np.random.default_rng(0)
    for k in range(12):
        (folder / f"speaker{k // 4}").mkdir(exist_ok=True)
        rate = (8000, 16000, 44100)[k % 3]
        soundfile.write(folder / f"speaker{k // 4}" / f"{k:02d}.wav", 0.1 * rng.standard_normal((k + 1) * rate), rate)
    return folder


@pytest.fixture(scope="module")
def published(tiny_data: Path, tmp_path_factory: pytest.TempPathFactory) -> str:
    """Give a data set that went through SLfM's layout, so that it has neither depth nor dry sounds."""
    folder = tmp_path_factory.mktemp("published")
    assert convert([str(tiny_data), "--to", "slfm", "--out", str(folder / "slfm")]) == 0
    lists = ["--lists", str(folder / "slfm" / "data-split")]
    assert convert([str(folder / "slfm"), "--from", "slfm", *lists, "--out", str(folder / "shards")]) == 0
    return str(folder / "shards")


def test_no_clip_is_in_two_splits(clips: Path) -> None:
    shares = split_clips(clips)
    names = [p.name for split in ("train", "val", "test") for p in shares[split]]
    assert names == [f"{k:02d}.wav" for k in range(12)]
    assert [len(shares[split]) for split in ("train", "val", "test")] == [10, 1, 1]


def test_sounds_are_levelled_and_depend_on_the_set_alone(tiny_data: Path, clips: Path) -> None:
    data, again = (ClipDataset(str(tiny_data), "train", clips) for _ in range(2))
    assert len(data) >= 2
    last = again.read(1, "mono")
    first = data.read(0, "mono")
    assert first.shape == (2, round(7.65 * RATE)) and first.dtype == np.float32
    assert np.sqrt((first**2).mean(1)) == pytest.approx([LEVEL_RMS] * 2, rel=1e-4)
    assert not np.array_equal(first, last)
    assert np.array_equal(data.read(1, "mono"), last)
    assert np.array_equal(data.read(0, "azimuth"), again.read(0, "azimuth"))


def test_without_dry_sounds_a_folder_is_asked_for(published: str) -> None:
    with pytest.raises(InputError, match="--clips DIR"):
        open_split(published, "train")


def test_a_data_set_of_the_published_layout_is_trained_on(
    published: str, clips: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    changes = [word for text in QUICK for word in ("--set", text)]
    command = ["--data", published, "--out", str(tmp_path), "--stages", "slfm,report", "--preset", "small", "--quiet", *changes]
    assert main(command) == 2
    capsys.readouterr()
    assert main([*command, "--clips", str(clips)]) == 1  # two steps teach nothing, and the run knows it
    told = capsys.readouterr().err
    assert told.startswith("unhealthy: ") and told.count("\n") == 1
    report = json.loads((tmp_path / "report.json").read_text())
    assert report["rotation"]["n"] > 0 and report["azimuth"]["n"] > 0
    assert "overlap" not in report["rotation"]["by"] and "azimuth_deg" in report["azimuth"]["by"]


def test_too_few_and_spoilt_clips_are_refused(tiny_data: Path, tmp_path: Path) -> None:
    for k in range(2):
        soundfile.write(tmp_path / f"{k}.wav", np.ones(4000), RATE)
    with pytest.raises(InputError, match=r"holds 2 .* three or more"):
        ClipDataset(str(tiny_data), "train", tmp_path)
    (tmp_path / "2.wav").write_text("no sound")
    with pytest.raises(InputError, match="not a readable sound"):
        ClipDataset(str(tiny_data), "test", tmp_path).read(0, "mono")
