"""The fsspec file system of an address."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from dataset.errors import DatasetError

SHARE = ("hf", "s3", "http", "https")
"""Protocols whose packages the extra `share` installs; fsspec's own messages name those of others."""


def file_system(url: str, options: Mapping[str, Any] | None = None) -> tuple[Any, str]:
    """Return the file system of an address and the path in it; `options` go to the file system (keys, endpoint).

    Raise DatasetError where the protocol is unknown or its package is not installed.
    """
    try:
        import fsspec
    except ImportError:
        raise DatasetError(f"{url} cannot be opened (fsspec is not installed); run: pip install -e '.[share]'") from None
    try:
        files, path = fsspec.core.url_to_fs(url, **(options or {}))
    except ImportError as error:
        share = url.partition("://")[0] in SHARE
        remedy = "run: pip install -e '.[share]'" if share else "install the package that it names"
        raise DatasetError(f"{url} cannot be opened ({error}); {remedy}") from None
    except ValueError as error:
        raise DatasetError(f"{url} cannot be opened ({error}); check the address") from None
    return files, path.rstrip("/")
