"""The training loop: steps, schedule, checkpoints, exact resume, several GPUs."""

from __future__ import annotations

import json
import math
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn.parallel import DistributedDataParallel

from dataset.atomic import write_text
from dataset.interrupts import check
from dataset.progress import progress_bar
from training.config import Settings, StageSettings
from training.data.batches import Batches
from training.data.limits import Limits
from training.data.render import RenderedBatch, render_batch
from training.errors import InputError
from training.tasks import checkpoint
from training.tasks.interrupt import Interrupt
from training.tasks.processes import any_process, joined, synchronise_normalisation, synchronised

LOG_EVERY = 10
SAVE_EVERY_S = 60.0
LATER = {
    "pretext": ("slfm", "front_back", "probe", "supervised"),
    "slfm": ("front_back", "probe", "supervised"),
    "front-back": ("probe", "supervised"),
    "supervised": ("pretext", "slfm", "front_back", "probe"),
}
"""Groups of settings that do not affect a stage's checkpoint."""
CHECKS = 10
"""Number of validations in a stage."""


@dataclass
class Run:
    """Folder and machine options of a run; they change its result by rounding only."""

    folder: Path
    device: torch.device
    workers: int = 1
    resume: bool = True
    quiet: bool = False
    rank: int = 0
    world: int = 1
    limits: Limits = field(default_factory=Limits)
    """Bytes of decoded sets."""
    board: Any = None
    """TensorBoard writer or None."""
    seconds: dict[str, float] = field(default_factory=dict)
    """Time of each stage, and the part of it spent waiting for data under `<stage>.waiting`."""


def train(
    name: str,
    task: nn.Module,
    batches: Batches,
    stage: StageSettings,
    settings: Settings,
    run: Run,
    validate: Callable[[nn.Module], dict[str, float]] | None = None,
) -> list[dict[str, float]]:
    """Train a task, whose forward returns losses, to the end of its stage; return the history, one dictionary per record.

    A resumed run continues from `<folder>/<name>.pt` and ends exactly like an uninterrupted one. The task's `progress` is the
    completed share of the stage. Raise InputError if the loss is not finite (naming the sets) or the checkpoint does not fit;
    KeyboardInterrupt, after the checkpoint is saved, if the user interrupts.
    """
    check()
    steps = steps_of(stage, batches)
    state = _begin(name, task, batches, stage, settings, run)
    wrapped = _wrapped(task, batches, run)
    began = saved = time.monotonic()
    spent, window = state.seconds, list[dict[str, float]]()
    interrupt = Interrupt()
    bar = progress_bar(steps, "step", name, not run.quiet and run.rank == 0, initial=state.step)
    features = getattr(task, "features", None)
    made = batches.between(state.step, steps, lambda batch: render_batch(batch.to(run.device), features), run.workers)
    with bar, interrupt:
        for step in range(state.step, steps):
            moment = time.monotonic()
            batch = next(made)
            state.waiting += time.monotonic() - moment
            task.progress = step / steps  # type: ignore[assignment]
            learning_rate = stage.learning_rate * rate(step, steps, stage.warmup_steps)
            share = len(batch.row) / batches.batch
            losses = _step(task, wrapped, state.optimizer, batch, learning_rate, settings, share, run)
            _stop_not_finite(name, step, batches, batch, losses, state)
            window.append({k: float(v.detach()) for k, v in losses.items()})
            bar.update()
            if (step + 1) % LOG_EVERY and step + 1 < steps:
                continue
            state.step, state.seconds = step + 1, spent + time.monotonic() - began
            _record(name, task, joined(window, share, run.world, run.device), steps, state, run, validate)
            bar.set_postfix({k: f"{v:.3g}" for k, v in state.history[-1].items() if k != "step"}, refresh=False)
            window = []
            stop = any_process(interrupt.requested, run.world, run.device)
            if stop or step + 1 == steps or time.monotonic() - saved > SAVE_EVERY_S:
                _save(task, settings, steps, state, run)
                saved = time.monotonic()
            if stop:
                raise KeyboardInterrupt(f"interrupted after step {step + 1} of {name}; run the same command again to resume")
    run.seconds[name], run.seconds[f"{name}.waiting"] = state.seconds, state.waiting
    task.eval()
    return state.history


@dataclass
class _State:
    """Progress of a stage's training."""

    path: Path
    optimizer: torch.optim.Optimizer
    origin: dict[str, str]
    """Digests of the data and of the initial networks."""
    step: int = 0
    seconds: float = 0.0
    waiting: float = 0.0
    history: list[dict[str, float]] = field(default_factory=list)


def _begin(name: str, task: nn.Module, batches: Batches, stage: StageSettings, settings: Settings, run: Run) -> _State:
    """Set up a stage, and resume from its checkpoint if there is one."""
    path = run.folder / f"{name}.pt"
    start = origin(task, batches)
    task.to(run.device)
    optimizer = torch.optim.AdamW(task.parameters(), stage.learning_rate, weight_decay=stage.weight_decay)
    state = _State(path, optimizer, start)
    if run.resume and path.is_file():
        found, content = checkpoint.load(path)
        checkpoint.check_settings(path, found, settings, LATER[name])
        checkpoint.check_origin(path, content.get("origin"), start)
        checkpoint.restore(path, task, content)
        checkpoint.restore_optimizer(path, optimizer, content)
        state.step, state.history, state.seconds = checkpoint.progress(path, content)
    return state


def origin(task: nn.Module, batches: Batches) -> dict[str, str]:
    """Return the digests of a stage's data and of its initial networks."""
    return {"data": batches.store.digest, "start": checkpoint.digest(task)}


def _step(
    task: nn.Module,
    wrapped: nn.Module,
    optimizer: torch.optim.Optimizer,
    batch: RenderedBatch,
    learning_rate: float,
    settings: Settings,
    share: float,
    run: Run,
) -> dict[str, Tensor]:
    """Take one step if the gradient is finite; return the losses and, as `gradient`, the norm of the gradient.

    share: part of the batch's sets that this process has; DistributedDataParallel averages over processes.
    """
    task.train()
    for group in optimizer.param_groups:
        group["lr"] = learning_rate
    with synchronised(run.world > 1):
        with torch.autocast(batch.sound.device.type, torch.bfloat16, enabled=batch.sound.is_cuda):
            losses: dict[str, Tensor] = wrapped(batch)
        optimizer.zero_grad(set_to_none=True)
        (losses["loss"] * (share * run.world)).backward()  # type: ignore[no-untyped-call]
    norm = nn.utils.clip_grad_norm_(task.parameters(), settings.clip_gradients)
    if math.isfinite(norm):
        optimizer.step()
    return {**losses, "gradient": norm}


def _wrapped(task: nn.Module, batches: Batches, run: Run) -> nn.Module:
    """Return a task whose gradients and normalisation are those of all processes; raise InputError for too small batches."""
    if run.world == 1:
        return task
    if batches.batch < run.world:
        raise InputError(
            f"a batch of {batches.batch} sets has none for some of {run.world} processes; use fewer processes or larger batches"
        )
    task.train()  # freezes what is frozen
    synchronise_normalisation(task)
    return DistributedDataParallel(task, find_unused_parameters=True, broadcast_buffers=False)


def _record(
    name: str,
    task: nn.Module,
    window: list[dict[str, float]],
    total: int,
    state: _State,
    run: Run,
    validate: Callable[[nn.Module], dict[str, float]] | None,
) -> None:
    """Append the mean losses since the last record, and at intervals the validation figures, to the history."""
    record = {"step": float(state.step), **_means(window)}
    if validate and (state.step == total or state.step % max(LOG_EVERY, total // CHECKS // LOG_EVERY * LOG_EVERY) == 0):
        task.eval()
        with torch.no_grad():
            record |= validate(task)
    state.history.append(record)
    if run.board:
        for key, value in record.items():
            run.board.add_scalar(f"{name}/{key}", value, state.step)


def _save(task: nn.Module, settings: Settings, total: int, state: _State, run: Run) -> None:
    if run.rank == 0:
        content = {"model": task.state_dict(), "optimizer": state.optimizer.state_dict(), "seconds": state.seconds}
        content |= {"step": state.step, "total": total, "history": state.history, "origin": state.origin}
        checkpoint.save(state.path, settings, content)
        write_json(state.path.with_name(f"{state.path.stem}-history.json"), state.history)


def steps_of(stage: StageSettings, batches: Batches) -> int:
    """Return the number of steps of a stage."""
    return stage.steps or max(1, round(stage.epochs * batches.per_epoch))


def keep(path: Path, task: nn.Module) -> None:
    """Replace the model in a finished task's checkpoint."""
    settings, content = checkpoint.load(path)
    checkpoint.save(path, settings, {**content, "model": task.state_dict()})


def rate(step: int, total: int, warmup: int) -> float:
    """Return the factor on the learning rate: linear warm-up, then a cosine from 1 to 0."""
    warm = min(1.0, (step + 1) / max(1, warmup))
    return warm * 0.5 * (1 + math.cos(math.pi * step / total))


def write_json(path: Path, content: Any) -> None:
    """Write JSON atomically; raise InputError if the disk is full."""
    try:
        write_text(path, json.dumps(content, indent=1) + "\n")
    except OSError as error:
        raise InputError(f"{path} cannot be written ({error}); free some disk space and run again") from None


def of_first_process(value: Any, run: Run) -> Any:
    """Return the value that the process of rank 0 passes, in all of them; none returns before that process has called."""
    if run.world == 1:
        return value
    box = [value]
    torch.distributed.broadcast_object_list(box, 0, device=run.device)
    return box[0]


def _stop_not_finite(
    name: str, step: int, batches: Batches, batch: RenderedBatch, losses: dict[str, Tensor], state: _State
) -> None:
    """Raise InputError if the gradient of a step is not finite; the step has changed nothing."""
    if math.isfinite(losses["gradient"]):
        return
    ids = ", ".join(batches.store.set_id[int(r)] for r in batch.row)
    parts = ", ".join(f"{k} {float(v.detach()):.3g}" for k, v in losses.items())
    kept = f"{state.path} holds the last good state" if state.path.is_file() else "there is no checkpoint yet"
    raise InputError(f"{name}: loss or gradient not finite at step {step + 1} ({parts}); sets {ids}; {kept}")


def _means(window: list[dict[str, float]]) -> dict[str, float]:
    return {k: sum(w[k] for w in window) / len(window) for k in window[0]}
