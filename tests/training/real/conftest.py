"""A head whose responses follow from physics: the spherical head in free field, with a faint tail."""

from __future__ import annotations

import numpy as np
import pytest

from training.baselines.spherical_head import surface_pressure

RATE, TAPS, DELAY = 48000, 2048, 64
AZIMUTHS = np.array([-120.0, -80.0, -40.0, 0.0, 30.0, 60.0, 100.0, 150.0])


def ball_responses(azimuth_deg: np.ndarray) -> np.ndarray:
    """Return the responses (M, 2, TAPS) at RATE of a sphere with ears at +-90 degrees, ears (left, right)."""
    lateral = np.rad2deg(np.arcsin(np.sin(np.deg2rad(azimuth_deg))))
    frequency = np.fft.rfftfreq(TAPS, 1 / RATE)[1:]
    frequency = frequency[frequency < 20000]
    pressure = np.stack([surface_pressure(90 - side * lateral, frequency) for side in (1, -1)], 1)
    spectrum = np.zeros((len(lateral), 2, TAPS // 2 + 1), complex)
    spectrum[..., 1 : len(frequency) + 1] = np.conj(pressure) * np.exp(-2j * np.pi * frequency * DELAY / RATE)
    tail = np.random.default_rng(0).standard_normal((len(lateral), 2, TAPS)) * 10 ** (-3 * np.arange(TAPS) / TAPS) * 2e-3
    return np.fft.irfft(spectrum, TAPS) + tail


@pytest.fixture(scope="session")
def ball() -> tuple[np.ndarray, np.ndarray]:
    """The azimuths (M,) and responses (M, 2, TAPS) of a spherical head; do not change them."""
    return AZIMUTHS, ball_responses(AZIMUTHS)
