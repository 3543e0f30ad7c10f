"""habitat-sim's scene descriptions: stage, object and scene instance files (.json), read without habitat-sim.

A stage or object names its mesh and the mesh's up and front; a scene instance places one stage and many objects. The data set
file that lists them is read by simulator/loaders/habitat_dataset.py.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np
from scipy.spatial.transform import Rotation

from simulator.errors import InputError
from simulator.loaders.files import path_beside
from simulator.loaders.habitat_dataset import (
    DATASET,
    INSTANCE,
    NO_TEMPLATES,
    OBJECT,
    STAGE,
    DatasetFile,
    Template,
    dataset_of,
    find_template,
    read_json,
    well_formed,
)
from simulator.loaders.publishers import Y_UP, annotations_of, frame, plain_twin


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
    """Attributes of the stage or object from its descriptions, with up and front filled in."""


def placements(path: Path) -> tuple[list[Placed], list[str], list[Path]]:
    """Return the meshes of a scene, notes for the user, and the description files read, for any scene path.

    path: a scene instance, a stage file, or a mesh, whose frame is looked up in the files around it.
    Raise InputError if a description is invalid or names a missing file.
    """
    with well_formed(path):
        if path.name.endswith(INSTANCE):
            return _instance(path)
        dataset = dataset_of(path)
        listed = dataset.stages if dataset else NO_TEMPLATES
        placed, notes, read = _stage(listed.of(path, _stage_file(path)), dataset)
        return [placed], notes, read


def orientation(up: Any, front: Any) -> np.ndarray:
    """Return the (3, 3) rotation that maps a mesh's up to +Y and its front to -Z; InputError if they are not perpendicular."""
    u, f = np.array(up, np.float64), np.array(front, np.float64)
    if u.shape != (3,) or f.shape != (3,) or not np.linalg.norm(u) * np.linalg.norm(f) > 0:
        raise InputError(f"up {up} and front {front} are not two directions")
    u, f = u / np.linalg.norm(u), f / np.linalg.norm(f)
    if abs(u @ f) > 1e-3:
        raise InputError(f"up {up} and front {front} are not at right angles")
    return np.stack([np.cross(f, u), u, -f])


def _stage(template: Template, dataset: DatasetFile | None) -> tuple[Placed, list[str], list[Path]]:
    """Place a stage according to its own file, or to the files around its mesh; also return notes and the files read."""
    path = template.file
    config = path if path.name.endswith((STAGE, DATASET)) else _stage_file(path)
    own = {**(read_json(config) if config and config.name.endswith(STAGE) else {}), **template.attributes}
    values = {**(dataset.stages.defaults if dataset else {}), **own}
    mesh = _mesh(path, own, dataset) if config == path else path
    up, front = frame(mesh)
    up, front = values.get("up", up), values.get("front", front)
    try:
        turn = orientation(up, front)
        semantic_turn = orientation(values.get("semantic_up", up), values.get("semantic_front", front))
    except InputError as error:
        raise InputError(f"{config or (dataset and dataset.path)}: {error}; correct them") from None
    transform, semantic_transform = _scaled(turn, values), _scaled(semantic_turn, values)
    semantic, descriptor = (
        _named(config or path, own[key], dataset) if own.get(key) else None
        for key in ("semantic_asset", "semantic_descriptor_filename")
    )
    if semantic is None:
        semantic, descriptor = annotations_of(mesh, descriptor)
    missing = [f for f in (semantic, descriptor) if f is not None and not f.is_file()]
    notes = [f"annotations {f.name:.60} are missing: instances by the mesh's own parts" for f in missing[:1]]
    if missing:
        semantic = descriptor = None
    attributes = {**values, "up": list(up), "front": list(front)}
    read = [*([config] if config else []), *([dataset.path] if dataset else [])]
    return Placed(mesh, transform, "", semantic, semantic_transform, descriptor, attributes=attributes), notes, read


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
    stage, notes, read = _stage(find_template(path, entry, dataset.stages, STAGE), dataset)
    inside = instance_transform(entry)
    semantic = None if stage.semantic_transform is None else inside @ stage.semantic_transform
    placed = [replace(stage, transform=inside @ stage.transform, semantic_transform=semantic)]
    read = [path, *read]
    for thing in content.get("object_instances", []):
        template = find_template(path, thing, dataset.objects, OBJECT)
        placed.append(_object(template, dataset, thing, content))
        read += [template.file] if template.file.name.endswith(OBJECT) else []
    articulated = len(content.get("articulated_object_instances", []))
    notes += [f"{articulated} articulated objects (URDF) left out"] if articulated else []
    return placed, notes, list(dict.fromkeys(read))


def _object(template: Template, dataset: DatasetFile, entry: dict[str, Any], scene: dict[str, Any]) -> Placed:
    """Place an object; its name is its template's."""
    path = template.file
    own = {**(read_json(path) if path.name.endswith(OBJECT) else {}), **template.attributes}
    values = {**dataset.objects.defaults, **own}
    mesh = _mesh(path, own, dataset) if path.name.endswith((OBJECT, DATASET)) else path
    up, front = values.get("up", Y_UP[0]), values.get("front", Y_UP[1])
    inside = _scaled(orientation(up, front), values)
    origin = str(entry.get("translation_origin", scene.get("translation_origin", "COM"))).lower()
    by_mesh = origin == "asset_local"
    # habitat-sim computes the centre anew with each description that does not name it.
    last = template.attributes or own or values
    if not by_mesh and "COM" in last:
        inside[:3, 3] -= np.array(last["COM"], np.float64) * values.get("scale", (1.0, 1.0, 1.0))
    name = template.handle or path.name.removesuffix(OBJECT).removesuffix(path.suffix)
    attributes = {**values, "up": list(up), "front": list(front)}
    transform = instance_transform(entry) @ inside
    return Placed(mesh, transform, name, centred=not by_mesh and "COM" not in last, attributes=attributes)


def _named(config: Path, name: Any, dataset: DatasetFile | None) -> Path:
    """Return the path of a file that a description names; raise InputError outside the folder of its data set.

    Without a data set file, that is the description's folder; Replica keeps descriptions in a folder `habitat` beside the mesh.
    """
    folder = dataset.path.parent if dataset else config.parent.parent if config.parent.name == "habitat" else config.parent
    try:
        return path_beside(config, str(name), folder)
    except OSError as error:
        raise InputError(f"{config} names a file that cannot exist ({error}); restore it from its data set") from None


def _mesh(config: Path, attributes: dict[str, Any], dataset: DatasetFile | None) -> Path:
    """Return the mesh that a description names in its attributes; raise InputError where it is missing."""
    asset = attributes.get("render_asset", "")
    mesh = plain_twin(_named(config, asset, dataset))
    if not mesh.is_file():
        raise InputError(f"{config} names the mesh {asset!r}, which is missing; restore it from its data set")
    return mesh


def instance_transform(entry: dict[str, Any]) -> np.ndarray:
    """Return the (4, 4) transform of an instance: translation x rotation (w, x, y, z) x scale."""
    w, x, y, z = entry.get("rotation", (1.0, 0.0, 0.0, 0.0))
    scale = np.array(entry.get("non_uniform_scale", (1.0, 1.0, 1.0))) * float(entry.get("uniform_scale", 1.0))
    out = np.eye(4)
    out[:3, :3] = Rotation.from_quat((x, y, z, w)).as_matrix() * scale
    out[:3, 3] = entry.get("translation", (0.0, 0.0, 0.0))
    return out
