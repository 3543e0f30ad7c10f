"""The compiled part of the camera: the colour of a hit surface, in linear light.

All functions use scalars and tuples, because numba allocates memory for each slice and array created in a loop.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from simulator.kernels import kernel
from simulator.scene.textures import DECODE, ENCODE

REPEAT, CLAMP, MIRROR = 0, 1, 2
ONE = np.float32(1.0)
Real = Any
"""A float of either width; numba infers it."""


@kernel()
def pixel_directions(right: np.ndarray, up: np.ndarray, axis: np.ndarray, x: np.ndarray, y: np.ndarray) -> np.ndarray:
    """Return directions (H * W * S, 3) float32 through S grids of points x (S, W), y (S, H) at distance 1 along the axis.

    The S directions of one pixel are adjacent: they hit the same surfaces, which are then in the processor's cache.
    """
    samples, width, height = x.shape[0], x.shape[1], y.shape[1]
    out = np.empty((height * width * samples, 3), np.float32)
    row = 0
    for i in range(height):
        for j in range(width):
            for s in range(samples):
                for k in range(3):
                    out[row, k] = axis[k] + y[s, i] * up[k] + x[s, j] * right[k]
                row += 1
    return out


@kernel(error_model="numpy")
def is_cut_out(
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
    """Return whether the surface of each of N hits is cut out there (its alpha is below the cut-off); (N,) bool."""
    out = np.zeros(len(face), np.bool_)
    for i in range(len(face)):
        f = face[i]
        if f < 0:
            continue
        m = face_material[f]
        if alpha_cutoff[m] <= 0:
            continue
        a, b = u[i], v[i]
        w = ONE - a - b
        alpha = base_color[m, 3] * (w * corner_color[f, 0, 3] + a * corner_color[f, 1, 3] + b * corner_color[f, 2, 3]) / 255
        k = texture[m]
        if k >= 0:
            s = w * corner_uv[f, 0, 0] + a * corner_uv[f, 1, 0] + b * corner_uv[f, 2, 0]
            t = w * corner_uv[f, 0, 1] + a * corner_uv[f, 1, 1] + b * corner_uv[f, 2, 1]
            texel = _bilinear(texels, offset[k, 0], size[k, 0, 0], size[k, 0, 1], wrap[m, 0], wrap[m, 1], s, t)
            alpha *= texel[3]
        out[i] = alpha < alpha_cutoff[m]
    return out


@kernel(error_model="numpy")
def shade(
    light: np.ndarray,
    samples: int,
    face: np.ndarray,
    u: np.ndarray,
    v: np.ndarray,
    distance: np.ndarray,
    direction: np.ndarray,
    spread: Real,
    normals: np.ndarray,
    face_material: np.ndarray,
    texel_level: np.ndarray,
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
    """Add the linear colour of N * samples hits to light (N, 3); the samples of one pixel are adjacent.

    spread: width of a sample divided by the length of its ray, which selects the mip level.
    """
    for i in range(len(face)):
        f, p = face[i], i // samples
        dx, dy, dz = direction[i, 0], direction[i, 1], direction[i, 2]
        length = np.sqrt(dx * dx + dy * dy + dz * dz)
        if f < 0:
            up = max(dy / length, np.float32(0.0))
            light[p, 0] += np.float32(0.78) - np.float32(0.30) * up
            light[p, 1] += np.float32(0.82) - np.float32(0.22) * up
            light[p, 2] += np.float32(0.88) - np.float32(0.10) * up
            continue
        m = face_material[f]
        a, b = u[i], v[i]
        w = ONE - a - b
        along = dx * normals[f, 0] + dy * normals[f, 1] + dz * normals[f, 2]
        cosine = max(abs(along) / length, np.float32(0.02))
        red, green, blue = _corner_light(corner_color, f, w, a, b)
        red, green, blue = red * base_color[m, 0], green * base_color[m, 1], blue * base_color[m, 2]
        if texture[m] >= 0:
            s = w * corner_uv[f, 0, 0] + a * corner_uv[f, 1, 0] + b * corner_uv[f, 2, 0]
            t = w * corner_uv[f, 0, 1] + a * corner_uv[f, 1, 1] + b * corner_uv[f, 2, 1]
            level = texel_level[f] + np.log2(distance[i] * spread / np.sqrt(cosine))
            texel = _trilinear(texels, offset, size, texture[m], wrap[m, 0], wrap[m, 1], s, t, level)
            red, green, blue = red * texel[0], green * texel[1], blue * texel[2]
        tone = ONE
        if shaded[m]:
            up = normals[f, 1] if along < 0 else -normals[f, 1]
            tone = np.float32(0.45) + np.float32(0.18) * up + np.float32(0.37) * cosine
        light[p, 0] += tone * red + emissive[m, 0]
        light[p, 1] += tone * green + emissive[m, 1]
        light[p, 2] += tone * blue + emissive[m, 2]


@kernel()
def encode(light: np.ndarray, samples: int, out: np.ndarray) -> None:
    """Average summed linear light (N, 3) over samples and encode it into `out`, sRGB bytes (N, 3)."""
    scale = np.float32(65535.0 / samples)
    for i in range(len(light)):
        for k in range(3):
            value = min(max(light[i, k] * scale, np.float32(0.0)), np.float32(65535.0))
            out[i, k] = ENCODE[int(value + np.float32(0.5))]


@kernel(error_model="numpy")
def _corner_light(corner_color: np.ndarray, f: int, w: Real, a: Real, b: Real) -> tuple[Real, Real, Real]:
    """Interpolate the colours of a triangle's corners in linear light."""
    return (
        w * DECODE[corner_color[f, 0, 0]] + a * DECODE[corner_color[f, 1, 0]] + b * DECODE[corner_color[f, 2, 0]],
        w * DECODE[corner_color[f, 0, 1]] + a * DECODE[corner_color[f, 1, 1]] + b * DECODE[corner_color[f, 2, 1]],
        w * DECODE[corner_color[f, 0, 2]] + a * DECODE[corner_color[f, 1, 2]] + b * DECODE[corner_color[f, 2, 2]],
    )


@kernel(error_model="numpy")
def _trilinear(
    texels: np.ndarray,
    offset: np.ndarray,
    size: np.ndarray,
    k: int,
    wrap_u: int,
    wrap_v: int,
    s: Real,
    t: Real,
    level: Real,
) -> tuple[Real, Real, Real, Real]:
    """Interpolate between the two mip levels of texture k around `level`."""
    top = offset.shape[1] - 1
    level = min(max(level, np.float32(0.0)), np.float32(top))
    low = int(level)
    part = np.float32(level - low)
    fine = _bilinear(texels, offset[k, low], size[k, low, 0], size[k, low, 1], wrap_u, wrap_v, s, t)
    if part == 0:
        return fine
    rough = _bilinear(texels, offset[k, low + 1], size[k, low + 1, 0], size[k, low + 1, 1], wrap_u, wrap_v, s, t)
    return (
        fine[0] + part * (rough[0] - fine[0]),
        fine[1] + part * (rough[1] - fine[1]),
        fine[2] + part * (rough[2] - fine[2]),
        fine[3] + part * (rough[3] - fine[3]),
    )


@kernel(error_model="numpy")
def _bilinear(
    texels: np.ndarray, start: int, width: int, height: int, wrap_u: int, wrap_v: int, s: Real, t: Real
) -> tuple[Real, Real, Real, Real]:
    """Interpolate the four texels around (s, t) in linear light; texel centres are at (i + 0.5) / width."""
    left, right, fx = _neighbours(s, width, wrap_u)
    above, below, fy = _neighbours(t, height, wrap_v)
    p, q = start + above * width + left, start + above * width + right
    r, o = start + below * width + left, start + below * width + right
    wp, wq, wr, wo = (ONE - fx) * (ONE - fy), fx * (ONE - fy), (ONE - fx) * fy, fx * fy
    return (
        wp * DECODE[texels[p, 0]] + wq * DECODE[texels[q, 0]] + wr * DECODE[texels[r, 0]] + wo * DECODE[texels[o, 0]],
        wp * DECODE[texels[p, 1]] + wq * DECODE[texels[q, 1]] + wr * DECODE[texels[r, 1]] + wo * DECODE[texels[o, 1]],
        wp * DECODE[texels[p, 2]] + wq * DECODE[texels[q, 2]] + wr * DECODE[texels[r, 2]] + wo * DECODE[texels[o, 2]],
        (wp * texels[p, 3] + wq * texels[q, 3] + wr * texels[r, 3] + wo * texels[o, 3]) / np.float32(255.0),
    )


@kernel(error_model="numpy")
def _neighbours(s: Real, count: int, mode: int) -> tuple[int, int, Real]:
    """Return the two texels on both sides of s along one axis, and the weight of the second."""
    if mode == CLAMP:
        s = min(max(s, np.float32(-1.0)), np.float32(2.0))
    elif mode == MIRROR:
        s = s - 2 * np.floor(s / 2)
        s = min(s, 2 - s)
    else:
        s = s - np.floor(s)
    x = s * count - 0.5
    first = int(np.floor(x))
    part = np.float32(x - first)
    second = first + 1
    if mode == REPEAT:
        return first if first >= 0 else count - 1, second if second < count else 0, part
    return min(max(first, 0), count - 1), min(max(second, 0), count - 1), part
