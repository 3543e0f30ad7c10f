"""Evaluation asks everyone the same, corrects no answer by the truth, and folds azimuths."""

import numpy as np
import pytest

from dataset.angles import fold_front, wrap_180
from dataset.reader import Dataset
from training.errors import InputError
from training.evaluation.evaluate import check_sign, evaluate
from training.evaluation.examples import Examples, ExampleSettings


class Oracle:
    """Knows the truth of some examples; errs by `off` degrees, turns the rotation's sign, and exchanges front and back."""

    full_circle = False

    def __init__(self, name: str, *known: Examples, off: float = 0.0, sign: float = 1.0) -> None:
        self.name, self.off, self.sign = name, off, sign
        self.turns, self.azimuths = {}, {}
        for examples in known:
            for k in range(len(examples.pairs.row)):
                s, t = examples.pictures(np.array([k]))
                self.turns[s.tobytes() + t.tobytes()] = examples.pairs.turn_deg[k]
            for k in range(len(examples.sounds.row)):
                self.azimuths[examples.clips(np.array([k])).tobytes()] = examples.sounds.azimuth_deg[k]

    def rotation(self, rgb_s, rgb_t):
        turn = np.array([self.turns[s.tobytes() + t.tobytes()] for s, t in zip(rgb_s, rgb_t, strict=True)])
        return self.sign * (turn + self.off)

    def azimuth(self, sound, sample_rate):
        assert sample_rate == 16000
        return np.array([wrap_180(180.0 - self.azimuths[x[None].tobytes()]) for x in sound])


@pytest.fixture(scope="module")
def splits(tiny_data) -> tuple[Examples, Examples]:
    return tuple(Examples(Dataset(tiny_data, s), ExampleSettings(clip_s=0.3)) for s in ("test", "val"))


@pytest.fixture(scope="module")
def results(splits):
    test, val = splits
    return evaluate(
        [Oracle("mirrored", test, val, off=3.0, sign=-1.0), Oracle("perfect", test, val)], test, val, batch=5, progress=False
    )


def test_a_turned_sign_is_reported_and_not_corrected(results):
    sign, truth = results.rotation.signs["mirrored"], results.rotation.truth_deg
    assert not sign["right"] and sign["mean_deg_turned"] == pytest.approx(3.0, abs=1e-3)
    assert results.rotation.signs["perfect"]["right"]
    assert results.rotation.score("mirrored")["mean_deg"] == pytest.approx(np.abs(2 * truth + 3).mean(), rel=1e-3)
    assert results.rotation.score("perfect")["mean_deg"] == pytest.approx(0.0, abs=1e-3)


def test_front_and_back_count_as_one(results):
    assert results.azimuth.score("perfect")["mean_deg"] == pytest.approx(0.0, abs=1e-3)


def test_everyone_answers_every_item(results, splits):
    test, _ = splits
    for task, n in ((results.rotation, len(test.pairs.row)), (results.azimuth, len(test.sounds.row))):
        assert set(task.answers) == {*task.predictors, *task.baselines}
        assert all(len(a) == n for a in task.answers.values())
        assert task.predictors == ("mirrored", "perfect")
        for condition in task.conditions:
            assert sum(b["n"] for b in task.by(condition, "perfect")) == n


def test_the_truth_is_the_geometry(results, splits):
    test, _ = splits
    for k, row in enumerate(test.pairs.row):
        heading = test.data.read(int(row), "heading").astype(float)
        assert results.rotation.truth_deg[k] == pytest.approx(
            wrap_180(heading[test.pairs.view_t[k]] - heading[test.pairs.view_s[k]]), abs=1e-3
        )
    np.testing.assert_allclose(results.azimuth.truth_deg, fold_front(test.sounds.azimuth_deg))


def test_the_sign_never_looks_at_the_test_split(splits):
    test, val = splits
    # Right on validation, turned on test: an honest evaluation reports the failure.
    two_faced = Oracle("two-faced", val)
    liar = Oracle("", test, sign=-1.0)
    two_faced.turns |= {k: -v for k, v in liar.turns.items()}
    two_faced.azimuths |= liar.azimuths
    rotation = evaluate([two_faced], test, val, progress=False).rotation
    assert rotation.signs["two-faced"]["right"]
    assert rotation.score("two-faced")["mean_deg"] == pytest.approx(2 * np.abs(rotation.truth_deg).mean(), rel=1e-3)


def test_check_sign_reports_both_errors():
    truth = np.array([10.0, -20.0, 30.0])
    assert check_sign(-truth, truth) == {"right": False, "mean_deg_kept": 40.0, "mean_deg_turned": 0.0, "pairs": 3}
    assert check_sign(truth, truth) == {"right": True, "mean_deg_kept": 0.0, "mean_deg_turned": 40.0, "pairs": 3}


def test_front_and_back_are_scored_where_a_predictor_tells_them_apart(splits):
    test, val = splits
    backward, perfect = Oracle("backward", test, val), Oracle("perfect", test, val)
    backward.full_circle = True  # it exchanges front and back: folded azimuths are right, every side is wrong
    azimuth = evaluate([backward, perfect], test, val, progress=False).azimuth
    assert azimuth.score("backward")["mean_deg"] == pytest.approx(0.0, abs=1e-3)
    assert set(azimuth.full_circle) == {"backward", "always in front", "true side"}
    assert azimuth.full_circle["backward"]["front_back_accuracy"] == 0
    assert azimuth.full_circle["true side"]["mean_deg"] == pytest.approx(0.0, abs=1e-3)
    off = np.abs(wrap_180(180 - 2 * test.sounds.azimuth_deg))
    assert azimuth.full_circle["backward"]["mean_deg"] == pytest.approx(off.mean(), rel=1e-3)
    assert evaluate([perfect], test, val, progress=False).azimuth.full_circle == {}


def test_names_must_differ(splits):
    test, val = splits
    one = Oracle("same", test, val)
    with pytest.raises(InputError, match="with different names"):
        evaluate([one, one], test, val)


def test_errors_of_views_from_several_places_are_binned_by_the_distance(splits, monkeypatch):
    read = Examples._read

    def moved(self, row, name, view=None):
        values = read(self, row, name, view)
        return values + np.arange(len(values))[:, None] * [0.36, 0.0, 0.48] if name == "position" else values

    test, val = (Examples(s.data, s.settings) for s in splits)
    assert not test.pairs.moved_m.any()
    monkeypatch.setattr(Examples, "_read", moved)
    test = Examples(test.data, test.settings)
    np.testing.assert_allclose(test.pairs.moved_m, 0.6 * np.maximum(test.pairs.view_s, test.pairs.view_t))
    rotation = evaluate([Oracle("perfect", test, val)], test, val, batch=5, progress=False).rotation
    bins = rotation.by("moved_m", "perfect")
    assert sum(b["n"] for b in bins) == len(test.pairs.row) and bins[0]["low"] == 0.5
    assert bins[0]["n"] == (test.pairs.moved_m < 1).sum()


def test_errors_of_views_from_one_place_are_not_binned_by_a_distance(results):
    assert "moved_m" not in results.rotation.conditions
