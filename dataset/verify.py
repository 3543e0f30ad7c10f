"""Verify a data set: checksums, format, ranges, geometry, sound, splits, stray files, and plausibility of its scenes.

    python -m dataset.verify data/slfm
    python -m dataset.verify s3://bucket/slfm       downloads every byte

Prints every problem with its shard and set. Exit status: 0 no problem, 1 problems, 2 wrong use.
"""

from __future__ import annotations

import argparse
import sys
from collections import defaultdict
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import h5py
from tqdm import tqdm

from dataset.checks.files import digest_problems, field_problems, hrtf_problem, published_problems, split_problems, stray_files
from dataset.checks.scenes import SceneSums
from dataset.checks.sets import drawn_problems, is_posed, set_problems
from dataset.checks.walks import pace_problems, picture_problems
from dataset.command import exit_status
from dataset.errors import DatasetError
from dataset.format.documents import number_of
from dataset.format.shard import open_shard, settings_of
from dataset.progress import progress_bar
from dataset.storage.cache import note_checked
from dataset.storage.open import open_store
from dataset.storage.store import Folder, Store


@dataclass
class Seen:
    """What the shards so far contain."""

    sets: dict[str, str] = field(default_factory=dict)
    """Id of a set: path of its shard."""
    scenes: defaultdict[str, SceneSums] = field(default_factory=lambda: defaultdict(SceneSums))


def verify(root: str | Path, progress: bool = False, foreign_files: bool = True) -> list[str]:
    """Check a data set and return the problems found, one line each; DatasetError where the manifest is unusable.

    root: a folder, or an address as for reader.Dataset, of which every byte is downloaded. foreign_files: whether a file in
    the folder that is no part of the data set is a problem.
    """
    store = open_store(root, check=False)
    manifest = store.manifest()
    problems = [] if any(s["sets"] for s in manifest["shards"]) else ["no sets; manifest.json lists the reasons under failures"]
    problems += [*split_problems(manifest), *stray_files(store, manifest, foreign_files), *published_problems(store, manifest)]
    seen = Seen()
    with progress_bar(sum(s["sets"] for s in manifest["shards"]), "set", "verify", progress) as bar:
        for shard in manifest["shards"]:
            problems += [f"{shard['path']}: {problem}" for problem in _shard_problems(store, shard, seen, bar)]
    return problems + [f"scene {name}: {problem}" for name, sums in seen.scenes.items() for problem in sums.problems()]


def _shard_problems(store: Store, entry: dict[str, Any], seen: Seen, bar: tqdm) -> list[str]:
    try:
        with store.whole(entry) as path:
            found = [*digest_problems(store, path, entry), *_content_problems(path, entry, seen, bar)]
            if not found and isinstance(store, Folder):
                note_checked(path, entry["sha256"])
            return found
    except FileNotFoundError:
        return ["missing; copy it again or render it again"]
    except OSError as error:
        return [f"cannot be read ({error}); check disk and permissions"]


def _content_problems(path: Path, entry: Mapping[str, Any], seen: Seen, bar: tqdm) -> Iterator[str]:
    try:
        with open_shard(path) as file:
            for key in ("scene", "scene_sha256", "split"):
                if str(file.attrs[key]) != entry[key]:
                    yield f"attribute {key} is {file.attrs[key]!r}, the manifest says {entry[key]!r}"
            fields = field_problems(file, entry)
            yield from (f"field {name}: {problem}" for name, problem in fields.items() if problem)
            if not any(fields.values()):
                yield from _sets_problems(file, entry, seen, bar)
    except DatasetError as error:
        yield str(error)
    except (OSError, RuntimeError, KeyError, ValueError, TypeError) as error:
        yield f"cannot be read to its end ({type(error).__name__}: {error}); copy it again"


def _sets_problems(file: h5py.File, entry: Mapping[str, Any], seen: Seen, bar: tqdm) -> Iterator[str]:
    settings = settings_of(file, entry["path"])
    if problem := hrtf_problem(file, settings):
        yield problem
    ratio = number_of(settings, "acoustics", "indirect_ratio", f"shard {entry['path']}")
    rate, posed = int(file.attrs["sample_rate"]), is_posed(settings)
    for row in range(entry["sets"]):
        one = {name: file[name][row] for name in file}
        name = one["set_id"].decode(errors="replace")
        if name in seen.sets:
            yield f"set {name} is in {seen.sets[name]} too"
        seen.sets[name] = entry["path"]
        found = [*set_problems(one, ratio, entry["scene"], posed), *drawn_problems(one, settings)]
        found += [*pace_problems(one, settings), *picture_problems(file, row)]
        yield from (f"set {name}: {problem}" for problem in found)
        if not found:
            seen.scenes[entry["scene"]].add(one, rate, views=not posed)
        bar.update()


def main(argv: list[str] | None = None) -> int:
    """Run the command line; return the exit status."""
    parser = argparse.ArgumentParser(
        prog="python -m dataset.verify", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("data", help="folder or address of the data set (it holds manifest.json)")
    root = parser.parse_args(argv).data
    return exit_status(lambda: _run(root))


def _run(root: str) -> int:
    problems = verify(root, progress=True)
    shards = open_store(root).manifest()["shards"]
    for problem in problems:
        print(problem)
    sets = sum(s["sets"] for s in shards)
    print(f"{len(shards)} shards, {sets} sets: {f'{len(problems)} problems' if problems else 'all good'}")
    return 1 if problems else 0


if __name__ == "__main__":
    sys.exit(main())
