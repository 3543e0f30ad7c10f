"""Writing shards: atomically, compactly, and with the same bytes for the same sets."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from types import TracebackType
from typing import Any, BinaryIO

import h5py
import numpy as np
from isal import isal_zlib

from dataset.atomic import publish, temporary_name
from dataset.errors import DatasetError
from dataset.format.schema import ATTRIBUTES, FIELDS, GROWS, TEXT, check_set

MANTISSA_BITS = 12
"""Bits kept of a float32's 23: the rounding error is about -86 dB, and zero bits compress to nothing."""
PACKING = 2
"""Level of isal's deflate: as compact as zlib's level 1."""
GROWTH = 1 << 16
"""Bytes of a chunk of a field whose rows differ in length: about a picture."""
BLOCK_BYTES = 4 << 20
"""Steps by which an unfinished shard grows in memory."""
UNCOMPRESSED_BELOW = 4096
"""Bytes of one set's part of a field below which a filter costs more than it saves."""


def rounded(values: np.ndarray) -> np.ndarray:
    """Return float32 values of any shape rounded to MANTISSA_BITS (to nearest, ties to even), as shards store them.

    The relative error of each value is at most 2^-13.
    """
    drop = 23 - MANTISSA_BITS
    bits = np.ascontiguousarray(values, np.float32).view(np.uint32)
    half = np.uint32((1 << (drop - 1)) - 1) + ((bits >> np.uint32(drop)) & np.uint32(1))
    return ((bits + half) & np.uint32(0xFFFFFFFF ^ ((1 << drop) - 1))).view(np.float32)


def packed(values: np.ndarray, shuffled: bool) -> bytes:
    """Return a chunk compressed as by HDF5's shuffle and gzip filters, in a fifth of their time."""
    rows = np.ascontiguousarray(values).reshape(-1, 1).view(np.uint8)
    return bytes(isal_zlib.compress(rows.T.tobytes() if shuffled else rows.tobytes(), PACKING))


class ShardWriter:
    """Writes sets one by one; the shard appears, flushed to disk, when the block ends without an exception.

    with ShardWriter(path, attributes) as shard:
        shard.add(one_set)

    A block that ends with an exception, or without a set, leaves no file. A full disk raises OSError. The shard is held in
    memory until the block ends.
    """

    def __init__(self, path: Path, attributes: Mapping[str, Any]) -> None:
        """Prepare a shard; attributes: the root attributes of schema.ATTRIBUTES, and any others."""
        missing = sorted(set(ATTRIBUTES) - set(attributes))
        if missing:
            raise DatasetError(f"shard {path.name} lacks the attributes {missing}")
        self.path = path
        self.count = 0
        self._temporary = temporary_name(path)
        self._attributes = dict(attributes)
        self._absent = json.loads(attributes.get("absent", "{}"))
        self._sizes: dict[str, int] = {}
        self._file: h5py.File | None = None
        self._disk: BinaryIO | None = None

    def __enter__(self) -> ShardWriter:
        return self

    def add(self, one: Mapping[str, Any]) -> None:
        """Append a set: the fields of the schema without their first axis."""
        check_set(one, self._sizes, self._absent)
        if self._file is None:
            self.path.parent.mkdir(parents=True, exist_ok=True)
            # In memory: a failed write corrupts HDF5's state and may crash the process.
            self._file = h5py.File(self._temporary.name, "w", driver="core", backing_store=False, block_size=BLOCK_BYTES)
            self._disk = open(self._temporary, "wb")  # noqa: SIM115  # closed in __exit__
            self._file.attrs.update(self._attributes)
            for name, value in one.items():
                create_column(self._file, name, value)
        if set(one) != set(self._file):
            raise DatasetError(f"set {self.count} of {self.path.name} has other fields than the sets before it")
        for name, value in one.items():
            column = self._file[name]
            column.resize(self.count + 1, axis=0)
            if FIELDS[name].axes[:1] == (GROWS,):
                column.resize(max(column.shape[1], len(value)), axis=1)
                column[self.count, : len(value)] = value
                continue
            self._put(column, rounded(value) if FIELDS[name].audio else value)
        self.count += 1

    def _put(self, column: h5py.Dataset, value: Any) -> None:
        if column.compression is None:
            column[self.count] = value
            return
        views = column.chunks[1]
        for first in range(0, len(value), views):
            place = (self.count, first, *[0] * (value.ndim - 1))
            column.id.write_direct_chunk(place, packed(value[first : first + views], column.shuffle))

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        if self._file is None or self._disk is None:
            return
        try:
            with self._file, self._disk:
                if kind is None:
                    self._file.flush()
                    self._disk.write(self._file.id.get_file_image())
            if kind is None:
                publish(self._temporary, self.path)
        finally:
            self._temporary.unlink(missing_ok=True)


def create_column(file: h5py.File, name: str, value: Any) -> None:
    """Create the dataset of a field in a shard's root, still without sets; value: that of one set."""
    field = FIELDS[name]
    shape = np.shape(value)
    if field.dtype == TEXT:
        column = file.create_dataset(name, (0,), h5py.string_dtype(TEXT), maxshape=(None,), chunks=(64,), track_times=False)
    elif not shape:
        column = file.create_dataset(name, (0,), field.dtype, maxshape=(None,), chunks=(64,), track_times=False)
    elif field.axes == (GROWS,):  # compressed already; chunks of rows that end before them are not stored
        column = file.create_dataset(name, (0, 0), field.dtype, maxshape=(None, None), chunks=(1, GROWTH), track_times=False)
    else:
        # A chunk is one view of one set, so that a read decodes no other view or set.
        views = 1 if field.axes[0] in ("V", "P") and value.nbytes > UNCOMPRESSED_BELOW else shape[0]
        packed = {"compression": "gzip", "compression_opts": 1, "shuffle": field.dtype != "uint8"}
        column = file.create_dataset(
            name, (0, *shape), value.dtype, maxshape=(None, *shape), chunks=(1, views, *shape[1:]), track_times=False,
            **(packed if value.nbytes >= UNCOMPRESSED_BELOW else {}),
        )  # fmt: skip
    column.attrs["unit"] = field.unit
    column.attrs["meaning"] = field.meaning
    column.attrs["axes"] = ", ".join(str(a) for a in ("N", *field.axes))
