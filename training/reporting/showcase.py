"""Examples for the report: pairs of pictures and sounds, from good to bad, with the answers."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import soundfile
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from training.evaluation.evaluate import Task
from training.evaluation.examples import PictureItems, SoundItems

QUANTILES = (0.05, 0.35, 0.65, 0.95)
"""Quantiles of the first predictor's errors at which examples are taken, best to worst."""
PEAK = 0.9


def typical(task: Task) -> np.ndarray:
    """Return the items (K,) whose errors lie at QUANTILES of the first predictor's."""
    order = np.argsort(task.error(task.predictors[0]), kind="stable")
    return order[np.round(np.asarray(QUANTILES) * (len(order) - 1)).astype(int)]


def show_pairs(path: Path, task: Task, examples: PictureItems) -> None:
    """Draw pairs of pictures with the true turn and the first predictor's."""
    items = typical(task)
    figure = Figure((7.2, 2.9 * len(items)), layout="constrained")
    for row, item, source, target in zip(
        figure.subplots(len(items), 2, squeeze=False), items, *examples.pictures(items), strict=True
    ):
        answer = np.nan_to_num(task.answers[task.predictors[0]][item])
        row[0].imshow(source)
        row[1].imshow(target)
        row[0].set_title(f"first view ({examples.label(int(task.group[item]))})", fontsize=8)
        row[1].set_title(f"turned {task.truth_deg[item]:+.1f}, predicted {answer:+.1f} degrees", fontsize=8)
        for axis in row:
            axis.set_axis_off()
    figure.savefig(path, dpi=90)


def show_sounds(folder: Path, task: Task, examples: SoundItems) -> list[tuple[str, str]]:
    """Write sounds as WAV and draw their true and predicted directions; return (file name, description) of each.

    Sounds are scaled to a peak of PEAK, both ears by the same factor. The plot is sounds.png.
    """
    items = typical(task)
    figure = Figure((3.2 * len(items), 3.6), layout="constrained")
    axes = figure.subplots(1, len(items), squeeze=False, subplot_kw={"projection": "polar"})[0]
    listed = []
    names = (task.predictors[0], *(b for b in task.baselines if b.startswith("GCC-PHAT")))
    for k, (axis, item, sound) in enumerate(zip(axes, items, examples.clips(items), strict=True)):
        file = f"sound-{k}.wav"
        scaled = sound.T * (PEAK / max(float(np.abs(sound).max()), 1e-9))
        soundfile.write(folder / file, scaled, examples.sample_rate, subtype="PCM_16")
        _draw_directions(axis, {"truth": task.truth_deg[item], **{n: task.answers[n][item] for n in names}})
        axis.set_title(file, fontsize=8)
        answers = ", ".join(f"{n} {task.answers[n][item]:+.1f}" for n in names)
        listed.append((file, f"{examples.label(int(task.group[item]))}: truth {task.truth_deg[item]:+.1f} degrees; {answers}"))
    figure.legend(*axes[0].get_legend_handles_labels(), loc="outside lower center", ncols=4, fontsize=8)
    figure.savefig(folder / "sounds.png", dpi=90)
    return listed


def _draw_directions(axis: Axes, directions_deg: dict[str, float]) -> None:
    """Draw directions seen from above: straight ahead is up, left is left."""
    axis.set_theta_zero_location("N")  # type: ignore[attr-defined]
    axis.set_thetalim(-np.pi / 2, np.pi / 2)  # type: ignore[attr-defined]
    for k, (name, angle) in enumerate(directions_deg.items()):
        axis.plot([0, np.deg2rad(angle)], [0, 1 - 0.15 * k], label=name, linewidth=3 if k == 0 else 1.5)
    axis.set_yticks([])
