"""Distances of binaural sounds by hand: which ear is louder, which is later, and zero at the truth."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import soundfile
import torch
from torch import Tensor

from training.config import preset
from training.data.batches import Batches
from training.data.preload import Store
from training.evaluation.pretext_metrics import distances, measure_pretext

RATE = 16000
LATER = 4


@pytest.fixture
def sound() -> np.ndarray:
    """Noise that is twice as loud, and earlier by LATER samples, on the left."""
    noise = 0.1 * np.random.default_rng(0).standard_normal((3, 4000))
    return np.stack([noise, 0.5 * np.roll(noise, LATER, -1)], 1)


def test_distances_are_zero_at_the_truth_and_double_with_exchanged_ears(sound):
    assert distances(sound, sound, RATE) == {"stft": 0, "envelope": 0, "ild_db": 0, "itd_us": 0}
    swapped = distances(sound[:, ::-1], sound, RATE)
    assert swapped["ild_db"] == pytest.approx(2 * 20 * np.log10(2)) and swapped["itd_us"] == pytest.approx(2e6 * LATER / RATE)
    assert swapped["stft"] > 0.5 and swapped["envelope"] > 0.3


class Perfect:
    """A pretext task that predicts the true ears."""

    def condition(self, *_: object) -> Tensor:
        return torch.zeros(1, 1)

    def binaural(self, sound: Tensor, condition: Tensor) -> Tensor:
        return sound


def test_a_perfect_task_has_no_distance_and_its_examples_are_the_true_ears(coded: Store, tmp_path: Path) -> None:
    settings = preset("small", {"sound.clip_s": 0.1})
    batches = Batches(coded, settings, 16, training=False)
    found = measure_pretext(Perfect(), batches, torch.device("cpu"), tmp_path)  # type: ignore[arg-type]
    assert found["predicted"] == {"stft": 0, "envelope": 0, "ild_db": 0, "itd_us": 0}
    assert found["mono in both ears"]["ild_db"] > 3
    for k in range(4):
        mono, predicted, true = (
            soundfile.read(tmp_path / f"pretext-{k}-{kind}.wav")[0] for kind in ("mono", "predicted", "true")
        )
        np.testing.assert_array_equal(predicted, true)
        np.testing.assert_allclose(mono, true.mean(1, keepdims=True).repeat(2, 1), atol=1e-4)
