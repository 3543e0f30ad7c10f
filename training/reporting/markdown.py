"""The content of report.json as Markdown, report.md."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any

from training.evaluation.health import FIGURES, LIMITS
from training.reporting.figures import TITLES, value_text


def report_text(content: dict[str, Any], sounds: Sequence[tuple[str, str]], with_losses: bool) -> str:
    """Return the report in Markdown; sounds: file name and description of each example sound."""
    data = content["data"]
    scenes = ", ".join(data["scenes"])
    parts = [
        "# Report",
        f"Split `{data['split']}` of `{data['root']}`: {data['sets']} sets of {len(data['scenes'])} scene"
        f"{'s' if len(data['scenes']) > 1 else ''} ({scenes}). "
        f"Sounds: {_settings_line(data['sounds'])}. Errors are angles in degrees; [..] is the 95 % interval of the mean "
        "(bootstrap over sets). Chance draws answers of the validation split at random.",
        *_health(content["health"]),
        "## Rotation of the camera, from two pictures",
        scores_table(content["rotation"]),
        sign_lines(content["rotation"]["signs"]),
        verdict_lines(content["rotation"]),
        "## Azimuth of the sound, from two ears",
        "Truth and answers are folded to the front, because front and back are ambiguous.",
        scores_table(content["azimuth"]),
        verdict_lines(content["azimuth"]),
        *bias_section(content["azimuth"]),
        *circle_section(content["azimuth"]),
        "## Prediction against truth",
        "![prediction against truth](report/answers.png)",
        "## Error by condition",
        "![rotation error by turn and overlap](report/rotation.png)",
        "![azimuth error by angle, reverberation and distance](report/azimuth.png)",
        *(condition_tables(content[task]) for task in ("rotation", "azimuth")),
        *_probes(content["probes"]),
        *(["## Robustness of azimuth", "![robustness](report/robustness.png)"] if content["robustness"] else []),
        *sweep_tables(content["robustness"]),
        *(["## Losses", "![losses](report/losses.png)"] if with_losses else []),
        "## Examples",
        "Taken at 5, 35, 65 and 95 % of the errors, best to worst. All answers: `report/rotation.csv`, `report/azimuth.csv`.",
        "![pairs of pictures](report/pairs.png)",
        "![sounds](report/sounds.png)",
        "\n".join(f"- [{file}](report/{file}) {text}" for file, text in sounds),
        *_notes(content["notes"]),
        "## Settings and time",
        table(
            ["stage", "seconds"],
            [[name.replace(".", ", of this "), f"{value:.0f}"] for name, value in content["seconds"].items()],
        ),
        f"```json\n{json.dumps(content['settings'], indent=1)}\n```",
    ]
    return "\n\n".join(p for p in parts if p) + "\n"


def table(head: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """Return a Markdown table, its first column left-aligned, the others right-aligned."""
    lines = [head, [":--", *["--:"] * (len(head) - 1)], *rows]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


def scores_table(task: dict[str, Any]) -> str:
    """Return the table of a task's scores, from its summary."""
    rows = [[f"**{task['method']}**", *_row(task)]]
    rows += [[name, *_row(s)] for name, s in task["compared"].items()]
    rows.append(["chance", f"{task['chance_mean_deg']:.1f}", "", f"{task['chance_median_deg']:.1f}", "", "", str(task["n"])])
    rows += [[f"{name} (no training)", *_row(s)] for name, s in task["baselines"].items()]
    return table(["method", "mean", "95 %", "median", "mean below 60", "no answer", "n"], rows)


def _row(s: dict[str, Any]) -> list[str]:
    low, high = s["mean_95_deg"]
    near = "" if s["mean_below_60_deg"] is None else f"{s['mean_below_60_deg']:.1f}"
    return [f"{s['mean_deg']:.1f}", f"[{low:.1f}, {high:.1f}]", f"{s['median_deg']:.1f}", near, str(s["failed"]), str(s["n"])]


def sign_lines(signs: dict[str, dict[str, Any]], pairs: str = "validation pairs") -> str:
    """Return how well the sign of each method fits true turns, a list; empty without signs. pairs: which pairs these are."""
    lines = [
        f"- {name}: {'right' if s['right'] else 'WRONG'} (mean error over {s['pairs']} {pairs}: "
        f"{s['mean_deg_kept']:.1f} as predicted, {s['mean_deg_turned']:.1f} with the other sign)"
        for name, s in signs.items()
    ]
    head = (
        "Losses without labels leave one global sign of all rotations open. It is fixed without labels too, by the direction in "
        "which pictures shift (content that moves right: the camera turned left). Checked on true turns:"
    )
    return "\n".join([head, "", *lines]) if lines else ""


def _health(health: dict[str, Any]) -> list[str]:
    """Return the section on the health of the run."""
    if not health["figures"]:
        return []
    rows = [
        [
            FIGURES[name],
            *(share_text(figures.get(name)) for figures in health["figures"].values()),
            f"{direction} {100 * limit:.0f} %",
        ]
        for name, (direction, limit, _) in LIMITS.items()
    ]
    verdict = "\n".join(f"- **{line}**" for line in health["complaints"]) or "Healthy: all figures are within their limits."
    text = "Shares over the validation split, computed without labels."
    return ["## Health", text, table(["share of", *health["figures"], "healthy"], rows), verdict]


def circle_section(task: dict[str, Any]) -> list[str]:
    """Return the section on full-circle azimuths; empty without a predictor for them."""
    scores = task["full_circle"]
    if not scores:
        return []
    bins = next(iter(scores.values()))["by_lateral"]
    rows = [
        [
            name,
            f"{s['mean_deg']:.1f}",
            "[{:.1f}, {:.1f}]".format(*s["mean_95_deg"]),
            f"{s['median_deg']:.1f}",
            share_text(s["front_back_accuracy"]),
        ]
        for name, s in scores.items()
    ]
    sides = [[name, *(share_text(b["accuracy"]) for b in s["by_lateral"])] for name, s in scores.items()]
    return [
        "### Full circle",
        "Truth and answers in (-180, 180]. *Always in front* and *true side*: the first method's lateral angles with that side.",
        table(["method", "mean", "95 %", "median", "front/back right, below 70 degrees"], rows),
        "Front and back right, by the angle from the median plane:",
        table(["method", *(f"{b['low']} to {b['high']}" for b in bins)], [*sides, ["n", *(str(b["n"]) for b in bins)]]),
    ]


def bias_section(task: dict[str, Any]) -> list[str]:
    """Return plot and table of the bias of folded azimuths."""
    bins = task["bias"][task["method"]]
    rows = [
        [name, *("" if b["mean_deg"] is None else f"{b['mean_deg']:+.1f}" for b in values)]
        for name, values in task["bias"].items()
    ]
    return [
        "![bias](report/bias.png)",
        "Mean signed error of folded azimuths by true angle from straight ahead, outward positive:",
        table(["method", *(f"{b['low']} to {b['high']}" for b in bins)], rows),
    ]


def share_text(value: float | None) -> str:
    """Return a share of 1 in percent; empty for None."""
    return "" if value is None else f"{100 * value:.1f} %"


def verdict_lines(task: dict[str, Any]) -> str:
    """Return the differences of the first method's errors to those of the others, a list."""
    lines = []
    for name, d in task["against"].items():
        low, high = d["mean_95_deg"]
        lines.append(f"- against {name}: {d['verdict']} ({d['mean_deg']:+.1f} degrees [{low:+.1f}, {high:+.1f}])")
    return "\n".join([f"{task['method']}, on the same items (negative: smaller errors):", "", *lines])


def condition_tables(task: dict[str, Any]) -> str:
    """Return a table of mean errors for each condition."""
    parts = []
    for condition, by in task["by"].items():
        bins = by[task["method"]]
        head = [f"mean error by {TITLES[condition]}", *(f"{b['low']:.3g} to {b['high']:.3g}" for b in bins)]
        rows = [[name, *(number_text(b["mean_deg"]) for b in values)] for name, values in by.items()]
        parts.append(table(head, [*rows, ["n", *(str(b["n"]) for b in bins)]]))
    return "\n\n".join(parts)


def _probes(probes: dict[str, dict[str, float]]) -> list[str]:
    if not probes:
        return []
    keys = list(dict.fromkeys(k for values in probes.values() for k in values))
    rows = [[name, *(f"{100 * values[k]:.1f} %" if k in values else "" for k in keys)] for name, values in probes.items()]
    return ["## Linear probes on frozen features", table(["features", *(k.replace("_", " ") for k in keys)], rows)]


def sweep_tables(sweeps: Sequence[dict[str, Any]]) -> list[str]:
    """Return a table of each sweep: mean errors with intervals, and verdicts of the first method against the baselines."""
    parts = []
    for sweep in sweeps:
        points = sweep["points"]
        names, first = list(points[0]["mean_deg"]), next(iter(points[0]["mean_deg"]))
        head = [f"{sweep['title']}: mean, 95 %", *(value_text(p["value"]) for p in points)]
        rows = [[name, *(_with_interval(p, name) for p in points)] for name in names]
        rows.append(["chance", *(number_text(p["chance_mean_deg"]) for p in points)])
        for name in names:
            if name.startswith(("GCC-PHAT", "SIFT")):
                rows.append([f"{first} against {name}", *(p["against"][name]["verdict"] for p in points)])
        parts.append(table(head, rows))
    return parts


def _with_interval(point: dict[str, Any], name: str) -> str:
    low, high = point["mean_95_deg"][name]
    return f"{point['mean_deg'][name]:.1f} [{low:.1f}, {high:.1f}]"


def _notes(notes: dict[str, Any]) -> list[str]:
    if not notes:
        return []
    return ["## Further measurements", f"```json\n{json.dumps(notes, indent=1)}\n```"]


def number_text(value: float | None) -> str:
    """Return a number with one decimal; empty for None."""
    return "" if value is None else f"{value:.1f}"


def _settings_line(sounds: dict[str, Any]) -> str:
    noise = sounds["noise_snr_db"]
    return (
        f"{sounds['clip_s']:g} s, {sounds['sources']} source{'s' if sounds['sources'] > 1 else ''}, "
        f"indirect ratio {sounds['indirect_ratio']:g}, {'no noise' if noise is None else f'noise at {noise:g} dB'}"
    )
