"""What evaluation asks of anything that predicts: a network, a supervised bound or a baseline without training."""

from __future__ import annotations

from typing import Protocol

import numpy as np


class Predictor(Protocol):
    """Tells how far a camera turned from two pictures, and where a sound is from two ears; each works alone."""

    name: str
    """As it stands in tables."""
    full_circle: bool
    """Whether `azimuth` tells front from back; if not, its answers are lateral angles in [-90, 90]."""

    def rotation(self, rgb_s: np.ndarray, rgb_t: np.ndarray) -> np.ndarray:
        """Turn heading_t - heading_s between pictures (B, H, W, 3) uint8: (B,) degrees, left positive."""
        ...

    def azimuth(self, sound: np.ndarray, sample_rate: int) -> np.ndarray:
        """Azimuth of binaural clips (B, 2, L) float32, ears (left, right): (B,) degrees in (-180, 180], left positive."""
        ...
