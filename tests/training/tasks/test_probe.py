"""Linear probes: fitted on one split, evaluated on the other, beside the most frequent answer of the first."""

from __future__ import annotations

import pytest
import torch

from training.config import ProbeSettings, preset
from training.tasks import probe as module
from training.tasks.probe import Features, classify, probe

SETTINGS = ProbeSettings(bins=2, epochs=50, batch=16, learning_rate=0.1)


def features(left: int, right: int, wrong: int) -> Features:
    """One number that is the sign of the angle, but for the first `wrong` items; angles are +-60 degrees."""
    truth = torch.tensor([60.0] * left + [-60.0] * right)
    sign = torch.sign(truth)
    sign[:wrong] *= -1
    return Features(sign[:, None], truth)


TRAIN, TEST = features(left=40, right=24, wrong=0), features(left=16, right=48, wrong=16)


def test_accuracy_and_chance_are_those_of_the_second_split() -> None:
    """Fitted or evaluated on the wrong split the accuracy is 1, and chance by the wrong split's mode 0.75."""
    assert classify(TRAIN, TEST, SETTINGS, seed=0) == (0.75, 0.25)
    assert classify(TRAIN, TRAIN, SETTINGS, seed=0) == (1.0, 40 / 64)


def test_the_first_split_is_fitted_and_the_second_one_evaluated(monkeypatch: pytest.MonkeyPatch) -> None:
    def fake(encoders: object, batches: str, device: object) -> dict[tuple[str, str], Features]:
        return {("learned", "azimuth"): {"train": TRAIN, "test": TEST}[batches]}

    monkeypatch.setattr(module, "_features", fake)
    settings = preset("small", {"probe.bins": 2, "probe.epochs": 50, "probe.batch": 16, "probe.learning_rate": 0.1})
    found = probe({"learned": None}, "train", "test", settings, torch.device("cpu"))  # type: ignore[arg-type, dict-item]
    assert found == {"learned": {"azimuth_accuracy": 0.75, "azimuth_chance": 0.25}}


def test_angles_outside_the_first_splits_range_count_in_the_nearest_bin() -> None:
    wider = Features(TEST.vectors, 2 * TEST.truth_deg)
    assert classify(TRAIN, wider, SETTINGS, seed=0) == (0.75, 0.25)
