"""The losses that relate head turns to azimuths: pure functions of angles in radians, left positive.

A sound at azimuth theta_s before the head turns left by phi is at theta_t = theta_s - phi after. Source: Chen, Qian and
Owens, "Sound Localization from Motion" (ICCV 2023); the uniform prior and the gate are additions of this project.
"""

from __future__ import annotations

import math

import torch
from torch import Tensor


def geometric_loss(theta_s: Tensor, theta_t: Tensor, phi: Tensor, permutation: bool = True) -> Tensor:
    """Return the disagreement 1 - cos(theta_t - theta_s + phi) of single pairs, elementwise: (...) -> (...) in [0, 2].

    With `permutation`, the minimum over mirroring either azimuth front to back (theta -> pi - theta), because front and back are
    ambiguous: the published loss (Chen et al. 2023, eq. 5). It is the same for phi and -phi.
    """
    sources = (theta_s, math.pi - theta_s) if permutation else (theta_s,)
    targets = (theta_t, math.pi - theta_t) if permutation else (theta_t,)
    choices = [1 - torch.cos(t - s + phi) for s in sources for t in targets]
    return torch.stack(choices).amin(0)


def joint_geometric_loss(theta: Tensor, phi: Tensor, source: Tensor, target: Tensor, weight: Tensor) -> Tensor:
    """Return the disagreement of all pairs of a set under its best choice of front/back bits, one a view: (B,) in [0, 2].

    theta: (B, V) azimuths; phi: (B, P) turns of the pairs source, target (P,); weight: (B, P). The weighted mean over pairs of
    1 - cos(m_t(theta_t) - m_s(theta_s) + phi), minimised over all 2^V choices of mirroring m. Because the pairs of a set share
    the bits, turns of mixed sign within a set are penalised, which the minimum of each pair does not do.
    """
    mirrored = torch.where(mirrorings(theta.shape[1]).to(theta.device), math.pi - theta[:, None], theta[:, None])
    disagreement = 1 - torch.cos(mirrored[..., target] - mirrored[..., source] + phi[:, None])
    return ((disagreement * weight[:, None]).sum(-1) / weight.sum(-1)[:, None]).amin(1)


def star_geometric_loss(theta: Tensor, phi: Tensor) -> Tensor:
    """`joint_geometric_loss` for any number of views, over the pairs with the first view only: (B, V), (B, 2 V - 2) -> (B,).

    phi: first the turns from view 0 to each other view, then those back. Given the bit of view 0, the other bits are
    independent of each other, so the exact minimum takes 4 (V - 1) terms instead of 2^V.
    """
    there, back = phi.chunk(2, 1)
    others = theta[:, 1:]

    def cost(first: Tensor, other: Tensor) -> Tensor:
        return 1 - (torch.cos(other - first + there) + torch.cos(first - other + back)) / 2

    given = [torch.minimum(cost(f, others), cost(f, math.pi - others)).mean(1) for f in (theta[:, :1], math.pi - theta[:, :1])]
    return torch.minimum(*given)


def mirrorings(views: int) -> Tensor:
    """Return all choices of front (False) or back (True) for the views of a set: (2^V, V) bool."""
    return (torch.arange(2**views)[:, None] >> torch.arange(views)) % 2 == 1


def side_loss(theta: Tensor, left_louder: Tensor, margin: float = 0.1) -> Tensor:
    """Return the cross entropy between (sin theta + 1) / 2 and the louder ear's side, elementwise: (...), (...) bool -> (...).

    Clipped to zero once sin theta reaches `margin` on the correct side, because beyond it the cross entropy pushes every azimuth
    towards +-90 degrees. A margin of 1 is the published loss.
    """
    toward = torch.where(left_louder, torch.sin(theta), -torch.sin(theta))
    loss = -((toward + 1) / 2).clamp_min(1e-4).log()
    return (loss + math.log((1 + margin) / 2)).clamp_min(0)


def fading(progress: float, left: float, begin: float = 0.4, end: float = 0.7) -> float:
    """Return the factor on the prior at a share of the training (0 to 1): 1 until `begin`, then linearly to `left` at `end`."""
    return 1 - (1 - left) * min(1.0, max(0.0, (progress - begin) / (end - begin)))


def symmetry_loss(angle: Tensor, swapped: Tensor) -> Tensor:
    """Return |angle + swapped| on the circle, elementwise: exchanging ears or pictures must negate the angle."""
    return _wrap(angle + swapped).abs()


def lateral(theta: Tensor) -> Tensor:
    """Return the azimuth folded to the front, elementwise, in [-pi/2, pi/2].

    Computed by wrapping and mirroring: asin(sin(theta)) is equal, but its gradient is not finite at +-pi/2.
    """
    wrapped = _wrap(theta)
    return torch.where(wrapped.abs() > math.pi / 2, torch.sign(wrapped) * math.pi - wrapped, wrapped)


def uniform_prior(theta: Tensor) -> Tensor:
    """Return the distance of a batch's lateral angles from a uniform distribution: (N,) -> scalar, radians.

    Mean absolute difference between the sorted |lateral angle| and the N even quantiles of 0 to 90 degrees. It assumes that
    heads face anywhere relative to the sources, as random headings do; without it both networks can collapse to zero.
    """
    size = lateral(theta).abs().flatten().sort().values
    quantiles = (torch.arange(len(size), device=size.device) + 0.5) / len(size) * math.pi / 2
    return (size - quantiles).abs().mean()


def agreement(theta: Tensor, left_louder: Tensor) -> Tensor:
    """Return the share of azimuths on the side of the louder ear: (...), (...) bool -> scalar."""
    return ((torch.sin(theta) > 0) == left_louder).float().mean()


def _wrap(angle: Tensor) -> Tensor:
    """Wrap radians to [-pi, pi)."""
    return torch.remainder(angle + math.pi, 2 * math.pi) - math.pi
