"""The compiled steps of ray tracing: what happens to one ray between one hit and the next.

`chain` says how a ray was last reflected, and so how the energy it carries may reach a source directly.
"""

from __future__ import annotations

from typing import NamedTuple

import numba
import numpy as np

from simulator.bvh import blocked, nearest

DIFFUSE, SPECULAR, MEAN_SPECULAR, IN_IMAGES = 0, 1, 2, 3
"""Last reflection: diffuse (its rain was sent at once); specular; specular by the bands' mean scattering, so that each
band's own share is still due; or specular throughout on planes whose images are known, the state of a fresh ray too."""
NEAREST_M = 0.1
"""Shadow rays shorter than this count as this long: a hit point is not a point source at zero distance."""
SPHERE_M = 1.0
"""Radius of the spheres around the sources that catch specular reflections."""
ALL_SOURCES = 4
"""Up to this bounce every source gets a shadow ray; afterwards the sources take turns."""
BY_BAND = 3
"""Up to this bounce each band's own scattering is followed; later the mean decides the way (see `_turn`)."""


class Surroundings(NamedTuple):
    """What rays meet: F faces of K surfaces, S sources."""

    scene: np.uint64
    """Embree's handle."""
    normals: np.ndarray
    """(F, 3) float32."""
    lift: np.ndarray
    """(F,) float32, m."""
    surface: np.ndarray
    """(F,) int32."""
    in_images: np.ndarray
    """(F,) bool: faces whose specular chains of up to `image_order` reflections are known as images."""
    image_order: int
    kept: np.ndarray
    """(K, 7) float32."""
    scattering: np.ndarray
    """(K, 7) float32."""
    mean: np.ndarray
    """(K,) float32: mean of the bands' scattering."""
    sources: np.ndarray
    """(S, 3) float32."""
    front: np.ndarray
    """(S, 3) float32: unit vectors, where the sources face."""
    seen: np.ndarray
    """(S,) float32: share of each source's sphere in sight of it."""
    directivity: np.ndarray
    """(n, 7) float32: pressure by the cosine to a source's front."""


class Tally(NamedTuple):
    """Where energy is gathered; T time bins, D direction cells, G groups of rays."""

    energy: np.ndarray
    """(S, T, D, 7) float32."""
    curves: np.ndarray
    """(G, S, T) float64: weighted by band."""
    weights: np.ndarray
    """(T, 7) float32: weight of each band."""
    bins_per_m: float
    weakest: float
    """Rays weaker than this share of their start are thinned out."""


class Ray(NamedTuple):
    """One ray on its way: changed in place."""

    origin: np.ndarray
    """(3,) float32."""
    direction: np.ndarray
    """(3,) float32."""
    power: np.ndarray
    """(7,) float32: share of the ray's energy left in each band."""
    normal: np.ndarray
    """(3,) float32: of the last reflection, on the side the ray came from."""
    point: np.ndarray
    """(3,) float32: a target."""


@numba.njit(cache=True, nogil=True, error_model="numpy", _nrt=False)
def trace(
    around: Surroundings,
    tally: Tally,
    listener: np.ndarray,
    directions: np.ndarray,
    cells: np.ndarray,
    groups: np.ndarray,
    ray: Ray,
    shot: np.ndarray,
    ints: np.ndarray,
    rng: np.random.Generator,
) -> int:
    """Trace N rays from the listener in the given directions (N, 3); give the number of segments."""
    segments = 0
    for k in range(len(directions)):
        for axis in range(3):
            ray.origin[axis] = listener[axis]
            ray.direction[axis] = directions[k, axis]
        for b in range(len(ray.power)):
            ray.power[b] = 1.0
        segments += _follow(around, tally, ray, cells[k], groups[k], shot, ints, rng)
    return segments


@numba.njit(cache=True, nogil=True, error_model="numpy", _nrt=False)
def _follow(
    around: Surroundings,
    tally: Tally,
    ray: Ray,
    cell: int,
    group: int,
    shot: np.ndarray,
    ints: np.ndarray,
    rng: np.random.Generator,
) -> int:
    """Follow one ray to its end; give the number of its segments."""
    total = len(around.sources)
    longest = tally.energy.shape[1] / tally.bins_per_m
    length, chain, material, bounce = 0.0, IN_IMAGES, 0, 0
    while True:
        face, distance = nearest(around.scene, shot, ints, ray.origin, ray.direction)
        if chain in (SPECULAR, MEAN_SPECULAR):
            for s in range(total):
                _pass(around, tally, ray, s, length, distance, chain, material, cell, group, shot, ints)
        bounce += 1
        length += distance
        if face < 0 or length >= longest:
            return bounce
        material = around.surface[face]
        _land(around, ray, face, distance)
        strongest = np.float32(0.0)
        for b in range(len(ray.power)):
            ray.power[b] *= around.kept[material, b]
            strongest = max(strongest, ray.power[b])
        if strongest < tally.weakest:
            # Half of the weak rays go on for the other half: no energy is lost on average, and the work ends.
            if rng.random() < 0.5:
                return bounce
            for b in range(len(ray.power)):
                ray.power[b] *= np.float32(2.0)
        if bounce <= ALL_SOURCES:
            for s in range(total):
                _rain(around, tally, ray, s, 1, length, material, cell, group, shot, ints)
        else:
            s = min(int(rng.random() * total), total - 1)
            _rain(around, tally, ray, s, total, length, material, cell, group, shot, ints)
        known = chain == IN_IMAGES and around.in_images[face] and bounce <= around.image_order
        chain = _turn(around, ray, material, known, bounce <= BY_BAND, rng)


@numba.njit(cache=True, nogil=True, error_model="numpy", _nrt=False)
def _land(around: Surroundings, ray: Ray, face: int, distance: float) -> None:
    """Move a ray to just above the face that it hit."""
    side = np.float32(0.0)
    for k in range(3):
        side += ray.direction[k] * around.normals[face, k]
    sign = np.float32(-1.0) if side > 0 else np.float32(1.0)
    for k in range(3):
        ray.normal[k] = sign * around.normals[face, k]
        ray.origin[k] += distance * ray.direction[k] + around.lift[face] * ray.normal[k]


@numba.njit(cache=True, nogil=True, error_model="numpy", _nrt=False)
def _rain(
    around: Surroundings,
    tally: Tally,
    ray: Ray,
    s: int,
    weight: int,
    length: float,
    material: int,
    cell: int,
    group: int,
    shot: np.ndarray,
    ints: np.ndarray,
) -> None:
    """Send the diffuse share of a reflection to source s where it is in sight; weight: how many sources it stands for.

    Factor 4 cos / r^2: a ray of N stands for the solid angle 4 pi / N, and a Lambert surface of irradiance cos / r^2
    (free field 1 / r^2) has the radiance cos / (pi r^2).
    """
    source = around.sources[s]
    x, y, z = source[0] - ray.origin[0], source[1] - ray.origin[1], source[2] - ray.origin[2]
    height = x * ray.normal[0] + y * ray.normal[1] + z * ray.normal[2]
    if height <= 0:
        return
    way = max(np.sqrt(x * x + y * y + z * z), np.float32(1e-6))
    bin_ = int((length + way) * tally.bins_per_m)
    if bin_ >= tally.energy.shape[1] or blocked(around.scene, shot, ints, ray.origin, source, np.float32(0.999)):
        return
    near = max(way, np.float32(NEAREST_M))
    factor = np.float32(4.0 * weight) * height / (way * near * near)
    row = _directivity_row(around, ray.origin, s)
    total = np.float32(0.0)
    for b in range(len(ray.power)):
        value = ray.power[b] * factor * around.scattering[material, b] * around.directivity[row, b] ** 2
        tally.energy[s, bin_, cell, b] += value
        total += value * tally.weights[bin_, b]
    tally.curves[group, s, bin_] += total


@numba.njit(cache=True, nogil=True, error_model="numpy", _nrt=False)
def _pass(
    around: Surroundings,
    tally: Tally,
    ray: Ray,
    s: int,
    length: float,
    reach: float,
    chain: int,
    material: int,
    cell: int,
    group: int,
    shot: np.ndarray,
    ints: np.ndarray,
) -> None:
    """Count a ray that passes the sphere around source s after a specular reflection and before its next hit.

    A sphere of radius R catches the share R^2 / (4 r^2) of N rays: 4 / (N R^2) each makes 1 / r^2. Rays that would pass
    behind a wall never come, so what does come is divided by the share in sight.
    """
    along, square = np.float32(0.0), np.float32(0.0)
    for k in range(3):
        ahead = around.sources[s, k] - ray.origin[k]
        along += ahead * ray.direction[k]
        square += ahead * ahead
    if along <= 0 or along >= reach or square - along * along >= np.float32(SPHERE_M * SPHERE_M):
        return
    for k in range(3):
        ray.point[k] = ray.origin[k] + along * ray.direction[k]
    bin_ = int((length + along) * tally.bins_per_m)
    far = np.float32(0.999)
    if bin_ >= tally.energy.shape[1] or blocked(around.scene, shot, ints, ray.point, around.sources[s], far):
        return
    factor = np.float32(4.0 / SPHERE_M**2) / around.seen[s]
    row = _directivity_row(around, ray.origin, s)
    total = np.float32(0.0)
    for b in range(len(ray.power)):
        due = np.float32(1.0)
        if chain == MEAN_SPECULAR:
            due = (np.float32(1.0) - around.scattering[material, b]) / (np.float32(1.0) - around.mean[material])
        value = ray.power[b] * factor * due * around.directivity[row, b] ** 2
        tally.energy[s, bin_, cell, b] += value
        total += value * tally.weights[bin_, b]
    tally.curves[group, s, bin_] += total


@numba.njit(cache=True, nogil=True, error_model="numpy", _nrt=False)
def _directivity_row(around: Surroundings, origin: np.ndarray, s: int) -> int:
    along, square = np.float32(0.0), np.float32(1e-12)
    for k in range(3):
        out = origin[k] - around.sources[s, k]
        along += out * around.front[s, k]
        square += out * out
    return int((along / np.sqrt(square) + 1) * np.float32(0.5) * (len(around.directivity) - 1) + np.float32(0.5))


@numba.njit(cache=True, nogil=True, error_model="numpy", _nrt=False)
def _turn(around: Surroundings, ray: Ray, material: int, known: bool, by_band: bool, rng: np.random.Generator) -> int:
    """Reflect a ray, diffusely with the bands' mean scattering as probability, else specularly; give its new chain.

    known: the specular reflection is part of an image. by_band: weight each band by its own share over the mean's, which
    is exact but widens the spread with each bounce; otherwise the way is the mean's and only the last reflection before a
    source takes each band's own share.
    """
    mean = around.mean[material]
    if rng.random() < mean:
        _lambert(ray, np.float32(rng.random()), np.float32(rng.random()))
        if by_band:
            for b in range(len(ray.power)):
                ray.power[b] *= around.scattering[material, b] / mean
        return DIFFUSE
    side = ray.direction[0] * ray.normal[0] + ray.direction[1] * ray.normal[1] + ray.direction[2] * ray.normal[2]
    for k in range(3):
        ray.direction[k] -= np.float32(2.0) * side * ray.normal[k]
    if by_band:
        for b in range(len(ray.power)):
            ray.power[b] *= (np.float32(1.0) - around.scattering[material, b]) / (np.float32(1.0) - mean)
    if known:
        return IN_IMAGES
    return SPECULAR if by_band else MEAN_SPECULAR


@numba.njit(cache=True, nogil=True, error_model="numpy", _nrt=False)
def _lambert(ray: Ray, u: float, v: float) -> None:
    """Point a ray into the half-space of its normal with probability proportional to the cosine."""
    x, y, z = ray.normal
    sign = np.float32(1.0) if z >= 0 else np.float32(-1.0)
    a = np.float32(-1.0) / (sign + z)
    b = x * y * a
    radius, angle = np.sqrt(u), np.float32(2.0 * np.pi) * v
    p, q, up = radius * np.cos(angle), radius * np.sin(angle), np.sqrt(max(np.float32(0.0), np.float32(1.0) - u))
    # Orthonormal frame about the normal without branches (Duff et al. 2017).
    ray.direction[0] = p * (1 + sign * x * x * a) + q * b + up * x
    ray.direction[1] = p * sign * b + q * (sign + y * y * a) + up * y
    ray.direction[2] = -p * sign * x - q * y + up * z
