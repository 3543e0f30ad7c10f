"""The end of every command: the exit status, and one line on standard error for an error that the user can mend."""

from __future__ import annotations

import sys
from collections.abc import Callable

from dataset.errors import DatasetError, InputError

WRONG_USE = 2


def exit_status(run: Callable[[], int]) -> int:
    """Return the exit status that a command's body returns; WRONG_USE, after one line, where it raises a user's error."""
    try:
        return run()
    except (InputError, DatasetError, OSError) as error:
        print(f"error: {error}", file=sys.stderr)
        return WRONG_USE
