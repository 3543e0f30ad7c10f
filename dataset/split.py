"""Split a data set anew, by scene, where it lies.

    python -m dataset.split data/slfm --val 0.1 --test 0.1
    python -m dataset.split data/slfm --seed 1
    python -m dataset.split data/slfm --scenes-test attic barn --val 0.2

No scene is in two splits, and scenes of the same content go together. What --scenes-val and --scenes-test do not name is drawn
at random from the other scenes: shares are of the number of scenes. The old data set stays good until all of the new one is
ready; after an interruption give the command again. A published folder has to be shared again.
"""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Collection, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from tqdm import tqdm

from dataset.atomic import publish, replacing, write_text
from dataset.errors import DatasetError
from dataset.format.block_digests import FOLDER
from dataset.format.manifest import NAME, SHARDS, SUMS, check_inside, describe_shard, read_manifest, sha256_of, write_manifest
from dataset.format.splits import SPLITS
from dataset.rewriting.resume import HISTORY
from dataset.rewriting.rewrite import KEPT, rewrite
from dataset.storage.store import Folder

NEXT = ".manifest.next.json"
"""The new manifest, when all new shards lie ready beside the old."""
READY = ".split"
"""How the name of a new shard that lies ready ends."""


def choose_splits(
    scenes: Mapping[str, str], shares: Mapping[str, float], named: Mapping[str, Collection[str]], rng: np.random.Generator
) -> dict[str, str]:
    """Return every scene a split.

    scenes: {name: digest of its content}. shares: of val and test, 0 to 1, used where `named` gives that split no scenes.
    Scenes of one digest count as one. Raise DatasetError for unknown names, and where too few scenes are left for a split.
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


def split(root: Path, splits: Mapping[str, str], recipe: Mapping[str, Any], progress: bool = False) -> dict[str, Any]:
    """Return the scenes of a data set in a folder their splits (by name) and give its manifest.

    Raise DatasetError for a shard that is not what the manifest says; nothing is changed then.
    """
    finish_switch(root)
    manifest = read_manifest(root)
    for left in (root / SHARDS).glob(f".*{READY}"):
        left.unlink()
    store = Folder(root)
    entries = []
    for entry in tqdm(manifest["shards"], unit="shard", desc="split", disable=not progress):
        wanted = splits[entry["scene"]]
        if wanted != entry["split"]:
            ready = _ready(root / entry["path"])
            with replacing(ready) as part, store.open(entry) as source:
                rewrite(source, part, attributes={"split": wanted})
            kept = {k: entry[k] for k in KEPT if k in entry}
            entry = {**describe_shard(ready, root), "path": entry["path"], **kept}
        entries.append({k: v for k, v in entry.items() if k != "blocks"})
    if [e["sha256"] for e in entries] == [e["sha256"] for e in manifest["shards"]]:
        return manifest
    content = {**manifest, "shards": entries, HISTORY: [*manifest.get(HISTORY, []), dict(recipe)]}
    write_text(root / NEXT, json.dumps(content))
    finish_switch(root)
    return read_manifest(root)


def finish_switch(root: Path) -> None:
    """Put the new shards and manifest in the place of the old, if they lie ready: from there on it only goes forward."""
    if not (root / NEXT).is_file():
        return
    content = json.loads((root / NEXT).read_text())
    for entry in content["shards"]:
        ready = _ready(root / entry["path"])
        if ready.is_file():
            publish(ready, root / entry["path"])
    for key in ("format", "format_version"):
        content.pop(key)
    write_manifest(root, content)
    _unpublish(root)
    (root / NEXT).unlink()


def _ready(path: Path) -> Path:
    return path.with_name(f".{path.name}{READY}")


def _unpublish(root: Path) -> None:
    """Remove what was written to share the old data set and tells of it; files that were changed since are kept."""
    if not (root / SUMS).is_file():
        return
    shards = {s["path"] for s in read_manifest(root)["shards"]}
    for line in (root / SUMS).read_text().splitlines():
        digest, _, name = line.partition("  ")
        check_inside(name, f"{root}/{SUMS}")
        path = root / name
        if name not in shards and name != NAME and path.is_file() and sha256_of(path) == digest:
            path.unlink()
    (root / SUMS).unlink()
    if (root / FOLDER).is_dir() and not any((root / FOLDER).iterdir()):
        (root / FOLDER).rmdir()


def main(argv: list[str] | None = None) -> int:
    """Run the command line; return the exit status."""
    parser = argparse.ArgumentParser(
        prog="python -m dataset.split", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("data", type=Path, help="folder of the data set (it holds manifest.json)")
    for name in ("val", "test"):
        share = parser.add_mutually_exclusive_group()
        share.add_argument(
            f"--{name}", type=float, default=0.1, metavar="SHARE", help=f"share of scenes for {name} (default 0.1)"
        )
        share.add_argument(f"--scenes-{name}", nargs="+", default=[], metavar="NAME", help=f"exactly these scenes for {name}")
    parser.add_argument("--seed", type=int, default=0, help="another seed draws other scenes (default 0)")
    options = parser.parse_args(argv)
    try:
        manifest = _run(options)
    except (DatasetError, OSError) as error:
        print(f"error: {error}", file=sys.stderr)
        return 2
    for name in SPLITS:
        chosen = [s for s in manifest["shards"] if s["split"] == name]
        scenes = list(dict.fromkeys(s["scene"] for s in chosen))
        print(f"{name:<6}{sum(s['sets'] for s in chosen):>7} sets  {_some(scenes)}".rstrip())
    print(f"prove it: python -m dataset.verify {options.data}")
    return 0


def _run(options: argparse.Namespace) -> dict[str, Any]:
    shares = {"val": options.val, "test": options.test}
    for name, share in shares.items():
        if not 0 <= share < 1:
            raise DatasetError(f"--{name} is {share:g}; give a share of 0 to less than 1")
    finish_switch(options.data)
    scenes = {s["scene"]: s["scene_sha256"] for s in read_manifest(options.data)["shards"]}
    named = {"val": options.scenes_val, "test": options.scenes_test}
    splits = choose_splits(scenes, shares, named, np.random.default_rng(options.seed))
    recipe = {"command": "split", "seed": options.seed, **{k: named[k] or share for k, share in shares.items()}}
    return split(options.data, splits, recipe, progress=True)


def _some(names: Sequence[str]) -> str:
    return ", ".join(names[:12]) + (f" and {len(names) - 12} more" if len(names) > 12 else "")


if __name__ == "__main__":
    sys.exit(main())
