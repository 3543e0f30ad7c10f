"""Where commands write data sets: a folder, or an address that fsspec writes to.

Files are written on local disk first. At an address, what was uploaded is read back and compared before it counts, and faults of
the store are followed by further attempts.
"""

from __future__ import annotations

import contextlib
import hashlib
import tempfile
import time
from abc import ABC, abstractmethod
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from dataset.atomic import clear_parts, publish, replacing
from dataset.errors import DatasetError
from dataset.format.documents import sha256_of
from dataset.format.manifest import NAME, manifest_text
from dataset.interrupts import check
from dataset.storage.cache import DEFAULT_BYTES
from dataset.storage.remote import Remote

TRIES = 5
PAUSE_S = 0.5
"""Wait before the second attempt at an upload; each further wait is twice as long."""
PART = 8 << 20
"""Bytes that are read back at once."""


class Output(ABC):
    """A place with files by name, such as shards/a-0000.h5."""

    name: str
    """For messages."""

    @abstractmethod
    def sizes(self, folder: str = "") -> dict[str, int]:
        """Return the bytes of the files directly in a folder, by name."""

    @abstractmethod
    def is_empty(self) -> bool:
        """Whether there is nothing at the place."""

    @abstractmethod
    def read(self, name: str) -> bytes:
        """Return the content of a file; FileNotFoundError where there is none."""

    @abstractmethod
    def new(self, name: str) -> contextlib.AbstractContextManager[Path]:
        """Yield a path on local disk to write a file to; it gets its name when the block ends without an exception."""

    @abstractmethod
    def local(self, name: str) -> contextlib.AbstractContextManager[Path]:
        """Yield a path on local disk with the content of a file; FileNotFoundError where there is none."""

    @abstractmethod
    def delete(self, name: str) -> None:
        """Delete a file where it is there."""

    @abstractmethod
    def move(self, name: str, to: str) -> None:
        """Give a file another name, in place of a file that has it."""

    def write_manifest(self, content: Mapping[str, Any]) -> None:
        """Write manifest.json, unless the command was interrupted; content holds everything but format and version."""
        check()
        self.write(NAME, manifest_text(content))

    def clear_parts(self, folder: str) -> None:  # noqa: B027  # an address has none
        """Delete the temporary files that interrupted commands left in a folder."""

    def write(self, name: str, text: str) -> None:
        """Write a text file."""
        with self.new(name) as path:
            path.write_text(text, encoding="utf-8")


class FolderOutput(Output):
    """A folder of this machine."""

    def __init__(self, root: Path) -> None:
        """Use a folder, which is made when a file is written."""
        self.root, self.name = root, str(root)

    def sizes(self, folder: str = "") -> dict[str, int]:
        """Return the bytes of the files directly in a folder, by name."""
        prefix = f"{folder}/" if folder else ""
        return {prefix + p.name: p.stat().st_size for p in (self.root / folder).glob("*") if p.is_file()}

    def is_empty(self) -> bool:
        """Whether there is nothing at the place; a file at the place is something."""
        return not self.root.exists() or (self.root.is_dir() and not any(self.root.iterdir()))

    def read(self, name: str) -> bytes:
        """Return the content of a file; FileNotFoundError where there is none."""
        return (self.root / name).read_bytes()

    @contextlib.contextmanager
    def new(self, name: str) -> Iterator[Path]:
        """Yield a temporary path, which becomes the file."""
        path = self.root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        with replacing(path) as temporary:
            yield temporary

    @contextlib.contextmanager
    def local(self, name: str) -> Iterator[Path]:
        """Yield the file itself."""
        if not (self.root / name).is_file():
            raise FileNotFoundError(name)
        yield self.root / name

    def clear_parts(self, folder: str) -> None:
        """Delete the temporary files that interrupted commands left in a folder."""
        clear_parts(self.root / folder)

    def delete(self, name: str) -> None:
        """Delete a file where it is there, and its folder where it was the last one."""
        path = self.root / name
        path.unlink(missing_ok=True)
        if path.parent != self.root and path.parent.is_dir() and not any(path.parent.iterdir()):
            path.parent.rmdir()

    def move(self, name: str, to: str) -> None:
        """Give a file another name."""
        publish(self.root / name, self.root / to)


class AddressOutput(Output):
    """An address: s3://bucket/path, gs://bucket/path, or any other that fsspec writes to."""

    def __init__(self, url: str) -> None:
        """Use an address; DatasetError where no file system of fsspec opens it."""
        self._remote = Remote(url, DEFAULT_BYTES)
        self.name = self._remote.name

    def sizes(self, folder: str = "") -> dict[str, int]:
        """Return the bytes of the files directly in a folder, by name."""
        prefix = f"{folder}/" if folder else ""
        try:
            listed = self._remote.listing(folder)
        except FileNotFoundError:
            return {}
        return {prefix + path.rsplit("/", 1)[-1]: size for path, size in listed.items()}

    def is_empty(self) -> bool:
        """Whether there is nothing at the place."""
        try:
            return not self._remote.has_any()
        except FileNotFoundError:
            return True

    def read(self, name: str) -> bytes:
        """Return the content of a file; FileNotFoundError where there is none."""
        return self._remote.read(name)

    @contextlib.contextmanager
    def new(self, name: str) -> Iterator[Path]:
        """Yield a path in a temporary folder, whose file is uploaded and confirmed."""
        with tempfile.TemporaryDirectory(prefix="sight-and-sound-") as folder:
            path = Path(folder) / name.rsplit("/", 1)[-1]
            yield path
            self.put(path, name)

    def put(self, path: Path, name: str) -> None:
        """Upload a file and confirm its digest; DatasetError after TRIES attempts."""
        digest, size = sha256_of(path), path.stat().st_size
        why = ""
        for attempt in range(TRIES):
            if attempt:
                time.sleep(PAUSE_S * 2 ** (attempt - 1))
            try:
                self._remote.send(path, name)
                if self._digest(name, size) == digest:
                    return
                why = "what is there differs from what was sent"
            except FileNotFoundError:
                why = "it is not there after the upload"
            except Exception as error:  # each file system has its own errors
                why = f"{type(error).__name__}: {' '.join(str(error).split())}"
                if isinstance(error, PermissionError):
                    break
        raise DatasetError(f"{self.name}/{name} cannot be written ({why}); check address and keys, then run the command again")

    @contextlib.contextmanager
    def local(self, name: str) -> Iterator[Path]:
        """Yield a downloaded copy."""
        with tempfile.TemporaryDirectory(prefix="sight-and-sound-") as folder:
            path = Path(folder) / name.rsplit("/", 1)[-1]
            self._remote.download(name, path)
            yield path

    def delete(self, name: str) -> None:
        """Delete a file where it is there."""
        self._remote.delete(name)

    def move(self, name: str, to: str) -> None:
        """Give a file another name: it is copied, confirmed, and deleted under the old one."""
        with self.local(name) as path:
            self.put(path, to)
        self.delete(name)

    def _digest(self, name: str, size: int) -> str:
        """Return the SHA-256 of a file, read back; DatasetError where it has fewer bytes than `size`."""
        sha, there = hashlib.sha256(), self._remote.size(name)
        if there != size:
            raise OSError(f"{there} of {size} bytes arrived")
        for start in range(0, size, PART):
            sha.update(self._remote.fetch(name, start, min(start + PART, size)))
        return sha.hexdigest()


def open_output(place: str | Path) -> Output:
    """Return the output at a folder or an address."""
    return AddressOutput(str(place)) if "://" in str(place) else FolderOutput(Path(place))
