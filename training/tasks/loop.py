"""The training loop: one step to read at a glance, schedule, checkpoints, exact resume, several GPUs."""

from __future__ import annotations

import json
import math
import signal
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Protocol

import torch
from torch import Tensor, nn
from torch.nn.parallel import DistributedDataParallel
from tqdm import tqdm

from training.config import Settings
from training.data.batches import Batches
from training.data.render import perceive
from training.errors import InputError
from training.tasks import checkpoint

LOG_EVERY = 10
SAVE_EVERY_S = 60.0
LATER = {
    "pretext": ("slfm", "probe", "supervised"),
    "slfm": ("probe", "supervised"),
    "supervised": ("pretext", "probe"),
}
"""Groups of settings that a stage's checkpoint does not depend on."""
CHECKS = 10
"""Times that a stage is looked at on validation data."""


class Stage(Protocol):
    """The settings of a stage that the loop needs."""

    @property
    def epochs(self) -> float:  # noqa: D102
        ...

    @property
    def steps(self) -> int:  # noqa: D102
        ...

    @property
    def learning_rate(self) -> float:  # noqa: D102
        ...

    @property
    def weight_decay(self) -> float:  # noqa: D102
        ...

    @property
    def warmup_steps(self) -> int:  # noqa: D102
        ...


@dataclass
class Run:
    """Where and on what a run trains; nothing here changes its result but for rounding."""

    folder: Path
    device: torch.device
    workers: int = 1
    resume: bool = True
    quiet: bool = False
    rank: int = 0
    world: int = 1
    board: Any = None
    """TensorBoard writer or None."""
    seconds: dict[str, float] = field(default_factory=dict)
    """Time that each stage took, and its share of waiting for data under `<stage>.waiting`."""


def train(
    name: str,
    task: nn.Module,
    batches: Batches,
    stage: Stage,
    settings: Settings,
    run: Run,
    validate: Callable[[nn.Module], dict[str, float]] | None = None,
) -> list[dict[str, float]]:
    """Train a task, whose forward gives losses, to the end of its stage; returns the history, a dictionary a record.

    Goes on from `<folder>/<name>.pt` when the run resumes, and then ends exactly like a run that was never stopped.
    InputError when the loss is not finite (naming the sets), the checkpoint does not fit, or the user interrupts.
    """
    path = run.folder / f"{name}.pt"
    total = steps_of(stage, batches)
    task.to(run.device)
    optimizer = torch.optim.AdamW(task.parameters(), stage.learning_rate, weight_decay=stage.weight_decay)
    first, spent = 0, 0.0
    history: list[dict[str, float]] = []
    if run.resume and path.is_file():
        first, history, spent = _resume(path, task, optimizer, settings, LATER[name])
    wrapped = DistributedDataParallel(task, find_unused_parameters=True) if run.world > 1 else task
    began, saved, waiting = time.monotonic(), time.monotonic(), 0.0
    window: list[dict[str, float]] = []

    def save(step: int) -> None:
        if run.rank == 0:
            seconds = spent + time.monotonic() - began
            state = {"model": task.state_dict(), "optimizer": optimizer.state_dict(), "seconds": seconds}
            checkpoint.save(path, settings, {"step": step, "total": total, "history": history, **state})
            write_json(run.folder / f"{name}-history.json", history)

    asked = _Interrupt()
    bar = tqdm(total=total, initial=first, desc=name, unit="step", disable=run.quiet or run.rank > 0)
    made = batches.between(first, total, lambda batch: perceive(batch.to(run.device)), run.workers)
    with bar, asked:
        for step in range(first, total):
            moment = time.monotonic()
            batch = next(made)
            waiting += time.monotonic() - moment

            task.train()
            for group in optimizer.param_groups:
                group["lr"] = stage.learning_rate * rate(step, total, stage.warmup_steps)
            with torch.autocast(run.device.type, torch.bfloat16, enabled=run.device.type == "cuda"):
                losses = wrapped(batch)
            optimizer.zero_grad(set_to_none=True)
            losses["loss"].backward()
            norm = nn.utils.clip_grad_norm_(task.parameters(), settings.clip_gradients)
            if not math.isfinite(norm):
                _stop_not_finite(name, step, batches, batch.row, losses, path)
            optimizer.step()

            window.append({k: float(v.detach()) for k, v in losses.items()})
            bar.update()
            if (step + 1) % LOG_EVERY == 0 or step + 1 == total:
                record = {"step": step + 1.0, **_means(window)}
                window = []
                if validate and (step + 1 == total or (step + 1) % max(LOG_EVERY, total // CHECKS // LOG_EVERY * LOG_EVERY) == 0):
                    task.eval()
                    with torch.no_grad():
                        record |= validate(task)
                history.append(record)
                bar.set_postfix({k: f"{v:.3g}" for k, v in record.items() if k != "step"}, refresh=False)
                if run.board:
                    for key, value in record.items():
                        run.board.add_scalar(f"{name}/{key}", value, step + 1)
                stop = _any_asked(asked.now, run)
                if stop or step + 1 == total or time.monotonic() - saved > SAVE_EVERY_S:
                    save(step + 1)
                    saved = time.monotonic()
                if stop:
                    raise InputError(f"interrupted after step {step + 1} of {name}; run the same command again to go on")
    run.seconds[name] = spent + time.monotonic() - began
    run.seconds[f"{name}.waiting"] = waiting
    task.eval()
    return history


def steps_of(stage: Stage, batches: Batches) -> int:
    """Count the steps of a stage."""
    return stage.steps or max(1, round(stage.epochs * batches.per_epoch))


def keep(path: Path, task: nn.Module) -> None:
    """Write a finished task's changed buffers into its checkpoint."""
    settings, content = checkpoint.load(path)
    checkpoint.save(path, settings, {**content, "model": task.state_dict()})


def rate(step: int, total: int, warmup: int) -> float:
    """Factor on the learning rate: linear warm-up, then a cosine from 1 to 0."""
    warm = min(1.0, (step + 1) / max(1, warmup))
    return warm * 0.5 * (1 + math.cos(math.pi * step / total))


def write_json(path: Path, content: Any) -> None:
    """Write JSON atomically; InputError when the disk is full."""
    temporary = path.with_name(f".{path.name}.part")
    try:
        temporary.write_text(json.dumps(content, indent=1) + "\n")
        temporary.replace(path)
    except OSError as error:
        raise InputError(f"{path} cannot be written ({error}); free some disk space and run again") from None
    finally:
        temporary.unlink(missing_ok=True)


class _Interrupt:
    """Turn the first SIGINT or SIGTERM into a request to stop at the next record."""

    now = False

    def __enter__(self) -> None:
        self.before: dict[signal.Signals, Any] = {}
        for kind in (signal.SIGINT, signal.SIGTERM):
            try:
                self.before[kind] = signal.signal(kind, self._ask)
            except ValueError:  # Not in the main thread: leave signals alone.
                return

    def __exit__(self, *_: object) -> None:
        for kind, handler in self.before.items():
            signal.signal(kind, handler)

    def _ask(self, *_: object) -> None:
        self.now = True


def _any_asked(asked: bool, run: Run) -> bool:
    """Whether any of the processes was asked to stop: they stop together or not at all."""
    if run.world == 1:
        return asked
    flag = torch.tensor(float(asked), device=run.device)
    torch.distributed.all_reduce(flag, torch.distributed.ReduceOp.MAX)
    return bool(flag)


def _resume(
    path: Path, task: nn.Module, optimizer: torch.optim.Optimizer, settings: Settings, free: tuple[str, ...]
) -> tuple[int, list[dict[str, float]], float]:
    found, content = checkpoint.load(path)
    checkpoint.check_settings(path, found, settings, free)
    task.load_state_dict(content["model"])
    optimizer.load_state_dict(content["optimizer"])
    return int(content["step"]), content["history"], float(content["seconds"])


def _stop_not_finite(name: str, step: int, batches: Batches, rows: Tensor, losses: dict[str, Tensor], path: Path) -> None:
    ids = ", ".join(batches.store.set_id[int(r)] for r in rows)
    parts = ", ".join(f"{k} {float(v.detach()):.3g}" for k, v in losses.items())
    kept = f"{path} holds the last good state" if path.is_file() else "no checkpoint was written yet"
    raise InputError(f"{name}: loss or gradient not finite at step {step + 1} ({parts}); sets {ids}; {kept}")


def _means(window: list[dict[str, float]]) -> dict[str, float]:
    return {k: sum(w[k] for w in window) / len(window) for k in window[0]}
