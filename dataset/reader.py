"""Reading a data set: one index over all shards, opened when needed, safe in forked and spawned workers."""

from __future__ import annotations

import os
from bisect import bisect_right
from collections import OrderedDict
from collections.abc import Iterator, Sequence
from itertools import accumulate
from pathlib import Path
from typing import Any

import h5py
import numpy as np

from dataset.errors import DatasetError
from dataset.manifest import open_shard, read_manifest
from dataset.schema import FIELDS, TEXT
from dataset.splits import SPLITS

MOST_OPEN = 16
"""Shards kept open at a time in each process."""


class Dataset:
    """The sets of a data set, or of one split, as a sequence.

    data = Dataset("data/slfm", split="train", fields=["rgb", "audio", "azimuth"])
    one = data[0]              # {"rgb": (V, H, W, 3) uint8, ...}
    left = data.read(0, "audio", view=2)[0]
    """

    def __init__(self, root: str | Path, split: str | None = None, fields: Sequence[str] | None = None) -> None:
        """Read the manifest; DatasetError for an unknown split or field, or a manifest that cannot be trusted."""
        if split is not None and split not in SPLITS:
            raise DatasetError(f"split is {split!r}; choose one of {', '.join(SPLITS)}, or None for all")
        unknown = sorted(set(fields or ()) - set(FIELDS))
        if unknown:
            raise DatasetError(f"fields {unknown} are unknown; choose from {', '.join(FIELDS)}")
        self.root = Path(root)
        self.manifest = read_manifest(self.root)
        self.fields = tuple(fields) if fields is not None else None
        self.shards = [s for s in self.manifest["shards"] if split in (None, s["split"])]
        self._ends = list(accumulate(int(s["sets"]) for s in self.shards))
        self._open: OrderedDict[int, h5py.File] = OrderedDict()
        self._process = os.getpid()

    def __len__(self) -> int:
        return self._ends[-1] if self._ends else 0

    def __getitem__(self, index: int) -> dict[str, Any]:
        file = self._file(self.locate(index)[0])
        names = self.fields or [n for n in FIELDS if n in file]
        return {name: self.read(index, name) for name in names}

    def __iter__(self) -> Iterator[dict[str, Any]]:
        return (self[k] for k in range(len(self)))

    def read(self, index: int, field: str, view: int | None = None) -> Any:
        """Read one field of one set, or of one of its views; arrays as stored, strings as str."""
        shard, row = self.locate(index)
        file = self._file(shard)
        if field not in file:
            raise DatasetError(f"field {field!r} is not in {self.shards[shard]['path']}; it has {', '.join(file)}")
        try:
            value = file[field][row] if view is None else file[field][row, view]
        except (OSError, RuntimeError) as error:
            raise DatasetError(
                f"shard {self.shards[shard]['path']} is damaged in field {field} ({error}); copy it again"
            ) from None
        return value.decode() if FIELDS[field].dtype == TEXT else np.asarray(value)

    def locate(self, index: int) -> tuple[int, int]:
        """Give the shard and the row in it of a set; IndexError beyond the end."""
        if not -len(self) <= index < len(self):
            raise IndexError(f"set {index} of {len(self)}")
        index %= len(self)
        shard = bisect_right(self._ends, index)
        return shard, index - (self._ends[shard] - int(self.shards[shard]["sets"]))

    def close(self) -> None:
        """Close all shards; they open again when needed."""
        for file in self._open.values():
            file.close()
        self._open.clear()

    def __getstate__(self) -> dict[str, Any]:
        return {**self.__dict__, "_open": OrderedDict()}

    def _file(self, shard: int) -> h5py.File:
        if self._process != os.getpid():
            # Handles inherited through a fork share their file position with the parent: leave them alone.
            self._open, self._process = OrderedDict(), os.getpid()
        if shard not in self._open:
            entry = self.shards[shard]
            self._open[shard] = _open_listed(self.root, entry)
            if len(self._open) > MOST_OPEN:
                self._open.popitem(last=False)[1].close()
        self._open.move_to_end(shard)
        return self._open[shard]


def _open_listed(root: Path, entry: dict[str, Any]) -> h5py.File:
    """Open a shard that is what the manifest says by size, scene, split and number of sets (verify checks the rest)."""
    path = root / entry["path"]
    if path.is_file() and path.stat().st_size != entry["bytes"]:
        size = f"{path.stat().st_size} bytes, the manifest says {entry['bytes']}"
        raise DatasetError(f"shard {entry['path']} has {size}: truncated or replaced; copy it again")
    file = open_shard(path)
    found: dict[str, Any] = {key: str(file.attrs[key]) for key in ("scene", "scene_sha256", "split")}
    found["sets"] = len(file["set_id"]) if "set_id" in file else 0
    for key, value in found.items():
        if value != entry[key]:
            file.close()
            raise DatasetError(f"shard {entry['path']} has {key} {value}, the manifest says {entry[key]}; copy it again")
    return file
