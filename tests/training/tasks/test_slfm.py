"""Localisation from motion: the gate, frozen backbones, ablations, and that swapped ears or shuffled labels teach nothing."""

from __future__ import annotations

import math
from dataclasses import replace
from pathlib import Path

import pytest
import torch

from training.config import Settings, preset
from training.data.batches import Batches
from training.data.preload import load
from training.data.render import Percept, perceive
from training.networks.encoders import ordered_pairs
from training.tasks.losses import geometric_loss, lateral
from training.tasks.slfm import Slfm

CPU = torch.device("cpu")


def settings(*assignments: str) -> Settings:
    return preset("small", {"picture.width_px": 64, "picture.height_px": 48, "sound.clip_s": 0.4}, assignments)


@pytest.fixture(scope="module")
def seen(tiny_data: Path) -> Percept:
    return perceive(Batches(load(str(tiny_data), "train", settings(), True), settings(), 4, training=False).make(0))


def model(*assignments: str) -> Slfm:
    torch.manual_seed(1)
    return Slfm(settings(*assignments))


def test_ordered_pairs_start_at_the_first_view_and_are_exchanged_by_half() -> None:
    source, target = ordered_pairs(4)
    assert source.tolist() == [0, 0, 0, 1, 2, 3] and target.tolist() == [1, 2, 3, 0, 0, 0]


def test_answers_have_their_ranges(seen: Percept) -> None:
    m = model()
    theta, phi = m.localiser.azimuth(1e3 * seen.sound), m.localiser.rotation(seen.rgb, *ordered_pairs(3))
    assert theta.shape == (4, 3) and phi.shape == (4, 4)
    assert theta.abs().max() <= math.pi and phi.abs().max() <= math.pi / 2
    with torch.no_grad():
        front = model("slfm.front_only=true").localiser
        front.azimuth_head[-1].bias.fill_(10.0)  # type: ignore[index, union-attr]
        assert front.azimuth(seen.sound).max() <= math.pi / 2 + 1e-6


def test_swapped_is_what_swapped_ears_give(seen: Percept) -> None:
    localiser = model().localiser.eval()
    own, swapped = localiser.azimuth_swapped(seen.sound)
    assert torch.allclose(own, localiser.azimuth(seen.sound), atol=1e-5)
    assert torch.allclose(swapped, localiser.azimuth(seen.sound.flip(-2)), atol=1e-4)


def test_the_loss_is_the_weighted_sum_of_its_parts(seen: Percept) -> None:
    losses = model("slfm.gate=false")(seen)
    total = 4 * losses["geometric"] + losses["binaural"] + losses["symmetry"] + 3 * losses["prior"]
    assert torch.allclose(losses["loss"], total)


def test_the_gate_holds_back_what_pictures_teach_and_stays_open(seen: Percept) -> None:
    m = model("slfm.gate=true", "slfm.gate_agreement=0.9")
    m(seen)["loss"].backward()
    assert all(p.grad is None for p in m.localiser.encoders.pair.parameters())
    assert float(m.gate) == 0
    m.agreement.fill_(0.99)
    m(seen)
    assert float(m.gate) == 1
    losses = m(seen)
    losses["loss"].backward()
    assert losses["geometric"] > 0
    assert any(p.grad is not None and p.grad.abs().max() > 0 for p in m.localiser.encoders.pair.parameters())
    m.agreement.fill_(0.1)
    m(seen)
    assert float(m.gate) == 1


def test_validation_moves_nothing(seen: Percept) -> None:
    m = model().eval()
    before = {k: v.clone() for k, v in m.state_dict().items()}
    m(seen)
    assert all(torch.equal(before[k], v) for k, v in m.state_dict().items())


def test_frozen_backbones_stay_and_their_statistics_too(seen: Percept) -> None:
    m = model("slfm.frozen=true", "slfm.gate=false").train()
    before = {k: v.clone() for k, v in m.localiser.encoders.state_dict().items()}
    optimizer = torch.optim.SGD((p for p in m.parameters() if p.requires_grad), 0.1)
    m(seen)["loss"].backward()
    optimizer.step()
    assert all(torch.equal(before[k], v) for k, v in m.localiser.encoders.state_dict().items())
    assert m.localiser.rotation_head[0].weight.grad is not None  # type: ignore[index, union-attr]


def test_true_angles_make_the_geometric_loss_vanish(seen: Percept) -> None:
    losses = model("slfm.gate=false", "slfm.true_rotation=true", "slfm.true_azimuth=true")(seen)
    assert float(losses["geometric"]) < 1e-5


def test_true_rotation_is_that_of_the_pairs(seen: Percept) -> None:
    m = model("slfm.gate=false", "slfm.true_rotation=true").eval()
    source, target = ordered_pairs(3)
    theta = m.localiser.azimuth(seen.sound)
    expected = geometric_loss(theta[:, source], theta[:, target], seen.turn(source, target)).mean()
    assert torch.allclose(m(seen)["geometric"], expected)


def learn_azimuth(seen: Percept, tried: Percept, steps: int = 120) -> float:
    """Learn azimuths from true rotations and the level difference; gives the mean error on other sounds, degrees."""
    m = model("slfm.gate=false", "slfm.true_rotation=true").train()
    optimizer = torch.optim.Adam(m.parameters(), 1e-3)
    for _ in range(steps):
        loss = m(seen)["loss"]
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    with torch.no_grad():
        theta = lateral(m.eval().localiser.azimuth(tried.sound))
    return float(torch.rad2deg((theta - lateral(torch.deg2rad(tried.azimuth))).abs().mean()))


@pytest.mark.slow
def test_learning_is_real(make_tiny_data: object, tmp_path: Path) -> None:
    """Other sounds are placed when turns are true; worse when turns are another set's, wrong when ears are swapped."""
    data = make_tiny_data(tmp_path / "data", sets=16)  # type: ignore[operator]
    s = settings("picture.jitter=0")
    learned, tried = (
        perceive(Batches(load(str(data), split, s, True), s, 16, training=False).make(0)) for split in ("train", "test")
    )
    honest = learn_azimuth(learned, tried)
    shuffled = learn_azimuth(replace(learned, heading=learned.heading.roll(1, 0)), tried)
    swapped = learn_azimuth(learned, replace(tried, sound=tried.sound.flip(-2)))
    print(honest, shuffled, swapped)
    assert honest < 15
    assert shuffled > 1.5 * honest
    assert swapped > 60
