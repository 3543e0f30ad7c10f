"""The compiled sampling of textures against a plain NumPy version of the same definition."""

from __future__ import annotations

import numpy as np
import pytest

from simulator.camera.shading import CLAMP, MIRROR, REPEAT, _bilinear, _trilinear, encode
from simulator.scene.textures import linear_from_srgb, pyramid, srgb_from_linear


def wrapped(index, count, mode):
    """Where glTF's samplers (OpenGL ES 3.0, section 3.8.9) find a texel of any integer index."""
    if mode == CLAMP:
        return np.clip(index, 0, count - 1)
    if mode == MIRROR:
        index = index % (2 * count)
        return np.where(index < count, index, 2 * count - 1 - index)
    return index % count


def bilinear(image, s, t, modes):
    height, width = image.shape[:2]
    light = np.concatenate([linear_from_srgb(image[..., :3]), image[..., 3:] / 255.0], -1)
    x, y = s * width - 0.5, t * height - 0.5
    x0, y0 = int(np.floor(x)), int(np.floor(y))
    total = np.zeros(4)
    for j in (0, 1):
        for i in (0, 1):
            weight = (x - x0 if i else 1 - x + x0) * (y - y0 if j else 1 - y + y0)
            total += weight * light[wrapped(y0 + j, height, modes[1]), wrapped(x0 + i, width, modes[0])]
    return total


@pytest.fixture(scope="module")
def image():
    return np.random.default_rng(0).integers(0, 256, (5, 8, 4)).astype(np.uint8)


@pytest.mark.parametrize("u", [REPEAT, CLAMP, MIRROR])
@pytest.mark.parametrize("v", [REPEAT, CLAMP, MIRROR])
def test_bilinear_in_linear_light_with_wrap_modes(image, u, v):
    points = np.concatenate([np.random.default_rng(1).uniform(-2.5, 3.5, (200, 2)), [[0, 0], [1, 1], [-1, 2], [0.5, 1e-9]]])
    for s, t in points:
        found = _bilinear(image.reshape(-1, 4), 0, 8, 5, u, v, float(s), float(t))
        np.testing.assert_allclose(found, bilinear(image, s, t, (u, v)), atol=1e-4)


@pytest.mark.parametrize("value", [1e30, -1e30, 1e9])
@pytest.mark.parametrize("mode", [REPEAT, CLAMP, MIRROR])
def test_enormous_coordinates_stay_inside(image, mode, value):
    assert np.isfinite(_bilinear(image.reshape(-1, 4), 0, 8, 5, mode, mode, value, value)).all()


@pytest.mark.parametrize("level", [-3.0, 0.0, 0.25, 1.0, 1.75, 3.0, 9.0])
def test_trilinear_blends_two_levels(image, level):
    chain = pyramid(image)
    texels = np.concatenate([c.reshape(-1, 4) for c in chain])
    offset = np.array([np.cumsum([0, *(c.shape[0] * c.shape[1] for c in chain[:-1])])])
    size = np.array([[c.shape[1::-1] for c in chain]], np.int32)
    inside = min(max(level, 0.0), len(chain) - 1.0)
    low, part = int(inside), inside - int(inside)
    fine = bilinear(chain[low], 0.3, 0.8, (REPEAT, REPEAT))
    rough = bilinear(chain[min(low + 1, len(chain) - 1)], 0.3, 0.8, (REPEAT, REPEAT))
    found = _trilinear(texels, offset, size, 0, REPEAT, REPEAT, 0.3, 0.8, np.float32(level))
    np.testing.assert_allclose(found, (1 - part) * fine + part * rough, atol=1e-4)


def test_encoding_averages_light():
    light = np.array([[0.0, 1.0, 4.0], [8.0, 0.8, 0.04]], np.float32)
    out = np.zeros((2, 3), np.uint8)
    encode(light, 4, out)
    np.testing.assert_array_equal(out, srgb_from_linear(np.clip(light / 4, 0, 1)))
