"""Reading a data set where it lies: shards are opened through fsspec, block by block, checked and kept in a bounded cache.

Where the manifest has digests of blocks (python -m dataset.share writes them) and the store serves ranges, only the blocks
that hold the asked set are fetched. Elsewhere the shard is fetched whole, checked, and kept.
"""

from __future__ import annotations

import contextlib
import hashlib
import io
import os
import tempfile
from collections import OrderedDict
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import h5py

from dataset.errors import DatasetError
from dataset.format.block_digests import split_digests
from dataset.format.manifest import SHARDS, sha256_of
from dataset.storage.cache import Cache
from dataset.storage.store import Store, check_entry, check_size, wrong_digest

IN_MEMORY = 64
"""Blocks of an open shard that stay in memory: HDF5 reads the same few again and again."""
HINT = "check the address, the network and the keys"


class Remote(Store):
    """A data set at an address."""

    def __init__(self, url: str, cache_bytes: int, options: Mapping[str, Any] | None = None) -> None:
        """Use an address up to a cache of so many bytes; DatasetError where nothing here opens it."""
        self.name = url.rstrip("/")
        self.cache = Cache(cache_bytes)
        self.fetched_bytes = 0
        """Bytes that came over the line so far."""
        self._options = dict(options or {})
        self._connection: tuple[int, Any, str] | None = None
        self._connect()

    def read(self, name: str) -> bytes:
        """Read a whole small file; FileNotFoundError where there is none."""
        return self._fetch(name, None, None)

    def shards(self) -> list[str]:
        """List the shards that are there; none where the store cannot list."""
        files, root = self._connect()
        with contextlib.suppress(Exception):
            files.invalidate_cache()
            return sorted(
                f"{SHARDS}/{p.rsplit('/', 1)[1]}" for p in files.ls(f"{root}/{SHARDS}", detail=False) if p.endswith(".h5")
            )
        return []

    def open(self, entry: Mapping[str, Any]) -> h5py.File:
        """Open a shard that proves to be what its entry in the manifest says; DatasetError where it does not."""
        blocks = self._blocks(entry)
        if blocks is None:
            return check_entry(self._open(self._keep_whole(entry), entry), entry)
        return check_entry(self._open(blocks, entry), entry)

    @contextlib.contextmanager
    def whole(self, entry: Mapping[str, Any]) -> Iterator[Path]:
        """Fetch a shard to a temporary file; FileNotFoundError where there is none."""
        with tempfile.TemporaryDirectory(prefix="sight-and-sound-") as folder:
            path = Path(folder) / "shard.h5"
            self._download(entry["path"], path)
            yield path

    def fetch(self, name: str, start: int, end: int) -> bytes:
        """Read bytes [start, end) of a file; DatasetError where they cannot be had."""
        try:
            return self._fetch(name, start, end)
        except FileNotFoundError:
            raise DatasetError(f"shard {self.name}/{name} is missing; copy it again, or render it again") from None

    def _open(self, source: Any, entry: Mapping[str, Any]) -> h5py.File:
        try:
            return h5py.File(source, "r")
        except OSError as error:
            told = source.failure if isinstance(source, BlockFile) else ""
            why = told or f"shard {entry['path']} is damaged ({error}); copy it again"
        raise DatasetError(why)  # out here it does not hold the error, whose frames hold HDF5's

    def _blocks(self, entry: Mapping[str, Any]) -> BlockFile | None:
        """Return the shard as a file of blocks, or None where the store or the manifest does not allow it."""
        listed = entry.get("blocks")
        if not listed:
            return None
        content = self.cache.get(listed["sha256"])
        if content is None:
            content = self._fetch(listed["path"], None, None)
            if hashlib.sha256(content).hexdigest() != listed["sha256"]:
                raise DatasetError(f"{self.name}/{listed['path']} is damaged or replaced; copy it again")
            self.cache.put(listed["sha256"], content)
        file = BlockFile(self, entry["path"], entry["bytes"], split_digests(content), listed["bytes_each"])
        return file if file.serves_ranges() else None

    def _keep_whole(self, entry: Mapping[str, Any]) -> Path:
        path = self.cache.path(entry["sha256"])
        if not path.is_file() or sha256_of(path) != entry["sha256"]:
            try:
                with self.cache.adding(entry["sha256"]) as temporary:
                    self._download(entry["path"], temporary)
                    check_size(temporary.stat().st_size, entry)
                    if sha256_of(temporary) != entry["sha256"]:
                        raise wrong_digest(entry)
            except FileNotFoundError:
                raise DatasetError(f"shard {self.name}/{entry['path']} is missing; copy it again, or render it again") from None
        return path

    def _download(self, name: str, path: Path) -> None:
        files, root = self._connect()
        try:
            files.get_file(f"{root}/{name}", str(path))
        except FileNotFoundError:
            raise
        except Exception as error:  # each file system has errors of its own
            raise DatasetError(f"{self.name}/{name} cannot be fetched ({type(error).__name__}: {error}); {HINT}") from None
        self.fetched_bytes += path.stat().st_size

    def _fetch(self, name: str, start: int | None, end: int | None) -> bytes:
        files, root = self._connect()
        try:
            content: bytes = files.cat_file(f"{root}/{name}", start=start, end=end)
        except FileNotFoundError:
            raise
        except Exception as error:
            raise DatasetError(f"{self.name}/{name} cannot be read ({type(error).__name__}: {error}); {HINT}") from None
        self.fetched_bytes += len(content)
        return content

    def _connect(self) -> tuple[Any, str]:
        # Connections do not survive a fork: each process makes its own.
        if self._connection is None or self._connection[0] != os.getpid():
            try:
                import fsspec

                files, root = fsspec.core.url_to_fs(self.name, **self._options)
            except (ImportError, ValueError) as error:
                raise DatasetError(f"{self.name} cannot be opened ({error}); try: pip install -e '.[share]'") from None
            self._connection = (os.getpid(), files, root.rstrip("/"))
        return self._connection[1], self._connection[2]

    def __getstate__(self) -> dict[str, Any]:
        return {**self.__dict__, "_connection": None}


class BlockFile(io.RawIOBase):
    """A remote file for h5py: fetched by blocks, each checked against its digest before a byte of it is used."""

    def __init__(self, remote: Remote, name: str, size: int, digests: list[str], block: int) -> None:
        """Prepare a file of `size` bytes with the digest of each block; nothing is fetched yet."""
        self.failure = ""
        """Why a read failed: HDF5 does not pass errors on in full. Words alone: an error would keep HDF5's handles, which keep
        this file, in a circle that nothing collects, and closing them at exit would crash."""
        self._remote, self._name, self._size, self._digests, self._block = remote, name, size, digests, block
        self._position = 0
        self._memory: OrderedDict[int, bytes] = OrderedDict()
        if len(digests) != -(-size // block):
            raise DatasetError(f"shard {name} has {size} bytes but digests for {len(digests)} blocks of {block}; share it again")

    def serves_ranges(self) -> bool:
        """Return whether the store answers a request for the first block with that block alone."""
        if self._remote.cache.path(self._digests[0]).exists():
            return True
        return len(self._remote.fetch(self._name, 0, min(self._block, self._size))) == min(self._block, self._size)

    def readable(self) -> bool:
        """Say that it can be read."""
        return True

    def seekable(self) -> bool:
        """Say that it can be read in any order."""
        return True

    def seek(self, offset: int, whence: int = os.SEEK_SET) -> int:
        """Go to a position."""
        self._position = offset + {os.SEEK_SET: 0, os.SEEK_CUR: self._position, os.SEEK_END: self._size}[whence]
        return self._position

    def tell(self) -> int:
        """Return the position."""
        return self._position

    def readinto(self, buffer: Any) -> int:
        """Fill a buffer from the position on, as far as the file goes."""
        start, end = self._position, min(self._position + len(buffer), self._size)
        if end <= start:
            return 0
        try:
            first, last = start // self._block, (end - 1) // self._block
            content = b"".join(self._load(first, last))
        except DatasetError as error:
            self.failure = str(error)
            raise OSError(str(error)) from None
        offset = start - first * self._block
        buffer[: end - start] = content[offset : offset + end - start]
        self._position = end
        return end - start

    def _load(self, first: int, last: int) -> list[bytes]:
        """Return blocks first to last, from memory, the cache, or the store in as few requests as can be."""
        found = {k: self._memory.get(k) or self._remote.cache.get(self._digests[k]) for k in range(first, last + 1)}
        missing = [k for k, content in found.items() if content is None]
        while missing:
            run = [k for n, k in enumerate(missing) if k == missing[0] + n]
            missing = missing[len(run) :]
            start, end = run[0] * self._block, min((run[-1] + 1) * self._block, self._size)
            content = self._remote.fetch(self._name, start, end)
            for k in run:
                part = content[(k - run[0]) * self._block : (k - run[0] + 1) * self._block]
                if hashlib.sha256(part).hexdigest() != self._digests[k]:
                    where = f"block {k} (bytes {k * self._block} and on)"
                    raise DatasetError(f"shard {self._name} is damaged or replaced: {where} is not the manifest's; copy it again")
                self._remote.cache.put(self._digests[k], part)
                found[k] = part
        self._memory.update({k: part or b"" for k, part in found.items()})
        for k in found:
            self._memory.move_to_end(k)
        while len(self._memory) > max(IN_MEMORY, last - first + 1):
            self._memory.popitem(last=False)
        return [found[k] or b"" for k in range(first, last + 1)]
