"""Whether a run has learned, measured without labels: figures of a localiser on a split's pictures and sounds."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import replace

import torch
from torch import Tensor

from training.config import Settings
from training.data.batches import Batches
from training.data.preload import Store
from training.data.render import RenderedBatch, render_batch, render_pictures
from training.networks.encoders import ordered_pairs
from training.networks.spectra import louder_left
from training.tasks.front_back import consensus
from training.tasks.losses import agreement, joint_geometric_loss, lateral
from training.tasks.slfm import ENUMERATED_VIEWS, Localiser, near
from training.tasks.turn_sign import shift_sign

BATCH = 64
SIGN_BATCHES = 8
EXPLAINED_DEG = 20.0
"""A set whose views disagree by more than this, root mean square, is not explained by noise."""
TRIANGLE_DEG = 15.0
"""Turns around a triangle of overlapping views that miss zero by more than this contradict each other."""
SURE = 0.9


FIGURES = {
    "unexplained_sets": "sets whose azimuths and turns disagree by more than 20 degrees under the best front/back bits",
    "broken_triangles": "triangles of overlapping views whose turns do not add up, by more than 15 degrees",
    "unsure_bits": "sounds, 20 degrees or more off the side, whose front/back bit is less than 90 % sure",
    "side_agreement": "sounds on the side of the louder ear",
    "shift_agreement": "pairs whose turn has the sign of the pictures' shift; surer half, least of small, middle and large turns",
}
"""The description of each figure, a share."""
LIMITS: dict[str, tuple[str, float, str]] = {
    "unexplained_sets": ("at most", 0.25, "azimuths and turns of one set contradict each other"),
    "broken_triangles": ("at most", 0.25, "turns among three views do not add up"),
    "unsure_bits": ("at most", 0.30, "geometry does not distinguish front from back"),
    "side_agreement": ("at least", 0.85, "azimuths are not on the side of the louder ear"),
    "shift_agreement": ("at least", 0.70, "turns have mixed signs"),
}
"""For each figure: the direction and value of its limit, and the meaning of a violation."""


def complaints(health: Mapping[str, float]) -> list[str]:
    """Return one line for each figure beyond its limit; empty for a healthy run."""
    out = []
    for name, value in health.items():
        direction, limit, meaning = LIMITS[name]
        healthy = value <= limit if direction == "at most" else value >= limit
        if not healthy:
            out.append(f"{meaning} ({name.replace('_', ' ')} {value:.0%}, {direction} {limit:.0%} is healthy)")
    return out


@torch.no_grad()
def measure(localiser: Localiser, store: Store, settings: Settings, device: torch.device) -> dict[str, float]:
    """Return the figures of a localiser on the pictures and sounds of a split: the shares of `FIGURES`, 0 to 1; no truth is read.

    A figure without cases in the split is left out, such as triangles in sets of two views.
    """
    views = min(store.rgb.shape[1], ENUMERATED_VIEWS)
    batches = Batches(store, replace(settings, views=views), BATCH, training=False)
    parts: dict[str, list[Tensor]] = {name: [] for name in FIGURES if name != "shift_agreement"}
    votes = []
    for rendered in batches.between(0, batches.per_epoch, lambda batch: render_batch(batch.to(device)), workers=0):
        for name, values in _figures(localiser, rendered, settings).items():
            parts[name].append(values.flatten().float())
        votes.append(_votes(localiser, rendered.rgb))
    found = {name: torch.cat(values) for name, values in parts.items()}
    figures = {name: float(values.mean()) for name, values in found.items() if len(values)}
    turn, shift, margin = (torch.cat(values) for values in zip(*votes, strict=True))
    return figures | {"shift_agreement": _least_agreement(localiser.rotation_sign * turn, shift, margin)}


@torch.no_grad()
def turn_sign(localiser: Localiser, store: Store, settings: Settings, device: torch.device) -> tuple[float, float]:
    """Return the sign under which turns agree with picture shifts, and the share of pairs that agree; no label is read.

    The network's turns are known up to one global sign, see turn_sign.py; the majority decides, among pairs with each set's
    first view, of the half with the larger margins.
    """
    batches = Batches(store, replace(settings, views=store.rgb.shape[1]), BATCH, training=False)
    steps = range(min(batches.per_epoch, SIGN_BATCHES))
    votes = [_votes(localiser, render_pictures(batches.make(step).to(device))) for step in steps]
    turn, shift, margin = (torch.cat(values) for values in zip(*votes, strict=True))
    share = _agreement(turn, shift, margin)
    return (1.0, share) if share >= 0.5 else (-1.0, 1 - share)


def _votes(localiser: Localiser, rgb: Tensor) -> tuple[Tensor, Tensor, Tensor]:
    """Return of pairs with the first view: raw turns (without the global sign), shifts' signs and their margins, (N,) each."""
    source, target = ordered_pairs(rgb.shape[1])
    half = len(source) // 2
    there, back = localiser.rotation(rgb, source, target).chunk(2, 1)
    shift, margin = shift_sign(rgb[:, source[:half]].flatten(0, 1), rgb[:, target[:half]].flatten(0, 1))
    return ((there - back) / 2).flatten(), shift, margin


def _agreement(turn: Tensor, shift: Tensor, margin: Tensor) -> float:
    """Return the share of the half of the pairs with the larger margins whose turns (N,) have the sign of the shifts (N,)."""
    surer = margin >= margin.median()
    return float((torch.sign(turn) == shift)[surer].float().mean())


def _least_agreement(turn: Tensor, shift: Tensor, margin: Tensor) -> float:
    """Return the least `_agreement` of small, middle and large turns, so that no size of turn may have the other sign."""
    edges = turn.abs().quantile(torch.tensor([1 / 3, 2 / 3], device=turn.device))
    size = torch.bucketize(turn.abs(), edges)
    return min(_agreement(*(x[size == k] for x in (turn, shift, margin))) for k in range(3) if (size == k).any())


def _figures(localiser: Localiser, rendered: RenderedBatch, settings: Settings) -> dict[str, Tensor]:
    """Return the figures of a batch, one value a set, triangle, sound or pair."""
    views = rendered.rgb.shape[1]
    theta = lateral(localiser.azimuth(rendered.sound))
    source, target = ordered_pairs(views, further=True)
    there, back = (localiser.rotation_sign * localiser.rotation(rendered.rgb, source, target)).chunk(2, 1)
    turns = (there - back) / 2
    close = near(turns, views, settings.slfm.further_pairs_deg)
    both = torch.cat([turns, -turns], 1)
    residual = joint_geometric_loss(theta, both, source, target, close.repeat(1, 2))
    from_first = torch.cat([turns.new_zeros(len(turns), 1), turns[:, : views - 1]], 1)
    further = source[: len(source) // 2] > 0
    first, second = source[: len(source) // 2][further], target[: len(source) // 2][further]
    miss = (from_first[:, first] + turns[:, further] - from_first[:, second]).abs()
    found = consensus(theta, from_first, settings.front_back.concentration)
    off_side = theta.abs() < math.radians(70)
    return {
        "unexplained_sets": residual > 1 - math.cos(math.radians(EXPLAINED_DEG)),
        "broken_triangles": (miss > math.radians(TRIANGLE_DEG))[close[:, further] > 0],
        "unsure_bits": (found.confidence < SURE)[off_side],
        "side_agreement": agreement(theta, louder_left(rendered.sound))[None],
    }
