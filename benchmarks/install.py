"""The installation: seconds and megabytes of `pip install -e .` in a fresh environment.

    python -m benchmarks.install
    python -m benchmarks.install --extras dev

Makes a virtual environment in a temporary folder, installs this checkout into it without pip's cache of built wheels, and
prints the CPU seconds of all processes, the wall time (downloads included), and the size of the environment and of its largest
packages. PyTorch is the build that the configured index serves: set PIP_EXTRA_INDEX_URL to
https://download.pytorch.org/whl/cpu to measure the one without CUDA. Exit status 1 where pip fails.
"""

from __future__ import annotations

import argparse
import os
import resource
import subprocess
import sys
import tempfile
import time
import venv
from collections.abc import Sequence
from pathlib import Path

from benchmarks.machine import describe

ROOT = Path(__file__).resolve().parents[1]
LARGEST = 8
"""Packages listed."""


def main(argv: Sequence[str] | None = None) -> int:
    """Install and print; return 0, or 1 where pip fails."""
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks.install", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--extras", default="", help="extras to install, such as dev; default none")
    options = parser.parse_args(argv)
    target = f"{ROOT}[{options.extras}]" if options.extras else str(ROOT)
    print(describe(), flush=True)
    with tempfile.TemporaryDirectory() as folder:
        venv.create(folder, with_pip=True)
        python = Path(folder) / ("Scripts/python.exe" if os.name == "nt" else "bin/python")
        before, start = _child_seconds(), time.perf_counter()
        done = subprocess.run([python, "-m", "pip", "install", "--quiet", "--no-cache-dir", "-e", target])
        if done.returncode:
            print(f"pip install failed with status {done.returncode}", file=sys.stderr)
            return 1
        cpu, wall = _child_seconds() - before, time.perf_counter() - start
        packages = next(Path(folder).glob("[Ll]ib*/**/site-packages"))
        sizes = {p.name: megabytes(p) for p in packages.iterdir() if p.is_dir()}
        print(f"pip install -e .{f'[{options.extras}]' if options.extras else ''}: {cpu:.0f} CPU s, {wall:.0f} s of wall time")
        print(f"{megabytes(Path(folder)):>6.0f} MB in all, of which")
        for name in sorted(sizes, key=lambda n: -sizes[n])[:LARGEST]:
            print(f"{sizes[name]:>6.0f} MB {name}", flush=True)
    return 0


def megabytes(folder: Path) -> float:
    """Return the bytes of all files below a folder in MB (10^6); links are not followed."""
    return sum(p.lstat().st_size for p in folder.rglob("*") if not p.is_dir()) / 1e6


def _child_seconds() -> float:
    """Return the CPU seconds of all finished child processes."""
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


if __name__ == "__main__":
    sys.exit(main())
