"""Merge data sets.

    python -m dataset.merge data/monday data/tuesday --out data/both
    python -m dataset.merge data/mine s3://bucket/theirs --out data/both

The data sets must have the same major format version, fields, shapes, sample rate and indirect ratio. Where only some of them
have the fields of the camera (formats before 1.1 do not), or cameras differ, the fields are added to the shards that lack them,
from their settings. A scene is identified by its content. It belongs to one split, that of the first data set that contains it,
and keeps the name it has there; another scene of the same name gets part of its digest appended. A set that several data sets
contain is taken once; different sets with the same id are renumbered. All changes are printed. All credits are kept. Repeat an
interrupted command to resume it.
"""

from __future__ import annotations

import argparse
import hashlib
import sys
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import h5py

from dataset.command import exit_status, place_argument, print_made
from dataset.errors import DatasetError
from dataset.format.derived import derived, is_derived
from dataset.format.documents import section
from dataset.format.manifest import SHARDS
from dataset.format.schema import FIELDS, FORMAT_VERSION, GROWS
from dataset.rewriting.resume import HISTORY, begin, digest_of, finish, made_by
from dataset.rewriting.rewrite import Piece, write_pieces
from dataset.storage.open import open_store
from dataset.storage.output import open_output
from dataset.storage.store import Store

EQUAL = (
    ("camera", "width_px"), ("camera", "height_px"), ("acoustics", "sample_rate_hz"), ("acoustics", "indirect_ratio"),
)  # fmt: skip
"""Settings that define the meaning of fields: they must be equal."""
BETWEEN = " | "
"""Separates the values of a setting that differs between the data sets; every shard keeps its own."""


@dataclass
class Names:
    """Names of scenes, sets and shards in the merged data set; grows as data sets are added."""

    scenes: dict[str, str] = field(default_factory=dict)
    """Digest of a scene's content: its name in the merged data set."""
    splits: dict[str, str] = field(default_factory=dict)
    """Digest of a scene's content: its split."""
    sets: dict[str, dict[int, str]] = field(default_factory=dict)
    """Scene: number of a set in it: digest that identifies the set."""
    paths: set[str] = field(default_factory=set)
    changes: list[str] = field(default_factory=list)
    """What was renamed or moved, one line each."""
    repeated: Counter[str] = field(default_factory=Counter)
    """Data set: number of its sets that an earlier data set contains."""

    @property
    def notes(self) -> list[str]:
        """Changes to print."""
        return self.changes + [f"{n} sets of {store} are there already" for store, n in self.repeated.items()]

    def note(self, line: str) -> None:
        """Record a change, once."""
        if line not in self.changes:
            self.changes.append(line)

    def scene(self, entry: Mapping[str, Any]) -> str:
        """Return the name of a shard's scene."""
        name, digest = entry["scene"], entry["scene_sha256"]
        taken = name in self.scenes.values()
        return self.scenes.setdefault(digest, f"{name}-{digest[:8]}" if taken else name)

    def path(self, wanted: str, scene: str) -> str:
        """Return a free name for a shard."""
        number = 0
        while wanted in self.paths:
            wanted = f"{SHARDS}/{scene}-{number:04d}.h5"
            number += 1
        self.paths.add(wanted)
        return wanted


def merge(roots: Sequence[str | Path], out: str | Path, progress: bool = False) -> tuple[dict[str, Any], list[str]]:
    """Merge data sets (folders or addresses) into a new folder; return its manifest, and the changes, one line each.

    Raise DatasetError where they cannot be merged, and where the folder holds anything else.
    """
    stores = [open_store(root) for root in roots]
    manifests = [store.manifest() for store in stores]
    _check_alike(stores, manifests)
    names = Names()
    recipe = {"command": "merge", "of": [digest_of(store) for store in stores]}
    shared, added = _shared_scenes(manifests), _added_fields(stores, manifests, names)
    pieces = [
        _completed(piece, added)
        for store, m in zip(stores, manifests, strict=True)
        for e in m["shards"]
        if (piece := _piece(store, e, names, shared))
    ]
    if begin(out, recipe, made_by(out), roots):
        shards = write_pieces(out, pieces, "merge", progress)
        open_output(out).write_manifest({**_described(manifests, names), "shards": shards, HISTORY: [recipe]})
        finish(out)
    return open_store(out).manifest(), names.notes


def _check_alike(stores: Sequence[Store], manifests: Sequence[Mapping[str, Any]]) -> None:
    first = _nature(stores[0], manifests[0])
    for store, manifest in zip(stores[1:], manifests[1:], strict=True):
        other = _nature(store, manifest)
        for key in sorted(set(first) | set(other)):
            a, b = first.get(key, "not there"), other.get(key, "not there")
            if a != b:
                raise DatasetError(f"{key} is {a} in {stores[0].name} and {b} in {store.name}; they cannot be merged")


def _nature(store: Store, manifest: Mapping[str, Any]) -> dict[str, Any]:
    """Return what must be equal in all data sets of a merge."""
    if not manifest["shards"]:
        raise DatasetError(f"{store.name} has no shards; leave it out")
    settings = manifest.get("settings", {})
    out = {"format_version": f"{manifest['format_version'].split('.')[0]}.x"}
    out |= {f"setting {group}.{key}": section(settings, group).get(key, "not there") for group, key in EQUAL}
    entry = manifest["shards"][0]
    with store.open(entry) as file:
        sizes = {name: "" if FIELDS[name].axes == (GROWS,) else column.shape[1:] for name, column in file.items()}
        out |= {f"field {name}": f"{column.dtype} {sizes[name]}" for name, column in file.items()}
        for name in (n for n in FIELDS if is_derived(file, n, entry["path"])):
            value = derived(file, name, entry["path"])
            out[f"field {name}"] = f"{value.dtype} {value.shape}"
    return out


def _added_fields(stores: Sequence[Store], manifests: Sequence[Mapping[str, Any]], names: Names) -> set[str]:
    """Return the fields that replace a setting and must be in every merged shard: some shard has them, or the setting differs."""
    added = set()
    for store, manifest in zip(stores, manifests, strict=True):
        with store.open(manifest["shards"][0]) as file:
            added |= {name for name in file if FIELDS[name].setting}
    for name, described in FIELDS.items():
        group, _, key = described.setting.partition(".")
        values = [section(m.get("settings", {}), group).get(key, described.neutral) for m in manifests]
        if described.setting and any(v != values[0] for v in values):
            added.add(name)
            found = ", ".join(f"{v} in {store.name}" for v, store in zip(values, stores, strict=True))
            each = "view" if "V" in described.axes else "set"
            names.note(f"setting {described.setting} is {found}; the field {name} holds the value of every {each}")
    return added


def _completed(piece: Piece, added: set[str]) -> Piece:
    """Let a merged shard have the added fields that its source lacks."""
    if not added:
        return piece
    with piece.store.open(piece.entry) as file:
        lacking = tuple(name for name in sorted(added) if is_derived(file, name, piece.entry["path"]))
    if not lacking:
        return piece
    return replace(piece, attributes={**piece.attributes, "format_version": FORMAT_VERSION}, derived=lacking)


def _shared_scenes(manifests: Sequence[Mapping[str, Any]]) -> set[str]:
    """Return the digests of the scenes that are in more than one data set, or under more than one name."""
    found = Counter(digest for m in manifests for digest, _ in {(s["scene_sha256"], s["scene"]) for s in m["shards"]})
    return {digest for digest, times in found.items() if times > 1}


def _piece(store: Store, entry: Mapping[str, Any], names: Names, shared: set[str]) -> Piece | None:
    """Plan the merged shard of a shard; None where an earlier data set contains all its sets."""
    scene = names.scene(entry)
    split = names.splits.setdefault(entry["scene_sha256"], entry["split"])
    changes: dict[str, Any] = {k: v for k, v in (("scene", scene), ("split", split)) if v != entry[k]}
    rows, ids = None, None
    if "scene" in changes or entry["scene_sha256"] in shared:
        with store.open(entry) as file:
            taken = list(_numbered(file, names.sets.setdefault(scene, {})))
            old = [text.decode() for text in file["set_id"][:]]
        new = [f"{scene}/{number}" for _, number in taken]
        if len(taken) < len(old):
            names.repeated[store.name] += len(old) - len(taken)
            rows = tuple(row for row, _ in taken)
            changes |= {"asked": len(rows)} if "asked" in entry else {}
        if not taken:
            return None
        if new != [old[row] for row, _ in taken]:
            ids = tuple(new)
            names.note(f"sets of {entry['path']} of {store.name} get new ids from {new[0]} on")
    if "split" in changes:
        names.note(f"scene {entry['scene']} of {store.name} goes from {entry['split']} to {split}, where its content is")
    return Piece(store, entry, names.path(f"{SHARDS}/{Path(entry['path']).name}", scene), rows, changes, ids)


def _numbered(file: h5py.File, known: dict[int, str]) -> Iterator[tuple[int, int]]:
    """Return the rows of a shard that are not in `known`, each with its number, a new number where that is taken."""
    parts = [file[name][:] for name in ("position", "heading", "source_position")]
    for row, text in enumerate(file["set_id"][:]):
        digest = hashlib.sha256(str(file.attrs["settings"]).encode())
        for part in parts:
            digest.update(part[row].tobytes())
        name, number = digest.hexdigest(), int(text.decode().rsplit("/", 1)[1])
        if name in known.values():
            continue
        if number in known:
            number = max(known) + 1
        known[number] = name
        yield row, number


def _described(manifests: Sequence[Mapping[str, Any]], names: Names) -> dict[str, Any]:
    """Join the manifests, under the new names of scenes."""
    renamed = [{s["scene"]: names.scenes[s["scene_sha256"]] for s in m["shards"]} for m in manifests]
    out: dict[str, Any] = {"shards": [], "settings": _joined([m.get("settings", {}) for m in manifests])}
    credits: dict[str, list[str]] = {}
    for m, new in zip(manifests, renamed, strict=True):
        for kind, lines in m.get("credits", {}).items():
            renamed_lines = [_credit(str(line), new) if kind == "scenes" else str(line) for line in lines]
            credits[kind] = list(dict.fromkeys([*credits.get(kind, []), *renamed_lines]))
        if "scene_credits" in m:
            out["scene_credits"] = {
                **{new.get(k, k): v for k, v in m["scene_credits"].items()}, **out.get("scene_credits", {})
            }  # fmt: skip
        for entry in m.get("shortfalls", []):
            out.setdefault("shortfalls", []).append({**entry, "scene": new.get(entry["scene"], entry["scene"])})
        out.setdefault("failures", []).extend(f for f in m.get("failures", []) if f not in out["failures"])
        for key in ("clips_left_out", "hrtfs_left_out"):
            out[key] = {**m.get(key, {}), **out.get(key, {})}
        out.setdefault("hrtf_files", []).extend(f for f in m.get("hrtf_files", []) if f not in out["hrtf_files"])
    return {**out, "credits": credits, "software": _joined([m.get("software", {}) for m in manifests])}


def _credit(line: str, renamed: Mapping[str, str]) -> str:
    scene, colon, credit = line.partition(": ")
    return f"{renamed.get(scene, scene)}{colon}{credit}"


def _joined(settings: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    """Join settings: equal values stay, others become a text of all values, in order."""
    out: dict[str, Any] = {}
    for key in dict.fromkeys(k for s in settings for k in s):
        values = [s.get(key) for s in settings]
        if all(isinstance(v, Mapping) for v in values):
            out[key] = _joined([dict(v) for v in values if isinstance(v, Mapping)])
        elif all(v == values[0] for v in values):
            out[key] = values[0]
        else:
            out[key] = BETWEEN.join(dict.fromkeys("not set" if v is None else str(v) for v in values))
    return out


def main(argv: list[str] | None = None) -> int:
    """Run the command line; return the exit status."""
    parser = argparse.ArgumentParser(
        prog="python -m dataset.merge", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("data", nargs="+", help="folders or addresses of data sets (each holds manifest.json)")
    parser.add_argument("--out", type=place_argument, required=True, help="new folder or address for the merged data set")
    options = parser.parse_args(argv)

    def run() -> int:
        if len(options.data) < 2:
            raise DatasetError("one data set is given; give two or more")
        manifest, notes = merge(options.data, options.out, progress=True)
        for note in notes:
            print(f"note: {note}")
        print_made(options.out, manifest)
        return 0

    return exit_status(run)


if __name__ == "__main__":
    sys.exit(main())
