"""Prove a data set: checksums, format, ranges, geometry, sound and splits.

    python -m dataset.verify data/slfm
    python -m dataset.verify s3://bucket/slfm       fetches every byte

Prints every problem with its shard and set; exit status 0 when there is none, 1 when there are some, 2 for wrong use.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import sys
from collections import defaultdict
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import h5py
import numpy as np
from scipy.signal import oaconvolve
from tqdm import tqdm

from dataset.angles import wrap_180
from dataset.errors import DatasetError
from dataset.format.block_digests import BLOCK, block_digests
from dataset.format.manifest import SUMS, check_inside, open_shard
from dataset.format.schema import FIELDS, RANGES, TEXT, check_array
from dataset.format.splits import SPLITS
from dataset.geometry import source_directions
from dataset.responses import full_response
from dataset.storage.cache import note_checked
from dataset.storage.open import open_store
from dataset.storage.store import Folder, Store

AUDIO_ERROR_DB = -75.0
"""Sound may differ from its own convolution by the rounding of storage (about -86 dB each), not more."""
NEEDED = ("set_id", "rgb", "position", "heading", "source_position", "azimuth", "elevation", "distance")
"""Fields that no shard may declare absent."""


def verify(root: str | Path, progress: bool = False) -> list[str]:
    """Check a data set and give the problems found, one line each; DatasetError where the manifest is unusable.

    root: a folder, or an address as for reader.Dataset, of which every byte is fetched.
    """
    store = open_store(root, check=False)
    manifest = store.manifest()
    problems = list(_split_problems(manifest)) + list(_stray_shards(store, manifest)) + list(_published_problems(store, manifest))
    seen: dict[str, str] = {}
    total = sum(int(s["sets"]) for s in manifest["shards"])
    with tqdm(total=total, unit="set", desc="verify", disable=not progress) as bar:
        for shard in manifest["shards"]:
            try:
                with store.whole(shard) as path:
                    found = list(_shard_problems(store, path, shard, seen, bar))
                    if not found and isinstance(store, Folder):
                        note_checked(path, shard["sha256"])
            except FileNotFoundError:
                found = ["missing; copy it again or render it again"]
            problems += [f"{shard['path']}: {problem}" for problem in found]
    return problems


def _split_problems(manifest: dict[str, Any]) -> Iterator[str]:
    """Check that no scene, by name or by content, is in two splits."""
    for key in ("scene", "scene_sha256"):
        splits = defaultdict(set)
        for shard in manifest["shards"]:
            splits[shard[key]].add(shard["split"])
        for value, found in splits.items():
            if len(found) > 1:
                yield f"manifest: {key} {value} is in the splits {', '.join(sorted(found))}; scenes must be disjoint"
    for split in sorted({s["split"] for s in manifest["shards"]} - set(SPLITS)):
        yield f"manifest: split {split!r} is unknown; {', '.join(SPLITS)} are expected"
    paths = [s["path"] for s in manifest["shards"]]
    for path in sorted({p for p in paths if paths.count(p) > 1}):
        yield f"manifest: shard {path} is listed twice"


def _stray_shards(store: Store, manifest: dict[str, Any]) -> Iterator[str]:
    known = {s["path"] for s in manifest["shards"]}
    for path in store.shards():
        if path not in known:
            yield f"{path}: not in the manifest; finish the render or delete it"


def _published_problems(store: Store, manifest: dict[str, Any]) -> Iterator[str]:
    """Check the files that python -m dataset.share wrote, by their list of checksums; shards are checked by the manifest."""
    try:
        lines = store.read(SUMS).decode(errors="replace").splitlines()
    except FileNotFoundError:
        return
    listed = {s["path"]: s["sha256"] for s in manifest["shards"]}
    for line in lines:
        digest, _, name = line.partition("  ")
        check_inside(name, f"{store.name}/{SUMS}")
        if name in listed:
            if digest != listed[name]:
                yield f"{name}: {SUMS} and the manifest give different SHA-256; share the data set again"
            continue
        try:
            if hashlib.sha256(store.read(name)).hexdigest() != digest:
                yield f"{name}: its SHA-256 is not that of {SUMS}: damaged or replaced; copy it, or share the data set, again"
        except FileNotFoundError:
            yield f"{name}: missing, though {SUMS} lists it; copy it, or share the data set, again"


def _shard_problems(store: Store, path: Path, entry: dict[str, Any], seen: dict[str, str], bar: tqdm) -> Iterator[str]:
    digests, whole = block_digests(path, entry.get("blocks", {}).get("bytes_each", BLOCK))
    if path.stat().st_size != entry["bytes"]:
        yield f"has {path.stat().st_size} bytes, the manifest says {entry['bytes']}: truncated or replaced"
    elif whole != entry["sha256"]:
        yield "its SHA-256 is not the manifest's: damaged or replaced"
    elif "blocks" in entry:
        yield from _block_problems(store, entry, digests)
    try:
        with open_shard(path) as file:
            for key in ("scene", "scene_sha256", "split"):
                if str(file.attrs[key]) != entry[key]:
                    yield f"attribute {key} is {file.attrs[key]!r}, the manifest says {entry[key]!r}"
            yield from _file_problems(file, entry, seen, bar)
    except DatasetError as error:
        yield str(error)
    except (OSError, RuntimeError, KeyError, ValueError, TypeError) as error:
        yield f"cannot be read to its end ({type(error).__name__}: {error}); copy it again"


def _block_problems(store: Store, entry: dict[str, Any], digests: bytes) -> Iterator[str]:
    name = entry["blocks"]["path"]
    try:
        listed = store.read(name)
    except FileNotFoundError:
        yield f"{name}, the digests of its blocks, is missing; copy it, or share the data set, again"
        return
    if listed != digests or hashlib.sha256(listed).hexdigest() != entry["blocks"]["sha256"]:
        yield f"{name}, the digests of its blocks, is damaged or replaced; copy it, or share the data set, again"


def _file_problems(file: h5py.File, entry: dict[str, Any], seen: dict[str, str], bar: tqdm) -> Iterator[str]:
    fields = _fields(file, entry["sets"])
    for name, problem in fields.items():
        if problem:
            yield f"field {name}: {problem}"
    if any(fields.values()):
        return
    settings = json.loads(file.attrs["settings"])
    ratio = float(settings["acoustics"]["indirect_ratio"])
    for row in range(entry["sets"]):
        one = {name: file[name][row] for name in fields}
        name = one["set_id"].decode()
        if name in seen:
            yield f"set {name} is in {seen[name]} too"
        seen[name] = entry["path"]
        for problem in set_problems(one, ratio, entry["scene"], int(file.attrs["sample_rate"])):
            yield f"set {name}: {problem}"
        bar.update()


def _fields(file: h5py.File, sets: int) -> dict[str, str]:
    """Check names, types and shapes of a shard's fields: {field: problem or ''}."""
    out = dict.fromkeys(file, "")
    sizes: dict[str, int] = {}
    for name in file:
        if name not in FIELDS:
            out[name] = "unknown"
        elif len(file[name]) != sets:
            out[name] = f"has {len(file[name])} sets; the manifest says {sets}"
        elif FIELDS[name].dtype == TEXT:
            if h5py.check_string_dtype(file[name].dtype) is None or file[name].ndim != 1:
                out[name] = f"is {file[name].dtype}; one UTF-8 string a set is expected"
        else:
            try:
                check_array(name, file[name].dtype, file[name].shape[1:], sizes)
            except DatasetError as error:
                out[name] = str(error)
    absent = json.loads(file.attrs.get("absent", "{}"))
    for name, field in FIELDS.items():
        if name not in file and not field.optional and (name not in absent or name in NEEDED):
            out[name] = "missing"
    return out


def set_problems(one: dict[str, Any], indirect_ratio: float, scene: str, sample_rate: int) -> Iterator[str]:
    """Check one set, as read from its shard: finite, in range, geometry as stored, sound as its responses say."""
    set_id = one["set_id"].decode()
    if not set_id.startswith(f"{scene}/") or not set_id.rsplit("/", 1)[1].isdigit():
        yield f"its id is not {scene}/<index>"
    infinite = [n for n, v in one.items() if getattr(v, "dtype", None) == np.float32 and not _finite(n, v)]
    if infinite:
        yield f"NaN or infinite values in {', '.join(infinite)}"
        return
    for name, (low, high) in RANGES.items():
        if name not in one:
            continue
        known = one[name][~np.isnan(one[name])]
        if known.size and (known.min() < low or known.max() > high or (name == "heading" and known.max() >= high)):
            yield f"{name} is outside {low} to {high}: {known.min():.3f} to {known.max():.3f}"
    yield from _geometry_problems(one)
    if {"audio", "mono", "clips"} <= set(one):  # a shard may declare them absent
        if np.abs(one["audio"]).max() == 0 or np.abs(one["mono"]).max(-1).min() == 0:
            yield "silent audio or mono"
        yield from _clip_problems(one, sample_rate)
        yield from _sound_problems(one, indirect_ratio)


def _finite(name: str, values: np.ndarray) -> bool:
    """Return whether all values are finite; the decay time is NaN where the response is too short to know it."""
    return bool(np.isfinite(values[~np.isnan(values)] if name == "rt60" else values).all())


def _geometry_problems(one: dict[str, Any]) -> Iterator[str]:
    for name, value in source_directions(one["position"], one["heading"], one["source_position"]).items():
        gap = wrap_180(one[name] - value) if name == "azimuth" else one[name] - value
        worst = float(np.abs(gap).max())
        if worst > 0.01:
            yield f"{name} differs from the geometry of heading, position and source_position by {worst:.3f}"


def _clip_problems(one: dict[str, Any], sample_rate: int) -> Iterator[str]:
    try:
        clips = json.loads(one["clips"])
        complete = all({"clip", "start_s", "rms", "sha256"} <= set(c) for c in clips)
    except (ValueError, TypeError):
        clips, complete = [], False
    if not complete or len(clips) != len(one["mono"]):
        yield "clips is not a JSON list with clip, start_s, rms and sha256 for each source"
        return
    for k, clip in enumerate(clips):
        level = float(np.sqrt(np.mean(one["mono"][k].astype(np.float64) ** 2)))
        if abs(level - clip["rms"]) > 0.01 * clip["rms"]:
            yield f"mono of source {k} has the level {level:.4f}, clips says {clip['rms']:.4f}"


def _sound_problems(one: dict[str, Any], indirect_ratio: float) -> Iterator[str]:
    full = full_response(one["brir_direct"], one["brir_indirect"], indirect_ratio, one["brir_indirect"].shape[-1])
    for view, audio in enumerate(one["audio"]):
        heard = oaconvolve(one["mono"][:, None], full[view], axes=-1)[..., : audio.shape[-1]].sum(0)
        error = 10 * np.log10(max(float(((heard - audio) ** 2).sum()), 1e-30) / max(float((audio**2).sum()), 1e-30))
        if error > AUDIO_ERROR_DB:
            yield f"audio of view {view} differs from mono convolved with its responses by {error:.0f} dB"


def main(argv: list[str] | None = None) -> int:
    """Run the command line; return the exit status."""
    parser = argparse.ArgumentParser(
        prog="python -m dataset.verify", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("data", help="folder or address of the data set (it holds manifest.json)")
    root = parser.parse_args(argv).data
    try:
        problems = verify(root, progress=True)
        shards = open_store(root).manifest()["shards"]
    except DatasetError as error:
        print(f"error: {error}", file=sys.stderr)
        return 2
    for problem in problems:
        print(problem)
    sets = sum(int(s["sets"]) for s in shards)
    print(f"{len(shards)} shards, {sets} sets: {f'{len(problems)} problems' if problems else 'all good'}")
    return 1 if problems else 0


if __name__ == "__main__":
    sys.exit(main())
