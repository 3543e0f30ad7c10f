"""Opening the place of a data set: a folder, or any address that fsspec opens (s3://, hf://, https://, memory://)."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from dataset.errors import DatasetError
from dataset.storage.cache import DEFAULT_BYTES
from dataset.storage.remote import Remote
from dataset.storage.store import Folder, Store


def open_store(
    root: str | Path, check: bool = True, cache_bytes: int = DEFAULT_BYTES, options: Mapping[str, Any] | None = None
) -> Store:
    """Open a folder or an address; `options` go to the fsspec file system of an address (keys, endpoint)."""
    if "\0" in str(root):
        raise DatasetError(f"{str(root)!r} holds a NUL character; a folder or an address is expected")
    if "://" not in str(root):
        return Folder(Path(root), check)
    return Remote(str(root), cache_bytes, options)
