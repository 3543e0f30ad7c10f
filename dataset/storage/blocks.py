"""Remote shards in blocks: HDF5 reads blocks that are here; missing ones are downloaded outside its lock.

h5py holds one lock while HDF5 works, and fsspec downloads in a thread of its own. A download inside the lock stops both where
that thread needs the lock, for example to free an h5py object. So a read that misses a block fails, the block is downloaded,
and the read is repeated.
"""

from __future__ import annotations

import contextlib
import hashlib
import io
import os
import threading
from collections.abc import Callable, ItemsView, Iterator, KeysView, ValuesView
from typing import Any, Protocol, TypeVar

import h5py

from dataset.errors import DatasetError
from dataset.storage.cache import Cache

T = TypeVar("T")
IN_MEMORY = 64
"""Blocks of an open shard that stay in memory between reads: HDF5 reads a few of them again and again."""
FEW_ROUNDS = 4
"""Downloads of one read after which each further one doubles, up to IN_MEMORY blocks."""
MOST_ROUNDS = 10_000


class Ranges(Protocol):
    """What downloads parts of files."""

    cache: Cache

    def fetch(self, name: str, start: int, end: int) -> bytes:
        """Return bytes [start, end) of a file; DatasetError where they cannot be had."""


class BlockFile(io.RawIOBase):
    """A remote file for h5py in blocks, each checked against its digest before a byte of it is used; safe in threads."""

    def __init__(self, source: Ranges, name: str, size: int, digests: list[str], block: int) -> None:
        """Prepare a file of `size` bytes with the digest of each block; nothing is downloaded yet."""
        if len(digests) != -(-size // block):
            raise DatasetError(f"shard {name} has {size} bytes but digests for {len(digests)} blocks of {block}; share it again")
        self._source, self._name, self._size, self._digests, self._block = source, name, size, digests, block
        self._position = 0
        self._memory: dict[int, bytes] = {}
        self._missing = threading.local()

    def readable(self) -> bool:
        """Whether it can be read: yes."""
        return True

    def seekable(self) -> bool:
        """Whether it can be read in any order: yes."""
        return True

    def seek(self, offset: int, whence: int = os.SEEK_SET) -> int:
        """Move to a position and return it."""
        self._position = offset + {os.SEEK_SET: 0, os.SEEK_CUR: self._position, os.SEEK_END: self._size}[whence]
        return self._position

    def tell(self) -> int:
        """Return the position."""
        return self._position

    def readinto(self, buffer: Any) -> int:
        """Fill a buffer from the position on, as far as the file goes; OSError where blocks are missing, see `read_with`."""
        start, end = self._position, min(self._position + len(buffer), self._size)
        if end <= start:
            return 0
        first, last = start // self._block, (end - 1) // self._block
        found = [self._here(k) for k in range(first, last + 1)]
        if None in found:
            self._missing.blocks = (first, last)
            raise OSError(f"blocks {first} to {last} of {self._name} are not here yet")
        content = b"".join(part for part in found if part is not None)
        offset = start - first * self._block
        buffer[: end - start] = content[offset : offset + end - start]
        self._position = end
        return end - start

    def read_with(self, read: Callable[[], T]) -> T:
        """Return the result of `read`, which reads this file through HDF5, downloading the blocks that it misses.

        DatasetError where a block cannot be had or is damaged.
        """
        for number in range(MOST_ROUNDS):
            self._missing.blocks = None
            try:
                result = read()
            except (OSError, RuntimeError, KeyError, ValueError):  # what h5py makes of a failed read
                if self._missing.blocks is None:
                    raise
            # Some functions of h5py take a failed read for an answer, so this is checked after a success too.
            missing = self._missing.blocks
            if missing is None:
                self._trim()
                return result
            ahead = min(1 << max(0, number - FEW_ROUNDS), IN_MEMORY) - 1
            self.load(missing[0], min(missing[1] + ahead, len(self._digests) - 1))
        raise DatasetError(f"shard {self._name} needs more blocks than memory and cache hold; enlarge the cache")

    def load(self, first: int, last: int) -> None:
        """Bring blocks first to last into memory, from the cache or with as few downloads as possible."""
        absent = [k for k in range(first, last + 1) if self._here(k) is None]
        while absent:
            run = [k for n, k in enumerate(absent) if k == absent[0] + n]
            absent = absent[len(run) :]
            start, end = run[0] * self._block, min((run[-1] + 1) * self._block, self._size)
            content = self._source.fetch(self._name, start, end)
            for k in run:
                self._keep(k, content[(k - run[0]) * self._block : (k - run[0] + 1) * self._block])

    def _keep(self, number: int, content: bytes) -> None:
        if hashlib.sha256(content).hexdigest() != self._digests[number]:
            where = f"block {number} (from byte {number * self._block})"
            raise DatasetError(f"shard {self._name} is damaged or replaced: {where} is not the manifest's; copy it again")
        self._memory[number] = content
        self._source.cache.put(self._digests[number], content)

    def _here(self, number: int) -> bytes | None:
        """Return a block from memory or the cache; None where it has to be downloaded."""
        content = self._memory.get(number)
        if content is None and (content := self._source.cache.get(self._digests[number])) is not None:
            self._memory[number] = content
        return content

    def _trim(self) -> None:
        """Forget the oldest blocks in memory. Without a lock: it is called while other threads read."""
        with contextlib.suppress(StopIteration, RuntimeError):
            while len(self._memory) > IN_MEMORY:
                self._memory.pop(next(iter(self._memory)), None)


class RemoteObject:
    """An h5py object of a remote shard, with the interface of that object: every access downloads what it misses."""

    def __init__(self, file: BlockFile, target: Any) -> None:
        """Wrap a file, dataset, attribute manager or identifier of a shard."""
        self._file, self._target = file, target

    @property  # type: ignore[misc]
    def __class__(self) -> type:
        """The class of the h5py object, for isinstance."""
        return type(self._target)

    def __getattr__(self, name: str) -> Any:
        value = self._read(lambda: getattr(self._target, name))
        return (lambda *a, **k: self._read(lambda: _listed(value(*a, **k)))) if callable(value) else value

    def __getitem__(self, key: Any) -> Any:
        return self._read(lambda: self._target[key])

    def __contains__(self, key: object) -> bool:
        return bool(self._read(lambda: key in self._target))

    def __iter__(self) -> Iterator[Any]:
        return iter(self._read(lambda: list(self._target)))

    def __len__(self) -> int:
        return int(self._read(lambda: len(self._target)))

    def __enter__(self) -> RemoteObject:
        return self

    def __exit__(self, *error: object) -> None:
        self._target.close()

    def _read(self, read: Callable[[], Any]) -> Any:
        return _wrapped(self._file, self._file.read_with(read))


WRAPPED = (h5py.HLObject, h5py.AttributeManager, h5py.h5d.DatasetID)


def _wrapped(file: BlockFile, value: Any) -> Any:
    if isinstance(value, WRAPPED):
        return RemoteObject(file, value)
    if isinstance(value, list):
        return [_wrapped(file, part) for part in value]
    return tuple(_wrapped(file, part) for part in value) if type(value) is tuple else value


def _listed(value: Any) -> Any:
    """Return views of keys, values and items as lists, so that nothing is read later."""
    return [*value] if isinstance(value, (KeysView, ValuesView, ItemsView)) else value


def open_blocks(file: BlockFile) -> Any:
    """Open a remote shard; the result has the interface of h5py.File for reading. OSError where it is not HDF5."""
    file.load(0, 0)
    return RemoteObject(file, file.read_with(lambda: h5py.File(file, "r")))
