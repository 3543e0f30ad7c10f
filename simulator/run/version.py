"""The version of the simulator, as far as the content of shards depends on it."""

from __future__ import annotations

from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

from simulator.kernels import digest

ROOT = Path(__file__).resolve().parents[2]
SIMULATE = "simulator/run/simulate.py"
"""The module that computes a set."""


def simulator_version() -> str:
    """Return the package's version and a digest of the code that computes sets, such as 0.1.0+3f9a0c21d4e8.

    The code is that of `simulate` and of all modules of this project that it imports, directly or not.
    """
    try:
        package = version("sight-and-sound")
    except PackageNotFoundError:
        package = "0"
    return f"{package}+{digest(ROOT / SIMULATE, ROOT)}"
