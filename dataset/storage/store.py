"""Where a data set lies: a folder here, or any address that fsspec opens (s3://, hf://, https://, memory://)."""

from __future__ import annotations

import contextlib
from abc import ABC, abstractmethod
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import h5py

from dataset.errors import DatasetError
from dataset.format.manifest import NAME, SHARDS, check_shard, missing_manifest, open_shard, parse_manifest, sha256_of
from dataset.storage.cache import is_checked, note_checked


class Store(ABC):
    """Reads the files of one data set; safe to pickle, and to use again in a forked process once shards are reopened."""

    name: str
    """How the place is called in messages."""

    @abstractmethod
    def read(self, name: str) -> bytes:
        """Read a whole small file; FileNotFoundError where there is none."""

    @abstractmethod
    def shards(self) -> list[str]:
        """List the shards that are there, listed in the manifest or not."""

    @abstractmethod
    def open(self, entry: Mapping[str, Any]) -> h5py.File:
        """Open a shard that proves to be what its entry in the manifest says; DatasetError where it does not."""

    @abstractmethod
    def whole(self, entry: Mapping[str, Any]) -> contextlib.AbstractContextManager[Path]:
        """Return a file here with all of a shard's bytes, whatever they are; FileNotFoundError where there is none."""

    def manifest(self) -> dict[str, Any]:
        """Read and check manifest.json; DatasetError where it is missing or cannot be trusted."""
        try:
            content = self.read(NAME)
        except FileNotFoundError:
            raise missing_manifest(f"{self.name}/{NAME}", "there is none") from None
        return parse_manifest(content.decode(errors="replace"), f"{self.name}/{NAME}")


class Folder(Store):
    """A data set in a folder of this machine. A shard's SHA-256 is checked before it is first opened, and remembered."""

    def __init__(self, root: Path, check: bool = True) -> None:
        """Use a folder; without `check` a shard is known by size, scene and split alone."""
        self.root = root
        self.name = str(root)
        self.check = check

    def read(self, name: str) -> bytes:
        """Read a whole small file; FileNotFoundError where there is none."""
        return (self.root / name).read_bytes()

    def shards(self) -> list[str]:
        """List the shards that are there, listed in the manifest or not."""
        return sorted(p.relative_to(self.root).as_posix() for p in (self.root / SHARDS).glob("*.h5"))

    def manifest(self) -> dict[str, Any]:
        """Read and check manifest.json; DatasetError where it is missing or cannot be trusted."""
        if not self.root.is_dir():
            raise missing_manifest(f"{self.name}/{NAME}", "the folder does not exist")
        return super().manifest()

    def open(self, entry: Mapping[str, Any]) -> h5py.File:
        """Open a shard that proves to be what its entry in the manifest says; DatasetError where it does not."""
        path = self.root / entry["path"]
        if path.is_file():
            check_size(path.stat().st_size, entry)
            if self.check and not is_checked(path, entry["sha256"]):
                if sha256_of(path) != entry["sha256"]:
                    raise wrong_digest(entry)
                note_checked(path, entry["sha256"])
        return check_entry(open_shard(path), entry)

    @contextlib.contextmanager
    def whole(self, entry: Mapping[str, Any]) -> Iterator[Path]:
        """Return the shard's own file; FileNotFoundError where there is none."""
        path = self.root / entry["path"]
        if not path.is_file():
            raise FileNotFoundError(path)
        yield path


def check_size(found: int, entry: Mapping[str, Any]) -> None:
    """Refuse a shard whose size is not the manifest's."""
    if found != entry["bytes"]:
        size = f"{found} bytes, the manifest says {entry['bytes']}"
        raise DatasetError(f"shard {entry['path']} has {size}: truncated or replaced; copy it again")


def wrong_digest(entry: Mapping[str, Any]) -> DatasetError:
    """Make the error for a shard whose content is not the manifest's."""
    return DatasetError(f"shard {entry['path']} is damaged or replaced: its SHA-256 is not the manifest's; copy it again")


def check_entry(file: h5py.File, entry: Mapping[str, Any]) -> h5py.File:
    """Refuse an open shard whose format, scene, split or number of sets is not what the manifest says."""
    try:
        check_shard(file, entry["path"])
        found: dict[str, Any] = {key: str(file.attrs[key]) for key in ("scene", "scene_sha256", "split")}
        found["sets"] = len(file["set_id"]) if "set_id" in file else 0
        for key, value in found.items():
            if value != entry[key]:
                raise DatasetError(f"shard {entry['path']} has {key} {value}, the manifest says {entry[key]}; copy it again")
    except DatasetError:
        file.close()
        raise
    return file
