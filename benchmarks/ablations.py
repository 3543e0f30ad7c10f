"""Train localisation from motion without one of its parts at a time, and compare on the validation split.

    python -m benchmarks.ablations --data data/slfm --out runs/ablations
    python -m benchmarks.ablations --only prior pairs --seeds 3 --jobs 2 --table docs/results/ablations.md

Each ablation runs the stage slfm of `python -m training.run` in <out>/<name>/seed-<n>, on one thread, from the pretext task that
the recipe's own run of that seed has learned; --jobs of them run at a time. Finished runs are reused. The table has mean errors
and the mean over seeds; an error is marked with * where the run is unhealthy by its label-free figures.
"""

from __future__ import annotations

import argparse
import json
import shutil
import sys
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from benchmarks.seeds import check_runs, parser_of_runs, settings_of, show, train
from dataset.command import WRONG_USE, exit_status

RECIPE = "the preset"


@dataclass(frozen=True)
class Ablation:
    """One changed part of the recipe."""

    name: str
    settings: tuple[str, ...] = ()
    pretext: bool = True
    """Whether the run starts from the pretext task."""

    @property
    def folder(self) -> str:
        """Return the name of the ablation's folder."""
        return self.name.replace(" ", "-").replace(",", "")


ABLATIONS = (
    Ablation(RECIPE),
    Ablation("loss by pairs as published", ("slfm.permutation=pairwise",)),
    Ablation("no front-back permutation", ("slfm.permutation=none",)),
    Ablation("pairs with the first view only", ("slfm.further_pairs_deg=0",)),
    Ablation("no side loss", ("slfm.side_weight=0",)),
    Ablation("side loss as published", ("slfm.side_margin=1",)),
    Ablation("no symmetry loss", ("slfm.symmetry_weight=0",)),
    Ablation("no prior", ("slfm.prior_weight=0",)),
    Ablation("prior that does not fade", ("slfm.prior_left=1",)),
    Ablation("no gate", ("slfm.gate=false",)),
    Ablation("frozen encoders", ("slfm.frozen=true",)),
    Ablation("pictures in their own colours", ("picture.recolor=false",)),
    Ablation("no pretext task", pretext=False),
)


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command; return 0, or 2 for wrong use."""
    parser = parser_of_runs("ablations", __doc__, seeds=3)
    parser.add_argument("--only", nargs="+", default=[""], metavar="TEXT", help="ablations whose names contain one of these")
    options = parser.parse_args(argv)
    check_runs(parser, options)
    if not any(text in a.name for a in ABLATIONS for text in options.only):
        parser.error(f"--only: no name contains {' or '.join(options.only)}; choose from {', '.join(a.name for a in ABLATIONS)}")
    return exit_status(lambda: _run(options))


def _run(options: argparse.Namespace) -> int:
    command = settings_of(options)
    recipe, *others = ABLATIONS
    chosen = [recipe, *(a for a in others if any(text in a.name for text in options.only))]

    def learn(ablation: Ablation, seed: int) -> int:
        folder = options.out / ablation.folder / f"seed-{seed}"
        pretext = options.out / recipe.folder / f"seed-{seed}" / "pretext.pt"
        folder.mkdir(parents=True, exist_ok=True)
        if ablation.pretext and ablation is not recipe and not (folder / pretext.name).is_file():
            shutil.copy(pretext, folder)
        changes = [f"--set={text}" for text in ablation.settings]
        return train([*command, *changes], folder, seed, "pretext,slfm" if ablation is recipe else "slfm")

    status: dict[str, list[int]] = {}
    with ThreadPoolExecutor(options.jobs) as pool:
        for group in ([recipe], chosen[1:]):  # the others need the recipe's pretext task
            found = pool.map(learn, [a for a in group for _ in range(options.seeds)], [*range(options.seeds)] * len(group))
            codes = list(found)
            if max(codes, default=0) > 1:
                return WRONG_USE
            status |= {a.name: codes[k * options.seeds : (k + 1) * options.seeds] for k, a in enumerate(group)}
    text = table(options.out, {a: status[a.name] for a in chosen}, options.data)
    show(text, options.table)
    return 0


def table(out: Path, status: Mapping[Ablation, Sequence[int]], data: str) -> str:
    """Return the validation errors of all ablations in Markdown: the mean over seeds, and each seed; * marks unhealthy runs."""
    lines = [
        f"Validation split of `{data}` after the stage `slfm`: mean errors in degrees, over seeds and of each seed.",
        "`*`: the run is unhealthy by its own figures.",
        "",
        "| | rotation | by seed | azimuth, folded | by seed |",
        "| :-- | --: | :-- | --: | :-- |",
    ]
    for ablation, codes in status.items():
        cells = [ablation.name]
        for key in ("rotation_deg", "azimuth_deg"):
            values = [_last(out / ablation.folder / f"seed-{seed}", key) for seed in range(len(codes))]
            marked = [f"{v:.1f}{'*' if code else ''}" for v, code in zip(values, codes, strict=True)]
            cells += [f"{np.mean(values):.1f}", " ".join(marked)]
        lines.append(f"| {' | '.join(cells)} |")
    return "\n".join(lines)


def _last(folder: Path, key: str) -> float:
    """Return a figure of the last validation of a run."""
    history = json.loads((folder / "slfm-history.json").read_text())
    return float(next(record[key] for record in reversed(history) if key in record))


if __name__ == "__main__":
    sys.exit(main())
