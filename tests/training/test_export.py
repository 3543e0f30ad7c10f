"""Exported networks answer as the run does, and hold nothing that only training needs."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path

import numpy as np
import pytest
import torch

from training.config import preset
from training.evaluation.calibration import Calibration
from training.evaluation.learned import load_predictor
from training.export import main
from training.tasks import checkpoint
from training.tasks.slfm import Slfm

CALIBRATION = Calibration(60.0, 2.0, 100, 0.05, 100, 0.9)


@pytest.fixture
def run(tmp_path: Path) -> Path:
    """Return the folder of a run with an optimizer's state, as training leaves it."""
    torch.manual_seed(0)
    task = Slfm(preset("small"))
    optimizer = torch.optim.AdamW(task.parameters())
    sum((p**2).sum() for p in task.parameters()).backward()
    optimizer.step()
    content = {"model": task.state_dict(), "optimizer": optimizer.state_dict(), "step": 1, "history": [], "origin": {"data": "d"}}
    checkpoint.save(tmp_path / "run" / "slfm.pt", preset("small"), {**content, "calibration": asdict(CALIBRATION)})
    return tmp_path / "run"


def test_the_networks_answer_alike(run: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    out = tmp_path / "shared" / "model.pt"
    assert main([str(run), "--out", str(out)]) == 0
    assert f"{out}: " in capsys.readouterr().out
    pictures = np.random.default_rng(0).integers(0, 256, (2, 2, 72, 96, 3), dtype=np.uint8)
    sound = np.random.default_rng(1).standard_normal((2, 2, 16000)).astype(np.float32)
    one, other = load_predictor(run), load_predictor(out)
    assert one.calibration == other.calibration == CALIBRATION
    np.testing.assert_array_equal(one.rotation(*pictures), other.rotation(*pictures))
    np.testing.assert_array_equal(one.azimuth(sound, 16000), other.azimuth(sound, 16000))
    _, content = checkpoint.load(out)
    assert set(content) == {"model", "origin", "calibration"} and all(n.startswith("localiser.") for n in content["model"])
    assert out.stat().st_size < 0.5 * (run / "slfm.pt").stat().st_size


def test_a_run_without_networks_and_its_own_checkpoint_are_refused(run: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]):
    assert main([str(tmp_path), "--out", str(tmp_path / "x.pt")]) == 2
    assert "slfm.pt is missing" in capsys.readouterr().err
    before = (run / "slfm.pt").read_bytes()
    assert main([str(run), "--out", str(run / "slfm.pt")]) == 2
    assert "name another file" in capsys.readouterr().err and (run / "slfm.pt").read_bytes() == before
