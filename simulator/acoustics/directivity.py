"""Directivity of sources: gain by direction and octave band."""

from __future__ import annotations

from functools import lru_cache

import numpy as np
from scipy import special

from simulator.acoustics.arrivals import BANDS_HZ
from simulator.config import PATTERNS
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
HEAD_M = 0.09
"""Radius of a talker's head, modelled as a rigid sphere ..."""
MOUTH_M = 0.02
"""... and of the mouth in it, modelled as a rigid moving cap (Flanagan 1960, J. Acoust. Soc. Am. 32, 1613)."""


def gain(pattern: str, leaving: np.ndarray, front: np.ndarray) -> np.ndarray:
    """Return the pressure gain (..., 7) in each octave band towards unit directions (..., 3) from a source facing `front`.

    Straight ahead the gain is 1, so that the direct sound in front of a source stays 1 / r and a directional source excites
    less reverberation. Raises InputError for an unknown pattern.
    """
    if pattern not in PATTERNS:
        raise InputError(f"directivity is {pattern!r}; choose one of {', '.join(PATTERNS)}")
    cosine = np.clip(np.asarray(leaving) @ np.asarray(front), -1.0, 1.0)
    if pattern == "speech":
        cosines, table = _talker()
        return np.stack([np.interp(cosine, cosines, band) for band in table], -1)
    p = FIRST_ORDER[pattern]
    return np.abs(p + (1.0 - p) * cosine)[..., None] * np.ones(len(BANDS_HZ))


def cap_in_sphere(wavenumber: float, cosine: np.ndarray, radius_m: float, cap_m: float) -> np.ndarray:
    """Return the far-field pressure (N,), relative to straight ahead, of a cap that moves radially on a rigid sphere.

    wavenumber: 1/m. cosine: (N,) of the angle from the cap's axis. Morse and Ingard 1968, Theoretical Acoustics, section 7.2:
    the cap's velocity in Legendre polynomials, each radiated by its spherical Hankel function.
    """
    ka = wavenumber * radius_m
    orders = np.arange(int(ka + 30))
    edge = np.sqrt(1.0 - (cap_m / radius_m) ** 2)
    legendre = special.eval_legendre(np.arange(len(orders) + 1), edge)
    velocity = 0.5 * (np.append(1.0, legendre[:-2]) - legendre[1:])
    derivative = special.spherical_jn(orders, ka, True) - 1j * special.spherical_yn(orders, ka, True)
    weight = velocity * 1j**orders / derivative
    pressure = weight @ special.eval_legendre(orders[:, None], np.append(1.0, cosine))
    return np.asarray(np.abs(pressure[1:] / pressure[0]))


@lru_cache(maxsize=1)
def _talker() -> tuple[np.ndarray, np.ndarray]:
    """Return ascending cosines (N,) and the gain of a talker (7, N): mean power of nine frequencies in each octave."""
    cosine = np.cos(np.linspace(np.pi, 0.0, 181))
    octave = 2.0 ** np.linspace(-0.5, 0.5, 9)
    power = [[cap_in_sphere(2 * np.pi * f * o / 343.0, cosine, HEAD_M, MOUTH_M) ** 2 for o in octave] for f in BANDS_HZ]
    return cosine, np.sqrt(np.mean(power, 1))
