"""The progress bar of a render; a log line every few seconds where standard error is not a terminal."""

from __future__ import annotations

import sys
from collections.abc import Callable
from typing import Any

from tqdm import tqdm

LOG_EVERY_S = 10.0
STARTING = "starting (the first run compiles for about a minute)"


class LogLines(tqdm):  # type: ignore[misc]  # tqdm has no types
    """A bar that prints each state as a line, for files and pipes."""

    @staticmethod
    def status_printer(file: Any) -> Callable[[str], None]:
        """Return the function that prints a state of the bar."""

        def write(text: str) -> None:
            if text.strip():
                print(text.strip(), file=file, flush=True)

        return write


def progress_bar(sets: int) -> tqdm:
    """Return a bar over sets on standard error, with rate and remaining time; disabled where there are no sets."""
    terminal = sys.stderr.isatty()
    bar = tqdm if terminal else LogLines
    return bar(
        total=sets, unit="set", desc=STARTING, smoothing=0.1, disable=sets == 0, file=sys.stderr,
        mininterval=0.1 if terminal else LOG_EVERY_S, dynamic_ncols=terminal,
    )  # fmt: skip


def print_note(text: str) -> None:
    """Print a line on standard error, above the bar where there is one."""
    tqdm.write(text, file=sys.stderr)
