"""The place of a data set: what every store offers, and the store that is a folder of this machine."""

from __future__ import annotations

import contextlib
from abc import ABC, abstractmethod
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import h5py

from dataset.errors import DatasetError
from dataset.format.documents import sha256_of
from dataset.format.manifest import NAME, missing_manifest, parse_manifest
from dataset.format.shard import check_members, check_shard, damage_named, open_shard
from dataset.storage.cache import is_checked, note_checked


class Store(ABC):
    """Reads the files of one data set; can be pickled, and used in a forked process once shards are reopened."""

    name: str
    """Name of the place, for messages."""

    @abstractmethod
    def read(self, name: str) -> bytes:
        """Return the content of a small file; FileNotFoundError where there is none."""

    @abstractmethod
    def files(self) -> list[str]:
        """Return the files that exist, listed in the manifest or not; of an address only the shards."""

    @abstractmethod
    def open(self, entry: Mapping[str, Any]) -> h5py.File:
        """Open a shard that agrees with its entry in the manifest; DatasetError where it does not."""

    @abstractmethod
    def whole(self, entry: Mapping[str, Any]) -> contextlib.AbstractContextManager[Path]:
        """Yield a local file with all bytes of a shard, unchecked; FileNotFoundError where there is none."""

    def manifest(self) -> dict[str, Any]:
        """Read and check manifest.json; DatasetError where it is missing or damaged."""
        try:
            content = self.read(NAME)
        except FileNotFoundError:
            raise missing_manifest(f"{self.name}/{NAME}", "there is none") from None
        except OSError as error:
            raise DatasetError(f"{self.name}/{NAME} cannot be read ({error.strerror}); check disk and permissions") from None
        return parse_manifest(content.decode(errors="replace"), f"{self.name}/{NAME}")


class Folder(Store):
    """A data set in a folder. The SHA-256 of a shard is checked before it is first opened; the result is remembered."""

    def __init__(self, root: Path, check: bool = True) -> None:
        """Use a folder; without `check` only size, scene and split of a shard are compared with the manifest."""
        self.root = root
        self.name = str(root)
        self.check = check

    def read(self, name: str) -> bytes:
        """Return the content of a small file; FileNotFoundError where there is none."""
        return (self.root / name).read_bytes()

    def files(self) -> list[str]:
        """Return the files that exist, listed in the manifest or not."""
        return sorted(p.relative_to(self.root).as_posix() for p in self.root.rglob("*") if not p.is_dir())

    def manifest(self) -> dict[str, Any]:
        """Read and check manifest.json; DatasetError where it is missing or damaged."""
        if not self.root.is_dir():
            raise missing_manifest(f"{self.name}/{NAME}", "the folder does not exist")
        return super().manifest()

    def open(self, entry: Mapping[str, Any]) -> h5py.File:
        """Open a shard that agrees with its entry in the manifest; DatasetError where it does not."""
        path = self.root / entry["path"]
        try:
            if path.is_file():
                check_size(path.stat().st_size, entry)
                if self.check and not is_checked(path, entry["sha256"]):
                    if sha256_of(path) != entry["sha256"]:
                        raise wrong_digest(entry)
                    note_checked(path, entry["sha256"])
            return check_entry(open_shard(path), entry)
        except OSError as error:
            raise DatasetError(f"shard {entry['path']} cannot be read ({error}); check disk and permissions") from None

    @contextlib.contextmanager
    def whole(self, entry: Mapping[str, Any]) -> Iterator[Path]:
        """Yield the shard's own file; FileNotFoundError where there is none."""
        path = self.root / entry["path"]
        if not path.is_file():
            raise FileNotFoundError(path)
        yield path


def check_size(found: int, entry: Mapping[str, Any]) -> None:
    """Refuse a shard whose size differs from the manifest."""
    if found != entry["bytes"]:
        size = f"{found} bytes, the manifest says {entry['bytes']}"
        raise DatasetError(f"shard {entry['path']} has {size}: truncated or replaced; copy it again")


def wrong_digest(entry: Mapping[str, Any]) -> DatasetError:
    """Return the error for a shard whose content differs from the manifest."""
    return DatasetError(f"shard {entry['path']} is damaged or replaced: its SHA-256 is not the manifest's; copy it again")


def check_entry(file: h5py.File, entry: Mapping[str, Any]) -> h5py.File:
    """Refuse an open shard with foreign content, or whose format, scene, split or number of sets differs from the manifest."""
    try:
        check_shard(file, entry["path"])
        check_members(file, entry["path"])
        with damage_named(entry["path"]):
            found: dict[str, Any] = {key: str(file.attrs[key]) for key in ("scene", "scene_sha256", "split")}
            found["sets"] = len(file["set_id"]) if "set_id" in file else 0
        for key, value in found.items():
            if value != entry[key]:
                raise DatasetError(f"shard {entry['path']} has {key} {value}, the manifest says {entry[key]}; copy it again")
    except DatasetError:
        file.close()
        raise
    return file
