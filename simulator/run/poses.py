"""Sets whose poses are given: nothing is drawn, whatever is unusual is rendered as physics says and reported."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path

import numpy as np

from simulator.acoustics.arrivals import sphere_cells
from simulator.camera.view_camera import draw_cameras
from simulator.config import CameraSettings
from simulator.run.clips import ClipChoice
from simulator.run.sampling import SetGeometry
from simulator.scene.model import Scene
from simulator.scene.solids import inside_solid

DIRECTIONS = 64
MOST_OPEN = 0.4
"""Share of the horizontal directions that meet no surface, above which a point lies outside."""
LEVEL = 0.3
"""Largest vertical part of a horizontal direction."""
CLOSE_M = 0.05
"""Surfaces nearer than this are noted."""


HIGHEST_M = 10.0
"""Greatest height of a camera above the floor that a shard stores."""


@dataclass(frozen=True, eq=False)
class Pose:
    """One set: V views of S sources, world frame, m, degrees."""

    positions: np.ndarray
    """(V, 3) float64."""
    headings_deg: np.ndarray
    """(V,) left positive."""
    sources: np.ndarray
    """(S, 3) float64."""
    pitch_deg: np.ndarray | None = None
    """(V,) up positive; None: the camera's."""
    roll_deg: np.ndarray | None = None
    """(V,); None: the camera's."""
    clips: tuple[ClipChoice, ...] = ()
    """One for each source; (): drawn."""


@dataclass(frozen=True)
class Poses:
    """All sets of a file, by scene, in the order of the file."""

    path: Path
    sha256: str
    sets: Mapping[str, tuple[Pose, ...]] = field(compare=False)
    views: int
    sources: int
    farthest_m: float
    """Largest distance of a source from a listener, which determines the length of direct responses."""


def posed_set(scene: Scene, pose: Pose, settings: CameraSettings, rng: np.random.Generator) -> SetGeometry:
    """Return the geometry of a given set; what the pose leaves open of its cameras is drawn from the settings.

    The height of a camera is its distance from the surface below, or that of the settings where none lies within 10 m.
    """
    positions = pose.positions - scene.origin
    cameras = draw_cameras(settings, len(positions), rng.spawn(1)[0])
    below = scene.bvh.closest(positions, np.broadcast_to([0.0, -1.0, 0.0], positions.shape)).distance
    for view, height in enumerate(below):
        camera = cameras[view]
        cameras[view] = replace(
            camera,
            pitch_deg=camera.pitch_deg if pose.pitch_deg is None else float(np.float32(pose.pitch_deg[view])),
            roll_deg=camera.roll_deg if pose.roll_deg is None else float(np.float32(pose.roll_deg[view])),
            height_m=float(height) if height <= HIGHEST_M else camera.height_m,
        )
    unknown = np.full(len(positions), np.nan)
    return SetGeometry(positions, pose.headings_deg, pose.sources - scene.origin, unknown, cameras)


def pose_faults(scene: Scene, pose: Pose) -> list[str]:
    """Return what is unusual about a set: listeners and sources in walls or outside, and sources out of sight."""
    positions, sources = pose.positions - scene.origin, pose.sources - scene.origin
    distinct, first = np.unique(positions, axis=0, return_index=True)
    order = np.argsort(first)
    out = []
    for position, view in zip(distinct[order], first[order], strict=True):
        name = "the listener" if len(distinct) == 1 else f"the listener of view {view}"
        out += [f"{name} {fault}" for fault in _place(scene, position)]
        seen = scene.bvh.visible(np.broadcast_to(position, sources.shape), sources)
        out += [f"source {k} is hidden from {name}" for k in np.flatnonzero(~seen)]
    return out + [f"source {k} {fault}" for k, source in enumerate(sources) for fault in _place(scene, source)]


def _place(scene: Scene, point: np.ndarray) -> Iterator[str]:
    directions = sphere_cells(DIRECTIONS)
    hits = scene.bvh.closest(np.broadcast_to(point, directions.shape), directions)
    met = hits.face >= 0
    level = np.abs(directions[:, 1]) < LEVEL
    outside = (~met[level]).mean() > MOST_OPEN
    if outside:
        yield "is outside the scene, or beside a large opening"
    elif inside_solid(scene, point[None])[0]:
        yield "is inside a wall or an object"
    nearest = float(hits.distance[met].min()) if met.any() else np.inf
    if nearest < CLOSE_M:
        yield f"is {100 * nearest:.1f} cm from a surface"
