"""The end of every command: exit status, errors in one line on standard error, and the line that names a new data set."""

from __future__ import annotations

import sys
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from dataset.errors import DatasetError, InputError

WRONG_USE = 2


def exit_status(run: Callable[[], int]) -> int:
    """Return the exit status that a command's body returns; WRONG_USE, after one line, where it raises a user's error."""
    try:
        return run()
    except (InputError, DatasetError, OSError) as error:
        print(f"error: {error}", file=sys.stderr)
        return WRONG_USE


def print_made(out: Path, manifest: Mapping[str, Any]) -> None:
    """Print the size of a data set that a command wrote, and how to check it."""
    sets, scenes = sum(s["sets"] for s in manifest["shards"]), len({s["scene"] for s in manifest["shards"]})
    print(f"{out}: {sets} sets of {scenes} scenes; check them: python -m dataset.verify {out}")
