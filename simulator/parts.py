"""What a file reader hands over: parts with their looks, put together into one Scene."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from simulator.errors import InputError
from simulator.scene import Materials, Scene
from simulator.textures import Image, pack

MOST_INSTANCES = 65535


@dataclass(frozen=True, eq=False)
class Look:
    """One material as a file describes it; colours are linear light."""

    name: str
    base_color: tuple[float, float, float, float] = (1.0, 1.0, 1.0, 1.0)
    emissive: tuple[float, float, float] = (0.0, 0.0, 0.0)
    image: int = -1
    """Index into the file's images, -1 for none."""
    wrap: tuple[int, int] = (0, 0)
    """0 repeat, 1 clamp, 2 mirror, for u and v."""
    alpha_cutoff: float = 0.0
    unlit: bool = False


@dataclass(frozen=True, eq=False)
class Part:
    """One instance: a mesh in world coordinates with one material."""

    name: str
    look: int
    vertices: np.ndarray
    """(N, 3), world frame, m."""
    faces: np.ndarray
    """(K, 3) indices into the part's own vertices."""
    uv: np.ndarray | None = None
    """(N, 2) texture coordinates, v downwards."""
    color: np.ndarray | None = None
    """(N, 4) or, by face, (K, 3, 4) uint8: sRGB-encoded colour, linear alpha."""


def assemble(
    name: str,
    sha256: str,
    parts: Sequence[Part],
    looks: Sequence[Look],
    images: Sequence[Image | None],
    notes: list[str],
    credit: str,
) -> Scene:
    """Join parts into a Scene; raises InputError when there is nothing solid to join."""
    if not parts:
        raise InputError(f"scene {name} has no triangles (only points, lines or nothing); give a mesh with faces")
    if len(parts) > MOST_INSTANCES:
        raise InputError(f"scene {name} has {len(parts)} instances; at most {MOST_INSTANCES} fit; join small meshes")
    vertices = np.concatenate([p.vertices for p in parts]).astype(np.float32)
    if not np.isfinite(vertices).all():
        count = int((~np.isfinite(vertices)).any(1).sum())
        raise InputError(f"scene {name} has {count} vertices that are NaN or infinite; repair the mesh and export it again")
    start = np.cumsum([0, *(len(p.vertices) for p in parts)])
    faces = np.concatenate([np.asarray(p.faces, np.int64) + s for p, s in zip(parts, start, strict=False)])
    if len(faces) and (faces.min() < 0 or faces.max() >= len(vertices)):
        raise InputError(f"scene {name} has faces that point at missing vertices; export the mesh again")
    owner = np.repeat(np.arange(len(parts)), [len(p.faces) for p in parts])
    solid = _areas(vertices, faces) > 0
    if not solid.any():
        raise InputError(f"scene {name} has no triangle with an area; check its scale and export it again")
    if not solid.all():
        notes.append(f"{int((~solid).sum())} triangles without area left out")
    look = np.array([p.look for p in parts], np.int32)
    colored = np.array([p.color is not None for p in parts])
    textures, texture_of = pack(images, {l.image for l in looks if l.image >= 0})
    pairs = [(p.name, looks[p.look].name) for p in parts]
    surfaces = tuple(dict.fromkeys(pairs))
    row = {pair: k for k, pair in enumerate(surfaces)}
    materials, material_of = _materials(looks, look, colored, texture_of)
    owner = owner[solid]
    return Scene(
        name=name,
        sha256=sha256,
        vertices=vertices,
        faces=np.ascontiguousarray(faces[solid], np.int32),
        face_instance=(owner + 1).astype(np.uint16),
        instances=_unique([p.name for p in parts]),
        face_material=material_of[owner].astype(np.int32),
        materials=materials,
        textures=textures,
        corner_uv=np.concatenate([_corner_uv(p) for p in parts])[solid],
        corner_color=np.concatenate([_corner_color(p) for p in parts])[solid],
        face_surface=np.array([row[pair] for pair in pairs], np.int32)[owner],
        surfaces=surfaces,
        notes=tuple(notes),
        credit=credit,
    )


def _materials(
    looks: Sequence[Look], look: np.ndarray, colored: np.ndarray, texture_of: dict[int, int]
) -> tuple[Materials, np.ndarray]:
    """Lay materials out as arrays; a look used with and without vertex colours becomes two, for its shading differs."""
    keys = sorted({(int(l), bool(c)) for l, c in zip(look, colored, strict=True)})
    used = [looks[l] for l, _ in keys]
    texture = np.array([texture_of.get(u.image, -1) for u in used], np.int32)
    plain = [t < 0 and not u.unlit and not c for t, u, (_, c) in zip(texture, used, keys, strict=True)]
    row = {key: k for k, key in enumerate(keys)}
    return Materials(
        base_color=np.array([u.base_color for u in used], np.float32),
        emissive=np.array([u.emissive for u in used], np.float32),
        texture=texture,
        wrap=np.array([u.wrap for u in used], np.uint8),
        alpha_cutoff=np.array([u.alpha_cutoff for u in used], np.float32),
        shaded=np.array(plain),
    ), np.array([row[int(l), bool(c)] for l, c in zip(look, colored, strict=True)])


def _areas(vertices: np.ndarray, faces: np.ndarray) -> np.ndarray:
    a, b, c = (vertices[faces[:, k]].astype(np.float64) for k in range(3))
    return np.linalg.norm(np.cross(b - a, c - a), axis=1)


def _corner_uv(part: Part) -> np.ndarray:
    if part.uv is None:
        return np.zeros((len(part.faces), 3, 2), np.float32)
    return part.uv[part.faces].astype(np.float32)


def _corner_color(part: Part) -> np.ndarray:
    if part.color is None:
        return np.full((len(part.faces), 3, 4), 255, np.uint8)
    return part.color if part.color.ndim == 3 else part.color[part.faces]


def _unique(names: Sequence[str]) -> tuple[str, ...]:
    """Number repeated names: chair, chair.2, chair.3."""
    taken: set[str] = set()
    out = []
    for name in names:
        candidate, k = name, 1
        while candidate in taken:
            k += 1
            candidate = f"{name}.{k}"
        taken.add(candidate)
        out.append(candidate)
    return tuple(out)
