"""Train without labels and evaluate on unseen scenes.

    python -m training.run --data data/slfm
    python -m training.run --data data/slfm --preset small --out runs/mine --set slfm.steps=2000
    python -m training.run --stages report,sweeps                     evaluate the checkpoints in runs/slfm again
    python -m training.run --set pretext.pictures=false --out runs/no-pictures      an ablation
    torchrun --nproc-per-node 4 -m training.run --preset paper        several GPUs

Stages: pretext (binaural sound from mono), slfm (localisation from motion), front-back (full-circle azimuth from the geometry
of each set), probe (linear probes on frozen features), supervised (the same networks with true angles: the upper bound), report
(test split, baselines, plots), sweeps (robustness).
Writes checkpoints, report.json and report.md into --out. The same command resumes an interrupted run.
Health is measured without labels: an unhealthy slfm stage is trained once more; if it stays unhealthy, the exit status is 1 and
one line names the reason.
"""

from __future__ import annotations

import argparse
import os
import sys
from datetime import timedelta
from pathlib import Path
from typing import Any

import torch

from dataset.command import exit_status, output_argument
from training.config import preset
from training.data.limits import DISK_BYTES, Limits, default_memory
from training.errors import InputError
from training.presets import PRESETS
from training.stages import STAGES, learn
from training.tasks import loop

COLLECTIVE_TIMEOUT = timedelta(hours=6)
"""Longest time that a process waits for the others, for example while the first one estimates the duration of the run."""


def main(arguments: list[str] | None = None) -> int:
    """Run the command; return the exit status: 0 done, 1 the run has not learned, 2 wrong use or input, 130 interrupted."""
    options = _parser().parse_args(arguments)
    return exit_status(lambda: _run(options))


def _run(options: argparse.Namespace) -> int:
    world = int(os.environ.get("WORLD_SIZE", "1"))
    stages = _stages(options.stages)
    device = _device(options.device)
    name = options.preset or ("paper" if device.type == "cuda" else "small")
    settings = preset(name, {"seed": options.seed, **_sizes(options.epochs, options.batch)}, options.set)
    try:
        if world > 1:
            backend = "nccl" if device.type == "cuda" else "gloo"
            torch.distributed.init_process_group(backend, timeout=COLLECTIVE_TIMEOUT)
        run = loop.Run(
            options.out,
            device,
            workers=options.workers,
            resume=not options.no_resume,
            quiet=options.quiet,
            rank=int(os.environ.get("RANK", "0")),
            world=world,
            limits=Limits(options.memory, options.disk),
        )
        run.board = _board(run) if run.rank == 0 else None
        complaints = learn(options.data, settings, run, stages, options.clips)
    finally:
        if world > 1 and torch.distributed.is_initialized():
            torch.distributed.destroy_process_group()
    if complaints and run.rank == 0:
        print(
            f"unhealthy: localisation from motion did not learn: {'; '.join(complaints)}; "
            "try another --seed, more steps (--set slfm.steps=N) or more data",
            file=sys.stderr,
        )
    return 1 if complaints else 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", default="data/slfm", help="folder or address of the data set; default %(default)s")
    parser.add_argument(
        "--clips",
        type=Path,
        metavar="DIR",
        help="folder of clips used in place of the data set's dry sounds (SLfM's data has none)",
    )
    parser.add_argument("--out", type=output_argument, default="runs/slfm", help="folder of the run; default %(default)s")
    parser.add_argument("--preset", choices=sorted(PRESETS), help="default: paper with a GPU, small without")
    parser.add_argument("--stages", default=",".join(STAGES), help="stages to run, separated by commas; default %(default)s")
    parser.add_argument("--epochs", type=float, help="passes over the training split in each of the training stages")
    parser.add_argument("--batch", type=int, help="sets in a batch of each of the training stages")
    parser.add_argument("--seed", type=int, default=0, help="default %(default)s")
    parser.add_argument("--device", help="default: cuda if available, else cpu")
    parser.add_argument("--workers", type=int, default=1, help="threads that prepare batches; default %(default)s")
    parser.add_argument(
        "--memory",
        type=int,
        default=default_memory(),
        metavar="BYTES",
        help="memory for the decoded sets of a split; a larger split is decoded as it is read; default: half of the machine's, "
        "divided among its processes",
    )
    parser.add_argument(
        "--disk",
        type=int,
        default=DISK_BYTES,
        metavar="BYTES",
        help="local disk for decoded sets that do not fit into memory, in the cache folder; 0: none; default %(default)s, and at "
        "most half of the free space",
    )
    parser.add_argument("--set", action="append", default=[], metavar="KEY=VALUE", help="a setting of training/config.py")
    parser.add_argument("--no-resume", action="store_true", help="ignore checkpoints and start again")
    parser.add_argument("--quiet", action="store_true", help="print neither progress nor summaries")
    return parser


def _stages(text: str) -> tuple[str, ...]:
    names = tuple(name.strip() for name in text.split(",") if name.strip())
    wrong = [name for name in names if name not in STAGES]
    if wrong or not names:
        raise InputError(f"--stages {text}: expected one or more of {', '.join(STAGES)}, separated by commas")
    return names


def _device(name: str | None) -> torch.device:
    try:
        device = torch.device(name or ("cuda" if torch.cuda.is_available() else "cpu"))
        known = device.type in ("cpu", "cuda")
    except RuntimeError:
        known = False
    if not known:
        raise InputError(f"--device {name} is unknown; use cpu or cuda")
    if device.type == "cuda" and not torch.cuda.is_available():
        raise InputError(f"--device {name}: no GPU is available; use cpu")
    if device.type == "cuda" and device.index is None:
        device = torch.device("cuda", int(os.environ.get("LOCAL_RANK", "0")))
        torch.cuda.set_device(device)
    return device


def _sizes(epochs: float | None, batch: int | None) -> dict[str, Any]:
    """Return the settings of the training stages for --epochs and --batch."""
    values: dict[str, Any] = {}
    for stage in ("pretext", "slfm", "front_back", "supervised"):
        if epochs is not None:
            values |= {f"{stage}.epochs": epochs, f"{stage}.steps": 0}
        if batch is not None:
            values[f"{stage}.batch"] = batch
    return values


def _board(run: loop.Run) -> Any:
    """Open TensorBoard logs in the run's folder; return None, with a note, if TensorBoard is not installed."""
    try:
        from torch.utils.tensorboard import SummaryWriter  # an extra
    except ImportError:
        if not run.quiet:
            print("note: no TensorBoard logs; pip install tensorboard to write them", file=sys.stderr)
        return None
    return SummaryWriter(str(run.folder / "tensorboard"))


if __name__ == "__main__":
    sys.exit(main())
