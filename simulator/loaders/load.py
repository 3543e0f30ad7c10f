"""Scene files of any supported format -> a Scene."""

from __future__ import annotations

import hashlib
from dataclasses import replace
from functools import cache, partial
from pathlib import Path

import numpy as np
from PIL import Image as Pillow

from simulator.errors import InputError
from simulator.loaders.annotations import annotate
from simulator.loaders.discover import LAYOUTS, check_format, find_scenes, safe
from simulator.loaders.files import content_beside, read_beside
from simulator.loaders.gltf import read_gltf
from simulator.loaders.gltf import referenced as gltf_files
from simulator.loaders.habitat_config import Placed, placements
from simulator.loaders.obj import read_obj
from simulator.loaders.obj_materials import referenced as obj_files
from simulator.loaders.ply import read_ply_mesh
from simulator.loaders.ply import referenced as ply_files
from simulator.loaders.publishers import licence_of
from simulator.scene.assemble import MaterialSpec, MeshFile, Part, assemble
from simulator.scene.model import Scene

__all__ = ["find_scenes", "load_scene", "scene_digest"]
TEXTURE_MB = 400.0


def load_scene(
    path: Path, name: str | None = None, texture_mb: float = TEXTURE_MB, textures: bool = True, scale: float = 1.0
) -> Scene:
    """Read a scene into memory; raise InputError, with a one-line message, for anything that cannot be used.

    path: a mesh, or habitat-sim's description of a stage or scene instance. texture_mb: memory that its textures may take,
    MB; larger ones are scaled down. textures: whether to read textures; False where another camera renders them. scale: factor
    from the file's unit, after its descriptions, to metres.
    """
    try:
        if path.is_dir():
            raise InputError(f"scene {path} is a folder; give a file in it")
        if path.exists():
            check_format(path, LAYOUTS)
            if not path.is_file():  # reading a pipe would not end
                raise InputError(f"scene {path} is a pipe or a device; give a file")
        placed, notes, _ = placements(path)
        for one in placed:
            check_format(one.path)
        placed = [_scaled(one, scale) for one in placed]
        read = cache(partial(_read, textures=textures))  # an object placed ten times is read once
        parts: list[Part] = []
        specs: list[MaterialSpec] = []
        pictures: list[Pillow.Image | None] = []
        start: dict[Path, int] = {}
        for number, one in enumerate(placed):
            mesh = read(one.path)
            if one.path not in start:
                start[one.path] = len(specs)
                specs += [replace(s, image=s.image + len(pictures)) if s.image >= 0 else s for s in mesh.specs]
                pictures += mesh.pictures
                notes += mesh.notes
            parts += _in_place(one, number, [replace(p, material=p.material + start[one.path]) for p in mesh.parts])
        credit = _credit(path, read(placed[0].path))
        return assemble(name or safe(path.stem), scene_digest(path), parts, specs, pictures, notes, credit, texture_mb)
    except OSError as error:
        raise InputError(f"scene {path} cannot be read ({error}); check the file") from None
    except InputError as error:
        message = str(error)
        raise InputError(message if str(path) in message else f"{path}: {message}") from None


def scene_digest(path: Path) -> str:
    """Return the hexadecimal SHA-256 of a scene's content: its files and those they refer to, independent of their location.

    Raise InputError if a description of the scene is invalid, OSError if a file cannot be read.
    """
    placed, _, descriptions = placements(path)
    digest = hashlib.sha256()
    for file in descriptions:
        digest.update(file.read_bytes())
    for one in placed:
        if not np.array_equal(one.transform, np.eye(4)):
            digest.update(one.transform.astype("<f8").tobytes())
    for file in dict.fromkeys(f for p in placed for f in (p.path, p.semantic, p.descriptor) if f is not None):
        digest.update(file.read_bytes())
        for name in _referenced(file):
            digest.update(content_beside(file, name))
    return digest.hexdigest()


def _read(path: Path, textures: bool) -> MeshFile:
    if path.suffix.lower() in (".glb", ".gltf"):
        return read_gltf(path, partial(read_beside, path), textures=textures)
    mesh = read_obj(path) if path.suffix.lower() == ".obj" else read_ply_mesh(path)
    return mesh if textures else mesh._replace(pictures=[None] * len(mesh.pictures))


def _referenced(path: Path) -> list[str]:
    """Return the names of the files that a scene file refers to."""
    kinds = {".glb": gltf_files, ".gltf": gltf_files, ".obj": obj_files, ".ply": ply_files}
    return kinds[path.suffix.lower()](path) if path.suffix.lower() in kinds else []


def _scaled(one: Placed, scale: float) -> Placed:
    """Scale the world in which a mesh is placed."""
    factor = np.diag([scale, scale, scale, 1.0])
    semantic = None if one.semantic_transform is None else factor @ one.semantic_transform
    return one if scale == 1.0 else replace(one, transform=factor @ one.transform, semantic_transform=semantic)


def _in_place(one: Placed, number: int, parts: list[Part]) -> list[Part]:
    """Transform a mesh's parts to the world; an object is one instance under its own name, a stage keeps its annotated ones."""
    transform = one.transform
    if one.centred and parts:
        corners = np.concatenate([p.vertices for p in parts])
        transform = transform.copy()
        transform[:3, 3] -= transform[:3, :3] @ (corners.min(0) + corners.max(0)) / 2
    if not np.array_equal(transform, np.eye(4)):
        inside_out = np.linalg.det(transform[:3, :3]) < 0
        parts = [
            replace(
                p,
                vertices=p.vertices @ transform[:3, :3].T + transform[:3, 3],
                faces=p.faces[:, ::-1] if inside_out else p.faces,
                color=p.color[:, ::-1] if inside_out and p.color is not None and p.color.ndim == 3 else p.color,
            )
            for p in parts
        ]
    if one.semantic is not None and one.descriptor is not None and one.semantic_transform is not None:
        parts = annotate(parts, one.semantic, one.semantic_transform, one.descriptor)
    return [replace(p, name=one.name, group=f"placed {number}") for p in parts] if one.name else parts


def _credit(path: Path, mesh: MeshFile) -> str:
    """Return the licence of a known collection, the credit in the file, or the first line of a licence text beside it."""
    licence = licence_of(path)
    if licence is not None:
        return f"{licence.collection}: {licence.terms}"
    if mesh.credit:
        return mesh.credit
    for candidate in (path.with_suffix(".license"), path.parent / "LICENSE", path.parent / "LICENSE.txt"):
        if candidate.is_file():
            lines = candidate.read_text(errors="replace").strip().splitlines()
            return lines[0].strip() if lines else ""
    return ""
