"""Pictures per second of the built-in camera and of habitat-sim, on one core without a GPU.

    python -m benchmarks.cameras
    python -m benchmarks.cameras --quick      the first two scenes

A picture is RGB with 4 samples per pixel, depth and instances, 320 x 240, at a pose where a listener can stand in a bundled
apartment, unchanged and with each triangle divided into 9 and 36. The cameras take turns in one process, which is bound to one
core; habitat-sim draws by Mesa's software rasteriser in the calling thread. Times are CPU seconds, and ratios medians over the
turns, so that other work on the machine concerns both alike. There is no target. Exit status 2 where habitat-sim cannot be
imported.
"""

from __future__ import annotations

import argparse
import multiprocessing
import os
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np

from benchmarks.dense import write_dense
from benchmarks.machine import describe
from simulator.camera.embree import Camera, EmbreeCamera
from simulator.camera.view_camera import fixed
from simulator.config import Settings, with_options
from simulator.errors import InputError
from simulator.habitat.camera import open_camera
from simulator.habitat.session import load_engine
from simulator.loaders.load import load_scene
from simulator.scene.model import Scene
from simulator.scene.walkable import find_places

SCENE = Path(__file__).resolve().parents[1] / "scenes" / "apartment-0066.glb"
PARTS = (1, 3, 6)
"""Each triangle of a scene is divided into the square of these."""
POSES = 8
SOFTWARE = {"LIBGL_ALWAYS_SOFTWARE": "1", "LP_NUM_THREADS": "0"}
"""Environment in which Mesa draws by the CPU, in the calling thread."""


def main(argv: Sequence[str] | None = None) -> int:
    """Run the benchmark; return 0, or 2 where habitat-sim cannot be imported."""
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks.cameras", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--quick", action="store_true", help="skip the scene with a million triangles")
    parser.add_argument("--turns", type=int, default=5, help="turns of each camera, 8 pictures each; default %(default)s")
    options = parser.parse_args(argv)
    try:
        version = load_engine().__version__
    except InputError as error:
        print(f"skipped: {error}", file=sys.stderr)
        return 2
    print(f"{describe()}, habitat-sim {version}\n", flush=True)
    print(f"{'triangles':>10} {'embree/s':>9} {'habitat/s':>10} {'ratio':>6} {'over the turns':>15}", flush=True)
    os.environ.update(SOFTWARE)
    with tempfile.TemporaryDirectory() as folder:
        for parts in PARTS[:2] if options.quick else PARTS:
            file = SCENE if parts == 1 else write_dense(SCENE, Path(folder) / f"cut{parts}.glb", parts)
            with multiprocessing.get_context("spawn").Pool(1) as pool:
                triangles, seconds = pool.apply(measure, (file, options.turns))
            print(row(triangles, seconds), flush=True)
    return 0


def measure(file: Path, turns: int) -> tuple[int, np.ndarray]:
    """Return the triangles of a scene, and the CPU seconds per picture of both cameras in each turn, (turns, 2)."""
    if hasattr(os, "sched_setaffinity"):
        os.sched_setaffinity(0, {min(os.sched_getaffinity(0))})
    settings = with_options({})
    scene = load_scene(file)
    cameras = EmbreeCamera(scene, settings.camera), open_camera(file, load_scene(file, textures=False), settings.camera)
    return len(scene.faces), seconds_per_picture(cameras, *poses(scene, settings, POSES), turns)


def poses(scene: Scene, settings: Settings, count: int) -> tuple[np.ndarray, np.ndarray]:
    """Draw positions (count, 3), m, where a listener can stand, and headings (count,), degrees; both the same in each run."""
    rng = np.random.default_rng(0)
    places = find_places(scene, settings, rng)
    positions: list[np.ndarray] = []
    while len(positions) < count:
        floor = places.draw(rng)
        if floor is not None:
            positions.append(floor + [0.0, fixed(settings.camera).height_m, 0.0])
    return np.array(positions), rng.uniform(0.0, 360.0, count)


def seconds_per_picture(
    cameras: Sequence[Camera],
    positions: np.ndarray,
    headings: np.ndarray,
    turns: int,
    clock: Callable[[], float] = time.process_time,
) -> np.ndarray:
    """Return the seconds per picture of each camera in each turn, (turns, cameras), after a first one, which compiles."""
    seconds = np.empty((turns + 1, len(cameras)))
    for turn in range(turns + 1):
        for k, camera in enumerate(cameras):
            start = clock()
            camera.render(positions, headings)
            seconds[turn, k] = clock() - start
    return seconds[1:] / len(positions)


def row(triangles: int, seconds: np.ndarray) -> str:
    """Return a line of the table: pictures per second of both cameras, and the ratio of the first's to the second's."""
    ours, theirs = 1.0 / np.median(seconds, 0)
    ratio = seconds[:, 1] / seconds[:, 0]
    spread = f"{ratio.min():.2f} to {ratio.max():.2f}"
    return f"{triangles:>10} {ours:>9.1f} {theirs:>10.1f} {np.median(ratio):>6.2f} {spread:>15}"


if __name__ == "__main__":
    sys.exit(main())
