"""Microphones around one point: their positions, directions and directivities."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

from simulator.acoustics.arrivals import BANDS_HZ
from simulator.acoustics.bands import LATE_HZ, path_spectra, windows_at
from simulator.acoustics.directivity import FIRST_ORDER
from simulator.errors import InputError
from simulator.finite import finite_numbers
from simulator.receivers.hrtf import SPECTRUM

Pattern = Callable[[np.ndarray], np.ndarray]
"""Maps unit directions (K, 3) in the head's frame to pressure gains (K, C), or (K, C, 7) by octave band from 125 Hz."""
RADIUS_M = 0.5
"""Greatest distance of a microphone from the centre: its delay stays below `receiver.LONGEST_DELAY_S`."""


class MicrophoneArray:
    """C microphones within 0.5 m of the listener's position, a receiver of `simulate_brirs`.

    Sound arrives as plane waves: a microphone at p receives a wave from the unit direction d earlier by p . d / c than the
    centre, with the level at the centre times its directivity. Sources much farther away than the array is wide are assumed.
    """

    def __init__(self, positions: ArrayLike, pattern: str | Pattern = "omnidirectional", facing: ArrayLike = (0, 0, -1)) -> None:
        """Place C microphones in the frame of the head: +Y up, -Z ahead, -X left.

        positions: (C, 3) or (3,), m. pattern: a first-order pattern p + (1 - p) cos(angle), such as cardioid or figure_eight, or
        a function from unit directions (K, 3) to real pressure gains (K, C), or (K, C, 7) by octave band. facing: (3,) or (C, 3),
        the front of first-order patterns. Raises InputError.
        """
        self.positions = _vectors("positions", positions)
        self.channels = len(self.positions)
        self.pattern = _first_order(pattern, facing, self.channels) if isinstance(pattern, str) else pattern
        farthest = float(np.linalg.norm(self.positions, axis=1).max())
        if farthest > RADIUS_M:
            raise InputError(
                f"a microphone is {farthest:g} m from the centre of its array; at most {RADIUS_M:g} m are expected: "
                "simulate distant microphones as listeners of their own"
            )

    def receiver(self, sample_rate_hz: int, speed_m_s: float) -> ArrayReceiver:
        """Return the receiver for a sample rate and a speed of sound."""
        flat = np.ones((self.channels, SPECTRUM // 2 + 1), np.complex128)
        return ArrayReceiver(self.positions, self.pattern, speed_m_s, sample_rate_hz, flat)


@dataclass(frozen=True, eq=False)
class ArrayReceiver:
    """A receiver of C channels, one for each microphone of an array."""

    positions: np.ndarray
    """(C, 3), m, in the frame of the head."""
    pattern: Pattern
    speed_m_s: float
    sample_rate_hz: int
    diffuse: np.ndarray
    """(C, SPECTRUM/2 + 1) complex: 1, since the gains hold the whole directivity."""

    @property
    def channels(self) -> int:
        """Number of microphones, C."""
        return len(self.positions)

    def paths(self, toward: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Return minimum-phase spectra (K, C, SPECTRUM/2 + 1) and delays (K, C) s for K directions (K, 3)."""
        sign, size = self._gains(toward)
        spectra = path_spectra(size, self.diffuse.shape[-1], self.sample_rate_hz)
        return sign[..., None] * spectra, self._delays(toward)

    def bands(self, toward: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Return gains (K, C, 8) and delays (K, C, 8) s of the bands LATE_HZ for K directions (K, 3)."""
        sign, size = self._gains(toward)
        gain = sign[..., None] * (size @ windows_at(np.asarray(LATE_HZ)))
        return gain, np.repeat(self._delays(toward)[..., None], len(LATE_HZ), -1)

    def _delays(self, toward: np.ndarray) -> np.ndarray:
        return -(toward @ self.positions.T) / self.speed_m_s

    def _gains(self, toward: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Return the sign (K, C) and the magnitude by octave band (K, C, 7) of the gains."""
        gain = np.asarray(self.pattern(toward), np.float64)
        shape = (len(toward), self.channels)
        if gain.shape not in (shape, (*shape, len(BANDS_HZ))) or not np.isfinite(gain).all():
            raise InputError(
                f"pattern returns an array of shape {gain.shape} for {len(toward)} directions; "
                f"finite gains of shape {shape} or {(*shape, len(BANDS_HZ))} are expected"
            )
        gain = gain if gain.ndim == 3 else np.repeat(gain[..., None], len(BANDS_HZ), -1)
        if ((gain.min(-1) < 0) & (gain.max(-1) > 0)).any():
            raise InputError(
                "pattern returns gains of both signs in one direction; one sign in all bands is expected: "
                "write a receiver of your own (see docs/python.md)"
            )
        return np.where(gain.min(-1) < 0, -1.0, 1.0), np.abs(gain)


def _first_order(name: str, facing: ArrayLike, channels: int) -> Pattern:
    """Return the gains of a first-order pattern, negative in its rear lobe."""
    if name not in FIRST_ORDER:
        raise InputError(f"pattern is {name!r}; choose one of {', '.join(sorted(FIRST_ORDER))}, or pass a function")
    front, p = _vectors("facing", facing), FIRST_ORDER[name]
    length = np.linalg.norm(front, axis=1, keepdims=True)
    if len(front) not in (1, channels) or (length == 0).any():
        raise InputError(f"facing has shape {front.shape}; one vector, or {channels}, each longer than 0, are expected")
    front = np.broadcast_to(front / length, (channels, 3))
    return lambda toward: p + (1.0 - p) * (toward @ front.T)


def _vectors(name: str, values: ArrayLike) -> np.ndarray:
    array = np.atleast_2d(finite_numbers(name, values))
    if array.ndim != 2 or array.shape[1] != 3:
        raise InputError(f"{name} has shape {array.shape}; (3,) or (microphones, 3) is expected: x, y, z in the head's frame")
    return array
