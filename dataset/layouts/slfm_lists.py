"""The pairs of SLfM's layout to convert, and their splits: from the published lists, or all pairs, split by scene."""

from __future__ import annotations

import csv
import hashlib
from collections.abc import Mapping
from pathlib import Path, PurePosixPath

from dataset.errors import DatasetError
from dataset.format.splits import SPLITS, assign_splits
from dataset.layouts.slfm_pair import Pair, PairError, find_pair

FOLDER = "data-split"
"""Folder of the lists in an export of slfm_write, beside the scenes."""
COLUMN = "path"
MOST_NAMED = 3


def choose_pairs(root: Path, lists: Path | None, digests: Mapping[str, str]) -> tuple[list[Pair], dict[str, str], list[str]]:
    """Return pairs, by scene and number, the split of each scene, and the missing pairs, one line each.

    lists: folder of train.csv, val.csv and test.csv; None: the root's data-split where it exists, else all pairs, with the
    scenes split 8:1:1. digests: of the content of scenes by name, as far as they are known: scenes with the same content are in
    one split. Raise DatasetError for a folder without pairs, and for lists that are malformed or overlap.
    """
    if not root.is_dir():
        raise DatasetError(f"{root} is not a folder; give the folder that holds the scenes' folders")
    lists = lists_folder(root, lists)
    if lists is None:
        wanted = [(p.parent.name, p.name) for p in root.glob("*/pair-*") if p.name[5:].isdecimal()]
        content = {scene: digests.get(scene, scene) for scene, _ in wanted}
        assigned = assign_splits(content.values())
        splits = {scene: assigned[digest] for scene, digest in content.items()}
    else:
        listed = read_lists(lists)
        wanted = [key for names in listed.values() for key in names]
        splits = {scene: split for split, names in listed.items() for scene, _ in names}
    pairs: list[Pair] = []
    missing: dict[str, list[str]] = {}
    for scene, name in sorted(wanted):
        try:
            pairs.append(find_pair(root, scene, name))
        except PairError as error:
            missing.setdefault(str(error), []).append(f"{scene}/{name}")
    if not pairs:
        raise DatasetError(
            f"{root} has no {'listed ' if lists else ''}<scene>/pair-NNNN/metadata.json; give the folder that holds the scenes"
        )
    return pairs, splits, [f"{len(names)} pairs: {why} ({_some(names)})" for why, names in missing.items()]


def lists_folder(root: Path, lists: Path | None) -> Path | None:
    """Return the folder of the lists; None where there is none."""
    own = root / FOLDER
    return lists or (own if own.is_dir() else None)


def read_lists(folder: Path) -> Mapping[str, list[tuple[str, str]]]:
    """Read the lists of a folder: {split: [(scene, pair), each once]}; DatasetError where there are none or they overlap."""
    out: dict[str, list[tuple[str, str]]] = {}
    where: dict[str, str] = {}
    for path in _files(folder):
        split = path.stem
        with open(path, newline="") as file:
            rows = csv.DictReader(file)
            if COLUMN not in (rows.fieldnames or ()):
                raise DatasetError(f"{path} has no column {COLUMN!r}; it has {', '.join(rows.fieldnames or ('none',))}")
            out[split] = list(dict.fromkeys(_scene_and_pair(row[COLUMN] or "", path) for row in rows))
        for scene, _ in out[split]:
            if where.setdefault(scene, split) != split:
                raise DatasetError(f"{folder} lists scene {scene} for {where[scene]} and for {split}; scenes must be disjoint")
    return out


def digest_of_lists(folder: Path | None) -> str | None:
    """Return the digest of the lists' content."""
    if folder is None:
        return None
    return hashlib.sha256(b"".join(path.name.encode() + path.read_bytes() for path in _files(folder))).hexdigest()


def _files(folder: Path) -> list[Path]:
    files = [folder / f"{split}.csv" for split in SPLITS if (folder / f"{split}.csv").is_file()]
    if not files:
        raise DatasetError(f"{folder} has no train.csv, val.csv or test.csv; give the folder that holds them")
    return files


def _scene_and_pair(text: str, path: Path) -> tuple[str, str]:
    parts = PurePosixPath(text).parts
    if len(parts) > 2 and parts[-1] == parts[-2]:  # one folder deeper
        parts = parts[:-1]
    if len(parts) < 2 or not parts[-1].startswith("pair-") or not parts[-1][5:].isdecimal() or parts[-2] in ("..", "/"):
        raise DatasetError(f"{path} lists {text!r}; a path that ends in <scene>/pair-NNNN is expected")
    return parts[-2], parts[-1]


def _some(names: list[str]) -> str:
    return ", ".join(names[:MOST_NAMED]) + (" and others" if len(names) > MOST_NAMED else "")
