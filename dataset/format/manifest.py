"""manifest.json: the content of a data set, written last, read first, checked before anything in it is used."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from dataset.atomic import write_text
from dataset.errors import DatasetError
from dataset.format.documents import check_inside, check_name, check_version, is_digest, parse_object, sha256_of
from dataset.format.schema import FORMAT, FORMAT_VERSION
from dataset.format.shard import open_shard
from dataset.interrupts import check

NAME = "manifest.json"
SHARDS = "shards"
SUMS = "SHA256SUMS"
"""Checksums of all published files, as sha256sum -c reads them."""
PUBLISHED = "published"
"""Key of the publication's metadata: title, authors and so on, licences by source."""
ENTRY: dict[str, type] = {
    "path": str, "bytes": int, "sha256": str, "scene": str, "scene_sha256": str, "split": str, "sets": int,
}  # fmt: skip
"""Keys of a shard's entry."""
BLOCKS: dict[str, type] = {"path": str, "bytes_each": int, "sha256": str}
"""Keys of the entry of a shard's block digests."""
SHORTFALL: dict[str, type] = {"asked": int, "given": int, "why": str}
"""Keys, besides `scene`, of the entry of a shard with fewer sets than asked for."""
PUBLICATION: dict[str, type] = {
    "title": str, "authors": list, "url": str, "about": str, "version": str, "date": str, "licences": dict,
}  # fmt: skip
"""Keys of the publication's metadata."""
OPTIONAL: dict[str, type] = {
    "settings": dict, "credits": dict, "scene_credits": dict, "software": dict, "clips_left_out": dict, "hrtfs_left_out": dict,
    PUBLISHED: dict, "hrtf_files": list, "shortfalls": list, "failures": list, "history": list,
}  # fmt: skip
"""Other keys of a manifest, with their types."""


def describe_shard(path: Path, root: Path) -> dict[str, Any]:
    """Return the entry of a shard in a data set's folder for the manifest: a dictionary of ENTRY."""
    return describe_file(path, path.relative_to(root).as_posix())


def describe_file(path: Path, name: str) -> dict[str, Any]:
    """Return the entry of a shard for the manifest of a data set in which it has another name than here."""
    with open_shard(path) as file:
        return {
            "path": name,
            "bytes": path.stat().st_size,
            "sha256": sha256_of(path),
            "scene": str(file.attrs["scene"]),
            "scene_sha256": str(file.attrs["scene_sha256"]),
            "split": str(file.attrs["split"]),
            "sets": len(file["set_id"]),
        }


def write_manifest(root: Path, content: dict[str, Any]) -> None:
    """Write manifest.json atomically, unless the command was interrupted; content holds everything but format and version."""
    check()
    write_text(root / NAME, manifest_text(content))


def manifest_text(content: Mapping[str, Any]) -> str:
    """Return a manifest as JSON, one line for each entry of a list; content holds everything but format and version."""
    whole = {"format": FORMAT, "format_version": FORMAT_VERSION, **content}
    return "{\n" + ",\n".join(f" {json.dumps(key)}: {_lines(value)}" for key, value in whole.items()) + "\n}\n"


def _lines(value: Any) -> str:
    if not isinstance(value, list) or not value:  # entries of shards are many: the encoder without indentation is fast
        return json.dumps(value, indent=1).replace("\n", "\n ")
    return "[\n  " + ",\n  ".join(map(json.dumps, value)) + "\n ]"


def read_manifest(root: Path) -> dict[str, Any]:
    """Read and check manifest.json; DatasetError where it is missing, damaged, newer, or points outside its folder."""
    path = root / NAME
    if not path.is_file():
        raise missing_manifest(str(path), "the folder does not exist" if not root.is_dir() else "there is none")
    return parse_manifest(path.read_text(encoding="utf-8", errors="replace"), str(path))


def missing_manifest(name: str, found: str) -> DatasetError:
    """Return the error for a place without a manifest."""
    remedy = (
        "check the address" if "://" in name else "render first (python -m simulator.render), or finish an interrupted render"
    )
    return DatasetError(f"{name}: {found}; {remedy}")


def parse_manifest(text: str, name: str) -> dict[str, Any]:
    """Check the text of a manifest and return its content; `name` is for messages. DatasetError as for read_manifest."""
    content = parse_object(text, name)
    if content.get("format", FORMAT) != FORMAT:
        raise DatasetError(f"{name} is of format {str(content['format'])[:40]!r}; {FORMAT!r} is expected")
    _check_keys(content, {"format": str, "format_version": str, "shards": list}, OPTIONAL, name)
    check_version(content["format_version"], name)
    for number, shard in enumerate(content["shards"]):
        _check_shard(shard, f"{name}, shard {number}")
    for number, entry in enumerate(content.get("shortfalls", [])):
        _check_keys(entry, {"scene": str}, SHORTFALL, f"{name}, shortfall {number}")
    for number, entry in enumerate(content.get("hrtf_files", [])):
        _check_keys(entry, {"name": str, "title": str, "sha256": str}, {}, f"{name}, HRTF file {number}")
    credits = content.get("credits", {})
    _check_keys(credits, {}, dict.fromkeys(credits, list), f"{name}, credits")
    _check_keys(content.get(PUBLISHED, {}), {}, PUBLICATION, f"{name}, {PUBLISHED}")
    return content


def _check_shard(entry: Any, name: str) -> None:
    _check_keys(entry, ENTRY, {"blocks": dict}, name)
    check_inside(entry["path"], name)
    if "blocks" in entry:
        _check_keys(entry["blocks"], BLOCKS, {}, f"{name}, blocks")
        check_inside(entry["blocks"]["path"], name)
        _check_number(entry["blocks"], "bytes_each", 1, name)
        _check_digest(entry["blocks"], "sha256", name)
    for key in ("sha256", "scene_sha256"):
        _check_digest(entry, key, name)
    for key in ("bytes", "sets"):
        _check_number(entry, key, 0, name)
    for key in ("scene", "split"):
        check_name(entry[key], f"{name}, {key},")


def _check_keys(entry: Any, needed: Mapping[str, type], optional: Mapping[str, type], name: str) -> None:
    """Refuse an entry that is not an object, lacks a key, or has a value of another type."""
    if not isinstance(entry, dict):
        raise _damaged(name, f"a {type(entry).__name__} where an object is expected")
    if missing := [key for key in needed if key not in entry]:
        raise _damaged(name, f"it lacks {', '.join(missing)}")
    for key, kind in {**needed, **optional}.items():
        if key in entry and type(entry[key]) is not kind:
            raise _damaged(name, f"{key} is a {type(entry[key]).__name__}; a {kind.__name__} is expected")


def _check_number(entry: Mapping[str, Any], key: str, least: int, name: str) -> None:
    if not least <= entry[key] < 1 << 62:
        raise _damaged(name, f"{key} is {str(entry[key])[:40]}; {least} or more is expected")


def _check_digest(entry: Mapping[str, Any], key: str, name: str) -> None:
    if not is_digest(entry[key]):
        raise _damaged(name, f"{key} is {entry[key][:80]!r}; 64 hexadecimal digits are expected")


def _damaged(name: str, what: str) -> DatasetError:
    return DatasetError(f"{name} is damaged: {what}; copy the data set again, or move the file away and render again")
