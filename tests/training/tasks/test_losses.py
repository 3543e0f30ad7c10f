"""The losses by hand: zero at the truth, positive when a sign flips, blind to what cannot be told."""

from __future__ import annotations

import math

import pytest
import torch

from training.tasks.losses import agreement, binaural_loss, geometric_loss, lateral, symmetry_loss, uniform_prior


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


def test_binaural_loss_by_hand() -> None:
    left = torch.tensor([True, False, True, True])
    loss = binaural_loss(angles(90.0, -90.0, 0.0, -30.0), left)
    assert loss.tolist() == pytest.approx([-math.log(1 - 1e-4)] * 2 + [math.log(2), math.log(4)])


def test_binaural_loss_rises_as_the_answer_moves_to_the_wrong_side_and_not_by_front_or_back() -> None:
    theta = angles(80.0, 40.0, 0.0, -40.0, -80.0)
    left = torch.ones(5, dtype=torch.bool)
    assert (binaural_loss(theta, left).diff() > 0).all()
    assert torch.allclose(binaural_loss(math.pi - theta, left), binaural_loss(theta, left))
    assert torch.allclose(binaural_loss(-theta, ~left), binaural_loss(theta, left))


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
