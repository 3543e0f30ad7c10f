"""The losses that tie turning heads to moving sounds: pure functions of angles in radians, left positive.

A sound at azimuth theta_s before the head turns left by phi is at theta_t = theta_s - phi after. Source: Chen, Qian and
Owens, "Sound Localization from Motion" (ICCV 2023); the uniform prior and the gate are additions of this project.
"""

from __future__ import annotations

import math

import torch
from torch import Tensor


def geometric_loss(theta_s: Tensor, theta_t: Tensor, phi: Tensor, permutation: bool = True) -> Tensor:
    """Disagreement 1 - cos(theta_t - theta_s + phi), elementwise: (...) -> (...) in [0, 2].

    With `permutation` the least over mirroring either azimuth front to back (theta -> pi - theta), because sounds in
    front and behind are hard to tell apart.
    """
    sources = (theta_s, math.pi - theta_s) if permutation else (theta_s,)
    targets = (theta_t, math.pi - theta_t) if permutation else (theta_t,)
    choices = [1 - torch.cos(t - s + phi) for s in sources for t in targets]
    return torch.stack(choices).amin(0)


def binaural_loss(theta: Tensor, left_louder: Tensor) -> Tensor:
    """Cross entropy between (sin theta + 1) / 2 and whether the left ear is louder, elementwise: (...), (...) bool -> (...)."""
    probability = ((torch.sin(theta) + 1) / 2).clamp(1e-4, 1 - 1e-4)
    return -torch.where(left_louder, probability, 1 - probability).log()


def symmetry_loss(angle: Tensor, swapped: Tensor) -> Tensor:
    """Size of angle + swapped, on the circle, elementwise: exchanging ears or pictures must negate the answer."""
    return _wrap(angle + swapped).abs()


def lateral(theta: Tensor) -> Tensor:
    """Angle from straight ahead after folding the back to the front, elementwise, in [-pi/2, pi/2].

    Made of wrapping and mirroring: asin(sin(theta)) is the same with gradients that are not finite at +-pi/2.
    """
    wrapped = _wrap(theta)
    return torch.where(wrapped.abs() > math.pi / 2, torch.sign(wrapped) * math.pi - wrapped, wrapped)


def uniform_prior(theta: Tensor) -> Tensor:
    """Distance of a batch's lateral angles from being spread evenly: (N,) -> scalar, radians.

    Mean absolute difference between the sorted |lateral angle| and the N even quantiles of 0 to 90 degrees. It assumes that
    heads face anywhere relative to the sources, as random headings do; without it both networks can shrink to zero together.
    """
    size = lateral(theta).abs().flatten().sort().values
    quantiles = (torch.arange(len(size), device=size.device) + 0.5) / len(size) * math.pi / 2
    return (size - quantiles).abs().mean()


def agreement(theta: Tensor, left_louder: Tensor) -> Tensor:
    """Share of azimuths on the side of the louder ear: (...), (...) bool -> scalar."""
    return ((torch.sin(theta) > 0) == left_louder).float().mean()


def _wrap(angle: Tensor) -> Tensor:
    """Bring radians to [-pi, pi)."""
    return torch.remainder(angle + math.pi, 2 * math.pi) - math.pi
