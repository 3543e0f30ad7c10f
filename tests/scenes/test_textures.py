import numpy as np
import pytest

from scenes.surface import Surface
from scenes.textures import FAMILIES, draw_texture
from scenes.textures.noise import noise

ONCE = {"rug", "painting", "poster", "books", "screen", "clock", "terry", "leaves", "outside", "mirror"}
"""Families that cover their object once, and so need not tile."""


def surface(family, variant=0):
    return Surface("x", (0.6, 0.5, 0.4), family, 1.0, variant)


def test_there_are_more_than_twelve_families():
    assert len(FAMILIES) >= 12


@pytest.mark.parametrize("family", sorted(FAMILIES))
def test_a_texture_follows_from_its_surface(family):
    first = draw_texture(surface(family))
    assert first.dtype == np.uint8 and first.shape == (FAMILIES[family][1], FAMILIES[family][1], 3)
    assert np.array_equal(first, draw_texture(surface(family)))
    assert any(not np.array_equal(first, draw_texture(surface(family, v))) for v in (1, 2, 3))


@pytest.mark.parametrize("family", sorted(set(FAMILIES) - ONCE))
def test_a_texture_tiles(family):
    """Across the seam, texels differ no more than anywhere else within the texture."""
    for variant in range(3):
        picture = draw_texture(surface(family, variant)).astype(float)
        for axis in (0, 1):
            step = np.abs(np.diff(picture, axis=axis)).mean((1 - axis, 2))
            seam = np.abs(picture.take(0, axis) - picture.take(-1, axis)).mean()
            assert seam <= step.max() + 6.0


def test_noise_has_no_mean_and_unit_deviation():
    field = noise(np.random.default_rng(0), 64, 1.0)
    assert abs(field.mean()) < 1e-9 and abs(field.std() - 1) < 1e-9


def test_stretched_noise_is_smoother_along_its_grain():
    field = noise(np.random.default_rng(0), 128, 1.0, (8.0, 1.0))
    assert np.abs(np.diff(field, axis=0)).mean() < 0.5 * np.abs(np.diff(field, axis=1)).mean()
