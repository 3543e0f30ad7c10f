"""Make furnished, lit, textured apartments as .glb files, dedicated to the public domain (CC0).

    python -m scenes.generate --count 20 --out more/
    python -m scenes.generate --count 200 --out more/ --seed 1000 --workers 8

Apartment k of a run has the seed SEED + k; the same seed gives the same bytes. Every object is a node with a name, every
material names what it sounds like.
"""

from __future__ import annotations

import argparse
import os
import sys
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context
from pathlib import Path

from tqdm import tqdm

from scenes.apartment import make_apartment


def main(argv: list[str] | None = None) -> int:
    """Run the command line; gives the exit status."""
    parser = argparse.ArgumentParser(
        prog="python -m scenes.generate", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--count", type=int, default=1, metavar="N", help="apartments to make; default %(default)s")
    parser.add_argument("--out", type=Path, required=True, metavar="DIR", help="folder for apartment_<seed>.glb")
    parser.add_argument("--seed", type=int, default=0, metavar="S", help="seed of the first; default %(default)s")
    parser.add_argument("--workers", type=int, default=os.cpu_count() or 1, metavar="W", help="processes; default: one a core")
    options = parser.parse_args(argv)
    if options.count < 1 or options.workers < 1 or options.seed < 0:
        parser.error("--count and --workers want 1 or more, --seed 0 or more")
    try:
        options.out.mkdir(parents=True, exist_ok=True)
        _make_all([(options.seed + k, options.out) for k in range(options.count)], options.workers)
    except OSError as error:
        print(f"error: {options.out} cannot be written to ({error}); choose another --out", file=sys.stderr)
        return 2
    return 0


def _make_all(jobs: list[tuple[int, Path]], workers: int) -> None:
    with tqdm(total=len(jobs), unit="scene", desc="generate") as bar:
        if workers == 1:
            for job in jobs:
                _make_one(job)
                bar.update()
            return
        with ProcessPoolExecutor(min(workers, len(jobs)), mp_context=get_context("spawn")) as pool:
            for _ in pool.map(_make_one, jobs):
                bar.update()


def _make_one(job: tuple[int, Path]) -> None:
    seed, folder = job
    data = make_apartment(seed)
    part = folder / f".apartment_{seed:04d}.part"
    part.write_bytes(data)
    part.replace(folder / f"apartment_{seed:04d}.glb")


if __name__ == "__main__":
    sys.exit(main())
