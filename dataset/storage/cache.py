"""What is kept on this machine: blocks fetched from afar, bounded in size, and the word that a file has been checked.

Everything is named after its content (SHA-256), so processes and data sets share it, and nothing stale is ever read.
The folder is $SIGHT_AND_SOUND_CACHE, or sight-and-sound in $XDG_CACHE_HOME or ~/.cache. It may be deleted at any time.
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
"""Below this a cache would throw out what is being read."""


def cache_folder() -> Path:
    """Return the folder for everything that is kept."""
    named = os.environ.get("SIGHT_AND_SOUND_CACHE")
    return Path(named) if named else Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "sight-and-sound"


class Cache:
    """Files named by the SHA-256 of their content; the least recently used go when there are too many bytes.

    Each process counts what it adds and looks at the folder again after a 32nd of the limit, so the limit holds for one
    process, and for several within as many 32nds.
    """

    def __init__(self, limit: int = DEFAULT_BYTES, folder: Path | None = None) -> None:
        """Use a folder up to a limit in bytes; DatasetError where it is too small or the folder cannot be written to."""
        if limit < SMALLEST_BYTES:
            raise DatasetError(f"a cache of {limit} bytes is too small; give at least {SMALLEST_BYTES}")
        self.limit = limit
        self.folder = (folder or cache_folder()) / "blocks"
        try:
            self.folder.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise DatasetError(f"cache {self.folder} cannot be made ({error.strerror}); set SIGHT_AND_SOUND_CACHE") from None
        self._added = limit  # look at once

    def path(self, digest: str) -> Path:
        """Return the place of a content, whether it is there or not."""
        return self.folder / digest[:2] / digest

    def get(self, digest: str) -> bytes | None:
        """Read a content, checked, or None where it is not there; what is damaged is thrown out."""
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
        """Keep a content whose digest was checked; a full disk keeps nothing."""
        with contextlib.suppress(OSError), self.adding(digest) as temporary:
            temporary.write_bytes(content)

    @contextlib.contextmanager
    def adding(self, digest: str) -> Iterator[Path]:
        """Return a temporary path to write a content to; it is kept when the block ends well."""
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
    """Return whether this very file (path, size, time of change) was once found to have a digest."""
    return _stamp(path, digest).exists()


def note_checked(path: Path, digest: str) -> None:
    """Remember that a file was found to have a digest; where nothing can be remembered it is checked again."""
    stamp = _stamp(path, digest)
    with contextlib.suppress(OSError):
        stamp.parent.mkdir(parents=True, exist_ok=True)
        stamp.touch()


def _stamp(path: Path, digest: str) -> Path:
    found = path.stat()
    words = f"{path.resolve()} {found.st_size} {found.st_mtime_ns} {found.st_ino} {digest}"
    key = hashlib.sha256(words.encode()).hexdigest()
    return cache_folder() / "checked" / key[:2] / key
