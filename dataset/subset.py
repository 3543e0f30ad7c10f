"""Take a part of a data set: some scenes, a split, the first sets of every scene.

    python -m dataset.subset data/slfm --out data/small --sets 8
    python -m dataset.subset data/slfm --out data/test --split test
    python -m dataset.subset s3://bucket/slfm --out data/two --scenes attic barn

The part is a data set of its own: its manifest says what it holds, who is to be credited, and what it was taken from. Shards
taken whole keep their bytes; of others, sets are moved as they lie. From an address only what is taken is fetched. Given again
after an interruption the command goes on where it stopped.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from dataset.errors import DatasetError
from dataset.format.manifest import PUBLISHED, write_manifest
from dataset.format.splits import SPLITS
from dataset.rewriting.resume import HISTORY, begin, digest_of, finish, made_by
from dataset.rewriting.rewrite import Piece, write_pieces
from dataset.storage.open import open_store
from dataset.storage.store import Store


@dataclass(frozen=True)
class Part:
    """What to take of a data set."""

    scenes: tuple[str, ...] = ()
    """By name; empty takes all."""
    split: str | None = None
    sets: int | None = None
    """Of every scene, the first; None takes all."""

    @property
    def is_all(self) -> bool:
        """Return whether no scene is left out."""
        return not self.scenes and self.split is None


def subset(root: str | Path, out: Path, part: Part, progress: bool = False) -> dict[str, Any]:
    """Write a part of a data set (a folder or an address) into a new folder and give its manifest.

    Raise DatasetError for scenes that are not there, for a part without sets, and where the folder holds anything else.
    """
    store = open_store(root)
    manifest = store.manifest()
    pieces = list(_pieces(store, manifest, part))
    recipe = {"command": "subset", "of": digest_of(store), "scenes": part.scenes, "split": part.split, "sets": part.sets}
    if begin(out, recipe, made_by(out)):
        shards = write_pieces(out, pieces, "subset", progress)
        content = {**_described(manifest, part, shards), HISTORY: [*manifest.get(HISTORY, []), recipe]}
        write_manifest(out, content)
        finish(out)
    return open_store(out).manifest()


def _pieces(store: Store, manifest: dict[str, Any], part: Part) -> Iterator[Piece]:
    """Choose shards, and rows of them, in the order of the manifest."""
    known = list(dict.fromkeys(s["scene"] for s in manifest["shards"]))
    if unknown := sorted(set(part.scenes) - set(known)):
        some = ", ".join(known[:8]) + (f" and {len(known) - 8} more" if len(known) > 8 else "")
        raise DatasetError(f"scenes {', '.join(unknown)} are not in {store.name}, which has {some}")
    left = dict.fromkeys(known, part.sets)
    empty = True
    for entry in manifest["shards"]:
        rest = left[entry["scene"]]
        if (part.scenes and entry["scene"] not in part.scenes) or part.split not in (None, entry["split"]) or rest == 0:
            continue
        take = entry["sets"] if rest is None else min(rest, entry["sets"])
        if rest is not None:
            left[entry["scene"]] = rest - take
        empty = empty and take == 0
        if take == entry["sets"]:
            yield Piece(store, entry, entry["path"])
        else:
            # The renderer must not take a shard that was cut for one that is finished.
            asked = {"asked": take} if "asked" in entry else {}
            yield Piece(store, entry, entry["path"], tuple(range(take)), asked)
    if empty:
        raise DatasetError(f"no set of {store.name} is in split {part.split} of these scenes; there is nothing to take")


def _described(manifest: dict[str, Any], part: Part, shards: Sequence[dict[str, Any]]) -> dict[str, Any]:
    """Say of the part what the manifest said of the whole, as far as it holds for it."""
    here = {s["scene"] for s in shards}
    gone = {s["scene"] for s in manifest["shards"]} - here
    credits = dict(manifest.get("credits", {}))
    if "scenes" in credits:
        credits["scenes"] = [c for c in credits["scenes"] if str(c).split(": ", 1)[0] not in gone]
    out = {**manifest, "shards": list(shards), "credits": credits}
    for key in ("format", "format_version"):
        out.pop(key)
    out.pop(PUBLISHED, None)  # said of the whole
    if "scene_credits" in manifest:
        out["scene_credits"] = {k: v for k, v in manifest["scene_credits"].items() if k in here}
    if "shortfalls" in manifest:
        out["shortfalls"] = list(_shortfalls(manifest["shortfalls"], part, shards, gone))
    if "failures" in manifest and not part.is_all:
        out["failures"] = []  # of scenes that were not asked for
    return out


def _shortfalls(
    before: Sequence[dict[str, Any]], part: Part, shards: Sequence[dict[str, Any]], gone: set[str]
) -> Iterator[dict[str, Any]]:
    """Keep what is short of the part too: a scene that still gives all that is asked of it is not."""
    given = {s["scene"]: 0 for s in shards}
    for shard in shards:
        given[shard["scene"]] += shard["sets"]
    for entry in before:
        scene = entry["scene"]
        listed = scene in given or (part.is_all and scene not in gone)
        if listed and (part.sets is None or given.get(scene, 0) < part.sets):
            yield entry


def main(argv: list[str] | None = None) -> int:
    """Run the command line; return the exit status."""
    parser = argparse.ArgumentParser(
        prog="python -m dataset.subset", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("data", help="folder or address of the data set (it holds manifest.json)")
    parser.add_argument("--out", type=Path, required=True, help="new folder for the part")
    parser.add_argument("--scenes", nargs="+", default=[], metavar="NAME", help="take these scenes (default: all)")
    parser.add_argument("--split", choices=SPLITS, help="take this split (default: all)")
    parser.add_argument("--sets", type=int, metavar="N", help="take the first N sets of every scene (default: all)")
    options = parser.parse_args(argv)
    try:
        if options.sets is not None and options.sets < 1:
            raise DatasetError(f"--sets is {options.sets}; give 1 or more")
        part = Part(tuple(dict.fromkeys(options.scenes)), options.split, options.sets)
        shards = subset(options.data, options.out, part, progress=True)["shards"]
    except (DatasetError, OSError) as error:
        print(f"error: {error}", file=sys.stderr)
        return 2
    sets, scenes = sum(s["sets"] for s in shards), len({s["scene"] for s in shards})
    print(f"{options.out}: {sets} sets of {scenes} scenes; prove it: python -m dataset.verify {options.out}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
