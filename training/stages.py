"""The stages of a run, in order: pretext task, localisation from motion, probes, supervised bound, report."""

from __future__ import annotations

import copy
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import torch
from torch import nn

from training.config import Settings
from training.data.batches import Batches
from training.data.clips import open_split
from training.data.preload import load
from training.data.render import perceive
from training.errors import InputError
from training.evaluation.evaluate import evaluate
from training.evaluation.examples import Examples, ExampleSettings
from training.evaluation.learned import errors, load_predictor
from training.evaluation.pretext_metrics import listen
from training.evaluation.robustness import robustness
from training.networks.encoders import Encoders
from training.reporting.report import write_report
from training.tasks import checkpoint, loop
from training.tasks.pretext import Pretext, picture_gain
from training.tasks.probe import probe, untrained
from training.tasks.slfm import Slfm
from training.tasks.supervised import Supervised

STAGES = ("pretext", "slfm", "probe", "supervised", "report", "sweeps")
LOOK_BATCH = 64
"""Sets in a batch of validation or test data."""


@dataclass
class Work:
    """What the stages of one run share."""

    data: str
    settings: Settings
    run: loop.Run
    training: Batches
    """Augmented, shared out among processes, batches of the pretext task's size."""
    val: Batches
    histories: dict[str, list[dict[str, float]]] = field(default_factory=dict)
    probes: dict[str, dict[str, float]] = field(default_factory=dict)
    notes: dict[str, Any] = field(default_factory=dict)
    clips: Path | None = None
    """Folder of dry sounds to play instead of the data set's own."""

    def drawn(self, batch: int, tag: int) -> Batches:
        """Batches of the training split of another size, with draws of their own."""
        return Batches(self.training.store, self.settings, batch, True, self.run.rank, self.run.world, tag)


def learn(data: str, settings: Settings, run: loop.Run, stages: Sequence[str] = STAGES, clips: Path | None = None) -> None:
    """Go through the stages asked for; those left out are taken from the run's folder where they lie there."""
    known, unseen = (load(data, split, settings, run.quiet, clips) for split in ("train", "val"))
    training = Batches(known, settings, settings.pretext.batch, True, run.rank, run.world, 1)
    work = Work(data, settings, run, training, Batches(unseen, settings, LOOK_BATCH, training=False), clips=clips)
    torch.manual_seed(settings.seed)
    task, model, bound = Pretext(settings), Slfm(settings), Supervised(settings)
    if run.rank == 0 and not run.quiet:
        print(_outlook(work, {"pretext": task, "slfm": model, "supervised": bound}, stages), flush=True)
    if "pretext" in stages or (run.folder / "pretext.pt").is_file():
        _pretext(work, task, "pretext" in stages)
        model.localiser.encoders.load_state_dict(task.encoders.state_dict())
    else:
        work.notes["pretext"] = "none: localisation from motion began with untrained networks"
    if "slfm" in stages:
        _slfm(work, model)
    if "supervised" in stages:
        batches = work.drawn(settings.supervised.batch, tag=3)
        work.histories["supervised"] = loop.train("supervised", bound, batches, settings.supervised, settings, run)
    if run.rank > 0:
        return
    if "probe" in stages:
        _probe(work, {"pretext": task.encoders, "SLfM": model.localiser.encoders})
    if "report" in stages:
        _report(work, "sweeps" in stages)


def _pretext(work: Work, task: Pretext, train: bool) -> None:
    settings, run = work.settings, work.run
    if not train:
        found, content = checkpoint.load(run.folder / "pretext.pt")
        checkpoint.check_settings(run.folder / "pretext.pt", found, settings, loop.LATER["pretext"])
        task.load_state_dict(content["model"])
        task.to(run.device).eval()
        return
    look = None
    if settings.pretext.pictures and not settings.pretext.true_rotation and settings.pretext.blind_share > 0:

        def look(model: nn.Module) -> dict[str, float]:
            assert isinstance(model, Pretext)
            return picture_gain(model, work.val, run.device)

    work.histories["pretext"] = loop.train("pretext", task, work.training, settings.pretext, settings, run, look)


def _slfm(work: Work, model: Slfm) -> None:
    settings, run = work.settings, work.run
    batches = work.drawn(settings.slfm.batch, tag=2)

    def look(_: nn.Module) -> dict[str, float]:
        return errors(model.localiser, work.val, run.device)

    work.histories["slfm"] = loop.train("slfm", model, batches, settings.slfm, settings, run, look)
    sign = errors(model.localiser, work.val, run.device)["sign"]
    model.localiser.rotation_sign.fill_(sign)
    work.notes["rotation sign"] = (
        f"the network's raw rotations were multiplied by {sign:+.0f}, fixed on the validation split's true turns and kept in "
        "slfm.pt; the signs listed above are on top of it"
    )
    if run.rank == 0:
        loop.keep(run.folder / "slfm.pt", model)


def _probe(work: Work, learned: dict[str, Encoders]) -> None:
    began = time.monotonic()
    plain = Batches(work.training.store, work.settings, LOOK_BATCH, training=False)
    store = load(work.data, "test", work.settings, work.run.quiet, work.clips)
    test = Batches(store, work.settings, LOOK_BATCH, training=False)
    encoders = learned | untrained(work.settings, work.training, work.run.device)
    for one in encoders.values():
        one.to(work.run.device).eval()
    work.probes = probe(encoders, plain, test, work.settings, work.run.device)
    work.run.seconds["probe"] = time.monotonic() - began


def _report(work: Work, sweeps: bool) -> None:
    run, settings = work.run, work.settings
    began = time.monotonic()
    heard = ExampleSettings(settings.sound.clip_s, settings.sound.indirect_ratio)
    test, reference = (Examples(open_split(work.data, split, work.clips), heard, settings.seed) for split in ("test", "val"))
    names = {"SLfM": "slfm.pt", "supervised": "supervised.pt"}
    predictors = [load_predictor(run.folder / f, str(run.device), n) for n, f in names.items() if (run.folder / f).is_file()]
    if not predictors:
        raise InputError(f"{run.folder} holds neither slfm.pt nor supervised.pt; run the stage slfm or supervised first")
    results = evaluate(predictors, test, reference, progress=not run.quiet)
    work.notes |= _pretext_notes(work, run.folder / "report")
    run.seconds["report"] = time.monotonic() - began
    began = time.monotonic()
    swept = robustness(predictors, test.data, heard, settings.seed, progress=not run.quiet) if sweeps else []
    run.seconds["sweeps"] = time.monotonic() - began
    kept = {**settings.to_dict(), "device": str(run.device), "threads": torch.get_num_threads(), "processes": run.world}
    curves = {f"{k}/loss": [(r["step"], r["loss"]) for r in h] for k, h in work.histories.items()}
    write_report(
        run.folder, results, test, settings=kept, seconds=run.seconds, probes=work.probes, curves=curves, sweeps=swept,
        notes=work.notes,
    )  # fmt: skip
    if not run.quiet:
        print(f"{run.folder}/report.md")


def _pretext_notes(work: Work, folder: Path) -> dict[str, Any]:
    """Measure the trained pretext task on the test split, as far as there is one."""
    path = work.run.folder / "pretext.pt"
    if not path.is_file():
        return {}
    task = Pretext(work.settings)
    task.load_state_dict(checkpoint.load(path)[1]["model"])
    task.to(work.run.device).eval()
    folder.mkdir(parents=True, exist_ok=True)
    store = load(work.data, "test", work.settings, work.run.quiet, work.clips)
    test = Batches(store, work.settings, LOOK_BATCH, training=False)
    out: dict[str, Any] = {"pretext sounds (test split)": listen(task, test, work.run.device, folder)}
    p = work.settings.pretext
    if p.pictures and not p.true_rotation and p.blind_share > 0:
        gain = picture_gain(task, test, work.run.device)
        out["pretext gain over no picture (test split)"] = {k.removeprefix("val_"): v for k, v in gain.items()}
    return out


def _outlook(work: Work, tasks: dict[str, nn.Module], stages: Sequence[str]) -> str:
    """Say what is about to happen: data, parameters, steps, and time by one timed step of each stage."""
    settings, run, store = work.settings, work.run, work.training.store
    scenes = {name.split("/")[0] for name in store.set_id}
    lines = [
        f"train: {len(store)} sets of {len(scenes)} scenes, {store.rgb.shape[1]} views, {store.bytes / 1e6:.0f} MB in memory; "
        f"val: {len(work.val.store)} sets",
        f"preset {settings.preset}, networks {settings.network.kind}, seed {settings.seed}, on {run.device}"
        + (f" x {run.world}" if run.world > 1 else ""),
    ]
    for name, task in tasks.items():
        if name not in stages:
            continue
        stage = getattr(settings, name)
        batches = work.drawn(stage.batch, tag=0)
        steps = loop.steps_of(stage, batches)
        seconds = steps * _step_seconds(task, batches, run.device)
        count = sum(p.numel() for p in task.parameters())
        lines.append(f"{name}: {count:,} parameters, {steps} steps of {batches.batch} sets, about {seconds / 60:.1f} minutes")
    return "\n".join(lines)


def _step_seconds(task: nn.Module, batches: Batches, device: torch.device) -> float:
    """Time one forward and backward pass, after one to warm up, of a copy."""
    trial = copy.deepcopy(task).to(device).train()
    seen = perceive(batches.make(0).to(device))
    began = time.monotonic()
    for _ in range(2):
        began = time.monotonic()
        trial(seen)["loss"].backward()
        if device.type == "cuda":
            torch.cuda.synchronize(device)
    return time.monotonic() - began
