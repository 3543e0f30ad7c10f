"""Sound of paths that change: the dry sound with a delay of its own at every sample, and filters that are faded over."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache

import numpy as np
from scipy import fft

from dataset.angles import forward, leftward
from simulator.acoustics.bands import path_spectra
from simulator.kernels import kernel
from simulator.motion.tracks import Track
from simulator.receivers.receiver import LEAD, Receiver
from simulator.receivers.spatialize import pulse

FRACTIONS = 256
"""Rows of the table of delayed pulses, between which the kernel interpolates: errors stay 90 dB below the sound."""


def early_sound(
    tracks: Sequence[Track],
    mono: np.ndarray,
    receiver: Receiver,
    headings_deg: np.ndarray,
    knot: int,
    hold: int,
    speed_m_s: float,
) -> np.ndarray:
    """Return the sound of all tracks at C channels, (C, L), for dry sounds (S, L).

    headings_deg: (J,) at the control times, which are `hold` samples apart. Lengths of tracks are known every `knot` samples.
    Filters are computed at the control times, and faded linearly from one to the next.
    """
    taps, controls = 2 * (receiver.diffuse.shape[-1] - 1), len(headings_deg)
    size = fft.next_fast_len(2 * hold + taps, real=True)
    spectrum = np.zeros((controls, receiver.channels, size // 2 + 1), np.complex128)
    for track in tracks:
        heard = np.flatnonzero(np.any(track.gain != 0, axis=1))
        filters, delay_s = _filters(track, heard, receiver, headings_deg)
        for channel in range(receiver.channels):
            extra = np.interp(np.arange(len(track.length_m)) * knot, np.arange(controls) * hold, delay_s[:, channel])
            delay = (track.length_m / speed_m_s + extra) * receiver.sample_rate_hz
            pieces = _pieces(mono[track.source], delay, knot, hold, heard, controls, taps)
            spectrum[heard, channel] += fft.rfft(pieces, size) * fft.rfft(filters[:, channel], size)
    parts = fft.irfft(spectrum, size)[..., taps : taps + 2 * hold] * (1.0 - np.abs(np.arange(-hold, hold)) / hold)
    out = np.zeros((receiver.channels, (controls + 1) * hold))  # starts one control before the sound
    for j in range(controls):
        out[:, j * hold : (j + 2) * hold] += parts[j]
    return out[:, hold : hold + mono.shape[1]]


def _filters(track: Track, heard: np.ndarray, receiver: Receiver, headings_deg: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return filters (H, C, taps) of one track at the control times where it is heard, and delays (J, C), s, at all of them."""
    count = receiver.diffuse.shape[-1]
    spectra, delay = receiver.paths(_to_heads(track.direction, headings_deg))
    color = path_spectra(track.gain[heard], count, receiver.sample_rate_hz)
    return fft.irfft(spectra[heard] * color[:, None], 2 * (count - 1)), delay


def _to_heads(directions: np.ndarray, headings_deg: np.ndarray) -> np.ndarray:
    """Rotate world directions (J, 3) into the frames of heads with headings (J,)."""
    ahead, left = forward(headings_deg), leftward(headings_deg)
    return np.stack([-(directions * left).sum(1), directions[:, 1], -(directions * ahead).sum(1)], -1)


def _pieces(
    sound: np.ndarray, delay: np.ndarray, knot: int, hold: int, heard: np.ndarray, controls: int, taps: int
) -> np.ndarray:
    """Return the delayed sound around the control times `heard`, (H, taps + 2 hold): from one control before to one after.

    delay: (N,) samples, every `knot` samples. Before each piece are the `taps` samples that ring into it.
    """
    needed = np.zeros(controls + 2, bool)
    for near in range(3):
        needed[heard + near] = True
    delayed = np.zeros(taps + (controls + 2) * hold)
    _delay(sound.astype(np.float64), delay, np.gradient(delay), knot, hold, needed, _pulses(), delayed[taps + hold :])
    first = heard[:, None] * hold + np.arange(taps + 2 * hold)
    return delayed[first]


@cache
def _pulses() -> np.ndarray:
    return pulse(np.linspace(0.0, 1.0, FRACTIONS + 1))


@kernel(error_model="numpy")
def _delay(
    sound: np.ndarray,
    delay: np.ndarray,
    slope: np.ndarray,
    knot: int,
    hold: int,
    needed: np.ndarray,
    table: np.ndarray,
    out: np.ndarray,
) -> None:
    """Write sound(n - delay(n)) to out (L); delay: (N,) samples every `knot` samples, joined by cubics with slopes (N,).

    needed: (J + 2,) whether sound is needed around each control time, every `hold` samples, from one before the first on.
    """
    taps, rows = table.shape[1], table.shape[0] - 1
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
        place = (late - whole) * rows
        row = min(int(place), rows - 1)
        part = place - row
        total = 0.0
        last = n - whole + LEAD
        for i in range(taps):
            m = last - i
            if 0 <= m < len(sound):
                total += sound[m] * (table[row, i] + part * (table[row + 1, i] - table[row, i]))
        out[n] = total
