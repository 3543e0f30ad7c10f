"""The comparison of cameras: turns alternate, the first is left out, and the same poses are rendered by both."""

import sys

import numpy as np

from benchmarks.cameras import SCENE, main, poses, row, seconds_per_picture
from simulator.config import with_options
from simulator.loaders.load import load_scene


class Timed:
    """A camera that moves a clock by a time per picture, and by a hundred times as much on its first call."""

    def __init__(self, clock, seconds):
        self.clock, self.seconds, self.calls = clock, seconds, []

    def render(self, positions, headings):
        first = 100 if not self.calls else 1
        self.calls.append(self.clock["now"])
        self.clock["now"] += first * self.seconds * len(positions)


def test_cameras_take_turns_and_the_first_is_left_out():
    clock = {"now": 0.0}
    one, other = Timed(clock, 0.5), Timed(clock, 2.0)
    seconds = seconds_per_picture((one, other), np.zeros((4, 3)), np.zeros(4), 3, lambda: clock["now"])
    np.testing.assert_allclose(seconds, [[0.5, 2.0]] * 3)
    order = sorted((at, camera) for camera, at_ in (("one", one.calls), ("other", other.calls)) for at in at_)
    assert [camera for _, camera in order] == ["one", "other"] * 4


def test_the_ratio_is_that_of_each_turn():
    """The second turn is slow for both: medians are of pictures per second 2 and 0.5, ratios 4, 4 and 5."""
    assert row(1000, np.array([[0.5, 2.0], [5.0, 20.0], [0.4, 2.0]])).split() == [
        "1000",
        "2.0",
        "0.5",
        "4.00",
        "4.00",
        "to",
        "5.00",
    ]


def test_poses_are_ears_above_the_floor_and_repeat():
    settings, scene = with_options({}), load_scene(SCENE, textures=False)
    positions, headings = poses(scene, settings, 3)
    again, _ = poses(scene, settings, 3)
    np.testing.assert_array_equal(positions, again)
    assert positions.shape == (3, 3) and headings.shape == (3,)
    down = scene.bvh.closest(positions, np.broadcast_to([0.0, -1.0, 0.0], positions.shape)).distance
    np.testing.assert_allclose(down, settings.camera.height_m, atol=0.01)


def test_without_habitat_it_is_skipped_with_one_line(monkeypatch, capsys):
    monkeypatch.setitem(sys.modules, "habitat_sim", None)
    assert main([]) == 2
    out, err = capsys.readouterr()
    assert not out and err.startswith("skipped: ") and "needs habitat-sim" in err and err.count("\n") == 1
