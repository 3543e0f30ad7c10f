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
from PIL import Image as Pillow
from scipy.spatial.transform import Rotation

from simulator.errors import InputError
from simulator.loaders.files import open_image
from simulator.loaders.gltf_accessors import DRACO, HAS_DRACO, Files, Geometry
from simulator.scene.assemble import MaterialSpec, MeshFile, Part
from simulator.scene.textures import UNREADABLE, srgb_from_linear

SOLID_MODES = (4, 5, 6)
"""Triangles, strips and fans; points and lines are skipped."""
WRAP = {10497: 0, 33071: 1, 33648: 2}
BLENDER = "open it in Blender and export it as glTF with compression off"
REMEDY = {
    "EXT_meshopt_compression": BLENDER,
    "KHR_meshopt_compression": BLENDER,
    DRACO: "install its decoder: pip install DracoPy",
    "KHR_texture_basisu": "use the publisher's files without Basis, or run 'npx @gltf-transform/cli ktxdecompress IN OUT.glb'",
}
"""Extensions that are not decoded, with the remedy that the message names."""
SPECULAR = "KHR_materials_pbrSpecularGlossiness"
DEEPEST = 100
"""Greatest depth of nested nodes."""


def read_gltf(path: Path, files: Files, linear_colors: bool = True, textures: bool = True) -> MeshFile:
    """Read a .glb or .gltf: parts, materials, undecoded textures, notes for the user, and the credit in its asset.

    linear_colors: whether vertex colours are linear light, as specified, and are encoded as sRGB; False keeps their numbers,
    for annotations. textures: whether textures are read; False opens and refuses none.
    Raise InputError for a file that is invalid, truncated, or compressed in a way that is not decoded here.
    """
    header, chunk = _header(path)
    try:
        _refuse_compression(path, header, textures)
        geometry = Geometry(path, header, chunk, files)
        specs = [_material(m, header) for m in header.get("materials", [])] + [MaterialSpec("default")]
        notes: list[str] = []
        pictures = _pictures(header, geometry, {s.image for s in specs} if textures else set(), notes)
        parts = list(_parts(header, geometry, len(specs) - 1, linear_colors))
    except InputError:
        raise
    except Exception as error:  # any error that a wrong index, type or count leads to
        raise InputError(f"{path} has a broken structure ({type(error).__name__}: {error}); export it again") from None
    skipped = sum(not _is_solid(p) for m in header.get("meshes", []) for p in m["primitives"])
    if skipped:
        notes.append(f"{skipped} point or line primitives skipped")
    asset = header.get("asset", {})
    credit = asset.get("copyright") or (asset.get("extras") or {}).get("license", "")
    return MeshFile(parts, specs, pictures, notes, str(credit))


def referenced(path: Path) -> list[str]:
    """Return the names of the external files that a .gltf refers to."""
    header, _ = _header(path)
    uris = [x["uri"] for key in ("buffers", "images") for x in header.get(key, []) if "uri" in x]
    return sorted(unquote(u) for u in uris if not u.startswith("data:"))


def _header(path: Path) -> tuple[dict[str, Any], bytes]:
    """Return the JSON header and the binary chunk; raise InputError if the file is truncated or has another format."""
    data = path.read_bytes()
    try:
        if path.suffix.lower() == ".gltf":
            return json.loads(data), b""
        magic, version, length = struct.unpack("<4sII", data[:12])
        if magic != b"glTF" or version != 2:
            raise InputError(f"{path} is not a glTF 2.0 binary (it starts with {data[:4]!r}); export it as .glb again")
        if length > len(data):
            raise InputError(f"{path} is cut short: {len(data)} of {length} bytes; copy or download it again")
        size = struct.unpack("<I", data[12:16])[0]
        chunk = data[20 + size :]
        return json.loads(data[20 : 20 + size]), chunk[8 : 8 + struct.unpack("<I", chunk[:4])[0]] if chunk else b""
    except (struct.error, ValueError) as error:
        raise InputError(f"{path} is not a readable glTF file ({error}); export or download it again") from None


def _refuse_compression(path: Path, header: dict[str, Any], textures: bool) -> None:
    used = set(header.get("extensionsRequired", [])) | set(header.get("extensionsUsed", []))
    refused = used & set(REMEDY)
    if HAS_DRACO:
        refused.discard(DRACO)
    if not textures or all("source" in t for t in header.get("textures", [])):
        refused.discard("KHR_texture_basisu")  # not needed, or each compressed texture has a plain fallback
    for name in sorted(refused):
        raise InputError(f"{path} uses the extension {name}, which cannot be decoded here; {REMEDY[name]}")


def _pictures(header: dict[str, Any], geometry: Geometry, used: set[int], notes: list[str]) -> list[Pillow.Image | None]:
    """Open the textures that materials use, without decoding; plain colour and a note replace a missing or invalid one."""
    out: list[Pillow.Image | None] = []
    for index, image in enumerate(header.get("images", [])):
        out.append(None)
        if index not in used:
            continue
        try:
            data = geometry.view(image["bufferView"]) if "bufferView" in image else geometry.fetch(image["uri"])
            out[-1] = open_image(data)
        except (KeyError, *UNREADABLE) as error:
            name = image.get("name", image.get("uri", index))
            notes.append(f"image {name!s:.60} cannot be read ({error}): plain colour instead")
    return out


def _material(material: dict[str, Any], header: dict[str, Any]) -> MaterialSpec:
    """Convert a glTF material; absent properties have the specified defaults."""
    pbr = material.get("pbrMetallicRoughness", {})
    extensions = material.get("extensions", {})
    factor = pbr.get("baseColorFactor") or extensions.get(SPECULAR, {}).get("diffuseFactor")
    texture = _texture_info(material)
    image, wrap = -1, (0, 0)
    if texture:
        entry = header["textures"][texture["index"]]
        image = entry.get("extensions", {}).get("EXT_texture_webp", {}).get("source", entry.get("source", -1))
        sampler = header.get("samplers", [])[entry["sampler"]] if "sampler" in entry else {}
        wrap = WRAP.get(sampler.get("wrapS", 10497), 0), WRAP.get(sampler.get("wrapT", 10497), 0)
    mode = material.get("alphaMode", "OPAQUE")
    cutoff = {"OPAQUE": 0.0, "MASK": material.get("alphaCutoff", 0.5), "BLEND": 0.5}.get(mode, 0.0)
    strength = extensions.get("KHR_materials_emissive_strength", {}).get("emissiveStrength", 1.0)
    emissive = [strength * x for x in material.get("emissiveFactor", (0.0, 0.0, 0.0))]
    return MaterialSpec(
        name=str(material.get("name", "")),
        base_color=tuple(factor or (1.0, 1.0, 1.0, 1.0)),
        # Emissive textures are not read: the factor alone would make the whole surface emit light.
        emissive=(0.0, 0.0, 0.0) if "emissiveTexture" in material else tuple(emissive),
        image=image,
        wrap=wrap,
        alpha_cutoff=float(cutoff),
        unlit="KHR_materials_unlit" in extensions,
    )


def _texture_info(material: dict[str, Any]) -> dict[str, Any]:
    """Return the reference to a material's base colour texture, empty where there is none."""
    specular = material.get("extensions", {}).get(SPECULAR, {})
    return material.get("pbrMetallicRoughness", {}).get("baseColorTexture") or specular.get("diffuseTexture") or {}


def _parts(header: dict[str, Any], geometry: Geometry, default: int, linear_colors: bool) -> Iterator[Part]:
    """Yield each solid primitive of each node as a part, named after its node and numbered where a node has several."""
    for name, transform, mesh in _nodes(header):
        solid = [p for p in mesh["primitives"] if _is_solid(p)]
        for k, primitive in enumerate(solid):
            part = _part(name if len(solid) == 1 else f"{name}/{k}", transform, primitive, header, geometry, default)
            yield replace(part, color=_colors(primitive, geometry, linear_colors))


def _nodes(header: dict[str, Any]) -> Iterator[tuple[str, np.ndarray, dict[str, Any]]]:
    """Yield the name, the (4, 4) transform to the world and the mesh of each node that has one."""
    nodes = header.get("nodes", [])
    children = {c for n in nodes for c in n.get("children", [])}
    roots = [k for k in range(len(nodes)) if k not in children]
    if header.get("scenes"):
        roots = header["scenes"][header.get("scene", 0)].get("nodes", [])
    waiting = [(k, np.eye(4), 0) for k in reversed(roots)]
    while waiting:
        index, above, depth = waiting.pop()
        node = nodes[index]
        transform = above @ _transform(node)
        if depth > DEEPEST:
            raise ValueError(f"nodes nested more than {DEEPEST} deep")
        waiting += [(c, transform, depth + 1) for c in reversed(node.get("children", []))]
        if "mesh" in node:
            mesh = header["meshes"][node["mesh"]]
            yield str(node.get("name") or mesh.get("name") or f"node{index}"), transform, mesh


def _transform(node: dict[str, Any]) -> np.ndarray:
    """Return a node's (4, 4) matrix: as written (by columns), or translation x rotation x scale."""
    if "matrix" in node:
        return np.array(node["matrix"], np.float64).reshape(4, 4).T
    out = np.eye(4)
    out[:3, :3] = Rotation.from_quat(node.get("rotation", (0.0, 0.0, 0.0, 1.0))).as_matrix() * np.array(
        node.get("scale", (1.0, 1.0, 1.0))
    )
    out[:3, 3] = node.get("translation", (0.0, 0.0, 0.0))
    return out


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
    info = _texture_info(header["materials"][material]) if material != default else {}
    moved = info.get("extensions", {}).get("KHR_texture_transform", {})
    uv = geometry.unit(primitive, f"TEXCOORD_{moved.get('texCoord', info.get('texCoord', 0))}") if info else None
    return Part(name, material, vertices, faces, None if uv is None else _transformed(uv, moved))


def _colors(primitive: dict[str, Any], geometry: Geometry, linear: bool) -> np.ndarray | None:
    """Return a primitive's vertex colours, (N, 4) uint8, encoded as sRGB where they are linear light."""
    values = geometry.unit(primitive, "COLOR_0")
    if values is None:
        return None
    plain = np.rint(np.clip(values, 0, 1) * 255).astype(np.uint8)
    alpha = plain[:, 3:] if values.shape[1] == 4 else np.full((len(values), 1), 255, np.uint8)
    return np.concatenate([srgb_from_linear(values[:, :3]) if linear else plain[:, :3], alpha], 1)


def _transformed(uv: np.ndarray, transform: dict[str, Any]) -> np.ndarray:
    """Apply KHR_texture_transform: offset x rotation x scale."""
    su, sv = transform.get("scale", (1.0, 1.0))
    c, s = np.cos(transform.get("rotation", 0.0)), np.sin(transform.get("rotation", 0.0))
    matrix = np.array([[c * su, s * sv], [-s * su, c * sv]])
    return uv @ matrix.T + transform.get("offset", (0.0, 0.0))
