"""The interface of receivers: `hrtf.Ears`, `ambisonics.Microphone`, `microphone_array.ArrayReceiver`, or the user's own.

engines/responses.py computes the responses of any of them; what shards hold is another matter: a part of Responses and a field
of the schema.
"""

from __future__ import annotations

from typing import Protocol

import numpy as np
from scipy import fft

from simulator.acoustics.arrivals import sphere_cells
from simulator.acoustics.bands import LATE_HZ
from simulator.errors import InputError
from simulator.receivers.hrtf import SPECTRUM

LONGEST_DELAY_S = 1.5e-3
"""Greatest delay or advance of a channel, for which the direct response is long enough."""
LONGEST_RESPONSE = 3 * SPECTRUM // 8
"""Samples of a response without delay, as of the ears."""
LEAD = 20
"""Half the length, in samples, of the band-limited pulse of an arrival between two samples; it starts this long before."""
OUTSIDE = 0.01
"""Greatest share of energy outside of LONGEST_RESPONSE and LEAD: fractional delays ring beyond them."""
MEMBERS = ("channels", "sample_rate_hz", "diffuse", "paths", "bands")


class Receiver(Protocol):
    """C channels at one point; directions are unit vectors in the frame of the head (+Y up, -Z ahead, -X left).

    Spectra have F = 257 bins up to half the sample rate, those of responses of 512 samples.
    """

    @property
    def channels(self) -> int:
        """Number of channels, C."""

    @property
    def sample_rate_hz(self) -> int:
        """Sample rate of all spectra and responses."""

    @property
    def diffuse(self) -> np.ndarray:
        """(C, F) complex: spectrum common to all directions, applied to late sound."""

    def paths(self, toward: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Return spectra (K, C, F) without delay, at most 192 samples long, and delays (K, C) s, for (K, 3)."""

    def bands(self, toward: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Return pressure gains (K, C, 8) and delays (K, C, 8) s for (K, 3), by the bands LATE_HZ: 125, 250, 500, 707, 1000,
        2000, 4000 and 8000 Hz."""


def check_receiver(receiver: Receiver, sample_rate_hz: int) -> None:
    """Raise InputError unless a receiver has this sample rate and returns finite arrays of the right shapes all around."""
    missing = [name for name in MEMBERS if not hasattr(receiver, name)]
    if missing:
        raise InputError(f"the receiver {type(receiver).__name__} has no {', '.join(missing)}; see simulator.Receiver")
    if receiver.sample_rate_hz != sample_rate_hz:
        raise InputError(
            f"the receiver has a sample rate of {receiver.sample_rate_hz} Hz; {sample_rate_hz} Hz is expected, "
            "the sample_rate_hz of the acoustics settings"
        )
    toward = sphere_cells(64)
    spectra, delays = receiver.paths(toward)
    gains, band_delays = receiver.bands(toward)
    table, bins = (len(toward), receiver.channels), SPECTRUM // 2 + 1
    expected = {
        "diffuse": (receiver.diffuse, (receiver.channels, bins)),
        "spectra of paths": (spectra, (*table, bins)),
        "delays of paths": (delays, table),
        "gains of bands": (gains, (*table, len(LATE_HZ))),
        "delays of bands": (band_delays, (*table, len(LATE_HZ))),
    }
    for name, (array, shape) in expected.items():
        if np.shape(array) != shape or not np.isfinite(array).all():
            raise InputError(f"the receiver's {name} have shape {np.shape(array)}; finite numbers of shape {shape} are expected")
    energy = (fft.irfft(spectra, SPECTRUM) ** 2).sum((0, 1))
    if energy[LONGEST_RESPONSE:-LEAD].sum() > OUTSIDE * energy.sum():
        raise InputError(
            f"the receiver's spectra belong to responses that are not within {-LEAD} to {LONGEST_RESPONSE} samples; "
            "shorten them, and return their delay apart"
        )
    longest = float(max(np.abs(delays).max(), np.abs(band_delays).max()))
    if longest > LONGEST_DELAY_S:
        raise InputError(f"the receiver delays sound by {longest:g} s; at most {LONGEST_DELAY_S:g} s are expected")
