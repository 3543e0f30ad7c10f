"""Checks of a data set's files: splits of the manifest, stray files, published files, checksums, fields of shards."""

from __future__ import annotations

import hashlib
from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping
from pathlib import Path, PurePosixPath
from typing import Any

import h5py

from dataset.errors import DatasetError
from dataset.format.block_digests import BLOCK, FOLDER, block_digests
from dataset.format.derived import derived, is_derived
from dataset.format.documents import check_inside, section
from dataset.format.manifest import NAME, SUMS
from dataset.format.pictures import is_encoded
from dataset.format.schema import FIELDS, TEXT, check_array
from dataset.format.shard import absent_of, foreign_members
from dataset.format.splits import SPLITS
from dataset.storage.store import Store

NEEDED = ("set_id", "rgb", "position", "heading", "source_position", "azimuth", "elevation", "distance")
"""Fields that no shard may declare absent."""
BESIDE = ("README*", "LICEN[CS]E*", "CITATION.cff", "croissant.json", "*.jpg", "*.html", "preview/*")
"""Files that may lie beside the manifest: publications, pages and pictures."""
UNFINISHED = (".part", ".recipe.json", ".manifest.next.json")
"""Ends of the names of hidden files that commands leave where they are interrupted."""


def split_problems(manifest: Mapping[str, Any]) -> Iterator[str]:
    """Check that no scene, by name or by content, is in two splits, and that no shard is listed twice."""
    for key in ("scene", "scene_sha256"):
        splits = defaultdict(set)
        for shard in manifest["shards"]:
            splits[shard[key]].add(shard["split"])
        for value, found in splits.items():
            if len(found) > 1:
                yield f"manifest: {key} {value} is in the splits {', '.join(sorted(found))}; scenes must be disjoint"
    for split in sorted({s["split"] for s in manifest["shards"]} - set(SPLITS)):
        yield f"manifest: split {split!r} is unknown; {', '.join(SPLITS)} are expected"
    for path, times in sorted(Counter(s["path"] for s in manifest["shards"]).items()):
        if times > 1:
            yield f"manifest: shard {path} is listed twice"


def stray_files(store: Store, manifest: Mapping[str, Any], foreign: bool) -> Iterator[str]:
    """Find unlisted shards, unfinished files, and, where `foreign` is true, files that are no part of the data set."""
    shards = {s["path"] for s in manifest["shards"]}
    blocks = {s["blocks"]["path"] for s in manifest["shards"] if "blocks" in s}
    published = {name for _, name in _sums(store)}
    for path in store.files():
        if path in shards | blocks | published | {NAME, SUMS} or any(PurePosixPath(path).match(p) for p in BESIDE):
            continue
        if any(part.startswith(".") for part in PurePosixPath(path).parts):
            if path.endswith(UNFINISHED):
                yield f"{path}: left by an interrupted command; repeat that command to finish it"
        elif path.endswith(".h5"):
            yield f"{path}: not in the manifest; finish the render or delete it"
        elif foreign and not path.startswith(f"{FOLDER}/"):
            yield f"{path}: not part of the data set; move it out of the folder"


def published_problems(store: Store, manifest: Mapping[str, Any]) -> Iterator[str]:
    """Check the files that python -m dataset.share wrote against its list of checksums; shards are checked by the manifest."""
    listed = {s["path"]: s["sha256"] for s in manifest["shards"]}
    for digest, name in _sums(store):
        check_inside(name, f"{store.name}/{SUMS}")
        if name in listed:
            if digest != listed[name]:
                yield f"{name}: {SUMS} and the manifest list different SHA-256; share the data set again"
            continue
        try:
            if hashlib.sha256(store.read(name)).hexdigest() != digest:
                yield f"{name}: its SHA-256 is not that of {SUMS}: damaged or replaced; copy it, or share the data set, again"
        except FileNotFoundError:
            yield f"{name}: missing, though {SUMS} lists it; copy it, or share the data set, again"


def digest_problems(store: Store, path: Path, entry: Mapping[str, Any]) -> Iterator[str]:
    """Check the size and digests of a shard against the manifest."""
    digests, whole = block_digests(path, entry.get("blocks", {}).get("bytes_each", BLOCK))
    if path.stat().st_size != entry["bytes"]:
        yield f"has {path.stat().st_size} bytes, the manifest says {entry['bytes']}: truncated or replaced"
    elif whole != entry["sha256"]:
        yield "its SHA-256 is not the manifest's: damaged or replaced"
    elif "blocks" in entry:
        yield from _block_problems(store, entry, digests)


def field_problems(file: h5py.File, entry: Mapping[str, Any]) -> dict[str, str]:
    """Check the names, types and shapes of a shard's fields: {field: problem or ''}."""
    foreign = foreign_members(file)
    out = {name: foreign.get(name, "").removeprefix("is ") for name in file}
    sizes: dict[str, int] = {}
    for name in file:
        if not out[name]:
            out[name] = _field_problem(name, file[name], entry["sets"], sizes)
    absent = absent_of(file, entry["path"])
    for name, field in FIELDS.items():
        if name == "rgb" and is_encoded(file):
            continue
        if name not in out and not field.optional and (name not in absent or name in NEEDED):
            out[name] = "missing"
        elif is_derived(file, name, entry["path"]):
            out[name] = _derived_problem(file, name, entry["path"])
    return out


def hrtf_problem(file: h5py.File, settings: Mapping[str, Any]) -> str:
    """Return what is wrong with the indices of a shard's HRTF files; empty where nothing is."""
    listed = section(settings, "inputs").get("hrtf")
    if "hrtf" not in file or not isinstance(listed, list):  # renders of format 1.0 and conversions list none
        return ""
    highest = int(file["hrtf"][:].max(initial=0))
    return (
        "" if highest < len(listed) else f"field hrtf has the index {highest}; the shard's settings list {len(listed)} HRTF files"
    )


def _derived_problem(file: h5py.File, name: str, path: str) -> str:
    try:
        derived(file, name, path)
    except DatasetError as error:
        return f"missing, and {error}"
    return ""


def _field_problem(name: str, column: h5py.Dataset, sets: int, sizes: dict[str, int]) -> str:
    if column.ndim == 0 or len(column) != sets:
        return f"has {len(column) if column.ndim else 'no'} sets; the manifest says {sets}"
    if FIELDS[name].dtype == TEXT:
        text = h5py.check_string_dtype(column.dtype) is not None and column.ndim == 1
        return "" if text else f"is {column.dtype}; one UTF-8 string per set is expected"
    try:
        check_array(name, column.dtype, column.shape[1:], sizes)
    except DatasetError as error:
        return str(error)
    return ""


def _block_problems(store: Store, entry: Mapping[str, Any], digests: bytes) -> Iterator[str]:
    name = entry["blocks"]["path"]
    try:
        listed = store.read(name)
    except FileNotFoundError:
        yield f"{name}, the digests of its blocks, is missing; copy it, or share the data set, again"
        return
    if listed != digests or hashlib.sha256(listed).hexdigest() != entry["blocks"]["sha256"]:
        yield f"{name}, the digests of its blocks, is damaged or replaced; copy it, or share the data set, again"


def _sums(store: Store) -> list[tuple[str, str]]:
    """Return the digests and names that SHA256SUMS lists; [] where there is none."""
    try:
        lines = store.read(SUMS).decode(errors="replace").splitlines()
    except FileNotFoundError:
        return []
    parts = [line.partition("  ") for line in lines]
    return [(digest, name) for digest, _, name in parts]
