"""The errors that a user can mend; the command line prints them in one line."""

from __future__ import annotations

from pathlib import Path

from dataset.errors import InputError as InputError  # the one class of all packages


class DiskError(InputError):
    """The output cannot be written any more: the run has to stop."""


def unwritable(out: str | Path, error: Exception) -> DiskError:
    """Make the error of an output folder that a write failed in."""
    why = getattr(error, "strerror", None) or str(error).splitlines()[0]
    return DiskError(f"--out {out} cannot be written any more ({why}); make room and run the same command again to finish")
