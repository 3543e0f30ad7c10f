"""The global sign of rotations without labels: when a camera turns left, its picture moves right."""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn import functional

LEAST_SHARED = 0.2
"""Shared part of the width at the largest shift tried."""
DETAIL = 0.22
"""Structures larger than this share of the width are filtered out, because light varies slowly."""


@torch.no_grad()
def shift_sign(source: Tensor, target: Tensor) -> tuple[Tensor, Tensor]:
    """Return the direction of motion between pictures, 1 right, -1 left, and its margin: two (N, 3, h, w) -> two (N,).

    The best horizontal shift by normalised correlation r over what both pictures show, scored as atanh(r) sqrt(shared width)
    (Fisher's z); the margin is the score's lead over the best shift the other way. For a camera that turned left the content
    moves right, so this is the sign of the turn, unless the pictures share too little.
    """
    a, b = (_detail(x) for x in (source, target))
    width = a.shape[-1]
    size = 2 * width
    products = torch.fft.irfft((torch.fft.rfft(a, size).conj() * torch.fft.rfft(b, size)).sum((1, 2)), size)
    energy_a, energy_b = (functional.pad(x.square().sum((1, 2)).cumsum(-1), (1, 0)) for x in (a, b))
    steps = torch.arange(1, int(width * (1 - LEAST_SHARED)) + 1, device=a.device)
    lags = torch.cat([-steps.flip(0), steps])
    shared, right, left = width - lags.abs(), lags.clamp_min(0), (-lags).clamp_min(0)
    # A shift by s to the right overlays a[0 : w - s] with b[s : w].
    power = (energy_a[:, left + shared] - energy_a[:, left]) * (energy_b[:, right + shared] - energy_b[:, right])
    r = products[:, lags % size] / power.sqrt().clamp_min(1e-9)
    score = r.clamp(-0.999, 0.999).atanh() * shared.sqrt()
    leftward, rightward = (part.amax(-1) for part in score.chunk(2, -1))
    return torch.where(rightward > leftward, 1.0, -1.0), (rightward - leftward).abs()


def _detail(rgb: Tensor) -> Tensor:
    """Subtract a picture's local mean: (N, 3, h, w) -> (N, 3, h, w)."""
    size = 2 * round(DETAIL * rgb.shape[-1] / 2) + 1
    return rgb - functional.avg_pool2d(rgb, size, 1, size // 2, count_include_pad=False)
