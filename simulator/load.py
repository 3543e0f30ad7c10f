"""Scene files: finding them, and reading any of them into a Scene."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Sequence
from pathlib import Path

from simulator.errors import InputError
from simulator.gltf import read_gltf, referenced
from simulator.meshes import read_mesh
from simulator.parts import assemble
from simulator.scene import Scene

FORMATS = (".glb", ".gltf", ".ply", ".obj")
TEXTURE_MB = 400.0


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


def load_scene(path: Path, name: str | None = None, texture_mb: float = TEXTURE_MB) -> Scene:
    """Read a scene file into memory; raises InputError, in one line, for anything that cannot be used.

    texture_mb: memory that its textures may take, MB; larger ones are scaled down.
    """
    name = name or _safe(path.stem)
    try:
        if path.suffix.lower() in (".glb", ".gltf"):
            parts, looks, pictures, notes, credit = read_gltf(path, lambda uri: _beside(path, uri).read_bytes())
        else:
            parts, looks, pictures, notes = read_mesh(path)
            credit = ""
        return assemble(name, scene_digest(path), parts, looks, pictures, notes, credit or _sidecar(path), texture_mb)
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
