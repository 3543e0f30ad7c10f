"""Conversion of SLfM's published layout into shards; fields that the layout lacks are declared absent."""

from __future__ import annotations

import hashlib
import json
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from itertools import groupby
from pathlib import Path
from typing import Any

from dataset.atomic import clear_parts
from dataset.errors import DatasetError
from dataset.format.documents import read_object, section
from dataset.format.manifest import SHARDS, describe_shard, read_manifest, write_manifest
from dataset.format.schema import FORMAT, FORMAT_VERSION
from dataset.format.shard import open_shard
from dataset.format.writer import ShardWriter
from dataset.layouts.slfm_lists import choose_pairs, digest_of_lists, lists_folder
from dataset.layouts.slfm_pair import Kind, Pair, PairError, Taps, indirect_ratio, inspect, read_metadata, read_set, tilt_deg
from dataset.progress import progress_bar
from dataset.rewriting.resume import HISTORY, begin, finish, made_by

INDEX = "sight-and-sound.json"
"""File of slfm_write beside the scenes: settings, credits, digests of the scenes' files."""
ABSENT = {
    "depth": "SLfM's depth pictures are colour-mapped and rescaled, which loses the metric scale",
    "instance": "not in SLfM's layout",
    "mono": "not in SLfM's layout, where clips are convolved in training",
    "audio": "not in SLfM's layout, where clips are convolved in training",
    "clips": "not in SLfM's layout",
}
NO_RT60 = "not in the metadata"
PUBLISHED_RATIO = 0.2
"""Indirect ratio of the full responses in the published example, measured; the default for layouts without full responses."""
PUBLISHED_PITCH_DEG = -22.5
"""Pitch of the published cameras; the default for metadata without rotations."""
NO_SEED = -1
"""Seed of sets whose seed is unknown."""


@dataclass(frozen=True)
class Layout:
    """Location of the pairs, and properties that their files do not store."""

    root: Path
    """Folder with one folder per scene."""
    lists: Path | None = None
    """Folder of train.csv, val.csv and test.csv; see slfm_lists.choose_pairs."""
    hfov_deg: float = 60.0
    """Horizontal field of view; the default is that of the published pictures."""
    shard_sets: int = 32


def from_slfm(layout: Layout, out: Path, progress: bool = False) -> tuple[dict[str, Any], list[str]]:
    """Convert a layout into a data set in a new folder; return its manifest, and the pairs left out, one line each.

    Raise DatasetError where no pair is usable, for lists that overlap, and where the folder holds anything else.
    """
    index = layout.root / INDEX
    exported = read_object(index) if index.is_file() else {}
    pairs, splits, missing = choose_pairs(layout.root, layout.lists, exported.get("scenes", {}))
    pairs, kind, taps, unlike = _alike(pairs, layout.root, progress)
    settings = _settings(layout, exported, pairs[0], kind)
    recipe: dict[str, Any] = {"command": "convert", "from": "slfm", "shard_sets": layout.shard_sets, "settings": settings}
    recipe |= {"lists": digest_of_lists(lists_folder(layout.root, layout.lists)), "taps": [taps.direct, taps.indirect]}
    if begin(out, recipe, made_by(out), [layout.root]):
        shape = (kind, taps, section(settings, "camera"))
        shards, unread = _write_shards(layout, out, pairs, shape, _attributes(settings, kind, exported, splits), progress)
        if not shards:
            raise DatasetError(f"no pair of {layout.root} can be read: {unread[0]}")
        content = {"shards": shards, "settings": settings, **_credits(exported, pairs), "software": exported.get("software", {})}
        write_manifest(out, {**content, "failures": [*missing, *unlike, *unread], HISTORY: [recipe]})
        finish(out)
    manifest = read_manifest(out)
    return manifest, manifest["failures"]


def _alike(pairs: Sequence[Pair], root: Path, progress: bool) -> tuple[list[Pair], Kind, Taps, list[str]]:
    """Return the usable pairs of the most common kind, their kind, their longest responses, and why others are left out."""
    found: dict[Pair, tuple[Kind, Taps]] = {}
    left_out = []
    for pair in progress_bar(len(pairs), "pair", "inspect", progress, iterable=pairs):
        try:
            found[pair] = inspect(pair)
        except PairError as error:
            left_out.append(f"{pair.name}: {error}")
    if not found:
        raise DatasetError(f"no pair of {root} can be used: {left_out[0]}")
    kind = Counter(k for k, _ in found.values()).most_common(1)[0][0]
    left_out += [f"{pair.name}: {k}, where most are {kind}" for pair, (k, _) in found.items() if k != kind]
    kept = {pair: taps for pair, (k, taps) in found.items() if k == kind}
    longest = Taps(max(t.direct for t in kept.values()), max(t.indirect for t in kept.values()))
    return list(kept), kind, longest, left_out


def _settings(layout: Layout, exported: Mapping[str, Any], pair: Pair, kind: Kind) -> dict[str, Any]:
    """Return the known settings of the pairs; those of slfm_write's exports are complete."""
    if "settings" in exported:
        return {**exported["settings"], "converted_from": "SLfM's layout"}
    tilt, ratio = tilt_deg(read_metadata(pair), 0), indirect_ratio(pair)
    return {
        "converted_from": "SLfM's layout",
        "camera": {
            "width_px": kind.width,
            "height_px": kind.height,
            "hfov_deg": layout.hfov_deg,
            "pitch_deg": PUBLISHED_PITCH_DEG if tilt is None else tilt[0],
        },
        "acoustics": {"sample_rate_hz": kind.sample_rate, "indirect_ratio": PUBLISHED_RATIO if ratio is None else ratio},
    }


def _attributes(
    settings: Mapping[str, Any], kind: Kind, exported: Mapping[str, Any], splits: Mapping[str, str]
) -> Callable[[str], dict[str, Any]]:
    """Return a function from the name of a scene to the root attributes of its shards.

    A scene is identified by the digest of its file where an export of slfm_write stores it, else by the digest of its name.
    """
    seed = settings.get("seed", NO_SEED)
    common = {
        "format": FORMAT,
        "format_version": FORMAT_VERSION,
        "sample_rate": kind.sample_rate,
        "seed": seed if isinstance(seed, int) else NO_SEED,
        "settings": json.dumps(settings),
        "absent": json.dumps(ABSENT if kind.rt60 else {**ABSENT, "rt60": NO_RT60}),
    }
    digests = exported.get("scenes", {})
    return lambda scene: {
        **common,
        "scene": scene,
        "scene_sha256": digests.get(scene) or hashlib.sha256(scene.encode()).hexdigest(),
        "split": splits[scene],
    }


def _write_shards(
    layout: Layout, out: Path, pairs: Sequence[Pair], shape: tuple[Kind, Taps, dict[str, Any]],
    attributes: Callable[[str], dict[str, Any]], progress: bool,
) -> tuple[list[dict[str, Any]], list[str]]:  # fmt: skip
    """Write the missing shards; return the entries of all shards for the manifest, and the pairs that cannot be read."""
    shards, unread = [], []
    clear_parts(out / SHARDS)
    with progress_bar(len(pairs), "pair", "convert", progress) as bar:
        for (scene, number), group in groupby(pairs, key=lambda p: (p.scene, p.number // layout.shard_sets)):
            chosen, why = list(group), {}
            path = out / SHARDS / f"{scene}-{number:04d}.h5"
            if not path.is_file():
                why = _write(path, chosen, shape, attributes(scene))
            there: set[str] = set()
            if path.is_file():
                shards.append(describe_shard(path, out))
                with open_shard(path) as file:
                    there = {name.decode() for name in file["set_id"][:]}
            unread += [f"{p.name}: {why.get(p, 'not readable in a previous run')}" for p in chosen if p.name not in there]
            bar.update(len(chosen))
    return shards, unread


def _write(
    path: Path, pairs: Sequence[Pair], shape: tuple[Kind, Taps, dict[str, Any]], attributes: dict[str, Any]
) -> dict[Pair, str]:
    """Write a shard, if any of its pairs can be read; return why others cannot."""
    why = {}
    with ShardWriter(path, attributes) as shard:
        for pair in pairs:
            try:
                shard.add(read_set(pair, *shape))
            except PairError as error:
                why[pair] = str(error)
    return why


def _credits(exported: Mapping[str, Any], pairs: Sequence[Pair]) -> dict[str, Any]:
    """Return the credits that the layout stores."""
    if "credits" in exported:
        return {"credits": exported["credits"], "scene_credits": exported.get("scene_credits", {})}
    first = {pair.scene: pair for pair in reversed(pairs)}
    scenes = {
        scene: f"licence unknown: scene file {read_metadata(pair).get('scene_id', 'not named')}"
        for scene, pair in sorted(first.items())
    }
    unknown = "licence unknown: SLfM's layout does not name the ears"
    credits = {"scenes": [f"{scene}: {credit}" for scene, credit in scenes.items()], "hrtf": [unknown]}
    return {"credits": credits, "scene_credits": scenes}
