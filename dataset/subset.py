"""Copy a subset of a data set: some scenes, a split, the first sets of every scene.

    python -m dataset.subset data/slfm --out data/small --sets 8
    python -m dataset.subset data/slfm --out data/test --split test
    python -m dataset.subset s3://bucket/slfm --out data/two --scenes attic barn

The result is a complete data set: its manifest lists its shards, its credits and the data set it was taken from. A shard that is
taken whole keeps its bytes; from other shards the compressed chunks of the selected sets are copied. Only the selected sets of a
remote data set are downloaded. Repeat an interrupted command to resume it.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from dataset.command import exit_status, place_argument, print_made
from dataset.errors import DatasetError
from dataset.format.manifest import PUBLISHED
from dataset.format.splits import SPLITS
from dataset.rewriting.resume import HISTORY, begin, digest_of, finish, made_by
from dataset.rewriting.rewrite import Piece, write_pieces
from dataset.storage.open import open_store
from dataset.storage.output import open_output
from dataset.storage.store import Store


@dataclass(frozen=True)
class Part:
    """Which sets to take."""

    scenes: tuple[str, ...] = ()
    """Names; empty takes all scenes."""
    split: str | None = None
    sets: int | None = None
    """Number of sets of every scene, from the first; None takes all."""

    @property
    def is_all(self) -> bool:
        """Whether all scenes are taken."""
        return not self.scenes and self.split is None


def subset(root: str | Path, out: str | Path, part: Part, progress: bool = False) -> dict[str, Any]:
    """Write a subset of a data set (a folder or an address) into a new folder and return its manifest.

    Raise DatasetError for unknown scenes, for a subset without sets, and where the folder holds anything else.
    """
    store = open_store(root)
    manifest = store.manifest()
    pieces = list(_pieces(store, manifest, part))
    recipe = {"command": "subset", "of": digest_of(store), "scenes": part.scenes, "split": part.split, "sets": part.sets}
    if begin(out, recipe, made_by(out), [root]):
        shards = write_pieces(out, pieces, "subset", progress)
        content = {**_described(manifest, part, shards), HISTORY: [*manifest.get(HISTORY, []), recipe]}
        open_output(out).write_manifest(content)
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
            # So that the renderer does not take a cut shard for a finished one.
            asked = {"asked": take} if "asked" in entry else {}
            yield Piece(store, entry, entry["path"], tuple(range(take)), asked)
    if empty:
        raise DatasetError(f"no set of {store.name} is in split {part.split} of these scenes; there is nothing to take")


def _described(manifest: dict[str, Any], part: Part, shards: Sequence[dict[str, Any]]) -> dict[str, Any]:
    """Return the manifest of the subset: the entries of the whole data set that apply to it."""
    here = {s["scene"] for s in shards}
    gone = {s["scene"] for s in manifest["shards"]} - here
    credits = dict(manifest.get("credits", {}))
    if "scenes" in credits:
        credits["scenes"] = [c for c in credits["scenes"] if str(c).split(": ", 1)[0] not in gone]
    out = {**manifest, "shards": list(shards), "credits": credits}
    for key in ("format", "format_version"):
        out.pop(key)
    out.pop(PUBLISHED, None)  # describes the whole data set
    if "scene_credits" in manifest:
        out["scene_credits"] = {k: v for k, v in manifest["scene_credits"].items() if k in here}
    if "shortfalls" in manifest:
        out["shortfalls"] = list(_shortfalls(manifest["shortfalls"], part, shards, gone))
    if "failures" in manifest and not part.is_all:
        out["failures"] = []  # they concern scenes that were not selected
    return out


def _shortfalls(
    before: Sequence[dict[str, Any]], part: Part, shards: Sequence[dict[str, Any]], gone: set[str]
) -> Iterator[dict[str, Any]]:
    """Return the shortfalls that apply to the subset: of scenes with fewer sets than it asks for."""
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
    parser.add_argument("--out", type=place_argument, required=True, help="new folder or address for the subset")
    parser.add_argument("--scenes", nargs="+", default=[], metavar="NAME", help="take these scenes (default: all)")
    parser.add_argument("--split", choices=SPLITS, help="take this split (default: all)")
    parser.add_argument("--sets", type=int, metavar="N", help="take the first N sets of every scene (default: all)")
    options = parser.parse_args(argv)

    def run() -> int:
        if options.sets is not None and options.sets < 1:
            raise DatasetError(f"--sets is {options.sets}; give 1 or more")
        part = Part(tuple(dict.fromkeys(options.scenes)), options.split, options.sets)
        print_made(options.out, subset(options.data, options.out, part, progress=True))
        return 0

    return exit_status(run)


if __name__ == "__main__":
    sys.exit(main())
