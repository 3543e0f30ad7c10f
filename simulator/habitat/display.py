"""A copy of a .glb that habitat-sim displays as specified.

habitat-sim displays colour factors and vertex colours, which are linear light in glTF, as if they were sRGB, ignores emission,
and renders surfaces that are transparent or cut out as solid ones. Textures it displays unchanged: they are sRGB already.
Cut-outs in textures stay solid.
"""

from __future__ import annotations

import json
import struct
from pathlib import Path
from typing import Any

import numpy as np

from simulator.loaders.gltf import read_header
from simulator.loaders.gltf_accessors import DRACO, Geometry
from simulator.loaders.gltf_materials import read_materials
from simulator.scene.assemble import MaterialSpec
from simulator.scene.textures import srgb_from_linear

UNSIGNED_BYTE = 5121


def write_displayed(source: Path, path: Path) -> bool:
    """Write a copy of a .glb for habitat-sim; return False, and write nothing, where the file itself is displayed right.

    So are files with others beside them, which a copy elsewhere would lack.
    """
    header, chunk = read_header(source)
    if any(not x.get("uri", "data:").startswith("data:") for key in ("buffers", "images") for x in header.get(key, [])):
        return False
    data = bytearray(chunk)
    specs = read_materials(header)
    changed = _open_surfaces(header, specs)
    changed |= _encode_factors(header, specs)
    changed |= _encode_vertex_colors(header, data, Geometry(source, header, chunk, lambda name: b""))
    if not changed:
        return False
    data += b"\0" * (-len(data) % 4)
    if data:
        header["buffers"][0]["byteLength"] = len(data)
    text = json.dumps(header).encode()
    text += b" " * (-len(text) % 4)
    body = struct.pack("<I4s", len(text), b"JSON") + text
    body += struct.pack("<I4s", len(data), b"BIN\0") + data if data else b""
    path.write_bytes(struct.pack("<4sII", b"glTF", 2, 12 + len(body)) + body)
    return True


def _open_surfaces(header: dict[str, Any], specs: list[MaterialSpec]) -> bool:
    """Remove the primitives that are transparent as a whole; return whether there are any."""
    removed, empty = False, set()
    for number, mesh in enumerate(header.get("meshes", [])):
        solid = [p for p in mesh["primitives"] if "material" not in p or not _is_open(specs[p["material"]])]
        removed |= len(solid) < len(mesh["primitives"])
        if solid:
            mesh["primitives"] = solid
        else:  # a mesh without primitives is not valid
            empty.add(number)
    for node in header.get("nodes", []):
        if node.get("mesh") in empty:
            del node["mesh"]
    return removed


def _is_open(spec: MaterialSpec) -> bool:
    return spec.base_color[3] < spec.alpha_cutoff


def _encode_factors(header: dict[str, Any], specs: list[MaterialSpec]) -> bool:
    """Replace colour factors, plus the emission of untextured materials, by sRGB values; return whether any changes."""
    changed = False
    for material, spec in zip(header.get("materials", []), specs, strict=False):
        linear = np.array(spec.base_color[:3])
        if spec.image < 0:
            linear = np.clip(linear + spec.emissive, 0.0, 1.0)
        encoded = (srgb_from_linear(linear) / 255.0).tolist()
        if not np.allclose(encoded, spec.base_color[:3], atol=1 / 510):
            material.setdefault("pbrMetallicRoughness", {})["baseColorFactor"] = [*encoded, spec.base_color[3]]
            changed = True
    return changed


def _encode_vertex_colors(header: dict[str, Any], data: bytearray, geometry: Geometry) -> bool:
    """Append sRGB copies of the vertex colours and let primitives use them; return whether there are any colours but white."""
    copies: dict[int, int] = {}
    for mesh in header.get("meshes", []):
        for primitive in mesh["primitives"]:
            accessor = primitive["attributes"].get("COLOR_0")
            values = None if DRACO in primitive.get("extensions", {}) else geometry.unit(primitive, "COLOR_0")
            if values is None or (values[:, :3] == 1.0).all():
                continue
            if accessor not in copies:
                alpha = np.rint(values[:, 3:] * 255) if values.shape[1] == 4 else np.full((len(values), 1), 255)
                bytes_ = np.concatenate([srgb_from_linear(values[:, :3]), alpha.astype(np.uint8)], 1)
                copies[accessor] = _append(header, data, bytes_)
            primitive["attributes"]["COLOR_0"] = copies[accessor]
    return bool(copies)


def _append(header: dict[str, Any], data: bytearray, colors: np.ndarray) -> int:
    data += b"\0" * (-len(data) % 4)
    header["bufferViews"].append({"buffer": 0, "byteOffset": len(data), "byteLength": colors.nbytes})
    data += colors.tobytes()
    header["accessors"].append({
        "bufferView": len(header["bufferViews"]) - 1, "componentType": UNSIGNED_BYTE, "normalized": True,
        "count": len(colors), "type": "VEC4",
    })  # fmt: skip
    return len(header["accessors"]) - 1
