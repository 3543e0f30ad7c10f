"""The loop: exact resume, overfitting one batch, stopping when a loss is not finite."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import Tensor, nn

from training.config import Settings, preset
from training.data.batches import Batches
from training.data.preload import Store, load
from training.data.render import RenderedBatch, render_batch
from training.errors import InputError
from training.tasks import checkpoint, loop
from training.tasks.pretext import Pretext
from training.tasks.slfm import Slfm
from training.tasks.supervised import Supervised

ROOT = Path(__file__).resolve().parents[3]
CPU = torch.device("cpu")
TINY = {"picture.width_px": 64, "picture.height_px": 48, "sound.clip_s": 0.4, "pretext.batch": 2, "slfm.batch": 2}


def settings(*assignments: str) -> Settings:
    return preset("small", TINY, ("pretext.warmup_steps=2", "slfm.warmup_steps=2", *assignments))


@pytest.fixture(scope="module")
def store(tiny_data: Path) -> Store:
    return load(str(tiny_data), "train", settings(), quiet=True)


def train(name: str, folder: Path, store: Store, steps: int, stop: int | None = None, seed: int = 0) -> dict[str, Any]:
    """Train a stage, or stop it by a signal once it has made `stop` steps; gives its checkpoint's content."""
    s = settings(f"{name}.steps={steps}")
    torch.manual_seed(seed)
    task: nn.Module = Pretext(s) if name == "pretext" else Slfm(s)
    stage = s.pretext if name == "pretext" else s.slfm
    batches = Batches(store, s, stage.batch, training=True)
    if stop:
        made = batches.make

        def make(step: int) -> Any:
            if step == stop:
                os.kill(os.getpid(), signal.SIGINT)
            return made(step)

        batches.make = make  # type: ignore[method-assign]
    loop.train(name, task, batches, stage, s, loop.Run(folder, CPU, workers=0, quiet=True))
    return checkpoint.load(folder / f"{name}.pt")[1]


@pytest.mark.parametrize("name", ["pretext", "slfm"])
def test_a_run_stopped_and_resumed_ends_like_one_that_was_not(
    name: str, store: Store, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(loop, "LOG_EVERY", 2)
    whole = train(name, tmp_path / "whole", store, steps=8)
    with pytest.raises(KeyboardInterrupt, match=r"interrupted after step 4 of .*run the same command again"):
        train(name, tmp_path / "parts", store, steps=8, stop=3)
    resumed = train(name, tmp_path / "parts", store, steps=8)
    assert whole["step"] == resumed["step"] == 8
    assert all(torch.equal(whole["model"][k], resumed["model"][k]) for k in whole["model"])
    assert whole["history"] == resumed["history"]
    moments = [c["optimizer"]["state"] for c in (whole, resumed)]
    assert all(torch.equal(moments[0][k]["exp_avg_sq"], moments[1][k]["exp_avg_sq"]) for k in moments[0])


def test_a_finished_stage_is_not_trained_again(store: Store, tmp_path: Path) -> None:
    first = train("pretext", tmp_path, store, steps=2)
    again = train("pretext", tmp_path, store, steps=2)
    assert all(torch.equal(first["model"][k], again["model"][k]) for k in first["model"])


def test_other_settings_refuse_to_resume(store: Store, tmp_path: Path) -> None:
    train("pretext", tmp_path, store, steps=2)
    with pytest.raises(InputError, match=r"pretext.steps: 2 there, 3 now"):
        train("pretext", tmp_path, store, steps=3)


def test_other_data_or_other_networks_refuse_to_resume(store: Store, tmp_path: Path) -> None:
    train("slfm", tmp_path, store, steps=2)
    with pytest.raises(InputError, match=r"slfm.pt was trained from other networks .*--out, or --no-resume"):
        train("slfm", tmp_path, store, steps=2, seed=5)
    with pytest.raises(InputError, match=r"slfm.pt was trained on other data or other clips; use another --out"):
        train("slfm", tmp_path, replace(store, digest="other"), steps=2)
    with pytest.raises(InputError, match=r"on other data or other clips and from other networks"):
        train("slfm", tmp_path, replace(store, digest="other"), steps=2, seed=5)


class Explosive(nn.Module):
    """A task whose loss is not a number at its third step."""

    def __init__(self) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.ones(()))
        self.seen = 0

    def forward(self, batch: RenderedBatch) -> dict[str, Tensor]:
        self.seen += 1
        return {"loss": self.weight * (float("nan") if self.seen == 3 else 1.0)}


def test_a_loss_that_is_not_finite_stops_with_the_sets_and_keeps_the_checkpoint(
    store: Store, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(loop, "LOG_EVERY", 1)
    monkeypatch.setattr(loop, "SAVE_EVERY_S", 0.0)
    s = settings("pretext.steps=5")
    batches = Batches(store, s, 2, training=True)
    with pytest.raises(InputError, match=r"not finite at step 3 .*sets attic/\d, attic/\d; .*pretext.pt holds the last good"):
        loop.train("pretext", Explosive(), batches, s.pretext, s, loop.Run(tmp_path, CPU, 0, quiet=True))
    content = checkpoint.load(tmp_path / "pretext.pt")[1]
    assert content["step"] == 2 and torch.isfinite(content["model"]["weight"])


def test_rate_warms_up_and_falls_to_nothing() -> None:
    rates = [loop.rate(k, 100, 10) for k in range(100)]
    assert rates[0] == pytest.approx(0.1) and max(rates) == rates[9] > 0.97 and rates[-1] < 1e-3
    assert loop.rate(50, 100, 0) == pytest.approx(0.5)


def fit(task: nn.Module, rendered: RenderedBatch, steps: int, rate: float = 3e-3) -> dict[str, float]:
    """Train on one batch over and over; gives the last losses."""
    optimizer = torch.optim.Adam(task.parameters(), rate)
    losses: dict[str, Tensor] = {}
    for _ in range(steps):
        losses = task.train()(rendered)
        optimizer.zero_grad()
        losses["loss"].backward()
        optimizer.step()
    return {k: float(v.detach()) for k, v in losses.items()}


@pytest.fixture(scope="module")
def one_batch(store: Store) -> RenderedBatch:
    return render_batch(Batches(store, settings("picture.jitter=0", "mirror=false"), 4, training=True).make(0))


@pytest.mark.slow
def test_one_batch_is_overfitted_by_supervision(one_batch: RenderedBatch) -> None:
    torch.manual_seed(0)
    losses = fit(Supervised(settings()), one_batch, 60)
    assert losses["lateral"] < 3e-3 and losses["rotation"] < 3e-3 and losses["behind"] < 0.05


@pytest.mark.slow
def test_one_batch_is_overfitted_by_geometry_and_the_level_difference(one_batch: RenderedBatch) -> None:
    torch.manual_seed(0)
    losses = fit(Slfm(settings("slfm.gate=false", "slfm.prior_weight=0")), one_batch, 60)
    assert losses["geometric"] < 5e-3 and losses["symmetry"] < 0.2 and losses["side"] < 0.05


@pytest.mark.slow
def test_one_batch_is_spread_by_the_prior(one_batch: RenderedBatch) -> None:
    torch.manual_seed(0)
    task = Slfm(settings("slfm.gate=false", "slfm.geometric_weight=0"))
    assert fit(task, one_batch, 60)["prior"] < 0.1


@pytest.mark.slow
def test_one_batch_is_overfitted_by_the_pretext_task(one_batch: RenderedBatch) -> None:
    torch.manual_seed(0)
    task = Pretext(settings("pretext.true_rotation=true"))
    first = float(task(one_batch)["loss"].detach())
    assert first > 0.9
    # A mask over frequencies cannot undo the mixture of a room: the floor is not zero.
    assert fit(task, one_batch, 150)["loss"] < 0.5 * first


PROCESS = """
import os, sys, time
from pathlib import Path
import torch
from training.tasks.loop import Run, of_first_process
rank, moved = int(os.environ["RANK"]), Path(sys.argv[1])
torch.distributed.init_process_group("gloo")
run = Run(moved.parent, torch.device("cpu"), rank=rank, world=2)
if rank == 0:
    time.sleep(0.5)
    moved.write_text("")
value = of_first_process(["of", rank], run)
assert value == ["of", 0] and moved.exists()
torch.distributed.destroy_process_group()
"""


def test_a_value_of_the_first_process_reaches_all_and_none_before_it_is_there(tmp_path: Path) -> None:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = str(free.getsockname()[1])
    environment = {**os.environ, "PYTHONPATH": str(ROOT), "WORLD_SIZE": "2", "MASTER_ADDR": "127.0.0.1", "MASTER_PORT": port}
    command = [sys.executable, "-c", PROCESS, str(tmp_path / "moved")]
    both = [subprocess.Popen(command, env={**environment, "RANK": str(rank)}) for rank in range(2)]
    assert [process.wait(120) for process in both] == [0, 0]
