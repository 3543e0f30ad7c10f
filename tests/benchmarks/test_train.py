"""The training benchmark times the training loop, and separates waiting for data from work."""

from types import SimpleNamespace

import pytest
import torch

from benchmarks import train
from benchmarks.train import main
from training.config import preset
from training.data.batches import Batches
from training.data.preload import load
from training.tasks import loop

SMALL = [
    "views=2", "sound.clip_s=0.1", "sound.response_s=0.05", "picture.width_px=32", "picture.height_px=32",
    "sound.hard_response_s=0.05", "pretext.batch=2", "slfm.batch=2", "front_back.batch=2", "supervised.batch=2",
]  # fmt: skip


class Slow(Batches):
    """Takes a second for each batch, on a clock that nothing else moves."""

    now = 0.0

    def make(self, step):
        Slow.now += 1.0
        return super().make(step)


@pytest.fixture(scope="module")
def settings():
    return preset("small", {}, SMALL)


@pytest.fixture(scope="module")
def store(tiny_data, settings):
    return load(str(tiny_data), "train", settings, quiet=True)


def test_waiting_for_data_is_found_out(store, settings, monkeypatch):
    clock = SimpleNamespace(monotonic=lambda: Slow.now, perf_counter=lambda: Slow.now)
    monkeypatch.setattr(loop, "time", clock)
    monkeypatch.setattr(train, "time", clock)
    batches = Slow(store, settings, 2, training=True)
    assert train.time_batches(batches, torch.device("cpu"), 3) == 1.0
    assert train.time_stage("slfm", batches, settings, torch.device("cpu"), steps=4, workers=0) == (1.0, 1.0)


def test_command_prints_every_stage(tiny_data, capsys):
    options = ["--data", str(tiny_data), "--steps", "2", "--workers", "0"]
    for text in SMALL:
        options += ["--set", text]
    status = main(options)
    printed = capsys.readouterr().out
    assert status == int("MISSED" in printed)
    assert all(f"\n{name} " in printed for name in ("pretext", "slfm", "front-back", "supervised"))


def test_missing_data_is_refused(tmp_path, capsys):
    assert main(["--data", str(tmp_path / "none")]) == 2
    assert capsys.readouterr().err.startswith("error: ")
