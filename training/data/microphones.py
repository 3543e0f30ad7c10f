"""The two microphones of a pair of ears: differences of level and spectrum between them, and their own noise."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy import fft

from training.config import SoundSettings

CENTRES_HZ = (125.0, 250.0, 500.0, 1000.0, 2000.0, 4000.0, 8000.0)
"""Octaves whose gains are drawn; between them the gain in dB is interpolated in log-frequency."""
TAPS = 128
"""Length of a microphone's impulse response."""
SPECTRUM = 1024
"""Points of the Fourier transform in which its minimum phase is computed."""


@dataclass(frozen=True)
class Microphones:
    """The left and the right microphone of one set."""

    gain_db: np.ndarray
    """(2, 7): gain in the octaves CENTRES_HZ."""
    noise_rms: np.ndarray
    """(2,): level of their own noise, relative to full scale."""


def record(
    response: np.ndarray, settings: SoundSettings, sample_rate_hz: int, length: int, rng: np.random.Generator
) -> tuple[np.ndarray, np.ndarray]:
    """Return a set's responses (V, S, 2, T) float32 as its microphones record them, and their own noise (V, 2, L).

    Without differences the responses are the same, without noise its length is 0.
    """
    pair = draw_microphones(settings, rng)
    if settings.microphone_level_db > 0 or settings.microphone_spectrum_db > 0:
        response = recorded(response, pair, sample_rate_hz)
    return response, own_noise(pair, len(response), length if settings.microphone_noise_rms > 0 else 0, rng)


def draw_microphones(settings: SoundSettings, rng: np.random.Generator) -> Microphones:
    """Draw the microphones of a set; all parts are drawn, whether or not they are on, so that one does not change the others."""
    level = settings.microphone_level_db * rng.uniform(-0.5, 0.5)
    spectrum = settings.microphone_spectrum_db * rng.standard_normal((2, len(CENTRES_HZ)))
    return Microphones(spectrum + [[level], [-level]], settings.microphone_noise_rms * rng.random(2))


def impulse_responses(gain_db: np.ndarray, sample_rate_hz: int) -> np.ndarray:
    """Return the minimum-phase impulse responses (2, TAPS) float32 of gains (2, 7) in dB.

    Real cepstrum folded to positive time (Oppenheim and Schafer, Discrete-Time Signal Processing, section 12.3).
    """
    f = np.linspace(0, sample_rate_hz / 2, SPECTRUM // 2 + 1)
    position = np.log2(np.maximum(f, 1.0))
    log_gain = np.stack([np.interp(position, np.log2(CENTRES_HZ), one) for one in gain_db]) * (np.log(10) / 20)
    cepstrum = fft.irfft(log_gain, SPECTRUM)
    cepstrum[:, 1 : SPECTRUM // 2] *= 2
    cepstrum[:, SPECTRUM // 2 + 1 :] = 0
    return fft.irfft(np.exp(fft.rfft(cepstrum)), SPECTRUM)[:, :TAPS].astype(np.float32)


def recorded(response: np.ndarray, microphones: Microphones, sample_rate_hz: int) -> np.ndarray:
    """Return responses (..., 2, T) float32 of the ears as these microphones record them, cut to T samples."""
    taps = response.shape[-1]
    size = fft.next_fast_len(taps + TAPS - 1, real=True)
    own = fft.rfft(impulse_responses(microphones.gain_db, sample_rate_hz), size)
    return fft.irfft(fft.rfft(response, size) * own, size)[..., :taps]


def own_noise(microphones: Microphones, views: int, length: int, rng: np.random.Generator) -> np.ndarray:
    """Draw the microphones' own white noise (V, 2, L) float32, relative to full scale."""
    return microphones.noise_rms[:, None].astype(np.float32) * rng.standard_normal((views, 2, length), np.float32)
