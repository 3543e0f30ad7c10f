"""glTF 2.0 (.glb, .gltf): trimesh reads geometry and node transforms, we read what it leaves out.

trimesh drops texture coordinate sets beyond the first, sampler wrap modes, normalised integers and texture transforms.
It does pass attributes of a file's own through; so the header is rewritten before trimesh sees it, with the one texture
coordinate set that counts and the vertex colours under such names, and materials and images are read from the header here.
"""

from __future__ import annotations

import base64
import io
import json
import struct
from collections.abc import Callable
from pathlib import Path
from typing import Any
from urllib.parse import unquote

import numpy as np
import trimesh
from PIL import Image as Pillow

from simulator.errors import InputError
from simulator.parts import Look, Part
from simulator.textures import Image, srgb_from_linear, to_image

SOLID_MODES = (4, 5)
"""Triangles and triangle strips; points, lines and fans are skipped."""
WRAP = {10497: 0, 33071: 1, 33648: 2}
BLENDER = "open it in Blender and export it as glTF with compression off"
REMEDY = {
    "EXT_meshopt_compression": BLENDER,
    "KHR_meshopt_compression": BLENDER,
    "KHR_draco_mesh_compression": BLENDER,
    "KHR_texture_basisu": "run 'npx @gltf-transform/cli ktxdecompress IN.glb OUT.glb'",
}
"""Extensions whose data cannot be decoded here, and what to do about them."""
FULL_SCALE = {5120: 127.0, 5121: 255.0, 5122: 32767.0, 5123: 65535.0}
Files = Callable[[str], bytes]


def read_gltf(path: Path, files: Files) -> tuple[list[Part], list[Look], list[Image | None], list[str], str]:
    """Read a .glb or .gltf: parts, looks, images, notes for the user, and the credit in its asset.

    files: gives the bytes of a file that the scene refers to by name; raises OSError where it is missing.
    """
    header, chunk = _header(path)
    _refuse_compression(path, header)
    notes: list[str] = []
    buffers = [_buffer(path, b, chunk, files) for b in header.get("buffers", [])]
    images = [_image(k, i, header, buffers, files, notes) for k, i in enumerate(header.get("images", []))]
    looks = [_look(m, header) for m in header.get("materials", [])] + [Look("default")]
    owners = _one_primitive_a_mesh(header, notes)
    scene = _load(path, header, buffers)
    parts = []
    for node in scene.graph.nodes_geometry:
        transform, geometry = scene.graph[node]
        mesh = scene.geometry[geometry]
        parts.append(_part(str(node), transform, mesh, owners[mesh.metadata["part"]], header, len(looks) - 1))
    asset = header.get("asset", {})
    credit = asset.get("copyright") or (asset.get("extras") or {}).get("license", "")
    return parts, looks, images, notes, str(credit)


def referenced(path: Path) -> list[str]:
    """Name the files that a .gltf refers to, beside itself."""
    header, _ = _header(path)
    uris = [x["uri"] for key in ("buffers", "images") for x in header.get(key, []) if "uri" in x]
    return sorted(unquote(u) for u in uris if not u.startswith("data:"))


def _header(path: Path) -> tuple[dict[str, Any], bytes]:
    """Give the JSON header and the binary chunk; InputError where the file is cut short or something else."""
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


def _refuse_compression(path: Path, header: dict[str, Any]) -> None:
    needed = set(header.get("extensionsRequired", [])) | (set(header.get("extensionsUsed", [])) & set(REMEDY))
    for name in sorted(needed & set(REMEDY)):
        raise InputError(f"{path} uses the extension {name}, which cannot be decoded here; {REMEDY[name]}")


def _buffer(path: Path, buffer: dict[str, Any], chunk: bytes, files: Files) -> bytes:
    uri = buffer.get("uri")
    try:
        data = chunk if uri is None else _fetch(uri, files)
    except OSError:
        raise InputError(f"{path} needs the file {uri}, which is missing; put it beside the scene") from None
    if len(data) < buffer["byteLength"]:
        raise InputError(f"{path} is cut short: a buffer has {len(data)} of {buffer['byteLength']} bytes; copy it again")
    return data


def _fetch(uri: str, files: Files) -> bytes:
    if uri.startswith("data:"):
        return base64.b64decode(uri.split(",", 1)[1])
    return files(unquote(uri))


def _image(
    index: int, image: dict[str, Any], header: dict[str, Any], buffers: list[bytes], files: Files, notes: list[str]
) -> Image | None:
    """Decode one image; a missing or broken one costs its texture, not the scene."""
    try:
        if "bufferView" in image:
            view = header["bufferViews"][image["bufferView"]]
            start = view.get("byteOffset", 0)
            data = buffers[view["buffer"]][start : start + view["byteLength"]]
        else:
            data = _fetch(image["uri"], files)
        return to_image(Pillow.open(io.BytesIO(data)))
    except (OSError, ValueError, KeyError) as error:
        notes.append(f"image {image.get('name', image.get('uri', index))!s:.60} cannot be read ({error}): plain colour instead")
        return None


def _look(material: dict[str, Any], header: dict[str, Any]) -> Look:
    """Translate a glTF material; what is absent has the specification's defaults."""
    pbr = material.get("pbrMetallicRoughness", {})
    extensions = material.get("extensions", {})
    texture = pbr.get("baseColorTexture") or extensions.get("KHR_materials_pbrSpecularGlossiness", {}).get("diffuseTexture")
    factor = pbr.get("baseColorFactor") or extensions.get("KHR_materials_pbrSpecularGlossiness", {}).get("diffuseFactor")
    image, wrap = -1, (0, 0)
    if texture is not None:
        entry = header["textures"][texture["index"]]
        image = entry.get("source", entry.get("extensions", {}).get("EXT_texture_webp", {}).get("source", -1))
        sampler = header.get("samplers", [])[entry["sampler"]] if "sampler" in entry else {}
        wrap = WRAP.get(sampler.get("wrapS", 10497), 0), WRAP.get(sampler.get("wrapT", 10497), 0)
    mode = material.get("alphaMode", "OPAQUE")
    cutoff = {"OPAQUE": 0.0, "MASK": material.get("alphaCutoff", 0.5), "BLEND": 0.5}.get(mode, 0.0)
    strength = extensions.get("KHR_materials_emissive_strength", {}).get("emissiveStrength", 1.0)
    emissive = [strength * x for x in material.get("emissiveFactor", (0.0, 0.0, 0.0))]
    return Look(
        name=str(material.get("name", "")),
        base_color=tuple(factor or (1.0, 1.0, 1.0, 1.0)),
        # An emissive texture is not read: its factor alone would make the whole surface glow.
        emissive=(0.0, 0.0, 0.0) if "emissiveTexture" in material else tuple(emissive),
        image=image,
        wrap=wrap,
        alpha_cutoff=float(cutoff),
        unlit="KHR_materials_unlit" in extensions,
    )


def _one_primitive_a_mesh(header: dict[str, Any], notes: list[str]) -> list[dict[str, Any]]:
    """Rewrite the header so that each solid primitive is a mesh of its own; give the original primitives in order."""
    owners: list[dict[str, Any]] = []
    meshes: list[dict[str, Any]] = []
    members: list[list[int]] = []
    skipped = 0
    for mesh in header.get("meshes", []):
        members.append([])
        for primitive in mesh["primitives"]:
            if primitive.get("mode", 4) not in SOLID_MODES or "POSITION" not in primitive["attributes"]:
                skipped += 1
                continue
            members[-1].append(len(meshes))
            meshes.append(_plain_mesh(primitive, header, len(meshes), mesh.get("name", "mesh")))
            owners.append(primitive)
    if skipped:
        notes.append(f"{skipped} point, line or fan primitives skipped")
    _rewire_nodes(header, members)
    header["meshes"] = meshes
    for key in ("images", "skins", "animations", "cameras"):
        header.pop(key, None)
    return owners


def _plain_mesh(primitive: dict[str, Any], header: dict[str, Any], index: int, name: str) -> dict[str, Any]:
    """Keep positions, the texture coordinates that count and colours, the latter two as attributes of our own."""
    attributes = {"POSITION": primitive["attributes"]["POSITION"]}
    for own, theirs in (("_UV", f"TEXCOORD_{_uv_set(primitive, header)}"), ("_COLOR", "COLOR_0")):
        if theirs in primitive["attributes"]:
            attributes[own] = primitive["attributes"][theirs]
    plain = {"attributes": attributes, "mode": primitive.get("mode", 4)}
    if "indices" in primitive:
        plain["indices"] = primitive["indices"]
    return {"name": f"{name}.{index}", "primitives": [plain], "extras": {"part": index}}


def _rewire_nodes(header: dict[str, Any], members: list[list[int]]) -> None:
    """Point every node at its mesh's only primitive, or give it a child for each of several."""
    nodes = header.get("nodes", [])
    for number, node in enumerate(list(nodes)):
        mesh = node.pop("mesh", None)
        node.pop("skin", None)
        node["name"] = str(
            node.get("name") or (header["meshes"][mesh].get("name") if mesh is not None else "") or f"node{number}"
        )
        if mesh is None:
            continue
        if len(members[mesh]) == 1:
            node["mesh"] = members[mesh][0]
            continue
        for k, member in enumerate(members[mesh]):
            nodes.append({"name": f"{node['name']}/{k}", "mesh": member})
            node.setdefault("children", []).append(len(nodes) - 1)


def _load(path: Path, header: dict[str, Any], buffers: list[bytes]) -> trimesh.Scene:
    for k, buffer in enumerate(header.get("buffers", [])):
        buffer["uri"] = f"buffer{k}.bin"
    resolver = _Buffers({f"buffer{k}.bin": data for k, data in enumerate(buffers)})
    slim = {
        k: v for k, v in header.items() if k not in ("materials", "textures", "samplers", "extensionsUsed", "extensionsRequired")
    }
    try:
        return trimesh.load_scene(
            io.BytesIO(json.dumps(slim).encode()), file_type="gltf", resolver=resolver, process=False, skip_materials=True
        )
    except Exception as error:  # trimesh raises whatever a broken index leads to
        raise InputError(f"{path} has a broken structure ({type(error).__name__}: {error}); export it again") from None


class _Buffers(trimesh.resolvers.Resolver):
    """Hands trimesh the buffers that have been read already."""

    def __init__(self, data: dict[str, bytes]) -> None:
        self._data = data

    def get(self, name: str) -> bytes:
        return self._data[name]

    def keys(self) -> Any:
        return self._data.keys()

    def namespaced(self, namespace: str) -> trimesh.resolvers.Resolver:
        return self

    def write(self, name: str, data: bytes) -> None:
        raise NotImplementedError


def _part(
    node: str, transform: np.ndarray, mesh: trimesh.Trimesh, primitive: dict[str, Any], header: dict[str, Any], default: int
) -> Part:
    accessors = header["accessors"]
    position = accessors[primitive["attributes"]["POSITION"]]
    vertices = np.asarray(mesh.vertices, np.float64)
    if position.get("normalized"):
        vertices = vertices / FULL_SCALE[position["componentType"]]
    vertices = vertices @ transform[:3, :3].T + transform[:3, 3]
    # A mirroring transform turns triangles inside out.
    faces = mesh.faces[:, ::-1] if np.linalg.det(transform[:3, :3]) < 0 else mesh.faces
    uv_key, uv, color = f"TEXCOORD_{_uv_set(primitive, header)}", None, None
    if "_UV" in mesh.vertex_attributes:
        uv = _unit(mesh.vertex_attributes["_UV"], accessors[primitive["attributes"][uv_key]])
        uv = _transformed(uv, _texture_info(primitive, header).get("extensions", {}).get("KHR_texture_transform"))
    if "_COLOR" in mesh.vertex_attributes:
        linear = _unit(mesh.vertex_attributes["_COLOR"], accessors[primitive["attributes"]["COLOR_0"]])
        alpha = np.rint(np.clip(linear[:, 3:4], 0, 1) * 255) if linear.shape[1] == 4 else np.full((len(linear), 1), 255)
        color = np.concatenate([srgb_from_linear(linear[:, :3]), alpha.astype(np.uint8)], 1)
    return Part(node, primitive.get("material", default), vertices, faces, uv, color)


def _unit(values: np.ndarray, accessor: dict[str, Any]) -> np.ndarray:
    """Give texture coordinates or colours as floats; integers are normalised by definition."""
    return np.asarray(values, np.float64) / FULL_SCALE.get(accessor["componentType"], 1.0)


def _texture_info(primitive: dict[str, Any], header: dict[str, Any]) -> dict[str, Any]:
    if "material" not in primitive:
        return {}
    return header["materials"][primitive["material"]].get("pbrMetallicRoughness", {}).get("baseColorTexture", {})


def _uv_set(primitive: dict[str, Any], header: dict[str, Any]) -> int:
    info = _texture_info(primitive, header)
    return info.get("extensions", {}).get("KHR_texture_transform", {}).get("texCoord", info.get("texCoord", 0))


def _transformed(uv: np.ndarray, transform: dict[str, Any] | None) -> np.ndarray:
    """Apply KHR_texture_transform: offset x rotation x scale."""
    if transform is None:
        return uv
    su, sv = transform.get("scale", (1.0, 1.0))
    c, s = np.cos(transform.get("rotation", 0.0)), np.sin(transform.get("rotation", 0.0))
    matrix = np.array([[c * su, s * sv], [-s * su, c * sv]])
    return uv @ matrix.T + transform.get("offset", (0.0, 0.0))
