"""Statistics of generated apartments over many seeds:  python -m scenes.statistics --count 200

For each seed: rooms, floor, things, triangles, bytes, seconds; escaping rays; usable share of headings and positions; RT60.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
import time
from collections import Counter
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass, replace
from functools import partial
from multiprocessing import get_context
from pathlib import Path

import numpy as np
from tqdm import tqdm

from scenes.apartment import build_apartment
from scenes.generate import make_scene
from simulator.acoustics.acoustic_scene import prepare_acoustics
from simulator.acoustics.materials import assign, load_library
from simulator.acoustics.room_metrics import rt60
from simulator.camera.embree import depths
from simulator.camera.view_camera import fixed
from simulator.config import Settings
from simulator.engines.responses import responses
from simulator.errors import InputError
from simulator.loaders.load import load_scene
from simulator.receivers.hrtf import load_ears
from simulator.run.sampling import Rejected, draw_set
from simulator.scene.model import Scene
from simulator.scene.walkable import Places, find_places

FIXED = ("wall", "floor", "ceiling", "skirting", "cornice", "window", "doorway", "outside")
"""Parts of the building, which are not counted as furniture."""
ESCAPE_RAYS = 20000
POSITIONS = 24


@dataclass(frozen=True)
class Facts:
    """Measures of one apartment."""

    seed: int
    rooms: tuple[str, ...]
    area_m2: float
    things: tuple[int, ...]
    """Pieces of furniture and ornament in each room."""
    kinds: frozenset[str]
    triangles: int
    megabytes: float
    seconds: float
    """To build, light and write the apartment."""
    escaped: int
    """Rays, of ESCAPE_RAYS from places inside, that leave other than through a pane (they would meet the pane)."""
    headings: float
    """Share of headings that look far enough."""
    positions: float
    """Share of positions that give a set at once: enough views that overlap, and a source in sight."""
    rt60_s: tuple[float, ...]


def measure(seed: int, listeners: int) -> Facts:
    """Make the apartment of a seed and measure it."""
    start = time.perf_counter()
    apartment = build_apartment(seed)
    data = make_scene(apartment)
    seconds = time.perf_counter() - start
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "apartment.glb"
        path.write_bytes(data)
        scene = load_scene(path)
    settings = Settings()
    rng = np.random.default_rng(seed)
    places = find_places(scene, settings, rng)
    names = {r.name: [_kind(t.name) for t in apartment.things[r.name]] for r in apartment.rooms}
    movable = [[k for k in kinds if k not in FIXED] for kinds in names.values()]
    headings, positions = acceptance(scene, places, settings, rng)
    return Facts(
        seed=seed,
        rooms=tuple(r.kind for r in apartment.rooms),
        area_m2=sum(r.area for r in apartment.rooms),
        things=tuple(len(m) for m in movable),
        kinds=frozenset(k for m in movable for k in m),
        triangles=len(scene.faces),
        megabytes=len(data) / 1e6,
        seconds=seconds,
        escaped=escaping(scene, places, rng),
        headings=headings,
        positions=positions,
        rt60_s=tuple(reverberation(scene, places, listeners, rng)),
    )


def escaping(scene: Scene, places: Places, rng: np.random.Generator) -> int:
    """Count rays from places inside that meet nothing or what lies outside; panes are solid."""
    at = places.floor[rng.integers(len(places.floor), size=ESCAPE_RAYS)]
    at = at + np.array([0.0, 1.0, 0.0]) * rng.uniform(0.3, 1.8, (ESCAPE_RAYS, 1))
    direction = rng.standard_normal((ESCAPE_RAYS, 3))
    face = scene.bvh.closest(at, direction / np.linalg.norm(direction, axis=1, keepdims=True)).face
    beyond = np.array([name.startswith("outside") for name in scene.instances])
    return int((face < 0).sum() + beyond[scene.face_instance[face[face >= 0]] - 1].sum())


def acceptance(scene: Scene, places: Places, settings: Settings, rng: np.random.Generator) -> tuple[float, float]:
    """Return the share of headings that the depth rules accept, and of positions that give a set at the first try."""
    rules, camera = settings.sampling, fixed(settings.camera)
    at = [p for p in (places.draw(rng) for _ in range(4 * POSITIONS)) if p is not None][:POSITIONS]
    eyes = np.repeat(np.array(at) + np.array([0.0, camera.height_m, 0.0]), 8, 0)
    depth = depths(scene, eyes, rng.uniform(0, 360, len(eyes)), [camera] * len(eyes), 32, 24)
    far = (depth.max((1, 2)) >= rules.min_depth_max_m) & (depth.mean((1, 2)) >= rules.min_depth_mean_m)
    once = replace(settings, sampling=replace(rules, position_tries=1))
    drawn = 0
    for _ in range(POSITIONS):
        try:
            draw_set(scene, places, once, rng)
            drawn += 1
        except Rejected:
            pass
    return float(far.mean()), drawn / POSITIONS


def reverberation(scene: Scene, places: Places, listeners: int, rng: np.random.Generator) -> list[float]:
    """Return RT60 of the mean of both ears' energy at some places, s."""
    settings = replace(Settings().acoustics, quality="draft", response_s=2.0)
    room = prepare_acoustics(scene, assign(scene.surfaces, load_library()), settings)
    ears = load_ears(None, settings.sample_rate_hz)
    times: list[float] = []
    for _ in range(20 * listeners):
        floor = places.draw(rng)
        if len(times) == listeners or floor is None:
            continue
        head = floor + np.array([0.0, 1.5, 0.0])
        angle = rng.uniform(0, 2 * np.pi)
        source = head + np.array([np.cos(angle), -0.3, np.sin(angle)]) * rng.uniform(0.7, 2.0)
        if scene.bvh.visible(head[None], source[None])[0]:
            response = responses(room, head[None], np.zeros(1), source[None], settings, ears, rng)
            times.append(float(np.nanmean(rt60(response.indirect, settings.sample_rate_hz))))
    return times


def report(facts: list[Facts], failures: list[str]) -> str:
    """Return the measures of all apartments as text."""
    number = Counter(len(f.rooms) for f in facts)
    kinds = frozenset[str]().union(*(f.kinds for f in facts))
    lines = [
        f"{len(facts)} apartments, {len(failures)} failures",
        "rooms: " + ", ".join(f"{n} of {k}" for k, n in sorted(number.items())),
        "kinds of rooms: " + ", ".join(f"{n} {k}" for k, n in Counter(k for f in facts for k in f.rooms).most_common()),
        f"kinds of furniture: {len(kinds)}",
        f"{'':<34}{'least':>9}{'5 %':>9}{'median':>9}{'95 %':>9}{'most':>9}",
    ]
    for title, values in (
        ("floor area, m2", [f.area_m2 for f in facts]),
        ("things in a room", [n for f in facts for n in f.things]),
        ("triangles", [f.triangles for f in facts]),
        ("file size, MB", [f.megabytes for f in facts]),
        ("seconds to make", [f.seconds for f in facts]),
        (f"rays of {ESCAPE_RAYS} that escape", [f.escaped for f in facts]),
        ("share of headings accepted", [f.headings for f in facts]),
        ("share of positions that give a set", [f.positions for f in facts]),
        ("RT60, s", [t for f in facts for t in f.rt60_s]),
    ):
        marks = np.percentile(values, [0, 5, 50, 95, 100]) if values else [0.0] * 5
        lines.append(f"{title:<34}" + "".join(f"{m:9.0f}" if m >= 1000 else f"{m:9.2f}" for m in marks))
    return "\n".join([*lines, *failures])


def main(arguments: list[str] | None = None) -> int:
    """Run the command; exit status 0, 1 where an apartment failed or leaks, 2 for wrong use."""
    parser = argparse.ArgumentParser(
        prog="python -m scenes.statistics", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--count", type=int, default=200, metavar="N", help="apartments (default 200)")
    parser.add_argument("--seed", type=int, default=1000, metavar="S", help="seed of the first (default 1000)")
    parser.add_argument("--listeners", type=int, default=3, metavar="L", help="places of each where RT60 is traced (default 3)")
    parser.add_argument("--workers", type=int, default=1, metavar="W", help="processes (default 1)")
    options = parser.parse_args(arguments)
    if min(options.count, options.workers) < 1 or min(options.seed, options.listeners) < 0:
        parser.error("--count and --workers must be at least 1, --seed and --listeners at least 0")
    facts, failures = [], []
    one = partial(_measured, listeners=options.listeners)
    with ProcessPoolExecutor(options.workers, mp_context=get_context("spawn")) as pool:
        for result in tqdm(pool.map(one, range(options.seed, options.seed + options.count)), total=options.count, unit="scene"):
            if isinstance(result, Facts):
                facts.append(result)
            else:
                failures.append(result)
    print(report(facts, failures))
    return 1 if failures or any(f.escaped for f in facts) else 0


def _measured(seed: int, listeners: int) -> Facts | str:
    """Return the measures, or the error as text, so that one failing seed does not hide the others."""
    try:
        return measure(seed, listeners)
    except (InputError, AssertionError, ValueError, IndexError) as error:
        return f"seed {seed}: {type(error).__name__}: {error}"


def _kind(name: str) -> str:
    return name.split("/")[-1].rsplit("-", 1)[0] if name[-1].isdigit() else name.split("/")[-1]


if __name__ == "__main__":
    sys.exit(main())
