"""Head-related transfer functions: the response of both ears to sound from any direction.

A measured response is split into its minimum-phase part and a pure delay (Kistler and Wightman 1992). Both are interpolated
linearly over the spherical triangle of measured directions around the given one, so that they are continuous as the head
turns. Level: a diffuse field has the same energy at the ears as at the centre of the head without the head.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

import numpy as np
from scipy import fft
from scipy.spatial import ConvexHull, QhullError

from dataset.angles import direction
from simulator.acoustics.bands import LATE_HZ, minimum_phase, windows
from simulator.errors import InputError
from simulator.kernels import kernel
from simulator.receivers.sofa import BUNDLED, Measurement, read_sofa

SPECTRUM = 512
"""Points of the Fourier transform of a response."""
UPSAMPLING = 8
"""Delays are first searched on a grid finer than the sampling interval by this factor."""
LEVEL_RATE_HZ = 16000
"""The diffuse-field level is that of the frequencies below half of this rate, at any sample rate."""
CHUNK = 64
"""Responses whose peaks are searched at a time: small enough for the processor cache."""


@dataclass(frozen=True, eq=False)
class Ears:
    """A receiver of C = 2 channels (left ear, right ear); directions are in the frame of the head (+Y up, -Z ahead)."""

    channels = 2
    sample_rate_hz: int
    directions: np.ndarray
    """(M, 3) unit vectors of measured directions, with added poles where the measurement has none."""
    triangles: np.ndarray
    """(T, 3) int: the spherical triangles between them."""
    inverse: np.ndarray
    """(T, 3, 3): maps a direction to its weights on the corners of the triangle."""
    responses: np.ndarray
    """(M, 2, n) minimum-phase responses at `sample_rate_hz`."""
    delay_s: np.ndarray
    """(M, 2) delay at each ear relative to the arrival at the centre of the head, s."""
    band_gain: np.ndarray
    """(M, 2, 8) pressure gain in each of the bands LATE_HZ."""
    band_delay_s: np.ndarray
    """(M, 2, 8) the same by band, s."""
    diffuse: np.ndarray
    """(2, SPECTRUM/2 + 1) complex: diffuse-field response relative to the band gains."""
    title: str
    sha256: str
    notes: tuple[str, ...] = ()
    """What was corrected in the file."""

    def paths(self, toward: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Return spectra (K, 2, SPECTRUM/2 + 1) without delay, and delays (K, 2) s, for K directions (K, 3)."""
        corner, weight = self._weights(toward)
        spectra = fft.rfft(np.einsum("kc,kcen->ken", weight, self.responses[corner]), SPECTRUM)
        return spectra, np.einsum("kc,kce->ke", weight, self.delay_s[corner])

    def bands(self, toward: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Return gains (K, 2, 8) and delays (K, 2, 8) s of the bands LATE_HZ for K directions (K, 3)."""
        corner, weight = self._weights(toward)
        gain = np.einsum("kc,kceb->keb", weight, self.band_gain[corner])
        return gain, np.einsum("kc,kceb->keb", weight, self.band_delay_s[corner])

    def _weights(self, toward: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Return the triangle of each direction: corners (K, 3) and weights (K, 3) that sum to 1."""
        best, weight = _locate(self.inverse, np.ascontiguousarray(toward, np.float64))
        return self.triangles[best], weight


@lru_cache(maxsize=4)
def load_ears(path: Path | None, sample_rate_hz: int) -> Ears:
    """Read a SOFA file (None: the bundled KEMAR) and prepare it for a sample rate; cached by file and rate.

    Raises InputError where the file is not a usable SimpleFreeFieldHRIR measurement.
    """
    return prepare(read_sofa(path or BUNDLED), sample_rate_hz)


def prepare(measured: Measurement, sample_rate_hz: int) -> Ears:
    """Split measured responses into minimum phase and delay, and triangulate their directions.

    Raises InputError where the directions do not surround the head.
    """
    spectra, magnitude = _transfer(measured, sample_rate_hz)
    delay = _ear_delays(spectra, magnitude, sample_rate_hz)
    lag = _band_lags(spectra, delay[:, 0] - delay[:, 1], sample_rate_hz)
    band_delay = delay.mean(1)[:, None, None] + 0.5 * lag[:, None] * np.array([[1.0], [-1.0]])
    directions, pole_sources = _close_poles(measured.directions)
    triangles = _triangulate(directions, measured.title)
    area = _vertex_areas(directions, triangles)
    audible = magnitude if sample_rate_hz == LEVEL_RATE_HZ else _transfer(measured, LEVEL_RATE_HZ)[1]
    level = np.sqrt(np.einsum("m,mef->", area, _with_poles(audible, pole_sources) ** 2) / (2 * audible.shape[-1]))
    magnitude = _with_poles(magnitude, pole_sources) / level
    delay, band_delay = _with_poles(delay, pole_sources), _with_poles(band_delay, pole_sources)
    front = _nearest(directions, direction(0.0, 0.0))
    gain = _band_gain(magnitude, sample_rate_hz)
    return Ears(
        sample_rate_hz=sample_rate_hz,
        directions=directions,
        triangles=triangles,
        inverse=np.linalg.inv(np.swapaxes(directions[triangles], 1, 2)),
        responses=_faded(fft.irfft(minimum_phase(magnitude), SPECTRUM)),
        delay_s=delay - delay[front].mean(),
        band_gain=gain,
        band_delay_s=band_delay - delay[front].mean(),
        diffuse=_fine_structure(magnitude, gain, area, sample_rate_hz),
        title=measured.title,
        sha256=measured.sha256,
        notes=measured.notes,
    )


def _transfer(measured: Measurement, sample_rate_hz: int) -> tuple[np.ndarray, np.ndarray]:
    """Return spectra (M, 2, SPECTRUM/2 + 1) complex up to half the sample rate, and their magnitudes.

    The Fourier transform of the measured samples is evaluated at these frequencies, so there is no resampling filter. Above
    half the measured rate the spectrum is zero and the magnitude keeps its last value. The silence before the first onset is
    removed: only differences of delay matter.
    """
    rate, responses = measured.sample_rate_hz, measured.responses
    loud = np.abs(responses) > 0.1 * np.abs(responses).max(-1, keepdims=True)
    first = max(0, int(loud.argmax(-1).min() - 1e-3 * rate))
    responses = responses[..., first : first + int(SPECTRUM * rate / sample_rate_hz)]
    f = np.linspace(0.0, sample_rate_hz / 2, SPECTRUM // 2 + 1)
    turn = 2.0 * np.pi * np.arange(responses.shape[-1])[:, None] * np.minimum(f, rate / 2) / rate
    spectra = responses @ np.cos(turn) - 1j * (responses @ np.sin(turn))
    return spectra * (f <= rate / 2), np.abs(spectra)


def _triangulate(directions: np.ndarray, title: str) -> np.ndarray:
    """Return the triangles (T, 3) between directions; raise InputError where their hull does not contain the centre."""
    try:
        hull = ConvexHull(directions)
    except QhullError:
        hull = None
    if hull is None or hull.equations[:, 3].max() > -0.1:
        raise InputError(f"HRTF {title} covers less than half of all directions; use a measurement all around the head")
    return hull.simplices


@kernel()
def _locate(inverse: np.ndarray, toward: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return the triangle (K,) that contains each direction (K, 3), and its weights (K, 3) on the corners."""
    best = np.zeros(len(toward), np.int64)
    weight = np.zeros((len(toward), 3))
    for k in range(len(toward)):
        highest = -np.inf
        x, y, z = toward[k]
        for t in range(len(inverse)):
            m = inverse[t]
            u = m[0, 0] * x + m[0, 1] * y + m[0, 2] * z
            v = m[1, 0] * x + m[1, 1] * y + m[1, 2] * z
            w = m[2, 0] * x + m[2, 1] * y + m[2, 2] * z
            lowest = min(u, v, w)
            if lowest > highest:
                highest, best[k] = lowest, t
                weight[k] = max(u, 0.0), max(v, 0.0), max(w, 0.0)
            if lowest >= 0.0:
                break
        weight[k] /= weight[k].sum()
    return best, weight


def _ear_delays(spectra: np.ndarray, magnitude: np.ndarray, sample_rate_hz: int) -> np.ndarray:
    """Return the delay (M, 2) s of each ear with which the minimum-phase responses have the measured interaural delay."""
    smooth = minimum_phase(magnitude)
    delay = _peak_delay(spectra * np.conj(smooth), sample_rate_hz)
    # The peak of the excess phase differs by some 30 us from the interaural cross-correlation: correct the difference.
    missing = _lag(spectra, sample_rate_hz) - _lag(_shifted(smooth, delay, sample_rate_hz), sample_rate_hz)
    missing = np.where(np.abs(missing) < 1e-4, missing, 0.0)
    return delay + 0.5 * missing[:, None] * np.array([1.0, -1.0])


def _band_lags(spectra: np.ndarray, lag_s: np.ndarray, sample_rate_hz: int) -> np.ndarray:
    """Return the lag of the left ear behind the right in each band, (M, 8) s, from the interaural phase up to 1 kHz.

    Diffraction makes it longer at low frequencies (Kuhn 1977). Above 1 kHz the phase is ambiguous by whole turns, and the
    broadband lag lag_s (M,) is used.
    """
    f = np.linspace(0.0, sample_rate_hz / 2, spectra.shape[-1])
    aligned = spectra[:, 0] * np.conj(spectra[:, 1]) * np.exp(2j * np.pi * f * lag_s[:, None])
    centre = np.asarray(LATE_HZ)
    phase = np.angle(aligned @ (windows(len(f), sample_rate_hz, LATE_HZ) ** 2).T)
    return lag_s[:, None] - np.where(centre <= 1000.0, phase / (2.0 * np.pi * centre), 0.0)


def _lag(spectra: np.ndarray, sample_rate_hz: int) -> np.ndarray:
    """Return the lag of the left ear behind the right, the peak of their cross-correlation; spectra (M, 2, F), result (M,) s."""
    cross = spectra[:, 0] * np.conj(spectra[:, 1])
    early = np.full(cross.shape[0], 2e-3)
    return _peak_delay(_shifted(cross, early, sample_rate_hz), sample_rate_hz) - early


def _shifted(spectra: np.ndarray, delay_s: np.ndarray, sample_rate_hz: int) -> np.ndarray:
    turn = 2.0 * np.pi * np.linspace(0.0, sample_rate_hz / 2, spectra.shape[-1])
    return spectra * np.exp(-1j * delay_s[..., None] * turn)


def _peak_delay(spectra: np.ndarray, sample_rate_hz: int) -> np.ndarray:
    """Return the time of the peak of spectra (..., F): upsampling, then a parabola through three points; (...) s."""
    n = SPECTRUM * UPSAMPLING
    flat = spectra.reshape(-1, spectra.shape[-1])
    out = np.empty(len(flat))
    for first in range(0, len(flat), CHUNK):
        signal = fft.irfft(flat[first : first + CHUNK], n)
        # The second half of the circular time axis is negative time.
        top = np.clip(signal[:, : n // 2].argmax(1), 1, n // 2 - 2)
        before, at, after = (signal[np.arange(len(top)), top + d] for d in (-1, 0, 1))
        bend = before - 2 * at + after
        out[first : first + CHUNK] = top + 0.5 * (before - after) / np.where(bend < 0, bend, -np.inf)
    return out.reshape(spectra.shape[:-1]) / (UPSAMPLING * sample_rate_hz)


def _close_poles(directions: np.ndarray) -> tuple[np.ndarray, list[np.ndarray]]:
    """Add a zenith and a nadir where none was measured; return with each the rows whose mean it takes."""
    extra, pole_sources = [], []
    for sign in (1.0, -1.0):
        height = sign * directions[:, 1]
        if height.max() < np.sin(np.deg2rad(85.0)):
            extra.append([0.0, sign, 0.0])
            pole_sources.append(np.flatnonzero(height > height.max() - 0.01))
    return np.concatenate([directions, np.reshape(extra, (-1, 3))]), pole_sources


def _with_poles(values: np.ndarray, pole_sources: list[np.ndarray]) -> np.ndarray:
    """Append to values (M, ...) the mean over the source rows of each added pole."""
    return np.concatenate([values, *(values[r].mean(0, keepdims=True) for r in pole_sources)])


def _nearest(directions: np.ndarray, wanted: np.ndarray) -> int:
    return int((directions @ wanted).argmax())


def _vertex_areas(directions: np.ndarray, triangles: np.ndarray) -> np.ndarray:
    """Return the share of the sphere of each direction, (M,) summing to 1, from the areas of its triangles."""
    a, b, c = (directions[triangles[:, k]] for k in range(3))
    third = np.linalg.norm(np.cross(b - a, c - a), axis=1)
    area = np.bincount(triangles.ravel(), np.repeat(third, 3), len(directions))
    return area / area.sum()


def _band_gain(magnitude: np.ndarray, sample_rate_hz: int) -> np.ndarray:
    weight = windows(magnitude.shape[-1], sample_rate_hz, LATE_HZ) ** 2
    return np.sqrt(magnitude**2 @ weight.T / np.maximum(weight.sum(1), 1e-12))


def _fine_structure(magnitude: np.ndarray, gain: np.ndarray, area: np.ndarray, sample_rate_hz: int) -> np.ndarray:
    """Return the minimum-phase diffuse-field spectrum of each ear relative to its band gains."""
    fine = np.sqrt(np.einsum("m,mef->ef", area, magnitude**2))
    coarse = np.sqrt(np.einsum("m,meb->eb", area, gain**2)) @ windows(magnitude.shape[-1], sample_rate_hz, LATE_HZ)
    return minimum_phase(fine / coarse)


def _faded(responses: np.ndarray) -> np.ndarray:
    """Truncate minimum-phase responses to 3/8 of the transform, so that delays and band gains fit into the rest."""
    keep = 3 * SPECTRUM // 8
    fade = np.ones(keep)
    fade[-32:] = 0.5 + 0.5 * np.cos(np.pi * np.arange(1, 33) / 33)
    return responses[..., :keep] * fade
