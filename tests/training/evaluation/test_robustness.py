"""Harder sounds are harder, and each sweep changes what it names."""

import numpy as np
import pytest

from dataset.angles import fold_front
from dataset.reader import Dataset
from training.evaluation.examples import Examples, ExampleSettings
from training.evaluation.robustness import SWEEPS, Sweep, summarised, sweep_errors


class Ahead:
    """Says straight ahead, and remembers what it was asked."""

    name = "ahead"
    full_circle = False

    def __init__(self) -> None:
        self.heard: list[np.ndarray] = []

    def rotation(self, rgb_s, rgb_t):
        raise AssertionError("sweeps are about sound")

    def azimuth(self, sound, sample_rate):
        self.heard.append(sound)
        return np.zeros(len(sound))


@pytest.fixture(scope="module")
def test_split(tiny_data) -> Dataset:
    return Dataset(tiny_data, "test")


def run(data: Dataset, sweep: Sweep) -> tuple[Ahead, list[dict]]:
    ahead = Ahead()
    points = sweep_errors([ahead], data, ExampleSettings(clip_s=0.5), sweeps=[sweep], batch=64, progress=False)
    (found,) = summarised(points)
    return ahead, found["points"]


def test_noise_is_as_loud_as_it_says(test_split):
    ahead, points = run(test_split, Sweep("noise_snr_db", "noise", (None, 20.0, -30.0), {}))
    clean, *noisy = ahead.heard
    for sound, wanted in zip(noisy, (20.0, -30.0), strict=True):
        found = 10 * np.log10((clean**2).mean((1, 2)) / ((sound - clean) ** 2).mean((1, 2)))
        np.testing.assert_allclose(found, wanted, atol=0.5)
    assert points[0]["mean_deg"]["GCC-PHAT"] < points[2]["mean_deg"]["GCC-PHAT"]


def test_a_constant_answer_is_as_wrong_as_the_truth_is_large(test_split):
    _, points = run(test_split, Sweep("indirect_ratio", "ratio", (0.0, 1.0), {}))
    truth = fold_front(Examples(test_split, ExampleSettings(clip_s=0.5, most=200)).sounds.azimuth_deg)
    for point in points:
        assert point["mean_deg"]["ahead"] == pytest.approx(np.abs(truth).mean())
        assert point["n"] == len(truth) and point["chance_mean_deg"] > 0


def test_equal_second_sources_mislead(test_split):
    _, points = run(test_split, Sweep("dominance_db", "dominance", (40.0, 0.0), {"sources": 2}))
    assert points[0]["mean_deg"]["GCC-PHAT"] + 5 < points[1]["mean_deg"]["GCC-PHAT"]


def test_clips_have_their_length_and_too_long_ones_are_left_out(test_split):
    ahead, points = run(test_split, Sweep("clip_s", "length", (2.55, 1.28, 0.32), {}))
    assert [p["value"] for p in points] == [1.28, 0.32]
    assert [x.shape[-1] for x in ahead.heard] == [20480, 5120]


def test_all_settings_of_the_study_are_swept():
    assert {s.setting for s in SWEEPS} == {"sources", "dominance_db", "noise_snr_db", "indirect_ratio", "clip_s"}
    for sweep in SWEEPS:
        for value in sweep.values:
            ExampleSettings(**(sweep.fixed | {sweep.setting: value}))
