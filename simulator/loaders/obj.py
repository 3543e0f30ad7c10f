"""PLY and OBJ files -> parts, specs and pictures."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import trimesh
from PIL import Image as Pillow

from simulator.errors import InputError
from simulator.loaders.ply import colors, read_ply
from simulator.scene.assemble import MaterialSpec, Part
from simulator.scene.textures import UNREADABLE, linear_from_srgb

Read = tuple[list[Part], list[MaterialSpec], list[Pillow.Image | None], list[str]]
"""Parts, specs, undecoded pictures, notes for the user."""


def read_mesh(path: Path) -> Read:
    """Read a .ply or .obj file, in its own frame; raises InputError where it is broken."""
    return _read_ply(path) if path.suffix.lower() == ".ply" else _read_obj(path)


def _read_ply(path: Path) -> Read:
    """Read a PLY as one part, with colours by vertex or face, or one picture."""
    mesh = read_ply(path)
    if len(mesh.faces) == 0:
        return [], [], [], ["points skipped"]
    notes: list[str] = []
    spec, pictures = MaterialSpec("default"), []
    if mesh.texture and mesh.uv is not None:
        picture = _open(path.parent / mesh.texture, notes)
        if picture is not None:
            spec, pictures = MaterialSpec(Path(mesh.texture).stem, image=0), [picture]
    color = mesh.vertex_color
    if color is None and (by_face := colors(mesh.face_values)) is not None:
        color = np.repeat(by_face[:, None], 3, 1)
    uv = None if mesh.uv is None else mesh.uv * [1.0, -1.0] + [0.0, 1.0]
    return [Part(path.stem, 0, mesh.vertices, mesh.faces, uv, color)], [spec], [*pictures], notes


def _open(path: Path, notes: list[str]) -> Pillow.Image | None:
    try:
        return Pillow.open(path)
    except UNREADABLE as error:
        notes.append(f"picture {path.name} cannot be read ({error}): plain colour instead")
        return None


def _read_obj(path: Path) -> Read:
    """Read an OBJ through trimesh, one part for each object and material."""
    try:
        scene = trimesh.load_scene(path, process=False, split_objects=True, group_material=True)
    except Exception as error:  # trimesh raises whatever a broken file leads to
        raise InputError(f"{path} is not a readable .obj mesh ({type(error).__name__}: {error}); export it again") from None
    parts: list[Part] = []
    specs, notes = [MaterialSpec("default")], []
    pictures: list[Pillow.Image | None] = []
    for node in scene.graph.nodes_geometry:
        transform, key = scene.graph[node]
        mesh = scene.geometry[key]
        if not isinstance(mesh, trimesh.Trimesh) or len(mesh.faces) == 0:
            notes.append(f"{node}: points or lines skipped")
            continue
        spec, uv, color = _visual(mesh, pictures)
        if spec is not None:
            specs.append(spec)
        vertices = np.asarray(mesh.vertices) @ transform[:3, :3].T + transform[:3, 3]
        name = path.stem if node in (path.name, "geometry_0", "world") else str(node)
        parts.append(Part(name, len(specs) - 1 if spec else 0, vertices, np.asarray(mesh.faces), uv, color))
    return parts, specs, pictures, notes


def _visual(
    mesh: trimesh.Trimesh, pictures: list[Pillow.Image | None]
) -> tuple[MaterialSpec | None, np.ndarray | None, np.ndarray | None]:
    """Translate trimesh's visual: a specification of its own, texture coordinates, colours by vertex or face."""
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
        if not any(picture is known for known in pictures):
            pictures.append(picture)
        image = next(k for k, known in enumerate(pictures) if known is picture)
        # trimesh's v grows upwards.
        uv = np.stack([uv[:, 0], 1.0 - uv[:, 1]], -1)
        return MaterialSpec(str(material.name), image=image, alpha_cutoff=0.5), uv, None
    color = np.asarray(material.main_color, np.uint8)
    linear = linear_from_srgb(color[:3])
    return MaterialSpec(str(material.name), (*(float(x) for x in linear), color[3] / 255.0)), None, None
