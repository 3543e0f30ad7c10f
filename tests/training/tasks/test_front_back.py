"""Front and back from the geometry of a set: exact where heads turn, unsure where they do not, without looking at the truth."""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np
import pytest
import torch

from dataset.angles import fold_front, wrap_180
from training.config import Settings, preset
from training.data.preload import Store
from training.data.render import RenderedBatch
from training.tasks.front_back import BEHIND_WEIGHT, FrontBack, consensus, full_circle_losses, infer, wrap
from training.tasks.losses import lateral

CPU = torch.device("cpu")


def settings(*assignments: str) -> Settings:
    return preset("small", {"picture.width_px": 64, "picture.height_px": 48, "sound.clip_s": 0.25}, assignments)


def worlds(views: int, count: int = 400, least: float = 10.0) -> tuple[torch.Tensor, torch.Tensor]:
    """Give true azimuths, full circle, and turns from the first view, radians: twice (N, V)."""
    generator = torch.Generator().manual_seed(views)
    size = torch.deg2rad(least + (50 - least) * torch.rand(count, views, generator=generator, dtype=torch.float64))
    turn = size * torch.where(torch.rand(count, views, generator=generator) < 0.5, -1.0, 1.0)
    turn[:, 0] = 0
    bearing = 2 * math.pi * torch.rand(count, 1, generator=generator, dtype=torch.float64)
    return wrap(bearing - turn), turn


@pytest.mark.parametrize("views", [2, 3, 4])
def test_lateral_angles_and_turns_give_the_full_circle(views: int) -> None:
    truth, turn = worlds(views)
    found = consensus(lateral(truth), turn, 1e4)
    assert wrap(found.azimuth - truth).abs().max() < 1e-6
    assert found.residual.abs().max() < 1e-12
    assert ((found.azimuth.abs() > math.pi / 2) == (truth.abs() > math.pi / 2)).all()


def test_more_views_are_surer() -> None:
    sure = []
    for views in (2, 3, 4):
        truth, turn = worlds(views)
        confidence = consensus(lateral(truth), turn, 20.0).confidence
        assert confidence.min() > 0.2 and confidence.max() <= 1 + 1e-9
        sure.append(float(confidence.mean()))
    assert sure[0] < sure[1] < sure[2] and sure[2] > 0.9


def test_a_head_that_does_not_turn_tells_nothing() -> None:
    truth, turn = worlds(4)
    found = consensus(lateral(truth[:, :1]).expand(-1, 4), 0 * turn, 20.0)
    ahead = lateral(truth[:, 0]).abs() < math.radians(40)  # beyond, bits at odds point to the side itself
    assert ahead.sum() > 100 and (found.confidence[ahead] - 0.5).abs().max() < 1e-5
    assert found.confidence.max() < 0.8


def test_turns_of_the_wrong_sign_put_everything_behind() -> None:
    truth, turn = worlds(3)
    found = consensus(lateral(truth), -turn, 1e4)
    assert wrap(found.azimuth - wrap(math.pi - truth)).abs().max() < 1e-6


def test_residual_by_hand() -> None:
    # Straight ahead (or behind) before and after a quarter turn: two directions at right angles, |1 + i| / 2 long on the mean.
    quarter = torch.tensor([[0.0, math.pi / 2]], dtype=torch.float64)
    found = consensus(torch.zeros(1, 2, dtype=torch.float64), quarter, 20.0)
    assert found.residual.tolist() == pytest.approx([1 - math.sqrt(2) / 2])


def test_wrap_brings_angles_to_one_turn() -> None:
    assert torch.rad2deg(wrap(torch.deg2rad(torch.tensor([190.0, -190.0, 360.0, 90.0])))).tolist() == pytest.approx(
        [-170, 170, 0, 90], abs=1e-3
    )


def test_inferred_azimuths_are_the_true_ones(coded: Store, knowing: type) -> None:
    hidden = replace(coded, azimuth=np.zeros_like(coded.azimuth))  # no truth is read
    found = infer(knowing(coded), hidden, settings(), CPU)  # type: ignore[arg-type]
    assert found.confidence is not None and found.confidence.shape == coded.azimuth.shape
    assert np.array_equal(found.heading, coded.heading) and found.azimuth.dtype == np.float32
    apart = np.abs(wrap_180(found.azimuth - coded.azimuth))
    assert (np.abs(found.azimuth) <= 180).all() and np.median(apart) < 0.3
    right = (np.abs(found.azimuth) > 90) == (np.abs(coded.azimuth) > 90)
    away = np.abs(fold_front(coded.azimuth)) < 70
    assert right[away].mean() > 0.98 and right[found.confidence > 0.99].mean() > 0.99
    assert found.compare(coded.azimuth)["bits right"] == pytest.approx(right.mean())
    assert found.compare(coded.azimuth)["mean_deg"] == pytest.approx(apart.mean(), rel=1e-3)


def test_inference_takes_the_localisers_global_sign(coded: Store, knowing: type) -> None:
    first = infer(knowing(coded), coded, settings("front_back.moments=1"), CPU)  # type: ignore[arg-type]
    mirrored = infer(knowing(coded, torch.neg, sign=-1.0), coded, settings("front_back.moments=1"), CPU)  # type: ignore[arg-type]
    np.testing.assert_allclose(first.azimuth, mirrored.azimuth, atol=1e-3)


def test_front_and_back_have_an_encoder_of_their_own_that_starts_as_a_copy() -> None:
    torch.manual_seed(0)
    localiser = FrontBack(settings()).localiser.eval()
    sound = 0.1 * torch.randn(3, 2, 2, 4000)
    assert localiser.full_circle
    before, odds = localiser.lateral_and_behind(sound)
    vectors = localiser.encoders.encode_sounds(sound)
    assert torch.allclose(odds, localiser.behind_head(vectors)[..., 0], atol=1e-5)
    with torch.no_grad():
        localiser.behind_encoder.linear.weight.mul_(2)
    after, changed = localiser.lateral_and_behind(sound)
    assert torch.equal(before, after) and not torch.allclose(odds, changed, atol=1e-4)


class Fixed:
    """Answers the same lateral angles and odds for any sound."""

    def __init__(self, lateral_deg: list[list[float]], behind: list[list[float]]) -> None:
        self.answers = torch.deg2rad(torch.tensor(lateral_deg)), torch.tensor(behind)

    def lateral_and_behind(self, *_: object) -> tuple[torch.Tensor, torch.Tensor]:
        return self.answers


def test_losses_of_front_and_back_by_hand() -> None:
    truth = torch.tensor([[150.0, 30.0, 180.0, -60.0]])
    sure = torch.tensor([[1.0, 1.0, 0.75, 0.5]])
    nothing = torch.zeros(1)
    batch = RenderedBatch(nothing, nothing, nothing, nothing, nothing, truth, sure)
    losses = full_circle_losses(Fixed([[30.0, 30.0, 60.0, -60.0]], [[0.0, math.log(3), 0.0, -9.0]]), batch)  # type: ignore[arg-type]
    # 150 is 30 behind, 180 is 0 behind (answered 60); odds of 0 cost log 2, of 3:1 for the wrong side log 4; weights are
    # |cos| x (2 x confidence - 1): 0.866, 0.866, 1 x 0.5, 0.
    assert losses["lateral"].item() == pytest.approx((1 - math.cos(math.radians(60))) / 4)
    side = (math.sqrt(0.75) * (math.log(2) + math.log(4)) + 0.5 * math.log(2)) / 4
    assert losses["behind"].item() == pytest.approx(side, rel=1e-5)
    assert losses["loss"].item() == pytest.approx(10 * losses["lateral"].item() + BEHIND_WEIGHT * side, rel=1e-5)
