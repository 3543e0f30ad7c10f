"""The report of a run on real data: JSON, Markdown with plots, and a summary of tables only."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from dataset.atomic import write_text
from training.baselines.registry import AZIMUTH_BASELINES
from training.real.measure import Measured
from training.reporting.figures import plot_answers, plot_bias, plot_conditions, plot_sweeps
from training.reporting.markdown import (
    bias_section,
    circle_section,
    condition_tables,
    number_text,
    scores_table,
    share_text,
    sign_lines,
    sweep_tables,
    table,
    verdict_lines,
)
from training.reporting.report import summary, write_answers
from training.reporting.showcase import show_pairs

INTERVALS = "Errors are angles in degrees; [..] is the 95 % interval of the mean (bootstrap over {groups})."


def write_real_report(out: Path, run: str, rotation: Measured | None, azimuth: Measured | None) -> dict[str, Any]:
    """Write report.json, report.md with its plots in `report/`, and summary.md, the tables without plots; return the JSON."""
    folder = out / "report"
    folder.mkdir(parents=True, exist_ok=True)
    measured = {name: m for name, m in (("rotation", rotation), ("azimuth", azimuth)) if m is not None}
    content: dict[str, Any] = {"format": "sight-and-sound real 1", "run": run}
    for name, m in measured.items():
        content[name] = {**summary(m.task), "groups": m.groups, "sweeps": m.sweeps, "about": m.about}
        plot_conditions(folder / f"{name}.png", m.task)
        if m.sweeps:
            plot_sweeps(folder / f"{name}-sweeps.png", m.sweeps, name)
    plot_answers(folder / "answers.png", {name: m.task for name, m in measured.items()})
    if rotation is not None:
        show_pairs(folder / "pairs.png", rotation.task, rotation.items)
        headings = rotation.items.heading_deg
        columns = {"heading_s": headings[:, 1], "heading_t": headings[:, 2]}
        write_answers(folder / "rotation.csv", rotation.task, rotation.items.label, columns)
    if azimuth is not None:
        learned = (*azimuth.task.predictors, *AZIMUTH_BASELINES)
        plot_bias(folder / "bias.png", {name: content["azimuth"]["bias"][name] for name in learned})
        sounds = azimuth.items.sounds
        columns = {"response": sounds.view, "clip": sounds.source, "azimuth": sounds.azimuth_deg}
        write_answers(folder / "azimuth.csv", azimuth.task, azimuth.items.label, columns)
    write_text(out / "report.json", json.dumps(content, indent=1) + "\n")
    write_text(out / "summary.md", _joined(_rotation(content, True) + _azimuth(content, True)))
    head = ["# Real rooms and pictures", f"Run `{run}`. All answers: `report/*.csv`."]
    answers = ["## Prediction against truth", "![prediction against truth](report/answers.png)"]
    write_text(out / "report.md", _joined(head + _rotation(content, False) + _azimuth(content, False) + answers))
    return content


def _rotation(content: Mapping[str, Any], short: bool) -> list[str]:
    task = content.get("rotation")
    if task is None:
        return []
    about, views = task["about"], task["about"]["views"]
    parts = [
        "## Rotation of the camera, from two pictures",
        f"{task['n']} pairs of views cut from {len(about['panoramas'])} panoramas, {views['hfov_deg']:g} degrees wide, pitched "
        f"{views['pitch_deg']:+g} degrees, turned by {views['min_turn_deg']:g} to {views['max_turn_deg']:g} degrees. "
        + INTERVALS.format(groups="panoramas"),
        scores_table(task),
        verdict_lines(task),
        _cameras_table(about["cameras"]),
    ]
    if short:
        return [*parts, *sweep_tables(task["sweeps"])]
    return [
        *parts,
        sign_lines(task["signs"], "pairs drawn again"),
        "![pairs of pictures](report/pairs.png)",
        "![rotation error by turn and overlap](report/rotation.png)",
        condition_tables(task),
        "### By panorama",
        _groups_table("panorama", task),
        *_sweeps(task, "rotation"),
    ]


def _azimuth(content: Mapping[str, Any], short: bool) -> list[str]:
    task = content.get("azimuth")
    if task is None:
        return []
    about = task["about"]
    groups = "rooms" if len(about["rooms"]) > 1 else "source positions"
    where = ", ".join(f"{name} ({count} positions)" for name, count in about["rooms"].items())
    parts = [
        "## Azimuth of the sound, from two ears",
        f"{task['n']} sounds of {about['sounds']['clip_s']:g} s: {len(about['clips'])} dry clips through the measured responses "
        f"of {where}. Truth and answers are folded to the front. " + INTERVALS.format(groups=groups),
        *(["\n".join(f"- {note}" for note in about["notes"])] if about["notes"] else []),
        scores_table(task),
        verdict_lines(task),
        f"### By {'room' if groups == 'rooms' else 'position'}",
        _groups_table(groups.rstrip("s"), task),
        _sides_table(task),
        *circle_section(task),
    ]
    if short:
        return [*parts, *sweep_tables(task["sweeps"])]
    return [
        *parts,
        *bias_section(task),
        "![azimuth error by angle and distance](report/azimuth.png)",
        condition_tables(task),
        *_sweeps(task, "azimuth"),
    ]


def _cameras_table(cameras: Sequence[Mapping[str, Any]]) -> str:
    """Return the table of what the first method answers, and refuses, for each camera."""
    head = ["field of view, pitch", "mean", "refused", "mean of the answered", "n", "refused of pairs that share nothing"]
    rows = []
    for c in cameras:
        refused = (share_text(c[k]) or "not calibrated" for k in ("refused", "disjoint_refused"))
        cells = [number_text(c["mean_deg"]), next(refused), number_text(c["mean_deg_answered"]), str(c["n"]), next(refused)]
        rows.append([f"{c['hfov_deg']:g}, {c['pitch_deg']:+g}", *cells])
    return table(head, rows)


def _groups_table(what: str, task: Mapping[str, Any]) -> str:
    """Return the table of the mean errors of each group."""
    names = [task["method"], *task["compared"], *task["baselines"]]
    rows = [[g, *(number_text(v["mean_deg"][n]) for n in names), str(v["n"])] for g, v in task["groups"].items()]
    return table([f"mean error by {what}", *names, "n"], rows)


def _sides_table(task: Mapping[str, Any]) -> str:
    """Return the table of front-back accuracies of each room; empty without full-circle answers."""
    shares = {group: values["front_back_accuracy"] for group, values in task["groups"].items()}
    names = list(next(iter(shares.values())))
    if not names:
        return ""
    rows = [[group, *(share_text(found[n]) for n in names)] for group, found in shares.items()]
    return table(["front/back right, below 70 degrees", *names], rows)


def _sweeps(task: Mapping[str, Any], name: str) -> list[str]:
    if not task["sweeps"]:
        return []
    return [f"### Robustness of {name}", f"![robustness of {name}](report/{name}-sweeps.png)", *sweep_tables(task["sweeps"])]


def _joined(parts: Sequence[str]) -> str:
    return "\n\n".join(p for p in parts if p) + "\n"
