"""The optional second camera: views and navmesh by habitat-sim, where it is installed.

habitat-sim (0.2.x or 0.3.x) renders the publisher's own files. It gets the frame in which simulator/loaders/load.py reads
them, so that acoustic rays, camera rays and the sampling of positions meet the same surfaces. Everything that it needs
besides the mesh is written to a temporary stage configuration file.
"""

from __future__ import annotations

import weakref
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from shutil import rmtree
from tempfile import mkdtemp
from typing import Any

import numpy as np

from simulator.camera.embree import Views, surfaces
from simulator.camera.view_camera import ViewCamera, fixed
from simulator.config import CameraSettings, Settings
from simulator.errors import InputError
from simulator.habitat.session import INSTANCES, VIEW, configuration_of, load_engine, oversampling, simulator_showing
from simulator.loaders.habitat_config import placements
from simulator.loaders.habitat_dataset import INSTANCE
from simulator.scene.model import Scene
from simulator.scene.solids import inside_solid
from simulator.scene.textures import DECODE, ENCODE
from simulator.scene.walkable import HEAD_ROOM_M, Ground

INSTANCE_SHARE = 50 / (320 * 240)
"""Share of a picture that an instance must cover to count as visible."""
CELL_HEIGHT_M = 0.05
"""Voxel height of the navmesh, which bounds its distance from the floor."""
ISLAND_M = 1.5
"""Islands of the navmesh with a smaller radius are taken for furniture."""
MAX_SLOPE_DEG = 45.0
"""Steepest ground of a navmesh, habitat-sim's default."""
CHEST_M = 1.0
"""Height above the floor from which a place is checked for being inside a solid."""
DETOUR_M = 0.05
"""A path is straight if it is at most this much longer than the straight line."""


@dataclass(frozen=True, eq=False)
class HabitatCamera:
    """A scene in habitat-sim."""

    scene: Scene
    """The same surfaces as loaded by simulator/loaders; textures are not needed."""
    settings: CameraSettings
    configuration: Any
    """Configuration of the process's Simulator for this scene."""
    folder: Path
    """Folder of the files written for habitat-sim; deleted with this object."""
    labelled: bool
    """Whether habitat-sim renders the instances; in scene instances, whose objects it places itself, Embree does."""
    annotated: bool
    """Whether instances come from annotations rather than from the nodes of the mesh."""

    @property
    def visible_instances(self) -> Any:
        """`instances_in` for annotated scenes, None for others."""
        return self.instances_in if self.annotated else None

    def render(self, positions: np.ndarray, headings_deg: np.ndarray, cameras: Sequence[ViewCamera] | None = None) -> Views:
        """Render views as described in Camera; the settings allow one camera only (see simulator/config.py)."""
        observed = [self._observe(VIEW, p, h) for p, h in zip(positions, headings_deg, strict=True)]
        factor = oversampling(self.settings)
        if self.labelled:
            instance = np.stack([one["instance"] for one in observed]).astype(np.uint16)
        else:
            pairs = zip(positions, headings_deg, strict=True)
            instance = np.stack([surfaces(self.scene, p, h, fixed(self.settings))[1] for p, h in pairs])
        return Views(
            np.stack([_averaged(one["color"], factor) for one in observed]),
            np.stack([np.nan_to_num(one["depth"], posinf=0.0) for one in observed]).astype(np.float32),
            instance,
        )

    def instances_in(self, position: np.ndarray, heading_deg: float) -> frozenset[int]:
        """Return the annotated instances (0, none, excluded) that cover at least INSTANCE_SHARE of a view."""
        picture = self._observe(INSTANCES, position, heading_deg)["instances"]
        numbers, pixels = np.unique(picture, return_counts=True)
        return frozenset(int(n) for n in numbers[pixels >= INSTANCE_SHARE * picture.size] if n > 0)

    def navmesh(self, settings: Settings) -> Any:
        """Return a pathfinder for the listener's body; raise InputError where habitat-sim finds no navigable ground."""
        nothing = f"habitat-sim finds no ground to stand on in scene {self.scene.name}; check its up axis and scale"
        if not (np.abs(self.scene.normals[:, 1]) > np.cos(np.deg2rad(MAX_SLOPE_DEG))).any():
            raise InputError(nothing)  # an empty navmesh can crash habitat-sim
        habitat_sim = load_engine()
        body, pathfinder = habitat_sim.NavMeshSettings(), habitat_sim.PathFinder()
        body.set_defaults()
        body.agent_height = settings.camera.highest_m + HEAD_ROOM_M
        body.agent_radius = settings.sampling.clearance_m
        body.cell_height = CELL_HEIGHT_M
        if hasattr(body, "include_static_objects"):
            body.include_static_objects = True
        if not simulator_showing(self.configuration).recompute_navmesh(pathfinder, body) or not pathfinder.navigable_area > 0:
            raise InputError(nothing)
        return pathfinder

    def _observe(self, agent: int, position: np.ndarray, heading_deg: float) -> dict[str, np.ndarray]:
        habitat_sim, simulator = load_engine(), simulator_showing(self.configuration)
        state = habitat_sim.AgentState()
        state.position = np.asarray(position, np.float32)
        turn = np.deg2rad(float(heading_deg))
        state.rotation = habitat_sim.utils.common.quat_from_angle_axis(turn, np.array([0.0, 1.0, 0.0]))
        state.sensor_states = {}
        simulator.get_agent(agent).set_state(state, True)
        return simulator.get_sensor_observations(agent)


@dataclass(frozen=True, eq=False)
class NavmeshGround:
    """Positions that are navigable for habitat-sim's pathfinder, at the floor height and clearance of the mesh itself.

    Positions inside solids are excluded: habitat-sim displays surfaces from the front only, so that a view would look out
    through a solid that stops every acoustic ray.
    """

    pathfinder: Any
    solid: Ground
    scene: Scene

    @property
    def roofed(self) -> bool:
        """Whether the scene has ceilings."""
        return self.solid.roofed

    def draw(self, rng: np.random.Generator, near: np.ndarray | None = None, within_m: float = np.inf) -> np.ndarray | None:
        """Draw a position as described in Ground."""
        self.pathfinder.seed(int(rng.integers(2**31)))
        if near is None:
            point = self.pathfinder.get_random_navigable_point()
        else:
            point = self.pathfinder.get_random_navigable_point_near(near.astype(np.float32), float(within_m))
        place = self.stand(np.array(point, np.float64))
        return place if place is None or near is None or np.linalg.norm(place - near) <= within_m else None

    def stand(self, near: np.ndarray) -> np.ndarray | None:
        """Return the floor point below a position as described in Ground."""
        if not np.isfinite(near).all() or not self._navigable(near) or self.pathfinder.island_radius(_f(near)) < ISLAND_M:
            return None
        floor = self.solid.stand(near)
        return None if floor is None or inside_solid(self.scene, floor[None] + [0.0, CHEST_M, 0.0])[0] else floor

    def enclosed(self, positions: np.ndarray) -> np.ndarray:
        """Return which of (N, 3) positions are inside closed solids: none, see `stand`."""
        return np.zeros(len(positions), bool)

    def straight(self, floor: np.ndarray, points: np.ndarray) -> np.ndarray:
        """Return which of (N, 3) points have a straight path below them: geodesic distance equals Euclidean; (N,) bool."""
        below = points.copy()
        below[:, 1] = floor[1]
        return np.array([self._navigable(p) and self._geodesic(floor, p) <= _distance(floor, p) + DETOUR_M for p in below], bool)

    def _navigable(self, point: np.ndarray) -> bool:
        return bool(self.pathfinder.is_navigable(_f(point)))

    def _geodesic(self, start: np.ndarray, end: np.ndarray) -> float:
        path = load_engine().ShortestPath()
        path.requested_start, path.requested_end = _f(start), _f(end)
        return float(path.geodesic_distance) if self.pathfinder.find_path(path) else np.inf


def open_camera(path: Path, scene: Scene, settings: CameraSettings) -> HabitatCamera:
    """Open a scene, already loaded by simulator/loaders/load.py, in habitat-sim; raise InputError where it cannot be read."""
    if scene.origin.any():
        x, y, z = scene.origin
        raise InputError(
            f"{path} lies around ({x:.0f}, {y:.0f}, {z:.0f}) m, where the single precision of habitat-sim is too coarse; "
            "move the mesh to the origin, or leave out --camera habitat"
        )
    placed, _, _ = placements(path)
    one = not path.name.endswith(INSTANCE)
    annotated = one and placed[0].semantic is not None
    folder = Path(mkdtemp(prefix="habitat-"))
    try:
        configuration = configuration_of(path, scene, settings, folder)
    except InputError:
        rmtree(folder)
        raise
    camera = HabitatCamera(scene, settings, configuration, folder, labelled=one, annotated=annotated)
    weakref.finalize(camera, rmtree, folder, ignore_errors=True)
    try:
        simulator_showing(camera.configuration)
    except Exception as error:  # its C++ code raises many types
        raise InputError(
            f"habitat-sim cannot open {path} ({' '.join(str(error).split()):.200}); leave out --camera habitat"
        ) from None
    return camera


def _averaged(picture: np.ndarray, factor: int) -> np.ndarray:
    """Average an sRGB picture (factor x H, factor x W, 4) over squares of pixels in linear light, to (H, W, 3) uint8."""
    height, width = picture.shape[0] // factor, picture.shape[1] // factor
    light = DECODE[picture[..., :3]].reshape(height, factor, width, factor, 3).mean((1, 3))
    return ENCODE[np.rint(light * 65535.0).astype(np.int64)]


def _distance(a: np.ndarray, b: np.ndarray) -> float:
    return float(np.linalg.norm(a - b))


def _f(point: np.ndarray) -> np.ndarray:
    return np.asarray(point, np.float32)
