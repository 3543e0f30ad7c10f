"""Make furnished, lit apartments from seeds:  python -m scenes.generate --count 20 --out more/

The same seed gives the same file, byte for byte: seed S makes apartment-S.glb, --count N makes seeds S to S + N - 1.
"""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from functools import partial
from multiprocessing import get_context
from pathlib import Path

import numpy as np

from dataset.atomic import replacing
from dataset.command import exit_status
from dataset.progress import progress_bar
from scenes.apartment import Apartment, build_apartment
from scenes.glb import linear, write_glb
from scenes.light import bake
from scenes.surface import Surface
from scenes.textures import draw_texture
from simulator.errors import InputError

EXAMPLES = """examples:
  python -m scenes.generate --count 200 --out more/         200 apartments, a few seconds each per core
  python -m scenes.generate --count 5 --rooms 7 --out big/  five large ones
  python -m scenes.generate --count 5 --softness 0 --out hard/   stone, tiles and bare walls: long reverberation
  python -m simulator.render --scenes more/                 render a data set in them
"""


def make_scene(apartment: Apartment) -> bytes:
    """Draw the textures, bake the light and return the bytes of the .glb file."""
    surfaces = dict.fromkeys(p.surface for things in apartment.things.values() for t in things for p in t.patches)
    textures = {s: draw_texture(s) for s in surfaces if s.family}
    albedo = {s: _albedo(s, textures) for s in surfaces}
    return write_glb(apartment, textures, bake(apartment, albedo))


def write_scene(seed: int, folder: Path, rooms: int | None = None, softness: float | None = None) -> Path:
    """Write the scene of a seed atomically and return its path."""
    path = folder / f"apartment-{seed:04d}.glb"
    with replacing(path) as draft:
        draft.write_bytes(make_scene(build_apartment(seed, rooms, softness)))
    return path


def _albedo(surface: Surface, textures: dict[Surface, np.ndarray]) -> np.ndarray:
    if surface in textures:
        return linear(textures[surface].reshape(-1, 3) / 255.0).mean(0)
    return linear(np.array(surface.color))


def main(arguments: list[str] | None = None) -> int:
    """Run the command; exit status 0, or 2 for wrong use."""
    options = _parser().parse_args(arguments)
    return exit_status(lambda: _run(options))


def _run(options: argparse.Namespace) -> int:
    _check(options)
    seeds = range(options.seed, options.seed + options.count)
    make = partial(write_scene, folder=options.out, rooms=options.rooms, softness=options.softness)
    size = 0
    with progress_bar(options.count, "scene", "generate") as bar:
        for path in _each(make, seeds, min(options.workers, options.count)):
            size += path.stat().st_size
            bar.update()
    print(f"{options.count} scenes, {size / 1e6:.1f} MB, in {options.out}")
    print(f"next: python -m simulator.render --scenes {options.out}")
    return 0


def _each(make: Callable[[int], Path], seeds: Sequence[int], workers: int) -> Iterator[Path]:
    """Yield the paths of the scenes in the order of the seeds, made in this process or in several."""
    if workers == 1:
        yield from map(make, seeds)
        return
    with ProcessPoolExecutor(workers, mp_context=get_context("spawn")) as pool:
        yield from pool.map(make, seeds)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m scenes.generate",
        description=__doc__,
        epilog=EXAMPLES,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--count", type=int, default=10, metavar="N", help="number of apartments (default 10)")
    parser.add_argument("--out", type=Path, default=Path("more"), metavar="DIR", help="folder for the .glb files (default more/)")
    parser.add_argument(
        "--seed",
        type=int,
        default=1000,
        metavar="S",
        help="seed of the first one (default 1000; the bundled ones are below)",
    )
    parser.add_argument("--workers", type=int, default=os.cpu_count() or 1, metavar="W", help="processes (default: one per core)")
    parser.add_argument("--rooms", type=int, metavar="R", help="rooms per apartment, 2 to 7 (default: drawn)")
    parser.add_argument(
        "--softness", type=float, metavar="X", help="0 (hard) to 1 (soft): how much the surfaces absorb (default: drawn)"
    )
    return parser


def _check(options: argparse.Namespace) -> None:
    rules = [
        (options.count >= 1, f"--count is {options.count}; give 1 or more"),
        (options.seed >= 0, f"--seed is {options.seed}; give 0 or more"),
        (options.workers >= 1, f"--workers is {options.workers}; give 1 or more"),
        (options.rooms is None or 2 <= options.rooms <= 7, f"--rooms is {options.rooms}; give 2 to 7"),
        (options.softness is None or 0 <= options.softness <= 1, f"--softness is {options.softness}; give 0 to 1"),
    ]
    for holds, message in rules:
        if not holds:
            raise InputError(message)
    try:
        options.out.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise InputError(f"--out {options.out} cannot be created ({error.strerror}); give a writable folder") from None


if __name__ == "__main__":
    sys.exit(main())
