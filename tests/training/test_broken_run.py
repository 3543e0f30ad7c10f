"""A run that starts with turns of mixed sign: the loss by pairs keeps them, and the run reports it; the joint loss mends them."""

from __future__ import annotations

import copy
import math
from collections.abc import Callable
from pathlib import Path

import pytest
import torch
from torch import Tensor

from training import stages
from training.config import Settings, preset
from training.data.batches import Batches
from training.data.preload import Store
from training.data.render import render_batch
from training.networks.encoders import ordered_pairs
from training.run import main
from training.tasks.losses import lateral
from training.tasks.slfm import Slfm

QUICK = {
    "picture.width_px": 64, "picture.height_px": 48, "picture.jitter": 0, "picture.recolor": "false", "sound.clip_s": 0.25,
    "mirror": "false", "views": 4, "slfm.gate": "false", "slfm.batch": 16, "slfm.steps": 60, "slfm.warmup_steps": 5,
}  # fmt: skip
STEPS = 80


def small_turns_reversed(turn: Tensor) -> Tensor:
    return torch.where(turn.abs() < math.radians(30), -turn, turn)


@pytest.fixture(scope="module")
def unlucky(coded: Store) -> dict[str, Tensor]:
    """Return the weights of networks whose lateral angles are right and whose small turns have the wrong sign."""
    settings = preset("small", assignments=[f"{k}={v}" for k, v in QUICK.items()])
    torch.manual_seed(0)
    task, batches = Slfm(settings), Batches(coded, settings, 16, training=True, tag=9)
    optimizer = torch.optim.AdamW(task.parameters(), 2e-3)
    for step in range(STEPS):
        batch = render_batch(batches.make(step))
        source, target = ordered_pairs(4, further=True)
        turn = small_turns_reversed(batch.turn(source, target))
        wrong = 1 - torch.cos(task.localiser.rotation(batch.rgb, source, target) - turn)
        side = 1 - torch.cos(task.localiser.azimuth(batch.sound) - lateral(torch.deg2rad(batch.azimuth)))
        optimizer.zero_grad()
        (wrong.mean() + side.mean()).backward()
        optimizer.step()
    return copy.deepcopy(task.state_dict())


@pytest.fixture
def learn_from(coded: Store, unlucky: dict[str, Tensor], monkeypatch: pytest.MonkeyPatch) -> Callable[[Path, str], int]:
    """Return a function that trains the stage slfm from the unlucky weights with a loss, and returns the exit status."""

    class Unlucky(Slfm):
        def __init__(self, settings: Settings) -> None:
            super().__init__(settings)
            self.load_state_dict(unlucky)

    def learn(folder: Path, permutation: str) -> int:
        monkeypatch.setattr(stages, "load", lambda *_: coded)
        monkeypatch.setattr(stages, "Slfm", Unlucky)
        # The pretext task would replace the weights of the encoders.
        monkeypatch.setattr(stages.Encoders, "load_state_dict", lambda *_: None)
        changes = [word for name, value in QUICK.items() for word in ("--set", f"{name}={value}")]
        options = ["--quiet", "--workers", "0", "--stages", "slfm", *changes, "--set", f"slfm.permutation={permutation}"]
        return main(["--data", "coded", "--out", str(folder), *options])

    return learn


@pytest.mark.slow
def test_the_loss_by_pairs_keeps_mixed_signs_and_the_run_reports_it(
    learn_from: Callable[[Path, str], int], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert learn_from(tmp_path, "pairwise") == 1
    printed = capsys.readouterr()
    assert "it is trained once more with another draw" in printed.out
    (line,) = printed.err.splitlines()
    assert line.startswith("unhealthy: ") and "do not add up" in line and "turns have mixed signs" in line


@pytest.mark.slow
def test_the_joint_loss_mends_mixed_signs(
    learn_from: Callable[[Path, str], int], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert learn_from(tmp_path, "joint") == 0
    assert capsys.readouterr().err == ""
