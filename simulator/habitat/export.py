"""Meshes written for habitat-sim: the instances of a scene, and coloured surfaces of formats that it renders wrongly."""

from __future__ import annotations

import json
import struct
from pathlib import Path

import numpy as np

from simulator.scene.model import Scene

FROM_SEMANTIC_PLY = np.array([[1.0, 0.0, 0.0], [0.0, 0.0, 1.0], [0.0, -1.0, 0.0]])
"""Rotation, for row vectors, from the world frame to the Z-up frame that habitat-sim expects of a PLY of instances."""


def write_instances(path: Path, scene: Scene) -> None:
    """Write a scene's surface as a binary PLY with an instance number per vertex; no vertex belongs to two instances.

    Surfaces that are transparent as a whole are left out, as in the mesh that habitat-sim displays (display.py).
    """
    materials = scene.materials
    solid = (materials.base_color[:, 3] >= materials.alpha_cutoff)[scene.face_material]
    faces, face_instance = scene.faces[solid], scene.face_instance[solid]
    point = np.dtype([("at", "<f4", 3), ("color", "u1", 3), ("object_id", "<u2")])
    triangle = np.dtype([("count", "u1"), ("index", "<i4", 3)])
    points, triangles = np.zeros(len(scene.vertices), point), np.empty(len(faces), triangle)
    points["at"] = scene.vertices @ FROM_SEMANTIC_PLY
    points["object_id"][faces] = face_instance[:, None]
    # habitat-sim requires colours, one for each number.
    points["color"][:, 0], points["color"][:, 1] = points["object_id"] & 255, points["object_id"] >> 8
    triangles["count"], triangles["index"] = 3, faces
    header = ["ply", "format binary_little_endian 1.0", f"element vertex {len(points)}"]
    header += [*(f"property float {axis}" for axis in "xyz"), *(f"property uchar {c}" for c in ("red", "green", "blue"))]
    header += ["property ushort object_id", f"element face {len(triangles)}", "property list uchar int vertex_indices"]
    with path.open("wb") as file:
        file.write("\n".join([*header, "end_header", ""]).encode())
        points.tofile(file)
        triangles.tofile(file)


def write_surface(path: Path, scene: Scene) -> None:
    """Write a scene's surface with its corner colours as .glb; habitat-sim displays the sRGB values unchanged."""
    positions = scene.vertices[scene.faces.ravel()].astype("<f4")
    colors = np.ascontiguousarray(scene.corner_color.reshape(-1, 4))
    accessors = [
        {"type": "VEC3", "componentType": 5126, "min": positions.min(0).tolist(), "max": positions.max(0).tolist()},
        {"type": "VEC4", "componentType": 5121, "normalized": True},
    ]
    header = {
        "asset": {"version": "2.0"},
        "scene": 0,
        "scenes": [{"nodes": [0]}],
        "nodes": [{"mesh": 0}],
        "meshes": [{"primitives": [{"attributes": {"POSITION": 0, "COLOR_0": 1}, "material": 0}]}],
        "materials": [{"extensions": {"KHR_materials_unlit": {}}}],
        "extensionsUsed": ["KHR_materials_unlit"],
        "accessors": [{**a, "bufferView": k, "count": len(positions)} for k, a in enumerate(accessors)],
        "bufferViews": [
            {"buffer": 0, "byteOffset": 0, "byteLength": positions.nbytes},
            {"buffer": 0, "byteOffset": positions.nbytes, "byteLength": colors.nbytes},
        ],
        "buffers": [{"byteLength": positions.nbytes + colors.nbytes}],
    }
    text = json.dumps(header).encode()
    text += b" " * (-len(text) % 4)
    data = positions.nbytes + colors.nbytes
    with path.open("wb") as file:
        file.write(struct.pack("<4sII", b"glTF", 2, 28 + len(text) + data))
        file.write(struct.pack("<I4s", len(text), b"JSON") + text + struct.pack("<I4s", data, b"BIN\0"))
        positions.tofile(file)
        colors.tofile(file)
