"""Training on more than memory holds: steps/s and memory against the loader that keeps the split in memory.

    python -m benchmarks.stream --data data/slfm
    python -m benchmarks.stream --data data/slfm --gigabytes 2 --memory 200000000

The shards of a data set are repeated under other names, by links, until they take --gigabytes. The stage pretext is trained on
the repeated data set with --memory bytes for decoded sets, after all of them were decoded once into the cache on disk, and on the
data set itself in memory; each in a process of its own. Prints steps/s of both, their ratio, and the peak memory of the first.
Targets: a ratio of 0.9, and 4 GB. Exit status 1 where one is missed.
"""

from __future__ import annotations

import argparse
import json
import os
import resource
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import torch

from benchmarks.machine import describe
from benchmarks.train import time_stage
from dataset.command import exit_status
from dataset.format.manifest import read_manifest, write_manifest
from dataset.progress import progress_bar
from training.config import preset
from training.data.batches import Batches
from training.data.limits import DISK_BYTES, Limits
from training.data.preload import load

RATIO, MEMORY_GB = 0.9, 4.0
"""Targets."""


def main(argv: Sequence[str] | None = None) -> int:
    """Run the benchmark; return 0 where the targets are met, 1 where not, 2 for wrong use."""
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks.stream", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--data", default="data/slfm", help="folder of the data set to repeat; default %(default)s")
    parser.add_argument("--gigabytes", type=float, default=20.0, help="size of the repeated data set; default %(default)s")
    parser.add_argument("--memory", type=int, default=2_000_000_000, help="bytes for decoded sets; default %(default)s")
    parser.add_argument("--steps", type=int, default=40, help="timed steps; default %(default)s")
    parser.add_argument("--scratch", default=".", help="folder for links and decoded sets, deleted at the end; default here")
    parser.add_argument("--measure", type=int, help=argparse.SUPPRESS)
    options = parser.parse_args(argv)
    return exit_status(lambda: _run(options) if options.measure is None else _measure(options))


def repeat(data: Path, out: Path, size: float) -> int:
    """Link the training shards of a data set into a folder under other names until they take `size` bytes; return the bytes."""
    manifest = read_manifest(data)
    shards = [s for s in manifest["shards"] if s["split"] == "train"]
    (out / "shards").mkdir(parents=True)
    entries: list[dict[str, Any]] = []
    total = 0
    while total < size:
        entry = shards[len(entries) % len(shards)]
        path = f"shards/{len(entries):06d}.h5"
        (out / path).symlink_to((data / entry["path"]).resolve())
        entries.append({**{k: v for k, v in entry.items() if k != "blocks"}, "path": path})
        total += entry["bytes"]
    write_manifest(out, {"shards": entries, "settings": manifest["settings"]})
    return total


def _run(options: argparse.Namespace) -> int:
    print(describe())
    with tempfile.TemporaryDirectory(dir=options.scratch) as folder:
        size = repeat(Path(options.data), Path(folder) / "large", options.gigabytes * 1e9)
        large = _in_process(options, Path(folder) / "large", options.memory, Path(folder) / "cache")
        whole = _in_process(options, Path(options.data), 1 << 50, Path(folder) / "cache")
    ratio = large["steps_s"] / whole["steps_s"]
    kept = f"{options.memory / 1e9:g} GB for decoded sets"
    print(f"{size / 1e9:.1f} GB, {large['sets']:.0f} sets, {kept}: {large['steps_s']:.2f} steps/s")
    print(f"once, {whole['sets']:.0f} sets, all in memory: {whole['steps_s']:.2f} steps/s")
    print(f"ratio {ratio:.2f} (target {RATIO:g}); peak memory {large['memory_gb']:.2f} GB (target {MEMORY_GB:g} GB)")
    return 0 if ratio >= RATIO and large["memory_gb"] <= MEMORY_GB else 1


def _in_process(options: argparse.Namespace, data: Path, memory: int, cache: Path) -> dict[str, float]:
    """Measure in a process of its own, whose peak memory is that of this data set."""
    command = [
        sys.executable,
        "-m",
        "benchmarks.stream",
        "--data",
        str(data),
        "--measure",
        str(memory),
        "--steps",
        str(options.steps),
    ]
    environment = {**os.environ, "SIGHT_AND_SOUND_CACHE": str(cache)}
    run = subprocess.run(command, env=environment, stdout=subprocess.PIPE, text=True, check=True)
    found: dict[str, float] = json.loads(run.stdout.splitlines()[-1])
    return found


def _measure(options: argparse.Namespace) -> int:
    """Train the stage pretext on a data set; print steps/s, number of sets and peak memory as JSON."""
    settings = preset("small", {})
    store = load(options.data, "train", settings, limits=Limits(options.measure, DISK_BYTES))
    for row in progress_bar(len(store), "set", "decode", iterable=range(len(store))):
        for column in (store.rgb, store.direct, store.indirect, store.mono):
            column[row]
    batches = Batches(store, settings, settings.pretext.batch, training=True)
    seconds, _ = time_stage("pretext", batches, settings, torch.device("cpu"), options.steps, workers=1)
    memory = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024 / 1e9
    print(json.dumps({"steps_s": 1 / seconds, "sets": len(store), "memory_gb": memory}))
    return 0


if __name__ == "__main__":
    sys.exit(main())
