"""Instance annotations of scans: which object each triangle belongs to, and the object's category.

Publishers provide a second mesh of the same surface, whose colours (HM3D) or face numbers (Replica, Matterport3D) label the
objects, and a list of the objects' categories. Labels are transferred to the mesh that is rendered.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path

import numpy as np

from simulator.errors import InputError
from simulator.loaders.files import read_beside
from simulator.loaders.gltf import read_gltf
from simulator.loaders.ply import read_ply
from simulator.scene.assemble import MaterialSpec, Part, origin_of
from simulator.scene.bvh import Bvh
from simulator.scene.model import doubled_areas
from simulator.scene.textures import UNREADABLE, to_image

REACHES_M = (0.01, 0.05)
"""Largest distances between the two meshes; the smaller is tried first."""


def annotate(parts: Sequence[Part], semantic: Path, transform: np.ndarray, descriptor: Path) -> list[Part]:
    """Split parts, which are in the world frame, by the objects of an annotated mesh; uncovered faces keep their part.

    transform: (4, 4) from the annotated mesh's frame to the world. descriptor: `.semantic.txt`, `.house` or `.json` names.
    Raise InputError if the annotation cannot be read.
    """
    names = read_names(descriptor)
    vertices, faces, label = _labelled(semantic, descriptor)
    vertices = vertices @ transform[:3, :3].T + transform[:3, 3]
    origin = origin_of(vertices)
    solid = doubled_areas(vertices, faces) > 0
    if not solid.any():
        raise InputError(f"{semantic} has no triangle with an area; restore it from its data set")
    bvh, label = Bvh(vertices - origin, faces[solid]), label[solid]
    return [piece for part in parts for piece in _cut(part, _labels(part.vertices - origin, part.faces, bvh, label), names)]


def read_names(descriptor: Path) -> dict[int, str]:
    """Read the category of each object: {number: name}."""
    try:
        text = descriptor.read_text(errors="replace")
        if descriptor.suffix == ".json":
            return _json_names(json.loads(text))
        return _house_names(text) if descriptor.suffix == ".house" else {k: name for k, _, name in _hm3d(text)}
    except (OSError, ValueError, KeyError, IndexError, TypeError) as error:
        raise InputError(f"{descriptor} is not a readable annotation ({type(error).__name__}: {error}); restore it") from None


def _hm3d(text: str) -> list[tuple[int, int, str]]:
    """Read HM3D's lines `number,RRGGBB,"category",room` as (number, colour, category); categories may hold commas."""
    out = []
    for line in text.splitlines()[1:]:
        if line.strip():
            head, category = line.split('"')[:2]
            number, color = head.split(",")[:2]
            out.append((int(number), int(color.strip(), 16), category))
    return out


def _json_names(content: dict) -> dict[int, str]:
    """Read Replica's objects, each with its class by name or number."""
    classes = {c["id"]: c["name"] for c in content.get("classes", [])}
    named = {o["id"]: o.get("class_name") or classes.get(o.get("class_id"), "") for o in content["objects"]}
    return {int(k): str(name) for k, name in named.items() if name}


def _house_names(text: str) -> dict[int, str]:
    """Read Matterport3D's objects (O) and categories (C); spaces in names are written as #."""
    rows = [line.split() for line in text.splitlines() if line]
    categories = {int(r[1]): r[3].replace("#", " ") for r in rows if r[0] == "C"}
    return {int(r[1]): categories[int(r[3])] for r in rows if r[0] == "O" and int(r[3]) in categories}


def _labelled(semantic: Path, descriptor: Path) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Read an annotated mesh: (V, 3) vertices in its frame, (F, 3) faces, (F,) object numbers, -1 for none."""
    if semantic.suffix != ".ply":
        return _colored(semantic, {color: k for k, color, _ in _hm3d(descriptor.read_text(errors="replace"))})
    mesh = read_ply(semantic)
    values = mesh.face_values
    if "object_id" in values:
        return mesh.vertices, mesh.faces, values["object_id"].astype(np.int64)
    if "segment_id" not in values or descriptor.suffix != ".house":
        raise InputError(f"{semantic} has no object_id of its faces; restore it from its data set")
    rows = [line.split() for line in descriptor.read_text(errors="replace").splitlines() if line.startswith("E ")]
    owner = {int(r[3]): int(r[2]) for r in rows}
    return mesh.vertices, mesh.faces, np.array([owner.get(int(s), -1) for s in values["segment_id"]], np.int64)


def _colored(semantic: Path, numbers: dict[int, int]) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Read a .glb whose texture or vertex colours are object colours."""
    parts, specs, pictures, _, _ = read_gltf(semantic, partial(read_beside, semantic), linear_colors=False)
    try:
        known = {k: to_image(p, max(p.size))[..., :3] for k, p in enumerate(pictures) if p is not None}
    except UNREADABLE as error:
        raise InputError(f"{semantic} has a texture that cannot be decoded ({error}); restore it from its data set") from None
    vertices, faces, labels, start = [], [], [], 0
    for part in parts:
        rgb = _face_colors(part, specs[part.material], known).astype(np.int64)
        code = (rgb[:, 0] << 16) | (rgb[:, 1] << 8) | rgb[:, 2]
        unique, inverse = np.unique(code, return_inverse=True)
        labels.append(np.array([numbers.get(int(c), -1) for c in unique], np.int64)[inverse])
        vertices.append(part.vertices)
        faces.append(part.faces + start)
        start += len(part.vertices)
    if not parts:
        raise InputError(f"{semantic} has no triangles; restore it from its data set")
    return np.concatenate(vertices), np.concatenate(faces), np.concatenate(labels)


def _face_colors(part: Part, spec: MaterialSpec, pictures: dict[int, np.ndarray]) -> np.ndarray:
    """Return the colour at the middle of each face, (K, 3) uint8, without interpolation, because colours encode numbers."""
    if spec.image in pictures and part.uv is not None:
        picture = pictures[spec.image]
        uv = part.uv[part.faces].mean(1) % 1.0
        size = np.array(picture.shape[1::-1])
        x, y = np.minimum((uv * size).astype(np.int64), size - 1).T
        return picture[y, x]
    if part.color is not None:
        return part.color[part.faces[:, 0], :3]
    return np.zeros((len(part.faces), 3), np.uint8)


def _labels(vertices: np.ndarray, faces: np.ndarray, bvh: Bvh, label: np.ndarray) -> np.ndarray:
    """Return the object number of the annotated surface at the middle of each of K faces, (K,), -1 for none."""
    corners = vertices[faces]
    middle = corners.mean(1)
    normal = np.cross(corners[:, 1] - corners[:, 0], corners[:, 2] - corners[:, 0])
    normal /= np.maximum(np.linalg.norm(normal, axis=1, keepdims=True), 1e-12)
    out = np.full(len(faces), -1, np.int64)
    for reach in REACHES_M:
        rows = np.flatnonzero(out < 0)
        hits = bvh.closest(middle[rows] + reach * normal[rows], -normal[rows])
        near = (hits.face >= 0) & (hits.distance <= 2 * reach)
        out[rows[near]] = label[hits.face[near]]
    return out


def _cut(part: Part, labels: np.ndarray, names: dict[int, str]) -> list[Part]:
    """Split a part by the labels of its faces; pieces of one object share a group."""
    pieces = []
    for number in np.unique(labels):
        rows = labels == number
        used, index = np.unique(part.faces[rows], return_inverse=True)
        color = part.color
        if color is not None:
            color = color[rows] if color.ndim == 3 else color[used]
        piece = replace(
            part,
            vertices=part.vertices[used],
            faces=index.reshape(-1, 3),
            uv=None if part.uv is None else part.uv[used],
            color=color,
        )
        if number in names:
            piece = replace(piece, name=names[number], group=f"object {number}")
        pieces.append(piece)
    return pieces
