"""Checkpoints: whole or not at all, without pickled code, tied to their settings."""

from __future__ import annotations

import json
import os
import pickle
import re
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
    with pytest.raises(InputError, match="has format 2, this software reads 1; delete it and train again"):
        checkpoint.load(path)
    (tmp_path / "slfm-rejected.pt").write_bytes(b"PK")
    with pytest.raises(InputError, match=r"slfm-rejected.pt is damaged .{,120}; delete it and slfm.pt and train again$"):
        checkpoint.load(tmp_path / "slfm-rejected.pt")


def test_a_full_disk_keeps_the_last_checkpoint(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "a.pt"
    checkpoint.save(path, preset("small"), {"step": 1})

    def full(*_: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
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


WEIGHTS = {"weight": torch.ones(3, 2), "bias": torch.zeros(3)}


@pytest.mark.parametrize(
    ("model", "message"),
    [
        ({"weight": torch.ones(3, 2)}, "bias is missing"),
        (WEIGHTS | {"extra": torch.ones(1)}, "extra is unknown"),
        (WEIGHTS | {"weight": torch.ones(2, 3)}, "weight is ([2, 3]), expected ([3, 2])"),
        (WEIGHTS | {"bias": torch.tensor([0, float("nan"), 0])}, "bias is not finite"),
        (WEIGHTS | {"bias": 3}, "bias is int"),
        (None, "holds no networks"),
    ],
)
def test_tensors_that_do_not_fit_are_named_in_one_line(tmp_path: Path, model: object, message: str) -> None:
    layer = torch.nn.Linear(2, 3)
    checkpoint.restore(tmp_path, layer, {"model": WEIGHTS})
    with pytest.raises(InputError, match=re.escape(message)) as caught:
        checkpoint.restore(tmp_path, layer, {"model": model})
    assert "\n" not in str(caught.value)
    assert torch.equal(layer.weight, WEIGHTS["weight"]) and torch.equal(layer.bias, WEIGHTS["bias"])


def test_a_part_of_a_model_is_read_by_its_prefix(tmp_path: Path) -> None:
    layer = torch.nn.Linear(2, 3)
    model = {f"ear.{name}": value for name, value in WEIGHTS.items()} | {"gate": torch.ones(())}
    checkpoint.restore(tmp_path, layer, {"model": model}, "ear.")
    assert torch.equal(layer.weight, WEIGHTS["weight"])


def test_an_optimizer_of_other_networks_is_refused(tmp_path: Path) -> None:
    def trained(outputs: int) -> torch.optim.Optimizer:
        layer = torch.nn.Linear(2, outputs)
        optimizer = torch.optim.AdamW(layer.parameters())
        layer(torch.ones(1, 2)).sum().backward()
        optimizer.step()
        return optimizer

    state = trained(3).state_dict()
    checkpoint.restore_optimizer(tmp_path, trained(3), {"optimizer": state})
    for wrong in ({}, {"optimizer": 3}, {"optimizer": {"state": {}}}):
        with pytest.raises(InputError, match="the optimizer's state"):
            checkpoint.restore_optimizer(tmp_path, trained(3), wrong)
    with pytest.raises(InputError, match="the optimizer's state"):
        checkpoint.restore_optimizer(tmp_path, trained(4), {"optimizer": state})


def test_progress_is_read_or_refused(tmp_path: Path) -> None:
    good = {"step": 4, "history": [{"step": 4.0, "loss": 0.5}], "seconds": 2.0}
    assert checkpoint.progress(tmp_path, good) == (4, good["history"], 2.0)
    for wrong in (
        {},
        good | {"step": "x"},
        good | {"history": 3},
        good | {"history": [{"loss": None}]},
        good | {"seconds": None},
    ):
        with pytest.raises(InputError, match="its progress cannot be read"):
            checkpoint.progress(tmp_path, wrong)


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"newer": 1}, "does not know (settings newer are unknown"),
        ({"sound": {"newer": 1}}, "does not know (settings sound.newer are unknown"),
        ({"seed": "x"}, "damaged or not a checkpoint"),
        ({"sound": 3}, "does not know"),
        ([], "damaged or not a checkpoint"),
    ],
)
def test_a_newer_setting_is_named_in_one_line(tmp_path: Path, settings: object, message: str) -> None:
    torch.save({"format": 1, "settings": json.dumps(settings)}, tmp_path / "a.pt")
    with pytest.raises(InputError, match=re.escape(message)) as caught:
        checkpoint.load(tmp_path / "a.pt")
    assert "\n" not in str(caught.value)
