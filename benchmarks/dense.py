"""A scene with more triangles and the same appearance: every triangle of a .glb is divided into n^2 equal ones."""

from __future__ import annotations

import json
import struct
from pathlib import Path
from typing import Any

import numpy as np

from simulator.loaders.gltf_accessors import Geometry

FLOAT, UINT = 5126, 5125
SHAPES = {2: "VEC2", 3: "VEC3", 4: "VEC4"}


def write_dense(source: Path, path: Path, parts: int) -> Path:
    """Write a copy of a .glb with each triangle divided into parts^2; textures, materials and nodes are unchanged."""
    data = source.read_bytes()
    size = struct.unpack("<I", data[12:16])[0]
    header, chunk = json.loads(data[20 : 20 + size]), bytearray(data[28 + size :])
    geometry = Geometry(source, header, bytes(chunk), lambda name: b"")
    made: dict[str, Any] = {}
    for mesh in header["meshes"]:
        for primitive in mesh["primitives"]:
            key = json.dumps([primitive["attributes"], primitive["indices"]])  # shared by the primitives of equal objects
            if key not in made:
                made[key] = _cut(header, chunk, geometry, primitive, parts)
            primitive["attributes"], primitive["indices"] = made[key]
    chunk += b"\0" * (-len(chunk) % 4)
    header["buffers"] = [{"byteLength": len(chunk)}]
    text = json.dumps(header).encode()
    text += b" " * (-len(text) % 4)
    body = struct.pack("<I4s", len(text), b"JSON") + text + struct.pack("<I4s", len(chunk), b"BIN\0") + chunk
    path.write_bytes(struct.pack("<4sII", b"glTF", 2, 12 + len(body)) + body)
    return path


def _cut(
    header: dict[str, Any], chunk: bytearray, geometry: Geometry, primitive: dict[str, Any], parts: int
) -> tuple[dict[str, int], int]:
    """Append a primitive's denser attributes and indices to the file; return the numbers of their accessors."""
    corners, small = grid(parts)
    values = {name: geometry.unit(primitive, name) for name in primitive["attributes"] if name != "POSITION"}
    values["POSITION"] = positions = geometry.positions(primitive)
    faces = geometry.triangles(primitive, len(positions))
    new = {}
    for name, array in values.items():
        assert array is not None
        dense = np.einsum("pc,fcw->fpw", corners, array[faces]).reshape(-1, array.shape[1])
        new[name] = _append(header, chunk, dense.astype("<f4"), FLOAT, SHAPES[array.shape[1]])
    index = small.ravel() + np.arange(len(faces))[:, None] * len(corners)
    return new, _append(header, chunk, index.reshape(-1, 1).astype("<u4"), UINT, "SCALAR")


def grid(parts: int) -> tuple[np.ndarray, np.ndarray]:
    """Return the points of a triangle divided into parts^2, as barycentric weights (P, 3), and the triangles (parts^2, 3)."""
    steps = [(i, j) for i in range(parts + 1) for j in range(parts + 1 - i)]
    number = {step: k for k, step in enumerate(steps)}
    faces = [(number[i, j], number[i + 1, j], number[i, j + 1]) for i, j in steps if i + j < parts]
    faces += [(number[i + 1, j], number[i + 1, j + 1], number[i, j + 1]) for i, j in steps if i + j < parts - 1]
    i, j = np.array(steps).T / parts
    return np.stack([1.0 - i - j, i, j], -1), np.array(faces)


def _append(header: dict[str, Any], chunk: bytearray, array: np.ndarray, kind: int, shape: str) -> int:
    chunk += b"\0" * (-len(chunk) % 4)
    header["bufferViews"].append({"buffer": 0, "byteOffset": len(chunk), "byteLength": array.nbytes})
    chunk += array.tobytes()
    accessor = {"bufferView": len(header["bufferViews"]) - 1, "componentType": kind, "count": len(array), "type": shape}
    header["accessors"].append(accessor)
    return len(header["accessors"]) - 1
