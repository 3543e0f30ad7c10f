"""A writer of small glTF files, independent of the reader, and a camera that a square fills."""

from __future__ import annotations

import base64
import io
import json
import struct
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from simulator.camera.embree import render
from simulator.camera.view_camera import fixed
from simulator.config import CameraSettings

TYPES = {1: "SCALAR", 2: "VEC2", 3: "VEC3", 4: "VEC4"}
KINDS = {"i1": 5120, "u1": 5121, "i2": 5122, "u2": 5123, "u4": 5125, "f4": 5126}


def png(pixels) -> bytes:
    """Encode an (H, W, 3 or 4) uint8 picture."""
    out = io.BytesIO()
    Image.fromarray(np.asarray(pixels, np.uint8)).save(out, "PNG")
    return out.getvalue()


class Gltf:
    """Collects the parts of a file; `header` may be edited freely before it is written."""

    QUAD = np.array([[-1, 1, -2], [1, 1, -2], [-1, -1, -2], [1, -1, -2]], np.float32)
    """Fills the picture of `snap` exactly, seen from its front."""
    QUAD_UV = np.array([[0, 0], [1, 0], [0, 1], [1, 1]], np.float32)
    """So that the picture of `snap` is the texture."""
    QUAD_FACES = np.array([0, 2, 1, 1, 2, 3], np.uint16)

    def __init__(self):
        self.header = {"asset": {"version": "2.0"}, "scene": 0, "scenes": [{"nodes": []}]}
        self.data = bytearray()

    def add(self, key: str, value: dict) -> int:
        self.header.setdefault(key, []).append(value)
        return len(self.header[key]) - 1

    def view(self, data: bytes, **more) -> int:
        self.data += b"\0" * (-len(self.data) % 4)
        start = len(self.data)
        self.data += data
        return self.add("bufferViews", {"buffer": 0, "byteOffset": start, "byteLength": len(data), **more})

    def accessor(self, array, **more) -> int:
        array = np.asarray(array)
        array = array[:, None] if array.ndim == 1 else array
        kind = KINDS[array.dtype.str[1:]]
        entry = {
            "bufferView": self.view(array.tobytes()),
            "componentType": kind,
            "count": len(array),
            "type": TYPES[array.shape[1]],
        }
        return self.add("accessors", {**entry, **more})

    def texture(self, pixels, sampler: dict | None = None) -> int:
        image = self.add("images", {"bufferView": self.view(png(pixels)), "mimeType": "image/png"})
        entry = {"source": image}
        if sampler is not None:
            entry["sampler"] = self.add("samplers", sampler)
        return self.add("textures", entry)

    def material(self, **pbr) -> int:
        return self.add("materials", {"name": "paint", "pbrMetallicRoughness": pbr, "extensions": {"KHR_materials_unlit": {}}})

    def primitive(self, vertices=QUAD, faces=QUAD_FACES, material=None, mode=4, **attributes) -> dict:
        packed = {name: self.accessor(a) if not isinstance(a, int) else a for name, a in attributes.items()}
        out = {"attributes": {"POSITION": self.accessor(np.asarray(vertices, np.float32)), **packed}, "mode": mode}
        if faces is not None:
            out["indices"] = self.accessor(np.asarray(faces, np.uint16))
        if material is not None:
            out["material"] = material
        return out

    def mesh(self, *primitives, **more) -> int:
        return self.add("meshes", {"primitives": list(primitives), **more})

    def node(self, root: bool = True, **node) -> int:
        index = self.add("nodes", node)
        if root:
            self.header["scenes"][0]["nodes"].append(index)
        return index

    def write(self, path: Path, embed: bool = False) -> Path:
        """Write a .glb, or a .gltf with its buffer beside it or embedded as a data URI."""
        buffer = {"byteLength": len(self.data)}
        header = {**self.header, "buffers": [buffer]}
        if path.suffix == ".gltf":
            if embed:
                buffer["uri"] = "data:application/octet-stream;base64," + base64.b64encode(self.data).decode()
            else:
                buffer["uri"] = f"{path.stem}%20data.bin"
                path.with_name(f"{path.stem} data.bin").write_bytes(self.data)
            path.write_text(json.dumps(header))
            return path
        text = json.dumps(header).encode()
        text += b" " * (-len(text) % 4)
        data = bytes(self.data) + b"\0" * (-len(self.data) % 4)
        size = 12 + 8 + len(text) + 8 + len(data)
        chunks = struct.pack("<I4s", len(text), b"JSON") + text + struct.pack("<I4s", len(data), b"BIN\0") + data
        path.write_bytes(struct.pack("<4sII", b"glTF", 2, size) + chunks)
        return path


def snap(scene, samples: int = 1, size: int = 64, position=(0.0, 0.0, 0.0), heading: float = 0.0):
    """Look along the heading with a square, level camera whose half field of view has the tangent 0.5; V = 1."""
    camera = CameraSettings(
        width_px=size, height_px=size, hfov_deg=float(np.rad2deg(2 * np.arctan(0.5))), pitch_deg=0.0, samples_per_pixel=samples
    )
    return render(scene, np.array([position], np.float64), np.array([heading]), [fixed(camera)])


@pytest.fixture
def gltf():
    """Give an empty file to be filled."""
    return Gltf()


@pytest.fixture(scope="session")
def look():
    """Give `snap`: what a square camera sees."""
    return snap


@pytest.fixture(scope="session")
def encode_png():
    """Give `png`: a picture as the bytes of a file."""
    return png
