"""Checkpoints: whole or not at all, without pickled code, tied to their settings."""

from __future__ import annotations

import pickle
from dataclasses import replace
from pathlib import Path

import pytest
import torch

from training.config import preset
from training.errors import InputError
from training.tasks import checkpoint


def test_written_equals_read(tmp_path: Path) -> None:
    content = {"model": {"w": torch.arange(3.0)}, "step": 4, "history": [{"loss": 0.5}], "text": "x"}
    checkpoint.save(tmp_path / "deep" / "a.pt", preset("small"), content)
    settings, found = checkpoint.load(tmp_path / "deep" / "a.pt")
    assert settings == preset("small")
    assert torch.equal(found.pop("model")["w"], torch.arange(3.0))
    assert found == {"step": 4, "history": [{"loss": 0.5}], "text": "x"}
    assert [p.name for p in (tmp_path / "deep").iterdir()] == ["a.pt"]


class Sly:
    def __reduce__(self) -> tuple[object, ...]:
        return (Path.touch, (Path("sly-was-here"),))


def test_pickled_code_does_not_run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "plain.pt").write_bytes(pickle.dumps(Sly()))
    torch.save({"format": 1, "settings": "{}", "model": Sly()}, tmp_path / "torch.pt")
    for name in ("plain.pt", "torch.pt"):
        with pytest.raises(InputError, match="damaged or not a checkpoint"):
            checkpoint.load(tmp_path / name)
    assert not (tmp_path / "sly-was-here").exists()


def test_missing_damaged_and_newer(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "a.pt"
    with pytest.raises(InputError, match="train first"):
        checkpoint.load(path)
    checkpoint.save(path, preset("small"), {"step": 1})
    path.write_bytes(path.read_bytes()[:-200])
    with pytest.raises(InputError, match="damaged"):
        checkpoint.load(path)
    monkeypatch.setattr(checkpoint, "FORMAT", 2)
    checkpoint.save(path, preset("small"), {"step": 1})
    monkeypatch.undo()
    with pytest.raises(InputError, match="has format 2, this software reads 1"):
        checkpoint.load(path)


def test_a_full_disk_keeps_the_last_checkpoint(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "a.pt"
    checkpoint.save(path, preset("small"), {"step": 1})

    def full(*_: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(checkpoint.os, "fsync", full)
    with pytest.raises(InputError, match=r"No space left.*is kept.*free some disk space"):
        checkpoint.save(path, preset("small"), {"step": 2})
    monkeypatch.undo()
    assert checkpoint.load(path)[1]["step"] == 1
    assert [p.name for p in tmp_path.iterdir()] == ["a.pt"]


def test_other_settings_are_named(tmp_path: Path) -> None:
    settings = preset("small")
    checkpoint.check_settings(tmp_path, settings, settings)
    with pytest.raises(InputError, match=r"seed: 0 there, 3 now"):
        checkpoint.check_settings(tmp_path, settings, replace(settings, seed=3))
    other = preset("small", {}, ["slfm.steps=5", "probe.bins=9"])
    checkpoint.check_settings(tmp_path, settings, other, free=("slfm", "probe"))
    with pytest.raises(InputError, match=r"slfm.steps"):
        checkpoint.check_settings(tmp_path, settings, other, free=("probe",))
