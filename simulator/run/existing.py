"""What a folder or an address holds before a render: the earlier manifest, finished shards, damaged ones."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import h5py

from dataset.errors import DatasetError
from dataset.format.documents import sha256_of
from dataset.format.manifest import NAME, SHARDS, describe_file, parse_manifest
from dataset.format.shard import open_shard
from dataset.storage.output import open_output
from simulator.errors import InputError
from simulator.run.threads import in_threads


def earlier_manifest(out: str | Path, digest: dict[str, Any]) -> dict[str, Any]:
    """Return the manifest of a previous run with the same settings in a folder or at an address; {} where there is none."""
    try:
        content = open_output(out).read(NAME)
    except FileNotFoundError:
        return {}
    try:
        manifest = parse_manifest(content.decode(errors="replace"), f"{out}/{NAME}")
    except DatasetError:
        return {}
    return manifest if manifest.get("settings") == digest else {}


def matches(path: Path, entry: Mapping[str, Any]) -> bool:
    """Whether a shard has the size and the SHA-256 of its entry in the manifest."""
    return bool(path.stat().st_size == entry["bytes"] and sha256_of(path) == entry["sha256"])


def existing(
    out: Path, digest: dict[str, Any], damaged: dict[Path, str], entries: Sequence[dict[str, Any]]
) -> dict[str, dict[str, Any]]:
    """Return the attributes of existing sound shards, {file name: attributes}; unreadable ones are added to `damaged`.

    Those that are as their entries in the manifest say are not opened: an entry has the attributes.
    """
    known = {out / e["path"]: e for e in entries if {"asked", "scene_sha256", "split"} <= set(e)}
    found: dict[str, dict[str, Any]] = {}
    for path in sorted((out / SHARDS).glob("*.h5"), key=lambda path: path.name):
        if path in damaged or not path.is_file():
            continue
        if path in known:
            found[path.name] = known[path]
            continue
        attributes = _attributes(path, str(out), digest)
        if attributes is None:
            damaged[path] = f"shard {path} is damaged"
        else:
            found[path.name] = attributes
    return found


def _attributes(path: Path, out: str, digest: dict[str, Any]) -> dict[str, Any] | None:
    """Return the attributes of a sound shard of these settings, None where it is damaged; InputError where it is another file."""
    try:
        path.open("rb").close()  # an OSError here says nothing about the content
        with open_shard(path) as file:
            attributes = dict(file.attrs)
        stored = json.loads(attributes["settings"])
    except (DatasetError, ValueError) as error:
        if _is_foreign(path):
            raise InputError(f"{error}; choose another --out, or move that file away") from None
        return None
    except OSError as error:
        raise InputError(f"shard {path} cannot be read ({error.strerror}); check its permissions and its disk") from None
    if stored != digest:
        raise InputError(
            f"{out} holds shards of other settings ({_difference(stored, digest)}); choose another --out, "
            "or use the settings, clips and software of these"
        )
    return attributes


Existing = tuple[dict[Path, str], dict[str, dict[str, Any]], dict[Path, dict[str, Any]]]
"""Damaged shards with their faults; attributes of sound ones by file name; entries of those that no manifest lists."""


def at_address(address: str, out: Path, digest: dict[str, Any], entries: Sequence[dict[str, Any]]) -> Existing:
    """Return what is at an address. Listed shards, whose digests were confirmed, are compared by size; others are downloaded."""
    place, known = open_output(address), {e["path"]: e for e in entries}
    damaged: dict[Path, str] = {}
    done: dict[str, dict[str, Any]] = {}
    present: dict[Path, dict[str, Any]] = {}
    for name, size in place.sizes(SHARDS).items():
        path = out / name
        if name in known and size == known[name]["bytes"]:
            done[path.name] = known[name]
        elif name in known:
            damaged[path] = f"shard {address}/{name} has {size} bytes, the manifest says {known[name]['bytes']}"
        elif name.endswith(".h5"):
            with place.local(name) as copy:
                attributes = _attributes(copy, address, digest)
                if attributes is None:
                    damaged[path] = f"shard {address}/{name} is damaged"
                    continue
                done[path.name], present[path] = attributes, described(copy, name)
    return damaged, done, present


def described(path: Path, name: str) -> dict[str, Any]:
    """Return the manifest's entry of a shard's file, which has a name in the data set; DatasetError where it is damaged."""
    with open_shard(path) as file:
        first, asked, credit = (file.attrs[k] for k in ("first", "asked", "credit"))
        sets = int(json.loads(file.attrs["settings"])["shard_sets"])
    return {**describe_file(path, name), "shard": int(first) // sets, "asked": int(asked), "credit": str(credit)}


def _is_foreign(path: Path) -> bool:
    """Whether a file that is not a shard is another, sound HDF5 file, which must not be overwritten."""
    try:
        h5py.File(path, "r", locking=False).close()
    except OSError:
        return False
    return True


def changed(out: Path, entries: Sequence[dict[str, Any]]) -> dict[Path, str]:
    """Return the shards that differ from their entries in the manifest, {path: fault}; all of their bytes are read."""

    there = [(out / e["path"], e) for e in entries if (out / e["path"]).is_file()]
    same = in_threads(lambda one: matches(*one), there)
    changed = (path for (path, _), good in zip(there, same, strict=True) if not good)
    return {path: f"shard {path} differs from its checksum in the manifest" for path in changed}


def _difference(stored: dict[str, Any], wanted: dict[str, Any], prefix: str = "") -> str:
    parts = []
    for key in sorted(set(stored) | set(wanted)):
        a, b = stored.get(key), wanted.get(key)
        if isinstance(a, dict) and isinstance(b, dict):
            parts.append(_difference(a, b, f"{prefix}{key}."))
        elif a != b:
            parts.append(f"{prefix}{key}: {str(a)[:24]} there, {str(b)[:24]} requested")
    return ", ".join(p for p in parts if p)
