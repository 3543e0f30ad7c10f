"""Write an apartment as binary glTF 2.0: a node for each object, light in the vertex colours, embedded textures."""

from __future__ import annotations

import io
import json
import struct
from typing import Any

import numpy as np
from PIL import Image

from scenes.apartment import Apartment
from scenes.mesh import Patch, Thing
from scenes.surface import Surface

CREDIT = "CC0-1.0: dedicated to the public domain"
JPEG_QUALITY = 76
FLOAT, BYTE, SHORT = 5126, 5121, 5123
VERTICES, INDICES = 34962, 34963


def write_glb(apartment: Apartment, textures: dict[Surface, np.ndarray], light: dict[int, np.ndarray]) -> bytes:
    """Return the file's bytes; textures: (N, N, 3) uint8 of each textured surface, light: linear, by id of patch."""
    writer = _Writer(textures)
    groups = []
    for name, things in apartment.things.items():
        children = [writer.node(thing, light) for thing in things]
        writer.nodes.append({"name": name if name != "house" else "surroundings", "children": children})
        groups.append(len(writer.nodes) - 1)
    writer.nodes.append({"name": f"apartment-{apartment.seed}", "children": groups})
    return writer.finish(len(writer.nodes) - 1)


class _Writer:
    """Collects nodes, meshes, accessors, materials and images, each stored once."""

    def __init__(self, textures: dict[Surface, np.ndarray]) -> None:
        self.textures = textures
        self.nodes: list[dict[str, Any]] = []
        self.meshes: list[dict[str, Any]] = []
        self.accessors: list[dict[str, Any]] = []
        self.materials: list[dict[str, Any]] = []
        self.images: list[bytes] = []
        self.streams: dict[str, bytearray] = {
            "position": bytearray(),
            "uv": bytearray(),
            "color": bytearray(),
            "index": bytearray(),
        }
        self._material_of: dict[Any, int] = {}
        self._accessor_of: dict[tuple[str, bytes], int] = {}

    def node(self, thing: Thing, light: dict[int, np.ndarray]) -> int:
        """Add an object and return the index of its node."""
        node: dict[str, Any] = {"name": thing.name, "mesh": self._mesh(thing, light)}
        if thing.at.any():
            node["translation"] = [_shortest(v) for v in thing.at]
        if abs(thing.angle) > 1e-9:
            node["rotation"] = [0.0, _shortest(np.sin(thing.angle / 2)), 0.0, _shortest(np.cos(thing.angle / 2))]
        self.nodes.append(node)
        return len(self.nodes) - 1

    def finish(self, root: int) -> bytes:
        """Assemble header and binary chunk."""
        blob, views, offset = bytearray(), [], {}
        for k, (name, stride) in enumerate((("position", 12), ("uv", 8), ("color", 4), ("index", 0))):
            data = bytes(self.streams[name])
            view = {
                "buffer": 0,
                "byteOffset": len(blob),
                "byteLength": len(data),
                "target": VERTICES if stride else INDICES,
            }
            if stride:
                view["byteStride"] = stride
            views.append(view)
            offset[name] = k
            blob += data + b"\0" * (-len(data) % 4)
        for data in self.images:
            views.append({"buffer": 0, "byteOffset": len(blob), "byteLength": len(data)})
            blob += data + b"\0" * (-len(data) % 4)
        for accessor in self.accessors:
            accessor["bufferView"] = offset[accessor["bufferView"]]
        header: dict[str, Any] = {
            "asset": {"version": "2.0", "generator": "sight-and-sound scenes.generate", "copyright": CREDIT},
            "extensionsUsed": ["KHR_materials_unlit"],
            "scene": 0,
            "scenes": [{"nodes": [root]}],
            "nodes": self.nodes,
            "meshes": self.meshes,
            "materials": self.materials,
            "accessors": self.accessors,
            "bufferViews": views,
            "buffers": [{"byteLength": len(blob)}],
        }
        if self.images:
            header["samplers"] = [{"magFilter": 9729, "minFilter": 9987, "wrapS": 10497, "wrapT": 10497}]
            header["textures"] = [{"sampler": 0, "source": k} for k in range(len(self.images))]
            header["images"] = [{"bufferView": 4 + k, "mimeType": "image/jpeg"} for k in range(len(self.images))]
        text = json.dumps(header, separators=(",", ":")).encode()
        text += b" " * (-len(text) % 4)
        total = 12 + 8 + len(text) + 8 + len(blob)
        return (
            struct.pack("<4sII", b"glTF", 2, total)
            + struct.pack("<I4s", len(text), b"JSON")
            + text
            + struct.pack("<I4s", len(blob), b"BIN\0")
            + bytes(blob)
        )

    def _mesh(self, thing: Thing, light: dict[int, np.ndarray]) -> int:
        """Add a mesh: one primitive for each material, with texture coordinates where it has a texture."""
        primitives: list[dict[str, Any]] = []
        for textured in (True, False):
            by_material: dict[int, list[Patch]] = {}
            for patch in thing.patches:
                if bool(patch.surface.family) == textured:
                    by_material.setdefault(self._material(patch.surface), []).append(patch)
            if by_material:
                primitives += self._primitives(thing, by_material, light, textured)
        self.meshes.append({"primitives": primitives})
        return len(self.meshes) - 1

    def _primitives(
        self, thing: Thing, by_material: dict[int, list[Patch]], light: dict[int, np.ndarray], textured: bool
    ) -> list[dict[str, Any]]:
        ordered = [p for group in by_material.values() for p in group]
        start = dict(zip((id(p) for p in ordered), np.cumsum([0, *(len(p.vertices) for p in ordered)]), strict=False))
        points = np.concatenate([p.vertices for p in ordered]).astype("<f4")
        assert len(points) < 65535, f"{thing.name} has too many vertices for 16-bit indices"
        colors = np.concatenate([light[id(p)] * _vertex_color(p.surface) for p in ordered])
        attributes = {
            "POSITION": self._accessor("position", points, FLOAT, "VEC3"),
            "COLOR_0": self._accessor("color", _bytes(colors), BYTE, "VEC4"),
        }
        if textured:
            uv = np.concatenate([p.uv for p in ordered]).astype("<f4")
            attributes["TEXCOORD_0"] = self._accessor("uv", uv, FLOAT, "VEC2")
        primitives = []
        for material, group in by_material.items():
            faces = np.concatenate([p.faces + start[id(p)] for p in group])
            index = self._accessor("index", faces.reshape(-1).astype("<u2"), SHORT, "SCALAR")
            primitives.append({"attributes": attributes, "indices": index, "material": material})
        return primitives

    def _accessor(self, stream: str, array: np.ndarray, kind: int, shape: str) -> int:
        data = array.tobytes()
        key = (stream, data)
        if key in self._accessor_of:
            return self._accessor_of[key]
        target = self.streams[stream]
        accessor: dict[str, Any] = {
            "bufferView": stream,
            "byteOffset": len(target),
            "componentType": kind,
            "count": len(array),
            "type": shape,
        }
        if kind == BYTE:
            accessor["normalized"] = True
        if stream == "position":
            accessor["min"], accessor["max"] = ([_shortest(v) for v in f(0)] for f in (array.min, array.max))
        target += data + b"\0" * (-len(data) % 4)
        self.accessors.append(accessor)
        self._accessor_of[key] = len(self.accessors) - 1
        return self._accessor_of[key]

    def _image(self, data: bytes) -> int:
        """Find or add an image; materials of other names may share it."""
        if data not in self.images:
            self.images.append(data)
        return self.images.index(data)

    def _material(self, surface: Surface) -> int:
        """Find or add the material of a surface; plain colours go into the vertices, to save materials."""
        key: Any = surface if surface.family or surface.alpha < 1 else (surface.name, surface.both_sides)
        if key in self._material_of:
            return self._material_of[key]
        look: dict[str, Any] = {"metallicFactor": 0.0, "roughnessFactor": 0.9}
        material: dict[str, Any] = {
            "name": surface.name,
            "pbrMetallicRoughness": look,
            "extensions": {"KHR_materials_unlit": {}},
        }
        if surface.family:
            look["baseColorTexture"] = {"index": self._image(_jpeg(self.textures[surface]))}
        if surface.alpha < 1:
            look["baseColorFactor"] = [*(float(v) for v in linear(np.array(surface.color))), surface.alpha]
            material["alphaMode"] = "BLEND"
        if surface.both_sides:
            material["doubleSided"] = True
        self.materials.append(material)
        self._material_of[key] = len(self.materials) - 1
        return self._material_of[key]


def linear(srgb: np.ndarray) -> np.ndarray:
    """Decode sRGB values 0..1 to linear light (IEC 61966-2-1)."""
    return np.where(srgb <= 0.04045, srgb / 12.92, ((srgb + 0.055) / 1.055) ** 2.4)


def _shortest(value: float) -> float:
    """Round to the shortest decimal that is still the same 32-bit float."""
    return float(str(np.float32(value)))


def _vertex_color(surface: Surface) -> np.ndarray:
    return np.ones(3) if surface.family or surface.alpha < 1 else linear(np.array(surface.color))


def _bytes(colors: np.ndarray) -> np.ndarray:
    whole = np.full((len(colors), 4), 255, np.uint8)
    whole[:, :3] = np.rint(255 * np.clip(colors, 0, 1))
    return whole


def _jpeg(picture: np.ndarray) -> bytes:
    buffer = io.BytesIO()
    Image.fromarray(picture).save(buffer, "JPEG", quality=JPEG_QUALITY, optimize=True)
    return buffer.getvalue()
