"""A folder that is made of a data set by a recipe: taken once, gone on with after an interruption, never mixed up.

While a folder is unfinished it holds RECIPE, which says what it is to become. What is in it then is whole (files appear under
their names when they are finished) but not all is there. The file that makes the folder complete is written last and holds
the recipe too.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from dataset.atomic import write_text
from dataset.errors import DatasetError
from dataset.format.manifest import NAME, read_manifest
from dataset.storage.store import Store

RECIPE = ".recipe.json"
HISTORY = "history"
"""Key of a manifest: the recipes it came from, latest last."""


def begin(out: Path, recipe: Mapping[str, Any], made: Any) -> bool:
    """Take a folder for a recipe: True where work is left, False where it is complete.

    made: the recipe of what is complete in the folder; None where nothing is. Raise DatasetError where the folder holds
    anything that this recipe did not put there.
    """
    recipe = json.loads(json.dumps(recipe))
    if made is not None and made == recipe:
        return False
    path = out / RECIPE
    if path.is_file():
        if json.loads(path.read_text()) == recipe:
            return True
        raise DatasetError(f"{out} is the unfinished work of another command or source; delete it or choose another --out")
    if out.exists() and (not out.is_dir() or any(out.iterdir())):
        raise DatasetError(f"{out} is not empty; choose another --out")
    out.mkdir(parents=True, exist_ok=True)
    write_text(path, json.dumps(recipe, indent=1) + "\n")
    return True


def finish(out: Path) -> None:
    """Mark a folder as complete, once its last file is written."""
    (out / RECIPE).unlink(missing_ok=True)


def made_by(out: Path) -> Any:
    """Return the recipe that a complete data set in a folder was made by; None where there is no data set."""
    if not (out / NAME).is_file():
        return None
    return (read_manifest(out).get(HISTORY) or [{}])[-1]


def digest_of(store: Store) -> str:
    """Name a data set, as it is now, by the SHA-256 of its manifest."""
    return hashlib.sha256(store.read(NAME)).hexdigest()
