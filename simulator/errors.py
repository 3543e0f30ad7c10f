"""The errors that a user can mend; the command line prints them in one line."""

from __future__ import annotations

from pathlib import Path


class InputError(Exception):
    """Input that cannot be used: the message says what was found, what was expected and what to do."""


class DiskError(InputError):
    """The output cannot be written any more: the run has to stop."""


def unwritable(out: Path, error: Exception) -> DiskError:
    """Make the error of an output folder that a write failed in."""
    why = getattr(error, "strerror", None) or str(error).splitlines()[0]
    return DiskError(f"--out {out} cannot be written any more ({why}); make room and run the same command again to finish")
