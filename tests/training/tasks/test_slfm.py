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
from training.data.render import RenderedBatch, render_batch
from training.networks.encoders import ordered_pairs
from training.tasks.losses import geometric_loss, joint_geometric_loss, lateral, star_geometric_loss
from training.tasks.slfm import Slfm, near

CPU = torch.device("cpu")


def settings(*assignments: str) -> Settings:
    return preset("small", {"picture.width_px": 64, "picture.height_px": 48, "sound.clip_s": 0.4}, assignments)


@pytest.fixture(scope="module")
def rendered(tiny_data: Path) -> RenderedBatch:
    return render_batch(Batches(load(str(tiny_data), "train", settings(), True), settings(), 4, training=False).make(0))


def model(*assignments: str) -> Slfm:
    torch.manual_seed(1)
    return Slfm(settings(*assignments))


def test_ordered_pairs_start_at_the_first_view_and_are_exchanged_by_half() -> None:
    source, target = ordered_pairs(4)
    assert source.tolist() == [0, 0, 0, 1, 2, 3] and target.tolist() == [1, 2, 3, 0, 0, 0]


def test_answers_have_their_ranges(rendered: RenderedBatch) -> None:
    m = model()
    theta, phi = m.localiser.azimuth(1e3 * rendered.sound), m.localiser.rotation(rendered.rgb, *ordered_pairs(3))
    assert theta.shape == (4, 3) and phi.shape == (4, 4)
    assert theta.abs().max() <= math.pi and phi.abs().max() <= math.pi / 2
    with torch.no_grad():
        front = model("slfm.front_only=true").localiser
        front.azimuth_head[-1].bias.fill_(10.0)  # type: ignore[index, union-attr]
        assert front.azimuth(rendered.sound).max() <= math.pi / 2 + 1e-6


def test_swapped_is_what_swapped_ears_give(rendered: RenderedBatch) -> None:
    localiser = model().localiser.eval()
    own, swapped = localiser.azimuth_swapped(rendered.sound)
    assert torch.allclose(own, localiser.azimuth(rendered.sound), atol=1e-5)
    assert torch.allclose(swapped, localiser.azimuth(rendered.sound.flip(-2)), atol=1e-4)


def test_the_loss_is_the_weighted_sum_of_its_parts(rendered: RenderedBatch) -> None:
    losses = model("slfm.gate=false")(rendered)
    total = 4 * losses["geometric"] + losses["side"] + losses["symmetry"] + 3 * losses["prior"]
    assert torch.allclose(losses["loss"], total)


def test_the_gate_holds_back_what_pictures_teach_and_stays_open(rendered: RenderedBatch) -> None:
    m = model("slfm.gate=true", "slfm.gate_agreement=0.9")
    m(rendered)["loss"].backward()
    assert all(p.grad is None for p in m.localiser.encoders.pair.parameters())
    assert float(m.gate) == 0
    m.agreement.fill_(0.99)
    m(rendered)
    assert float(m.gate) == 1
    losses = m(rendered)
    losses["loss"].backward()
    assert losses["geometric"] > 0
    assert any(p.grad is not None and p.grad.abs().max() > 0 for p in m.localiser.encoders.pair.parameters())
    m.agreement.fill_(0.1)
    m(rendered)
    assert float(m.gate) == 1


def test_validation_moves_nothing(rendered: RenderedBatch) -> None:
    m = model().eval()
    before = {k: v.clone() for k, v in m.state_dict().items()}
    m(rendered)
    assert all(torch.equal(before[k], v) for k, v in m.state_dict().items())


def test_frozen_backbones_stay_and_their_statistics_too(rendered: RenderedBatch) -> None:
    m = model("slfm.frozen=true", "slfm.gate=false").train()
    before = {k: v.clone() for k, v in m.localiser.encoders.state_dict().items()}
    optimizer = torch.optim.SGD((p for p in m.parameters() if p.requires_grad), 0.1)
    m(rendered)["loss"].backward()
    optimizer.step()
    assert all(torch.equal(before[k], v) for k, v in m.localiser.encoders.state_dict().items())
    assert m.localiser.rotation_head[0].weight.grad is not None  # type: ignore[index, union-attr]


def test_true_angles_make_the_geometric_loss_vanish(rendered: RenderedBatch) -> None:
    losses = model("slfm.gate=false", "slfm.true_rotation=true", "slfm.true_azimuth=true")(rendered)
    assert float(losses["geometric"]) < 1e-5


def test_true_rotation_is_that_of_the_pairs(rendered: RenderedBatch) -> None:
    for permutation in ("pairwise", "none"):
        m = model("slfm.gate=false", "slfm.true_rotation=true", f"slfm.permutation={permutation}").eval()
        source, target = ordered_pairs(3)
        theta = m.localiser.azimuth(rendered.sound)
        turn = rendered.turn(source, target)
        expected = geometric_loss(theta[:, source], theta[:, target], turn, permutation == "pairwise").mean()
        assert torch.allclose(m(rendered)["geometric"], expected)


@pytest.mark.parametrize(("assignment", "further"), [("slfm.further_pairs_deg=45", True), ("slfm.further_pairs_deg=0", False)])
def test_the_default_is_the_joint_loss_of_all_pairs_that_overlap(rendered: RenderedBatch, assignment: str, further: bool) -> None:
    m = model("slfm.gate=false", "slfm.true_rotation=true", assignment).eval()
    source, target = ordered_pairs(3, further)
    theta, raw = m.localiser.azimuth(rendered.sound), m.localiser.rotation(rendered.rgb, source, target).chunk(2, 1)[0]
    weight = near(raw, 3, 45.0) if further else torch.ones_like(raw)
    expected = joint_geometric_loss(theta, rendered.turn(source, target), source, target, weight.repeat(1, 2)).mean()
    assert torch.allclose(m(rendered)["geometric"], expected)


def test_all_ordered_pairs_have_those_of_the_first_view_before_the_others() -> None:
    source, target = ordered_pairs(4, further=True)
    assert source.tolist() == [0, 0, 0, 1, 1, 2, 1, 2, 3, 2, 3, 3]
    assert target.tolist() == [1, 2, 3, 2, 3, 3, 0, 0, 0, 1, 1, 2]


def test_further_pairs_count_where_their_turns_from_the_first_view_are_near() -> None:
    # Turns from view 0: 10, 50 and -10 degrees. Views 1 and 2 are 40 apart, 1 and 3 20, 2 and 3 60; pairs (0, k) always count.
    phi = torch.deg2rad(torch.tensor([[10.0, 50.0, -10.0, 99.0, 99.0, 99.0], [80.0, -80.0, 80.0, 0.0, 0.0, 0.0]]))
    assert near(phi, 4, 45.0).tolist() == [[1, 1, 1, 1, 1, 0], [1, 1, 1, 0, 1, 0]]
    assert near(phi, 4, 30.0).tolist() == [[1, 1, 1, 0, 1, 0], [1, 1, 1, 0, 1, 0]]


def test_five_views_use_the_star_and_a_pair_of_views_has_nothing_further() -> None:
    for views in (2, 5):
        s = settings("slfm.gate=false", f"views={views}")
        torch.manual_seed(0)
        m = Slfm(s).eval()
        generator = torch.Generator().manual_seed(1)
        sound, rgb = torch.randn(2, views, 2, 6400, generator=generator), torch.randn(2, views, 3, 48, 64, generator=generator)
        truth = torch.zeros(2, views)
        batch = RenderedBatch(torch.arange(2), sound, rgb, torch.zeros(2, dtype=torch.bool), truth, truth, truth)
        source, target = ordered_pairs(views)
        theta, phi = m.localiser.azimuth(sound), m.localiser.rotation(rgb, source, target)
        assert torch.allclose(m(batch)["geometric"], star_geometric_loss(theta, phi).mean(), atol=1e-6)


def test_the_prior_fades_with_the_progress(rendered: RenderedBatch) -> None:
    m = model("slfm.gate=false").eval()
    for progress, factor in ((0.0, 1.0), (0.55, 0.575), (1.0, 0.15)):
        m.progress = progress
        losses = m(rendered)
        others = 4 * losses["geometric"] + losses["side"] + losses["symmetry"]
        assert float(losses["loss"] - others) == pytest.approx(3 * factor * float(losses["prior"]), rel=1e-4)


def test_the_prior_waits_for_the_gate(rendered: RenderedBatch) -> None:
    losses = model("slfm.gate=true").eval()(rendered)
    assert torch.allclose(losses["loss"], losses["side"] + losses["symmetry"])


def learn_azimuth(rendered: RenderedBatch, tried: RenderedBatch, steps: int = 120) -> float:
    """Learn azimuths from true rotations and the level difference; gives the mean error on other sounds, degrees."""
    m = model("slfm.gate=false", "slfm.true_rotation=true").train()
    optimizer = torch.optim.Adam(m.parameters(), 1e-3)
    for _ in range(steps):
        loss = m(rendered)["loss"]
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
        render_batch(Batches(load(str(data), split, s, True), s, 16, training=False).make(0)) for split in ("train", "test")
    )
    honest = learn_azimuth(learned, tried)
    shuffled = learn_azimuth(replace(learned, heading=learned.heading.roll(1, 0)), tried)
    swapped = learn_azimuth(learned, replace(tried, sound=tried.sound.flip(-2)))
    print(honest, shuffled, swapped)
    assert honest < 15
    assert shuffled > 1.5 * honest
    assert swapped > 60
