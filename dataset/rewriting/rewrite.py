"""Shards made from shards: compressed chunks are copied, and shards that are taken whole keep their bytes."""

from __future__ import annotations

import shutil
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import h5py
import numpy as np

from dataset.errors import DatasetError
from dataset.format.derived import derived
from dataset.format.documents import sha256_of
from dataset.format.manifest import SHARDS, describe_file
from dataset.format.writer import create_column
from dataset.progress import progress_bar
from dataset.storage.output import open_output
from dataset.storage.store import Store, wrong_digest

KEPT = ("shard", "asked", "credit")
"""Keys that the renderer adds to its shards' entries in the manifest, besides manifest.ENTRY."""


@dataclass(frozen=True)
class Piece:
    """A shard to make from an existing one."""

    store: Store
    entry: Mapping[str, Any]
    """Entry of the existing shard in its manifest."""
    path: str
    """In the new data set."""
    rows: tuple[int, ...] | None = None
    """Indices of the sets to take, in order; None takes all."""
    attributes: Mapping[str, Any] = field(default_factory=dict)
    """Root attributes that change."""
    set_ids: tuple[str, ...] | None = None
    """New ids of these sets; None keeps the old ones."""
    derived: tuple[str, ...] = ()
    """Fields to add from the shard's settings, see format/derived.py."""

    @property
    def sets(self) -> int:
        """Number of sets of the new shard."""
        return int(self.entry["sets"]) if self.rows is None else len(self.rows)


def write_pieces(out: str | Path, pieces: Sequence[Piece], what: str, progress: bool = False) -> list[dict[str, Any]]:
    """Write the shards that a folder or an address lacks and return the entries of all of them for its manifest.

    Raise DatasetError for a shard that is missing or differs from its manifest.
    """
    place = open_output(out)
    place.clear_parts(SHARDS)
    there = place.sizes(SHARDS)
    entries = []
    with progress_bar(sum(p.sets for p in pieces), "set", what, progress) as bar:
        for piece in pieces:
            kept = {k: piece.attributes.get(k, piece.entry[k]) for k in KEPT if k in piece.entry}
            if piece.path in there:
                with place.local(piece.path) as path:
                    entry = describe_file(path, piece.path)
            else:
                with place.new(piece.path) as path:
                    _write(piece, path)
                    entry = describe_file(path, piece.path)
            entries.append({**entry, **kept})
            bar.update(piece.sets)
    return entries


def _write(piece: Piece, path: Path) -> None:
    if piece.rows is None and not piece.attributes and piece.set_ids is None and not piece.derived:
        _copy_whole(piece, path)
        return
    with piece.store.open(piece.entry) as source:
        added = {name: derived(source, name, piece.entry["path"]) for name in piece.derived}
        rewrite(source, path, piece.rows, piece.attributes, piece.set_ids, added)


def _copy_whole(piece: Piece, path: Path) -> None:
    try:
        with piece.store.whole(piece.entry) as source:
            shutil.copyfile(source, path)
    except FileNotFoundError:
        raise DatasetError(f"shard {piece.entry['path']} of {piece.store.name} is missing; copy or render it again") from None
    if path.stat().st_size != piece.entry["bytes"] or sha256_of(path) != piece.entry["sha256"]:
        raise wrong_digest(piece.entry)


def rewrite(
    source: h5py.File,
    path: Path,
    rows: Iterable[int] | None = None,
    attributes: Mapping[str, Any] | None = None,
    set_ids: Sequence[str] | None = None,
    added: Mapping[str, np.ndarray] | None = None,
) -> None:
    """Write a shard with some sets of another (default: all), changed root attributes, new ids of its sets, and added fields.

    added: further fields, each with the value that all sets get. Chunks are copied without decoding; a field that is not
    chunked by sets is read and written.
    """
    chosen = list(range(len(source["set_id"]))) if rows is None else list(rows)
    try:
        with h5py.File(path, "w") as target:
            target.attrs.update({**source.attrs, **(attributes or {})})
            for name, column in source.items():
                ids = set_ids if name == "set_id" else None
                _copy_rows(column, target, chosen, ids)
            for name, value in (added or {}).items():
                create_column(target, name, value)
                target[name].resize(len(chosen), axis=0)
                target[name][:] = value
    except RuntimeError as error:  # HDF5 raises it for a failed read or write
        raise OSError(f"{source.filename}: {error}") from None


def _copy_rows(column: h5py.Dataset, target: h5py.File, rows: list[int], texts: Sequence[str] | None) -> None:
    name = column.name.lstrip("/")
    shape = (len(rows), *column.shape[1:])
    if h5py.check_string_dtype(column.dtype) is not None:
        new = target.create_dataset(name, shape, column.dtype, maxshape=(None,), chunks=column.chunks or (64,), track_times=False)
        new[:] = list(texts) if texts is not None else column[:][rows]
    else:
        grows = [h5py.h5s.UNLIMITED if most is None else most for most in column.maxshape[1:]]
        limit = (h5py.h5s.UNLIMITED if column.chunks else shape[0], *grows)
        space = h5py.h5s.create_simple(shape, limit)
        layout = column.id.get_create_plist()
        layout.set_obj_track_times(False)  # the same sets give the same bytes
        new = h5py.Dataset(h5py.h5d.create(target.id, name.encode(), column.id.get_type(), space, dcpl=layout))
        if _chunked_by_sets(column):
            _move_chunks(column, new, rows)
        else:
            for place, row in enumerate(rows):
                new[place] = column[row]
    new.attrs.update(column.attrs)


def _chunked_by_sets(column: h5py.Dataset) -> bool:
    """Whether every chunk holds one set only, and all chunks are on disk."""
    if column.chunks is None or column.chunks[0] != 1:
        return False
    each = np.prod([-(-size // chunk) for size, chunk in zip(column.shape[1:], column.chunks[1:], strict=True)], dtype=int)
    return bool(column.id.get_num_chunks() == len(column) * each)


def _move_chunks(column: h5py.Dataset, new: h5py.Dataset, rows: list[int]) -> None:
    steps = column.chunks[1:]
    grid = [range(0, size, step) for size, step in zip(column.shape[1:], steps, strict=True)]
    for place, row in enumerate(rows):
        for at in np.ndindex(*(len(g) for g in grid)):
            inner = tuple(int(k * step) for k, step in zip(at, steps, strict=True))
            mask, content = column.id.read_direct_chunk((row, *inner))
            new.id.write_direct_chunk((place, *inner), content, mask)
