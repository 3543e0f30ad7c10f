"""The report of a run: the networks in its folder, evaluated on the test split."""

from __future__ import annotations

import time
from dataclasses import asdict
from pathlib import Path
from typing import Any

import torch

from training.data.batches import Batches
from training.data.clips import open_split
from training.data.preload import load
from training.errors import InputError
from training.evaluation.calibrate import calibrate_checkpoint
from training.evaluation.evaluate import evaluate
from training.evaluation.examples import Examples, ExampleSettings
from training.evaluation.learned import checkpoint_of, load_run
from training.evaluation.pretext_metrics import measure_pretext
from training.evaluation.robustness import summarised, sweep_errors
from training.reporting.report import write_report
from training.tasks import checkpoint
from training.tasks.pretext import Pretext, picture_gain
from training.work import VALIDATION_BATCH, Work


def report_run(work: Work, sweeps: bool) -> None:
    """Evaluate the networks in a run's folder on the test split, with sweeps if asked, and write the report into it.

    Raise InputError where the folder holds no network that localises.
    """
    run, settings = work.run, work.settings
    began = time.monotonic()
    sounds = ExampleSettings(settings.sound.clip_s, settings.sound.indirect_ratio)
    test, reference = (Examples(open_split(work.data, split, work.clips), sounds, settings.seed) for split in ("test", "val"))
    predictors = load_run(run.folder, str(run.device))
    work.notes["cannot tell"] = _calibrated(work)
    results = evaluate(predictors, test, reference, progress=not run.quiet)
    work.notes |= _pretext_notes(work, run.folder / "report")
    run.seconds["report"] = time.monotonic() - began
    began = time.monotonic()
    swept = summarised(sweep_errors(predictors, test.data, sounds, settings.seed, progress=not run.quiet)) if sweeps else []
    run.seconds["sweeps"] = time.monotonic() - began
    kept = {**settings.to_dict(), "device": str(run.device), "threads": torch.get_num_threads(), "processes": run.world}
    curves = {f"{k}/loss": [(r["step"], r["loss"]) for r in h] for k, h in work.histories.items()}
    write_report(
        run.folder, results, test, settings=kept, seconds=run.seconds, probes=work.probes, curves=curves, sweeps=swept,
        notes=work.notes, health=work.health, complaints=work.complaints,
    )  # fmt: skip
    if not run.quiet:
        print(f"{run.folder}/report.md")


def _calibrated(work: Work) -> dict[str, Any] | str:
    """Calibrate the run's last network without labels on the validation split; return the result, or why there is none."""
    path, data = checkpoint_of(work.run.folder), open_split(work.data, "val", work.clips)
    try:
        return asdict(calibrate_checkpoint(path, data, device=str(work.run.device)))
    except InputError as error:
        return f"not calibrated: {error}"
    finally:
        data.close()


def _pretext_notes(work: Work, folder: Path) -> dict[str, Any]:
    """Measure the pretext task on the test split; empty without its checkpoint."""
    path = work.run.folder / "pretext.pt"
    if not path.is_file():
        return {}
    task = Pretext(work.settings)
    checkpoint.restore(path, task, checkpoint.load(path)[1])
    task.to(work.run.device).eval()
    folder.mkdir(parents=True, exist_ok=True)
    store = load(work.data, "test", work.settings, work.run.quiet, work.clips, work.run.limits)
    test = Batches(store, work.settings, VALIDATION_BATCH, training=False)
    out: dict[str, Any] = {"pretext sounds (test split)": measure_pretext(task, test, work.run.device, folder)}
    p = work.settings.pretext
    if p.pictures and not p.true_rotation and p.withheld_share > 0:
        gain = picture_gain(task, test, work.run.device)
        out["pretext gain over no picture (test split)"] = {k.removeprefix("val_"): v for k, v in gain.items()}
    return out
