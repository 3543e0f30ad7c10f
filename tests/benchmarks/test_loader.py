"""Both loaders of the benchmark return the content of the data set, and bytes are those on disk."""

import json

import numpy as np
import pytest
import soundfile
import torch
from PIL import Image

from benchmarks.loader import Files, main, shard_bytes, write_files
from dataset.reader import Dataset
from training.config import preset
from training.data.preload import load
from training.data.render import convolve

RATE = 16000
CLIP = ["views=2", "sound.clip_s=0.2", "sound.response_s=1", "sound.indirect_ratio=1", "slfm.batch=2"]


@pytest.fixture(scope="module")
def data(tiny_data):
    return Dataset(tiny_data, "train")


@pytest.fixture(scope="module")
def written(data, tmp_path_factory):
    root = tmp_path_factory.mktemp("files")
    return root, write_files(data, len(data), root)


@pytest.fixture(scope="module")
def files(written):
    return Files(written[0], preset("small", {}, CLIP))


def test_files_hold_the_same_arrays(data, written):
    folder, one = written[0] / "1", data[1]
    for name in ("rgb", "depth", "instance"):
        for view in range(2):
            read = np.asarray(Image.open(folder / f"{name}-{view}.png"))
            np.testing.assert_array_equal(read, one[name][view])
    for path, array in (
        ("brir_direct-1-0", one["brir_direct"][1, 0]), ("brir_indirect-0-0", one["brir_indirect"][0, 0]),
        ("mono-0", one["mono"][:1]), ("audio-1", one["audio"][1]),
    ):  # fmt: skip
        read, rate = soundfile.read(folder / f"{path}.wav", dtype="float32", always_2d=True)
        assert rate == RATE
        np.testing.assert_array_equal(read.T, array)
    facts = json.loads((folder / "set.json").read_text())
    assert facts["set_id"] == one["set_id"]
    np.testing.assert_array_equal(np.float32(facts["heading"]), one["heading"])


@pytest.mark.parametrize("start", [0, 37, 1600])
def test_audio_from_files_is_the_simulators(data, files, start):
    audio, _ = files.binaural(2, 1, 0, start, RATE)
    truth = data.read(2, "audio", view=1)[:, start : start + 3200]
    assert audio.shape == truth.shape
    assert np.sqrt(np.mean((audio - truth) ** 2)) < 1e-3 * np.sqrt(np.mean(truth**2))


def test_both_ways_give_the_same_batch(tiny_data, data, files):
    store = load(str(tiny_data), "train", files.settings, quiet=True)
    for row, view in ((0, 1), (3, 0)):
        np.testing.assert_array_equal(files.picture(row, view), store.rgb[row, view])
    taps, start = store.indirect.shape[-1], 900
    response = torch.from_numpy(store.indirect[1, 1].astype(np.float32))
    response[..., : store.direct.shape[-1]] += torch.from_numpy(store.direct[1, 1].astype(np.float32))
    dry = np.pad(data.read(1, "mono"), ((0, 0), (taps - 1, 0)))[:, start : start + taps - 1 + 3200]
    quick = convolve(torch.from_numpy(dry), response).numpy()
    slow, _ = files.binaural(1, 1, 0, start, RATE)
    assert np.sqrt(np.mean((quick - slow) ** 2)) < 2e-3 * np.sqrt(np.mean(slow**2))  # responses are float16 in the store


def test_a_batch_has_the_networks_shapes_and_the_asked_levels(files):
    rgb, sound = files.make(np.array([0, 2]), np.random.default_rng(0))
    assert rgb.shape == (2, 2, 3, 72, 96) and rgb.dtype == np.uint8
    assert sound.shape == (2, 2, 2, 3200) and sound.dtype == np.float32
    assert np.isfinite(sound).all() and (np.abs(sound).max((2, 3)) > 0).all()


def test_bytes_are_those_on_the_disk(data, written):
    root, size = written
    assert sum(size.values()) == sum(p.stat().st_size for p in root.rglob("*.*"))
    held = shard_bytes(data, len(data))
    assert held.keys() == size.keys()
    assert sum(held.values()) == sum(int(s["bytes"]) for s in data.shards)
    assert sum(shard_bytes(data, 1).values()) == pytest.approx(int(data.shards[0]["bytes"]) / 2, abs=8)


def test_command_prints_ratios_and_whether_targets_are_met(tiny_data, capsys):
    options = ["--data", str(tiny_data), "--sets", "2", "--batches", "2"]
    for text in CLIP:
        options += ["--set", text]
    status = main(options)
    printed = capsys.readouterr().out
    assert status == int("MISSED" in printed)
    assert printed.count("batches/s") == 1 and "target of speed" in printed and "target of size" in printed


def test_missing_data_is_refused(tmp_path, capsys):
    assert main(["--data", str(tmp_path / "none")]) == 2
    assert capsys.readouterr().err.startswith("error: ")
