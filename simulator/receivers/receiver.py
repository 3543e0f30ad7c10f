"""The interface of receivers: `hrtf.Ears` and `ambisonics.Microphone`.

engines/responses.py builds receivers; a further one needs a setting, a part of Responses and a field of the schema.
"""

from __future__ import annotations

from typing import Protocol

import numpy as np


class Receiver(Protocol):
    """C channels at one point; directions are in the frame of the head (+Y up, -Z ahead, -X left)."""

    @property
    def channels(self) -> int:
        """Number of channels, C."""

    @property
    def sample_rate_hz(self) -> int:
        """Sample rate of all spectra and responses."""

    @property
    def diffuse(self) -> np.ndarray:
        """(C, F) complex: spectrum common to all directions, applied to late sound; the transform has 2 (F - 1) points."""

    def paths(self, toward: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Return spectra (K, C, F) without delay, and delays (K, C) s, for K directions (K, 3)."""

    def bands(self, toward: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Return pressure gains (K, C, 8) and delays (K, C, 8) s of the bands LATE_HZ for K directions (K, 3)."""
