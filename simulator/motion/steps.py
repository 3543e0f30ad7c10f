"""Where along a trajectory something is computed, and how the results are faded into each other."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np


@dataclass(frozen=True, eq=False)
class Steps:
    """M steps along a monotone measure of progress, such as the path walked or the angle turned."""

    time_s: np.ndarray
    """(M,) when each step is reached."""
    place: np.ndarray
    """(N,) progress in steps at N times: 2.5 is half-way between steps 2 and 3."""

    def share(self, step: int) -> np.ndarray:
        """Return how near each of the N times is to a step, 1 at the step to 0 at its neighbours; shares sum to 1."""
        return np.maximum(0.0, 1.0 - np.abs(self.place - step))


def steps(time_s: np.ndarray, progress: np.ndarray, most: float) -> Steps:
    """Divide progress (N,), not decreasing, at increasing times (N,) into equal steps of at most `most`.

    Without progress there is one step, at the first time.
    """
    length = float(progress[-1] - progress[0])
    count = int(np.ceil(length / most - 1e-9)) if length > 1e-9 else 0
    if count == 0:
        return Steps(time_s[:1], np.zeros(len(time_s)))
    place = (progress - progress[0]) * (count / length)
    first = np.searchsorted(place, np.arange(count + 1) - 1e-9)
    return Steps(time_s[np.minimum(first, len(time_s) - 1)], place)
