"""The cost of a set: time by stage, memory, two workers against one, and pyroomacoustics.

    python -m benchmarks.render
    python -m benchmarks.render --one-core      where other cores are busy
    python -m benchmarks.render --quick

The standard set has 4 views of 320 x 240 pixels with 4 samples per pixel, depth and instances; 3 sources with a response of
0.8 s and a clip each, convolved; it is written to a shard. It is rendered in a bundled apartment, unchanged and with each
triangle divided into 9 and 36. Times are CPU seconds of one process. Targets: 1 s per set and core, 1.5 GB per worker with a
million triangles, two workers 1.8 times as fast as one, and sound 10 times as fast as 8 KEMAR microphones (2 ears, 4 headings)
in pyroomacoustics. Exit status 1 where a target is missed.
"""

from __future__ import annotations

import argparse
import multiprocessing
import sys
import tempfile
import time
from collections import defaultdict
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any
from unittest.mock import patch

import numpy as np

from benchmarks.dense import write_dense
from benchmarks.machine import describe
from benchmarks.peer import RAYS, ears_here, ears_there
from dataset.format.writer import ShardWriter
from simulator.camera.embree import EmbreeCamera
from simulator.config import Settings, with_options
from simulator.engines import responses as acoustics
from simulator.run import fields, simulate
from simulator.run.clips import find_clips
from simulator.run.cluster import render_with_ray
from simulator.run.shard_plan import Plan, make_plan
from simulator.run.worker import render_shard

SCENE = Path(__file__).resolve().parents[1] / "scenes" / "apartment-0066.glb"
STANDARD = {"views": 4, "sources": 3, "acoustics.response_s": 0.8}
STAGES: list[tuple[str, Any, str]] = [
    ("sampling", simulate, "draw_set"),
    ("camera", EmbreeCamera, "render"),
    ("tracing", acoustics, "trace"),
    ("spatialisation", acoustics, "spatialize"),
    ("convolution", simulate, "draw_stretches"),
    ("convolution", fields, "rounded"),
    ("convolution", fields, "convolve"),
    ("convolution", fields, "rt60"),
    ("writing", ShardWriter, "add"),
    ("writing", ShardWriter, "__exit__"),
]
"""Timed functions: stage, and the module or class and the name through which the code of a set calls it."""


def main(argv: Sequence[str] | None = None) -> int:
    """Run the benchmark; return 0 where the targets are met, 1 where not."""
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks.render", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument(
        "--quick", action="store_true", help="few sets and no comparison of workers: takes two minutes, with larger errors"
    )
    parser.add_argument("--one-core", action="store_true", help="skip the comparison of one worker with two")
    options = parser.parse_args(argv)
    quick = options.quick
    sets = 4 if quick else 16
    print(describe() + "\n")
    targets = []
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        files = [SCENE] + [write_dense(SCENE, folder / f"cut{n}.glb", n) for n in ((3,) if quick else (3, 6))]
        runs = [_in_new_process(measure, file, folder / f"{file.stem}-out", sets) for file in files]
        print(table(runs))
        targets.append(("at most 1 s per set with 250,000 triangles", runs[1]["total"] <= 1.0))
        if not quick:
            targets.append(("at most 1.5 GB with a million triangles", runs[2]["peak_mb"] <= 1500))
            targets.append(
                ("at most 1.5 times the cost from 25,000 to a million triangles", runs[2]["total"] <= 1.5 * runs[0]["total"])
            )
        if not quick and not options.one_core:
            rates = [rate(files[1], folder / f"workers{n}", n) for n in (1, 2)]
            print(
                f"\nworkers: {rates[0]:.2f} sets/s with 1, {rates[1]:.2f} sets/s with 2 (wall clock): {rates[1] / rates[0]:.2f}x"
            )
            targets.append(("two workers at least 1.8 times as fast as one", rates[1] >= 1.8 * rates[0]))
    ours, best = (_in_new_process(ears_here, quality, 1 if quick else 5) for quality in ("standard", "reference"))
    theirs = _in_new_process(ears_there)
    print(
        f"\nsound alone, box of 6 x 2.8 x 5 m, RT60 0.9 s: {ours:.2f} s at standard quality, {best:.2f} s at reference quality;"
    )
    print(f"8 KEMAR microphones in pyroomacoustics (images to order 3, {RAYS} rays): {theirs:.2f} s,", end=" ")
    print(f"{theirs / ours:.0f} and {theirs / best:.1f} times as long")
    targets.append(("sound at least 10 times as fast as pyroomacoustics", theirs >= 10 * ours))
    print("\n" + "\n".join(f"{'met   ' if met else 'MISSED'}  {text}" for text, met in targets))
    return 0 if all(met for _, met in targets) else 1


def measure(file: Path, out: Path, sets: int) -> dict[str, float]:
    """Render a shard in this process; return CPU seconds per set, total and by stage, peak memory, MB, and seconds to load."""
    plan = _plan(file, out, {**STANDARD, "sets": sets + 1, "shard_sets": sets})
    start = time.process_time()
    render_shard(plan, plan.shards[1], lambda done: None)  # one set: loads, compiles
    loaded = time.process_time() - start
    spent: dict[str, float] = defaultdict(float)
    start = time.process_time()
    with _timed_stages(spent):
        report = render_shard(plan, plan.shards[0], lambda done: None)
    total = time.process_time() - start
    assert report.given and not report.failure, report
    stage = {name: spent[name] / report.given for name in dict.fromkeys(name for name, _, _ in STAGES)}
    other = total / report.given - sum(stage.values())
    return {
        "triangles": _triangles(file),
        **stage,
        "other": other,
        "total": total / report.given,
        "load": loaded - total / report.given,
        "peak_mb": _peak_mb(),
    }


def table(runs: Sequence[dict[str, float]]) -> str:
    """Return a text table with one row per scene and the share of each stage."""
    stages = [*dict.fromkeys(name for name, _, _ in STAGES), "other"]
    lines = [" ".join([f"{'triangles':>10}", "  s/set", " sets/s", *(f"{s:>15}" for s in stages), " load s", "peak MB"])]
    for run in runs:
        shares = [f"{run[s]:.3f} s = {100 * run[s] / run['total']:2.0f} %" for s in stages]
        numbers = [f"{run['triangles']:>10.0f}", f"{run['total']:>7.3f}", f"{1 / run['total']:>7.2f}"]
        lines.append(" ".join([*numbers, *(f"{s:>15}" for s in shares), f"{run['load']:>7.1f}", f"{run['peak_mb']:>7.0f}"]))
    return "\n".join(lines)


def rate(file: Path, out: Path, workers: int) -> float:
    """Render with Ray; return sets per second of wall time over the middle half of the run."""
    plan = _plan(file, out, {**STANDARD, "sets": 48 * workers, "shard_sets": 4})
    asked = sum(s.asked for s in plan.todo)
    seen: list[tuple[float, int]] = []
    for _ in render_with_ray(plan, workers, None, lambda done: seen.append((time.perf_counter(), done))):
        pass
    inner = [(t, n) for t, n in seen if asked / 4 <= n <= asked * 3 / 4]
    return float((inner[-1][1] - inner[0][1]) / (inner[-1][0] - inner[0][0]))


def _plan(file: Path, out: Path, values: dict[str, Any]) -> Plan:
    settings: Settings = with_options(values)
    return make_plan({file.stem: file}, out, settings, simulate.Inputs(find_clips(None)))


@contextmanager
def _timed_stages(spent: dict[str, float]) -> Iterator[None]:
    """Add the CPU seconds of each stage to `spent` within the block."""
    with ExitStack() as stack:
        for name, owner, attribute in STAGES:
            stack.enter_context(patch.object(owner, attribute, _timed(getattr(owner, attribute), name, spent)))
        yield


def _timed(call: Callable[..., Any], name: str, spent: dict[str, float]) -> Callable[..., Any]:
    def timed(*arguments: Any, **named: Any) -> Any:
        start = time.process_time()
        try:
            return call(*arguments, **named)
        finally:
            spent[name] += time.process_time() - start

    return timed


def _in_new_process(call: Callable[..., Any], *arguments: Any) -> Any:
    """Call in a new process, so that each measurement has its own memory."""
    with multiprocessing.get_context("spawn").Pool(1) as pool:
        return pool.apply(call, arguments)


def _triangles(file: Path) -> int:
    from simulator.loaders.load import load_scene

    return len(load_scene(file, file.stem).faces)


def _peak_mb() -> float:
    """Return the peak memory of this process, MB; getrusage includes the parent's where it was forked."""
    for line in Path("/proc/self/status").read_text().splitlines():
        if line.startswith("VmHWM:"):
            return float(line.split()[1]) / 1000.0
    return float(np.nan)


if __name__ == "__main__":
    sys.exit(main())
