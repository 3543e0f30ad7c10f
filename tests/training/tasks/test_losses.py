"""The losses by hand: zero at the truth, positive when a sign flips, blind to what cannot be told."""

from __future__ import annotations

import math

import pytest
import torch

from training.networks.encoders import ordered_pairs
from training.tasks.losses import (
    agreement,
    fading,
    geometric_loss,
    joint_geometric_loss,
    lateral,
    mirrorings,
    side_loss,
    star_geometric_loss,
    symmetry_loss,
    uniform_prior,
)


def angles(*degrees: float) -> torch.Tensor:
    return torch.deg2rad(torch.tensor(degrees, dtype=torch.float64))


def turned(count: int = 500) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
    """Give true azimuths before and after true turns: theta_t = theta_s - phi."""
    generator = torch.Generator().manual_seed(3)
    theta, phi = (2 * math.pi * torch.rand(count, generator=generator, dtype=torch.float64) - math.pi for _ in range(2))
    return theta, theta - phi, phi


@pytest.mark.parametrize("permutation", [True, False])
def test_geometric_loss_is_zero_at_the_truth(permutation: bool) -> None:
    assert geometric_loss(*turned(), permutation).abs().max() < 1e-12


def test_geometric_loss_by_hand() -> None:
    # A sound 30 degrees to the left; the head turns left by 20: now it is at 10. Answered: 40, so 30 degrees off.
    loss = geometric_loss(angles(30.0), angles(40.0), angles(20.0), permutation=False)
    assert float(loss[0]) == pytest.approx(1 - math.cos(math.radians(30.0)))
    # With mirroring: 40 - 30 + 20 = 30; 140 - 30 + 20 = 130; 40 - 150 + 20 = -90; 140 - 150 + 20 = 10 is the least.
    assert float(geometric_loss(angles(30.0), angles(40.0), angles(20.0))[0]) == pytest.approx(1 - math.cos(math.radians(10.0)))


def test_geometric_loss_sees_a_flipped_sign() -> None:
    for flip in ((-1, 1, 1), (1, -1, 1), (1, 1, -1)):
        flipped = [sign * angle for sign, angle in zip(flip, angles(25.0, 5.0, 20.0), strict=True)]
        assert geometric_loss(*flipped, permutation=False) > 0.01
        if flip[2] == 1:
            assert geometric_loss(*flipped) > 0.01


def test_two_worlds_that_geometry_cannot_tell_from_the_true_one() -> None:
    theta_s, theta_t, phi = turned()
    # Seen in a mirror: one global sign stays open.
    assert geometric_loss(-theta_s, -theta_t, -phi).max() < 1e-12
    # Turned the other way with every sound behind: why the level difference comes first (the gate).
    assert geometric_loss(theta_s, theta_t, -phi).max() < 1e-12


def test_geometric_loss_takes_front_and_back_as_alike() -> None:
    theta_s, theta_t, phi = turned()
    for s in (theta_s, math.pi - theta_s):
        for t in (theta_t, math.pi - theta_t):
            assert geometric_loss(s, t, phi).max() < 1e-12
    assert geometric_loss(math.pi - theta_s, theta_t, phi, permutation=False).mean() > 0.5


def test_geometric_loss_is_blind_to_full_turns() -> None:
    theta_s, theta_t, phi = (a + 0.3 * k for k, a in enumerate(turned()))
    assert torch.allclose(
        geometric_loss(theta_s + 2 * math.pi, theta_t, phi - 2 * math.pi), geometric_loss(theta_s, theta_t, phi)
    )


def sets(views: int, count: int = 300, seed: int = 4) -> tuple[torch.Tensor, torch.Tensor]:
    """Give true azimuths and headings of turning heads, (N, V) each: theta_k = bearing - heading_k."""
    generator = torch.Generator().manual_seed(seed)
    bearing = 2 * math.pi * torch.rand(count, 1, generator=generator, dtype=torch.float64)
    heading = 2 * math.pi * torch.rand(count, views, generator=generator, dtype=torch.float64)
    return bearing - heading, heading


def joint(theta: torch.Tensor, heading: torch.Tensor, further: bool = True) -> torch.Tensor:
    """Apply the joint loss to turns that follow from headings, all pairs alike."""
    source, target = ordered_pairs(theta.shape[1], further)
    phi = heading[:, target] - heading[:, source]
    return joint_geometric_loss(theta, phi, source, target, torch.ones_like(phi))


def test_joint_loss_is_zero_at_the_truth_for_any_choice_of_front_and_back() -> None:
    theta, heading = sets(3, 40)
    for choice in mirrorings(3):
        mirrored = torch.where(choice, math.pi - theta, theta)
        assert joint(mirrored, heading).abs().max() < 1e-12
        assert joint(mirrored, heading, further=False).abs().max() < 1e-12


def test_mirrorings_are_all_choices() -> None:
    assert mirrorings(2).tolist() == [[False, False], [True, False], [False, True], [True, True]]
    assert len({tuple(c) for c in mirrorings(4).tolist()}) == 16


def test_joint_loss_of_mixed_signs_by_hand() -> None:
    # A sound 30 degrees to the left; the head turns left by 20 (now at 10), and right by 10 (now at 40).
    theta = angles(30.0, 10.0, 40.0)[None]
    source, target = torch.tensor([0, 0]), torch.tensor([1, 2])
    weight = torch.ones(1, 2, dtype=torch.float64)
    assert joint_geometric_loss(theta, angles(20.0, -10.0)[None], source, target, weight).item() == pytest.approx(0, abs=1e-12)
    # The first turn has the wrong sign, -20. With view 0 in front: 10 - 30 - 20 = -40, or 170 - 30 - 20 = 120; the second is
    # right. With view 0 behind (150): 170 - 150 - 20 = 0, and 140 - 150 - 10 = -20 or 40 - 150 - 10 = -120. Of the means
    # (1 - cos 40) / 2 = 0.117 and (1 - cos 20) / 2 = 0.0302 the second is the least.
    mixed = joint_geometric_loss(theta, angles(-20.0, -10.0)[None], source, target, weight)
    assert mixed.item() == pytest.approx((1 - math.cos(math.radians(20.0))) / 2)
    # Pair by pair nothing is wrong.
    pairwise = geometric_loss(theta[:, source], theta[:, target], angles(-20.0, -10.0)[None])
    assert pairwise.abs().max() < 1e-12
    # Weights 3 and 1: (3 x 0 + 1 - cos 20) / 4 behind.
    weighed = joint_geometric_loss(theta, angles(-20.0, -10.0)[None], source, target, torch.tensor([[3.0, 1.0]]))
    assert weighed.item() == pytest.approx((1 - math.cos(math.radians(20.0))) / 4)
    # The loss of a pair that does not count is nothing.
    alone = joint_geometric_loss(theta, angles(-20.0, -10.0)[None], source, target, torch.tensor([[1.0, 0.0]]))
    assert alone.item() == pytest.approx(0, abs=1e-12)


@pytest.mark.parametrize("views", [3, 4])
def test_joint_loss_sees_mixed_signs_inside_a_set_and_the_pairwise_one_does_not(views: int) -> None:
    theta, heading = sets(views)
    source, target = ordered_pairs(views)
    phi = heading[:, target] - heading[:, source]
    flip = torch.where((source == 1) | (target == 1), -1.0, 1.0)  # the turn to view 1, there and back, has the wrong sign
    weight = torch.ones_like(phi)
    assert joint_geometric_loss(theta, phi, source, target, weight).max() < 1e-12
    assert geometric_loss(theta[:, source], theta[:, target], flip * phi).max() < 1e-12
    wrong = joint_geometric_loss(theta, flip * phi, source, target, weight)
    assert wrong.min() > 0 and wrong.mean() > 0.1
    # All of them wrong is the world behind: the side loss tells it, not this.
    assert joint_geometric_loss(theta, -phi, source, target, weight).max() < 1e-12


def test_joint_loss_does_not_change_when_all_views_of_a_set_are_mirrored() -> None:
    theta, _ = sets(4)
    source, target = ordered_pairs(4, further=True)
    generator = torch.Generator().manual_seed(6)
    phi, weight = (torch.rand(len(theta), 12, generator=generator, dtype=torch.float64) for _ in range(2))
    loss = joint_geometric_loss(theta, phi, source, target, weight)
    assert loss.mean() > 0.01
    for choice in (torch.ones(4, dtype=torch.bool), mirrorings(4)[6]):  # and when any of them are
        assert torch.allclose(
            joint_geometric_loss(torch.where(choice, math.pi - theta, theta), phi, source, target, weight), loss
        )


def test_joint_loss_of_two_views_and_one_pair_is_the_pairwise_one() -> None:
    theta, _ = sets(2)
    phi = sets(2, seed=9)[1][:, :1]
    source, target = torch.tensor([0]), torch.tensor([1])
    found = joint_geometric_loss(theta, phi, source, target, torch.ones_like(phi))
    assert torch.allclose(found, geometric_loss(theta[:, 0], theta[:, 1], phi[:, 0])) and found.mean() > 0.1


@pytest.mark.parametrize("views", [3, 4, 5, 6])
def test_star_loss_is_the_least_over_all_choices_with_the_pairs_of_the_first_view(views: int) -> None:
    theta, _ = sets(views, 60)
    source, target = ordered_pairs(views)
    phi = 3 * torch.randn(60, len(source), generator=torch.Generator().manual_seed(views), dtype=torch.float64)
    brute = [
        (1 - torch.cos(m[:, target] - m[:, source] + phi)).mean(1)
        for m in (torch.where(choice, math.pi - theta, theta) for choice in mirrorings(views))
    ]
    assert len(brute) == 2**views
    found = star_geometric_loss(theta, phi)
    assert torch.allclose(found, torch.stack(brute).amin(0)) and found.min() > 0
    assert torch.allclose(found, joint_geometric_loss(theta, phi, source, target, torch.ones_like(phi)))


def test_side_loss_with_margin_one_is_the_published_cross_entropy() -> None:
    left = torch.tensor([True, False, True, True])
    loss = side_loss(angles(90.0, -90.0, 0.0, -30.0), left, margin=1.0)
    assert loss.tolist() == pytest.approx([0.0, 0.0, math.log(2), math.log(4)], abs=1e-12)


def test_side_loss_is_zero_beyond_the_margin() -> None:
    left = torch.tensor([True, True, False, True, True])
    # sin 30 = 0.5: beyond the margin of 0.1; at 0 it is log 2 + log 0.55; at -30, log 4 + log 0.55.
    loss = side_loss(angles(30.0, 90.0, -150.0, 0.0, -30.0), left, margin=0.1)
    assert loss.tolist() == pytest.approx([0, 0, 0, math.log(1.1), math.log(2.2)], abs=1e-12)
    theta = torch.tensor([math.asin(0.11), math.asin(0.09)], dtype=torch.float64, requires_grad=True)
    found = side_loss(theta, left[:2])
    (gradient,) = torch.autograd.grad(found.sum(), theta)
    assert found[0] == 0 and gradient[0] == 0 and found[1] > 0 and gradient[1] < 0


@pytest.mark.parametrize("margin", [0.1, 1.0])
def test_side_loss_rises_as_the_answer_moves_to_the_wrong_side_and_not_by_front_or_back(margin: float) -> None:
    theta = angles(80.0, 40.0, 0.0, -40.0, -80.0)
    left = torch.ones(5, dtype=torch.bool)
    assert (side_loss(theta, left, margin).diff()[1 if margin < 1 else 0 :] > 0).all()
    assert torch.allclose(side_loss(math.pi - theta, left, margin), side_loss(theta, left, margin))
    assert torch.allclose(side_loss(-theta, ~left, margin), side_loss(theta, left, margin))


def test_the_prior_fades_between_two_shares_of_the_training_and_not_to_nothing() -> None:
    asked = (0.0, 0.4, 0.55, 0.7, 1.0)
    assert [fading(p, 0.15) for p in asked] == pytest.approx([1.0, 1.0, 0.575, 0.15, 0.15])
    assert [fading(p, 1.0) for p in asked] == [1.0] * 5


def test_symmetry_loss_by_hand() -> None:
    assert symmetry_loss(angles(30.0), angles(-30.0)).item() == pytest.approx(0.0)
    assert symmetry_loss(angles(30.0), angles(30.0)).item() == pytest.approx(math.radians(60.0))
    assert symmetry_loss(angles(179.0), angles(-178.0)).item() == pytest.approx(math.radians(1.0))
    assert symmetry_loss(angles(180.0), angles(180.0)).item() == pytest.approx(0.0, abs=1e-12)


def test_lateral_folds_the_back_to_the_front_with_finite_gradients() -> None:
    theta = angles(0.0, 60.0, 90.0, 120.0, 180.0, -30.0, -90.0, -150.0, 400.0).requires_grad_()
    folded = lateral(theta)
    assert torch.rad2deg(folded).tolist() == pytest.approx([0, 60, 90, 60, 0, -30, -90, -30, 40], abs=1e-9)
    (gradient,) = torch.autograd.grad(folded.sum(), theta)
    assert torch.isfinite(gradient).all() and (gradient.abs() == 1).all()


def test_uniform_prior_is_zero_for_even_sides_and_grows_as_answers_shrink() -> None:
    even = (torch.arange(64) + 0.5) / 64 * math.pi / 2
    signs = torch.where(torch.arange(64) % 3 == 0, -1.0, 1.0)
    assert uniform_prior((even * signs)[torch.randperm(64, generator=torch.Generator().manual_seed(0))]) < 1e-6
    assert uniform_prior(math.pi - even) < 1e-6
    assert float(uniform_prior(torch.zeros(64))) == pytest.approx(math.pi / 4)
    assert uniform_prior(even) < uniform_prior(0.8 * even) < uniform_prior(0.5 * even) < uniform_prior(0.1 * even)


def test_uniform_prior_pulls_a_shrunken_batch_apart() -> None:
    theta = (0.1 * torch.linspace(0.1, 1, 32)).requires_grad_()
    uniform_prior(theta).backward()
    assert theta.grad is not None and (theta.grad[8:] < 0).all()  # Descent makes the larger ones larger.


def test_agreement_counts_sides() -> None:
    left = torch.tensor([True, True, False, False])
    assert float(agreement(angles(10.0, 170.0, -10.0, 5.0), left)) == 0.75
