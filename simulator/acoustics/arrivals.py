"""The sound that reaches a listener, in the world frame: traced once per position, valid for any heading.

Pressure is relative to the free field at 1 m from the source, so a direct path of length r has gain 1 / r. Energy is
pressure squared. A flat gain g in all bands is the broadband impulse g; its energy in each band is g^2.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

BANDS_HZ = (125.0, 250.0, 500.0, 1000.0, 2000.0, 4000.0, 8000.0)
"""Centres of the octave bands of absorption, scattering, air and energy."""


@dataclass(frozen=True, eq=False)
class Paths:
    """K individual propagation paths: the direct sound or specular reflections."""

    source: np.ndarray
    """(K,) int32: index of the source."""
    distance: np.ndarray
    """(K,) float64: length of the path, m."""
    direction: np.ndarray
    """(K, 3) float64: unit vectors, world frame, from the listener towards the incoming sound."""
    gain: np.ndarray
    """(K, 7) float64: pressure in each band; spreading, reflection, air and directivity included."""
    chain: np.ndarray | None = None
    """(K, order) int: the planes that reflect the path, from source to listener, then -1; None where they are not known."""


@dataclass(frozen=True, eq=False)
class Arrivals:
    """The sound that reaches one point from S sources."""

    direct: Paths
    """At most one path per source: none where the source is occluded."""
    images: Paths
    """Specular reflections found by image sources."""
    energy: np.ndarray
    """(S, T, D, 7) float32: energy of all other arrivals by source, time after emission, direction and band."""
    bin_s: float
    """Length of a time bin, s; bin k covers [k, k + 1) * bin_s after emission."""
    cells: np.ndarray
    """(D, 3) float64: unit vectors, world frame, centres of the direction cells; evenly spread over the sphere."""
    speed_m_s: float
    """Speed of sound."""


def sphere_cells(count: int) -> np.ndarray:
    """Return (count, 3) unit vectors spread evenly over the sphere: a Fibonacci lattice (Gonzalez 2010)."""
    k = np.arange(count) + 0.5
    y = 1.0 - 2.0 * k / count
    turn = k * np.pi * (3.0 - np.sqrt(5.0))
    level = np.sqrt(1.0 - y * y)
    return np.stack([level * np.cos(turn), y, level * np.sin(turn)], -1)
