"""Reading a data set: one index over all shards, opened when needed; safe in threads and in forked and spawned workers."""

from __future__ import annotations

import os
import threading
from bisect import bisect_right
from collections import OrderedDict
from collections.abc import Iterator, Mapping, Sequence
from itertools import accumulate
from pathlib import Path
from typing import Any

import h5py
import numpy as np

from dataset.errors import DatasetError
from dataset.format.derived import derived, is_derived
from dataset.format.pictures import BYTES, ENDS, decode_pictures, is_encoded
from dataset.format.schema import FIELDS, TEXT
from dataset.format.shard import absent_of
from dataset.format.splits import SPLITS
from dataset.storage.cache import DEFAULT_BYTES
from dataset.storage.open import open_store

MOST_OPEN = 16
"""Shards that each process keeps open."""


class Dataset:
    """The sets of a data set, or of one split, as a sequence.

    data = Dataset("data/slfm", split="train", fields=["rgb", "audio", "azimuth"])
    one = data[0]              # {"rgb": (V, H, W, 3) uint8, ...}
    left = data.read(0, "audio", view=2)[0]
    far = Dataset("s3://bucket/slfm", split="test")        # downloads what is read, and caches it
    """

    def __init__(
        self,
        root: str | Path,
        split: str | None = None,
        fields: Sequence[str] | None = None,
        *,
        check: bool = True,
        cache_bytes: int = DEFAULT_BYTES,
        storage: Mapping[str, Any] | None = None,
    ) -> None:
        """Read the manifest; raise DatasetError for an unknown split or field, or a damaged manifest.

        root: a folder, or an address that fsspec opens, such as s3://bucket/set or hf://datasets/owner/set.
        check: compare the SHA-256 of a local shard with the manifest before it is first read; the result is remembered until
        the file changes. Remote content is always checked, and cached up to cache_bytes (see storage/cache.py).
        storage: options for the address's file system, such as keys or an endpoint.
        """
        if split is not None and split not in SPLITS:
            raise DatasetError(f"split is {split!r}; choose one of {', '.join(SPLITS)}, or None for all")
        unknown = sorted(set(fields or ()) - set(FIELDS))
        if unknown:
            raise DatasetError(f"fields {unknown} are unknown; choose from {', '.join(FIELDS)}")
        self.store = open_store(root, check, cache_bytes, storage)
        self.root = root if "://" in str(root) else Path(root)
        self.manifest = self.store.manifest()
        self.fields = tuple(fields) if fields is not None else None
        self.shards = [s for s in self.manifest["shards"] if split in (None, s["split"])]
        self._ends = list(accumulate(int(s["sets"]) for s in self.shards))
        self._open: OrderedDict[int, h5py.File] = OrderedDict()
        self._process = os.getpid()
        self._lock = threading.RLock()

    def __len__(self) -> int:
        return self._ends[-1] if self._ends else 0

    def __getitem__(self, index: int) -> dict[str, Any]:
        names = self.fields or self.names(self.locate(index)[0])
        return {name: self.read(index, name) for name in names}

    def __iter__(self) -> Iterator[dict[str, Any]]:
        return (self[k] for k in range(len(self)))

    def names(self, shard: int) -> list[str]:
        """Return the fields that can be read from a shard: those in it, those that its settings replace, and decoded rgb."""
        file, path = self.shard_file(shard), self.shards[shard]["path"]
        encoded = is_encoded(file)
        return [
            name
            for name in FIELDS
            if (name in file and name not in (BYTES, ENDS)) or (encoded and name == "rgb") or is_derived(file, name, path)
        ]

    def read(self, index: int, field: str, view: int | None = None) -> Any:
        """Return one field of one set, or of one of its views: arrays as stored, texts as str.

        A field with a setting (see format/schema.py), such as hfov_deg, is the value of the shard's settings where the shard
        lacks it, as shards of format 1.0 do. rgb is decoded where the shard holds WebP files.
        """
        shard, row = self.locate(index)
        file = self.shard_file(shard)
        path = self.shards[shard]["path"]
        if field in FIELDS and FIELDS[field].setting and field not in file:
            value = derived(file, field, path)
            return value if view is None else np.asarray(value[view])
        if field == "rgb" and is_encoded(file):
            return _pictures(file, path, row, view)
        if field not in file:
            why = absent_of(file, path).get(field)
            state = f"absent: {why}" if why else f"not in the shard, which has {', '.join(file)}"
            raise DatasetError(f"field {field!r} of {path} is {state}")
        value = self._values(file, path, field, row if view is None else (row, view))
        return value.decode(errors="replace") if FIELDS[field].dtype == TEXT else np.asarray(value)

    def column(self, shard: int, field: str) -> np.ndarray:
        """Return one field of all sets of a shard, by its index in `shards`; texts as bytes. DatasetError where it is damaged."""
        return np.asarray(self._values(self.shard_file(shard), self.shards[shard]["path"], field, slice(None)))

    @staticmethod
    def _values(file: h5py.File, path: str, field: str, key: Any) -> Any:
        try:
            return file[field][key]
        except (OSError, RuntimeError, KeyError, ValueError, TypeError, IndexError) as error:
            raise DatasetError(f"shard {path} is damaged in field {field} ({error}); copy it again") from None

    def locate(self, index: int) -> tuple[int, int]:
        """Return the shard of a set, and its row in the shard; IndexError beyond the end."""
        if not -len(self) <= index < len(self):
            raise IndexError(f"set {index} of {len(self)}")
        index %= len(self)
        shard = bisect_right(self._ends, index)
        return shard, index - (self._ends[shard] - int(self.shards[shard]["sets"]))

    def close(self) -> None:
        """Close all shards, except those that other threads are reading; they are opened again when needed."""
        with self._lock:
            self._open.clear()

    def __getstate__(self) -> dict[str, Any]:
        return {**self.__dict__, "_open": OrderedDict(), "_lock": None}

    def __setstate__(self, state: dict[str, Any]) -> None:
        self.__dict__.update(state, _lock=threading.RLock())

    def shard_file(self, shard: int) -> h5py.File:
        """Return an open shard, by its index in `shards`; it is kept open until MOST_OPEN later ones are open.

        Files are closed when nothing refers to them any more, so a thread can read a shard that another one drops.
        """
        if self._process != os.getpid():
            # Handles inherited through a fork share their file position with the parent, and locks may be held for ever.
            self._open, self._process, self._lock = OrderedDict(), os.getpid(), threading.RLock()
        with self._lock:
            if shard not in self._open:
                self._open[shard] = self.store.open(self.shards[shard])
                if len(self._open) > MOST_OPEN:
                    self._open.popitem(last=False)
            self._open.move_to_end(shard)
            return self._open[shard]


def _pictures(file: h5py.File, path: str, row: int, view: int | None) -> np.ndarray:
    """Return decoded pictures of a set; DatasetError where they are damaged."""
    try:
        return decode_pictures(file, row, view)
    except (OSError, RuntimeError, KeyError, ValueError, TypeError, IndexError) as error:
        raise DatasetError(f"shard {path} is damaged in its pictures ({error}); copy it again") from None
