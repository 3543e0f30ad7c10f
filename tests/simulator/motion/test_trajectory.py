"""Trajectories and the steps along them."""

from __future__ import annotations

import numpy as np
import pytest

from simulator.errors import InputError
from simulator.motion.steps import steps
from simulator.motion.trajectory import Trajectory


def test_it_passes_through_its_moments_and_stands_still_outside_them() -> None:
    path = Trajectory([1.0, 2.0, 4.0], [[0, 0, 0], [1, 0, 0], [1, 0, 2]], [350.0, 10.0, 0.0])
    np.testing.assert_allclose(
        path.position(np.array([0.0, 1.0, 2.0, 4.0, 9.0])), [[0, 0, 0], [0, 0, 0], [1, 0, 0], [1, 0, 2], [1, 0, 2]]
    )
    heading = path.heading(np.linspace(0, 5, 200))
    assert heading.min() == pytest.approx(350.0) and heading.max() == pytest.approx(370.0, abs=0.1)  # the shorter way
    x = path.position(np.linspace(0, 5, 200))
    assert x.min() >= 0 and x[:, 0].max() <= 1 and x[:, 2].max() <= 2  # nothing overshoots


def test_it_can_be_moved_to_another_origin() -> None:
    path = Trajectory([0.0, 1.0], [[1e6, 0, 0], [1e6 + 1, 0, 0]])
    np.testing.assert_allclose(path.moved(np.array([1e6, 0, 0])).position(np.array([0.5])), [[0.5, 0, 0]])


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (([0.0, 0.0], [[0, 0, 0]] * 2), "do not increase"),
        (([0.0, 1.0], [[0, 0, 0]] * 3), r"positions of shape \(3, 3\) for 2 times"),
        (([0.0], [[0, 0]]), "positions of shape"),
        (([0.0, 1.0], [0, 0, 0], [1.0]), "1 headings for 2 times"),
        (([0.0, np.nan], [0, 0, 0]), "NaN or infinite"),
        ((["a"], [0, 0, 0]), "numbers are expected"),
    ],
)
def test_what_is_no_trajectory_is_refused(arguments: tuple[object, ...], said: str) -> None:
    with pytest.raises(InputError, match=said):
        Trajectory(*arguments)


def test_steps_divide_progress_evenly_and_their_shares_sum_to_one() -> None:
    time = np.linspace(0, 4, 401)
    progress = np.clip(time - 1, 0, 2) * 1.3  # rests, moves 2.6 m, rests
    found = steps(time, progress, 0.5)
    assert len(found.time_s) == 7  # 6 equal steps of at most 0.5
    np.testing.assert_allclose(sum(found.share(k) for k in range(7)), 1.0)
    np.testing.assert_allclose(np.interp(found.time_s, time, progress), np.arange(7) * 2.6 / 6, atol=0.014)


def test_what_does_not_move_has_one_step() -> None:
    found = steps(np.arange(5.0), np.zeros(5), 0.5)
    assert len(found.time_s) == 1 and (found.share(0) == 1).all()
