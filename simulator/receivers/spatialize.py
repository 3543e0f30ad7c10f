"""Responses of a receiver from arrivals: traced once, spatialised for any number of headings.

Individual paths are filtered with the full response of the receiver for their own direction; the energy histogram is handled
by `late_reverb.py`.
"""

from __future__ import annotations

import numpy as np
from scipy import fft, signal

from dataset.angles import forward, leftward
from simulator.acoustics.arrivals import Arrivals, Paths
from simulator.acoustics.bands import path_spectra
from simulator.kernels import kernel
from simulator.receivers.energy_matching import match_energy
from simulator.receivers.late_reverb import late_responses
from simulator.receivers.receiver import LEAD, Receiver


def spatialize(
    arrivals: Arrivals,
    receiver: Receiver,
    headings_deg: np.ndarray,
    direct_length: int,
    indirect_length: int,
    rng: np.random.Generator,
) -> tuple[np.ndarray, np.ndarray]:
    """Return responses for V headings: direct (V, S, C, Td) and indirect (V, S, C, Ti), float32, time zero at emission.

    headings_deg: (V,) degrees, left positive. The same random sequence serves all headings and channels.
    """
    sources = len(arrivals.energy)
    direct = _path_responses(arrivals.direct, arrivals, receiver, headings_deg, sources, direct_length)
    images = _path_responses(arrivals.images, arrivals, receiver, headings_deg, sources, indirect_length)
    indirect = images + _late(arrivals, images, receiver, headings_deg, rng)
    return direct.astype(np.float32), indirect.astype(np.float32)


def late_part(
    arrivals: Arrivals, receiver: Receiver, headings_deg: np.ndarray, length: int, rng: np.random.Generator
) -> np.ndarray:
    """Return the late sound alone of the indirect responses of `spatialize`: (V, S, C, length)."""
    images = _path_responses(arrivals.images, arrivals, receiver, headings_deg, len(arrivals.energy), length)
    return _late(arrivals, images, receiver, headings_deg, rng)


def _late(
    arrivals: Arrivals, images: np.ndarray, receiver: Receiver, headings_deg: np.ndarray, rng: np.random.Generator
) -> np.ndarray:
    tables = [receiver.bands(to_head(late_directions(arrivals.cells), h)) for h in headings_deg]
    gain, delay = (np.stack(x) for x in zip(*tables, strict=True))
    late = late_responses(arrivals.energy, arrivals.bin_s, gain, delay, receiver, images.shape[-1], rng)
    return match_energy(late, images, receiver.sample_rate_hz)


def to_head(directions: np.ndarray, heading_deg: float) -> np.ndarray:
    """Rotate (K, 3) world directions into the frame of a head with that heading."""
    ahead, left = forward(heading_deg), leftward(heading_deg)
    return np.stack([-directions @ left, directions[:, 1], -directions @ ahead], -1)


def late_directions(cells: np.ndarray, parts: int = 4) -> np.ndarray:
    """Return `parts` directions inside each of D cells, (D * parts, 3), cell by cell: finer directions for late sound."""
    radius = np.sqrt(2.0 / len(cells))
    side = np.cross(cells, np.where(np.abs(cells[:, 1:2]) < 0.9, [[0.0, 1.0, 0.0]], [[1.0, 0.0, 0.0]]))
    side /= np.linalg.norm(side, axis=1, keepdims=True)
    other = np.cross(cells, side)
    turn = 2.0 * np.pi * (np.arange(parts) + 0.5) / parts
    spread = np.cos(turn)[:, None] * side[:, None] + np.sin(turn)[:, None] * other[:, None]
    out = cells[:, None] + radius * spread
    return (out / np.linalg.norm(out, axis=-1, keepdims=True)).reshape(-1, 3)


def convolve(mono: np.ndarray, response: np.ndarray) -> np.ndarray:
    """Convolve (..., L) sound with (..., T) responses, leading axes broadcast; the result is truncated to L samples."""
    return signal.oaconvolve(mono, response, axes=-1)[..., : mono.shape[-1]]


def _path_responses(
    paths: Paths, arrivals: Arrivals, receiver: Receiver, headings_deg: np.ndarray, sources: int, length: int
) -> np.ndarray:
    out = np.zeros((len(headings_deg), sources, receiver.channels, length))
    if len(paths.source) == 0:
        return out
    rate, count = receiver.sample_rate_hz, receiver.diffuse.shape[-1]
    color = path_spectra(paths.gain, count, rate)
    for view, heading in enumerate(headings_deg):
        spectra, delay = receiver.paths(to_head(paths.direction, heading))
        at = (paths.distance[:, None] / arrivals.speed_m_s + delay) * rate - LEAD
        start = np.floor(at).astype(np.int64)
        spectra = spectra * color[:, None] * fft.rfft(pulse(at - start), 2 * (count - 1))
        pulses = fft.irfft(spectra, 2 * (count - 1))
        _add(out[view], paths.source, start, pulses)
    return out


def pulse(fraction: np.ndarray) -> np.ndarray:
    """Return unit pulses (..., 2 LEAD + 2) that peak `fraction` of a sample after sample LEAD: sinc under a Hann window.

    The window limits the length of a pulse between two samples; it attenuates only the last few hundred hertz below half the
    sample rate.
    """
    t = np.arange(2 * LEAD + 2) - LEAD - fraction[..., None]
    return np.sinc(t) * (0.5 + 0.5 * np.cos(np.pi * np.clip(t / (LEAD + 1), -1.0, 1.0)))


@kernel()
def _add(out: np.ndarray, source: np.ndarray, start: np.ndarray, pulses: np.ndarray) -> None:
    """Add (K, C, n) pulses to (S, C, T) responses at their starts (K, C)."""
    for k in range(pulses.shape[0]):
        for c in range(pulses.shape[1]):
            for i in range(pulses.shape[2]):
                t = start[k, c] + i
                if 0 <= t < out.shape[2]:
                    out[source[k], c, t] += pulses[k, c, i]
