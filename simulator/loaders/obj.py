"""OBJ files -> parts, material specifications and textures.

trimesh is not used here: it counts negative indices from the end of the file, reads one material library, and drops the names
of materials that it does not find.
"""

from __future__ import annotations

import re
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path
from typing import NamedTuple

import numpy as np

from simulator.errors import InputError
from simulator.loaders.files import decoded
from simulator.loaders.mtl import Texture
from simulator.loaders.obj_materials import MaterialTable
from simulator.loaders.polygons import triangulate
from simulator.scene.assemble import MeshFile, Part

COLORED = 6
"""Numbers of a vertex with a colour: x, y, z, red, green, blue."""


class Run(NamedTuple):
    """Successive faces of one group, without vertices in between."""

    first: int
    """Index of the first face."""
    group: int
    vertices: int
    """Vertices so far, from which negative indices count."""
    uv: int
    """Texture coordinates so far."""


@dataclass
class Statements:
    """The statements of an OBJ file, not parsed further."""

    vertices: list[str] = field(default_factory=list)
    uv: list[str] = field(default_factory=list)
    faces: list[str] = field(default_factory=list)
    lines: list[int] = field(default_factory=list)
    """Line number of each face."""
    runs: list[Run] = field(default_factory=list)
    groups: list[tuple[str, str]] = field(default_factory=list)
    """Distinct (object, material) pairs."""
    libraries: list[str] = field(default_factory=list)
    skipped: int = 0
    """Points, lines and curves."""


def read_obj(path: Path) -> MeshFile:
    """Read an OBJ file in its own frame, one part for each object and material; raise InputError if it is invalid."""
    try:
        found = _statements(decoded(path.read_bytes()))
        table = MaterialTable(path, found.libraries)
        parts = _parts(path, found, table)
    except (ValueError, IndexError, OverflowError) as error:
        raise InputError(f"{path} is not a readable .obj mesh ({error}); export it again") from None
    notes = [f"{found.skipped} points, lines or curves skipped"] if found.skipped else []
    return MeshFile(parts, table.specs, table.pictures, table.notes + notes)


def _statements(text: str) -> Statements:
    found = Statements()
    index: dict[tuple[str, str], int] = {}
    thing, material, fresh = "", "", True
    for number, line in enumerate(_joined(text).split("\n"), 1):
        keyword, *value = line.split(None, 1) or [""]
        if not value or keyword.startswith("#"):
            continue
        if keyword == "v":
            found.vertices.append(value[0])
            fresh = True
        elif keyword == "vt":
            found.uv.append(value[0])
            fresh = True
        elif keyword in ("f", "fo"):
            if fresh:
                group = index.setdefault((thing, material), len(index))
                found.runs.append(Run(len(found.faces), group, len(found.vertices), len(found.uv)))
                fresh = False
            found.faces.append(value[0])
            found.lines.append(number)
        elif keyword == "o":
            thing, fresh = value[0].strip(), True
        elif keyword == "usemtl":
            material, fresh = value[0].strip(), True
        elif keyword == "mtllib":
            found.libraries.append(value[0].strip())
        elif keyword in ("p", "l", "curv", "curv2", "surf"):
            found.skipped += 1
    found.groups = list(index)
    return found


def _joined(text: str) -> str:
    """Return the text with lines ended by \\n, and those that end with a backslash joined to the next, but no comments."""
    return re.sub(r"^([^#\n]*)\\\n", r"\1 ", text.replace("\r\n", "\n").replace("\r", "\n"), flags=re.MULTILINE)


def _rows(values: list[str]) -> list[list[str]]:
    """Return the words of each value, without comments."""
    return [v.split() if "#" not in v else v.partition("#")[0].split() for v in values]


def _parts(path: Path, found: Statements, table: MaterialTable) -> list[Part]:
    if not found.faces:
        return []
    points, color = _vertices(_rows(found.vertices))
    uv = _table(_rows(found.uv), 2, "texture coordinate")
    faces = _rows(found.faces)
    counts = np.array([len(f) for f in faces], np.int64)
    vertex, coordinate = _corners(found, faces, counts, len(points), len(uv))
    triangles, owner = triangulate(points[vertex], np.arange(len(vertex)), counts)
    group = _by_face(found.runs, len(counts))[owner, 1]
    named = len({material for _, material in found.groups}) > 1
    parts = []
    unmapped: Counter[str] = Counter()
    for k, (thing, material) in enumerate(found.groups):
        name = "_".join(n for n in (thing, material if named else "") if n) or path.stem
        textured = table.texture(material) is not None
        pieces = _by_mapping(triangles[group == k], coordinate, textured)
        for corner, has_uv in pieces:
            unmapped += Counter({material: len(corner)} if textured and not has_uv else {})
            used, index = np.unique(vertex[corner] * (len(uv) + 1) + coordinate[corner] + 1, return_inverse=True)
            at, texel = used // (len(uv) + 1), used % (len(uv) + 1) - 1
            parts.append(
                Part(
                    name,
                    table.row(material, has_uv),
                    points[at],
                    index.reshape(-1, 3),
                    _coordinates(uv, texel, table.texture(material)) if has_uv else None,
                    None if color is None or table.defines(material) else color[at],
                    f"group {k}" if len(pieces) > 1 else "",
                )
            )
    table.note_used(unmapped)
    return parts


def _by_mapping(corners: np.ndarray, coordinate: np.ndarray, textured: bool) -> list[tuple[np.ndarray, bool]]:
    """Return triangles (K, 3) of corners in one or two pieces, and whether each has texture coordinates.

    coordinate: of each corner, -1 for none. Textured triangles that lack coordinates are a piece of their own.
    """
    mapped = coordinate[corners] >= 0
    if not textured:
        return [(corners, bool(mapped.any()))] if len(corners) else []
    whole = mapped.all(1)
    return [(corners[rows], has_uv) for rows, has_uv in ((whole, True), (~whole, False)) if rows.any()]


def _vertices(rows: list[list[str]]) -> tuple[np.ndarray, np.ndarray | None]:
    """Return (N, 3) positions, and (N, 4) uint8 colours if every vertex has one."""
    if not all(len(row) >= COLORED for row in rows):
        return _table(rows, 3, "vertex"), None
    table = _table(rows, COLORED, "vertex")
    rgb = np.nan_to_num(table[:, 3:])
    rgb = rgb * 255.0 if rgb.max(initial=0.0) <= 1.0 else rgb
    alpha = np.full((len(rgb), 1), 255.0)
    return table[:, :3], np.clip(np.rint(np.concatenate([rgb, alpha], 1)), 0, 255).astype(np.uint8)


def _table(rows: list[list[str]], width: int, what: str) -> np.ndarray:
    """Return the first numbers of each row, (N, width) float64; a texture coordinate may lack its second."""
    short = next((row for row in rows if len(row) < min(width, 3 if what == "vertex" else 1)), None)
    if short is not None:
        raise ValueError(f"{what} {' '.join(short)!r} has {len(short)} numbers; at least {width} are expected")
    return np.array([float(x) for row in rows for x in (*row, "0")[:width]], np.float64).reshape(-1, width)


def _by_face(runs: list[Run], faces: int) -> np.ndarray:
    """Return the run of each face as a row (F, 4)."""
    table = np.array(runs, np.int64)
    return np.repeat(table, np.diff(np.append(table[:, 0], faces)), 0)


def _corners(
    found: Statements, faces: list[list[str]], counts: np.ndarray, vertices: int, uvs: int
) -> tuple[np.ndarray, np.ndarray]:
    """Return the vertex and the texture coordinate, -1 for none, of each corner of all faces, counted from 0."""
    index: dict[str, int] = {}
    code = np.array([index.setdefault(corner, len(index)) for face in faces for corner in face], np.int64)
    raw = np.array([_indices(corner) for corner in index], np.int64).reshape(-1, 2)[code]
    total = np.array([vertices, uvs])
    before = np.repeat(_by_face(found.runs, len(faces))[:, 2:], counts, 0)
    absolute = np.where(raw > 0, raw - 1, raw + before)
    absent = raw == 0
    absent[:, 1] |= uvs == 0  # exporters write indices of coordinates that they leave out
    wrong = ~absent & ((absolute < 0) | (absolute >= total))
    wrong[:, 0] |= absent[:, 0]
    if wrong.any():
        corner, column = (int(x) for x in np.argwhere(wrong)[0])
        face = int(np.searchsorted(np.cumsum(counts), corner, side="right"))
        value, kind = faces[face][corner - int(counts[:face].sum())], ("vertex", "texture coordinate")[column]
        raise ValueError(f"line {found.lines[face]}: the corner {value!r} points at a missing {kind}")
    return absolute[:, 0], np.where(absent[:, 1], -1, absolute[:, 1])


def _indices(corner: str) -> tuple[int, int]:
    """Parse v, v/vt, v//vn or v/vt/vn as (v, vt), vt 0 if absent; raise ValueError for 0, which OBJ does not use."""
    vertex, *rest = corner.split("/")
    if any(x and int(x) == 0 for x in (vertex, *rest)):
        raise ValueError(f"a face has the index {corner!r}; OBJ indices start at 1")
    return int(vertex), int(rest[0]) if rest and rest[0] else 0


def _coordinates(uv: np.ndarray, texel: np.ndarray, texture: Texture | None) -> np.ndarray:
    """Return texture coordinates (N, 2), v downwards, of rows of `uv`, zero where `texel` is -1."""
    own = np.concatenate([uv, np.zeros((1, 2))])[texel]
    if texture is not None:
        own = own * texture.scale + texture.offset
    return own * [1.0, -1.0] + [0.0, 1.0]
