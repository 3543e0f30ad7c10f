"""Spectrograms of sounds, for pictures of a data set."""

from __future__ import annotations

import numpy as np


def spectrogram(sound: np.ndarray, window: int = 512, hop: int = 160) -> np.ndarray:
    """Return the level of (L,) sound in dB, (window / 2 + 1, frames): Hann windows, 0 dB = full-scale sine."""
    padded = np.pad(sound, (0, max(window - len(sound), 0)))
    frames = np.lib.stride_tricks.sliding_window_view(padded, window)[::hop] * np.hanning(window)
    return 20 * np.log10(np.abs(np.fft.rfft(frames, axis=-1)).T / (window / 4) + 1e-6)
