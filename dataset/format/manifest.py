"""manifest.json: what a data set consists of, written last, read first."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path, PurePosixPath
from typing import Any

import h5py

from dataset.atomic import write_text
from dataset.errors import DatasetError
from dataset.format.schema import ATTRIBUTES, FORMAT, FORMAT_VERSION

NAME = "manifest.json"
SHARDS = "shards"
SUMS = "SHA256SUMS"
"""Checksums of all published files, as sha256sum -c reads them."""
PUBLISHED = "published"
"""What the publisher said of the data set: title, authors and so on, licences by source."""
ENTRY = ("path", "bytes", "sha256", "scene", "scene_sha256", "split", "sets")
"""What the manifest says of each shard."""


def describe_shard(path: Path, root: Path) -> dict[str, Any]:
    """Describe a shard for the manifest: a dictionary of ENTRY."""
    with open_shard(path) as file:
        return {
            "path": path.relative_to(root).as_posix(),
            "bytes": path.stat().st_size,
            "sha256": sha256_of(path),
            "scene": str(file.attrs["scene"]),
            "scene_sha256": str(file.attrs["scene_sha256"]),
            "split": str(file.attrs["split"]),
            "sets": len(file["set_id"]),
        }


def open_shard(path: Path) -> h5py.File:
    """Open a shard for reading; DatasetError where it is missing, damaged, of another format or newer than this."""
    if not path.is_file():
        raise DatasetError(f"shard {path} is missing; copy it again, or render it again")
    try:
        file = h5py.File(path, "r")
    except OSError as error:
        raise DatasetError(f"shard {path} is damaged ({error}); copy it again, or delete and render it again") from None
    try:
        check_shard(file, str(path))
    except DatasetError:
        file.close()
        raise
    return file


def check_shard(file: h5py.File, name: str) -> None:
    """Refuse an open HDF5 file that is no shard, or a shard newer than this code; `name` is for the message."""
    missing = [k for k in ATTRIBUTES if k not in file.attrs]
    if missing or file.attrs["format"] != FORMAT:
        raise DatasetError(f"{name} is an HDF5 file but no {FORMAT} shard (attributes {missing} are missing)")
    check_version(str(file.attrs["format_version"]), name)


def check_version(version: str, path: Path | str) -> None:
    """Refuse a format version whose major number is newer than this code's."""
    major = version.split(".")[0]
    if not major.isdigit():
        raise DatasetError(f"{path} has format version {version!r}; a number such as {FORMAT_VERSION} is expected")
    if int(major) > int(FORMAT_VERSION.split(".")[0]):
        raise DatasetError(f"{path} has format version {version}; this software reads {FORMAT_VERSION}: update it")


def write_manifest(root: Path, content: dict[str, Any]) -> None:
    """Write manifest.json atomically; content holds everything but format and version."""
    whole = {"format": FORMAT, "format_version": FORMAT_VERSION, **content}
    write_text(root / NAME, json.dumps(whole, indent=1, sort_keys=False) + "\n")


def read_manifest(root: Path) -> dict[str, Any]:
    """Read and check manifest.json; DatasetError where it is missing, no JSON, newer, or points outside its folder."""
    path = root / NAME
    if not path.is_file():
        raise missing_manifest(str(path), "the folder does not exist" if not root.is_dir() else "there is none")
    return parse_manifest(path.read_text(errors="replace"), str(path))


def missing_manifest(name: str, found: str) -> DatasetError:
    """Make the error for a place without a manifest."""
    return DatasetError(f"{name}: {found}; render first (python -m simulator.render), or finish an interrupted render")


def parse_manifest(text: str, name: str) -> dict[str, Any]:
    """Check the text of a manifest and give its content; `name` is for messages. DatasetError as for read_manifest."""
    try:
        content = json.loads(text)
        if content["format"] != FORMAT:
            raise DatasetError(f"{name} is of format {content['format']!r}; {FORMAT!r} is expected")
        check_version(str(content["format_version"]), name)
        for shard in content["shards"]:
            missing = [k for k in ENTRY if k not in shard]
            if missing:
                raise KeyError(f"a shard lacks {', '.join(missing)}")
            check_inside(shard["path"], name)
            if "blocks" in shard:
                check_inside(shard["blocks"]["path"], name)
    except (ValueError, KeyError, TypeError) as error:
        raise DatasetError(f"{name} is damaged ({type(error).__name__}: {error}); copy or render it again") from None
    return content


def sha256_of(path: Path) -> str:
    """Hash a file."""
    digest = hashlib.sha256()
    with open(path, "rb") as file:
        while block := file.read(1 << 20):
            digest.update(block)
    return digest.hexdigest()


def check_inside(path: str, listing: str) -> None:
    """Refuse a listed path that leaves the folder of its listing."""
    parts = PurePosixPath(path).parts
    if PurePosixPath(path).is_absolute() or ".." in parts or "\\" in path or not parts:
        raise DatasetError(f"{listing} points outside its folder ({path!r}); do not use it, fetch the data set again")
