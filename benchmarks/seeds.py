"""Train one preset with many seeds and evaluate them on the test split, once: a table with one row per seed.

    python -m benchmarks.seeds --data data/slfm --seeds 10 --out runs/seeds --table docs/results/bundled.md
    python -m benchmarks.seeds --data data/sixty --seeds 10 --out runs/sixty --jobs 2

Each seed runs the stages pretext, slfm and front-back of `python -m training.run` in <out>/seed-<n>, on one thread;
--jobs of them run at a time. Finished runs are reused. Then all runs and baselines are evaluated on the same items of the test
split, also while sounds become harder (reverberation, noise, further sources, length). Exit status 1 if a run is unhealthy by
its label-free figures.
"""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np

from dataset.command import WRONG_USE, exit_status
from training.data.clips import open_split
from training.evaluation.evaluate import Results, evaluate
from training.evaluation.examples import Examples, ExampleSettings
from training.evaluation.learned import Learned, load_predictor
from training.evaluation.robustness import Point, sweep_errors
from training.evaluation.scores import difference
from training.presets import PRESETS

STAGES = "pretext,slfm,front-back"


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command; return 0 if all runs are healthy, 1 if not, 2 for wrong use."""
    parser = parser_of_runs("seeds", __doc__, seeds=10)
    options = parser.parse_args(argv)
    check_runs(parser, options)
    return exit_status(lambda: _run(options))


def parser_of_runs(name: str, description: str | None, seeds: int) -> argparse.ArgumentParser:
    """Return the parser of a benchmark that trains several runs of a preset, with the options that all of them have."""
    parser = argparse.ArgumentParser(
        prog=f"python -m benchmarks.{name}", description=description, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--data", default="data/slfm", help="data set folder; default %(default)s")
    parser.add_argument("--out", type=Path, default=Path("runs") / name, help="folder of the runs; default %(default)s")
    parser.add_argument("--seeds", type=int, default=seeds, help="seeds 0 to N - 1; default %(default)s")
    parser.add_argument("--jobs", type=int, default=1, help="runs at a time; default %(default)s")
    parser.add_argument("--preset", choices=sorted(PRESETS), default="small", help="default %(default)s")
    parser.add_argument("--set", action="append", default=[], metavar="KEY=VALUE", help="a setting of training/config.py")
    parser.add_argument("--table", type=Path, help="also write the table to this Markdown file")
    return parser


def check_runs(parser: argparse.ArgumentParser, options: argparse.Namespace) -> None:
    """End the command as wrong use where a count is below 1."""
    if options.seeds < 1 or options.jobs < 1:
        parser.error("--seeds and --jobs must be 1 or more")


def settings_of(options: argparse.Namespace) -> list[str]:
    """Return the arguments of `python -m training.run` that all runs share."""
    return ["--data", options.data, "--preset", options.preset, *(f"--set={text}" for text in options.set)]


def _run(options: argparse.Namespace) -> int:
    command = settings_of(options)
    with ThreadPoolExecutor(options.jobs) as pool:
        status = list(pool.map(lambda seed: train(command, options.out / f"seed-{seed}", seed), range(options.seeds)))
    if max(status) > 1:
        return WRONG_USE
    predictors = [load_predictor(options.out / f"seed-{seed}", name=f"seed {seed}") for seed in range(options.seeds)]
    results, points = evaluate_runs(options.data, predictors)
    show(table(results, status, options.data) + "\n\n" + sweep_table(points, options.seeds), options.table)
    return max(status)


def show(text: str, path: Path | None) -> None:
    """Print a table, and write it to a file if a path is given."""
    print(text)
    if path:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text + "\n")


def train(command: Sequence[str], folder: Path, seed: int, stages: str = STAGES) -> int:
    """Train one seed on one thread; return the exit status of `python -m training.run`."""
    command_line = [sys.executable, "-m", "training.run", *command, "--out", str(folder), "--seed", str(seed), "--stages", stages]
    environment = {**os.environ, "OMP_NUM_THREADS": "1"}
    return subprocess.run([*command_line, "--quiet"], env=environment, check=False).returncode


def evaluate_runs(data: str, predictors: Sequence[Learned]) -> tuple[Results, list[Point]]:
    """Evaluate all runs and the baselines on the test split: pairs and sounds, and sounds that become harder."""
    sound = predictors[0].settings.sound
    test, val = (
        Examples(open_split(data, split), ExampleSettings(sound.clip_s, sound.indirect_ratio)) for split in ("test", "val")
    )
    return evaluate(predictors, test, val), list(sweep_errors(predictors, test.data, test.settings))


def table(results: Results, status: Sequence[int], data: str) -> str:
    """Return the scores of all seeds and baselines in Markdown; errors in degrees, mean / median."""
    rotation, azimuth = results.rotation, results.azimuth
    lines = [
        f"Test split of `{data}`: {len(rotation.truth_deg)} pairs, {len(azimuth.truth_deg)} sounds; degrees, mean / median.",
        "",
        "| | healthy | rotation | azimuth, folded | against GCC-PHAT, 95 % | front/back right below 70 degrees | full circle |",
        "| :-- | :-- | --: | --: | --: | --: | --: |",
    ]
    for name, code in zip(rotation.predictors, status, strict=True):
        against = _difference(azimuth.error(name), azimuth.error("GCC-PHAT"), azimuth.group)
        circle = azimuth.full_circle.get(name)
        sides = f"{100 * circle['front_back_accuracy']:.1f} %" if circle else ""
        whole = f"{circle['mean_deg']:.1f} / {circle['median_deg']:.1f}" if circle else ""
        cells = [name, "no" if code else "yes", _pair(rotation.score(name)), _pair(azimuth.score(name))]
        cells += [against, sides, whole]
        lines.append(f"| {' | '.join(cells)} |")
    for name in rotation.baselines:
        lines.append(f"| {name} | | {_pair(rotation.score(name))} | | | | |")
    for name in azimuth.baselines:
        lines.append(f"| {name} | | | {_pair(azimuth.score(name))} | | | |")
    return "\n".join(lines)


def sweep_table(points: Sequence[Point], seeds: int) -> str:
    """Return the errors as sounds become harder in Markdown, degrees: mean over seeds, its range, and differences over sets."""
    lines = [
        f"Azimuth, folded, as sounds become harder: mean over {seeds} seeds [lowest, highest seed]; difference to each GCC-PHAT",
        "with its 95 % interval over sets.",
        "",
        "| | | SLfM | GCC-PHAT | of onsets | against GCC-PHAT | against onsets |",
        "| :-- | --: | --: | --: | --: | --: | --: |",
    ]
    for point in points:
        learned = [point.error_deg[f"seed {seed}"] for seed in range(seeds)]
        means = [e.mean() for e in learned]
        cells = [point.sweep.title, "none" if point.value is None else f"{point.value:g}"]
        cells += [f"{np.mean(means):.1f} [{min(means):.1f}, {max(means):.1f}]"]
        others = [point.error_deg[name] for name in ("GCC-PHAT", "GCC-PHAT of onsets")]
        cells += [f"{e.mean():.1f}" for e in others]
        cells += [_difference(np.mean(learned, 0), e, point.group) for e in others]
        lines.append(f"| {' | '.join(cells)} |")
    return "\n".join(lines)


def _difference(error_deg: np.ndarray, other_deg: np.ndarray, group: np.ndarray) -> str:
    found = difference(error_deg, other_deg, group)
    low, high = found["mean_95_deg"]
    return f"{found['mean_deg']:+.1f} [{low:+.1f}, {high:+.1f}]"


def _pair(score: dict[str, float]) -> str:
    return f"{score['mean_deg']:.1f} / {score['median_deg']:.1f}"


if __name__ == "__main__":
    sys.exit(main())
