"""The pretext task: which ear is given and which predicted, and that each part of the condition can be left out."""

from __future__ import annotations

import math
from pathlib import Path

import pytest
import torch
from torch import Tensor, nn

from training.config import Settings, preset
from training.data.batches import Batches
from training.data.preload import load
from training.data.render import RenderedBatch, render_batch
from training.networks.encoders import ordered_pairs
from training.networks.spectra import magnitude_phase, target_spectrum
from training.networks.unet import UNet
from training.tasks.pretext import Pretext, sine_embedding

SOURCE, TARGET = ordered_pairs(3)


def settings(*assignments: str) -> Settings:
    return preset("small", {"picture.width_px": 64, "picture.height_px": 48, "sound.clip_s": 0.4}, assignments)


@pytest.fixture(scope="module")
def rendered(tiny_data: Path) -> RenderedBatch:
    return render_batch(Batches(load(str(tiny_data), "train", settings(), True), settings(), 4, training=False).make(0))


class Halving(UNet):
    """Predicts log-magnitude and phase of half the sound that it gets."""

    def __init__(self) -> None:
        nn.Module.__init__(self)

    def forward(self, spectrum: Tensor, condition: Tensor) -> Tensor:
        return spectrum - torch.tensor([20 * math.log10(2) / 80, 0.0])[:, None, None]


@pytest.fixture(scope="module")
def halving() -> Pretext:
    """A task of kind l2r, paper networks, that predicts half of the ear that it gets."""
    task = Pretext(settings("network.kind=paper", "pretext.task=l2r"))
    task.decoder = Halving()
    return task


@pytest.fixture(scope="module")
def sound() -> Tensor:
    return 0.3 * torch.randn(2, 2, 6400, generator=torch.Generator().manual_seed(0))


def test_l2r_is_given_the_left_ear_and_predicts_the_right_one(halving: Pretext, sound: Tensor) -> None:
    left, right = target_spectrum(sound).unbind(1)
    losses = halving.losses(sound, torch.zeros(2, 1))
    by_hand = 10 * (magnitude_phase(left / 2) - magnitude_phase(right)).abs().mean()
    assert float(losses["loss"]) == pytest.approx(float(by_hand), rel=1e-3)
    assert float(losses["silence"]) == pytest.approx(10 * float((magnitude_phase(left) - magnitude_phase(right)).abs().mean()))


def test_l2r_keeps_the_left_ear_beside_the_predicted_right_one(halving: Pretext, sound: Tensor) -> None:
    predicted = halving.binaural(sound, torch.zeros(2, 1))
    assert torch.equal(predicted[:, 0], sound[:, 0])
    error = (predicted[:, 1] - sound[:, 0] / 2).square().mean() / sound.square().mean()
    assert float(error) < 1e-3  # the highest of 257 frequencies is dropped


@pytest.mark.parametrize(("pictures", "sound"), [(True, True), (False, True), (True, False), (False, False)])
def test_each_part_of_the_condition_can_be_left_out(rendered: RenderedBatch, pictures: bool, sound: bool) -> None:
    torch.manual_seed(0)
    task = Pretext(settings(f"pretext.pictures={pictures}", f"pretext.conditioning_sound={sound}")).eval()
    turn, heard = task.condition(rendered, SOURCE, TARGET).chunk(2, -1)
    encoded = task.encoders.encode_sounds(rendered.sound)[:, SOURCE]
    assert torch.equal(turn, task.encoders.compare(rendered.rgb, SOURCE, TARGET) * pictures) and (turn != 0).any() == pictures
    assert torch.equal(heard, encoded * sound) and (heard != 0).any() == sound


def test_the_true_turn_can_replace_the_pictures(rendered: RenderedBatch) -> None:
    task = Pretext(settings("pretext.true_rotation=true"))
    turn = task.condition(rendered, SOURCE, TARGET).chunk(2, -1)[0]
    expected = torch.deg2rad(rendered.heading[:, TARGET] - rendered.heading[:, SOURCE])
    assert torch.equal(turn, sine_embedding(expected, task.encoders.size))


def test_withheld_pictures_are_those_of_the_sets_marked(rendered: RenderedBatch) -> None:
    task = Pretext(settings()).eval()
    rendered.pictures_withheld[:] = torch.tensor([True, False, False, True])
    turn = task.condition(rendered, SOURCE, TARGET).chunk(2, -1)[0]
    rendered.pictures_withheld[:] = False
    assert (turn != 0).any(-1).any(-1).tolist() == [False, True, True, False]
