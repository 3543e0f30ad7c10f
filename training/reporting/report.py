"""The report of a run: report.json for machines, report.md with tables, plots and examples for people."""

from __future__ import annotations

import csv
import json
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

from dataset.atomic import write_text
from training.baselines.registry import AZIMUTH_BASELINES
from training.evaluation.evaluate import Results, Task
from training.evaluation.examples import Examples
from training.evaluation.full_circle import bias
from training.evaluation.scores import difference
from training.reporting.figures import plot_answers, plot_bias, plot_conditions, plot_curves, plot_sweeps
from training.reporting.markdown import report_text
from training.reporting.showcase import show_pairs, show_sounds

Curves = Mapping[str, Sequence[tuple[float, float]]]
"""{name of a loss, as stage/loss: [(step, value), ...]}, from the run's log."""


def write_report(
    out: Path,
    results: Results,
    test: Examples,
    *,
    settings: Mapping[str, Any],
    seconds: Mapping[str, float],
    probes: Mapping[str, Mapping[str, float]] | None = None,
    curves: Curves | None = None,
    sweeps: Sequence[Mapping[str, Any]] = (),
    notes: Mapping[str, Any] | None = None,
    health: Mapping[str, Mapping[str, float]] | None = None,
    complaints: Sequence[str] = (),
) -> dict[str, Any]:
    """Write report.json and report.md, with plots and examples in `report/` beside them, into a run's folder.

    results: the output of evaluate(). test: its test examples. settings: all of the run, serialisable. seconds:
    time by stage. probes: {features: {"rotation_accuracy", "azimuth_accuracy", "chance_accuracy"}}, shares of 1. curves:
    losses by step, for the loss plot. sweeps: the output of training.evaluation.robustness.summarised(). notes: further
    measurements (pretext gain, waveform distances), serialisable, shown unchanged. Return report.json's content.
    """
    folder = out / "report"
    folder.mkdir(parents=True, exist_ok=True)
    content: dict[str, Any] = {
        "format": "sight-and-sound report 1",
        "data": _data(test),
        "rotation": summary(results.rotation),
        "azimuth": summary(results.azimuth),
        "probes": {name: dict(values) for name, values in (probes or {}).items()},
        "robustness": [dict(s) for s in sweeps],
        "health": {"figures": {k: dict(v) for k, v in (health or {}).items()}, "complaints": list(complaints)},
        "notes": dict(notes or {}),
        "settings": dict(settings),
        "seconds": {**seconds, "total": sum(v for k, v in seconds.items() if "." not in k)},  # slfm.waiting is a part of slfm
    }
    plot_answers(folder / "answers.png", {"rotation": results.rotation, "azimuth": results.azimuth})
    plot_conditions(folder / "rotation.png", results.rotation)
    learned = (*results.azimuth.predictors, *AZIMUTH_BASELINES)
    plot_bias(folder / "bias.png", {name: content["azimuth"]["bias"][name] for name in learned})
    plot_conditions(folder / "azimuth.png", results.azimuth)
    if curves:
        plot_curves(folder / "losses.png", curves)
    if sweeps:
        plot_sweeps(folder / "robustness.png", sweeps)
    show_pairs(folder / "pairs.png", results.rotation, test)
    sounds = show_sounds(folder, results.azimuth, test)
    p, s = test.pairs, test.sounds
    write_answers(folder / "rotation.csv", results.rotation, test.label, {"view_s": p.view_s, "view_t": p.view_t})
    write_answers(folder / "azimuth.csv", results.azimuth, test.label, {"view": s.view, "source": s.source, "start": s.start})
    write_text(out / "report.json", json.dumps(content, indent=1) + "\n")
    write_text(out / "report.md", report_text(content, sounds, with_losses=bool(curves)))
    return content


def summary(task: Task) -> dict[str, Any]:
    """Return a serialisable summary of a task: scores of predictors and baselines, and errors by condition.

    Keys: method, mean_deg, median_deg, mean_95_deg, n, chance_mean_deg, ... of the first predictor; signs; compared and
    baselines: {name: the same scores}; against: {baseline: difference of the first predictor's error to it, with a
    verdict}; by: {condition: {name: bins}}.
    """
    first, *others = task.predictors
    error = task.error(first)
    return {
        "method": first,
        **task.score(first),
        "signs": task.signs,
        "compared": {name: task.score(name) for name in others},
        "baselines": {name: task.score(name) for name in task.baselines},
        "against": {name: difference(error, task.error(name), task.group) for name in (*others, *task.baselines)},
        "full_circle": task.full_circle,
        "bias": {name: bias(task.truth_deg, task.answers[name]) for name in (*task.predictors, *task.baselines)},
        "by": {c: {name: task.by(c, name) for name in (*task.predictors, *task.baselines)} for c in task.conditions},
    }


def _data(test: Examples) -> dict[str, Any]:
    shards = test.data.shards
    return {
        "root": str(test.data.root),
        "split": ", ".join(sorted({str(s["split"]) for s in shards})),
        "scenes": sorted({str(s["scene"]) for s in shards}),
        "sets": len(test.data),
        "sounds": vars(test.settings),
    }


def write_answers(path: Path, task: Task, label: Callable[[int], str], items: Mapping[str, Any]) -> None:
    """Write every item with its truth, conditions and answers, degrees, as CSV."""
    names = (*task.predictors, *task.baselines)
    with open(path, "w", newline="") as file:
        table = csv.writer(file)
        table.writerow(["set", *items, "truth_deg", *task.conditions, *names])
        for k, row in enumerate(task.group):
            values = [*(v[k] for v in task.conditions.values()), *(task.answers[n][k] for n in names)]
            table.writerow([label(int(row)), *(v[k] for v in items.values()), task.truth_deg[k], *(f"{v:.3f}" for v in values)])
