"""What all commands share: paths as arguments, exit status, errors in one line, and the line that names a new data set."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from dataset.errors import DatasetError, InputError
from dataset.interrupts import interruptible

WRONG_USE = 2
INTERRUPTED = 130


def exit_status(run: Callable[[], int]) -> int:
    """Return the exit status that a command's body returns.

    After one line: WRONG_USE where it raises a user's error, INTERRUPTED where SIGINT or SIGTERM end it.
    """
    try:
        with interruptible():
            return run()
    except KeyboardInterrupt as interrupt:
        print(f"\n{str(interrupt) or 'interrupted: run the same command again'}", file=sys.stderr)
        return INTERRUPTED
    except (InputError, DatasetError, OSError) as error:
        print(f"error: {error}", file=sys.stderr)
        return WRONG_USE


def path_argument(text: str) -> Path:
    """Return the path that an argument of a command names; argparse reports a text that cannot be one."""
    if "\0" in text or not text:
        raise argparse.ArgumentTypeError(f"{text!r} is not the name of a file or folder")
    return Path(text)


def output_argument(text: str) -> Path:
    """Return the path that a command writes to, which is on this machine; argparse reports an address."""
    if "://" in text:
        raise argparse.ArgumentTypeError(
            f"{text!r} is a remote address; write to a local folder, then upload it (a data set: python -m dataset.share --to)"
        )
    return path_argument(text)


def place_argument(text: str) -> Path | str:
    """Return the folder, or the address, that an argument of a command names and that it writes to."""
    return text if "://" in text and "\0" not in text else path_argument(text)


def print_made(out: str | Path, manifest: Mapping[str, Any]) -> None:
    """Print the size of a data set that a command wrote, and how to check it."""
    sets, scenes = sum(s["sets"] for s in manifest["shards"]), len({s["scene"] for s in manifest["shards"]})
    print(f"{out}: {sets} sets of {scenes} scenes; check them: python -m dataset.verify {out}")
