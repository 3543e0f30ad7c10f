"""Folders made from data sets by a recipe: an interrupted command resumes, and different recipes never mix.

An unfinished folder holds RECIPE. Its files are whole (they get their names when they are finished), but some are missing. The
file that completes the folder is written last and contains the recipe too.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from dataset.atomic import write_text
from dataset.errors import DatasetError
from dataset.format.documents import read_object
from dataset.format.manifest import NAME, read_manifest
from dataset.storage.store import Store

RECIPE = ".recipe.json"
HISTORY = "history"
"""Key of a manifest: its recipes, latest last."""


def check_apart(out: Path, sources: Iterable[str | Path]) -> None:
    """Raise DatasetError where a folder to write is a source, or lies inside one, or holds one; addresses lie elsewhere."""
    target = out.resolve()
    for source in sources:
        path = str(source).removeprefix("file://")
        if "://" in path:
            continue
        other = Path(path).resolve()
        if target.is_relative_to(other) or other.is_relative_to(target):
            where = "is" if target == other else "lies inside" if target.is_relative_to(other) else "holds"
            raise DatasetError(f"the output {out} {where} the source {source}; choose a folder beside it")


def begin(out: Path, recipe: Mapping[str, Any], made: Any, sources: Iterable[str | Path]) -> bool:
    """Claim a folder for a recipe and return whether work remains.

    made: recipe of the complete content of the folder; None where it is not complete. sources: folders and addresses that are
    read. Raise DatasetError where the folder holds anything that this recipe did not write, and where it is not apart from the
    sources.
    """
    check_apart(out, sources)
    recipe = json.loads(json.dumps(recipe))
    if made is not None and made == recipe:
        return False
    path = out / RECIPE
    if path.is_file():
        if read_object(path) == recipe:
            return True
        raise DatasetError(f"{out} is the unfinished work of another command or source; delete it or choose another --out")
    if out.exists() and (not out.is_dir() or any(out.iterdir())):
        raise DatasetError(f"{out} is not empty; choose another --out")
    out.mkdir(parents=True, exist_ok=True)
    write_text(path, json.dumps(recipe, indent=1) + "\n")
    return True


def finish(out: Path) -> None:
    """Mark a folder as complete, after its last file is written."""
    (out / RECIPE).unlink(missing_ok=True)


def made_by(out: Path) -> Any:
    """Return the recipe of a complete data set in a folder; None where there is no data set."""
    if not (out / NAME).is_file():
        return None
    return (read_manifest(out).get(HISTORY) or [{}])[-1]


def digest_of(store: Store) -> str:
    """Return the SHA-256 of a data set's manifest, which identifies its present content."""
    return hashlib.sha256(store.read(NAME)).hexdigest()
