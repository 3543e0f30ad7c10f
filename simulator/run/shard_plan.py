"""The plan of a render: scenes, their splits, and the shards that are still missing."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from dataset.errors import DatasetError
from dataset.format.manifest import SHARDS, open_shard, read_manifest
from dataset.format.splits import assign_splits
from simulator.acoustics.materials import load_library
from simulator.config import Settings
from simulator.errors import InputError
from simulator.loaders.load import scene_digest
from simulator.receivers.sofa import BUNDLED as BUNDLED_HRTF
from simulator.receivers.sofa import read_sofa
from simulator.run.simulate import Inputs


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


def make_plan(scenes: Mapping[str, Path], out: Path, settings: Settings, inputs: Inputs) -> Plan:
    """Return the shards of named scenes, and which of them are missing.

    Raise InputError where the folder holds shards of other settings or of another version of a scene: nothing is
    overwritten.
    """
    digest = settings_digest(settings, inputs)
    digests, failures = _digests(scenes)
    done = _existing(out, digest)
    before = earlier_manifest(out, digest)
    known = {s["scene"]: s["split"] for s in (*before.get("shards", []), *done.values())}
    splits = assign_splits([*known, *digests], known)
    shards = []
    for name, sha in digests.items():
        for number, first in enumerate(range(0, settings.sets, settings.shard_sets)):
            path = out / SHARDS / f"{name}-{number:04d}.h5"
            asked = min(settings.shard_sets, settings.sets - first)
            shards.append(Shard(name, scenes[name], sha, splits[name], number, first, asked, path))
    empty = {(s["scene_sha256"], s["shard"], s["asked"]) for s in before.get("shortfalls", []) if s["given"] == 0}
    todo = tuple(s for s in shards if not _is_done(s, done.get(s.path.name), empty))
    return Plan(out, settings, inputs, digest, tuple(shards), todo, failures)


def settings_digest(settings: Settings, inputs: Inputs) -> dict[str, Any]:
    """Return what shards depend on, as stored in them: settings (without the number of sets) and digests of the input files."""
    content = settings.to_dict()
    del content["sets"]
    content["inputs"] = {
        "clips": inputs.clips.digest,
        "hrtf": read_sofa(inputs.hrtf or BUNDLED_HRTF).sha256,
        "materials": load_library(inputs.materials).digest,
    }
    return content


def earlier_manifest(out: Path, digest: dict[str, Any]) -> dict[str, Any]:
    """Return the manifest of an earlier run with the same settings; {} where there is none."""
    try:
        manifest = read_manifest(out)
    except DatasetError:
        return {}
    return manifest if manifest.get("settings") == digest else {}


def prepare_folder(out: Path) -> None:
    """Create the output folder, check that it is writable, and delete what an interrupted run left behind."""
    try:
        folder = out / SHARDS
        folder.mkdir(parents=True, exist_ok=True)
        probe = folder / f".probe.{os.getpid()}"
        probe.write_bytes(b"\0" * 4096)
        probe.unlink()
        clear_parts(out)
    except OSError as error:
        raise InputError(f"--out {out} cannot be written to ({error.strerror or error}); choose another folder") from None


def clear_parts(out: Path) -> None:
    """Delete unfinished shards."""
    for part in (out / SHARDS).glob(".*.part"):
        part.unlink(missing_ok=True)


def _digests(scenes: Mapping[str, Path]) -> tuple[dict[str, str], dict[str, str]]:
    digests, failures = {}, {}
    for name, path in scenes.items():
        try:
            digests[name] = scene_digest(path)
        except OSError as error:
            failures[name] = f"{path} cannot be read ({error.strerror}); check the file"
        except InputError as error:
            failures[name] = str(error)
    return digests, failures


def _existing(out: Path, digest: dict[str, Any]) -> dict[str, dict[str, Any]]:
    """Return the attributes of existing shards: {file name: attributes}; damaged shards count as missing."""
    found = {}
    for path in sorted((out / SHARDS).glob("*.h5")):
        try:
            with open_shard(path) as file:
                attributes = dict(file.attrs)
        except DatasetError:
            continue
        stored = json.loads(attributes["settings"])
        if stored != digest:
            raise InputError(
                f"{out} holds shards of other settings ({_difference(stored, digest)}); choose another --out, "
                "or use the settings of these"
            )
        found[path.name] = attributes
    return found


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
