"""Assembly of a Scene from the parts and materials that a file reader returns."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import NamedTuple

import numpy as np
from PIL import Image as Pillow

from simulator.errors import InputError
from simulator.scene.model import Materials, Scene, doubled_areas
from simulator.scene.plausible import size_notes
from simulator.scene.textures import pack

MOST_INSTANCES = 65535
FAR_M = 1000.0
"""A scene whose middle lies further from the world's origin is stored relative to that middle."""


@dataclass(frozen=True, eq=False)
class MaterialSpec:
    """One material of a file; colours are linear light."""

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
    material: int
    """Index into the file's material specifications."""
    vertices: np.ndarray
    """(N, 3), world frame, m."""
    faces: np.ndarray
    """(K, 3) indices into the part's own vertices."""
    uv: np.ndarray | None = None
    """(N, 2) texture coordinates, v downwards."""
    color: np.ndarray | None = None
    """(N, 4) or, by face, (K, 3, 4) uint8: sRGB-encoded colour, linear alpha."""
    group: str = ""
    """Parts of one group are one instance, named after the first; a part without a group is an instance of its own."""


class MeshFile(NamedTuple):
    """The content of one mesh file, in its own frame."""

    parts: list[Part]
    specs: list[MaterialSpec]
    pictures: list[Pillow.Image | None]
    """Images that the specifications' `image` indexes, not decoded; None for those that cannot be read."""
    notes: list[str]
    """What the reader skipped or repaired, for the user."""
    credit: str = ""


def assemble(
    name: str,
    sha256: str,
    parts: Sequence[Part],
    specs: Sequence[MaterialSpec],
    pictures: Sequence[Pillow.Image | None],
    notes: list[str],
    credit: str,
    texture_mb: float,
) -> Scene:
    """Join parts into a Scene; raise InputError if there are no triangles with an area.

    pictures: the images that the specifications' `image` indexes, not decoded. texture_mb: memory limit of textures, MB.
    """
    if not parts:
        raise InputError(f"scene {name} has no triangles (only points, lines or nothing); use a mesh with faces")
    first = {group: k for k, group in reversed(list(enumerate(_groups(parts))))}
    order = {group: k for k, group in enumerate(dict.fromkeys(_groups(parts)))}
    if len(order) > MOST_INSTANCES:
        raise InputError(f"scene {name} has {len(order)} instances; at most {MOST_INSTANCES} fit; join small meshes")
    given = sum(len(p.faces) for p in parts)
    parts = [_without_repeats(p) for p in parts]
    vertices, origin = _vertices(name, parts)
    start = np.cumsum([0, *(len(p.vertices) for p in parts)])
    faces = np.concatenate([(p.faces + s).astype(np.int32) for p, s in zip(parts, start, strict=False)])
    owner = np.repeat(np.arange(len(parts)), [len(p.faces) for p in parts])
    solid = doubled_areas(vertices, faces) > 0
    if not solid.any():
        raise InputError(f"scene {name} has no triangle with an area; check its scale and export it again")
    if omitted := given - int(solid.sum()):
        notes.append(f"{omitted} triangles without area omitted")
    notes += size_notes(vertices)
    spec = np.array([p.material for p in parts], np.int32)
    colored = np.array([p.color is not None for p in parts])
    textures, texture_of = pack(pictures, {specs[k].image for k in spec if specs[k].image >= 0}, texture_mb, notes)
    pairs = [(p.name, specs[p.material].name) for p in parts]
    surfaces = tuple(dict.fromkeys(pairs))
    row = {pair: k for k, pair in enumerate(surfaces)}
    materials, material_of = _materials(specs, spec, colored, texture_of)
    owner = owner[solid]
    instance = np.array([order[group] + 1 for group in _groups(parts)], np.uint16)
    return Scene(
        name=name,
        sha256=sha256,
        vertices=vertices,
        faces=np.ascontiguousarray(faces[solid], np.int32),
        face_instance=instance[owner],
        instances=_unique([parts[first[group]].name for group in order]),
        face_material=material_of[owner].astype(np.int32),
        materials=materials,
        textures=textures,
        corner_uv=np.concatenate([_corner_uv(p) for p in parts])[solid],
        corner_color=np.concatenate([_corner_color(p) for p in parts])[solid],
        face_surface=np.array([row[pair] for pair in pairs], np.int32)[owner],
        surfaces=surfaces,
        notes=tuple(notes),
        credit=credit,
        origin=origin,
    )


def origin_of(vertices: np.ndarray) -> np.ndarray:
    """Return the (3,) origin relative to which vertices (N, 3), m, are stored: zero, or their middle in whole metres.

    At FAR_M, float32 resolves 0.06 mm; at UTM coordinates, 0.5 m.
    """
    middle = np.rint((vertices.min(0) + vertices.max(0)) / 2)
    return middle if np.abs(middle).max() > FAR_M else np.zeros(3)


def _vertices(name: str, parts: Sequence[Part]) -> tuple[np.ndarray, np.ndarray]:
    """Return the vertices of all parts, (N, 3) float32, and their origin; raise InputError if they are not usable."""
    exact = np.concatenate([p.vertices for p in parts]).astype(np.float64, copy=False)
    with np.errstate(over="ignore"):
        vertices = exact.astype(np.float32)
    if not np.isfinite(vertices).all():
        count = int((~np.isfinite(vertices)).any(1).sum())
        raise InputError(f"scene {name} has {count} vertices that are NaN or infinite; repair the mesh and export it again")
    if any(len(p.faces) and (p.faces.min() < 0 or p.faces.max() >= len(p.vertices)) for p in parts):
        raise InputError(f"scene {name} has faces that point at missing vertices; export the mesh again")
    origin = origin_of(exact)
    return ((exact - origin).astype(np.float32) if origin.any() else vertices), origin


def _without_repeats(part: Part) -> Part:
    """Return a part without the triangles that use a vertex twice: files may have millions, whose areas need not be computed."""
    a, b, c = part.faces.T
    distinct = (a != b) & (b != c) & (c != a)
    if distinct.all():
        return part
    color = part.color
    if color is not None and color.ndim == 3:
        color = color[distinct]
    return replace(part, faces=part.faces[distinct], color=color)


def _materials(
    specs: Sequence[MaterialSpec], spec: np.ndarray, colored: np.ndarray, texture_of: dict[int, int]
) -> tuple[Materials, np.ndarray]:
    """Return materials as arrays; one used with and without vertex colours becomes two, because their shading differs."""
    keys = sorted({(int(k), bool(c)) for k, c in zip(spec, colored, strict=True)})
    used = [specs[k] for k, _ in keys]
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
    ), np.array([row[int(k), bool(c)] for k, c in zip(spec, colored, strict=True)])


def _groups(parts: Sequence[Part]) -> list[str]:
    """Return a key of each part's instance."""
    return [p.group or f"\0{k}" for k, p in enumerate(parts)]


def _corner_uv(part: Part) -> np.ndarray:
    if part.uv is None:
        return np.zeros((len(part.faces), 3, 2), np.float32)
    # A coordinate that is NaN would index outside the texture.
    return np.nan_to_num(part.uv.astype(np.float32), posinf=0.0, neginf=0.0)[part.faces]


def _corner_color(part: Part) -> np.ndarray:
    if part.color is None:
        return np.full((len(part.faces), 3, 4), 255, np.uint8)
    return part.color if part.color.ndim == 3 else part.color[part.faces]


def _unique(names: Sequence[str]) -> tuple[str, ...]:
    """Return the names with repeated ones numbered: chair, chair.2, chair.3."""
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
