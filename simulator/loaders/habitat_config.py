"""habitat-sim's scene descriptions: data set, stage, object and scene instance files (.json), read without habitat-sim.

A data set's `*.scene_dataset_config.json` lists where its stages, objects and scene instances are. A stage or object names
its mesh and the mesh's up and front; a scene instance places one stage and many objects.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import lru_cache
from pathlib import Path
from typing import Any

import numpy as np
from scipy.spatial.transform import Rotation

from simulator.errors import InputError
from simulator.loaders.publishers import Y_UP, annotations_of, frame, plain_twin

DATASET, STAGE, OBJECT, INSTANCE = (
    f".{kind}.json" for kind in ("scene_dataset_config", "stage_config", "object_config", "scene_instance")
)
UPWARD = 6
"""Number of folders above a scene that are searched for its data set file."""


@dataclass(frozen=True, eq=False)
class Placed:
    """One mesh of a scene."""

    path: Path
    transform: np.ndarray
    """(4, 4) from the mesh's frame to the world's."""
    name: str = ""
    """Of the object; empty for the stage, whose own parts are the instances."""
    semantic: Path | None = None
    """An annotated mesh of the same surface, in the frame that `semantic_transform` maps to the world."""
    semantic_transform: np.ndarray | None = None
    descriptor: Path | None = None
    """The names of those instances."""
    centred: bool = False
    """Whether the object's position is that of the centre of its bounding box rather than of its mesh's origin."""
    attributes: dict[str, Any] = field(default_factory=dict)
    """Attributes of a stage from its descriptions, with up and front filled in."""


@dataclass(frozen=True)
class DatasetFile:
    """A `*.scene_dataset_config.json`, with its paths resolved."""

    path: Path
    stages: tuple[Path, ...]
    """Meshes and stage files."""
    objects: tuple[Path, ...]
    instances: tuple[Path, ...]
    defaults: dict[str, Any] = field(compare=False, hash=False)
    """Default attributes of stages."""


def placements(path: Path) -> tuple[list[Placed], list[str], list[Path]]:
    """Return the meshes of a scene, notes for the user, and the description files read, for any scene path.

    path: a scene instance, a stage file, or a mesh, whose frame is looked up in the files around it.
    Raise InputError if a description is invalid or names a missing file.
    """
    with _well_formed(path):
        if path.name.endswith(INSTANCE):
            return _instance(path)
        placed, read = _stage(path, dataset_of(path))
        return [placed], [], read


@contextmanager
def _well_formed(path: Path) -> Iterator[None]:
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
    with _well_formed(path):
        return _dataset(path, content)


def _dataset(path: Path, content: dict[str, Any]) -> DatasetFile:
    def listed(key: str, suffix: str) -> tuple[Path, ...]:
        found: list[Path] = []
        for extension, entries in content.get(key, {}).get("paths", {}).items():
            for entry in entries:
                found += _listed(path.parent, entry, suffix if extension == ".json" else extension)
        return tuple(dict.fromkeys(found))

    defaults = content.get("stages", {}).get("default_attributes", {})
    return DatasetFile(path, listed("stages", STAGE), listed("objects", OBJECT), listed("scene_instances", INSTANCE), defaults)


def _listed(root: Path, entry: str, suffix: str) -> list[Path]:
    """Return the files that an entry of a data set file denotes: a file, a folder, or a pattern."""
    out: list[Path] = []
    for found in sorted(root.glob(entry.strip("/"))) if entry.strip("/.") else [root]:
        out += sorted(found.glob(f"*{suffix}")) if found.is_dir() else [found] if found.name.endswith(suffix) else []
    return out


def dataset_of(path: Path) -> DatasetFile | None:
    """Return the data set file above a scene that lists it, or None."""
    for folder in list(path.resolve().parents)[:UPWARD]:
        for candidate in sorted(folder.glob(f"*{DATASET}")):
            dataset = read_dataset(candidate)
            if plain_twin(path.resolve()) in {plain_twin(p) for p in (*dataset.stages, *dataset.instances)}:
                return dataset
    return None


def orientation(up: Any, front: Any) -> np.ndarray:
    """Return the (3, 3) rotation that maps a mesh's up to +Y and its front to -Z; InputError if they are not perpendicular."""
    u, f = np.array(up, np.float64), np.array(front, np.float64)
    if u.shape != (3,) or f.shape != (3,) or not np.linalg.norm(u) * np.linalg.norm(f) > 0:
        raise InputError(f"up {up} and front {front} are not two directions")
    u, f = u / np.linalg.norm(u), f / np.linalg.norm(f)
    if abs(u @ f) > 1e-3:
        raise InputError(f"up {up} and front {front} are not at right angles")
    return np.stack([np.cross(f, u), u, -f])


def _stage(path: Path, dataset: DatasetFile | None) -> tuple[Placed, list[Path]]:
    """Place a stage according to its own file, or to the files around its mesh."""
    config = path if path.name.endswith(STAGE) else _stage_file(path)
    own = read_json(config) if config else {}
    values = {**(dataset.defaults if dataset else {}), **own}
    mesh = path
    if config is not None and path.name.endswith(STAGE):
        mesh = plain_twin((config.parent / str(own.get("render_asset", ""))).resolve())
        if not mesh.is_file():
            raise InputError(
                f"{config} names the mesh {own.get('render_asset')!r}, which is missing; restore it from its data set"
            )
    up, front = frame(mesh)
    up, front = values.get("up", up), values.get("front", front)
    try:
        turn = orientation(up, front)
        semantic_turn = orientation(values.get("semantic_up", up), values.get("semantic_front", front))
    except InputError as error:
        raise InputError(f"{config or (dataset and dataset.path)}: {error}; correct them") from None
    transform, semantic_transform = _scaled(turn, values), _scaled(semantic_turn, values)
    semantic, descriptor = (
        (config.parent / str(own[key])).resolve() if config and own.get(key) else None
        for key in ("semantic_asset", "semantic_descriptor_filename")
    )
    if semantic is None:
        semantic, descriptor = annotations_of(mesh, descriptor)
    if semantic is not None and not (semantic.is_file() and (descriptor is None or descriptor.is_file())):
        semantic = descriptor = None
    attributes = {**values, "up": list(up), "front": list(front)}
    read = [*([config] if config else []), *([dataset.path] if dataset else [])]
    return Placed(mesh, transform, "", semantic, semantic_transform, descriptor, attributes=attributes), read


def _stage_file(mesh: Path) -> Path | None:
    """Return the stage file of a mesh: beside it under its name, or in Replica's folder `habitat` under any name."""
    beside = mesh.with_name(mesh.stem + STAGE)
    if beside.is_file():
        return beside
    for candidate in sorted((mesh.parent / "habitat").glob(f"*{STAGE}")):
        asset = read_json(candidate).get("render_asset")
        if asset and (candidate.parent / asset).resolve() == mesh.resolve():
            return candidate
    return None


def _scaled(turn: np.ndarray, values: dict[str, Any]) -> np.ndarray:
    """Return the (4, 4) transform of an asset: rotated upright, then scaled to metres along the world's axes."""
    scale = np.array(values.get("scale", (1.0, 1.0, 1.0)), np.float64) * float(values.get("units_to_meters", 1.0))
    out = np.eye(4)
    out[:3, :3] = scale[:, None] * turn
    return out


def _instance(path: Path) -> tuple[list[Placed], list[str], list[Path]]:
    """Place the stage and the objects of a scene instance."""
    content, dataset = read_json(path), dataset_of(path)
    if dataset is None:
        raise InputError(
            f"{path} belongs to no data set: no *{DATASET} above it lists it; keep it in its publisher's folder layout"
        )
    entry = content.get("stage_instance", {})
    stage, read = _stage(_template(path, entry, dataset.stages, STAGE), dataset)
    inside = instance_transform(entry)
    semantic = None if stage.semantic_transform is None else inside @ stage.semantic_transform
    placed = [Placed(stage.path, inside @ stage.transform, "", stage.semantic, semantic, stage.descriptor)]
    read = [path, *read]
    for thing in content.get("object_instances", []):
        template = _template(path, thing, dataset.objects, OBJECT)
        placed.append(_object(template, thing, content))
        read += [template] if template.name.endswith(OBJECT) else []
    articulated = len(content.get("articulated_object_instances", []))
    notes = [f"{articulated} articulated objects (URDF) left out"] if articulated else []
    return placed, notes, list(dict.fromkeys(read))


def _template(path: Path, entry: dict[str, Any], listed: tuple[Path, ...], suffix: str) -> Path:
    """Return the file that a template name denotes: the end of its path, without its suffix."""
    name = str(entry.get("template_name", ""))
    wanted = tuple(Path(name.removesuffix(suffix)).parts)
    for candidate in listed if wanted else ():
        bare = candidate.with_name(candidate.name.removesuffix(suffix).removesuffix(candidate.suffix))
        if wanted in (bare.parts[-len(wanted) :], candidate.parts[-len(wanted) :]):
            return plain_twin(candidate)
    raise InputError(f"{path} names the template {name!r}, which its data set does not list; restore it from its data set")


def _object(template: Path, entry: dict[str, Any], scene: dict[str, Any]) -> Placed:
    """Place an object; its name is its template's."""
    values, mesh = {}, template
    if template.name.endswith(OBJECT):
        values = read_json(template)
        mesh = plain_twin((template.parent / str(values.get("render_asset", ""))).resolve())
        if not mesh.is_file():
            raise InputError(f"{template} names the mesh {values.get('render_asset')!r}, which is missing; restore it")
    turn = orientation(values.get("up", Y_UP[0]), values.get("front", Y_UP[1]))
    inside = _scaled(turn, values)
    origin = str(entry.get("translation_origin", scene.get("translation_origin", "COM"))).lower()
    by_mesh = origin == "asset_local"
    if not by_mesh and "COM" in values:
        inside[:3, 3] -= np.array(values["COM"], np.float64)
    name = template.name.removesuffix(OBJECT).removesuffix(template.suffix)
    return Placed(mesh, instance_transform(entry) @ inside, name, centred=not by_mesh and "COM" not in values)


def instance_transform(entry: dict[str, Any]) -> np.ndarray:
    """Return the (4, 4) transform of an instance: translation x rotation (w, x, y, z) x scale."""
    w, x, y, z = entry.get("rotation", (1.0, 0.0, 0.0, 0.0))
    scale = np.array(entry.get("non_uniform_scale", (1.0, 1.0, 1.0))) * float(entry.get("uniform_scale", 1.0))
    out = np.eye(4)
    out[:3, :3] = Rotation.from_quat((x, y, z, w)).as_matrix() * scale
    out[:3, 3] = entry.get("translation", (0.0, 0.0, 0.0))
    return out
