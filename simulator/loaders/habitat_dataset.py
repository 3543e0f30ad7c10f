"""habitat-sim's data set files (`*.scene_dataset_config.json`): the stages, objects and scene instances that they list.

A stage or object has the attributes `default_attributes` of the data set, then those of its own file, then those of the
entries `configs` about it, each overriding the ones before. An entry with a `template_handle` leaves its `original_file` as it
is and makes another template, which scene instances can name.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any

from simulator.errors import InputError
from simulator.loaders.publishers import plain_twin

DATASET, STAGE, OBJECT, INSTANCE = (
    f".{kind}.json" for kind in ("scene_dataset_config", "stage_config", "object_config", "scene_instance")
)
UPWARD = 6
"""Number of folders above a scene that are searched for its data set file."""


@dataclass(frozen=True, eq=False)
class Template:
    """A stage or object that scene instances name."""

    file: Path
    """Its mesh or description; the data set file where that alone describes it."""
    attributes: dict[str, Any]
    """Attributes from `configs`, which override those of the file."""
    handle: str = ""
    """Its `template_handle`; empty for a listed file, which is named by the end of its path."""


@dataclass(frozen=True, eq=False)
class Templates:
    """The stages or the objects of a data set."""

    files: tuple[Path, ...]
    """Meshes and descriptions."""
    defaults: dict[str, Any]
    """Attributes that those of the files override."""
    changed: dict[Path, dict[str, Any]]
    """Attributes that override those of a file."""
    named: tuple[Template, ...]
    """Templates with a handle."""

    def of(self, file: Path, config: Path | None = None) -> Template:
        """Return a listed mesh or description as template. config: the description that was found for a mesh."""
        attributes = [self.changed.get(p.resolve(), {}) for p in dict.fromkeys((file, config)) if p is not None]
        return Template(file, {k: v for one in attributes for k, v in one.items()})


NO_TEMPLATES = Templates((), {}, {}, ())


@dataclass(frozen=True, eq=False)
class DatasetFile:
    """A `*.scene_dataset_config.json`, with its paths resolved."""

    path: Path
    stages: Templates
    objects: Templates
    instances: tuple[Path, ...]


@contextmanager
def well_formed(path: Path) -> Iterator[None]:
    """Turn what values of a wrong type or size in a description lead to into an InputError."""
    try:
        yield
    except (AttributeError, IndexError, KeyError, TypeError, ValueError) as error:
        why = " ".join(f"{type(error).__name__}: {error}".split())
        raise InputError(
            f"{path} or a description beside it has a value of a wrong type or size ({why}); restore it from its data set"
        ) from None


def read_json(path: Path) -> dict[str, Any]:
    """Read a description; raise InputError if it is not a JSON object."""
    if not path.is_file():  # reading a pipe would not end
        raise InputError(f"{path} is not a file; restore it from its data set")
    try:
        content = json.loads(path.read_text())
    except (OSError, RecursionError, ValueError) as error:
        raise InputError(f"{path} is not readable JSON ({error}); restore it from its data set") from None
    if not isinstance(content, dict):
        raise InputError(f"{path} holds {type(content).__name__}; a JSON object is expected; restore it from its data set")
    return content


@lru_cache(maxsize=64)
def read_dataset(path: Path) -> DatasetFile:
    """Read a data set file and resolve the files that it lists."""
    content = read_json(path)
    with well_formed(path):
        instances = _files(path, content.get("scene_instances", {}), INSTANCE)
        stages, objects = (_templates(path, content.get(k, {}), s) for k, s in (("stages", STAGE), ("objects", OBJECT)))
        return DatasetFile(path, stages, objects, instances)


def dataset_of(path: Path) -> DatasetFile | None:
    """Return the data set file above a scene that lists it, or None."""
    for folder in list(path.resolve().parents)[:UPWARD]:
        for candidate in _data_set_files(folder, folder.stat().st_mtime_ns):
            dataset = read_dataset(candidate)
            if plain_twin(path.resolve()) in {plain_twin(p) for p in (*dataset.stages.files, *dataset.instances)}:
                return dataset
    return None


@lru_cache(maxsize=256)
def _data_set_files(folder: Path, changed_ns: int) -> tuple[Path, ...]:
    """Return the data set files of a folder, which is listed once for all its scenes while it does not change."""
    return tuple(sorted(folder.glob(f"*{DATASET}")))


def find_template(path: Path, entry: dict[str, Any], templates: Templates, suffix: str) -> Template:
    """Return the template that an entry of the scene instance `path` names: a handle, or the end of a path without suffix."""
    name = str(entry.get("template_name", ""))
    wanted = tuple(Path(name.removesuffix(suffix)).parts)
    for template in templates.named if wanted else ():
        if wanted == Path(template.handle.removesuffix(suffix)).parts:
            return template
    for file in templates.files if wanted else ():
        bare = file.with_name(file.name.removesuffix(suffix).removesuffix(file.suffix))
        if wanted in (bare.parts[-len(wanted) :], file.parts[-len(wanted) :]):
            return templates.of(plain_twin(file))
    raise InputError(f"{path} names the template {name!r}, which its data set does not list; restore it from its data set")


def _templates(path: Path, content: dict[str, Any], suffix: str) -> Templates:
    """Return the stages or objects of a data set file, from its part about them."""
    files = _files(path, content, suffix)
    changed: dict[Path, dict[str, Any]] = {}
    named: list[Template] = []
    for entry in content.get("configs", []):
        handle, start = str(entry.get("template_handle", "")), str(entry.get("original_file", ""))
        original = next((p for p in files if start and str(Path(start)).lower() in str(p).lower()), None)
        if original is None and (start or not handle):
            continue  # as in habitat-sim: the data set does not have what the entry is about
        file = plain_twin(original).resolve() if original else path
        attributes = {**changed.get(file, {}), **entry["attributes"]}
        if handle:
            named.append(Template(file, attributes, handle))
        else:
            changed[file] = attributes
    return Templates(files, dict(content.get("default_attributes", {})), changed, tuple(named))


def _files(path: Path, content: dict[str, Any], suffix: str) -> tuple[Path, ...]:
    """Return the files that a part of a data set file lists under `paths`; those of descriptions end in `suffix`."""
    found: list[Path] = []
    for extension, entries in content.get("paths", {}).items():
        for entry in entries:
            found += _listed(path.parent, entry, suffix if extension == ".json" else extension)
    return tuple(dict.fromkeys(found))


def _listed(root: Path, entry: str, suffix: str) -> list[Path]:
    """Return the files that an entry of a data set file denotes: a file, a folder, or a pattern."""
    out: list[Path] = []
    for found in sorted(root.glob(entry.strip("/"))) if entry.strip("/.") else [root]:
        out += sorted(found.glob(f"*{suffix}")) if found.is_dir() else [found] if found.name.endswith(suffix) else []
    return [path for path in out if path.is_file()]
