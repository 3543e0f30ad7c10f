"""A box room in memory; two rooms as files, and the tiny data set rendered from them."""

from __future__ import annotations

import signal
from pathlib import Path

import h5py
import numpy as np
import pytest
import trimesh

from simulator.scene.model import Materials, Scene, Textures

if signal.getsignal(signal.SIGINT) == signal.SIG_IGN:
    # A shell that starts pytest in the background has it ignore Ctrl-C, which the commands under test would inherit.
    signal.signal(signal.SIGINT, signal.default_int_handler)


def scene_of(parts: list[tuple[str, str, np.ndarray, np.ndarray, tuple[float, float, float]]], name: str = "room") -> Scene:
    """Make a scene from (instance, material, (V, 3) vertices, (F, 3) faces, linear colour) parts."""
    vertices, faces, instance = [], [], []
    offset = 0
    for k, (_, _, v, f, _) in enumerate(parts):
        vertices.append(v)
        faces.append(np.asarray(f) + offset)
        instance.append(np.full(len(f), k + 1))
        offset += len(v)
    index = np.concatenate(instance)
    n, m = len(index), len(parts)
    colors = np.array([[*color, 1.0] for *_, color in parts], np.float32)
    return Scene(
        name=name,
        sha256="0" * 64,
        vertices=np.concatenate(vertices).astype(np.float32),
        faces=np.concatenate(faces).astype(np.int32),
        face_instance=index.astype(np.uint16),
        instances=tuple(p[0] for p in parts),
        face_material=(index - 1).astype(np.int32),
        materials=Materials(
            base_color=colors,
            emissive=np.zeros((m, 3), np.float32),
            texture=np.full(m, -1, np.int32),
            wrap=np.zeros((m, 2), np.uint8),
            alpha_cutoff=np.zeros(m, np.float32),
            shaded=np.ones(m, bool),
        ),
        textures=Textures(np.zeros((0, 4), np.uint8), np.zeros((0, 1), np.int64), np.zeros((0, 1, 2), np.int32)),
        corner_uv=np.zeros((n, 3, 2), np.float32),
        corner_color=np.full((n, 3, 4), 255, np.uint8),
        face_surface=(index - 1).astype(np.int32),
        surfaces=tuple((p[0], p[1]) for p in parts),
    )


def box(low: tuple[float, float, float], high: tuple[float, float, float], inward: bool) -> tuple[np.ndarray, np.ndarray]:
    """Vertices and the 12 faces of an axis-aligned box; normals point inward for rooms, outward for furniture."""
    lo, hi = np.array(low), np.array(high)
    v = np.array([[x, y, z] for x in (0, 1) for y in (0, 1) for z in (0, 1)]) * (hi - lo) + lo
    quads = [(0, 1, 3, 2), (4, 6, 7, 5), (0, 4, 5, 1), (2, 3, 7, 6), (0, 2, 6, 4), (1, 5, 7, 3)]
    f = np.array([t for a, b, c, d in quads for t in ((a, b, c), (a, c, d))])
    return v, f[:, ::-1] if inward else f


@pytest.fixture(scope="session")
def make_scene():
    """Give `scene_of`, so that a test can build any scene from parts."""
    return scene_of


@pytest.fixture(scope="session")
def make_box():
    """Give `box`: the vertices and faces of a box."""
    return box


@pytest.fixture(scope="session")
def box_room() -> Scene:
    """An empty room of 6 x 2.8 x 5 m with a corner at the origin, floor at y = 0, six instances, one plaster."""
    v, f = box((0, 0, 0), (6, 2.8, 5), inward=True)
    names = ["west", "east", "floor", "ceiling", "north", "south"]
    colors = [(0.8, 0.3, 0.2), (0.2, 0.7, 0.3), (0.4, 0.3, 0.2), (0.9, 0.9, 0.9), (0.2, 0.3, 0.8), (0.7, 0.6, 0.1)]
    return scene_of([(n, "plaster", v, f[2 * k : 2 * k + 2], c) for k, (n, c) in enumerate(zip(names, colors, strict=True))])


TINY = [
    "--quality", "draft", "--views", "2", "--sets", "4", "--set", "shard_sets=2", "--set", "clips.stretch_s=0.3",
    "--set", "camera.width_px=32", "--set", "camera.height_px=24", "--set", "camera.samples_per_pixel=1",
    "--set", "acoustics.response_s=0.1",
]  # fmt: skip
"""Options of the render command that make a set cost a few hundredths of a second."""


def write_room(path: Path, size: tuple[float, float, float]) -> Path:
    """Write a box room with a cupboard in it as GLB."""
    room, cupboard = trimesh.creation.box(size), trimesh.creation.box((0.8, 1.0, 0.6))
    room.apply_translation([0, size[1] / 2, 0])
    room.invert()
    cupboard.apply_translation([size[0] / 2 - 0.5, 0.5, 0])
    for mesh, name, color in ((room, "plaster", (200, 180, 160, 255)), (cupboard, "wood", (120, 80, 40, 255))):
        material = trimesh.visual.material.PBRMaterial(name=name, baseColorFactor=color)
        mesh.visual = trimesh.visual.TextureVisuals(material=material)
    trimesh.Scene({"room": room, "cupboard": cupboard}).export(path)
    return path


@pytest.fixture(scope="session")
def tiny_options() -> list[str]:
    """Give options of the render command that make sets small and fast."""
    return list(TINY)


@pytest.fixture(scope="session")
def tiny_scenes(tmp_path_factory) -> Path:
    """A folder with two small rooms, alpha.glb and beta.glb."""
    folder = tmp_path_factory.mktemp("scenes")
    write_room(folder / "alpha.glb", (6.0, 2.8, 5.0))
    write_room(folder / "beta.glb", (7.0, 3.0, 4.5))
    return folder


@pytest.fixture(scope="session")
def tiny_data(tmp_path_factory, tiny_scenes) -> Path:
    """The data set of the two rooms, 4 sets each in shards of 2, rendered in this process."""
    from simulator.render import main

    out = tmp_path_factory.mktemp("data") / "tiny"
    assert main(["--scenes", str(tiny_scenes), "--out", str(out), "--workers", "0", *TINY]) == 0
    return out


def read_fields(out: Path) -> dict[str, bytes]:
    """Give the bytes of every field of every shard."""
    found = {}
    for path in sorted((out / "shards").glob("*.h5")):
        with h5py.File(path) as file:
            for name, column in file.items():
                values = column[:]
                found[f"{path.name}/{name}"] = b"\0".join(values) if values.dtype == object else values.tobytes()
    return found


@pytest.fixture(scope="session")
def fields_of():
    """Give `read_fields`: the bytes of every field of a data set."""
    return read_fields
