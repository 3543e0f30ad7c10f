"""Checks and messages that all kinds of files share."""

from __future__ import annotations

from pathlib import Path

from training.errors import InputError


def present(path: Path) -> Path:
    """Return a path; raise InputError where it is no file."""
    if not path.is_file():
        raise InputError(f"{path} is missing or not a file; two pictures or one sound are expected after RUN")
    return path


def reason(error: Exception) -> str:
    """Return the short text of a library's error."""
    own = getattr(error, "strerror", None) or getattr(error, "error_string", None)
    return (own or str(error).splitlines()[0]).rstrip(".")
