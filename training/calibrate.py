"""Store in a run's checkpoints when two pictures share too little to tell the turn between them, and their field of view.

    python -m training.calibrate runs/slfm --data data/slfm

For each pair the network answers four times: pictures as they are, exchanged, mirrored, both. On the validation split the limit
is set at the scatter that 5 % of the overlapping pairs exceed; the output states how many pairs that share nothing exceed it.
python -m training.predict then answers "cannot tell" beyond the limit. RUN is the folder of a run, or a checkpoint in it. Of the
data set's truth only the poses and depths that say which pairs overlap are read.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path

import torch

from dataset.command import exit_status
from dataset.reader import Dataset
from training.errors import InputError
from training.evaluation.calibrate import calibrate
from training.evaluation.learned import load_predictor
from training.tasks import checkpoint

STAGES = ("slfm", "front-back", "supervised")


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command; return the exit status: 0 done, 2 wrong use or input."""
    parser = argparse.ArgumentParser(
        prog="python -m training.calibrate", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("run", metavar="RUN", type=Path, help="folder of a run, or a checkpoint in it")
    parser.add_argument("--data", default="data/slfm", help="data set folder; default %(default)s")
    parser.add_argument("--split", default="val", help="split of the data set; default %(default)s")
    parser.add_argument("--seed", type=int, default=0, help="draw of the pairs; default %(default)s")
    options = parser.parse_args(argv)
    return exit_status(lambda: _run(options))


def _run(options: argparse.Namespace) -> int:
    run: Path = options.run
    paths = [p for p in (run / f"{stage}.pt" for stage in STAGES) if p.is_file()] if run.is_dir() else [run]
    if not paths:
        raise InputError(f"{run} holds none of {', '.join(f'{s}.pt' for s in STAGES)}; train first (python -m training.run)")
    data = Dataset(options.data, options.split)
    for path in paths:
        learned = load_predictor(path, "cuda" if torch.cuda.is_available() else "cpu")
        found = calibrate(learned, data, options.seed)
        settings, content = checkpoint.load(path)
        checkpoint.save(path, settings, {**content, "calibration": asdict(found)})
        print(
            f"{path}: field of view {found.hfov_deg:.1f} degrees; answers that scatter by more than {found.spread_limit_deg:.1f} "
            f"degrees are refused: {100 * found.overlapping_refused:.1f} % of {found.overlapping} overlapping pairs, "
            f"{100 * found.disjoint_refused:.1f} % of {found.disjoint} pairs that share nothing"
        )
    return 0


if __name__ == "__main__":
    sys.exit(main())
