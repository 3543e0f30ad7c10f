"""Training speed: steps/s of each stage, and the share of time spent waiting for data.

    python -m benchmarks.train --data data/slfm
    python -m benchmarks.train --data data/slfm --preset paper --device cuda --steps 100

Each stage is trained twice from the start, for a few steps and for more. Times are differences of the two runs, so that start,
warm-up and checkpoints cancel. Prints for each stage steps/s, sets/s, the share of time spent waiting for the next batch, and
the rate at which an idle machine makes batches relative to the rate at which steps consume them. Exit status 1 where a stage
waits for more than a tenth of its time.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
import time
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import torch
from torch import nn
from tqdm import tqdm

from benchmarks.machine import describe
from dataset.command import exit_status
from training.config import Settings, preset, stage_settings
from training.data.batches import Batches
from training.data.preload import load
from training.data.render import render_batch
from training.presets import PRESETS
from training.tasks import loop
from training.tasks.front_back import FrontBack
from training.tasks.pretext import Pretext
from training.tasks.slfm import Slfm
from training.tasks.supervised import Supervised

TARGET_WAITING = 0.1
SHORT = 10
"""Steps of the shorter run."""
TASKS: dict[str, type[nn.Module]] = {"pretext": Pretext, "slfm": Slfm, "front-back": FrontBack, "supervised": Supervised}
DRAWN: dict[str, dict[str, bool]] = {"front-back": {"hard": True, "pictures": False}, "supervised": {"hard": True}}
"""Options of the batches of some stages."""


def main(argv: Sequence[str] | None = None) -> int:
    """Run the benchmark; return 0 where the target is met, 1 where not, 2 for wrong use."""
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks.train", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--data", default="data/slfm", help="data set folder; default %(default)s")
    parser.add_argument("--split", default="train", help="split to train on; default %(default)s")
    parser.add_argument("--preset", choices=sorted(PRESETS), default="small", help="default %(default)s")
    parser.add_argument("--set", action="append", default=[], metavar="KEY=VALUE", help="a setting of training/config.py")
    parser.add_argument("--device", choices=("cpu", "cuda"), default="cpu", help="default %(default)s")
    parser.add_argument("--steps", type=int, default=40, help="timed steps of each stage; default %(default)s")
    parser.add_argument("--workers", type=int, default=1, help="threads that prepare batches; default %(default)s")
    options = parser.parse_args(argv)
    if options.steps < 1:
        parser.error(f"--steps is {options.steps}; use 1 or more")
    return exit_status(lambda: _run(options))


def _run(options: argparse.Namespace) -> int:
    # With a closed gate pictures are skipped, so that steps are faster than most steps of a run.
    settings = preset(options.preset, {"slfm.gate": False}, options.set)
    device = torch.device(options.device)
    store = load(options.data, options.split, settings)
    print(describe())
    print(f"{len(store)} sets of {options.data}, preset {options.preset}, on {options.device}, {options.steps} timed steps")
    print(f"{'':<12}{'steps/s':>9}{'sets/s':>9}{'waiting':>9}{'batches made / steps done':>28}")
    waiting = []
    for name in TASKS:
        batches = Batches(store, settings, stage_settings(settings, name).batch, training=True, **DRAWN.get(name, {}))
        seconds, waited = time_stage(name, batches, settings, device, options.steps, options.workers)
        made = time_batches(batches, device, options.steps)
        waiting.append(waited / seconds)
        rates = f"{1 / seconds:>9.2f}{batches.batch / seconds:>9.1f}"
        print(f"{name:<12}{rates}{waiting[-1]:>9.1%}{seconds / made:>27.1f}x", flush=True)
    met = max(waiting) <= TARGET_WAITING
    print(f"target (at most {TARGET_WAITING:.0%} of the time spent waiting): {'met' if met else 'MISSED'}")
    return 0 if met else 1


def time_stage(
    name: str, batches: Batches, settings: Settings, device: torch.device, steps: int, workers: int
) -> tuple[float, float]:
    """Train a stage from the start; return the seconds per step, and those of them spent waiting for the batch."""
    stage = stage_settings(settings, name)
    seconds, waited = [], []
    for total in (SHORT, SHORT + steps):
        torch.manual_seed(settings.seed)
        with tempfile.TemporaryDirectory() as folder:
            run = loop.Run(Path(folder), device, workers, resume=False)
            loop.train(name, TASKS[name](settings), batches, replace(stage, steps=total), settings, run)
        seconds.append(run.seconds[name])
        waited.append(run.seconds[f"{name}.waiting"])
    return (seconds[1] - seconds[0]) / steps, max(0.0, waited[1] - waited[0]) / steps


def time_batches(batches: Batches, device: torch.device, count: int) -> float:
    """Make batches in this thread, as the threads of the loop do; return the seconds per batch."""
    moment = time.perf_counter()
    for step in tqdm(range(count), desc="batches", unit="batch"):
        rendered = render_batch(batches.make(step).to(device))
    float(rendered.sound.sum() + rendered.rgb.sum())  # waits for a GPU
    return (time.perf_counter() - moment) / count


if __name__ == "__main__":
    sys.exit(main())
