"""Folders and addresses made from data sets by a recipe: an interrupted command resumes, and different recipes never mix.

An unfinished folder holds RECIPE. Its files are whole (they get their names when they are finished), but some are missing. The
file that completes the folder is written last and contains the recipe too.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from dataset.errors import DatasetError
from dataset.format.documents import parse_object
from dataset.format.manifest import NAME, parse_manifest
from dataset.storage.output import open_output
from dataset.storage.store import Store

RECIPE = ".recipe.json"
HISTORY = "history"
"""Key of a manifest: its recipes, latest last."""


def check_apart(out: str | Path, sources: Iterable[str | Path]) -> None:
    """Raise DatasetError where a folder to write is a source, or lies inside one, or holds one; addresses lie elsewhere."""
    if "://" in str(out):
        address = str(out).rstrip("/")
        for source in sources:
            if f"{source}/".startswith(f"{address}/") or f"{address}/".startswith(f"{str(source).rstrip('/')}/"):
                raise DatasetError(f"the output {out} and the source {source} overlap; choose another address")
        return
    target = Path(out).resolve()
    for source in sources:
        path = str(source).removeprefix("file://")
        if "://" in path:
            continue
        other = Path(path).resolve()
        if target.is_relative_to(other) or other.is_relative_to(target):
            where = "is" if target == other else "lies inside" if target.is_relative_to(other) else "holds"
            raise DatasetError(f"the output {out} {where} the source {source}; choose a folder beside it")


def begin(out: str | Path, recipe: Mapping[str, Any], made: Any, sources: Iterable[str | Path]) -> bool:
    """Claim a folder or an address for a recipe and return whether work remains.

    made: recipe of the complete content of the folder; None where it is not complete. sources: folders and addresses that are
    read. Raise DatasetError where the folder holds anything that this recipe did not write, and where it is not apart from the
    sources.
    """
    check_apart(out, sources)
    recipe = json.loads(json.dumps(recipe))
    if made is not None and made == recipe:
        return False
    place = open_output(out)
    with contextlib.suppress(FileNotFoundError, NotADirectoryError):
        if parse_object(place.read(RECIPE).decode(errors="replace"), f"{out}/{RECIPE}") == recipe:
            return True
        raise DatasetError(f"{out} is the unfinished work of another command or source; delete it or choose another --out")
    if not place.is_empty():
        raise DatasetError(f"{out} is not empty; choose another --out")
    place.write(RECIPE, json.dumps(recipe, indent=1) + "\n")
    return True


def finish(out: str | Path) -> None:
    """Mark a folder or an address as complete, after its last file is written."""
    open_output(out).delete(RECIPE)


def made_by(out: str | Path) -> Any:
    """Return the recipe of a complete data set in a folder or at an address; None where there is no data set."""
    try:
        content = open_output(out).read(NAME)
    except (FileNotFoundError, NotADirectoryError):
        return None
    return (parse_manifest(content.decode(errors="replace"), f"{out}/{NAME}").get(HISTORY) or [{}])[-1]


def digest_of(store: Store) -> str:
    """Return the SHA-256 of a data set's manifest, which identifies its present content."""
    return hashlib.sha256(store.read(NAME)).hexdigest()
