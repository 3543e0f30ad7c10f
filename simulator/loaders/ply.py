"""PLY files: vertices, colours, polygons of any size and whatever a scan's publisher adds to its faces."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from simulator.errors import InputError
from simulator.kernels import kernel
from simulator.loaders.files import open_image, read_beside
from simulator.loaders.polygons import triangulate
from simulator.scene.assemble import MaterialSpec, MeshFile, Part
from simulator.scene.textures import BYTE_OF_16_BITS, UNREADABLE

TYPES = {
    "char": "i1", "int8": "i1", "uchar": "u1", "uint8": "u1", "short": "i2", "int16": "i2", "ushort": "u2", "uint16": "u2",
    "int": "i4", "int32": "i4", "uint": "u4", "uint32": "u4", "float": "f4", "float32": "f4", "double": "f8", "float64": "f8",
}  # fmt: skip
ORDERS = {"ascii": "=", "binary_little_endian": "<", "binary_big_endian": ">"}
LONGEST_HEADER = 1 << 20
COLORS = ("red", "green", "blue")


@dataclass
class Element:
    """One element of the header: its name, its number of rows and its properties (name, type, type of a list's count)."""

    name: str
    count: int
    properties: list[tuple[str, str, str]] = field(default_factory=list)


@dataclass(frozen=True, eq=False)
class Ply:
    """The content of a PLY file; polygons are cut into triangles."""

    vertices: np.ndarray
    """(N, 3) float64, in the file's frame."""
    faces: np.ndarray
    """(K, 3) int64."""
    vertex_color: np.ndarray | None
    """(N, 4) uint8, sRGB and alpha."""
    uv: np.ndarray | None
    """(N, 2) texture coordinates, v upwards; where the file has them by face, each corner of a face is a vertex of its own."""
    face_values: dict[str, np.ndarray]
    """Every number that the file has of each polygon, (K,), repeated for its triangles."""
    textures: tuple[str, ...]
    """Names of the pictures that the header gives."""


def read_ply(path: Path) -> Ply:
    """Read a PLY file, ASCII or binary; raises InputError where it is broken, cut short or something else."""
    data = path.read_bytes()
    try:
        return _parse(data)
    except (ValueError, IndexError, KeyError, TypeError) as error:
        raise InputError(f"{path} is not a readable .ply mesh ({type(error).__name__}: {error}); export it again") from None


def read_ply_mesh(path: Path) -> MeshFile:
    """Read a PLY file as one part, with colours by vertex or face or one texture; raise InputError if it is invalid."""
    mesh = read_ply(path)
    if len(mesh.faces) == 0:
        return MeshFile([], [], [], ["points skipped"])
    notes: list[str] = []
    spec, pictures = MaterialSpec("default"), []
    shown = ", ".join(mesh.textures)[:60]
    try:
        if mesh.textures:
            if mesh.uv is None or len(mesh.textures) > 1:
                raise ValueError("no texture coordinates" if mesh.uv is None else "one texture at most is supported")
            pictures = [open_image(read_beside(path, mesh.textures[0]))]
            spec = MaterialSpec(Path(mesh.textures[0]).stem, image=0)
    except (InputError, *UNREADABLE) as error:
        notes.append(f"texture {shown} cannot be read ({error}): plain colour instead")
    color = mesh.vertex_color
    if color is None and (by_face := colors(mesh.face_values)) is not None:
        color = np.repeat(by_face[:, None], 3, 1)
    uv = None if mesh.uv is None else mesh.uv * [1.0, -1.0] + [0.0, 1.0]
    return MeshFile([Part(path.stem, 0, mesh.vertices, mesh.faces, uv, color)], [spec], [*pictures], notes)


def _parse(data: bytes) -> Ply:
    end = re.search(rb"end_header[ \t]*\r?\n", data)
    if not data.startswith(b"ply") or end is None:
        raise ValueError("it has no PLY header")
    lines = [line.split() for line in data[: end.start()].decode(errors="replace").splitlines()]
    order = next((ORDERS[line[1]] for line in lines if line and line[0] == "format"), None)
    if order is None:
        raise ValueError("its header has no line `format`")
    body = np.frombuffer(data, np.uint8, offset=end.end())
    if order == "=":  # every token of the text becomes a double
        body = np.array(data[end.end() :].split(), np.float64).view(np.uint8)
    at, values, lists = 0, {}, {}
    for element in _elements(lines):
        values[element.name], lists[element.name], at = _read(body, at, element, order)
    vertex = values["vertex"]
    polygons, counts = lists.get("face", {}).get("list", (np.zeros(0, np.int64), np.zeros(0, np.int64)))
    vertices = np.stack([vertex[k] for k in "xyz"], -1).astype(np.float64)
    corners, color = polygons.astype(np.int64), colors(vertex)
    names = next(((u, v) for u, v in (("s", "t"), ("u", "v"), ("texture_u", "texture_v")) if u in vertex), None)
    uv = None if names is None else np.stack([vertex[k] for k in names], -1).astype(np.float64)
    by_corner, twice = lists.get("face", {}).get("texcoord", (polygons, counts))
    if len(by_corner) and (twice == 2 * counts).all():
        vertices, color = vertices[corners], None if color is None else color[corners]
        corners, uv = np.arange(len(corners)), by_corner.reshape(-1, 2).astype(np.float64)
    faces, owner = triangulate(vertices, corners, counts)
    values_by_face = {name: column[owner] for name, column in values.get("face", {}).items()}
    return Ply(vertices, faces, color, uv, values_by_face, _textures(lines))


def referenced(path: Path) -> list[str]:
    """Return the names of the pictures that the header of a PLY file gives."""
    with path.open("rb") as file:
        head = file.read(LONGEST_HEADER).partition(b"end_header")[0]
    return list(_textures([line.split() for line in head.decode(errors="replace").splitlines()]))


def _textures(lines: list[list[str]]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(" ".join(line[2:]) for line in lines if line[:2] == ["comment", "TextureFile"]))


def colors(values: dict[str, np.ndarray]) -> np.ndarray | None:
    """Return red, green, blue and alpha columns as (N, 4) uint8, None where there are none.

    Integers of 16 bits are rounded to 8; floats count up to 1, unless one of them is larger.
    """
    if not all(k in values for k in COLORS):
        return None
    rgb = np.stack([values[k] for k in COLORS], -1)
    alpha = values.get("alpha", np.full(len(rgb), 255, np.uint8))
    return np.concatenate([_bytes(rgb), _bytes(alpha[:, None])], -1)


def _bytes(values: np.ndarray) -> np.ndarray:
    if values.dtype == np.uint16:
        return BYTE_OF_16_BITS[values]
    scale = 255.0 if values.dtype.kind == "f" and np.nanmax(values, initial=0) <= 1.0 else 1.0
    return np.clip(np.rint(np.nan_to_num(values * scale)), 0, 255).astype(np.uint8)


def _elements(lines: list[list[str]]) -> list[Element]:
    elements: list[Element] = []
    for line in lines:
        if line and line[0] == "element":
            elements.append(Element(line[1], int(line[2])))
        elif line and line[0] == "property":
            kind = (line[4], line[3], line[2]) if line[1] == "list" else (line[2], line[1], "")
            elements[-1].properties.append(kind)
    return elements


def _read(
    body: np.ndarray, at: int, element: Element, order: str
) -> tuple[dict[str, np.ndarray], dict[str, tuple[np.ndarray, np.ndarray]], int]:
    """Return an element's columns, its vertex list as (flat values, count of each row), and where it ends."""
    text = order == "="
    dtypes = [np.dtype(np.float64) if text else np.dtype(order + TYPES[kind]) for _, kind, _ in element.properties]
    heads = [np.dtype(np.float64) if text else np.dtype(order + TYPES[head or "uchar"]) for _, _, head in element.properties]
    is_list = np.array([bool(head) for _, _, head in element.properties], np.bool_)
    least = element.count * sum(h.itemsize if one else d.itemsize for one, d, h in zip(is_list, dtypes, heads, strict=True))
    if element.count < 0 or least > len(body) - at:
        raise ValueError(
            f"cut short: {element.count} rows of {element.name} take at least {least} bytes, {len(body) - at} are left"
        )
    if not is_list.any():
        row = np.dtype([(name, d) for (name, _, _), d in zip(element.properties, dtypes, strict=True)])
        table = np.frombuffer(body, row, element.count, at) if element.count else np.zeros(0, row)
        return {name: _typed(table[name], kind) for name, kind, _ in element.properties}, {}, at + table.nbytes
    sizes = np.array([d.itemsize for d in dtypes]), np.array([h.itemsize for h in heads])
    start, counts, end = _walk(body, at, element.count, is_list, *sizes, text, order == ">")
    if end > len(body):
        raise ValueError("cut short: a list or row reaches beyond the end of the data")
    columns, lists = {}, {}
    for k, (name, kind, head) in enumerate(element.properties):
        flat = _gather(body, start[:, k], counts[:, k], dtypes[k])
        if head and name.startswith("vertex_ind"):
            lists["list"] = flat, counts[:, k]
        elif head:
            lists[name] = flat, counts[:, k]
        else:
            columns[name] = _typed(flat, kind)
    return columns, lists, end


@kernel()
def _walk(
    body: np.ndarray, at: Any, rows: int, is_list: np.ndarray, sizes: np.ndarray, heads: np.ndarray, text: bool, big: bool
) -> tuple[np.ndarray, np.ndarray, int]:
    """Find where each property of each row starts, and how many values it has; stops at the end of the data."""
    start = np.zeros((rows, len(sizes)), np.int64)
    counts = np.ones((rows, len(sizes)), np.int64)
    for row in range(rows):
        for k in range(len(sizes)):
            if is_list[k]:
                if at + heads[k] > len(body):
                    return start, counts, len(body) + 1
                if text:
                    counts[row, k] = np.int64(body[at : at + 8].view(np.float64)[0])
                else:
                    count = np.int64(0)
                    for byte in range(heads[k]):
                        place = heads[k] - 1 - byte if big else byte
                        count |= np.int64(body[at + byte]) << (8 * place)
                    counts[row, k] = count
                at += heads[k]
                if counts[row, k] < 0 or counts[row, k] > len(body) - at:
                    return start, counts, len(body) + 1
            start[row, k] = at
            at += counts[row, k] * sizes[k]
    return start, counts, at


def _gather(body: np.ndarray, start: np.ndarray, counts: np.ndarray, dtype: np.dtype) -> np.ndarray:
    """Collect the values of one property over all rows, flat."""
    first = np.repeat(start - dtype.itemsize * (np.cumsum(counts) - counts), counts)
    at = first + dtype.itemsize * np.arange(len(first))
    return _native(body[at[:, None] + np.arange(dtype.itemsize)].view(dtype)[:, 0])


def _typed(column: np.ndarray, kind: str) -> np.ndarray:
    """Return a column in the type that the header declares: text was read as float64."""
    wanted = np.dtype(TYPES[kind])
    if column.dtype.kind == "f" and wanted.kind != "f":
        column = np.clip(np.nan_to_num(column), np.iinfo(wanted).min, np.iinfo(wanted).max)
    return column.astype(wanted)


def _native(column: np.ndarray) -> np.ndarray:
    return column.astype(column.dtype.newbyteorder("="))
