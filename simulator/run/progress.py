"""The progress bar of a render."""

from __future__ import annotations

import sys

from tqdm import tqdm

from dataset import progress

STARTING = "starting (the first run compiles for about a minute)"


def progress_bar(sets: int) -> tqdm:
    """Return a bar over sets on standard error, with rate and remaining time; disabled where there are no sets."""
    return progress.progress_bar(sets, "set", STARTING, sets > 0, smoothing=0.1)


def print_note(text: str) -> None:
    """Print a line on standard error, above the bar where there is one."""
    tqdm.write(text, file=sys.stderr)
