"""Two processes train as one: the same losses and networks within rounding, also where they continue each other's run."""

from __future__ import annotations

import json
import os
import socket
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import nn

from training.tasks import checkpoint, processes

ROOT = Path(__file__).resolve().parents[3]
BATCH = 5
"""Sets in a step: the processes' shares differ in size."""

TRAIN = """
import os, sys
from dataclasses import replace
import torch
from training.config import preset
from training.data.batches import Batches
from training.data.preload import load
from training.tasks import loop
from training.tasks.front_back import FrontBack
from training.tasks.pretext import Pretext
from training.tasks.slfm import Slfm

name, data, folder, last, batch = sys.argv[1], sys.argv[2], loop.Path(sys.argv[3]), int(sys.argv[4]), int(sys.argv[5])
rank, world = int(os.environ.get("RANK", "0")), int(os.environ.get("WORLD_SIZE", "1"))
torch.set_num_threads(1)
if world > 1:
    torch.distributed.init_process_group("gloo")
loop.LOG_EVERY = 2
sizes = {"picture.width_px": 64, "picture.height_px": 48, "sound.clip_s": 0.4, "slfm.gate": name != "slfm", "seed": 3}
group = name.replace("-", "_")
s = preset("small", {**sizes, f"{group}.steps": 6, f"{group}.batch": batch, f"{group}.warmup_steps": 2})
stage = getattr(s, group)
torch.manual_seed(3)
task = {"pretext": Pretext, "slfm": Slfm, "front-back": FrontBack}[name](s)
batches = Batches(load(data, "train", s, True), s, stage.batch, True, rank, world, hard=name == "front-back")
make = batches.make
def until(step):
    if step == last and rank == 0:
        os.kill(os.getpid(), 2)
    return make(step)
batches.make = until
try:
    loop.train(name, task, batches, stage, s, loop.Run(folder, torch.device("cpu"), 0, quiet=True, rank=rank, world=world))
except KeyboardInterrupt:
    pass
if world > 1:
    torch.distributed.destroy_process_group()
"""


def train(name: str, data: Path, folder: Path, world: int, last: int = -1, batch: int = BATCH) -> None:
    """Train a stage of six steps in one process or more, or until the record after step `last`."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = str(free.getsockname()[1])
    environment = {**os.environ, "PYTHONPATH": str(ROOT), "MASTER_ADDR": "127.0.0.1", "MASTER_PORT": port}
    command = [sys.executable, "-c", TRAIN, name, str(data), str(folder), str(last), str(batch)]
    started = [
        subprocess.Popen(
            command, env={**environment, "WORLD_SIZE": str(world), "RANK": str(rank)}, stderr=subprocess.PIPE, text=True
        )
        for rank in range(world)
    ]
    errors = [process.communicate(timeout=600)[1] for process in started]
    assert all(process.returncode == 0 for process in started), "\n".join(errors)


def history(name: str, folder: Path) -> list[dict[str, float]]:
    return json.loads((folder / f"{name}-history.json").read_text())


def assert_alike(name: str, a: Path, b: Path) -> None:
    for one, other in zip(history(name, a), history(name, b), strict=True):
        assert one == pytest.approx(other, rel=2e-3, abs=2e-4)
    first, second = (checkpoint.load(folder / f"{name}.pt")[1]["model"] for folder in (a, b))
    means = [key for key in first if key.endswith("running_var")]
    assert means
    for key in means:
        assert torch.allclose(first[key], second[key], rtol=2e-2, atol=1e-3), key


@pytest.fixture(scope="module")
def data(make_tiny_data: Any, tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_tiny_data(tmp_path_factory.mktemp("sets"), sets=10)


@pytest.mark.slow
@pytest.mark.parametrize("name", ["pretext", "slfm", "front-back"])
def test_two_processes_give_the_losses_of_one(name: str, data: Path, tmp_path: Path) -> None:
    for world in (1, 2):
        train(name, data, tmp_path / str(world), world)
    assert_alike(name, tmp_path / "1", tmp_path / "2")


@pytest.mark.slow
def test_a_run_is_resumed_by_another_number_of_processes(data: Path, tmp_path: Path) -> None:
    train("pretext", data, tmp_path / "1", 1)
    train("pretext", data, tmp_path / "2", 2, last=3)
    assert [r["step"] for r in history("pretext", tmp_path / "2")] == [2, 4]
    train("pretext", data, tmp_path / "2", 1)
    assert_alike("pretext", tmp_path / "1", tmp_path / "2")


def test_one_process_sums_nothing() -> None:
    x = torch.randn(4, 3)
    assert processes.total(x) is x and processes.gathered(x) is x
    assert torch.equal(processes.mean(x, (0,)), x.mean(0))


def test_normalisation_outside_a_step_is_pytorchs() -> None:
    plain, ours = nn.BatchNorm1d(3), nn.Sequential(nn.BatchNorm1d(3))
    processes.synchronise_normalisation(ours)
    x = torch.randn(8, 3)
    assert torch.equal(plain(x), ours(x)) and torch.equal(plain.running_var, ours[0].running_var)
    assert list(ours.state_dict()) == [f"0.{name}" for name in plain.state_dict()]
