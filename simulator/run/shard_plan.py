"""The plan of a render: scenes, their splits, and the shards that are still missing."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import h5py

from dataset.errors import DatasetError
from dataset.format.documents import sha256_of
from dataset.format.manifest import SHARDS, read_manifest
from dataset.format.shard import open_shard
from dataset.format.splits import assign_splits
from simulator.acoustics.materials import load_library
from simulator.config import Settings
from simulator.errors import InputError
from simulator.loaders.load import scene_digest
from simulator.receivers.array_files import read_array
from simulator.run.clips import printable
from simulator.run.output_folder import check_folder
from simulator.run.simulate import Inputs
from simulator.run.threads import in_threads
from simulator.run.version import simulator_version


@dataclass(frozen=True)
class Shard:
    """One unit of work: some sets of one scene, in one file."""

    scene: str
    scene_path: Path
    scene_sha256: str
    split: str
    number: int
    first: int
    asked: int
    path: Path


@dataclass(frozen=True)
class Plan:
    """All shards of a render, and those still to be rendered."""

    out: Path
    settings: Settings
    inputs: Inputs
    digest: dict[str, Any]
    """Everything that a shard's content depends on besides scene and index; stored in each shard."""
    shards: tuple[Shard, ...]
    todo: tuple[Shard, ...]
    failures: dict[str, str] = field(default_factory=dict)
    """Scenes that cannot be read at all, and why."""
    damaged: dict[Path, str] = field(default_factory=dict)
    """Shards in the folder that are damaged, and how."""


def make_plan(scenes: Mapping[str, Path], out: Path, settings: Settings, inputs: Inputs) -> Plan:
    """Return the shards of named scenes, and which of them are missing.

    Existing shards count as finished if they are as the earlier manifest says; damaged ones are rendered again. Raise
    InputError where the folder holds shards of other settings or of another version of a scene, or other files: nothing
    is overwritten.
    """
    check_folder(out)
    digest = settings_digest(settings, inputs)
    if inputs.poses:
        scenes = {name: path for name, path in scenes.items() if name in inputs.poses.sets}
    digests, failures = _digests(scenes)
    before = earlier_manifest(out, digest)
    damaged = _changed(out, before.get("shards", []))
    done = _existing(out, digest, damaged, before.get("shards", []))
    known = {str(s["scene_sha256"]): str(s["split"]) for s in (*before.get("shards", []), *done.values())}
    splits = assign_splits([*known, *digests.values()], known)
    shards, folder = [], out / SHARDS
    for name, sha in digests.items():
        sets = len(inputs.poses.sets[name]) if inputs.poses else settings.sets
        for number, first in enumerate(range(0, sets, settings.shard_sets)):
            path = folder / f"{name}-{number:04d}.h5"
            asked = min(settings.shard_sets, sets - first)
            shards.append(Shard(name, scenes[name], sha, splits[sha], number, first, asked, path))
    empty = {(s["scene_sha256"], s["shard"], s["asked"]) for s in before.get("shortfalls", []) if s["given"] == 0}
    todo = tuple(s for s in shards if not _is_done(s, done.get(s.path.name), empty))
    return Plan(out, settings, inputs, digest, tuple(shards), todo, failures, damaged)


def settings_digest(settings: Settings, inputs: Inputs) -> dict[str, Any]:
    """Return what shards depend on, as stored in them: settings (without the number of sets) and digests of the input files."""
    content = settings.to_dict()
    del content["sets"]
    content["inputs"] = {
        "clips": inputs.clips.digest,
        "hrtf": [file.sha256 for file in inputs.hrtfs.files],
        "materials": load_library(inputs.materials).digest,
        "simulator": simulator_version(),
        **({"poses": inputs.poses.sha256} if inputs.poses else {}),
        **({"receiver": read_array(inputs.array.path).to_dict()} if inputs.array else {}),
    }
    return content


def earlier_manifest(out: Path, digest: dict[str, Any]) -> dict[str, Any]:
    """Return the manifest of a previous run with the same settings; {} where there is none."""
    try:
        manifest = read_manifest(out)
    except DatasetError:
        return {}
    return manifest if manifest.get("settings") == digest else {}


def matches(path: Path, entry: Mapping[str, Any]) -> bool:
    """Whether a shard has the size and the SHA-256 of its entry in the manifest."""
    return bool(path.stat().st_size == entry["bytes"] and sha256_of(path) == entry["sha256"])


def _digests(scenes: Mapping[str, Path]) -> tuple[dict[str, str], dict[str, str]]:
    """Return the digests of scenes by name, and why others cannot be read."""
    found = dict(zip(scenes, in_threads(_digest, list(scenes.values())), strict=True))
    return (
        {name: digest for name, (digest, why) in found.items() if not why},
        {name: why for name, (_, why) in found.items() if why},
    )


def _digest(path: Path) -> tuple[str, str]:
    """Return the digest of a scene, or why it cannot be read."""
    if printable(str(path)) != str(path):
        return "", f"{printable(str(path))} is not UTF-8; rename it"
    try:
        return scene_digest(path), ""
    except OSError as error:
        return "", f"{path} cannot be read ({error.strerror}); check the file"
    except InputError as error:
        return "", str(error)


def _existing(
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
        try:
            path.open("rb").close()  # an OSError here says nothing about the content
            with open_shard(path) as file:
                attributes = dict(file.attrs)
            stored = json.loads(attributes["settings"])
        except (DatasetError, ValueError) as error:
            if _is_foreign(path):
                raise InputError(f"{error}; choose another --out, or move that file away") from None
            damaged[path] = f"shard {path} is damaged"
            continue
        except OSError as error:
            raise InputError(f"shard {path} cannot be read ({error.strerror}); check its permissions and its disk") from None
        if stored != digest:
            raise InputError(
                f"{out} holds shards of other settings ({_difference(stored, digest)}); choose another --out, "
                "or use the settings, clips and software of these"
            )
        found[path.name] = attributes
    return found


def _is_foreign(path: Path) -> bool:
    """Whether a file that is not a shard is another, sound HDF5 file, which must not be overwritten."""
    try:
        h5py.File(path, "r", locking=False).close()
    except OSError:
        return False
    return True


def _changed(out: Path, entries: Sequence[dict[str, Any]]) -> dict[Path, str]:
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


def _is_done(shard: Shard, attributes: dict[str, Any] | None, empty: set[tuple[str, int, int]]) -> bool:
    if attributes is None:
        return (shard.scene_sha256, shard.number, shard.asked) in empty  # tried before: the scene yields no such sets
    if attributes["scene_sha256"] != shard.scene_sha256:
        raise InputError(
            f"{shard.path} was rendered from another version of scene {shard.scene}; delete it or choose another --out"
        )
    return bool(attributes["asked"] >= shard.asked)
