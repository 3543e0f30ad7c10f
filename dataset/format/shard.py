"""Opening shards: damage, other formats, and content that reaches outside the file are refused.

HDF5 files can point to other files: external storage, external and virtual datasets, soft links. A shard holds plain datasets
of the schema only, so that reading a foreign data set never reads a file of this machine.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import h5py

from dataset.errors import DatasetError
from dataset.format.documents import check_version, parse_object
from dataset.format.schema import ATTRIBUTES, FIELDS, FORMAT

LARGEST_BYTES = 8 << 30
"""Most bytes of a field of one set: a small file can declare any number, and reading it takes that memory."""


def open_shard(path: Path) -> h5py.File:
    """Open a shard for reading; DatasetError where it is missing, damaged, of another format or newer than this software.

    OSError where the file system fails: the shard itself may be good.
    """
    if not path.is_file():
        raise DatasetError(f"shard {path} is missing; copy it again, or render it again")
    try:
        # Nothing writes to a finished shard, and some file systems have no locks.
        file = h5py.File(path, "r", locking=False)
    except OSError as error:
        if error.errno:
            raise OSError(error.errno, f"shard {path} cannot be opened: {error.strerror}; check disk and permissions") from None
        raise DatasetError(f"shard {path} is damaged ({error}); copy it again") from None
    try:
        check_shard(file, str(path))
    except DatasetError:
        file.close()
        raise
    return file


def check_shard(file: h5py.File, name: str) -> None:
    """Refuse an open HDF5 file that is not a shard, or a shard newer than this software; `name` is for the message."""
    with damage_named(name):
        missing = [k for k in ATTRIBUTES if k not in file.attrs]
        if missing or file.attrs["format"] != FORMAT:
            raise DatasetError(f"{name} is an HDF5 file but no {FORMAT} shard (attributes {missing} are missing)")
        check_version(str(file.attrs["format_version"]), name)


@contextmanager
def damage_named(name: str) -> Iterator[None]:
    """Raise DatasetError for what h5py raises on damaged headers and on values of another shape; `name` is the shard's."""
    try:
        yield
    except (KeyError, RuntimeError, ValueError, TypeError, IndexError) as error:
        reason = str(error).splitlines()[0] if str(error) else type(error).__name__
        raise DatasetError(f"shard {name} is damaged ({reason}); copy it again") from None


def check_members(file: h5py.File, name: str) -> None:
    """Refuse a shard with anything but plain datasets of the schema in its root; `name` is for the message."""
    with damage_named(name):
        foreign = foreign_members(file)
    for member, why in foreign.items():
        raise DatasetError(f"shard {name} is refused: its member {member!r} {why}; get the data set again from a trusted place")


def foreign_members(file: h5py.File) -> dict[str, str]:
    """Return what a shard's root holds besides plain datasets of the schema: {name: what it is}. Links are not followed."""
    found = {}
    for name in file:
        why = _foreign(file, name)
        if why:
            found[name] = why
    return found


def _foreign(file: h5py.File, name: str) -> str:
    kind = file.get(name, getlink=True)
    if not isinstance(kind, h5py.HardLink):
        return f"is a link to {getattr(kind, 'filename', '')}{getattr(kind, 'path', '')}"
    member = file[name]
    if not isinstance(member, h5py.Dataset):
        return "is not a dataset"
    layout = member.id.get_create_plist()
    if layout.get_external_count():
        return "is stored in another file"
    if layout.get_layout() == h5py.h5d.VIRTUAL:
        return "is made of other files"
    if name not in FIELDS:
        return "is unknown"
    size = math.prod(member.shape[1:]) * member.dtype.itemsize
    return "" if size <= LARGEST_BYTES else f"declares {size / 1e9:.0f} GB in a set"


def settings_of(file: h5py.File, name: str) -> dict[str, Any]:
    """Return the settings that a shard was rendered with; DatasetError where they are not a JSON object."""
    return parse_object(str(file.attrs["settings"]), f"the settings of shard {name}")


def absent_of(file: h5py.File, name: str) -> dict[str, Any]:
    """Return the fields that a shard declares absent, with the reasons; DatasetError where they are not a JSON object."""
    return parse_object(str(file.attrs.get("absent", "{}")), f"the absent fields of shard {name}")
