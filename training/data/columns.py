"""Arrays over the sets of a split that are decoded as they are read, and kept in memory and on local disk within limits.

Every epoch reads every set once, in another order, so that no set is worth more than another: what is kept first stays.
"""

from __future__ import annotations

import contextlib
import os
import shutil
import struct
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
from isal import isal_zlib

from dataset.storage.cache import cache_folder
from training.data.limits import Allowance

FOLDER = "decoded"
STAMP = struct.Struct("<Q")
"""Of each record: its CRC-32 plus THERE; 0 where there is no record."""
THERE = 1 << 32


class Records:
    """Values of equal shape in a sparse file that processes share, each with a checksum; rows from `most` on are not kept."""

    def __init__(self, path: Path, most: int, shape: tuple[int, ...], dtype: np.dtype) -> None:
        """Open the file, or make it."""
        self._most, self._shape, self._dtype = most, shape, dtype
        self._size = int(np.prod(shape)) * dtype.itemsize
        path.parent.mkdir(parents=True, exist_ok=True)
        self._values, self._stamps = (
            os.open(p, os.O_RDWR | os.O_CREAT, 0o644) for p in (path, path.with_name(path.name + ".crc"))
        )

    def read(self, row: int) -> np.ndarray | None:
        """Return the values of a row; None where they are missing or damaged."""
        stamp = os.pread(self._stamps, STAMP.size, row * STAMP.size) if row < self._most else b""
        if len(stamp) < STAMP.size or stamp == bytes(STAMP.size):
            return None
        values = np.empty(self._shape, self._dtype)
        if os.preadv(self._values, [values.reshape(-1).view(np.uint8).data], row * self._size) != self._size:
            return None
        return values if STAMP.unpack(stamp)[0] == _stamp(values) else None

    def write(self, row: int, values: np.ndarray) -> None:
        """Keep the values of a row; on a full disk they are not kept."""
        if row >= self._most:
            return
        with contextlib.suppress(OSError):
            content = values.reshape(-1).view(np.uint8).data
            if os.pwrite(self._values, content, row * self._size) == self._size:
                os.pwrite(self._stamps, STAMP.pack(_stamp(values)), row * STAMP.size)

    def __del__(self) -> None:
        for handle in (getattr(self, "_values", -1), getattr(self, "_stamps", -1)):
            if handle >= 0:
                os.close(handle)


def _stamp(values: np.ndarray) -> int:
    return THERE + int(isal_zlib.crc32(values.reshape(-1).view(np.uint8).data))


class Column:
    """One field of N sets, indexed like an array whose first index is one set: `column[row]`, `column[row, views]`."""

    def __init__(
        self,
        decode: Callable[[int], np.ndarray],
        shape: tuple[int, ...],
        dtype: np.dtype,
        memory: Allowance,
        records: Records | None,
    ) -> None:
        """Prepare a column of `shape` (N, ...); decode(row) returns the values of a set. Nothing is decoded yet."""
        self.shape, self.dtype = shape, dtype
        self._decode, self._memory, self._records = decode, memory, records
        self._kept: dict[int, np.ndarray] = {}

    @property
    def nbytes(self) -> int:
        """Bytes of the whole column, decoded."""
        return int(np.prod(self.shape)) * self.dtype.itemsize

    def __len__(self) -> int:
        return self.shape[0]

    def __getitem__(self, key: Any) -> Any:
        row, rest = (key[0], key[1:]) if isinstance(key, tuple) else (key, ())
        return self._values(int(row))[rest]

    def _values(self, row: int) -> np.ndarray:
        if (kept := self._kept.get(row)) is not None:
            return kept
        values = self._records.read(row) if self._records else None
        if values is None:
            values = np.ascontiguousarray(self._decode(row), self.dtype)
            if self._records:
                self._records.write(row, values)
        if self._memory.take(values.nbytes):
            self._kept[row] = values
        return values


def open_records(key: str, shapes: dict[str, tuple[tuple[int, ...], np.dtype]], limit: int) -> dict[str, Records]:
    """Open the files of a decoded split in the cache, by field; none where the limit in bytes leaves no room for a set.

    shapes: {field: (shape (N, ...), dtype)}. The splits that were used least recently are deleted to make room.
    """
    rows = next(iter(shapes.values()))[0][0]
    each = sum(int(np.prod(shape[1:])) * dtype.itemsize for shape, dtype in shapes.values())
    folder = cache_folder() / FOLDER / key
    free = shutil.disk_usage(_existing(folder)).free
    limit = min(limit, free // 2 + _size(folder))
    most = min(rows, limit // (each + len(shapes) * STAMP.size))
    if not most:
        return {}
    _make_room(folder, limit - most * each)
    try:
        records = {name: Records(folder / name, most, shape[1:], dtype) for name, (shape, dtype) in shapes.items()}
        os.utime(folder)
    except OSError:
        return {}
    return records


def _existing(path: Path) -> Path:
    return path if path.exists() else _existing(path.parent)


def _size(folder: Path) -> int:
    """Return the bytes that the files of a folder take on disk."""
    return sum(path.stat().st_blocks * 512 for path in folder.glob("*"))


def _make_room(used: Path, limit: int) -> None:
    """Delete other decoded splits, least recently used first, until they take at most so many bytes."""
    others = [p for p in used.parent.glob("*") if p != used]
    sizes = {path: _size(path) for path in sorted(others, key=lambda p: p.stat().st_mtime)}
    total = sum(sizes.values())
    for path, size in sizes.items():
        if total <= limit:
            return
        shutil.rmtree(path, ignore_errors=True)
        total -= size
