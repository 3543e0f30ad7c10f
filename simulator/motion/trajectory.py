"""Where a listener or a source is at each time."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike
from scipy.interpolate import PchipInterpolator

from simulator.errors import InputError
from simulator.finite import finite_numbers


class Trajectory:
    """A position, and for listeners a heading, at every time; it stands still before the first and after the last moment.

    Between the given moments, positions and headings follow monotone cubics (Fritsch and Carlson 1980): velocities are
    continuous, and nothing overshoots. Headings turn the shorter way from one moment to the next.
    """

    def __init__(self, time_s: ArrayLike, position: ArrayLike, heading_deg: ArrayLike = 0.0) -> None:
        """Join K moments.

        time_s: (K,) increasing, s. position: (K, 3), m, or (3,) for one that stays. heading_deg: (K,), left positive, or one
        number. Raises InputError.
        """
        self.time_s = np.atleast_1d(finite_numbers("time_s of a trajectory", time_s))
        count = len(self.time_s)
        if self.time_s.ndim != 1 or (np.diff(self.time_s) <= 0).any():
            raise InputError("the times of a trajectory do not increase; give one time a moment, in their order")
        position = finite_numbers("position of a trajectory", position)
        heading = finite_numbers("heading_deg of a trajectory", heading_deg)
        if position.shape not in ((3,), (count, 3)):
            raise InputError(
                f"the trajectory has positions of shape {position.shape} for {count} times; ({count}, 3) is expected"
            )
        if heading.shape not in ((), (count,)):
            raise InputError(f"the trajectory has {heading.size} headings for {count} times; give one, or one for each time")
        self._position = np.broadcast_to(position, (count, 3)).astype(np.float64)
        self._heading = np.unwrap(np.broadcast_to(heading, (count,)), period=360.0)
        moves = count > 1
        self._curves = tuple(PchipInterpolator(self.time_s, x) for x in (self._position, self._heading)) if moves else ()

    def position(self, time_s: np.ndarray) -> np.ndarray:
        """Return the positions (..., 3), m, at times (...), s."""
        return self._at(0, time_s)

    def heading(self, time_s: np.ndarray) -> np.ndarray:
        """Return the headings (...), degrees, left positive, not wrapped to a circle, at times (...), s."""
        return self._at(1, time_s)

    def moved(self, offset: np.ndarray) -> Trajectory:
        """Return the trajectory in a frame whose origin lies at `offset` (3,), m, of this one's."""
        return Trajectory(self.time_s, self._position - offset, self._heading)

    def _at(self, curve: int, time_s: np.ndarray) -> np.ndarray:
        if not self._curves:
            values = (self._position, self._heading)[curve]
            return np.broadcast_to(values[0], (*np.shape(time_s), *values.shape[1:])).copy()
        return np.asarray(self._curves[curve](np.clip(time_s, self.time_s[0], self.time_s[-1])))
