"""Scene files: finding them, and reading any of them into a Scene."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import trimesh

from simulator.errors import InputError
from simulator.gltf import read_gltf, referenced
from simulator.parts import Look, Part, assemble
from simulator.scene import Scene
from simulator.textures import Image, linear_from_srgb, to_image

FORMATS = (".glb", ".gltf", ".ply", ".obj")


def find_scenes(paths: Sequence[Path]) -> dict[str, Path]:
    """Find scene files in files and folders (recursively, sorted) and name them; {safe unique name: path}.

    Raises InputError for a path that does not exist, a file of another format, or a folder without scenes.
    """
    found: list[Path] = []
    for path in paths:
        if path.is_dir():
            inside = sorted(p for p in path.rglob("*") if p.suffix.lower() in FORMATS and p.is_file())
            if not inside:
                raise InputError(f"folder {path} holds no scenes; put {', '.join(FORMATS)} files there")
            found += inside
        elif not path.exists():
            raise InputError(f"scene path {path} does not exist; give a folder or a {', '.join(FORMATS)} file")
        elif path.suffix.lower() not in FORMATS:
            raise InputError(f"scene file {path} is of no known format; give one of {', '.join(FORMATS)}")
        else:
            found.append(path)
    return _named(list(dict.fromkeys(found)))


def load_scene(path: Path, name: str | None = None) -> Scene:
    """Read a scene file into memory; raises InputError, in one line, for anything that cannot be used."""
    name = name or _safe(path.stem)
    try:
        if path.suffix.lower() in (".glb", ".gltf"):
            parts, looks, images, notes, credit = read_gltf(path, lambda uri: _beside(path, uri).read_bytes())
        else:
            parts, looks, images, notes = _read_mesh(path)
            credit = ""
        return assemble(name, scene_digest(path), parts, looks, images, notes, credit or _sidecar(path))
    except OSError as error:
        raise InputError(f"scene {path} cannot be read ({error}); check the file") from None
    except InputError as error:
        message = str(error)
        raise InputError(message if str(path) in message else f"{path}: {message}") from None


def _named(paths: list[Path]) -> dict[str, Path]:
    """Name scenes after their files; where stems repeat, the folders' names come first."""
    names: dict[str, Path] = {}
    stems = [_safe(p.stem) for p in paths]
    for path, stem in zip(paths, stems, strict=True):
        name = stem if stems.count(stem) == 1 else _safe(f"{path.parent.name}_{path.stem}")
        base, k = name, 1
        while name in names:
            k += 1
            name = f"{base}_{k}"
        names[name] = path
    return names


def _safe(text: str) -> str:
    return re.sub(r"[^A-Za-z0-9_]+", "_", text).strip("_") or "scene"


def _beside(path: Path, uri: str) -> Path:
    target = (path.parent / uri).resolve()
    if not target.is_relative_to(path.parent.resolve()):
        raise InputError(f"{path} refers to {uri}, outside its folder; put the file beside the scene")
    return target


def scene_digest(path: Path) -> str:
    """Hash the content of a scene's file and of the files it refers to, whatever their place; hexadecimal SHA-256."""
    digest = hashlib.sha256(path.read_bytes())
    names = referenced(path) if path.suffix.lower() == ".gltf" else _obj_files(path)
    for name in names:
        file = path.parent / name
        digest.update(file.read_bytes() if file.is_file() else b"missing")
    return digest.hexdigest()


def _obj_files(path: Path) -> list[str]:
    """Name the material files of an OBJ and the pictures that those name."""
    if path.suffix.lower() != ".obj":
        return []
    libraries = re.findall(r"^mtllib\s+(.+?)\s*$", path.read_text(errors="replace"), re.M)
    pictures = []
    for library in libraries:
        file = path.parent / library
        if file.is_file():
            pictures += re.findall(r"^\s*map_Kd\s+(.+?)\s*$", file.read_text(errors="replace"), re.M)
    return [*libraries, *pictures]


def _sidecar(path: Path) -> str:
    """Give the first line of a licence text beside the scene, if there is one."""
    for candidate in (path.with_suffix(".license"), path.parent / "LICENSE", path.parent / "LICENSE.txt"):
        if candidate.is_file():
            lines = candidate.read_text(errors="replace").strip().splitlines()
            return lines[0].strip() if lines else ""
    return ""


def _read_mesh(path: Path) -> tuple[list[Part], list[Look], list[Image | None], list[str]]:
    """Read PLY or OBJ through trimesh, one part for each object and material."""
    try:
        scene = trimesh.load_scene(path, process=False, split_objects=True, group_material=True)
    except Exception as error:  # trimesh raises whatever a broken file leads to
        raise InputError(
            f"{path} is not a readable {path.suffix} mesh ({type(error).__name__}: {error}); export it again"
        ) from None
    parts, looks, images, notes = [], [Look("default")], [], []
    for node in scene.graph.nodes_geometry:
        transform, key = scene.graph[node]
        mesh = scene.geometry[key]
        if not isinstance(mesh, trimesh.Trimesh) or len(mesh.faces) == 0:
            notes.append(f"{node}: points or lines skipped")
            continue
        look, uv, color = _visual(mesh, images)
        if look is not None:
            looks.append(look)
        vertices = np.asarray(mesh.vertices) @ transform[:3, :3].T + transform[:3, 3]
        parts.append(Part(_plain(str(node), path), len(looks) - 1 if look else 0, vertices, mesh.faces, uv, color))
    return parts, looks, images, notes


def _plain(node: str, path: Path) -> str:
    """Name a part after its object; a lone mesh is named after its file."""
    return path.stem if node in (path.name, "geometry_0", "world") else node


def _visual(mesh: trimesh.Trimesh, images: list[Image | None]) -> tuple[Look | None, np.ndarray | None, np.ndarray | None]:
    """Translate trimesh's visual: a look of its own, texture coordinates, colours by vertex or face."""
    visual = mesh.visual
    if visual.kind == "vertex":
        return None, None, np.asarray(visual.vertex_colors, np.uint8)
    if visual.kind == "face":
        return None, None, np.repeat(np.asarray(visual.face_colors, np.uint8)[:, None], 3, 1)
    if visual.kind != "texture":
        return None, None, None
    material = visual.material
    picture = getattr(material, "image", None) or getattr(material, "baseColorTexture", None)
    uv = getattr(visual, "uv", None)
    if picture is not None and uv is not None:
        images.append(to_image(picture))
        # trimesh's v grows upwards.
        uv = np.stack([uv[:, 0], 1.0 - uv[:, 1]], -1)
        return Look(str(material.name), image=len(images) - 1, alpha_cutoff=0.5), uv, None
    color = np.asarray(material.main_color, np.uint8)
    linear = linear_from_srgb(color[:3])
    return Look(str(material.name), (*(float(x) for x in linear), color[3] / 255.0)), None, None
