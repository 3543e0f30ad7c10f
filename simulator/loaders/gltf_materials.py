"""Materials and textures of glTF 2.0."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from PIL import Image as Pillow

from simulator.loaders.files import open_image
from simulator.loaders.gltf_accessors import Geometry, entry
from simulator.scene.assemble import MaterialSpec
from simulator.scene.textures import UNREADABLE

WRAP = {10497: 0, 33071: 1, 33648: 2}
SPECULAR = "KHR_materials_pbrSpecularGlossiness"


def read_materials(header: dict[str, Any]) -> list[MaterialSpec]:
    """Return the file's materials, and last the default one; raise ValueError for properties of a wrong type or value."""
    return [_material(m, header) for m in header.get("materials", [])] + [MaterialSpec("default")]


def open_pictures(header: dict[str, Any], geometry: Geometry, used: set[int], notes: list[str]) -> list[Pillow.Image | None]:
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


def texture_info(material: dict[str, Any]) -> dict[str, Any]:
    """Return the reference to a material's base colour texture, empty without one."""
    specular = material.get("extensions", {}).get(SPECULAR, {})
    return material.get("pbrMetallicRoughness", {}).get("baseColorTexture") or specular.get("diffuseTexture") or {}


def transformed(uv: np.ndarray, transform: dict[str, Any]) -> np.ndarray:
    """Apply KHR_texture_transform to texture coordinates (N, 2): offset x rotation x scale."""
    su, sv = _numbers("scale of a texture", transform.get("scale", (1.0, 1.0)), 2)
    (rotation,) = _numbers("rotation of a texture", [transform.get("rotation", 0.0)], 1)
    c, s = math.cos(rotation), math.sin(rotation)
    matrix = np.array([[c * su, s * sv], [-s * su, c * sv]])
    return uv @ matrix.T + _numbers("offset of a texture", transform.get("offset", (0.0, 0.0)), 2)


def _material(material: dict[str, Any], header: dict[str, Any]) -> MaterialSpec:
    """Convert a glTF material; absent properties have the specified defaults."""
    pbr = material.get("pbrMetallicRoughness", {})
    extensions = material.get("extensions", {})
    factor = pbr.get("baseColorFactor") or extensions.get(SPECULAR, {}).get("diffuseFactor") or (1.0,) * 4
    mode = material.get("alphaMode", "OPAQUE")
    cutoff = {"OPAQUE": 0.0, "MASK": material.get("alphaCutoff", 0.5), "BLEND": 0.5}.get(mode, 0.0)
    strength = extensions.get("KHR_materials_emissive_strength", {}).get("emissiveStrength", 1.0)
    emissive = _numbers("emissiveFactor", material.get("emissiveFactor", (0.0, 0.0, 0.0)), 3)
    (strength,) = _numbers("emissiveStrength", [strength], 1)
    image, wrap = _texture(material, header)
    return MaterialSpec(
        name=str(material.get("name", "")),
        base_color=tuple(min(max(x, 0.0), 1.0) for x in _numbers("baseColorFactor", factor, 4)),  # type: ignore[arg-type]
        # Emissive textures are not read: the factor alone would make the whole surface emit light.
        emissive=(0.0, 0.0, 0.0) if "emissiveTexture" in material else tuple(strength * x for x in emissive),  # type: ignore[arg-type]
        image=image,
        wrap=wrap,
        alpha_cutoff=_numbers("alphaCutoff", [cutoff], 1)[0],
        unlit="KHR_materials_unlit" in extensions,
    )


def _texture(material: dict[str, Any], header: dict[str, Any]) -> tuple[int, tuple[int, int]]:
    """Return the index of a material's image, -1 without one, and its wrap modes."""
    info = texture_info(material)
    if not info:
        return -1, (0, 0)
    texture = entry(header, "textures", info["index"])
    image = texture.get("extensions", {}).get("EXT_texture_webp", {}).get("source", texture.get("source", -1))
    if image != -1:
        entry(header, "images", image)
    sampler = entry(header, "samplers", texture["sampler"]) if "sampler" in texture else {}
    return image, (WRAP.get(sampler.get("wrapS", 10497), 0), WRAP.get(sampler.get("wrapT", 10497), 0))


def _numbers(name: str, values: Any, count: int) -> tuple[float, ...]:
    """Return `count` finite numbers; raise ValueError for anything else."""
    valid = isinstance(values, (list, tuple)) and len(values) == count
    if not valid or not all(isinstance(x, (int, float)) and math.isfinite(x) for x in values):
        raise ValueError(f"{name} is {values!r:.60}; {count} finite numbers are expected")
    return tuple(float(x) for x in values)
