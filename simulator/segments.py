"""The compiled steps of ray tracing: what happens to N rays between one hit and the next.

`chain` says how a ray was last reflected, and so how the energy it carries may reach a source directly.
"""

from __future__ import annotations

import numba
import numpy as np

DIFFUSE, SPECULAR, MEAN_SPECULAR, IN_IMAGES = 0, 1, 2, 3
"""Last reflection: diffuse (its rain was sent at once); specular; specular by the bands' mean scattering, so that each
band's own share is still due; or specular throughout on planes whose images are known, the state of a fresh ray too."""
NEAREST_M = 0.1
"""Shadow rays shorter than this count as this long: a hit point is not a point source at zero distance."""


@numba.njit(cache=True, nogil=True, error_model="numpy")
def absorb(
    origin: np.ndarray,
    direction: np.ndarray,
    distance: np.ndarray,
    face: np.ndarray,
    normals: np.ndarray,
    lift: np.ndarray,
    surface: np.ndarray,
    kept: np.ndarray,
    power: np.ndarray,
    length: np.ndarray,
    longest: float,
    weakest: float,
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Bring rays to their hits: which go on (N,), hit points (N, 3) and normals (N, 3) on the side they came from.

    Changes `power` (N, 7) by absorption and `length` (N,) by the way travelled.
    """
    count = len(face)
    alive = np.zeros(count, np.bool_)
    point, normal = np.empty((count, 3), np.float32), np.empty((count, 3), np.float32)
    for i in range(count):
        f = face[i]
        if f < 0:
            continue
        length[i] += distance[i]
        strongest = np.float32(0.0)
        for b in range(power.shape[1]):
            power[i, b] *= kept[surface[f], b]
            strongest = max(strongest, power[i, b])
        alive[i] = strongest > weakest and length[i] < longest
        n0, n1, n2 = normals[f]
        side = direction[i, 0] * n0 + direction[i, 1] * n1 + direction[i, 2] * n2
        sign = np.float32(-1.0) if side > 0 else np.float32(1.0)
        for k in range(3):
            normal[i, k] = sign * normals[f, k]
            point[i, k] = origin[i, k] + distance[i] * direction[i, k] + lift[f] * normal[i, k]
    return alive, point, normal


@numba.njit(cache=True, nogil=True, error_model="numpy")
def rain_targets(
    point: np.ndarray, normal: np.ndarray, sources: np.ndarray, turn_of: int
) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    """Pair hit points with the sources above them: ray (K,), source (K,), way (K,) m, and Lambert factor (K,).

    turn_of: -1 pairs every source; k >= 0 pairs one source a ray, in turn, with the weight of all.
    Factor 4 cos / r^2: a ray of N stands for the solid angle 4 pi / N, and a Lambert surface of irradiance cos / r^2
    (free field 1 / r^2) has the radiance cos / (pi r^2).
    """
    count, total = len(point), len(sources)
    each = total if turn_of < 0 else 1
    ray, source = np.empty(count * each, np.int64), np.empty(count * each, np.int64)
    way, factor = np.empty(count * each, np.float32), np.empty(count * each, np.float32)
    found = 0
    for i in range(count):
        for j in range(each):
            s = j if turn_of < 0 else (i + turn_of) % total
            x, y, z = sources[s, 0] - point[i, 0], sources[s, 1] - point[i, 1], sources[s, 2] - point[i, 2]
            r = max(np.sqrt(x * x + y * y + z * z), np.float32(1e-6))
            cosine = (x * normal[i, 0] + y * normal[i, 1] + z * normal[i, 2]) / r
            if cosine <= 0:
                continue
            near = max(r, np.float32(NEAREST_M))
            ray[found], source[found], way[found] = i, s, r
            factor[found] = np.float32(4.0 * total / each) * cosine / (near * near)
            found += 1
    return ray[:found], source[:found], way[:found], factor[:found]


@numba.njit(cache=True, nogil=True, error_model="numpy")
def cross_spheres(
    origin: np.ndarray, direction: np.ndarray, reach: np.ndarray, chain: np.ndarray, sources: np.ndarray, radius: float
) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    """Find rays that pass sources after a specular reflection: ray (K,), source (K,), way (K,) m, nearest point (K, 3)."""
    ray, source = np.empty(len(origin) * len(sources), np.int64), np.empty(len(origin) * len(sources), np.int64)
    way, foot = np.empty(len(ray), np.float32), np.empty((len(ray), 3), np.float32)
    found = 0
    for i in range(len(origin)):
        if chain[i] == DIFFUSE or chain[i] == IN_IMAGES:
            continue
        for s in range(len(sources)):
            along, square = np.float32(0.0), np.float32(0.0)
            for k in range(3):
                ahead = sources[s, k] - origin[i, k]
                along += ahead * direction[i, k]
                square += ahead * ahead
            if along <= 0 or along >= reach[i] or square - along * along >= radius * radius:
                continue
            ray[found], source[found], way[found] = i, s, along
            for k in range(3):
                foot[found, k] = origin[i, k] + along * direction[i, k]
            found += 1
    return ray[:found], source[:found], way[:found], foot[:found]


@numba.njit(cache=True, nogil=True, error_model="numpy")
def turn(
    direction: np.ndarray,
    normal: np.ndarray,
    power: np.ndarray,
    chain: np.ndarray,
    surface: np.ndarray,
    scattering: np.ndarray,
    on_image_plane: np.ndarray,
    by_band: bool,
    random: np.ndarray,
) -> None:
    """Reflect N rays in place, diffusely with the bands' mean scattering as probability, else specularly.

    by_band: weight each band by its own share over the mean's, which is exact but widens the spread with each bounce;
    otherwise the way is the mean's and only the last reflection before a source takes each band's own share.
    """
    for i in range(len(direction)):
        s = scattering[surface[i]]
        mean = s.mean()
        if random[i, 0] < mean:
            chain[i] = DIFFUSE
            _lambert(direction, normal, i, random[i, 1], random[i, 2])
            if by_band:
                for b in range(len(s)):
                    power[i, b] *= s[b] / mean
            continue
        side = direction[i, 0] * normal[i, 0] + direction[i, 1] * normal[i, 1] + direction[i, 2] * normal[i, 2]
        for k in range(3):
            direction[i, k] -= np.float32(2.0) * side * normal[i, k]
        if not (chain[i] == IN_IMAGES and on_image_plane[i]):
            chain[i] = SPECULAR if by_band else MEAN_SPECULAR
        if by_band:
            for b in range(len(s)):
                power[i, b] *= (np.float32(1.0) - s[b]) / (np.float32(1.0) - mean)


@numba.njit(cache=True, nogil=True, error_model="numpy")
def _lambert(direction: np.ndarray, normal: np.ndarray, i: int, u: float, v: float) -> None:
    """Point ray i into the half-space of its normal with probability proportional to the cosine."""
    x, y, z = normal[i]
    sign = np.float32(1.0) if z >= 0 else np.float32(-1.0)
    a = np.float32(-1.0) / (sign + z)
    b = x * y * a
    radius, angle = np.sqrt(u), np.float32(2.0 * np.pi) * v
    p, q, up = radius * np.cos(angle), radius * np.sin(angle), np.sqrt(max(np.float32(0.0), np.float32(1.0) - u))
    # Orthonormal frame about the normal without branches (Duff et al. 2017).
    direction[i, 0] = p * (1 + sign * x * x * a) + q * b + up * x
    direction[i, 1] = p * sign * b + q * (sign + y * y * a) + up * y
    direction[i, 2] = -p * sign * x - q * y + up * z


@numba.njit(cache=True, nogil=True, error_model="numpy")
def deposit(
    energy: np.ndarray,
    curve: np.ndarray,
    weights: np.ndarray,
    bins_per_m: float,
    ray: np.ndarray,
    source: np.ndarray,
    way: np.ndarray,
    factor: np.ndarray,
    free: np.ndarray,
    rain: bool,
    origin: np.ndarray,
    power: np.ndarray,
    length: np.ndarray,
    cell: np.ndarray,
    group: np.ndarray,
    chain: np.ndarray,
    surface: np.ndarray,
    scattering: np.ndarray,
    sources: np.ndarray,
    front: np.ndarray,
    directivity: np.ndarray,
) -> None:
    """Add what the free ones of K connections bring to energy (S, T, D, 7) and to the groups' curves (G, S, T).

    rain: the connections are diffuse and carry each band's scattered share; else specular and carry what is still due.
    surface: (N,) material of each ray's last reflection. front: (S, 3) unit vectors; directivity: (n, 7) pressure by cosine.
    """
    last = len(directivity) - 1
    for k in range(len(ray)):
        i, s = ray[k], source[k]
        t = int((length[i] + way[k]) * bins_per_m)
        if not free[k] or t >= energy.shape[1]:
            continue
        along, square, mean = np.float32(0.0), np.float32(1e-12), np.float32(0.0)
        for axis in range(3):
            out = origin[i, axis] - sources[s, axis]
            along += out * front[s, axis]
            square += out * out
        row = int((along / np.sqrt(square) + 1) * np.float32(0.5) * last + np.float32(0.5))
        scattered = scattering[surface[i]]
        if chain[i] == MEAN_SPECULAR:
            mean = scattered.mean()
        total = np.float32(0.0)
        for b in range(power.shape[1]):
            share = scattered[b]
            if not rain:
                share = (1 - share) / (1 - mean) if chain[i] == MEAN_SPECULAR else np.float32(1.0)
            value = power[i, b] * factor[k] * share * directivity[row, b] * directivity[row, b]
            energy[s, t, cell[i], b] += value
            total += value * weights[t, b]
        curve[group[i], s, t] += total
