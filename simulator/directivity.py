"""How loud a source is in each direction."""

from __future__ import annotations

import numpy as np

from simulator.arrivals import BANDS_HZ
from simulator.errors import InputError

FIRST_ORDER = {
    "omnidirectional": 1.0,
    "subcardioid": 0.75,
    "cardioid": 0.5,
    "supercardioid": 0.37,
    "hypercardioid": 0.25,
    "figure_eight": 0.0,
}
"""p of the first-order family p + (1 - p) cos(angle), with pyroomacoustics' names and values."""


def gain(pattern: str, leaving: np.ndarray, front: np.ndarray) -> np.ndarray:
    """Give the pressure gain (..., 7) in each octave band towards unit directions (..., 3) from a source facing `front`.

    Straight ahead the gain is 1, so that the direct sound in front of a source keeps 1 / r; a directional source then
    excites less reverberation, as real ones do. Raises InputError for an unknown pattern.
    """
    if pattern not in FIRST_ORDER:
        raise InputError(f"directivity is {pattern!r}; choose one of {', '.join(sorted(FIRST_ORDER))}")
    p = FIRST_ORDER[pattern]
    cosine = np.asarray(leaving) @ np.asarray(front)
    return np.abs(p + (1.0 - p) * cosine)[..., None] * np.ones(len(BANDS_HZ))
