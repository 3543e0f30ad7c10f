"""Plants in pots."""

from __future__ import annotations

import numpy as np

from scenes.mesh import Thing
from scenes.style import Style
from scenes.surface import Surface, tinted

Generator = np.random.Generator


def potted_plant(rng: Generator, style: Style, height: float | None = None) -> Thing:
    """Build a plant in a pot: long blades, broad leaves on stalks, or a little tree."""
    thing = Thing("plant")
    h = height or rng.uniform(0.6, 1.5)
    r = np.clip(0.13 * h + 0.03, 0.05, 0.19)
    pot_h = np.clip(0.25 * h, 0.08, 0.38)
    pot = (
        Surface("terracotta ceramic", (0.7, 0.4, 0.28))
        if rng.random() < 0.4
        else Surface("glazed ceramic pot", tinted(style.tone, rng.uniform(0.8, 1.8)))
    )
    thing.lathe(pot, [(0.75 * r, 0), (r, pot_h), (0.9 * r, pot_h), (0.88 * r, pot_h - 0.03)], (0, 0, r), 14)
    thing.disc(Surface("plant soil", (0.2, 0.14, 0.1)), (0, pot_h - 0.03, r), 0.89 * r, 12)
    leaf = Surface("plant leaves", (0.3, 0.5, 0.2), "leaves", 1.0, int(rng.integers(2)), both_sides=True)
    root = np.array([0.0, pot_h - 0.03, r])
    (_grass, _broad_leaves, _tree)[rng.integers(3)](thing, leaf, root, h, h - pot_h, rng)
    _stand_on_floor(thing, r, pot_h)
    return thing


def _grass(thing: Thing, leaf: Surface, root: np.ndarray, height: float, above: float, rng: Generator) -> None:
    """Add long blades from the root; above: height of the plant over its pot, m."""
    for k in range(int(14 + 8 * height)):
        a = 2.4 * k
        reach = rng.uniform(0.12, 0.42) * min(height, 1.1)
        top = above * rng.uniform(0.55, 1.0)
        end = root + np.array([reach * np.cos(a), top, reach * np.sin(a)])
        _blade(thing, leaf, root, end, 0.035 + 0.02 * height, droop=0.25)


def _broad_leaves(thing: Thing, leaf: Surface, root: np.ndarray, height: float, above: float, rng: Generator) -> None:
    """Add broad leaves on stalks."""
    for k in range(int(9 + 7 * height)):
        a, top = 2.4 * k, above * rng.uniform(0.3, 0.9)
        x, z = 0.2 * height * np.cos(a) * rng.uniform(0.4, 1), 0.2 * height * np.sin(a) * rng.uniform(0.4, 1)
        tip = root + np.array([x, top, z])
        thing.rod(Surface("plant stalk", (0.3, 0.42, 0.18)), tuple(root), tuple(tip), 0.006, 4)
        size = rng.uniform(0.14, 0.22) * min(1.0, height)
        end = tip + np.array([size * np.cos(a), 0.3 * size, size * np.sin(a)])
        _blade(thing, leaf, tip, end, 0.42 * size, droop=0.5)


def _tree(thing: Thing, leaf: Surface, root: np.ndarray, height: float, above: float, rng: Generator) -> None:
    """Add a trunk and a crown of small leaves."""
    crown = root + np.array([0, 0.55 * above, 0])
    thing.rod(Surface("plant bark wood", (0.36, 0.26, 0.17)), tuple(root), tuple(crown), 0.018, 6)
    for k in range(int(26 + 12 * height)):
        y = 1 - 2 * (k + 0.5) / (26 + 12 * height)
        out = np.array([np.sqrt(1 - y * y) * np.cos(2.4 * k), y, np.sqrt(1 - y * y) * np.sin(2.4 * k)])
        base = crown + out * 0.13 * height * rng.uniform(0.3, 1.0) + [0, 0.12 * height, 0]
        _blade(thing, leaf, base, base + out * 0.16 * min(height, 1.2), 0.045 * min(height, 1.3), droop=0.3)


def _stand_on_floor(thing: Thing, pot_radius: float, pot_height: float) -> None:
    """Set the plant's bodies, pot and foliage, and shift it so that its back lies at z = 0."""
    points = np.concatenate([p.vertices for p in thing.patches])
    thing.solids = [
        np.array([[-pot_radius, 0, 0], [pot_radius, pot_height, 2 * pot_radius]]),
        np.stack([points.min(0), points.max(0)]) * [[1, 1, 1], [1, 1, 1]],
    ]
    thing.solids[1][0, 1] = pot_height + 0.05
    shift = -min(0.0, float(points[:, 2].min()))
    for patch in thing.patches:
        patch.vertices[:, 2] += shift
    for solid in thing.solids:
        solid[:, 2] += shift


def _blade(thing: Thing, surface: Surface, start: np.ndarray, end: np.ndarray, width: float, droop: float) -> None:
    """Add one leaf along an arc."""
    axis = end - start
    side = np.cross(axis, [0, 1, 0])
    side = side / max(np.linalg.norm(side), 1e-9) * width / 2
    t = np.array([0.0, 0.3, 0.7, 1.0])
    wide = np.array([0.35, 1.0, 0.75, 0.03])
    spine = start + t[:, None] * axis + np.array([0, 1, 0]) * (droop * np.linalg.norm(axis) * (t - t**2) * 1.5)[:, None]
    points = np.stack([spine + wide[:, None] * side, spine - wide[:, None] * side], 1)
    uv = np.stack(np.broadcast_arrays(t[:, None], np.array([[0.0, 1.0]])), -1)
    thing.grid(surface, points, uv)
