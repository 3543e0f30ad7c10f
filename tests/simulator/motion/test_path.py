"""Walking along a path and turning on the spot: the way is kept, and pace, acceleration and turning stay within bounds."""

from __future__ import annotations

import numpy as np
import pytest

from simulator.motion.path import Gait, length, paces, rounded, turn_on_the_spot, walk_along

CORNERS = np.array([[0.0, 0, 0], [3, 0, 0], [3, 0, -2], [5, 0, -3]])


@pytest.mark.parametrize("gait", [Gait(1.0, 1.5, 90.0), Gait(0.4, 0.3, 20.0), Gait(3.0, 5.0, 360.0)])
def test_a_walk_keeps_to_its_gait_and_its_path(gait: Gait) -> None:
    points = rounded(CORNERS, 0.5)
    walk = walk_along(points, gait)
    clock = np.arange(walk.time_s[0], walk.time_s[-1], 0.1)
    speed, push, turn = paces(clock, walk.position(clock), walk.heading(clock))
    assert speed <= gait.speed_m_s * 1.01 and push <= gait.acceleration_m_s2 * 1.01 and turn <= gait.turn_deg_s * 1.01
    assert max(speed / gait.speed_m_s, np.sqrt(push / gait.acceleration_m_s2), turn / gait.turn_deg_s) > 0.6  # no slower
    np.testing.assert_allclose(walk.position(np.array([0.0, 1e9])), CORNERS[[0, -1]], atol=0.02)
    fine = walk.position(np.linspace(0, walk.time_s[-1], 2000))
    away = np.linalg.norm(fine[:, None] - points, axis=-1).min(1)
    assert away.max() < 0.03


def test_the_heading_is_that_of_the_way() -> None:
    walk = walk_along(rounded(np.array([[0.0, 0, 0], [3, 0, 0], [3, 0, -4]]), 0.5), Gait(1.0, 1.5, 90.0))
    assert walk.heading(np.array(0.0)) == pytest.approx(-90, abs=0.5)  # +X is to the right of -Z
    assert walk.heading(np.array(1e9)) == pytest.approx(0, abs=0.5)
    turned = np.diff(walk.heading(np.arange(0, walk.time_s[-1], 0.01)))
    assert (turned >= -1e-6).all()


def test_bends_begin_at_their_radius() -> None:
    points = rounded(np.array([[0.0, 0, 0], [3, 0, 0], [3, 0, -4]]), 0.5)
    assert length(points) < 7 and length(points) > 6.5
    assert (points[:, 0] <= 3 + 1e-9).all() and (points[points[:, 0] < 2.5][:, 2] == 0).all()
    np.testing.assert_allclose(np.linalg.norm(np.diff(points, axis=0), axis=1), 0.02, rtol=0.05)


def test_someone_who_turns_round_does_so_within_the_rate_and_walks_on_at_full_speed() -> None:
    walk = walk_along(rounded(np.array([[0.0, 0, 0], [3, 0, 0], [0.5, 0, 0.01]]), 0.5), Gait(1.0, 1.5, 90.0))
    clock = np.arange(0, walk.time_s[-1], 0.1)
    speed, push, turn = paces(clock, walk.position(clock), walk.heading(clock))
    assert 0.95 < speed <= 1.01 and push <= 1.52 and 60 < turn <= 90.1
    assert abs(walk.heading(clock[-1:])[0] - walk.heading(clock[:1])[0]) == pytest.approx(180, abs=2)


def test_turning_on_the_spot_stays_there_and_within_the_rate() -> None:
    gait = Gait(1.0, 1.5, 60.0)
    turned = turn_on_the_spot(np.array([1.0, 0, 2]), 30.0, 10.0, gait, np.random.default_rng(0))
    clock = np.arange(0, 10, 0.1)
    assert (turned.position(clock) == [1, 0, 2]).all()
    heading = turned.heading(clock)
    assert heading[0] == pytest.approx(30, abs=0.5) and np.ptp(heading) > 30
    assert 40 < np.abs(np.diff(heading)).max() / 0.1 <= 60.01
