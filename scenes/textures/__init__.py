"""Procedural, tileable pictures of surfaces, drawn from a generator and a colour."""

from __future__ import annotations

import numpy as np

from scenes.surface import Surface
from scenes.textures.coverings import COVERINGS
from scenes.textures.fabrics import FABRICS
from scenes.textures.pictures import PICTURES

FAMILIES = COVERINGS | FABRICS | PICTURES
"""Texture family: (function of generator, sRGB colour and size, size in texels)."""


def draw_texture(surface: Surface) -> np.ndarray:
    """Draw the texture of a surface, (N, N, 3) uint8 sRGB; the same for the same surface."""
    function, size = FAMILIES[surface.family]
    key = [surface.variant, *(round(255 * c) for c in surface.color), *surface.family.encode()]
    picture = function(np.random.default_rng(key), np.array(surface.color), size)
    return np.rint(255 * np.clip(picture, 0, 1)).astype(np.uint8)
