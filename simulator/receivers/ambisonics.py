"""Ambisonic microphones (ACN channel order, SN3D normalisation) and mono microphones."""

from __future__ import annotations

from math import factorial

import numpy as np
from scipy.special import factorial2

from simulator.acoustics.bands import LATE_HZ
from simulator.errors import InputError
from simulator.receivers.hrtf import SPECTRUM

HIGHEST_ORDER = 7
"""Greatest order of the harmonics that `encode` computes."""


def encode(toward: np.ndarray, order: int) -> np.ndarray:
    """Return the real spherical harmonics (..., (order + 1)^2) of unit directions (..., 3) in the head's frame.

    ACN channel order and SN3D normalisation, orders 0 to 7 (AmbiX, Nachbar et al. 2011, table 1 and equation 3). The ambisonic
    axes are x ahead, y left, z up; those of the head are +Y up, -Z ahead, -X left. Raise InputError for another order.
    """
    if not 0 <= order <= HIGHEST_ORDER:
        raise InputError(f"ambisonic order is {order}; use 0 to {HIGHEST_ORDER}")
    x, y, z = -toward[..., 2], -toward[..., 0], toward[..., 1]
    r3, r15, r58, r38 = np.sqrt(3.0), np.sqrt(15.0), np.sqrt(5.0 / 8.0), np.sqrt(3.0 / 8.0)
    harmonics = [
        np.ones_like(x),
        y, z, x,
        r3 * x * y, r3 * y * z, 0.5 * (3 * z * z - 1), r3 * x * z, 0.5 * r3 * (x * x - y * y),
        r58 * y * (3 * x * x - y * y), r15 * x * y * z, r38 * y * (5 * z * z - 1), 0.5 * z * (5 * z * z - 3),
        r38 * x * (5 * z * z - 1), 0.5 * r15 * z * (x * x - y * y), r58 * x * (x * x - 3 * y * y),
    ]  # fmt: skip
    for n in range(4, order + 1):
        harmonics += _degree(n, x, y, z)
    return np.stack(harmonics[: (order + 1) ** 2], -1)


def _degree(n: int, x: np.ndarray, y: np.ndarray, z: np.ndarray) -> list[np.ndarray]:
    """Return the 2 n + 1 harmonics of one degree, by the recurrence of associated Legendre functions without their sine."""
    out: dict[int, np.ndarray] = {}
    around = np.ones_like(x) + 0j  # (x + i y)^m
    for m in range(n + 1):
        before, legendre = np.zeros_like(z), np.full_like(z, float(factorial2(2 * m - 1)) if m else 1.0)
        for k in range(m + 1, n + 1):
            before, legendre = legendre, ((2 * k - 1) * z * legendre - (k + m - 1) * before) / (k - m)
        norm = np.sqrt((1.0 if m == 0 else 2.0) * factorial(n - m) / factorial(n + m))
        out[m] = norm * legendre * around.real
        if m:
            out[-m] = norm * legendre * around.imag
        around = around * (x + 1j * y)
    return [out[m] for m in range(-n, n + 1)]


class Microphone:
    """A point microphone of ambisonic order 0 to 7; order 0 is an omnidirectional mono microphone."""

    def __init__(self, order: int, sample_rate_hz: int) -> None:
        """Create a microphone of order 0 to 7."""
        self.order, self.sample_rate_hz = order, sample_rate_hz
        self.channels = (order + 1) ** 2
        self.diffuse = np.ones((self.channels, SPECTRUM // 2 + 1), np.complex128)

    def paths(self, toward: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Return flat spectra (K, C, SPECTRUM/2 + 1) and zero delays (K, C) for K directions (K, 3)."""
        weights = encode(toward, self.order)
        return weights[..., None] * self.diffuse, np.zeros(weights.shape)

    def bands(self, toward: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Return gains (K, C, 8) and zero delays (K, C, 8) for K directions (K, 3)."""
        weights = np.repeat(encode(toward, self.order)[..., None], len(LATE_HZ), -1)
        return weights, np.zeros(weights.shape)
