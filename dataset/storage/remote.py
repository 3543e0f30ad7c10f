"""Data sets at an address: shards are opened through fsspec, in blocks, checked and kept in a bounded cache.

Where the manifest has block digests (python -m dataset.share writes them) and the store serves ranges, only the blocks that a
read needs are downloaded. Otherwise the shard is downloaded whole, checked, and cached.
"""

from __future__ import annotations

import contextlib
import hashlib
import os
import tempfile
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any, TypeVar

import h5py

from dataset.errors import DatasetError
from dataset.format.block_digests import WIDTH, split_digests
from dataset.format.documents import sha256_of
from dataset.format.manifest import SHARDS
from dataset.format.shard import open_shard
from dataset.storage.blocks import BlockFile, open_blocks
from dataset.storage.cache import Cache
from dataset.storage.file_system import file_system
from dataset.storage.store import Store, check_entry, check_size, wrong_digest

T = TypeVar("T")
TRIES = 4
PAUSE_S = 0.5
"""Wait before the second attempt; each further wait is twice as long."""
ANSWER_S = 60.0
"""An answer that takes longer counts as failed ..."""
SLOWEST_BYTES_S = 50_000
"""... plus the time of its bytes at this rate."""
HINT = "check the address, the network and the keys"


class Remote(Store):
    """A data set at an address."""

    def __init__(self, url: str, cache_bytes: int, options: Mapping[str, Any] | None = None) -> None:
        """Use an address with a cache of this size; DatasetError where no file system of fsspec opens it."""
        self.name = url.rstrip("/")
        self.cache = Cache(cache_bytes)
        self.fetched_bytes = 0
        """Bytes downloaded so far."""
        self._options = dict(options or {})
        self._connection: tuple[int, Any, str] | None = None
        self._connect()

    def read(self, name: str) -> bytes:
        """Return the content of a small file; FileNotFoundError where there is none."""
        return self._fetch(name, None, None)

    def files(self) -> list[str]:
        """Return the shards that exist; none where the store cannot list them."""
        files, root = self._connect()
        with contextlib.suppress(Exception):
            files.invalidate_cache()
            return sorted(
                f"{SHARDS}/{p.rsplit('/', 1)[1]}" for p in files.ls(f"{root}/{SHARDS}", detail=False) if p.endswith(".h5")
            )
        return []

    def open(self, entry: Mapping[str, Any]) -> h5py.File:
        """Open a shard that agrees with its entry in the manifest; DatasetError where it does not."""
        blocks = self._blocks(entry)
        if blocks is None:
            return check_entry(open_shard(self._keep_whole(entry)), entry)
        try:
            file = open_blocks(blocks)
        except OSError as error:
            why = f"shard {entry['path']} is damaged ({error}); copy it again"
        else:
            return check_entry(file, entry)
        raise DatasetError(why)  # outside the except block, so that it does not hold HDF5's objects

    @contextlib.contextmanager
    def whole(self, entry: Mapping[str, Any]) -> Iterator[Path]:
        """Download a shard to a temporary file; FileNotFoundError where there is none."""
        with tempfile.TemporaryDirectory(prefix="sight-and-sound-") as folder:
            path = Path(folder) / "shard.h5"
            self._download(entry["path"], path, entry["bytes"])
            yield path

    def listing(self, folder: str) -> dict[str, int]:
        """Return the bytes of the files directly in a folder, by path in the store; FileNotFoundError where there is none."""
        files, root = self._connect()

        def ask() -> dict[str, int]:
            files.invalidate_cache()
            listed = files.ls(f"{root}/{folder}".rstrip("/"), detail=True)
            return {str(one["name"]): int(one["size"] or 0) for one in listed if one["type"] == "file"}

        return self._retried(ask, f"{self.name}/{folder}", 0)

    def has_any(self) -> bool:
        """Whether there are files or folders at the address; FileNotFoundError where the store says that there is none."""
        files, root = self._connect()

        def ask() -> bool:
            files.invalidate_cache()
            return bool(files.ls(root, detail=False))

        return self._retried(ask, self.name, 0)

    def size(self, name: str) -> int:
        """Return the bytes of a file; FileNotFoundError where there is none."""
        files, root = self._connect()

        def ask() -> int:
            files.invalidate_cache()
            return int(files.size(f"{root}/{name}"))

        return self._retried(ask, f"{self.name}/{name}", 0)

    def download(self, name: str, path: Path) -> None:
        """Write a whole file to a path on local disk; FileNotFoundError where there is none."""
        self._download(name, path, self.size(name))

    def send(self, path: Path, name: str) -> None:
        """Upload a file once; the file system's errors pass."""
        files, root = self._connect()
        place = f"{root}/{name}"
        limit = ANSWER_S + path.stat().st_size / SLOWEST_BYTES_S

        def work() -> bool:
            files.makedirs(place.rsplit("/", 1)[0], exist_ok=True)
            files.put_file(str(path), place)
            return True

        _within(limit, work)

    def delete(self, name: str) -> None:
        """Delete a file where it is there."""
        files, root = self._connect()

        def ask() -> bool:
            files.rm_file(f"{root}/{name}")
            return True

        with contextlib.suppress(FileNotFoundError):
            self._retried(ask, f"{self.name}/{name}", 0)

    def fetch(self, name: str, start: int, end: int) -> bytes:
        """Return bytes [start, end) of a file; DatasetError where they cannot be had."""
        try:
            return self._fetch(name, start, end)
        except FileNotFoundError:
            raise DatasetError(f"{self.name}/{name} is missing; copy it again") from None

    def _blocks(self, entry: Mapping[str, Any]) -> BlockFile | None:
        """Return the shard as a file of blocks, or None where the store or the manifest does not allow it."""
        listed = entry.get("blocks")
        if not listed or not entry["bytes"]:
            return None
        content = self.cache.get(listed["sha256"])
        if content is None:
            length = -(-entry["bytes"] // listed["bytes_each"]) * WIDTH
            content = self.fetch(listed["path"], 0, length)
            if hashlib.sha256(content).hexdigest() != listed["sha256"]:
                raise DatasetError(f"{self.name}/{listed['path']} is damaged or replaced; copy it again")
            self.cache.put(listed["sha256"], content)
        digests = split_digests(content)
        known = bool(digests) and self.cache.path(digests[0]).exists()
        # A store that does not serve ranges answers a request for one byte with the whole file.
        if not known and len(self.fetch(entry["path"], 0, 1)) != 1:
            return None
        return BlockFile(self, entry["path"], entry["bytes"], digests, listed["bytes_each"])

    def _keep_whole(self, entry: Mapping[str, Any]) -> Path:
        path = self.cache.path(entry["sha256"])
        if not path.is_file() or sha256_of(path) != entry["sha256"]:
            try:
                with self.cache.adding(entry["sha256"]) as temporary:
                    self._download(entry["path"], temporary, entry["bytes"])
                    check_size(temporary.stat().st_size, entry)
                    if sha256_of(temporary) != entry["sha256"]:
                        raise wrong_digest(entry)
            except FileNotFoundError:
                raise DatasetError(f"{self.name}/{entry['path']} is missing; copy it again") from None
        return path

    def _download(self, name: str, path: Path, size: int) -> None:
        files, root = self._connect()
        self._retried(lambda: files.get_file(f"{root}/{name}", str(path)), f"{self.name}/{name}", size)
        self.fetched_bytes += path.stat().st_size

    def _fetch(self, name: str, start: int | None, end: int | None) -> bytes:
        return self._retried(lambda: self._once(name, start, end), f"{self.name}/{name}", (end or 0) - (start or 0))

    def _once(self, name: str, start: int | None, end: int | None) -> bytes:
        files, root = self._connect()
        content: bytes = files.cat_file(f"{root}/{name}", start=start, end=end)
        self.fetched_bytes += len(content)
        if start is not None and end is not None and len(content) < end - start:
            raise OSError(f"the answer is truncated to {len(content)} of {end - start} bytes")
        return content

    def _retried(self, ask: Callable[[], T], name: str, size: int) -> T:
        """Return an answer of the store, asked again after failures; FileNotFoundError, or DatasetError after TRIES attempts."""
        limit = ANSWER_S + size / SLOWEST_BYTES_S
        for attempt in range(TRIES):
            if attempt:
                time.sleep(PAUSE_S * 2 ** (attempt - 1))
            try:
                return _within(limit, ask)
            except (FileNotFoundError, DatasetError):
                raise
            except Exception as error:  # each file system has its own errors
                why = f"{type(error).__name__}: {error}"
                if isinstance(error, PermissionError):
                    break
        raise DatasetError(f"{name} cannot be read ({why}; {attempt + 1} attempts); {HINT}")

    def _connect(self) -> tuple[Any, str]:
        # Connections do not survive a fork: each process makes its own.
        connection = self._connection
        if connection is None or connection[0] != os.getpid():
            connection = self._connection = (os.getpid(), *file_system(self.name, self._options))
        return connection[1], connection[2]

    def __getstate__(self) -> dict[str, Any]:
        return {**self.__dict__, "_connection": None}


def _within(seconds: float, ask: Callable[[], T]) -> T:
    """Return what `ask` returns, called in a thread of its own; TimeoutError where it takes longer."""
    answers: list[T] = []
    errors: list[Exception] = []

    def work() -> None:
        try:
            answers.append(ask())
        except Exception as error:
            errors.append(error)

    thread = threading.Thread(target=work, daemon=True)
    thread.start()
    thread.join(seconds)
    if errors:
        raise errors[0]
    if not answers:
        raise TimeoutError(f"no answer in {seconds:.0f} s")
    return answers[0]
