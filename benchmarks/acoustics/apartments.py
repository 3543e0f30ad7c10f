"""The bundled apartments for measurements: unchanged, without ceilings, or with any number of triangles."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np

from simulator.acoustics.acoustic_scene import AcousticScene, prepare_acoustics
from simulator.acoustics.materials import assign, load_library
from simulator.config import Settings
from simulator.loaders.load import load_scene
from simulator.run.sampling import draw_set
from simulator.scene.model import Scene
from simulator.scene.walkable import find_places

SCENES = Path(__file__).resolve().parents[2] / "scenes"


def apartment(number: int) -> Scene:
    """Load a bundled apartment without its textures."""
    return load_scene(SCENES / f"apartment-{number:04d}.glb", textures=False)


def without_ceilings(scene: Scene) -> Scene:
    """Remove the ceilings, as in doll-house models."""
    above = np.array(["ceiling" in f"{a} {b}".lower() for a, b in scene.surfaces])
    return _chosen(scene, np.flatnonzero(~above[scene.face_surface]))


def of_triangles(scene: Scene, count: int) -> Scene:
    """Split the largest triangles into four until there are about `count`; shape and materials are unchanged.

    Parts of a triangle are consecutive and share vertices, as neighbours do in modelled and scanned meshes.
    """
    corners, surface = scene.vertices[scene.faces].astype(np.float64), scene.face_surface
    while len(corners) + 3 <= count:
        area = np.linalg.norm(np.cross(corners[:, 1] - corners[:, 0], corners[:, 2] - corners[:, 0]), axis=1)
        split = np.sort(np.argsort(-area, kind="stable")[: (count - len(corners)) // 3])
        parts = np.ones(len(corners), np.int64)
        parts[split] = 4
        first = (np.cumsum(parts) - parts)[split]
        a, b, c = corners[split].transpose(1, 0, 2)
        ab, bc, ca = (a + b) / 2, (b + c) / 2, (c + a) / 2
        corners, surface = np.repeat(corners, parts, 0), np.repeat(surface, parts)
        for k, triangle in enumerate(((a, ab, ca), (ab, b, bc), (ca, bc, c), (ab, bc, ca))):
            corners[first + k] = np.stack(triangle, 1)
    vertices, faces = _welded(corners)
    return replace(scene, vertices=vertices, faces=faces, face_surface=surface)


def room_in(scene: Scene, settings: Settings) -> AcousticScene:
    """Prepare a scene with the bundled materials."""
    return prepare_acoustics(scene, assign(scene.surfaces, load_library()), settings.acoustics)


def place_in(scene: Scene, settings: Settings, seed: int = 0) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Draw a set: the listener (3,), the headings (V,) and the sources (S, 3)."""
    rng = np.random.default_rng(seed)
    drawn = draw_set(scene, find_places(scene, settings, rng), settings, rng)
    return drawn.positions[0], drawn.headings_deg, drawn.sources


def _chosen(scene: Scene, rows: np.ndarray) -> Scene:
    return replace(scene, faces=scene.faces[rows], face_surface=scene.face_surface[rows])


def _welded(corners: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return vertices (V, 3), in the order of their first use, and faces (F, 3) of triangles (F, 3, 3)."""
    flat = corners.reshape(-1, 3).astype(np.float32) + np.float32(0.0)  # -0.0 becomes 0.0
    key = flat.view(np.uint32).astype(np.uint64) @ np.array(
        [0x9E3779B97F4A7C15, 0xC2B2AE3D27D4EB4F, 0x165667B19E3779F9], np.uint64
    )
    _, first, number = np.unique(key, return_index=True, return_inverse=True)
    rank = first.argsort().argsort()
    return flat[np.sort(first)], rank[number.reshape(-1)].reshape(-1, 3).astype(np.int32)
