"""Write a run's networks without what only training needs: a small file for training.predict, to share or to ship.

    python -m training.export runs/slfm --out model.pt
    python -m training.predict model.pt before.jpg after.jpg

RUN is the folder of a run, of which the last stage without labels is taken, or a checkpoint in it. The file holds the networks,
their settings, the digests of the data and of the start they were trained from, and the calibration where there is one.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path

from dataset.command import exit_status
from training.errors import InputError
from training.evaluation.learned import checkpoint_of, load_predictor
from training.tasks import checkpoint

KEPT = ("origin", "calibration")
"""Parts of a checkpoint beside the networks that are kept."""


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command; return the exit status: 0 done, 2 wrong use or input."""
    parser = argparse.ArgumentParser(
        prog="python -m training.export", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("run", metavar="RUN", type=Path, help="folder of a run, or a checkpoint in it")
    parser.add_argument("--out", metavar="FILE", type=Path, required=True, help="file to write; one that exists is replaced")
    options = parser.parse_args(argv)
    return exit_status(lambda: _run(options.run, options.out))


def _run(run: Path, out: Path) -> int:
    export(run, out)
    print(f"{out}: {out.stat().st_size / 1e6:.1f} MB")
    return 0


def export(run: Path, out: Path) -> None:
    """Write the localiser of a run's folder or checkpoint to `out`; raise InputError where the run has none."""
    path = checkpoint_of(run)
    load_predictor(path)  # refuses what is damaged or holds no localiser
    if out.resolve() == path.resolve():
        raise InputError(f"--out {out} is the checkpoint itself, which training needs to resume; name another file")
    settings, content = checkpoint.load(path)
    networks = {name: value for name, value in content["model"].items() if name.startswith("localiser.")}
    checkpoint.save(out, settings, {"model": networks, **{key: content[key] for key in KEPT if key in content}})


if __name__ == "__main__":
    sys.exit(main())
