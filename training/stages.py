"""The stages of a run, in order: pretext, SLfM, front-back, probes, supervised bound, report, sweeps."""

from __future__ import annotations

import copy
import time
from collections.abc import Sequence
from pathlib import Path

import torch
from torch import nn

from training.config import Settings, stage_settings
from training.data.batches import Batches
from training.data.preload import load
from training.data.render import render_batch
from training.evaluation.health import complaints, measure, turn_sign
from training.evaluation.learned import errors
from training.networks.encoders import Encoders
from training.reporting.run_report import report_run
from training.tasks import checkpoint, loop
from training.tasks.front_back import FrontBack, infer
from training.tasks.pretext import Pretext, picture_gain
from training.tasks.probe import probe, untrained
from training.tasks.slfm import Slfm
from training.tasks.supervised import Supervised
from training.work import TAGS, VALIDATION_BATCH, Work

STAGES = ("pretext", "slfm", "front-back", "probe", "supervised", "report", "sweeps")
ATTEMPTS = ("slfm", "slfm restarted")
"""The first attempt at the slfm stage, and the second where the first is not healthy."""


def learn(data: str, settings: Settings, run: loop.Run, stages: Sequence[str] = STAGES, clips: Path | None = None) -> list[str]:
    """Run the given stages; stages left out are loaded from the run's folder if their checkpoints exist.

    Return the label-free health figures beyond their limits, one line each; empty for a healthy run or without stage slfm.
    """
    known, unseen = (load(data, split, settings, run.quiet, clips, run.limits) for split in ("train", "val"))
    training = Batches(known, settings, settings.pretext.batch, True, run.rank, run.world, TAGS["pretext"])
    work = Work(data, settings, run, training, Batches(unseen, settings, VALIDATION_BATCH, training=False), clips=clips)
    torch.manual_seed(settings.seed)
    task, model, full_circle, bound = Pretext(settings), Slfm(settings), FrontBack(settings), Supervised(settings)
    if run.rank == 0 and not run.quiet:
        tasks = {"pretext": task, "slfm": model, "front-back": full_circle, "supervised": bound}
        print(_plan(work, tasks, stages), flush=True)
    _pretext(work, task, "pretext" in stages)
    model = _slfm(work, model, task, "slfm" in stages)
    if "front-back" in stages:
        _front_back(work, full_circle, model)
    if "supervised" in stages:
        batches = work.drawn("supervised", hard=True)
        work.histories["supervised"] = loop.train("supervised", bound, batches, settings.supervised, settings, run)
    if run.rank == 0 and "probe" in stages:
        _probe(work, {"pretext": task.encoders, "SLfM": model.localiser.encoders})
    if run.rank == 0 and "report" in stages:
        report_run(work, "sweeps" in stages)
    return work.complaints


def _pretext(work: Work, task: Pretext, train: bool) -> None:
    """Train the pretext task, or load its checkpoint if there is one."""
    settings, run = work.settings, work.run
    if not train:
        if work.file("pretext").is_file():
            _load(work, "pretext", task, work.file("pretext"))
        else:
            work.notes["pretext"] = "none: localisation from motion started from untrained networks"
        return
    validate = None
    if settings.pretext.pictures and not settings.pretext.true_rotation and settings.pretext.withheld_share > 0:

        def validate(model: nn.Module) -> dict[str, float]:
            assert isinstance(model, Pretext)
            return picture_gain(model, work.val, run.device)

    work.histories["pretext"] = loop.train("pretext", task, work.training, settings.pretext, settings, run, validate)


def _slfm(work: Work, model: Slfm, task: Pretext, train: bool) -> Slfm:
    """Train localisation from motion, or load it; an unhealthy stage is trained once more with another draw."""
    run, path, rejected = work.run, work.file("slfm"), work.file("slfm" + checkpoint.REJECTED)
    if not train:
        files = [file for file in (rejected, path) if file.is_file()] if path.is_file() else []
        for attempt, file in zip(ATTEMPTS, files, strict=False):
            _load(work, "slfm", model, file)
            _measure_health(work, model, attempt)
        return model
    if not run.resume:
        rejected.unlink(missing_ok=True)
    first, second = ATTEMPTS
    model.localiser.encoders.load_state_dict(task.encoders.state_dict())
    if rejected.is_file():
        checkpoint.check_origin(rejected, checkpoint.load(rejected)[1].get("origin"), loop.origin(model, work.training))
        _load(work, "slfm", model, rejected, chosen=True)
        _measure_health(work, model, first)
    else:
        _train_slfm(work, model, first)
        wrong = _measure_health(work, model, first)
        if not wrong:
            return model
        if run.rank == 0:
            path.replace(rejected)
            print(f"slfm is not healthy: {'; '.join(wrong)}; it is trained once more with another draw", flush=True)
        loop.of_first_process(None, run)  # the others look for slfm.pt once it has been renamed
    torch.manual_seed(work.settings.seed + 1_000_003)
    model = Slfm(work.settings)
    model.localiser.encoders.load_state_dict(task.encoders.state_dict())
    _train_slfm(work, model, second)
    _measure_health(work, model, second)
    return model


def _train_slfm(work: Work, model: Slfm, attempt: str) -> None:
    """Train one attempt and fix the global sign without labels."""
    settings, run, store = work.settings, work.run, work.training.store

    def validate(_: nn.Module) -> dict[str, float]:
        return errors(model.localiser, work.val, run.device)

    work.histories["slfm"] = loop.train("slfm", model, work.drawn(attempt), settings.slfm, settings, run, validate)
    sign, share = loop.of_first_process(turn_sign(model.localiser, store, settings, run.device), run)
    model.localiser.rotation_sign.fill_(sign)
    truth = errors(model.localiser, work.val, run.device)
    work.notes["rotation sign"] = {
        "how": "without labels: content that moves right means that the camera turned left",
        "share of training pairs whose pictures shift by the sign taken": share,
        "agrees with the true turns of the validation split": truth["sign"] == sign,
    }
    if run.rank == 0:
        loop.keep(work.file("slfm"), model)


def _measure_health(work: Work, model: Slfm, attempt: str) -> list[str]:
    """Measure the health of an attempt on the validation split; store and return the figures beyond their limits."""
    figures = measure(model.localiser, work.val.store, work.settings, work.run.device)
    work.health[attempt] = loop.of_first_process(figures, work.run)  # rounding differs between devices, decisions must not
    work.complaints = complaints(work.health[attempt])
    return work.complaints


def _front_back(work: Work, full_circle: FrontBack, model: Slfm) -> None:
    """Train the sound network on the full-circle azimuths that the training split's geometry implies."""
    settings, run = work.settings, work.run
    full_circle.localiser.load_state_dict(model.localiser.state_dict())
    full_circle.localiser.start_full_circle()
    began = time.monotonic()
    store = infer(model.localiser.to(run.device).eval(), work.training.store, settings, run.device, run.quiet)
    run.seconds["front-back.inferring"] = time.monotonic() - began
    batches = work.drawn("front-back", store=store, hard=True, pictures=False)

    def validate(_: nn.Module) -> dict[str, float]:
        return {k: v for k, v in errors(full_circle.localiser, work.val, run.device).items() if k != "sign"}

    work.histories["front-back"] = loop.train("front-back", full_circle, batches, settings.front_back, settings, run, validate)
    assert store.confidence is not None
    work.notes["front-back"] = {
        "sure bits": float((store.confidence > 0.9).mean()),
        **{f"training split, {k}": v for k, v in store.compare(work.training.store.azimuth).items()},
    }


def _load(work: Work, stage: str, task: nn.Module, path: Path, chosen: bool = False) -> None:
    """Load a finished stage from a checkpoint; raise InputError if it was made with other settings.

    chosen: whether the stage is one of --stages, so that --no-resume trains it again.
    """
    found, content = checkpoint.load(path)
    remedy = checkpoint.TRAIN_AGAIN if chosen else f"use the same settings, or --no-resume with {stage} among --stages"
    checkpoint.check_settings(path, found, work.settings, loop.LATER[stage], remedy)
    checkpoint.restore(path, task, content)
    task.to(work.run.device).eval()


def _probe(work: Work, learned: dict[str, Encoders]) -> None:
    began = time.monotonic()
    plain = Batches(work.training.store, work.settings, VALIDATION_BATCH, training=False)
    store = load(work.data, "test", work.settings, work.run.quiet, work.clips, work.run.limits)
    test = Batches(store, work.settings, VALIDATION_BATCH, training=False)
    encoders = learned | untrained(work.settings, work.training, work.run.device)
    for one in encoders.values():
        one.to(work.run.device).eval()
    work.probes = probe(encoders, plain, test, work.settings, work.run.device)
    work.run.seconds["probe"] = time.monotonic() - began


def _plan(work: Work, tasks: dict[str, nn.Module], stages: Sequence[str]) -> str:
    """Return the plan of the run: data, parameters, steps, and the time estimated from one step of each stage."""
    settings, run, store = work.settings, work.run, work.training.store
    scenes = {name.split("/")[0] for name in store.set_id}
    lines = [
        f"train: {len(store)} sets of {len(scenes)} scenes, {store.rgb.shape[1]} views, {store.bytes / 1e6:.0f} MB "
        f"{store.place}; val: {len(work.val.store)} sets",
        f"preset {settings.preset}, networks {settings.network.kind}, seed {settings.seed}, on {run.device}"
        + (f" x {run.world}" if run.world > 1 else ""),
    ]
    for name, task in tasks.items():
        if name not in stages:
            continue
        stage = stage_settings(settings, name)
        batches = work.drawn(name)
        steps = loop.steps_of(stage, batches)
        seconds = steps * _step_seconds(task, batches, run.device)
        count = sum(p.numel() for p in task.parameters())
        lines.append(f"{name}: {count:,} parameters, {steps} steps of {batches.batch} sets, about {seconds / 60:.1f} minutes")
    return "\n".join(lines)


def _step_seconds(task: nn.Module, batches: Batches, device: torch.device) -> float:
    """Return the seconds of one forward and backward pass of a copy, after one warm-up pass."""
    trial = copy.deepcopy(task).to(device).train()
    rendered = render_batch(batches.make(0).to(device))
    began = time.monotonic()
    for _ in range(2):
        began = time.monotonic()
        trial(rendered)["loss"].backward()
        if device.type == "cuda":
            torch.cuda.synchronize(device)
    return time.monotonic() - began
