"""Image sources: the direct sound and the specular reflections of low order on the planes of a scene, found exactly."""

from __future__ import annotations

import numpy as np

from simulator.acoustics.acoustic_scene import AcousticScene, directivity_row
from simulator.acoustics.arrivals import Paths, sphere_cells
from simulator.kernels import kernel

PLANES = 20
"""At most this many planes are used around one listener."""
PROBES = 2048
"""Rays that find the planes around a listener."""
CAPACITY = 1024
"""Candidate chains for which memory is allocated at first."""


def direct_paths(scene: AcousticScene, listener: np.ndarray, sources: np.ndarray) -> Paths:
    """Return the direct path of each visible source; listener (3,), sources (S, 3), world frame, m."""
    visible = np.flatnonzero(scene.bvh.visible(np.broadcast_to(listener, sources.shape), sources))
    offset = sources[visible] - listener
    distance = np.linalg.norm(offset, axis=1)
    loss = np.ones((len(visible), 7))
    facing = np.ones(len(visible))  # the front of a source faces the listener
    return _paths(scene, visible, distance, offset / distance[:, None], loss, facing)


def planes_around(scene: AcousticScene, listener: np.ndarray) -> np.ndarray:
    """Return the planes that rays from the listener hit within two bounces, the most hit at most PLANES; (P,) sorted indices."""
    directions = sphere_cells(PROBES)
    origins = np.broadcast_to(listener, directions.shape)
    count = np.zeros(len(scene.planes.offset))
    for _ in range(2):
        hits = scene.bvh.closest(origins, directions)
        alive = hits.face >= 0
        face, directions = hits.face[alive], directions[alive]
        plane = scene.planes.of_face[face]
        count += np.bincount(plane[plane >= 0], minlength=len(count))
        normal = scene.normals[face].astype(np.float64)
        along = (directions * normal).sum(1, keepdims=True)
        origins = origins[alive] + hits.distance[alive, None] * directions
        origins = origins - np.sign(along) * normal * scene.lift[face, None]
        directions = directions - 2.0 * along * normal
    chosen = np.argsort(-count, kind="stable")[:PLANES]
    return np.sort(chosen[count[chosen] >= 0.002 * PROBES])


def image_paths(
    scene: AcousticScene, planes: np.ndarray, listener: np.ndarray, sources: np.ndarray, order: int, longest_m: float
) -> Paths:
    """Find all specular paths of 1 to `order` reflections on the chosen planes (Allen and Berkley 1979; Borish 1984).

    Each segment of a path is traced through the mesh: it must end on its own plane, without occlusion before.
    """
    if order == 0 or len(planes) == 0:
        return _paths(scene, np.zeros(0, np.int64), np.zeros(0), np.zeros((0, 3)), np.ones((0, 7)), np.zeros(0))
    p = scene.planes
    slack = 0.05 + p.roughness[planes]
    box = np.stack([p.low[planes] - slack[:, None], p.high[planes] + slack[:, None]], 1)
    out = _candidates(p.normal[planes], p.offset[planes], box, listener.astype(np.float64), sources, order, longest_m)
    source, count, chain, points = out
    free, loss = _trace_segments(scene, planes, listener, sources, source, count, chain, points)
    source, count, points = source[free], count[free], points[free]
    planes_of = np.where(np.arange(order) < count[:, None], planes[chain[free]], -1)
    segments = np.diff(_polyline(listener, sources[source], count, points), axis=1)
    distance = np.linalg.norm(segments, axis=2).sum(1)
    arriving = points[np.arange(len(source)), count - 1] - listener
    leaving = points[:, 0] - sources[source]
    front = listener - sources[source]
    facing = (leaving * front).sum(1) / (np.linalg.norm(leaving, axis=1) * np.linalg.norm(front, axis=1))
    toward = arriving / np.linalg.norm(arriving, axis=1, keepdims=True)
    return _paths(scene, source, distance, toward, loss[free], facing, planes_of)


def _paths(
    scene: AcousticScene,
    source: np.ndarray,
    distance: np.ndarray,
    direction: np.ndarray,
    loss: np.ndarray,
    facing: np.ndarray,
    chain: np.ndarray | None = None,
) -> Paths:
    air = np.exp(-0.5 * scene.air * distance[:, None])
    gain = np.sqrt(loss) * air / distance[:, None] * scene.directivity[directivity_row(np.clip(facing, -1, 1))]
    return Paths(source.astype(np.int32), distance, direction, gain, chain)


def _polyline(listener: np.ndarray, source: np.ndarray, count: np.ndarray, points: np.ndarray) -> np.ndarray:
    """Join source, reflection points and listener to (K, order + 2, 3); shorter paths repeat the listener."""
    rows = np.concatenate([source[:, None], points, np.broadcast_to(listener, (len(source), 1, 3))], 1)
    after = np.arange(rows.shape[1]) > count[:, None]
    return np.where(after[..., None], listener, rows)


def _trace_segments(
    scene: AcousticScene,
    planes: np.ndarray,
    listener: np.ndarray,
    sources: np.ndarray,
    source: np.ndarray,
    count: np.ndarray,
    chain: np.ndarray,
    points: np.ndarray,
) -> tuple[np.ndarray, np.ndarray]:
    """Trace candidates from the listener; return which are unoccluded (K,) and the energy after their reflections (K, 7)."""
    free = np.ones(len(source), bool)
    loss = np.ones((len(source), 7))
    start = np.broadcast_to(listener, (len(source), 3)).copy()
    for step in range(points.shape[1]):
        at = count - 1 - step
        row = np.flatnonzero(free & (at >= 0))
        goal = points[row, at[row]]
        plane = planes[chain[row, at[row]]]
        hits = scene.bvh.closest(start[row], goal - start[row])
        good = (hits.face >= 0) & (scene.planes.of_face[hits.face] == plane) & (np.abs(hits.distance - 1.0) < 0.05)
        free[row] &= good
        row, face, goal = row[good], hits.face[good], goal[good]
        surface = scene.surface[face]
        loss[row] *= scene.reflectance[surface] * (1.0 - scene.scattering[surface])
        normal = scene.normals[face].astype(np.float64)
        side = np.sign(((start[row] - goal) * normal).sum(1, keepdims=True))
        start[row] = goal + side * normal * (scene.lift[face, None] + 1e-4)
    row = np.flatnonzero(free)
    free[row] = scene.bvh.visible(start[row], sources[source[row]])
    return free, loss


def _candidates(
    normal: np.ndarray, offset: np.ndarray, box: np.ndarray, listener: np.ndarray, sources: np.ndarray, order: int, longest: float
) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    """Enumerate chains of planes whose reflection points lie inside the extents of the planes.

    Returns source (K,), count (K,), chain (K, order) and points (K, order, 3), all in the order source to listener.
    """
    capacity = CAPACITY
    while True:
        source, count = np.zeros((2, capacity), np.int64)
        chain, points = np.zeros((capacity, order), np.int64), np.zeros((capacity, order, 3))
        found = _enumerate(normal, offset, box, listener, sources, longest, source, count, chain, points)
        if found <= capacity:
            return source[:found], count[:found], chain[:found], points[:found]
        capacity = found


# The kernels below use scalars and single elements only: numba takes ten times as long to compile slices and array products.


@kernel(error_model="numpy")
def _enumerate(
    normal: np.ndarray,
    offset: np.ndarray,
    box: np.ndarray,
    listener: np.ndarray,
    sources: np.ndarray,
    longest: float,
    out_source: np.ndarray,
    out_count: np.ndarray,
    out_chain: np.ndarray,
    out_points: np.ndarray,
) -> int:
    """Fill the output arrays; return the number of chains found, which may exceed their length."""
    found = 0
    order = out_chain.shape[1]
    chain = np.zeros(order, np.int64)
    image, points = np.zeros((order + 1, 3)), np.zeros((order, 3))
    for s in range(len(sources)):
        for axis in range(3):
            image[0, axis] = sources[s, axis]
        depth = 0
        chain[0] = -1
        while depth >= 0:
            chain[depth] += 1
            if chain[depth] >= len(offset):
                depth -= 1
                continue
            p = chain[depth]
            if depth > 0 and chain[depth - 1] == p:
                continue
            height = _along(normal, p, image[depth, 0], image[depth, 1], image[depth, 2]) - offset[p]
            for axis in range(3):
                image[depth + 1, axis] = image[depth, axis] - 2.0 * height * normal[p, axis]
            if _backtrack(normal, offset, box, listener, image, chain, depth, longest, points):
                if found < len(out_source):
                    out_source[found], out_count[found] = s, depth + 1
                    for k in range(depth + 1):
                        out_chain[found, k] = chain[k]
                        for axis in range(3):
                            out_points[found, k, axis] = points[k, axis]
                found += 1
            if depth + 1 < order:
                depth += 1
                chain[depth] = -1
    return found


@kernel(error_model="numpy")
def _along(normal: np.ndarray, p: int, x: float, y: float, z: float) -> float:
    return x * normal[p, 0] + y * normal[p, 1] + z * normal[p, 2]


@kernel(error_model="numpy")
def _backtrack(
    normal: np.ndarray,
    offset: np.ndarray,
    box: np.ndarray,
    listener: np.ndarray,
    image: np.ndarray,
    chain: np.ndarray,
    depth: int,
    longest: float,
    points: np.ndarray,
) -> bool:
    """Find the reflection points from the listener back to the source; return whether all lie inside their planes."""
    x, y, z = listener[0], listener[1], listener[2]
    last = depth + 1
    if (image[last, 0] - x) ** 2 + (image[last, 1] - y) ** 2 + (image[last, 2] - z) ** 2 > longest * longest:
        return False
    for k in range(depth, -1, -1):
        p = chain[k]
        dx, dy, dz = image[k + 1, 0] - x, image[k + 1, 1] - y, image[k + 1, 2] - z
        t = (offset[p] - _along(normal, p, x, y, z)) / _along(normal, p, dx, dy, dz)
        if not (1e-9 < t < 1.0 - 1e-9):
            return False
        x, y, z = x + t * dx, y + t * dy, z + t * dz
        if not (box[p, 0, 0] <= x <= box[p, 1, 0] and box[p, 0, 1] <= y <= box[p, 1, 1] and box[p, 0, 2] <= z <= box[p, 1, 2]):
            return False
        points[k, 0], points[k, 1], points[k, 2] = x, y, z
    return True
