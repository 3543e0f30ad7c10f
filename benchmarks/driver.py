"""What a render costs its driver besides rendering: the plan, the queue, confirmation of shards, the manifest.

    python -m benchmarks.driver
    python -m benchmarks.driver --scenes 2000 --shards 20000

Scenes are files of a few bytes, and workers write files of a few bytes in place of shards, so that what is measured is the
driver's own work: planning the scenes, handing all shards to two Ray workers, confirming every file by size and SHA-256,
writing the manifest, and planning again over the finished folder. CPU seconds and peak memory of the driver's process, without
Ray's other processes. Targets: a plan of 2,000 scenes in 2 s; 20,000 shards in 5 s of CPU and 400 MB. Exit status 1 where a
target is missed.
"""

from __future__ import annotations

import argparse
import hashlib
import resource
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any
from unittest.mock import patch

from benchmarks.machine import describe
from dataset.format.manifest import SHARDS
from simulator.config import with_options
from simulator.run import pool
from simulator.run.clips import find_clips
from simulator.run.cluster import render_with_ray
from simulator.run.output_folder import output_folder
from simulator.run.record import record
from simulator.run.shard_plan import Shard, make_plan
from simulator.run.simulate import Inputs
from simulator.run.worker import ShardReport

PLAN_S, CPU_S, MEMORY_MB = 2.0, 5.0, 400.0
"""Targets."""
SHARD_SETS = 16


class Writer(pool.Worker):
    """A worker that writes a few bytes in place of a shard, and describes them as one."""

    def render(self, shard: Shard) -> ShardReport:
        """Write the file of a shard and return its report."""
        content = shard.path.name.encode()
        shard.path.write_bytes(content)
        self.progress.note.remote(shard.path.name, shard.asked)
        return ShardReport(shard, shard.asked, entry=_entry(shard, content), host="here")


def _entry(shard: Shard, content: bytes) -> dict[str, Any]:
    return {
        "path": f"{SHARDS}/{shard.path.name}",
        "bytes": len(content),
        "sha256": hashlib.sha256(content).hexdigest(),
        "scene": shard.scene,
        "scene_sha256": shard.scene_sha256,
        "split": shard.split,
        "sets": shard.asked,
        "shard": shard.number,
        "asked": shard.asked,
        "credit": "none",
    }


def measure(scenes: int, shards: int, folder: Path) -> dict[str, float]:
    """Return the seconds of plans and the driver's CPU seconds and peak memory (MB) for a render without rendering."""
    paths = {f"scene-{k:05d}": folder / f"scene-{k:05d}.ply" for k in range(scenes)}
    for name, path in paths.items():
        path.write_text(name)
    settings = with_options({"sets": SHARD_SETS * (shards // scenes), "shard_sets": SHARD_SETS})
    inputs, out = Inputs(find_clips(None)), folder / "out"
    found: dict[str, float] = {}
    with output_folder(out):
        began, cpu = time.monotonic(), time.process_time()
        plan = make_plan(paths, out, settings, inputs)
        found["plan_s"] = time.monotonic() - began
        assert len(plan.todo) == scenes * (shards // scenes)
        with patch.object(pool, "Worker", Writer), patch("simulator.run.cluster.compile_kernels"):
            reports = list(render_with_ray(plan, 2, None, lambda sets: None))
        manifest = record(plan, reports)
        found["cpu_s"] = time.process_time() - cpu
        found["wall_s"] = time.monotonic() - began
        assert len(manifest["shards"]) == len(plan.todo) and not manifest["failures"]
        began = time.monotonic()
        assert not make_plan(paths, out, settings, inputs).todo
        found["plan_again_s"] = time.monotonic() - began
    found["memory_mb"] = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    return found


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command line; return the exit status."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--scenes", type=int, default=2000)
    parser.add_argument("--shards", type=int, default=20_000)
    options = parser.parse_args(argv)
    print(describe())
    with tempfile.TemporaryDirectory() as folder:
        found = measure(options.scenes, options.shards, Path(folder))
    good = found["plan_s"] <= PLAN_S and found["cpu_s"] <= CPU_S and found["memory_mb"] <= MEMORY_MB
    print(f"plan of {options.scenes} scenes: {found['plan_s']:.2f} s (target {PLAN_S:g} s)")
    print(f"{options.shards} shards: {found['cpu_s']:.1f} s of the driver's CPU (target {CPU_S:g} s) in {found['wall_s']:.0f} s")
    print(f"plan over the finished folder: {found['plan_again_s']:.2f} s")
    print(f"peak memory of the driver: {found['memory_mb']:.0f} MB (target {MEMORY_MB:g} MB)")
    return 0 if good else 1


if __name__ == "__main__":
    sys.exit(main())
