"""Plausibility of a scene's size: whether its unit can be the metre, and which factor would make it so."""

from __future__ import annotations

import numpy as np

ROOM_M = 2.7
"""Usual height of a room."""
LARGEST_M = 200.0
SMALLEST_M = 1.0
"""A scene whose longest side is outside these is noted."""
FACTORS = (0.001, 0.01, 0.0254, 0.1, 0.3048, 10.0, 100.0, 1000.0)
"""Millimetres, centimetres, inches, decimetres, feet, and units larger than the metre."""


def factor_for(height: float) -> float:
    """Return the factor that brings a height closest to that of a usual room; 1 if none brings it closer."""
    return min((1.0, *FACTORS), key=lambda f: abs(np.log(f * height / ROOM_M)))


def size_notes(vertices: np.ndarray) -> list[str]:
    """Return a note if a scene of vertices (N, 3) is improbably large or small for its unit to be the metre."""
    size = np.ptp(vertices, 0)
    if SMALLEST_M <= size.max() <= LARGEST_M or not size[1] > 0:
        return []
    factor = factor_for(float(size[1]))
    measures = " x ".join(f"{s:.3g}" for s in size)
    return [f"the scene measures {measures} m; if its unit is not the metre, use --scale {factor:g}"] if factor != 1.0 else []
