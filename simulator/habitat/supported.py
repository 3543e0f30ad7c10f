"""The scenes that habitat-sim shows as they are described.

habitat-sim 0.3.3 ignores the scale and the unit of a stage, its place in a scene instance, and the unit of an object, in its
pictures as in its navmesh; the sound, and the built-in camera, follow all of them.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
from scipy.spatial.transform import Rotation

from simulator.errors import InputError
from simulator.loaders.habitat_config import Placed, instance_transform, orientation, placements
from simulator.loaders.habitat_dataset import INSTANCE, read_json
from simulator.loaders.publishers import Y_UP

FORMATS = (".glb", ".gltf", ".ply")
REMEDY = "or leave out --camera habitat"
X, Y = np.eye(3)[:2]


def check_supported(path: Path) -> None:
    """Raise InputError for a scene that habitat-sim does not read, or shows at another place or size than it has."""
    placed, _, _ = placements(path)
    stage, objects = placed[0], placed[1:]
    if path.name.endswith(INSTANCE):
        inside = instance_transform(read_json(path).get("stage_instance", {}))
        if not np.allclose(inside, np.eye(4), atol=1e-6):
            raise InputError(
                f"{path} moves, turns or scales its stage, which habitat-sim ignores; apply this to the stage's mesh, {REMEDY}"
            )
    elif stage.path.suffix.lower() not in FORMATS:
        raise InputError(f"habitat-sim does not read {path}; use {', '.join(FORMATS)}, {REMEDY}")
    if not np.allclose(stage.transform[:3, :3] @ stage.transform[:3, :3].T, np.eye(3), atol=1e-5):
        raise InputError(f"{path} has a scaled stage, whose scale habitat-sim ignores; scale its mesh itself, {REMEDY}")
    for one in objects:
        if float(one.attributes.get("units_to_meters", 1.0)) != 1.0:
            raise InputError(
                f"{path} has the object {one.name} with units_to_meters, which habitat-sim ignores; "
                f"multiply its scale instead, {REMEDY}"
            )
    for one in placed:
        _check_frame(path, one)


def _check_frame(path: Path, one: Placed) -> None:
    """Raise InputError for a mesh that habitat-sim turns otherwise than its up and front say."""
    up, front = (np.array(one.attributes[key], np.float64) for key in ("up", "front"))
    if one.path.suffix.lower() == ".ply":
        return  # handed over upright
    of_unit_length = np.allclose(np.linalg.norm([up, front], axis=1), 1.0, atol=1e-4)
    if of_unit_length and np.allclose(displayed_orientation(up, front), orientation(up, front), atol=1e-4):
        return
    raise InputError(
        f"{path}: habitat-sim does not turn {one.path.name} as its up {up.tolist()} and front {front.tolist()} say; "
        f"turn the mesh itself so that its front is {list(Y_UP[1])} and its up {list(Y_UP[0])}, {REMEDY}"
    )


def displayed_orientation(up: np.ndarray, front: np.ndarray) -> np.ndarray:
    """Return the (3, 3) rotation that habitat-sim 0.3.3 applies to a mesh with unit vectors `up` and `front`, both (3,).

    As esp::geo::CoordinateFrame::rotationFrameToWorld, it turns +Y to `up` by the shortest arc, then what -Z has become to
    `front`. Where these two are opposite, the arc is not unique, and its axis need not be `up`: the mesh can end upside down.
    Directions that are not at right angles are ignored.
    """
    if abs(up @ front) >= 1e-5:
        return np.eye(3)
    first = _shortest_arc(Y, up)
    return (_shortest_arc(first.apply([0.0, 0.0, -1.0]), front) * first).inv().as_matrix()


def _shortest_arc(start: np.ndarray, end: np.ndarray) -> Rotation:
    """Return Magnum's Quaternion::rotation of one unit vector (3,) to another."""
    if start @ end < -1.0 + 1e-5:
        axis = np.cross(Y, start)
        axis = axis if axis @ axis > 1e-5 else np.cross(X, start)
        return Rotation.from_quat([*axis, 0.0])
    return Rotation.from_quat([*np.cross(start, end), 1.0 + start @ end])
