"""Files that are whole or absent: written under a temporary name in the same folder, then renamed."""

from __future__ import annotations

import contextlib
import os
import threading
from collections.abc import Iterator
from pathlib import Path


def temporary_name(path: Path) -> Path:
    """Return the name under which this process and thread write a file before it is finished."""
    return path.with_name(f".{path.name}.{os.getpid()}-{threading.get_ident()}.part")


@contextlib.contextmanager
def replacing(path: Path, flush: bool = True) -> Iterator[Path]:
    """Yield a temporary path to write to; it becomes `path` when the block ends without an exception, else it is deleted.

    flush: wait until the content is on disk, so that after a power failure too the file is whole or absent. An OSError about
    the temporary path names `path` instead.
    """
    temporary = temporary_name(path)
    try:
        yield temporary
        if flush:
            publish(temporary, path)
        else:
            os.replace(temporary, path)
    except OSError as error:
        if error.filename is not None and os.fspath(error.filename) == str(temporary):
            error.filename, error.filename2 = str(path), None
        raise
    finally:
        temporary.unlink(missing_ok=True)


def write_text(path: Path, text: str) -> None:
    """Write a text file that is whole or absent."""
    with replacing(path) as temporary:
        temporary.write_text(text, encoding="utf-8")


def publish(temporary: Path, path: Path) -> None:
    """Flush a finished file to disk and rename it, so that after a crash it is whole or absent."""
    with open(temporary, "rb") as file:
        os.fsync(file.fileno())
    os.replace(temporary, path)
    folder = os.open(path.parent, os.O_RDONLY)
    try:
        os.fsync(folder)
    finally:
        os.close(folder)


def clear_parts(folder: Path) -> None:
    """Delete the temporary files that interrupted runs left in a folder."""
    for part in folder.glob(".*.part"):
        part.unlink(missing_ok=True)
