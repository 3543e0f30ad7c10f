"""What listens: anything with channels that answers for directions in its own frame: `hrtf.Ears`, or `ambisonics.Microphone`."""

from __future__ import annotations

from typing import Protocol

import numpy as np


class Receiver(Protocol):
    """C channels that listen at one point; directions are in the head's frame (+Y up, -Z ahead, -X left)."""

    @property
    def channels(self) -> int:
        """Number of channels C."""

    @property
    def sample_rate_hz(self) -> int:
        """Sample rate of all spectra and responses."""

    @property
    def diffuse(self) -> np.ndarray:
        """(C, F) complex: spectrum common to all directions, applied to late sound; F - 1 is half a transform."""

    def paths(self, toward: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Give spectra (K, C, F) without delay, and delays (K, C) s, for K directions (K, 3)."""

    def bands(self, toward: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Give pressure gains (K, C, 8) and delays (K, C, 8) s of the bands LATE_HZ for K directions (K, 3)."""
