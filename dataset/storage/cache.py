"""The local cache: downloaded blocks, up to a limit in bytes, and stamps of files whose digest was checked.

Entries are named by the SHA-256 of their content, so processes and data sets share them, and a stale entry is never read.
The folder is $SIGHT_AND_SOUND_CACHE, or sight-and-sound in $XDG_CACHE_HOME or ~/.cache. It can be deleted at any time.
"""

from __future__ import annotations

import contextlib
import hashlib
import os
from collections.abc import Iterator
from pathlib import Path

from dataset.atomic import replacing
from dataset.errors import DatasetError

DEFAULT_BYTES = 20_000_000_000
SMALLEST_BYTES = 16 << 20
"""A smaller cache would delete the blocks that are being read."""


def cache_folder() -> Path:
    """Return the folder of the cache."""
    named = os.environ.get("SIGHT_AND_SOUND_CACHE")
    return Path(named) if named else Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "sight-and-sound"


class Cache:
    """Files named by the SHA-256 of their content; the least recently used ones are deleted when the limit is reached.

    Each process counts the bytes that it adds and lists the folder after every 32nd of the limit: N processes exceed the limit by
    at most N - 1 32nds.
    """

    def __init__(self, limit: int = DEFAULT_BYTES, folder: Path | None = None) -> None:
        """Use a folder up to a limit in bytes; raise DatasetError where it is too small or the folder cannot be written."""
        if limit < SMALLEST_BYTES:
            raise DatasetError(f"a cache of {limit} bytes is too small; give at least {SMALLEST_BYTES}")
        self.limit = limit
        self.folder = (folder or cache_folder()) / "blocks"
        try:
            self.folder.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise DatasetError(f"cache {self.folder} cannot be made ({error.strerror}); set SIGHT_AND_SOUND_CACHE") from None
        self._added = limit  # list the folder at the first addition

    def path(self, digest: str) -> Path:
        """Return the path of a content, whether it exists or not."""
        return self.folder / digest[:2] / digest

    def get(self, digest: str) -> bytes | None:
        """Return a content after a check, or None where it is missing; a damaged file is deleted."""
        path = self.path(digest)
        try:
            content = path.read_bytes()
            os.utime(path)
        except OSError:
            return None
        if hashlib.sha256(content).hexdigest() == digest:
            return content
        path.unlink(missing_ok=True)
        return None

    def put(self, digest: str, content: bytes) -> None:
        """Store a content whose digest was checked; on a full disk nothing is stored."""
        with contextlib.suppress(OSError), self.adding(digest) as temporary:
            temporary.write_bytes(content)

    @contextlib.contextmanager
    def adding(self, digest: str) -> Iterator[Path]:
        """Yield a temporary path for a content; it is stored when the block ends without an exception."""
        path = self.path(digest)
        path.parent.mkdir(exist_ok=True)
        with replacing(path, flush=False) as temporary:
            yield temporary
            size = temporary.stat().st_size
            self._make_room(size)
        self._added += size

    def _make_room(self, size: int) -> None:
        if self._added + size <= self.limit // 32:
            return
        kept = []
        for path in self.folder.glob("??/*"):
            with contextlib.suppress(OSError):
                found = path.stat()
                kept.append((found.st_mtime_ns, found.st_size, path))
        total = sum(k[1] for k in kept) + size
        if total > self.limit * 15 // 16:
            for _, less, path in sorted(kept):
                path.unlink(missing_ok=True)
                total -= less
                if total <= self.limit * 3 // 4:
                    break
        self._added = 0


def is_checked(path: Path, digest: str) -> bool:
    """Whether a file, identified by path, size and time of change, was checked against a digest before."""
    return _stamp(path, digest).exists()


def note_checked(path: Path, digest: str) -> None:
    """Record that a file was checked against a digest; where this cannot be stored, the file is checked again."""
    stamp = _stamp(path, digest)
    with contextlib.suppress(OSError):
        stamp.parent.mkdir(parents=True, exist_ok=True)
        stamp.touch()


def _stamp(path: Path, digest: str) -> Path:
    found = path.stat()
    text = f"{path.resolve()} {found.st_size} {found.st_mtime_ns} {found.st_ino} {digest}"
    key = hashlib.sha256(text.encode()).hexdigest()
    return cache_folder() / "checked" / key[:2] / key
