"""The compiled part of the camera: the colour of what a ray hit, in linear light."""

from __future__ import annotations

import numba
import numpy as np

from simulator.textures import linear_from_srgb, srgb_from_linear

DECODE = linear_from_srgb(np.arange(256)).astype(np.float32)
"""Linear light of each sRGB byte."""
ENCODE = srgb_from_linear(np.arange(65536) / 65535.0)
"""sRGB byte of linear light in steps of 1 / 65535."""
REPEAT, CLAMP, MIRROR = 0, 1, 2


@numba.njit(cache=True, nogil=True, error_model="numpy")
def holes(
    face: np.ndarray,
    u: np.ndarray,
    v: np.ndarray,
    face_material: np.ndarray,
    base_color: np.ndarray,
    texture: np.ndarray,
    wrap: np.ndarray,
    alpha_cutoff: np.ndarray,
    corner_uv: np.ndarray,
    corner_color: np.ndarray,
    texels: np.ndarray,
    offset: np.ndarray,
    size: np.ndarray,
) -> np.ndarray:
    """Say for N hits whether their surface is cut out there; (N,) bool."""
    out = np.zeros(len(face), np.bool_)
    color = np.empty(4, np.float32)
    for i in range(len(face)):
        f = face[i]
        if f < 0:
            continue
        m = face_material[f]
        if alpha_cutoff[m] <= 0:
            continue
        w = 1 - u[i] - v[i]
        alpha = base_color[m, 3] * (w * corner_color[f, 0, 3] + u[i] * corner_color[f, 1, 3] + v[i] * corner_color[f, 2, 3]) / 255
        if texture[m] >= 0:
            s = w * corner_uv[f, 0, 0] + u[i] * corner_uv[f, 1, 0] + v[i] * corner_uv[f, 2, 0]
            t = w * corner_uv[f, 0, 1] + u[i] * corner_uv[f, 1, 1] + v[i] * corner_uv[f, 2, 1]
            _bilinear(texels, offset[texture[m], 0], size[texture[m], 0], wrap[m], s, t, color)
            alpha *= color[3]
        out[i] = alpha < alpha_cutoff[m]
    return out


@numba.njit(cache=True, nogil=True, error_model="numpy")
def shade(
    light: np.ndarray,
    face: np.ndarray,
    u: np.ndarray,
    v: np.ndarray,
    distance: np.ndarray,
    direction: np.ndarray,
    spread: float,
    vertices: np.ndarray,
    faces: np.ndarray,
    normals: np.ndarray,
    face_material: np.ndarray,
    base_color: np.ndarray,
    emissive: np.ndarray,
    texture: np.ndarray,
    wrap: np.ndarray,
    shaded: np.ndarray,
    corner_uv: np.ndarray,
    corner_color: np.ndarray,
    texels: np.ndarray,
    offset: np.ndarray,
    size: np.ndarray,
) -> None:
    """Add the linear colour of N hits to light (N, 3).

    spread: width of a sample per length of its ray, which chooses the mip level.
    """
    color, finer = np.empty(4, np.float32), np.empty(4, np.float32)
    for i in range(len(face)):
        f = face[i]
        dx, dy, dz = direction[i]
        length = np.sqrt(dx * dx + dy * dy + dz * dz)
        if f < 0:
            up = max(dy / length, np.float32(0.0))
            light[i, 0] += np.float32(0.78) - np.float32(0.30) * up
            light[i, 1] += np.float32(0.82) - np.float32(0.22) * up
            light[i, 2] += np.float32(0.88) - np.float32(0.10) * up
            continue
        m = face_material[f]
        a, b = u[i], v[i]
        w = 1 - a - b
        along = dx * normals[f, 0] + dy * normals[f, 1] + dz * normals[f, 2]
        cosine = max(abs(along) / length, np.float32(0.02))
        for k in range(3):
            color[k] = base_color[m, k] * (
                w * DECODE[corner_color[f, 0, k]] + a * DECODE[corner_color[f, 1, k]] + b * DECODE[corner_color[f, 2, k]]
            )
        if texture[m] >= 0:
            s = w * corner_uv[f, 0, 0] + a * corner_uv[f, 1, 0] + b * corner_uv[f, 2, 0]
            t = w * corner_uv[f, 0, 1] + a * corner_uv[f, 1, 1] + b * corner_uv[f, 2, 1]
            width = distance[i] * spread / np.sqrt(cosine)
            level = np.log2(max(width * _texels_per_m(f, m, vertices, faces, corner_uv, texture, size), np.float32(1e-6)))
            _trilinear(texels, offset[texture[m]], size[texture[m]], wrap[m], s, t, level, finer)
            for k in range(3):
                color[k] *= finer[k]
        tone = np.float32(1.0)
        if shaded[m]:
            up = normals[f, 1] if along < 0 else -normals[f, 1]
            tone = np.float32(0.45) + np.float32(0.18) * up + np.float32(0.37) * cosine
        for k in range(3):
            light[i, k] += tone * color[k] + emissive[m, k]


@numba.njit(cache=True, nogil=True)
def encode(light: np.ndarray, samples: int, out: np.ndarray) -> None:
    """Average summed linear light (N, 3) over samples and encode it as sRGB bytes (N, 3)."""
    for i in range(len(light)):
        for k in range(3):
            value = min(max(light[i, k] / samples, 0.0), 1.0)
            out[i, k] = ENCODE[int(value * 65535.0 + 0.5)]


@numba.njit(cache=True, nogil=True, error_model="numpy")
def _texels_per_m(
    f: int, m: int, vertices: np.ndarray, faces: np.ndarray, corner_uv: np.ndarray, texture: np.ndarray, size: np.ndarray
) -> float:
    """Give how many texels lie on a metre of a triangle: the root of texel area over world area."""
    p, q, r = faces[f]
    ax, ay, az = vertices[q, 0] - vertices[p, 0], vertices[q, 1] - vertices[p, 1], vertices[q, 2] - vertices[p, 2]
    bx, by, bz = vertices[r, 0] - vertices[p, 0], vertices[r, 1] - vertices[p, 1], vertices[r, 2] - vertices[p, 2]
    cx, cy, cz = ay * bz - az * by, az * bx - ax * bz, ax * by - ay * bx
    world = np.sqrt(cx * cx + cy * cy + cz * cz)
    s1, t1 = corner_uv[f, 1, 0] - corner_uv[f, 0, 0], corner_uv[f, 1, 1] - corner_uv[f, 0, 1]
    s2, t2 = corner_uv[f, 2, 0] - corner_uv[f, 0, 0], corner_uv[f, 2, 1] - corner_uv[f, 0, 1]
    width, height = size[texture[m], 0]
    return np.sqrt(abs(s1 * t2 - s2 * t1) * width * height / max(world, np.float32(1e-12)))


@numba.njit(cache=True, nogil=True, error_model="numpy")
def _trilinear(
    texels: np.ndarray,
    offset: np.ndarray,
    size: np.ndarray,
    wrap: np.ndarray,
    s: float,
    t: float,
    level: float,
    out: np.ndarray,
) -> None:
    """Blend the two mip levels around `level`."""
    top = len(offset) - 1
    low = min(max(int(np.floor(level)), 0), top)
    part = min(max(level - low, 0.0), 1.0)
    _bilinear(texels, offset[low], size[low], wrap, s, t, out)
    if part > 0 and low < top:
        coarse = np.empty(4, np.float32)
        _bilinear(texels, offset[low + 1], size[low + 1], wrap, s, t, coarse)
        for k in range(4):
            out[k] += np.float32(part) * (coarse[k] - out[k])


@numba.njit(cache=True, nogil=True, error_model="numpy")
def _bilinear(texels: np.ndarray, start: int, size: np.ndarray, wrap: np.ndarray, s: float, t: float, out: np.ndarray) -> None:
    """Blend the four texels around (s, t) in linear light; texel centres lie at (i + 0.5) / width."""
    width, height = size
    x, y = s * width - 0.5, t * height - 0.5
    x0, y0 = int(np.floor(x)), int(np.floor(y))
    fx, fy = np.float32(x - x0), np.float32(y - y0)
    for k in range(4):
        out[k] = 0
    for j in range(2):
        for i in range(2):
            weight = (fx if i else 1 - fx) * (fy if j else 1 - fy)
            row = start + _wrapped(y0 + j, height, wrap[1]) * width + _wrapped(x0 + i, width, wrap[0])
            for k in range(3):
                out[k] += weight * DECODE[texels[row, k]]
            out[3] += weight * texels[row, 3] / np.float32(255.0)


@numba.njit(cache=True, nogil=True)
def _wrapped(index: int, count: int, mode: int) -> int:
    if mode == CLAMP:
        return min(max(index, 0), count - 1)
    if mode == MIRROR:
        index = index % (2 * count)
        return index if index < count else 2 * count - 1 - index
    return index % count
