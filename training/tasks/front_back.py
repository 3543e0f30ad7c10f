"""Full-circle azimuth without labels: the geometry of a set resolves front and back for the sound network.

Head turns resolve front and back (Wallach, J. Exp. Psych. 27 (1940), 339): with turns known, the lateral angles of a source
in the views of one set fit one direction in the world, and one choice of front or back for each view, far better than others.
`infer` finds that direction for every source of a split; `FrontBack` trains the sound network on it,
as `supervised.py` does on the truth.
"""

from __future__ import annotations

import itertools
import math
from dataclasses import dataclass, replace

import numpy as np
import torch
from torch import Tensor, nn

from dataset.angles import wrap_180
from dataset.progress import progress_bar
from training.config import Settings
from training.data.batches import Batches
from training.data.preload import Store
from training.data.render import RenderedBatch, render_pictures, render_sounds
from training.networks.encoders import ordered_pairs
from training.tasks.losses import lateral, mirrorings
from training.tasks.slfm import Localiser, LocaliserTask

BATCH = 64
INFERRING = 100
"""Seed tag of the sounds that azimuths are inferred from."""
BEHIND_WEIGHT = 4.0
SENSITIVITY_FLOOR = 0.05
"""Minimum weight of a lateral angle. The weight is cos^2, because the delay between the ears changes with the cosine."""


@dataclass(frozen=True)
class Consensus:
    """The joint azimuths of one source in the views of N sets."""

    azimuth: Tensor
    """(N, V) radians, full circle."""
    confidence: Tensor
    """(N, V) posterior probability, 0 to 1, of the predicted side, front or back."""
    residual: Tensor
    """(N,) mean disagreement 1 - cos between the single views' predictions and the consensus."""


def consensus(theta: Tensor, turn: Tensor, concentration: float) -> Consensus:
    """Join the front-back ambiguous azimuths of a source in V views of a set, given the views' turns.

    theta: (N, V) radians; turn: (N, V) radians from the first view. The posterior of a choice m of front/back bits is
    proportional to exp(-concentration x sum over k of w_k (1 - cos(m_k(theta_k) + turn_k - d))), d the weighted mean direction
    of that choice in the frame of view 0 and w_k = cos^2 theta_k.
    """
    choices = mirrorings(theta.shape[1]).to(theta.device)
    mirrored = torch.where(choices, math.pi - theta[:, None], theta[:, None]) + turn[:, None]
    weight = torch.cos(theta).square().clamp_min(SENSITIVITY_FLOOR)[:, None]
    north, west = (weight * mirrored.cos()).sum(-1), (weight * mirrored.sin()).sum(-1)
    length = torch.hypot(north, west)
    posterior = (concentration * length).softmax(1)
    best = posterior.argmax(1)
    rows = torch.arange(len(theta), device=theta.device)
    direction = torch.atan2(west[rows, best], north[rows, best])
    azimuth = wrap(direction[:, None] - turn)
    # The azimuths of every choice vote for the side, not the bits: near +-90 degrees a bit carries little information.
    others = wrap(torch.atan2(west, north)[..., None] - turn[:, None])
    behind = (posterior[..., None] * (others.abs() > math.pi / 2)).sum(1)
    sure = torch.where(azimuth.abs() > math.pi / 2, behind, 1 - behind)
    residual = 1 - length[rows, best] / weight.sum(-1)[:, 0]
    return Consensus(azimuth, sure, residual)


def wrap(angle: Tensor) -> Tensor:
    """Wrap radians to (-pi, pi]."""
    return torch.atan2(torch.sin(angle), torch.cos(angle))


@torch.no_grad()
def infer(localiser: Localiser, store: Store, settings: Settings, device: torch.device, quiet: bool = True) -> Store:
    """Return a store with inferred azimuths and their confidence; no truth is read.

    The picture network predicts the turns of each set's views from the first, the sound network the lateral angles of several
    sounds of every view and source, as they are and with exchanged ears; the consensus uses the mean lateral angle.
    """
    n, views, sources = store.azimuth.shape
    every = replace(settings, views=views)
    source, target = ordered_pairs(views)
    theta, turn = torch.zeros(n, sources, views), torch.zeros(n, views)
    moments = settings.front_back.moments
    bar = progress_bar(n * sources * moments, "sound", "infer azimuths", not quiet)
    with bar:
        for moment, played in itertools.product(range(moments), range(sources)):
            batches = Batches(store, every, BATCH, training=False, tag=INFERRING + moment, only=played)
            for batch in batches.between(0, batches.per_epoch, lambda made: made.to(device)):
                own, swapped = localiser.azimuth_swapped(render_sounds(batch))
                theta[batch.row, played] += (lateral(own) - lateral(swapped)).cpu() / (2 * moments)
                if moment + played == 0:
                    there, back = localiser.rotation(render_pictures(batch), source, target).chunk(2, 1)
                    turn[batch.row, 1:] = (localiser.rotation_sign * (there - back) / 2).cpu()
                bar.update(len(batch.row))
    flat_turn = turn[:, None].expand(-1, sources, -1).reshape(-1, views)
    found = consensus(theta.reshape(-1, views), flat_turn, settings.front_back.concentration)
    azimuth = torch.rad2deg(found.azimuth).reshape(n, sources, views).transpose(1, 2).numpy()
    confidence = found.confidence.reshape(n, sources, views).transpose(1, 2).numpy()
    return replace(store, azimuth=wrap_180(azimuth).astype(np.float32), confidence=confidence)


class FrontBack(LocaliserTask):
    """A localiser whose sound network learns a store's inferred full-circle azimuths."""

    def __init__(self, settings: Settings) -> None:
        super().__init__(settings)
        self.localiser.start_full_circle()

    def forward(self, batch: RenderedBatch) -> dict[str, Tensor]:
        """Return the losses of a batch, see `full_circle_losses`."""
        return full_circle_losses(self.localiser, batch)


def full_circle_losses(localiser: Localiser, batch: RenderedBatch) -> dict[str, Tensor]:
    """Return 1 - cos(error of the lateral angle), and the cross entropy of front and back weighted by confidence.

    Near +-90 degrees front and back hardly differ: the cross entropy is also weighted by |cos(azimuth)|.
    """
    truth = torch.deg2rad(batch.azimuth)
    angle, behind = localiser.lateral_and_behind(batch.sound, batch.features)
    lateral_loss = (1 - torch.cos(angle - lateral(truth))).mean()
    weight = truth.cos().abs() * (2 * batch.confidence - 1).clamp_min(0)
    target = (truth.abs() > math.pi / 2).to(behind.dtype)
    side = nn.functional.binary_cross_entropy_with_logits(behind, target, weight)
    return {"loss": 10 * lateral_loss + BEHIND_WEIGHT * side, "lateral": lateral_loss, "behind": side}
