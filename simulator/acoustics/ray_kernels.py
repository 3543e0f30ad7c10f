"""Compiled steps of ray tracing, from one hit of a ray to the next.

The kernels hold no references to arrays (`_nrt=False`): counting references would take as long as tracing.
"""

from __future__ import annotations

import numba
import numpy as np

from simulator.acoustics.ray_state import DIFFUSE, IN_IMAGES, SPECULAR, SPHERE_M, Rays, Surroundings, Tally
from simulator.kernels import kernel
from simulator.scene.bvh import blocked, nearest

BANDS = 7
"""A literal, so that loops over the bands are unrolled."""
NEAREST_M = 0.1
"""Smallest distance in the rain: it bounds 1 / r^2 near a hit point."""
ALL_SOURCES = 4
"""Up to this bounce every source gets a shadow ray; afterwards one source, drawn at random ..."""
RAIN = 3.0
"""... with a probability of this factor times the mean scattering of the surface: little scattering contributes little."""

CALL_SEGMENTS = 1_000_000
"""Segments after which a call returns: about a second."""
TRAPPED, TRAPPED_PER_M = 1000, 20.0
"""A ray ends after this many reflections, and this many more per metre: it is caught in a gap of the mesh, and without
absorption would stay there."""

_step = numba.njit(nogil=True, error_model="numpy", _nrt=False, forceinline=True)
"""Steps are inlined into `trace`: passing the array descriptors to each call would take a third of the time."""


@kernel(error_model="numpy", _nrt=False)
def trace(
    around: Surroundings,
    tally: Tally,
    rays: Rays,
    listener: np.ndarray,
    directions: np.ndarray,
    cells: np.ndarray,
    groups: np.ndarray,
    first: int,
    depth: int,
    rng: np.random.Generator,
) -> tuple[int, int]:
    """Trace N rays from the listener in directions (N, 3), from number `first` on, with up to `depth` split rays each.

    Returns the number of the ray at which to continue, N at the end, and the number of segments. The start of a ray takes as long
    as a segment and counts as one. A call ends soon after CALL_SEGMENTS, so that the process can respond to signals.
    """
    segments = 0
    for k in range(first, len(directions)):
        if segments >= CALL_SEGMENTS:
            return k, segments
        segments += 1
        for axis in range(3):
            rays.origin[0, axis] = listener[axis]
            rays.direction[0, axis] = directions[k, axis]
        for b in range(BANDS):
            rays.power[0, b] = 1.0
        rays.length[0], rays.bounces[0], rays.chain[0], rays.material[0] = 0.0, 0, IN_IMAGES, 0
        i = np.int64(0)  # with a literal 0 numba compiles everything below twice
        while i >= 0:
            segments += 1
            copies = _bounce(around, tally, rays, i, cells[k], groups[k], rng)
            if copies == 2 and i + 1 < depth:
                _split_ray(rays, i)
                _reflect(around, tally, rays, i, rng)
                i += 1
            if copies == 0:
                i -= 1
            else:
                _reflect(around, tally, rays, i, rng)
    return len(directions), segments


@_step
def _bounce(around: Surroundings, tally: Tally, rays: Rays, i: int, cell: int, group: int, rng: np.random.Generator) -> int:
    """Move ray i to its next hit and add its energy at the sources; return 0: the ray ends, 1: it continues, 2: it splits."""
    total = len(around.sources)
    face, distance = nearest(around.scene, rays.shot, rays.ints, rays.origin[i], rays.direction[i])
    if rays.chain[i] == SPECULAR:
        for s in range(total):
            _source_sphere(around, tally, rays, i, s, distance, cell, group)
    first, longest = int(rays.length[i] * tally.windows_per_m) + 1, tally.energy.shape[2] / tally.bins_per_m
    rays.length[i] = min(rays.length[i] + distance, longest)
    window = int(rays.length[i] * tally.windows_per_m)
    for w in range(first, min(window + 1, len(tally.alive))):
        for b in range(BANDS):
            tally.alive[w, b] += rays.power[i, b]
    if face < 0 or rays.length[i] >= longest:
        return 0
    rays.bounces[i] += 1
    if rays.bounces[i] > TRAPPED + rays.length[i] * TRAPPED_PER_M:
        return 0
    material = around.surface[face]
    rays.material[i] = material
    _move_to_hit(around, rays, i, face, distance)
    if not (around.in_images[face] and rays.bounces[i] <= around.image_order) and rays.chain[i] == IN_IMAGES:
        rays.chain[i] = SPECULAR
    share = np.float32(0.0)
    for b in range(BANDS):
        rays.power[i, b] *= around.reflectance[material, b]
        share += rays.power[i, b] * tally.window[window, b]
    if share < np.float32(0.5):
        # Russian roulette: a ray below the weight window survives with the probability that preserves the expected energy.
        if rng.random() >= share:
            return 0
        for b in range(BANDS):
            rays.power[i, b] /= share
    if rays.bounces[i] <= ALL_SOURCES:
        for s in range(total):
            _rain(around, tally, rays, i, s, np.float32(1.0), cell, group)
    elif total > 0:
        chance = np.float32(0.0)
        for b in range(BANDS):
            chance += around.scattering[material, b]
        chance = min(chance * np.float32(RAIN / BANDS), np.float32(1.0))
        if rng.random() < chance:
            _rain(around, tally, rays, i, min(int(rng.random() * total), total - 1), np.float32(total) / chance, cell, group)
    return 2 if share > np.float32(2.0) else 1


@_step
def _split_ray(rays: Rays, i: int) -> None:
    """Split ray i into rays i and i + 1 of half its power."""
    for k in range(3):
        rays.origin[i + 1, k] = rays.origin[i, k]
        rays.direction[i + 1, k] = rays.direction[i, k]
        rays.normal[i + 1, k] = rays.normal[i, k]
    for b in range(BANDS):
        rays.power[i, b] *= np.float32(0.5)
        rays.power[i + 1, b] = rays.power[i, b]
    rays.length[i + 1], rays.bounces[i + 1] = rays.length[i], rays.bounces[i]
    rays.chain[i + 1], rays.material[i + 1] = rays.chain[i], rays.material[i]


@_step
def _move_to_hit(around: Surroundings, rays: Rays, i: int, face: int, distance: float) -> None:
    """Move ray i to just above the face that it hit; set its normal."""
    side = np.float32(0.0)
    for k in range(3):
        side += rays.direction[i, k] * around.normals[face, k]
    sign = np.float32(-1.0) if side > 0 else np.float32(1.0)
    for k in range(3):
        rays.normal[i, k] = sign * around.normals[face, k]
        rays.origin[i, k] += distance * rays.direction[i, k] + around.lift[face] * rays.normal[i, k]


@_step
def _rain(
    around: Surroundings,
    tally: Tally,
    rays: Rays,
    i: int,
    s: int,
    weight: float,
    cell: int,
    group: int,
) -> None:
    """Add the diffuse share of a reflection at source s where it is visible; weight: number of shadow rays this one represents.

    Factor 4 cos / r^2: a ray of N represents the solid angle 4 pi / N, and a Lambert surface of irradiance cos / r^2
    (free field 1 / r^2) has the radiance cos / (pi r^2).
    """
    material = rays.material[i]
    source = around.sources[s]
    x, y, z = source[0] - rays.origin[i, 0], source[1] - rays.origin[i, 1], source[2] - rays.origin[i, 2]
    height = x * rays.normal[i, 0] + y * rays.normal[i, 1] + z * rays.normal[i, 2]
    if height <= 0:
        return
    way = max(np.sqrt(x * x + y * y + z * z), np.float32(1e-6))
    bin_ = int((rays.length[i] + way) * tally.bins_per_m)
    if bin_ >= tally.energy.shape[2] or blocked(around.scene, rays.shot, rays.ints, rays.origin[i], source, np.float32(0.999)):
        return
    near = max(way, np.float32(NEAREST_M))
    factor = np.float32(4.0) * weight * height / (way * near * near)
    row = _directivity_row(around, rays.origin[i], s)
    total = np.float32(0.0)
    for b in range(BANDS):
        value = rays.power[i, b] * factor * around.scattering[material, b] * around.directivity[row, b] ** 2
        tally.energy[cell, s, bin_, b] += value
        total += value * tally.weights[bin_, b]
    tally.curves[group, s, bin_] += total


@_step
def _source_sphere(
    around: Surroundings,
    tally: Tally,
    rays: Rays,
    i: int,
    s: int,
    reach: float,
    cell: int,
    group: int,
) -> None:
    """Count a ray that passes through the sphere around source s after a specular reflection and before its next hit.

    A sphere of radius R is crossed by the share R^2 / (4 r^2) of N rays: 4 / (N R^2) each makes 1 / r^2. Walls occlude a part
    of the sphere, so the energy is divided by its visible share.
    """
    along, square = np.float32(0.0), np.float32(0.0)
    for k in range(3):
        ahead = around.sources[s, k] - rays.origin[i, k]
        along += ahead * rays.direction[i, k]
        square += ahead * ahead
    if along <= 0 or along >= reach or square - along * along >= np.float32(SPHERE_M * SPHERE_M):
        return
    for k in range(3):
        rays.point[k] = rays.origin[i, k] + along * rays.direction[i, k]
    bin_ = int((rays.length[i] + along) * tally.bins_per_m)
    far = np.float32(0.999)
    if bin_ >= tally.energy.shape[2] or blocked(around.scene, rays.shot, rays.ints, rays.point, around.sources[s], far):
        return
    factor = np.float32(4.0 / SPHERE_M**2) / around.visible_share[s]
    row = _directivity_row(around, rays.origin[i], s)
    total = np.float32(0.0)
    for b in range(BANDS):
        value = rays.power[i, b] * factor * around.directivity[row, b] ** 2
        tally.energy[cell, s, bin_, b] += value
        total += value * tally.weights[bin_, b]
    tally.curves[group, s, bin_] += total


@_step
def _directivity_row(around: Surroundings, origin: np.ndarray, s: int) -> int:
    if len(around.directivity) == 1:
        return 0
    along, square = np.float32(0.0), np.float32(1e-12)
    for k in range(3):
        out = origin[k] - around.sources[s, k]
        along += out * around.front[s, k]
        square += out * out
    return int((along / np.sqrt(square) + 1) * np.float32(0.5) * (len(around.directivity) - 1) + np.float32(0.5))


@_step
def _reflect(around: Surroundings, tally: Tally, rays: Rays, i: int, rng: np.random.Generator) -> None:
    """Reflect ray i, diffusely or specularly at random, and weight each band by its own share over the probability.

    The probability of a diffuse reflection is the mean scattering of the bands, weighted by the power that the ray carries in
    each relative to the target power: the weights then preserve the sum, and the expectation of each band is unbiased.
    """
    material, window = rays.material[i], int(rays.length[i] * tally.windows_per_m)
    total, diffuse = np.float32(1e-30), np.float32(0.0)
    for b in range(BANDS):
        carried = rays.power[i, b] * tally.window[window, b]
        total += carried
        diffuse += carried * around.scattering[material, b]
    chance = diffuse / total
    if rng.random() < chance:
        _lambert(rays, i, np.float32(rng.random()), np.float32(rng.random()))
        for b in range(BANDS):
            rays.power[i, b] *= around.scattering[material, b] / chance
        rays.chain[i] = DIFFUSE
        return
    side = (
        rays.direction[i, 0] * rays.normal[i, 0]
        + rays.direction[i, 1] * rays.normal[i, 1]
        + rays.direction[i, 2] * rays.normal[i, 2]
    )
    for k in range(3):
        rays.direction[i, k] -= np.float32(2.0) * side * rays.normal[i, k]
    for b in range(BANDS):
        rays.power[i, b] *= (np.float32(1.0) - around.scattering[material, b]) / (np.float32(1.0) - chance)
    if rays.chain[i] != IN_IMAGES:
        rays.chain[i] = SPECULAR


@_step
def _lambert(rays: Rays, i: int, u: float, v: float) -> None:
    """Set a direction of ray i in the half-space of its normal, with probability density proportional to the cosine."""
    x, y, z = rays.normal[i]
    sign = np.float32(1.0) if z >= 0 else np.float32(-1.0)
    a = np.float32(-1.0) / (sign + z)
    b = x * y * a
    radius, angle = np.sqrt(u), np.float32(2.0 * np.pi) * v
    p, q, up = radius * np.cos(angle), radius * np.sin(angle), np.sqrt(max(np.float32(0.0), np.float32(1.0) - u))
    # Orthonormal frame about the normal without branches (Duff et al. 2017).
    rays.direction[i, 0] = p * (1 + sign * x * x * a) + q * b + up * x
    rays.direction[i, 1] = p * sign * b + q * (sign + y * y * a) + up * y
    rays.direction[i, 2] = -p * sign * x - q * y + up * z
