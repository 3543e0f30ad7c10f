"""The direction in which pictures shift, on pictures shifted by known amounts."""

from __future__ import annotations

import pytest
import torch
from torch.nn import functional

from training.tasks.turn_sign import shift_sign

WIDTH, HEIGHT = 96, 72


def scene(count: int = 12) -> torch.Tensor:
    """Paint wide pictures with details of several sizes: (N, 3, HEIGHT, 3 WIDTH)."""
    generator = torch.Generator().manual_seed(0)
    parts = []
    for size in (1, 4, 12):
        noise = torch.randn(count, 3, HEIGHT // size + 1, 3 * WIDTH // size + 1, generator=generator)
        parts.append(functional.interpolate(noise, (HEIGHT, 3 * WIDTH), mode="bilinear"))
    return torch.stack(parts).sum(0) / 4


def crop(wide: torch.Tensor, at: int) -> torch.Tensor:
    return wide[..., WIDTH + at : 2 * WIDTH + at]


@pytest.mark.parametrize("shift", [1, 5, 20, 50, 70])
def test_content_that_moves_right_is_positive(shift: int) -> None:
    wide = scene()
    middle, moved = crop(wide, 0), crop(wide, -shift)  # the window goes left, so the content goes right
    assert (shift_sign(middle, moved)[0] == 1).all()
    assert (shift_sign(moved, middle)[0] == -1).all()


def test_exchanging_pictures_keeps_the_margin_and_uneven_light_changes_no_sign() -> None:
    wide = scene()
    sign, margin = shift_sign(crop(wide, 0), crop(wide, -15))
    back, same = shift_sign(crop(wide, -15), crop(wide, 0))
    assert torch.equal(sign, -back) and torch.allclose(margin, same, rtol=1e-3) and (margin > 0).all()
    light = torch.linspace(0, 3, WIDTH)
    assert (shift_sign(crop(wide, 0) + light, crop(wide, -15) + light)[0] == 1).all()


def test_pictures_with_nothing_in_common_have_a_small_margin() -> None:
    wide = scene()
    clear, unlike = (shift_sign(crop(wide, 0), other)[1] for other in (crop(wide, -15), crop(wide.roll(1, 0), -15)))
    assert unlike.max() < 0.5 * clear.min()
