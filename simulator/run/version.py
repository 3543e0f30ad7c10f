"""The version of the simulator, as far as the content of shards depends on it."""

from __future__ import annotations

import hashlib
from functools import lru_cache
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
CODE = (
    "dataset/angles.py", "dataset/format/schema.py", "dataset/format/writer.py", "simulator/config.py",
    "simulator/acoustics", "simulator/camera", "simulator/engines", "simulator/habitat", "simulator/loaders",
    "simulator/receivers", "simulator/scene", "simulator/run/clips.py", "simulator/run/sampling.py", "simulator/run/simulate.py",
)  # fmt: skip
"""Files and folders whose code computes a set."""


@lru_cache(maxsize=1)
def simulator_version() -> str:
    """Return the package's version and a digest of the code that computes sets, such as 0.1.0+3f9a0c21d4e8."""
    digest = hashlib.sha256()
    for entry in CODE:
        path = ROOT / entry
        for file in sorted(path.rglob("*.py")) if path.is_dir() else [path]:
            digest.update(file.relative_to(ROOT).as_posix().encode() + b"\0" + file.read_bytes().replace(b"\r\n", b"\n"))
    try:
        package = version("sight-and-sound")
    except PackageNotFoundError:
        package = "0"
    return f"{package}+{digest.hexdigest()[:12]}"
