"""Scenes for the Python interface: a mesh from a file or from arrays, with its acoustic materials."""

from __future__ import annotations

import hashlib
import json
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from difflib import get_close_matches
from pathlib import Path
from typing import Any

import numpy as np
import trimesh
from numpy.typing import ArrayLike

from simulator.acoustics.acoustic_scene import AcousticScene, prepare_acoustics
from simulator.acoustics.materials import SurfaceAcoustics, assign, load_library
from simulator.acoustics.materials import report as materials_report
from simulator.config import AcousticsSettings
from simulator.errors import InputError
from simulator.loaders import load
from simulator.scene import model
from simulator.scene.assemble import MaterialSpec, Part, assemble, origin_of

Library = str | Path | Mapping[str, Mapping[str, Any]] | None
"""Definitions of acoustic materials on top of the bundled ones: a TOML or JSON file, or {name: {"absorption": ...}}."""


@dataclass(frozen=True, eq=False)
class Scene:
    """A scene for pictures and sound; from `load_scene`, `Scene.from_arrays` or `Scene.from_trimesh`.

    Metres, +Y up, right-handed. What is computed from the mesh once (planes, acceleration structures) is kept with it, so
    use one object for all calls.
    """

    mesh: model.Scene
    """Triangles, colours, instances."""
    materials: SurfaceAcoustics
    """Absorption and scattering of each of `mesh.surfaces`, and why."""
    path: Path | None = None
    """The file it was read from."""
    _acoustic: dict[AcousticsSettings, AcousticScene] = field(default_factory=dict, repr=False)

    @classmethod
    def from_arrays(
        cls,
        vertices: ArrayLike,
        faces: ArrayLike,
        materials: str | Sequence[str] = "plaster",
        *,
        library: Library = None,
        name: str = "scene",
    ) -> Scene:
        """Make a scene of V vertices (V, 3), m, and F triangles (F, 3), counter-clockwise seen from inside the room.

        materials: the name of one acoustic material, or F names, one a face; each distinct name is an instance.
        library: definitions of materials, such as {"panel": {"absorption": 0.4, "scattering": 0.1}}, values from 0 to 1, one
        or one for each octave band from 125 Hz to 8 kHz; or a TOML or JSON file. Raises InputError.
        """
        points, triangles = _table("vertices", vertices, np.float64), _table("faces", faces, np.int64)
        names = [materials] * len(triangles) if isinstance(materials, str) else [str(m) for m in materials]
        if len(names) != len(triangles):
            raise InputError(f"{len(names)} materials are given for {len(triangles)} faces; give one name, or one a face")
        distinct = list(dict.fromkeys(names))
        if triangles.min(initial=0) < 0 or triangles.max(initial=-1) >= len(points):
            raise InputError(f"faces point at vertices beyond the {len(points)} given; indices from 0 are expected")
        number = {n: k for k, n in enumerate(distinct)}
        index = np.array([number[n] for n in names], np.int64)
        parts = [_part(n, k, points, triangles[index == k]) for k, n in enumerate(distinct)]
        digest = hashlib.sha256(json.dumps(names).encode() + points.tobytes() + triangles.tobytes()).hexdigest()
        mesh = assemble(name, digest, parts, [MaterialSpec(n) for n in distinct], [], [], "", load.TEXTURE_MB)
        return cls(mesh, _assigned(mesh, library, known=True))

    @classmethod
    def from_trimesh(
        cls,
        mesh: trimesh.Trimesh | trimesh.Scene,
        materials: str | Sequence[str] | None = None,
        *,
        library: Library = None,
        name: str = "scene",
    ) -> Scene:
        """Make a scene of a trimesh mesh or scene, m, +Y up, with its colours, textures and names of nodes and materials.

        materials: None: by the names, as for files; otherwise, for a single mesh, as in `from_arrays`. Raises InputError.
        """
        if materials is not None:
            if not isinstance(mesh, trimesh.Trimesh):
                raise InputError("materials are given for a trimesh.Scene; leave them out, or give a single mesh")
            return cls.from_arrays(mesh.vertices, mesh.faces, materials, library=library, name=name)
        with tempfile.TemporaryDirectory() as folder:
            path = Path(folder) / "mesh.glb"
            whole = mesh if isinstance(mesh, trimesh.Scene) else trimesh.Scene({name: mesh})
            origin = np.zeros(3) if whole.bounds is None else origin_of(whole.bounds)
            if origin.any():  # the file holds single precision
                whole = _moved(whole, -origin)
            whole.export(path, include_normals=False)
            read = replace(load.load_scene(path, name), origin=origin)
        return cls(read, _assigned(read, library))

    @property
    def name(self) -> str:
        """The scene's name."""
        return self.mesh.name

    @property
    def bounds(self) -> np.ndarray:
        """(2, 3) lowest and highest corner, world frame, m."""
        return self.mesh.bounds + self.mesh.origin

    @property
    def instances(self) -> tuple[str, ...]:
        """Names of the instances; instance number k of `render_views` is instances[k - 1]."""
        return self.mesh.instances

    @property
    def notes(self) -> tuple[str, ...]:
        """What the loader left out or repaired."""
        return self.mesh.notes

    def describe_materials(self) -> str:
        """Return a table of the acoustic materials, their areas, and the names by which they were chosen."""
        return materials_report(self.mesh, self.materials)

    def acoustic(self, settings: AcousticsSettings) -> AcousticScene:
        """Return the scene as the acoustic engines need it; kept for the last settings."""
        if settings not in self._acoustic:
            self._acoustic.clear()
            self._acoustic[settings] = prepare_acoustics(self.mesh, self.materials, settings)
        return self._acoustic[settings]


def load_scene(path: str | Path, *, library: Library = None, name: str | None = None, scale: float = 1.0) -> Scene:
    """Read a scene: .glb, .gltf, .ply or .obj in metres with +Y up, or habitat-sim's description of a stage or scene.

    library: definitions and rules of acoustic materials on top of the bundled ones, as in `Scene.from_arrays`. name: default:
    the file's. scale: factor from the file's unit to metres. Raises InputError.
    """
    mesh = load.load_scene(Path(path), name, scale=scale)
    return Scene(mesh, _assigned(mesh, library), Path(path))


def _assigned(mesh: model.Scene, library: Library, known: bool = False) -> SurfaceAcoustics:
    """Choose the materials of a mesh's surfaces; with `known`, names that no material or rule knows are an InputError."""
    definitions = load_library(Path(library) if isinstance(library, str) else library)
    chosen = assign(mesh.surfaces, definitions)
    for (_, name), reason in zip(mesh.surfaces, chosen.reason, strict=True):
        if known and reason == "default":
            near = ", ".join(get_close_matches(name, definitions.absorption, 3, 0.3) or sorted(definitions.absorption))
            raise InputError(f"material {name!r} is unknown; choose from {near}, or define it in library={{{name!r}: ...}}")
    return chosen


def _moved(scene: trimesh.Scene, by: np.ndarray) -> trimesh.Scene:
    """Return a copy of a scene whose meshes, not only its nodes, are moved; nodes keep their names."""
    out = trimesh.Scene()
    for node in scene.graph.nodes_geometry:
        transform, key = scene.graph[node]
        mesh = scene.geometry[key].copy()
        mesh.apply_transform(transform)
        mesh.apply_translation(by)
        out.add_geometry(mesh, node_name=node, geom_name=node)
    return out


def _part(name: str, material: int, points: np.ndarray, triangles: np.ndarray) -> Part:
    used, local = np.unique(triangles, return_inverse=True)
    return Part(name, material, points[used], local.reshape(-1, 3))


def _table(name: str, values: ArrayLike, kind: type) -> np.ndarray:
    try:
        array = np.asarray(values)
    except ValueError:
        raise InputError(f"{name} is a ragged table; (number, 3) is expected") from None
    if array.ndim != 2 or array.shape[1] != 3 or array.dtype.kind not in ("iu" if kind is np.int64 else "iuf"):
        raise InputError(f"{name} has shape {array.shape} and type {array.dtype}; (number, 3) {kind.__name__} is expected")
    return array.astype(kind)
