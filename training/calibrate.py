"""Store in a run's checkpoints when two pictures share too little to tell the turn between them, and their field of view.

    python -m training.calibrate runs/slfm --data data/slfm

python -m training.run does the same with its report. For each pair the network answers four times: pictures as they are,
exchanged, mirrored, both; all are changed as cameras change them (exposure, blur, noise, JPEG). On the validation split the limit
is set at the scatter that 5 % of the overlapping pairs exceed; the output states how many pairs that share nothing exceed it.
python -m training.predict then answers "cannot tell" beyond the limit. RUN is the folder of a run, or a checkpoint in it. Of the
data set's truth only the poses and depths that say which pairs overlap are read.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path

import torch

from dataset.command import exit_status
from dataset.reader import Dataset
from training.errors import InputError
from training.evaluation.calibrate import LOCALISERS, calibrate_checkpoint, localisers_of


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
    paths = localisers_of(run) if run.is_dir() else [run]
    if not paths:
        raise InputError(f"{run} holds none of {', '.join(LOCALISERS)}; train first (python -m training.run)")
    data = Dataset(options.data, options.split)
    for path in paths:
        found = calibrate_checkpoint(path, data, options.seed, "cuda" if torch.cuda.is_available() else "cpu")
        print(
            f"{path}: field of view {found.hfov_deg:.1f} degrees; answers that scatter by more than {found.spread_limit_deg:.1f} "
            f"degrees are refused: {100 * found.overlapping_refused:.1f} % of {found.overlapping} overlapping pairs, "
            f"{100 * found.disjoint_refused:.1f} % of {found.disjoint} pairs that share nothing"
        )
    return 0


if __name__ == "__main__":
    sys.exit(main())
