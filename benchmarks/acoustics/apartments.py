"""The bundled apartments as places to measure in: as they are, without ceilings, or of any number of triangles."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np

from simulator.config import Settings
from simulator.load import load_scene
from simulator.materials import assign, load_library
from simulator.room import Room, prepare_room
from simulator.sampling import draw_set
from simulator.scene import Scene
from simulator.walkable import find_places

SCENES = Path(__file__).resolve().parents[2] / "scenes"


def apartment(number: int) -> Scene:
    """Load a bundled apartment without its pictures."""
    return load_scene(SCENES / f"apartment-{number:04d}.glb", textures=False)


def without_ceilings(scene: Scene) -> Scene:
    """Take the ceilings away, as doll-house models have none."""
    above = np.array(["ceiling" in f"{a} {b}".lower() for a, b in scene.surfaces])
    return _chosen(scene, np.flatnonzero(~above[scene.face_surface]))


def of_triangles(scene: Scene, count: int) -> Scene:
    """Split the largest triangles into four until there are about `count`; shape and materials stay."""
    corners, surface = scene.vertices[scene.faces].astype(np.float64), scene.face_surface
    while len(corners) + 3 <= count:
        area = np.linalg.norm(np.cross(corners[:, 1] - corners[:, 0], corners[:, 2] - corners[:, 0]), axis=1)
        order = np.argsort(-area, kind="stable")
        split, rest = np.split(order, [min(len(order), (count - len(corners)) // 3)])
        a, b, c = corners[split].transpose(1, 0, 2)
        ab, bc, ca = (a + b) / 2, (b + c) / 2, (c + a) / 2
        parts = [np.stack(t, 1) for t in ((a, ab, ca), (ab, b, bc), (ca, bc, c), (ab, bc, ca))]
        corners = np.concatenate([corners[rest], *parts])
        surface = np.concatenate([surface[rest], np.tile(surface[split], 4)])
    faces = np.arange(3 * len(corners), dtype=np.int32).reshape(-1, 3)
    return replace(scene, vertices=corners.reshape(-1, 3).astype(np.float32), faces=faces, face_surface=surface)


def room_in(scene: Scene, settings: Settings) -> Room:
    """Prepare a scene with the bundled materials."""
    return prepare_room(scene, assign(scene.surfaces, load_library()), settings.acoustics)


def place_in(scene: Scene, settings: Settings, seed: int = 0) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Draw a set: the listener (3,), the headings (V,) and the sources (S, 3)."""
    rng = np.random.default_rng(seed)
    drawn = draw_set(scene, find_places(scene, settings, rng), settings, rng)
    return drawn.positions[0], drawn.headings_deg, drawn.sources


def _chosen(scene: Scene, rows: np.ndarray) -> Scene:
    return replace(scene, faces=scene.faces[rows], face_surface=scene.face_surface[rows])
