"""Assign the scenes of a data set to new splits, in place.

    python -m dataset.split data/slfm --val 0.1 --test 0.1
    python -m dataset.split data/slfm --seed 1
    python -m dataset.split data/slfm --scenes-test attic barn --val 0.2

No scene is in two splits, and scenes with the same content stay together. --scenes-val and --scenes-test name scenes; a split
without named scenes is drawn at random, as a share of the number of scenes. The old shards are replaced when all new ones are
complete; repeat an interrupted command to resume it. A published folder must be published again.
"""

from __future__ import annotations

import argparse
import contextlib
import json
import sys
from collections.abc import Collection, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from dataset.command import exit_status, place_argument
from dataset.errors import DatasetError
from dataset.format.documents import check_inside, sha256_of
from dataset.format.manifest import NAME, SHARDS, SUMS, describe_file, parse_manifest
from dataset.format.splits import SPLITS
from dataset.progress import progress_bar
from dataset.rewriting.resume import HISTORY
from dataset.rewriting.rewrite import KEPT, rewrite
from dataset.storage.open import open_store
from dataset.storage.output import Output, open_output

NEXT = ".manifest.next.json"
"""The new manifest, written when all new shards are complete beside the old ones."""
READY = ".split"
"""End of the name of a new shard that is complete."""


def choose_splits(
    scenes: Mapping[str, str], shares: Mapping[str, float], named: Mapping[str, Collection[str]], rng: np.random.Generator
) -> dict[str, str]:
    """Return the split of every scene, by name.

    scenes: {name: digest of its content}. shares: of val and test, 0 to 1, used for a split without scenes in `named`.
    Scenes with the same digest count as one. Raise DatasetError for unknown names, and where too few scenes remain for a split.
    """
    groups = sorted(
        {digest: min(n for n, d in scenes.items() if d == digest) for digest in scenes.values()}.items(), key=lambda g: g[1]
    )
    out: dict[str, str] = {}
    for split, names in named.items():
        for name in names:
            if name not in scenes:
                raise DatasetError(f"scene {name} is not in the data set, which has {', '.join(sorted(scenes)[:8])}")
            if out.setdefault(scenes[name], split) != split:
                raise DatasetError(f"scene {name}, or its content, is named for val and for test; name it once")
    drawn = [groups[k][0] for k in rng.permutation(len(groups)) if groups[k][0] not in out]
    for split, share in shares.items():
        if named.get(split):
            continue
        count = max(round(share * len(groups)), 1 if share > 0 else 0)
        if count > len(drawn):
            raise DatasetError(f"{len(groups)} scenes are too few for these splits; give fewer scenes or a smaller share")
        out.update(dict.fromkeys(drawn[:count], split))
        drawn = drawn[count:]
    if not drawn:
        raise DatasetError(f"no scene of {len(groups)} is left for train; give fewer scenes or a smaller share")
    return {name: out.get(digest, "train") for name, digest in scenes.items()}


def split(root: str | Path, splits: Mapping[str, str], recipe: Mapping[str, Any], progress: bool = False) -> dict[str, Any]:
    """Assign the scenes of a data set in a folder or at an address to splits, by name, and return its manifest.

    Raise DatasetError, before anything is changed, for a shard that differs from its entry in the manifest.
    """
    place, store = open_output(root), open_store(root)
    finish_switch(place)
    manifest = store.manifest()
    for left in place.sizes(SHARDS):
        if left.endswith(READY):
            place.delete(left)
    entries = []
    shards = manifest["shards"]
    for entry in progress_bar(len(shards), "shard", "split", progress, iterable=shards):
        wanted = splits[entry["scene"]]
        if wanted != entry["split"]:
            with place.new(_ready(entry["path"])) as part, store.open(entry) as source:
                rewrite(source, part, attributes={"split": wanted})
                entry = {**describe_file(part, entry["path"]), **{k: entry[k] for k in KEPT if k in entry}}
        entries.append({k: v for k, v in entry.items() if k != "blocks"})
    if [e["sha256"] for e in entries] == [e["sha256"] for e in manifest["shards"]]:
        return manifest
    content = {**manifest, "shards": entries, HISTORY: [*manifest.get(HISTORY, []), dict(recipe)]}
    place.write(NEXT, json.dumps(content))
    finish_switch(place)
    return store.manifest()


def finish_switch(place: Output) -> None:
    """Replace the old shards and manifest if the new ones are complete; repeated after an interruption, it finishes."""
    try:
        text = place.read(NEXT).decode(errors="replace")
    except (FileNotFoundError, NotADirectoryError):
        return
    content = parse_manifest(text, f"{place.name}/{NEXT}")
    there = place.sizes(SHARDS)
    for entry in content["shards"]:
        if _ready(entry["path"]) in there:
            place.move(_ready(entry["path"]), entry["path"])
    for key in ("format", "format_version"):
        content.pop(key)
    place.write_manifest(content)
    _unpublish(place, {entry["path"] for entry in content["shards"]})
    place.delete(NEXT)


def _ready(name: str) -> str:
    folder, _, last = name.rpartition("/")
    return f"{folder}/.{last}{READY}"


def _unpublish(place: Output, shards: Collection[str]) -> None:
    """Delete the files that describe the old splits to the public; files that were edited since are kept."""
    try:
        sums = place.read(SUMS).decode(errors="replace")
    except FileNotFoundError:
        return
    for line in sums.splitlines():
        digest, _, name = line.partition("  ")
        check_inside(name, f"{place.name}/{SUMS}")
        if name in shards or name == NAME:
            continue
        with contextlib.suppress(FileNotFoundError):
            with place.local(name) as path:
                edited = sha256_of(path) != digest
            if not edited:
                place.delete(name)
    place.delete(SUMS)


def main(argv: list[str] | None = None) -> int:
    """Run the command line; return the exit status."""
    parser = argparse.ArgumentParser(
        prog="python -m dataset.split", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("data", type=place_argument, help="folder or address of the data set (it holds manifest.json)")
    for name in ("val", "test"):
        share = parser.add_mutually_exclusive_group()
        share.add_argument(
            f"--{name}", type=float, default=0.1, metavar="SHARE", help=f"share of scenes for {name} (default 0.1)"
        )
        share.add_argument(f"--scenes-{name}", nargs="+", default=[], metavar="NAME", help=f"the scenes of {name}")
    parser.add_argument("--seed", type=int, default=0, help="seed of the random draw (default 0)")
    options = parser.parse_args(argv)
    return exit_status(lambda: _run(options))


def _run(options: argparse.Namespace) -> int:
    manifest = _split_again(options)
    for name in SPLITS:
        chosen = [s for s in manifest["shards"] if s["split"] == name]
        scenes = list(dict.fromkeys(s["scene"] for s in chosen))
        print(f"{name:<6}{sum(s['sets'] for s in chosen):>7} sets  {_some(scenes)}".rstrip())
    print(f"check it: python -m dataset.verify {options.data}")
    return 0


def _split_again(options: argparse.Namespace) -> dict[str, Any]:
    if options.seed < 0:
        raise DatasetError(f"--seed is {options.seed}; give 0 or more")
    shares = {"val": options.val, "test": options.test}
    for name, share in shares.items():
        if not 0 <= share < 1:
            raise DatasetError(f"--{name} is {share:g}; give a share of 0 to less than 1")
    finish_switch(open_output(options.data))
    scenes = {s["scene"]: s["scene_sha256"] for s in open_store(options.data).manifest()["shards"]}
    named = {"val": options.scenes_val, "test": options.scenes_test}
    splits = choose_splits(scenes, shares, named, np.random.default_rng(options.seed))
    recipe = {"command": "split", "seed": options.seed, **{k: named[k] or share for k, share in shares.items()}}
    return split(options.data, splits, recipe, progress=True)


def _some(names: Sequence[str]) -> str:
    return ", ".join(names[:12]) + (f" and {len(names) - 12} more" if len(names) > 12 else "")


if __name__ == "__main__":
    sys.exit(main())
