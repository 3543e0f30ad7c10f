"""The progress bar of a render; a log line now and then where nobody watches a terminal."""

from __future__ import annotations

import sys
from collections.abc import Callable
from typing import Any

from tqdm import tqdm

LOG_EVERY_S = 10.0
STARTING = "starting (the first run compiles for a minute)"


class LogLines(tqdm):  # type: ignore[misc]  # tqdm comes without types
    """A bar whose every state is a line of its own, for files and pipes."""

    @staticmethod
    def status_printer(file: Any) -> Callable[[str], None]:
        """Give what prints a state of the bar."""

        def write(text: str) -> None:
            if text.strip():
                print(text.strip(), file=file, flush=True)

        return write


def progress_bar(sets: int) -> tqdm:
    """Make a bar over sets on standard error, with rate and time left; none where there is nothing to do."""
    watched = sys.stderr.isatty()
    bar = tqdm if watched else LogLines
    return bar(
        total=sets, unit="set", desc=STARTING, smoothing=0.1, disable=sets == 0, file=sys.stderr,
        mininterval=0.1 if watched else LOG_EVERY_S, dynamic_ncols=watched,
    )  # fmt: skip
