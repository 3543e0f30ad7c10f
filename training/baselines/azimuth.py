"""Azimuth by signal processing: delays and levels between the ears, compared with a spherical head."""

from __future__ import annotations

import numpy as np
from scipy.signal import stft

from training.baselines.spherical_head import ild_slopes, kuhn_itd, woodworth_itd

FRAME = 1024
GRID_DEG = np.arange(-90.0, 90.5, 0.5)
KUHN_BELOW_HZ = 500.0
WOODWORTH_ABOVE_HZ = 3000.0
"""Between the two the delay moves from one limit to the other (Kuhn 1977, figure 3)."""
BANDS_HZ = tuple(float(f) for f in np.geomspace(354.0, 7127.0, 14))
"""Edges of third octaves: 0.35 to 7.1 kHz."""
FLOOR_DB = 40.0
"""Bands this far below the strongest are ignored."""
ONSET_FLOOR_DB = 50.0
PHAT_FLOOR_DB = 60.0


def head_delay(lateral_deg: np.ndarray, frequency_hz: np.ndarray) -> np.ndarray:
    """Return the delay (A, F) s of the right ear for lateral angles (A,): Kuhn's at low frequency, Woodworth's at high."""
    octaves = np.log(np.maximum(frequency_hz, 1.0) / KUHN_BELOW_HZ) / np.log(WOODWORTH_ABOVE_HZ / KUHN_BELOW_HZ)
    high = np.clip(octaves, 0.0, 1.0)
    return kuhn_itd(lateral_deg)[:, None] * (1.0 - high) + woodworth_itd(lateral_deg)[:, None] * high


def gcc_phat_azimuth(sound: np.ndarray, rate_hz: int) -> np.ndarray:
    """Return azimuths (N,), degrees in [-90, 90], left positive, by the delay between the ears.

    sound: (N, 2, L), left and right. The cross spectrum is summed over frames, whitened (PHAT), and correlated with the delays
    of a spherical head at each azimuth; the best azimuth wins. Front and back are ambiguous: the front is returned.
    Source: C. Knapp and G. Carter, IEEE Trans. ASSP 24 (1976), 320-327; delays as in head_delay. Silence gives 0.
    """
    frequency, spectra = _spectra(sound, rate_hz)
    cross = np.sum(spectra[:, 1] * np.conj(spectra[:, 0]), -1)
    return _steered(_whitened(cross), frequency)


def onset_gcc_phat_azimuth(sound: np.ndarray, rate_hz: int) -> np.ndarray:
    """Return azimuths like gcc_phat_azimuth, but from the onsets of sounds, which precede their echoes.

    Each frame's whitened cross spectrum counts by how much its energy, bin by bin, rose since the frame before (as a share, 0
    to 1), and bins 50 dB below the loudest count nothing. Source: the precedence effect as a weight, after J. Huang, N. Ohnishi
    and N. Sugie, IEEE Trans. Instrumentation and Measurement 46 (1997), 842-846.
    """
    frequency, spectra = _spectra(sound, rate_hz)
    energy = np.sum(np.abs(spectra) ** 2, 1)
    before = np.concatenate([energy[..., :1], energy[..., :-1]], -1)
    rise = np.maximum(energy - before, 0.0) / np.maximum(energy, 1e-20)
    rise[energy < 10.0 ** (-ONSET_FLOOR_DB / 10.0) * energy.max((1, 2), keepdims=True)] = 0.0
    return _steered(np.sum(_whitened(spectra[:, 1] * np.conj(spectra[:, 0])) * rise, -1), frequency)


def ild_azimuth(sound: np.ndarray, rate_hz: int) -> np.ndarray:
    """Return azimuths (N,), degrees in [-90, 90], left positive, by the level between the ears.

    sound: (N, 2, L), left and right. The sine of the azimuth is the least-squares fit of the level differences of third octaves,
    in dB, by those of a rigid sphere (spherical_head.ild_slopes), without bands FLOOR_DB below the strongest. Silence gives 0.
    """
    frequency, spectra = _spectra(sound, rate_hz)
    power = np.sum(np.abs(spectra) ** 2, -1)
    band = np.digitize(frequency, BANDS_HZ) - 1
    energy = np.stack([power[..., band == b].sum(-1) for b in range(len(BANDS_HZ) - 1)], -1)
    level = 10.0 * np.log10(np.maximum(energy, 1e-20))
    slopes = ild_slopes(BANDS_HZ) * (level.max(1) > level.max((1, 2))[:, None] - FLOOR_DB)
    sine = np.sum((level[:, 0] - level[:, 1]) * slopes, -1) / np.sum(slopes**2, -1)
    return np.rad2deg(np.arcsin(np.clip(sine, -1.0, 1.0)))


def _spectra(sound: np.ndarray, rate_hz: int) -> tuple[np.ndarray, np.ndarray]:
    """Return frequencies (F,) and the short-time spectra (N, 2, F, T) of (N, 2, L)."""
    frequency, _, spectra = stft(np.asarray(sound, np.float64), rate_hz, nperseg=min(FRAME, sound.shape[-1]), boundary=None)
    return frequency, spectra


def _whitened(cross: np.ndarray) -> np.ndarray:
    """Scale cross spectra (N, F, ...) to magnitude 1, except bins PHAT_FLOOR_DB below the loudest, which hold rounding noise."""
    size = np.abs(cross)
    floor = size.max(tuple(range(1, cross.ndim)), keepdims=True) * 10.0 ** (-PHAT_FLOOR_DB / 10.0)
    return cross / np.maximum(size, np.maximum(floor, 1e-20))


def _steered(cross: np.ndarray, frequency: np.ndarray) -> np.ndarray:
    """Return the azimuth (N,) whose delays fit cross spectra (N, F) best."""
    steer = np.exp(2j * np.pi * frequency * head_delay(GRID_DEG, frequency))
    return _best(np.real(cross @ steer.T), np.abs(cross).sum(-1) > 0)


def _best(score: np.ndarray, audible: np.ndarray) -> np.ndarray:
    """Return the azimuth of the highest of the scores (N, A); 0 for silence."""
    return np.where(audible, GRID_DEG[score.argmax(1)], 0.0)
