"""The material libraries and textures of an OBJ file, found beside it."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from urllib.parse import unquote

import numpy as np
from PIL import Image as Pillow

from simulator.errors import InputError
from simulator.loaders.files import decoded, open_image, read_beside
from simulator.loaders.mtl import Material, Texture, parse_mtl
from simulator.scene.assemble import MaterialSpec
from simulator.scene.textures import UNREADABLE, linear_from_srgb

SHOWN = 5
"""Names that a note lists."""


class MaterialTable:
    """Specifications and images of the materials that an OBJ file uses, each made once."""

    def __init__(self, path: Path, libraries: list[str]) -> None:
        self.specs = [MaterialSpec("default")]
        self.pictures: list[Pillow.Image | None] = []
        self.notes: list[str] = []
        self._path = path
        self._materials: dict[str, Material] = {}
        self._rows: dict[tuple[str, bool], int] = {("", False): 0, ("", True): 0}
        self._images: dict[str, int] = {}
        for value in dict.fromkeys(libraries):
            for found in _libraries(path, value):
                if isinstance(found, str):
                    self.notes.append(f"material library {found}")
                else:
                    self._materials |= {k: m for k, m in found.materials.items() if k not in self._materials}

    def defines(self, name: str) -> bool:
        """Return whether a library defines a material."""
        return name in self._materials

    def texture(self, name: str) -> Texture | None:
        """Return the texture map of a material, None without one."""
        return self._materials[name].texture if name in self._materials else None

    def row(self, name: str, has_uv: bool) -> int:
        """Return the index in `specs` of a material on a part with or without texture coordinates."""
        texture = self.texture(name) if has_uv else None
        key = (name, texture is not None)
        if key not in self._rows:
            self._rows[key] = len(self.specs)
            self.specs.append(self._spec(name, texture))
        return self._rows[key]

    def note_used(self, unmapped: Mapping[str, int]) -> None:
        """Append notes about the used materials that are not shown as their libraries define them.

        unmapped: number of triangles without texture coordinates by textured material.
        """
        used = list(dict.fromkeys(name for name, _ in self._rows if name))
        defined = {name: self._materials[name] for name in used if name in self._materials}
        self._note("are defined in no material library: plain colour instead", [n for n in used if n not in defined])
        beyond = [n for n, m in defined.items() if m.texture is None and not all(0.0 <= x <= 1.0 for x in m.diffuse)]
        self._note("have a colour Kd beyond 0 to 1, which is cut; divide colours from 0 to 255 by 255", beyond)
        clear = [n for n, m in defined.items() if m.opacity < 1.0]
        self._note("have an opacity (d, Tr) below 1: see-through below 0.5, opaque otherwise", clear)
        faces = f"have a texture and {sum(unmapped.values())} triangles without texture coordinates: plain colour instead"
        self._note(faces, list(unmapped))

    def _note(self, what: str, names: Sequence[str]) -> None:
        if names:
            listed = ", ".join(names[:SHOWN]) + (", ..." if len(names) > SHOWN else "")
            self.notes.append(f"{len(names)} materials ({listed}) {what}")

    def _spec(self, name: str, texture: Texture | None) -> MaterialSpec:
        if name not in self._materials:
            return MaterialSpec(name)
        opacity = self._materials[name].opacity
        image = -1 if texture is None else self._image(texture)
        if texture is not None and image >= 0:
            wrap = (1, 1) if texture.clamp else (0, 0)
            return MaterialSpec(name, (1.0, 1.0, 1.0, opacity), image=image, wrap=wrap, alpha_cutoff=0.5)
        encoded = np.rint(255 * np.clip(self._materials[name].diffuse, 0.0, 1.0)).astype(np.uint8)
        red, green, blue = (float(x) for x in linear_from_srgb(encoded))
        return MaterialSpec(name, (red, green, blue, opacity), alpha_cutoff=0.5 if opacity < 1.0 else 0.0)

    def _image(self, texture: Texture) -> int:
        """Return the index in `pictures` of a texture, -1 with a note if it cannot be read."""
        if texture.name not in self._images:
            self._images[texture.name] = -1
            try:
                picture = open_image(_read(self._path, texture.name)[1])
                self._images[texture.name] = len(self.pictures)
                self.pictures.append(picture)
            except UNREADABLE as error:
                self.notes.append(f"texture {texture.name:.60} cannot be read ({error}): plain colour instead")
        if texture.ignored and texture.name:
            self.notes.append(f"texture {texture.name:.60}: options {' '.join(texture.ignored)} ignored")
        return self._images[texture.name]


def referenced(path: Path) -> list[str]:
    """Return the names of the material libraries of an OBJ file and of their textures, relative to its folder."""
    libraries: list[str] = []
    textures: list[str] = []
    try:
        text = decoded(path.read_bytes())
    except ValueError as error:
        raise InputError(f"{path} is not a readable .obj mesh ({error}); export it again") from None
    values = re.findall(r"^[ \t]*mtllib[ \t]+(.+?)\s*$", text.replace("\r", "\n"), re.M)
    for value in dict.fromkeys(values):
        for found in _libraries(path, value):
            if isinstance(found, str):
                libraries.append(value)
                continue
            libraries.append(found.name)
            textures += [_located(path, m.texture.name) for m in found.materials.values() if m.texture is not None]
    return list(dict.fromkeys([*libraries, *textures]))


class _Library:
    def __init__(self, path: Path, name: str, data: bytes) -> None:
        self.name = name
        try:
            self.materials = parse_mtl(decoded(data))
        except ValueError as error:
            raise InputError(f"{path} uses the material library {name}, which is invalid ({error}); correct it") from None


def _libraries(path: Path, value: str) -> list[_Library | str]:
    """Return the libraries of one `mtllib` statement, and for each that cannot be read why.

    value: one name that may contain spaces, or several names.
    """
    words = list(dict.fromkeys(value.split()))
    out: list[_Library | str] = []
    for k, raw in enumerate([value, *(words if words != [value] else [])]):
        try:
            out.append(_Library(path, *_read(path, raw)))
        except OSError as error:
            out.append(f"{raw:.60} cannot be read ({error})")
        if k == 0 and not isinstance(out[0], str):
            return out
    return out[1:] if any(not isinstance(o, str) for o in out) else out[:1]


def _read(path: Path, raw: str) -> tuple[str, bytes]:
    """Return the name and content of a file named in an OBJ file or library; raise OSError if there is none in the folder."""
    why = OSError("no name")
    for name in _spellings(raw):
        try:
            return name, read_beside(path, name)
        except InputError:
            why = OSError("outside the scene's folder; put it beside the scene")
        except OSError:
            why = why if "outside" in str(why) else OSError("missing")
    raise why


def _located(path: Path, raw: str) -> str:
    try:
        return _read(path, raw)[0]
    except OSError:
        return raw


def _spellings(raw: str) -> list[str]:
    """Return the paths that a name may stand for: as written, with escaped spaces, backslashes or percent escapes resolved."""
    plain = raw.strip().strip('"')
    slashed = plain.replace("\\ ", " ").replace("\\", "/")
    return list(dict.fromkeys(n for n in (plain, plain.replace("\\ ", " "), slashed, unquote(plain), unquote(slashed)) if n))
