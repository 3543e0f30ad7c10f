"""Write binary glTF 2.0: one node an object, one primitive a surface, lit by vertex colours."""

from __future__ import annotations

import io
import json
import struct
from dataclasses import dataclass
from typing import Any

import numpy as np
from PIL import Image

FLOAT, UBYTE, USHORT, UINT = 5126, 5121, 5123, 5125
ARRAY, ELEMENTS = 34962, 34963


@dataclass(frozen=True)
class Primitive:
    """Triangles of one surface: (N, 3) vertices, (N, 2) texture coordinates, (N, 3) linear light 0..1, (K, 3) faces."""

    surface: str
    vertices: np.ndarray
    uvs: np.ndarray
    light: np.ndarray
    faces: np.ndarray


def write_glb(objects: dict[str, list[Primitive]], pictures: dict[str, np.ndarray], copyright_text: str) -> bytes:
    """Give the bytes of a .glb; pictures: for each surface (H, W, 3) sRGB 0..1, or (4,) a linear colour with alpha."""
    out = _Buffer()
    tree: dict[str, Any] = {
        "asset": {"version": "2.0", "generator": "sight-and-sound scenes.generate", "copyright": copyright_text},
        "extensionsUsed": ["KHR_materials_unlit"],
        "scene": 0,
        "scenes": [{"nodes": list(range(len(objects)))}],
        "nodes": [{"name": name, "mesh": k} for k, name in enumerate(objects)],
        "samplers": [{"wrapS": 10497, "wrapT": 10497, "magFilter": 9729, "minFilter": 9987}],
    }
    surfaces = {p.surface: None for primitives in objects.values() for p in primitives}
    row = {name: k for k, name in enumerate(surfaces)}
    tree["meshes"] = [
        {"name": name, "primitives": [_primitive(out, p, row[p.surface]) for p in primitives]}
        for name, primitives in objects.items()
    ]
    images = [s for s in surfaces if pictures[s].ndim == 3]
    tree["images"] = [{"bufferView": out.view(_jpeg(pictures[s])), "mimeType": "image/jpeg"} for s in images]
    tree["textures"] = [{"source": k, "sampler": 0} for k in range(len(images))]
    tree["materials"] = [_material(s, pictures[s], images) for s in surfaces]
    tree["accessors"], tree["bufferViews"] = out.accessors, out.views
    tree["buffers"] = [{"byteLength": len(out.data)}]
    text = json.dumps(tree, separators=(",", ":")).encode()
    text += b" " * (-len(text) % 4)
    body = bytes(out.data)
    whole = 12 + 8 + len(text) + 8 + len(body)
    header = struct.pack("<4sIIII", b"glTF", 2, whole, len(text), 0x4E4F534A)
    return header + text + struct.pack("<II", len(body), 0x004E4942) + body


class _Buffer:
    """The binary chunk, with the views and accessors into it."""

    def __init__(self) -> None:
        self.data = bytearray()
        self.views: list[dict[str, Any]] = []
        self.accessors: list[dict[str, Any]] = []

    def view(self, data: bytes, target: int | None = None, stride: int | None = None) -> int:
        view: dict[str, Any] = {"buffer": 0, "byteOffset": len(self.data), "byteLength": len(data)}
        if target:
            view["target"] = target
        if stride:
            view["byteStride"] = stride
        self.data += data + b"\0" * (-len(data) % 4)
        self.views.append(view)
        return len(self.views) - 1

    def accessor(self, array: np.ndarray, kind: int, shape: str, target: int, **extra: Any) -> int:
        stride = None if target == ELEMENTS else array.itemsize * array.shape[1]
        view = self.view(array.tobytes(), target, stride)
        self.accessors.append({"bufferView": view, "componentType": kind, "count": len(array), "type": shape, **extra})
        return len(self.accessors) - 1


def _primitive(out: _Buffer, p: Primitive, material: int) -> dict[str, Any]:
    vertices = p.vertices.astype("<f4")
    extent = {"min": vertices.min(0).tolist(), "max": vertices.max(0).tolist()}
    small = len(vertices) < 65535
    indices = p.faces.reshape(-1).astype("<u2" if small else "<u4")
    # Colours are linear by definition; four bytes keep the alignment that the format asks for.
    color = np.concatenate([np.rint(np.clip(p.light, 0, 1) * 255), np.full((len(vertices), 1), 255)], 1).astype(np.uint8)
    return {
        "attributes": {
            "POSITION": out.accessor(vertices, FLOAT, "VEC3", ARRAY, **extent),
            "TEXCOORD_0": out.accessor(p.uvs.astype("<f4"), FLOAT, "VEC2", ARRAY),
            "COLOR_0": out.accessor(color, UBYTE, "VEC4", ARRAY, normalized=True),
        },
        "indices": out.accessor(indices, USHORT if small else UINT, "SCALAR", ELEMENTS),
        "material": material,
    }


def _material(surface: str, picture: np.ndarray, images: list[str]) -> dict[str, Any]:
    pbr: dict[str, Any] = {"metallicFactor": 0.0, "roughnessFactor": 1.0}
    material: dict[str, Any] = {"name": surface, "pbrMetallicRoughness": pbr, "extensions": {"KHR_materials_unlit": {}}}
    if picture.ndim == 3:
        pbr["baseColorTexture"] = {"index": images.index(surface)}
    else:
        pbr["baseColorFactor"] = [float(x) for x in picture]
        if picture[3] < 1:
            material["alphaMode"], material["doubleSided"] = "BLEND", True
    return material


def _jpeg(picture: np.ndarray) -> bytes:
    file = io.BytesIO()
    Image.fromarray(np.rint(np.clip(picture, 0, 1) * 255).astype(np.uint8)).save(file, "JPEG", quality=82, optimize=True)
    return file.getvalue()
