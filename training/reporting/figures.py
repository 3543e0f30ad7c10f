"""The plots of a report, each into one PNG file."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from matplotlib.figure import Figure

from training.evaluation.evaluate import Task

TITLES = {
    "turn_deg": "turn, degrees",
    "overlap": "share of the picture in both views",
    "moved_m": "distance between the two places, m",
    "azimuth_deg": "azimuth from straight ahead, degrees",
    "rt60_s": "RT60, s",
    "distance_m": "distance, m",
}
DPI = 110


def plot_answers(path: Path, tasks: Mapping[str, Task]) -> None:
    """Draw prediction against truth of the first predictor, for each task by its name."""
    figure = Figure((5.0 * len(tasks), 4.8), layout="constrained")
    for axis, (what, task) in zip(figure.subplots(1, len(tasks), squeeze=False)[0], tasks.items(), strict=True):
        name = task.predictors[0]
        reach = 90.0 if np.abs(task.truth_deg).max() <= 90.0 else 180.0
        axis.plot([-reach, reach], [-reach, reach], color="0.7", linewidth=1)
        axis.plot(task.truth_deg, np.nan_to_num(task.answers[name]), ".", markersize=4, alpha=0.5)
        axis.set(title=f"{what}: {name}", xlabel="truth, degrees", ylabel="prediction, degrees", aspect="equal")
        axis.set(xlim=(-reach, reach), ylim=(-reach, reach))
    figure.savefig(path, dpi=DPI)


def plot_conditions(path: Path, task: Task) -> None:
    """Draw the mean error in bins of each condition, for predictors (solid) and baselines (dashed)."""
    figure = Figure((5.0 * len(task.conditions), 4.2), layout="constrained")
    axes = figure.subplots(1, len(task.conditions), squeeze=False, sharey=True)[0]
    for axis, condition in zip(axes, task.conditions, strict=True):
        for name in (*task.predictors, *task.baselines):
            bins = task.by(condition, name)
            middle = [(b["low"] + b["high"]) / 2 for b in bins]
            mean = [np.nan if b["mean_deg"] is None else b["mean_deg"] for b in bins]
            style = "o-" if name in task.predictors else ".--"
            axis.plot(middle, mean, style, label=name, linewidth=2 if name == task.predictors[0] else 1)
        axis.set(xlabel=TITLES[condition], ylim=(0, None))
        axis.grid(alpha=0.3)
    axes[0].set_ylabel("mean error, degrees")
    axes[-1].legend(fontsize=7)
    figure.savefig(path, dpi=DPI)


def plot_bias(path: Path, bias: Mapping[str, Sequence[Mapping[str, Any]]]) -> None:
    """Draw the mean signed error of folded azimuths against the true angle from straight ahead, outward positive."""
    figure = Figure((5.5, 4.0), layout="constrained")
    axis = figure.subplots()
    for name, bins in bias.items():
        points = [((b["low"] + b["high"]) / 2, b["mean_deg"]) for b in bins if b["mean_deg"] is not None]
        axis.plot(*zip(*points, strict=True), "o-", markersize=4, linewidth=1, label=name)
    axis.axhline(0, color="0.8", linewidth=1, zorder=0)
    axis.set(xlabel="true azimuth from straight ahead, degrees", ylabel="mean signed error, outward positive, degrees")
    axis.set(ylim=(-20, 20))
    axis.legend(fontsize=7)
    axis.grid(alpha=0.3)
    figure.savefig(path, dpi=DPI)


def plot_curves(path: Path, curves: Mapping[str, Sequence[tuple[float, float]]]) -> None:
    """Draw losses by step, one panel for each name's first part (`pretext/loss` goes to `pretext`)."""
    stages: dict[str, list[str]] = {}
    for name in curves:
        stages.setdefault(name.partition("/")[0], []).append(name)
    figure = Figure((5.0 * len(stages), 4.0), layout="constrained")
    for axis, (stage, names) in zip(figure.subplots(1, len(stages), squeeze=False)[0], stages.items(), strict=True):
        for name in names:
            points = np.asarray(curves[name], float).reshape(-1, 2)
            axis.plot(points[:, 0], points[:, 1], ".-", markersize=2, label=name.partition("/")[2] or name, linewidth=1)
        axis.set(title=stage, xlabel="step")
        axis.grid(alpha=0.3)
        axis.legend(fontsize=7)
    figure.savefig(path, dpi=DPI)


def value_text(value: float | None) -> str:
    """Return the text of the value of a swept setting."""
    return "none" if value is None else f"{value:g}"


def plot_sweeps(path: Path, sweeps: Sequence[Mapping[str, Any]], task: str = "azimuth") -> None:
    """Draw the mean error of all methods in a task against the setting of each sweep."""
    columns = min(3, len(sweeps))
    rows = -(-len(sweeps) // columns)
    figure = Figure((5.0 * columns, 3.8 * rows), layout="constrained")
    axes = figure.subplots(rows, columns, squeeze=False, sharey=True).ravel()
    for axis, sweep in zip(axes, sweeps, strict=False):
        labels = [value_text(p["value"]) for p in sweep["points"]]
        for name in sweep["points"][0]["mean_deg"]:
            mean = np.array([p["mean_deg"][name] for p in sweep["points"]])
            low, high = np.array([p["mean_95_deg"][name] for p in sweep["points"]]).T
            axis.errorbar(labels, mean, [mean - low, high - mean], fmt="o-", markersize=4, capsize=2, linewidth=1, label=name)
        axis.plot(labels, [p["chance_mean_deg"] for p in sweep["points"]], ":", color="0.5", label="chance")
        axis.set(xlabel=sweep["title"], ylim=(0, None))
        axis.grid(alpha=0.3)
    for axis in axes[len(sweeps) :]:
        axis.remove()
    axes[0].set_ylabel(f"mean {task} error, degrees")
    axes[0].legend(fontsize=7)
    figure.savefig(path, dpi=DPI)
