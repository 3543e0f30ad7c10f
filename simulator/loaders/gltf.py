"""glTF 2.0 (.glb, .gltf) -> parts, material specifications and textures, after the specification.

trimesh is not used here: it drops texture coordinate sets beyond the first, sampler wrap modes, normalised integers and
texture transforms, and cannot represent compressed geometry.
"""

from __future__ import annotations

import json
import struct
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any
from urllib.parse import unquote

import numpy as np

from simulator.errors import InputError
from simulator.loaders.gltf_accessors import DRACO, HAS_DRACO, QUANTIZATION, Files, Geometry, entry
from simulator.loaders.gltf_materials import SPECULAR, open_pictures, read_materials, texture_info, transformed
from simulator.loaders.gltf_nodes import INSTANCING, meshes
from simulator.scene.assemble import MOST_INSTANCES, MaterialSpec, MeshFile, Part
from simulator.scene.textures import srgb_from_linear

SOLID_MODES = (4, 5, 6)
"""Triangles, strips and fans; points and lines are skipped."""
IMPLEMENTED = {
    DRACO,
    INSTANCING,
    SPECULAR,
    "EXT_texture_webp",
    "KHR_materials_emissive_strength",
    "KHR_materials_unlit",
    QUANTIZATION,
    "KHR_texture_transform",
}
CLI = "npx @gltf-transform/cli"
REMEDY = {
    "EXT_meshopt_compression": f"decompress it with '{CLI} cp IN.glb OUT.glb'",
    "KHR_meshopt_compression": f"decompress it with '{CLI} cp IN.glb OUT.glb'",
    DRACO: "install its decoder: pip install DracoPy",
    "KHR_texture_basisu": "use the publisher's files without Basis textures, or export the scene with PNG or JPEG textures",
}
"""Extensions that are not decoded, with the remedy that the message names."""
MOST_TRIANGLES = 50_000_000


def read_gltf(path: Path, files: Files, linear_colors: bool = True, textures: bool = True) -> MeshFile:
    """Read a .glb or .gltf: parts, materials, undecoded textures, notes for the user, and the credit in its asset.

    linear_colors: whether vertex colours are linear light, as specified, and are encoded as sRGB; False keeps their numbers,
    for annotations. textures: whether textures are read; False opens and refuses none.
    Raise InputError for a file that is invalid, truncated, or compressed in a way that is not decoded here.
    """
    header, chunk = read_header(path)
    try:
        notes = _check_extensions(path, header, textures)
        geometry = Geometry(path, header, chunk, files)
        specs = read_materials(header)
        pictures = open_pictures(header, geometry, {s.image for s in specs} if textures else set(), notes)
        parts = _plain_without_uv(list(_parts(header, geometry, len(specs) - 1, linear_colors)), specs, notes)
        skipped = sum(not _is_solid(p) for m in header.get("meshes", []) for p in m["primitives"])
        notes += _rest_poses(header)
        asset = header.get("asset", {})
        credit = asset.get("copyright") or (asset.get("extras") or {}).get("license", "")
    except InputError:
        raise
    except Exception as error:  # any error that a wrong index, type or count leads to
        raise InputError(f"{path} has a broken structure ({type(error).__name__}: {error}); export it again") from None
    if skipped:
        notes.append(f"{skipped} point or line primitives skipped")
    return MeshFile(parts, specs, pictures, notes, str(credit))


def referenced(path: Path) -> list[str]:
    """Return the names of the external files that a file refers to."""
    header, _ = read_header(path)
    try:
        uris = [x["uri"] for key in ("buffers", "images") for x in header.get(key, []) if "uri" in x]
        return sorted(unquote(u) for u in uris if not u.startswith("data:"))
    except (AttributeError, TypeError) as error:
        raise InputError(f"{path} has a broken structure ({error}); export it again") from None


def read_header(path: Path) -> tuple[dict[str, Any], bytes]:
    """Return the JSON header and the binary chunk; raise InputError if the file is truncated or has another format."""
    data = path.read_bytes()
    try:
        text, chunk = (data, b"") if path.suffix.lower() == ".gltf" else _chunks(path, data)
        header = json.loads(text)
    except (struct.error, ValueError, RecursionError) as error:
        raise InputError(f"{path} is not a readable glTF file ({error}); export or download it again") from None
    if not isinstance(header, dict):
        raise InputError(f"{path} contains {type(header).__name__} instead of a glTF object; export it again")
    return header, chunk


def _chunks(path: Path, data: bytes) -> tuple[bytes, bytes]:
    """Return the JSON and the binary chunk of a .glb file."""
    magic, version, length = struct.unpack("<4sII", data[:12])
    if magic != b"glTF" or version != 2:
        raise InputError(f"{path} is not a glTF 2.0 binary (it starts with {data[:4]!r}); export it as .glb again")
    if length > len(data):
        raise InputError(f"{path} is cut short: {len(data)} of {length} bytes; copy or download it again")
    size = struct.unpack("<I", data[12:16])[0]
    chunk = data[20 + size :]
    return data[20 : 20 + size], chunk[8 : 8 + struct.unpack("<I", chunk[:4])[0]] if chunk else b""


def _check_extensions(path: Path, header: dict[str, Any], textures: bool) -> list[str]:
    """Raise InputError for an extension without which the file cannot be read; return notes about those not applied."""
    required, used = set(header.get("extensionsRequired", [])), set(header.get("extensionsUsed", []))
    undecoded = (required | used) & set(REMEDY) - ({DRACO} if HAS_DRACO else set())
    if not textures or all("source" in t for t in header.get("textures", [])):
        undecoded.discard("KHR_texture_basisu")  # not needed, or each compressed texture has a plain fallback
    for name in sorted(undecoded):
        raise InputError(f"{path} uses the extension {name}, which cannot be decoded here; {REMEDY[name]}")
    for name in sorted(required - IMPLEMENTED - set(REMEDY)):
        raise InputError(f"{path} requires the extension {name}, which is not supported; export the scene without it")
    ignored = sorted(used - required - IMPLEMENTED - set(REMEDY))
    return [f"glTF extensions not applied: {', '.join(ignored)}"] if ignored else []


def _rest_poses(header: dict[str, Any]) -> list[str]:
    """Return a note if skins or morph targets would move vertices: neither is applied."""
    nodes = header.get("nodes", [])
    skinned = sum("skin" in n and "mesh" in n for n in nodes)
    morphed = sum(any(x.get("weights") or ()) for x in (*nodes, *header.get("meshes", [])))
    return [f"{skinned} skins and {morphed} morph targets not applied: these meshes have their rest pose"] * (
        skinned + morphed > 0
    )


def _parts(header: dict[str, Any], geometry: Geometry, default: int, linear_colors: bool) -> Iterator[Part]:
    """Yield each solid primitive of each node as a part, named after its node and numbered where a node has several."""
    triangles = 0
    for name, transform, primitive in _primitives(header, geometry):
        part = _part(name, transform, primitive, header, geometry, default)
        triangles += len(part.faces)
        if triangles > MOST_TRIANGLES:
            raise ValueError(f"more than {MOST_TRIANGLES} triangles; simplify the mesh")
        yield replace(part, color=_colors(primitive, geometry, linear_colors))


def _plain_without_uv(parts: list[Part], specs: list[MaterialSpec], notes: list[str]) -> list[Part]:
    """Give textured parts without texture coordinates a material without the texture, which is appended to `specs`."""
    plain: dict[int, int] = {}
    bare = [p.uv is None and specs[p.material].image >= 0 for p in parts]
    for part, lacks in zip(parts, bare, strict=True):
        if lacks and part.material not in plain:
            plain[part.material] = len(specs)
            specs.append(replace(specs[part.material], image=-1))
    if any(bare):
        notes.append(f"{sum(bare)} primitives with a texture lack texture coordinates: plain colour instead")
    return [replace(p, material=plain[p.material]) if lacks else p for p, lacks in zip(parts, bare, strict=True)]


def _primitives(header: dict[str, Any], geometry: Geometry) -> list[tuple[str, np.ndarray, dict[str, Any]]]:
    """Return name, (4, 4) transform to the world and primitive of each part; raise ValueError for too many."""
    found: list[tuple[str, np.ndarray, dict[str, Any]]] = []
    for name, transform, mesh in meshes(header, geometry):
        solid = [p for p in mesh["primitives"] if _is_solid(p)]
        found += [(name if len(solid) == 1 else f"{name}/{k}", transform, p) for k, p in enumerate(solid)]
        if len(found) > MOST_INSTANCES:
            raise ValueError(f"more than {MOST_INSTANCES} primitives of nodes; join small meshes")
    return found


def _is_solid(primitive: dict[str, Any]) -> bool:
    return primitive.get("mode", 4) in SOLID_MODES and "POSITION" in primitive["attributes"]


def _part(
    name: str, transform: np.ndarray, primitive: dict[str, Any], header: dict[str, Any], geometry: Geometry, default: int
) -> Part:
    vertices = geometry.positions(primitive)
    faces = geometry.triangles(primitive, len(vertices))
    # A mirroring transform turns triangles inside out.
    faces = faces[:, ::-1] if np.linalg.det(transform[:3, :3]) < 0 else faces
    with np.errstate(invalid="ignore"):  # values that are not finite are refused later
        vertices = vertices @ transform[:3, :3].T + transform[:3, 3]
    material = primitive.get("material", default)
    info = texture_info(entry(header, "materials", material)) if material != default else {}
    moved = info.get("extensions", {}).get("KHR_texture_transform", {})
    uv = geometry.unit(primitive, f"TEXCOORD_{moved.get('texCoord', info.get('texCoord', 0))}") if info else None
    return Part(name, material, vertices, faces, None if uv is None else transformed(uv, moved))


def _colors(primitive: dict[str, Any], geometry: Geometry, linear: bool) -> np.ndarray | None:
    """Return a primitive's vertex colours, (N, 4) uint8, encoded as sRGB where they are linear light."""
    values = geometry.unit(primitive, "COLOR_0")
    if values is None:
        return None
    values = np.nan_to_num(values)
    plain = np.rint(np.clip(values, 0, 1) * 255).astype(np.uint8)
    alpha = plain[:, 3:] if values.shape[1] == 4 else np.full((len(values), 1), 255, np.uint8)
    return np.concatenate([srgb_from_linear(values[:, :3]) if linear else plain[:, :3], alpha], 1)
