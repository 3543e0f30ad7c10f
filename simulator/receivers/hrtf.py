"""Head-related transfer functions: the response of both ears to sound from any direction.

A measured response is split into its minimum-phase part and a pure delay (Kistler and Wightman 1992). Both are interpolated
linearly over the spherical triangle of measured directions around the given one, so that they are continuous as the head
turns. Level: a diffuse field has the same energy at the ears as at the centre of the head without the head.

A head k times as large diffracts a wave k times as long in the same way: at frequency f it has the response of the original at
k f, and all delays are k times as long (Middlebrooks 1999).
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import lru_cache
from pathlib import Path
from typing import Any

import numpy as np
from scipy import fft
from scipy.spatial import ConvexHull, QhullError

from dataset.angles import direction
from simulator.acoustics.bands import LATE_HZ, minimum_phase, windows
from simulator.errors import InputError
from simulator.kernels import kernel
from simulator.receivers.ear_delays import SPECTRUM as SPECTRUM
from simulator.receivers.ear_delays import band_lags, ear_delays
from simulator.receivers.sofa import BUNDLED, Measurement, read_sofa

LEVEL_RATE_HZ = 16000
"""The diffuse-field level is that of the frequencies below half of this rate, at any sample rate."""


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
    level: float
    """Factor by which the measured pressures were divided."""
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


def load_ears(path: Path | None, sample_rate_hz: int, head_scale: float = 1.0) -> Ears:
    """Read a SOFA file (None: the bundled KEMAR) and prepare it for a sample rate and a head `head_scale` times as large.

    The last results are cached. Raises InputError where the file is not a usable SimpleFreeFieldHRIR measurement.
    """
    ears = _prepared(path, sample_rate_hz)
    return ears if head_scale == 1.0 else _resized(path, sample_rate_hz, head_scale)


@lru_cache(maxsize=4)
def _prepared(path: Path | None, sample_rate_hz: int) -> Ears:
    return prepare(read_sofa(path or BUNDLED), sample_rate_hz)


@lru_cache(maxsize=4)
def _resized(path: Path | None, sample_rate_hz: int, head_scale: float) -> Ears:
    return resized(_prepared(path, sample_rate_hz), _measured(path), head_scale)


@lru_cache(maxsize=1)
def _measured(path: Path | None) -> Measurement:
    return read_sofa(path or BUNDLED)


def prepare(measured: Measurement, sample_rate_hz: int) -> Ears:
    """Split measured responses into minimum phase and delay, and triangulate their directions.

    Raises InputError where the directions do not surround the head.
    """
    spectra, magnitude = _transfer(measured, sample_rate_hz)
    delay = ear_delays(spectra, magnitude, sample_rate_hz)
    directions, pole_sources = _close_poles(measured.directions)
    triangles = _triangulate(directions, measured.title)
    audible = magnitude if sample_rate_hz == LEVEL_RATE_HZ else _transfer(measured, LEVEL_RATE_HZ)[1]
    area = _vertex_areas(directions, triangles)
    level = np.sqrt(np.einsum("m,mef->", area, _with_poles(audible, pole_sources) ** 2) / (2 * audible.shape[-1]))
    return Ears(
        sample_rate_hz=sample_rate_hz,
        directions=directions,
        triangles=triangles,
        inverse=np.linalg.inv(np.swapaxes(directions[triangles], 1, 2)),
        **_filters(spectra, magnitude, delay, level, directions, triangles, sample_rate_hz),
        level=float(level),
        title=measured.title,
        sha256=measured.sha256,
        notes=measured.notes,
    )


def resized(ears: Ears, measured: Measurement, head_scale: float) -> Ears:
    """Return the ears of a head `head_scale` times as large as that of `ears`, which were prepared from `measured`.

    The level stays that of the original, so that the gain at f is exactly the original's at head_scale * f.
    """
    # Samples that are farther apart in time by the factor have their spectrum at frequencies lower by it.
    spectra, magnitude = _transfer(replace(measured, sample_rate_hz=measured.sample_rate_hz / head_scale), ears.sample_rate_hz)
    delay = head_scale * ears.delay_s[: len(magnitude)]
    return replace(ears, **_filters(spectra, magnitude, delay, ears.level, ears.directions, ears.triangles, ears.sample_rate_hz))


def _filters(
    spectra: np.ndarray,
    magnitude: np.ndarray,
    delay: np.ndarray,
    level: float,
    directions: np.ndarray,
    triangles: np.ndarray,
    sample_rate_hz: int,
) -> dict[str, Any]:
    """Return what Ears hold by direction, from spectra, magnitudes (M, 2, F) and delays (M, 2) of the measured directions."""
    lag = band_lags(spectra, delay[:, 0] - delay[:, 1], sample_rate_hz)
    band_delay = delay.mean(1)[:, None, None] + 0.5 * lag[:, None] * np.array([[1.0], [-1.0]])
    pole_sources = _close_poles(directions[: len(magnitude)])[1]
    magnitude, delay, band_delay = (_with_poles(values, pole_sources) for values in (magnitude, delay, band_delay))
    magnitude = magnitude / level
    front = _nearest(directions, direction(0.0, 0.0))
    gain = _band_gain(magnitude, sample_rate_hz)
    return {
        "responses": _faded(fft.irfft(minimum_phase(magnitude), SPECTRUM)),
        "delay_s": delay - delay[front].mean(),
        "band_gain": gain,
        "band_delay_s": band_delay - delay[front].mean(),
        "diffuse": _fine_structure(magnitude, gain, _vertex_areas(directions, triangles), sample_rate_hz),
    }


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
    rows = np.ascontiguousarray(responses.reshape(-1, responses.shape[-1]), np.float64)
    spectra = (_product(rows, np.cos(turn)) - 1j * _product(rows, np.sin(turn))).reshape(*responses.shape[:-1], -1)
    return spectra * (f <= rate / 2), np.abs(spectra)


@kernel()
def _product(a: np.ndarray, b: np.ndarray) -> np.ndarray:
    """Return the product (K, F) of (K, N) and (N, F): the same bits with any number of threads, which BLAS does not return."""
    out = np.zeros((a.shape[0], b.shape[1]))
    for k in range(a.shape[0]):
        for n in range(a.shape[1]):
            x = a[k, n]
            for f in range(b.shape[1]):
                out[k, f] += x * b[n, f]
    return out


def check_directions(measured: Measurement) -> None:
    """Raise InputError where the measured directions do not surround the head."""
    _triangulate(_close_poles(measured.directions)[0], measured.title)


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
