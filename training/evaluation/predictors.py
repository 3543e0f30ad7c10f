"""The interface of methods under evaluation: a network, a supervised bound or a baseline without training."""

from __future__ import annotations

from typing import Protocol

import numpy as np


class Predictor(Protocol):
    """Predicts camera rotation from two pictures, and azimuth from two ears, independently."""

    name: str
    """Name in tables."""
    full_circle: bool
    """Whether `azimuth` covers the full circle; if not, it returns lateral angles in [-90, 90]."""

    def rotation(self, rgb_s: np.ndarray, rgb_t: np.ndarray) -> np.ndarray:
        """Return the turn heading_t - heading_s between pictures (B, H, W, 3) uint8: (B,) degrees, left positive."""
        ...

    def azimuth(self, sound: np.ndarray, sample_rate: int) -> np.ndarray:
        """Return azimuths of binaural clips (B, 2, L) float32, ears (left, right): (B,) degrees in (-180, 180], left positive."""
        ...
