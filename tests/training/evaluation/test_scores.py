"""Errors, chance, bins and intervals against values worked by hand."""

import numpy as np
import pytest

from training.evaluation.scores import angle_error, binned, chance, difference, edges, score


def test_errors_go_the_short_way_round_and_no_answer_counts_as_zero():
    answer = np.array([170.0, -10.0, np.nan, 350.0])
    truth = np.array([-170.0, 10.0, 30.0, 0.0])
    np.testing.assert_allclose(angle_error(answer, truth), [20.0, 20.0, 30.0, 10.0])


def test_chance_of_even_guesses_is_two_thirds_of_the_half_range():
    # |x - y| of two even draws on [-90, 90] has mean 60 and median 180 (1 - sqrt(1/2)) = 52.7.
    even = np.linspace(-90, 90, 721)
    found = chance(even, even)
    assert found["chance_mean_deg"] == pytest.approx(60.0, abs=0.2)
    assert found["chance_median_deg"] == pytest.approx(52.7, abs=0.3)


def test_intervals_count_sets_and_not_items():
    rng = np.random.default_rng(0)
    per_set = rng.normal(20, 5, 100)
    error = np.repeat(per_set, 8)  # eight views that say the same
    found = score(error, np.repeat(np.arange(100), 8))
    low, high = found["mean_95_deg"]
    assert high - low == pytest.approx(2 * 1.96 * per_set.std() / 10, rel=0.15)
    assert low < found["mean_deg"] < high and found["n"] == 800
    low, high = score(error, np.arange(800))["mean_95_deg"]
    assert high - low == pytest.approx(2 * 1.96 * per_set.std() / np.sqrt(800), rel=0.15)


def test_differences_are_paired():
    rng = np.random.default_rng(1)
    hard = rng.uniform(0, 60, 200)
    group = np.arange(200)
    assert difference(hard, hard + 0.5 + 0.1 * rng.standard_normal(200), group)["verdict"] == "better"
    assert difference(hard + 0.5, hard, group)["verdict"] == "worse"
    assert difference(hard, rng.permutation(hard), group)["verdict"] == "no clear difference"


def test_bins_hold_their_items():
    found = binned(np.array([1.0, 3.0, 10.0, 20.0]), np.array([0.0, 14.9, 15.0, 45.0]), np.array([0.0, 15.0, 30.0, 45.0]))
    assert [b["n"] for b in found] == [2, 1, 1]
    assert [b["mean_deg"] for b in found] == [2.0, 10.0, 20.0]
    assert binned(np.ones(1), np.zeros(1), np.array([0.0, 1.0, 2.0]))[1]["mean_deg"] is None


def test_bins_stop_where_values_stop():
    np.testing.assert_array_equal(edges(np.array([20.0, 50.0]), (0, 15, 30, 45, 60, 90)), [15, 30, 45, 60])
    np.testing.assert_allclose(edges(np.arange(61.0)), [0, 10, 20, 30, 40, 50, 60])
