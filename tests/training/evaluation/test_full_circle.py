"""Full-circle scores and the bend of folded azimuths, by hand."""

import numpy as np
import pytest

from training.evaluation.full_circle import bias, full_circle

TRUTH = np.array([10.0, 170.0, -40.0, -140.0, 80.0, 100.0])
GROUP = np.arange(6)


def test_scores_by_hand():
    # 10 off and on the right side; then in front for 170; 0; mirrored -140 -> -40; at the side: wrong by 20, and right.
    answers = {"a": np.array([20.0, 10.0, -40.0, -40.0, 100.0, 100.0]), "b": TRUTH}
    found = full_circle(TRUTH, answers, GROUP)
    assert list(found) == ["a", "b", "always in front", "true side"]
    a = found["a"]
    assert a["mean_deg"] == pytest.approx((10 + 160 + 0 + 100 + 20 + 0) / 6) and a["median_deg"] == pytest.approx(15.0)
    assert a["n"] == 6 and a["front_back_accuracy"] == pytest.approx(2 / 4)  # 80 and 100 are beyond 70 degrees
    assert [(b["low"], b["n"], b["accuracy"]) for b in a["by_lateral"]] == [
        (0, 2, 0.5), (15, 0, None), (30, 2, 0.5), (45, 0, None), (60, 0, None), (75, 2, 0.5),
    ]  # fmt: skip
    assert found["b"]["mean_deg"] == 0 and found["b"]["front_back_accuracy"] == 1


def test_references_are_the_first_answers_lateral_angles():
    found = full_circle(TRUTH, {"a": np.array([20.0, 10.0, -40.0, -40.0, 100.0, 100.0])}, GROUP)
    front, side = found["always in front"], found["true side"]
    # Lateral angles 20, 10, -40, -40, 80, 80.
    assert front["mean_deg"] == pytest.approx((10 + 160 + 0 + 100 + 0 + 20) / 6) and front["front_back_accuracy"] == 0.5
    assert side["mean_deg"] == pytest.approx((10 + 0 + 0 + 0 + 0 + 0) / 6) and side["front_back_accuracy"] == 1


def test_bias_is_positive_outwards_on_both_sides():
    truth = np.array([10.0, -10.0, 50.0, -50.0, 90.0, -88.0])
    answer = np.array([13.0, -13.0, 49.0, -51.0, 85.0, -88.0])
    found = bias(truth, answer)
    assert [b["n"] for b in found] == [2, 0, 0, 2, 0, 2]
    assert found[0]["mean_deg"] == pytest.approx(3.0)  # 3 outwards on each side
    assert found[3]["mean_deg"] == pytest.approx(0.0)  # 1 inwards on the left, 1 outwards on the right
    assert found[5]["mean_deg"] == pytest.approx(-2.5) and found[1]["mean_deg"] is None
