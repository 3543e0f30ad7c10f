"""A run's own judgement of itself: a localiser that knows the truth is healthy, and each way of not knowing it is told."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import replace

import numpy as np
import pytest
import torch
from torch import Tensor

from training.config import Settings, preset
from training.data.preload import Store
from training.evaluation.health import FIGURES, LIMITS, complaints, measure, turn_sign

CPU = torch.device("cpu")


@pytest.fixture(scope="module")
def settings() -> Settings:
    return preset("small", {"picture.width_px": 64, "picture.height_px": 48, "sound.clip_s": 0.25})


def mixed(turn: Tensor) -> Tensor:
    """Turn small turns the other way, as failed runs did."""
    return torch.where(turn.abs() < math.radians(30), -turn, turn)


def mixed_large(turn: Tensor) -> Tensor:
    """Turn large turns the other way."""
    return torch.where(turn.abs() > math.radians(30), -turn, turn)


def drawn(turn: Tensor) -> Tensor:
    """Answer turns at random."""
    return torch.deg2rad(100 * torch.rand(turn.shape, generator=torch.Generator().manual_seed(0)) - 50)


def judged(coded: Store, knowing: type, settings: Settings, bend: Callable[[Tensor], Tensor]) -> dict[str, float]:
    hidden = replace(coded, azimuth=np.zeros_like(coded.azimuth), heading=np.zeros_like(coded.heading))
    found = measure(knowing(coded, bend), hidden, settings, CPU)  # no truth is read
    print({k: round(v, 3) for k, v in found.items()})
    assert set(found) == set(FIGURES) == set(LIMITS) and all(0 <= v <= 1 for v in found.values())
    return found


def test_who_knows_the_truth_is_healthy(coded: Store, knowing: type, settings: Settings) -> None:
    found = judged(coded, knowing, settings, lambda turn: turn)
    assert complaints(found) == []
    assert found["unexplained_sets"] == found["broken_triangles"] == 0 and found["side_agreement"] == 1
    assert found["shift_agreement"] > 0.9


def test_turns_of_mixed_sign_are_told(coded: Store, knowing: type, settings: Settings) -> None:
    found = judged(coded, knowing, settings, mixed)
    told = " ".join(complaints(found))
    assert "turns have mixed signs (shift agreement" in told and "contradict each other (unexplained sets" in told
    assert found["side_agreement"] == 1


def test_large_turns_of_the_other_sign_are_told(coded: Store, knowing: type, settings: Settings) -> None:
    assert complaints(judged(coded, knowing, settings, mixed_large))


def test_the_wrong_global_sign_is_told(coded: Store, knowing: type, settings: Settings) -> None:
    assert judged(coded, knowing, settings, torch.neg)["shift_agreement"] < 0.1


def test_turns_at_random_are_told(coded: Store, knowing: type, settings: Settings) -> None:
    found = judged(coded, knowing, settings, drawn)
    assert 0.3 < found["shift_agreement"] < 0.7 and found["broken_triangles"] > 0.4
    told = " ".join(complaints(found))
    assert "do not add up" in told and "turns have mixed signs" in told


def test_exchanged_ears_are_told(coded: Store, knowing: type, settings: Settings) -> None:
    localiser = knowing(coded)
    right = localiser.azimuth
    localiser.azimuth = lambda sound: -right(sound)
    found = measure(localiser, coded, settings, CPU)
    assert found["side_agreement"] == 0 and any("louder ear" in line for line in complaints(found))


def test_a_localiser_that_always_answers_nothing_is_told(coded: Store, knowing: type, settings: Settings) -> None:
    localiser = knowing(coded, torch.zeros_like)
    localiser.azimuth = lambda sound: 0 * sound[..., 0, 0] + 1e-3
    told = complaints(measure(localiser, coded, settings, CPU))
    assert any("front from back" in line for line in told) and any("mixed signs" in line for line in told)


@pytest.mark.parametrize("views", [2, 3])
def test_sets_of_fewer_views_are_judged_by_what_they_have(coded: Store, knowing: type, settings: Settings, views: int) -> None:
    names = ("rgb", "heading", "azimuth", "direct", "indirect")
    few = replace(coded, **{name: getattr(coded, name)[:, :views] for name in names})
    for bend, healthy in ((lambda turn: turn, True), (mixed, False)):
        found = measure(knowing(few, bend), few, replace(settings, views=views), CPU)
        assert ("broken_triangles" in found) == (views > 2) and not any(math.isnan(v) for v in found.values())
        told = complaints({k: v for k, v in found.items() if k != "unsure_bits"})  # two views leave many bits open
        assert (told == []) == healthy


def test_complaints_say_what_was_found_and_what_is_healthy() -> None:
    healthy = {name: limit for name, (_, limit, _) in LIMITS.items()}
    assert complaints(healthy) == []
    assert complaints({**healthy, "shift_agreement": 0.62}) == [
        "turns have mixed signs (shift agreement 62%, at least 70% is healthy)"
    ]
    assert (
        len(
            complaints(
                {"unexplained_sets": 1, "broken_triangles": 1, "unsure_bits": 1, "side_agreement": 0, "shift_agreement": 0}
            )
        )
        == 5
    )
    for name, (direction, limit, _) in LIMITS.items():
        worse = limit + (0.01 if direction == "at most" else -0.01)
        assert len(complaints({**healthy, name: worse})) == 1
        assert len(complaints({**healthy, name: math.nan})) == 1  # what cannot be measured is not healthy


def test_the_global_sign_follows_from_shifting_pictures(coded: Store, knowing: type, settings: Settings) -> None:
    sign, share = turn_sign(knowing(coded), coded, settings, CPU)
    assert sign == 1 and share > 0.9
    assert turn_sign(knowing(coded, torch.neg), coded, settings, CPU) == (-1, pytest.approx(share))
    assert turn_sign(knowing(coded, torch.neg, sign=-1.0), coded, settings, CPU)[0] == -1  # of the raw turns
