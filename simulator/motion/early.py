"""Sound of paths that change: the dry sound with a delay of its own at every sample, and filters that are faded over."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache

import numpy as np
from scipy import fft, signal

from dataset.angles import forward, leftward
from simulator.acoustics.bands import path_spectra
from simulator.kernels import kernel
from simulator.motion.tracks import Track
from simulator.receivers.receiver import LEAD, Receiver
from simulator.receivers.spatialize import pulse

POWERS = 8
"""Powers of the fraction of a sample of which a delayed pulse is a polynomial: errors stay 100 dB below the sound."""


def early_sound(
    tracks: Sequence[Track],
    mono: np.ndarray,
    receiver: Receiver,
    headings_deg: np.ndarray,
    knot: int,
    hold: int,
    speed_m_s: float,
) -> tuple[np.ndarray, np.ndarray]:
    """Return the direct sound and that of the image sources at C channels, each (C, L), for dry sounds (S, L).

    headings_deg: (J,) at the control times, which are `hold` samples apart. Lengths of tracks are known every `knot` samples.
    Filters are computed at the control times, and faded linearly from one to the next.
    """
    taps, controls = 2 * (receiver.diffuse.shape[-1] - 1), len(headings_deg)
    size = fft.next_fast_len(2 * hold + taps, real=True)
    spectrum = np.zeros((2, controls, receiver.channels, size // 2 + 1), np.complex128)
    basis = [_basis(sound) for sound in mono]
    for track in tracks:
        heard = np.flatnonzero(np.any(track.gain != 0, axis=1))
        filters, delay_s = _filters(track, heard, receiver, headings_deg)
        for channel in range(receiver.channels):
            extra = np.interp(np.arange(len(track.length_m)) * knot, np.arange(controls) * hold, delay_s[:, channel])
            delay = (track.length_m / speed_m_s + extra) * receiver.sample_rate_hz
            pieces = _pieces(basis[track.source], delay, knot, hold, heard, controls, taps)
            part = fft.rfft(pieces, size) * fft.rfft(filters[:, channel], size)
            spectrum[int(bool(track.chain)), heard, channel] += part
    parts = fft.irfft(spectrum, size)[..., taps : taps + 2 * hold] * (1.0 - np.abs(np.arange(-hold, hold)) / hold)
    out = np.zeros((2, receiver.channels, (controls + 1) * hold))  # starts one control before the sound
    for j in range(controls):
        out[..., j * hold : (j + 2) * hold] += parts[:, j]
    direct, images = out[..., hold : hold + mono.shape[1]]
    return direct, images


def _filters(track: Track, heard: np.ndarray, receiver: Receiver, headings_deg: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return filters (H, C, taps) of one track at the control times where it is heard, and delays (J, C), s, around them."""
    count = receiver.diffuse.shape[-1]
    near = np.unique(np.clip(heard[:, None] + np.arange(-3, 3), 0, len(headings_deg) - 1))  # sound before rings into a piece
    spectra, delay = receiver.paths(_to_heads(track.direction[near], headings_deg[near]))
    color = path_spectra(track.gain[heard], count, receiver.sample_rate_hz)
    delays = np.zeros((len(headings_deg), receiver.channels))
    delays[near] = delay
    return fft.irfft(spectra[np.searchsorted(near, heard)] * color[:, None], 2 * (count - 1)), delays


def _to_heads(directions: np.ndarray, headings_deg: np.ndarray) -> np.ndarray:
    """Rotate world directions (J, 3) into the frames of heads with headings (J,)."""
    ahead, left = forward(headings_deg), leftward(headings_deg)
    return np.stack([-(directions * left).sum(1), directions[:, 1], -(directions * ahead).sum(1)], -1)


def _pieces(
    basis: np.ndarray, delay: np.ndarray, knot: int, hold: int, heard: np.ndarray, controls: int, taps: int
) -> np.ndarray:
    """Return the delayed sound around the control times `heard`, (H, taps + 2 hold): from one control before to one after.

    delay: (N,) samples, every `knot` samples. Before each piece are the `taps` samples that ring into it.
    """
    needed = np.zeros(controls + 2, bool)
    for near in range(3):
        needed[heard + near] = True
    delayed = np.zeros(taps + (controls + 2) * hold)
    _delay(basis, delay, np.gradient(delay), knot, hold, needed, delayed[taps + hold :])
    first = heard[:, None] * hold + np.arange(taps + 2 * hold)
    return delayed[first]


@cache
def _pulse_powers() -> np.ndarray:
    """Return the taps of a delayed pulse as polynomials of 2 fraction - 1: (POWERS, taps), the constant first."""
    x = np.cos(np.pi * (np.arange(4 * POWERS) + 0.5) / (4 * POWERS))
    return np.polynomial.polynomial.polyfit(x, pulse((x + 1) / 2), POWERS - 1)


def _basis(sound: np.ndarray) -> np.ndarray:
    """Return a sound (L,) convolved with each power of the delayed pulse (Farrow 1988): (L + taps - 1, POWERS)."""
    return np.ascontiguousarray(signal.oaconvolve(sound[None].astype(np.float64), _pulse_powers(), axes=-1).T)


@kernel(error_model="numpy")
def _delay(
    basis: np.ndarray, delay: np.ndarray, slope: np.ndarray, knot: int, hold: int, needed: np.ndarray, out: np.ndarray
) -> None:
    """Write sound(n - delay(n)) to out (L); delay: (N,) samples every `knot` samples, joined by cubics with slopes (N,).

    needed: (J + 2,) whether sound is needed around each control time, every `hold` samples, from one before the first on.
    """
    powers = basis.shape[1]
    for n in range(len(out)):
        j = n // hold + 1  # number of the control before, in `needed`
        if not (needed[j] or needed[min(j + 1, len(needed) - 1)]):
            continue
        k = min(n // knot, len(delay) - 2)
        x = (n - k * knot) / knot
        # Cubic Hermite polynomial.
        a, b, p, q = delay[k], delay[k + 1], slope[k], slope[k + 1]
        late = a + x * (p + x * (3.0 * (b - a) - 2.0 * p - q + x * (2.0 * (a - b) + p + q)))
        whole = int(np.floor(late))
        m = n - whole + LEAD
        if 0 <= m < len(basis):
            place = 2.0 * (late - whole) - 1.0
            total = basis[m, powers - 1]
            for i in range(powers - 2, -1, -1):
                total = total * place + basis[m, i]
            out[n] = total
