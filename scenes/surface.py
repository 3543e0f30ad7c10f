"""Materials of generated objects: a name for the acoustic rules and a texture."""

from __future__ import annotations

from dataclasses import dataclass

Color = tuple[float, float, float]
"""sRGB, 0..1."""


@dataclass(frozen=True)
class Surface:
    """One material of a scene."""

    name: str
    """Plain words by which the acoustic rules find its material, such as "wool rug"."""
    color: Color
    family: str = ""
    """Texture family, a key of `textures.FAMILIES`; empty for plain colour."""
    tile_m: float = 1.0
    """Metres that one tile of the texture covers."""
    variant: int = 0
    """Seed of the texture: surfaces that differ in it alone have different textures of one family."""
    alpha: float = 1.0
    """Below 1: transparent, as window panes are."""
    glow: float = 0.0
    """Emitted light as a share of full white, as of lamp shades."""
    both_sides: bool = False
    """Visible from behind as well, as leaves and cloth are."""


def tinted(color: Color, value: float) -> Color:
    """Scale a colour towards black (value below 1) or towards white (above 1)."""
    if value <= 1:
        return color[0] * value, color[1] * value, color[2] * value
    share = min(value - 1.0, 1.0)
    return tuple(c + (1.0 - c) * share for c in color)  # type: ignore[return-value]
