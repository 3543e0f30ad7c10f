"""The plan of a render: scenes, their splits, and the shards that are still missing."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from dataset.format.manifest import SHARDS
from dataset.format.splits import assign_splits
from simulator.acoustics.materials import load_library
from simulator.config import Settings
from simulator.errors import InputError
from simulator.loaders.load import scene_digest
from simulator.receivers.array_files import read_array
from simulator.run.clips import printable
from simulator.run.existing import at_address, changed, earlier_manifest, existing
from simulator.run.output_folder import check_address, check_folder
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
    address: str = ""
    """Where shards go; `out` is then a folder on the local disk of each machine. Empty: they stay in `out`."""
    present: dict[Path, dict[str, Any]] = field(default_factory=dict)
    """Entries of shards at the address that no manifest lists, of an interrupted render."""

    @property
    def name(self) -> str:
        """Return the folder or the address, for messages."""
        return self.address or str(self.out)

    def name_of(self, path: Path) -> str:
        """Return the place of a shard, for messages."""
        return f"{self.address}/{SHARDS}/{path.name}" if self.address else str(path)


def make_plan(scenes: Mapping[str, Path], out: Path, settings: Settings, inputs: Inputs, address: str = "") -> Plan:
    """Return the shards of named scenes, and which of them are missing.

    Existing shards count as finished if they are as the earlier manifest says; damaged ones are rendered again. Raise
    InputError where the folder holds shards of other settings or of another version of a scene, or other files: nothing
    is overwritten. address: where shards go, see Plan.
    """
    digest = settings_digest(settings, inputs)
    if inputs.poses:
        scenes = {name: path for name, path in scenes.items() if name in inputs.poses.sets}
    digests, failures = _digests(scenes)
    check_address(address) if address else check_folder(out)
    before = earlier_manifest(address or out, digest)
    present: dict[Path, dict[str, Any]] = {}
    if address:
        damaged, done, present = at_address(address, out, digest, before.get("shards", []))
    else:
        damaged = changed(out, before.get("shards", []))
        done = existing(out, digest, damaged, before.get("shards", []))
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
    return Plan(out, settings, inputs, digest, tuple(shards), todo, failures, damaged, address, present)


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


def _is_done(shard: Shard, attributes: dict[str, Any] | None, empty: set[tuple[str, int, int]]) -> bool:
    if attributes is None:
        return (shard.scene_sha256, shard.number, shard.asked) in empty  # tried before: the scene yields no such sets
    if attributes["scene_sha256"] != shard.scene_sha256:
        raise InputError(
            f"{shard.path} was rendered from another version of scene {shard.scene}; delete it or choose another --out"
        )
    return bool(attributes["asked"] >= shard.asked)
