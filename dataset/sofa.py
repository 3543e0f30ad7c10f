"""What all SOFA files (AES69) share: texts, onset delays, and which channel of the responses is the left ear."""

from __future__ import annotations

from typing import Any

import numpy as np

LATERAL = 0.5
"""Directions count as lateral where the sine of their angle from the median plane is at least this."""
CLEAR = 0.5
"""Smallest correlation at which a cue, over the lateral directions, decides which channel is the left ear."""


def text(value: Any) -> str:
    """Return an attribute's text, which files store as bytes or as a string."""
    return value.decode() if isinstance(value, bytes) else str(value)


def delayed(responses: np.ndarray, delay: np.ndarray) -> np.ndarray:
    """Delay responses (..., N) by the stored onset delays (...), in samples; only their differences matter."""
    if not delay.any():
        return responses
    delay = delay - min(0.0, delay.min())
    n = responses.shape[-1] + int(np.ceil(delay.max())) + 1
    spectrum = np.fft.rfft(responses, 2 * n)
    shift = np.exp(-2j * np.pi * np.arange(n + 1) / (2 * n) * delay[..., None])
    return np.fft.irfft(spectrum * shift, 2 * n)[..., :n]


def ear_cues(responses: np.ndarray, side: np.ndarray) -> tuple[float, float]:
    """Return how level and arrival go with the side of the source: two correlations, +1 where channel 0 is the left ear.

    responses: (M, 2, N), none silent. side: (M,) sine of the lateral angle, left positive. Over the lateral directions only; a
    cue without enough of them is 0.
    """
    lateral = np.abs(side) >= LATERAL
    side, chosen = side[lateral], responses[lateral]
    energy = (chosen**2).sum(-1)
    peak = np.abs(chosen).max(-1, keepdims=True)
    onset = (np.abs(chosen) >= 0.1 * peak).argmax(-1)
    louder = _correlation(side, np.log(energy[:, 0] / energy[:, 1]))
    earlier = _correlation(side, (onset[:, 1] - onset[:, 0]).astype(np.float64))
    return louder, earlier


def left_channel(louder: float, earlier: float) -> int | None:
    """Return the channel, 0 or 1, of the left ear by `ear_cues`: sound from the left reaches it earlier and louder.

    None where the cues contradict each other or both are below CLEAR.
    """
    if max(abs(louder), abs(earlier)) < CLEAR or (min(abs(louder), abs(earlier)) >= CLEAR and louder * earlier < 0):
        return None
    return int(louder + earlier < 0)


def _correlation(a: np.ndarray, b: np.ndarray) -> float:
    """Return Pearson's correlation of (K,) values; 0 where either is constant."""
    if len(a) < 2 or np.ptp(a) == 0 or np.ptp(b) == 0:
        return 0.0
    return float(np.corrcoef(a, b)[0, 1])
