"""Documents of a data set as JSON objects: parsed with clear errors, digests and paths checked."""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Mapping
from pathlib import Path, PurePosixPath
from typing import Any

from dataset.errors import DatasetError
from dataset.format.schema import FORMAT_VERSION

DIGEST = re.compile("[0-9a-f]{64}")
"""A SHA-256 in hexadecimal. Digests name files of the cache, so nothing else is accepted."""


def parse_object(text: str, name: str) -> dict[str, Any]:
    """Return the JSON object of a text; `name` is for the message of the DatasetError where it is damaged."""
    try:
        content = json.loads(text)
    except (ValueError, RecursionError) as error:
        why = "it is nested too deep" if isinstance(error, RecursionError) else error
        raise DatasetError(f"{name} is damaged ({why}); copy it again") from None
    if not isinstance(content, dict):
        raise DatasetError(f"{name} is damaged (a {type(content).__name__}; an object is expected); copy it again")
    return content


def read_object(path: Path) -> dict[str, Any]:
    """Return the JSON object of a file; DatasetError where it is damaged."""
    return parse_object(path.read_text(encoding="utf-8", errors="replace"), str(path))


def sha256_of(path: Path) -> str:
    """Return the SHA-256 of a file, in hexadecimal."""
    digest = hashlib.sha256()
    with open(path, "rb") as file:
        while block := file.read(1 << 20):
            digest.update(block)
    return digest.hexdigest()


def is_digest(value: Any) -> bool:
    """Whether a value is a SHA-256 in hexadecimal."""
    return isinstance(value, str) and DIGEST.fullmatch(value) is not None


def check_inside(path: str, listing: str) -> None:
    """Refuse a listed path that leads outside the folder of its listing."""
    parts = PurePosixPath(path).parts
    if PurePosixPath(path).is_absolute() or ".." in parts or "\\" in path or "\0" in path or not parts:
        raise DatasetError(f"{listing} points outside its folder ({path!r}); do not use it, get the data set again")


def check_name(name: str, listing: str) -> None:
    """Refuse a listed name that is no name of a file: files are named after scenes and splits."""
    if name in ("", ".", "..") or any(c in name for c in "/\\\0"):
        raise DatasetError(f"{listing} has the name {name[:80]!r}, which is no file name; do not use it, get the data set again")


def check_version(version: str, name: Path | str) -> None:
    """Refuse a format version whose major number is newer than that of this software."""
    major = version.split(".")[0]
    if not (major.isascii() and major.isdigit() and len(major) < 10):
        raise DatasetError(f"{name} has format version {version[:40]!r}; a number such as {FORMAT_VERSION} is expected")
    if int(major) > int(FORMAT_VERSION.split(".")[0]):
        raise DatasetError(
            f"{name} has format version {version[:40]}; this software reads {FORMAT_VERSION}; use the version that wrote it"
        )


def section(settings: Mapping[str, Any], group: str) -> dict[str, Any]:
    """Return a group of settings; {} where there is none."""
    found = settings.get(group)
    return found if isinstance(found, dict) else {}


def number_of(settings: Mapping[str, Any], group: str, key: str, name: str) -> float:
    """Return a number of a group of settings; DatasetError where there is none, `name` says whose settings they are."""
    value = section(settings, group).get(key)
    if isinstance(value, bool) or not isinstance(value, (int, float)):
        raise DatasetError(
            f"the settings of {name} have {group}.{key} = {value!r}; a number is expected: render or convert it again"
        )
    return float(value)
