"""Finding scenes: in files, in folders, and in collections as their publishers unpack them."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from pathlib import Path

from simulator.errors import InputError
from simulator.loaders.habitat_dataset import DATASET, INSTANCE, STAGE, read_dataset
from simulator.loaders.publishers import is_companion, plain_twin

FORMATS = (".glb", ".gltf", ".ply", ".obj")
LAYOUTS = (INSTANCE, STAGE, DATASET)
"""habitat-sim's descriptions, which also denote scenes."""
PARTS_OF_SCENES = {
    ".mtl": ("a material library", "the .obj file that uses it"),
    ".bin": ("a buffer", "the .gltf file that uses it"),
    **dict.fromkeys((".png", ".jpg", ".jpeg", ".webp", ".bmp", ".tga", ".ktx2"), ("a picture", "the mesh that uses it")),
    ".navmesh": ("a walkable surface", "the mesh beside it"),
    ".json": ("no description of a scene", f"a mesh, or a *{', *'.join(LAYOUTS)} file"),
}
"""Files found beside scenes: what they are, and what to name instead."""
GENERIC = {"mesh", "mesh_z_up", "mesh_semantic", "replica_stage", "habitat", "scene", "stage"}
"""File names that do not identify a scene; such a scene is named after its folder."""


def find_scenes(paths: Sequence[Path]) -> dict[str, Path]:
    """Find scenes in files and folders (recursively, sorted) and name them; {safe unique name: path}.

    Data set files (`*.scene_dataset_config.json`) denote the scenes that they list; other files of those scenes are not
    scenes of their own. Raise InputError for a path that does not exist, a file of another format, or a folder without
    scenes.
    """
    found: list[Path] = []
    for path in paths:
        if path.is_dir():
            inside = list(_in_folder(path))
            if not inside:
                raise InputError(f"folder {path} holds no scenes; put {', '.join(FORMATS)} files there")
            found += inside
        elif not path.exists():
            raise InputError(f"scene path {path} does not exist; give a folder or a {', '.join(FORMATS)} file")
        elif path.name.endswith(DATASET):
            listed = _in_dataset(path)
            if not listed:
                raise InputError(f"{path} lists no scene that exists; put the files that it lists in their places beside it")
            found += listed
        else:
            check_format(path, LAYOUTS)
            found.append(path)
    return _named(list(dict.fromkeys(found)))


def check_format(path: Path, descriptions: tuple[str, ...] = ()) -> None:
    """Raise InputError for a file that is neither a mesh of a known format nor, by the end of its name, a description."""
    suffix = path.suffix.lower()
    if suffix in FORMATS or path.name.endswith(descriptions):
        return
    if suffix in PARTS_OF_SCENES:
        kind, instead = PARTS_OF_SCENES[suffix]
        raise InputError(f"scene file {path} is {kind}; give {instead}")
    known = ", ".join(FORMATS)
    raise InputError(f"scene file {path} has no known format; give one of {known}, such as an export of it as .glb")


def safe(text: str) -> str:
    """Return a name that is safe for files."""
    return re.sub(r"[^A-Za-z0-9_]+", "_", text).strip("_") or "scene"


def _in_folder(folder: Path) -> Iterator[Path]:
    """Return the scenes of a folder: those of data set files, then meshes and scene instances outside these."""
    covered: list[Path] = []
    for config in sorted(folder.rglob(f"*{DATASET}")):
        scenes = _in_dataset(config)
        covered += [config.parent] * bool(scenes)
        yield from scenes
    files = [p for p in sorted(folder.rglob("*")) if p.is_file() and not any(p.is_relative_to(c) for c in covered)]
    instances = [p for p in files if p.name.endswith(INSTANCE)]
    yield from instances or [p for p in files if p.suffix.lower() in FORMATS and not is_companion(p)]


def _in_dataset(config: Path) -> list[Path]:
    """Return the scenes of a data set file: its scene instances, or its stages where it has none."""
    dataset = read_dataset(config)
    stages = [plain_twin(p) for p in dataset.stages.files if p.suffix.lower() in FORMATS or p.name.endswith(STAGE)]
    return list(dict.fromkeys(dataset.instances or stages))


def _named(paths: list[Path]) -> dict[str, Path]:
    """Name scenes after their files; where that is generic or repeats, the folder's name comes first."""
    names: dict[str, Path] = {}
    stems = [_stem(p) for p in paths]
    for path, stem in zip(paths, stems, strict=True):
        name = safe(stem if stems.count(stem) == 1 else f"{path.parent.name}_{stem}")
        base, k = name, 1
        while name in names:
            k += 1
            name = f"{base}_{k}"
        names[name] = path
    return names


def _stem(path: Path) -> str:
    """Return the name of a scene: its file's without suffixes, or that of the nearest folder with a specific name."""
    stem = path.stem
    for suffix in LAYOUTS:
        stem = path.name.removesuffix(suffix) if path.name.endswith(suffix) else stem
    stem = stem.removesuffix(".basis")
    parents = iter(path.resolve().parents)
    while stem.lower() in GENERIC and (folder := next(parents, None)) is not None and folder.name:
        stem = folder.name
    return safe(stem)
