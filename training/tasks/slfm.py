"""Sound localisation from motion: one head for azimuth and one for rotation, trained for mutual agreement."""

from __future__ import annotations

import math

import torch
from torch import Tensor, nn

from training.config import Settings
from training.data.render import RenderedBatch
from training.networks.encoders import Encoders, ordered_pairs, sound_encoder
from training.networks.spectra import louder_left
from training.tasks.losses import (
    agreement,
    fading,
    geometric_loss,
    joint_geometric_loss,
    lateral,
    side_loss,
    star_geometric_loss,
    symmetry_loss,
    uniform_prior,
)
from training.tasks.processes import gathered, total

ENUMERATED_VIEWS = 4
"""Up to this many views, all choices of front/back bits are tried with all pairs; above, only pairs with the first view count."""
MEMORY = 0.95
"""Decay of the running agreement with the level difference."""


class Localiser(nn.Module):
    """Both encoders with their heads, which work independently."""

    def __init__(self, settings: Settings) -> None:
        super().__init__()
        self.encoders = Encoders(settings.network, settings.picture)
        size = self.encoders.size
        self.azimuth_head, self.rotation_head, self.behind_head = head(size), head(size), head(size)
        self.behind_encoder = sound_encoder(settings.network)
        """Front and back need the spectra of the pinnae, azimuths the differences between the ears: each has its encoder."""
        self.reach = math.pi / 2 if settings.slfm.front_only else math.pi
        self.register_buffer("rotation_sign", torch.ones(()))
        """Global sign of the rotations, which the losses leave open; fixed after training (see turn_sign.py)."""
        self.rotation_sign: Tensor
        self.register_buffer("full_circle", torch.zeros((), dtype=torch.bool))
        """Whether the network predicts azimuths on the full circle."""
        self.full_circle: Tensor

    def start_full_circle(self) -> None:
        """Switch to azimuths on the full circle; the encoder of front and back starts as a copy of the other."""
        self.full_circle.fill_(True)
        self.behind_encoder.load_state_dict(self.encoders.sound.state_dict())

    def azimuth(self, sound: Tensor) -> Tensor:
        """Return azimuths in radians, left positive: (B, V, 2, L) -> (B, V)."""
        return self._azimuth(self.encoders.encode_sounds(sound))

    def lateral_and_behind(self, sound: Tensor, features: Tensor | None = None) -> tuple[Tensor, Tensor]:
        """Return the lateral angle in radians, [-pi/2, pi/2], and the log-odds of behind: (B, V, 2, L) -> twice (B, V)."""
        features = self.encoders.features(sound) if features is None else features
        angle = lateral(self._azimuth(self.encoders.encode_sounds(sound, features)))
        behind = self.behind_head(self.behind_encoder(features))
        return angle, behind.reshape(angle.shape).float()

    def lateral_and_behind_mirrored(self, sound: Tensor) -> tuple[Tensor, Tensor]:
        """Return `lateral_and_behind` averaged with the answer for exchanged ears, whose angle has the opposite sign."""
        features = self.encoders.features(sound)
        own, swapped = (self.lateral_and_behind(sound, x) for x in (features, self.encoders.sound.swap(features)))
        return (own[0] - swapped[0]) / 2, (own[1] + swapped[1]) / 2

    def azimuth_swapped(self, sound: Tensor, features: Tensor | None = None) -> tuple[Tensor, Tensor]:
        """Return the azimuths of sounds as they are and with exchanged ears: (B, V, 2, L) -> twice (B, V)."""
        own, swapped = self.encoders.encode_swapped_sounds(sound, features)
        return self._azimuth(own), self._azimuth(swapped)

    def _azimuth(self, vectors: Tensor) -> Tensor:
        return self.reach * torch.tanh(self.azimuth_head(vectors)[..., 0].float())

    def rotation(self, rgb: Tensor, source: Tensor, target: Tensor) -> Tensor:
        """Return turns in radians, up to the global sign, of P pairs of views: (B, V, 3, h, w), (P,), (P,) -> (B, P)."""
        vectors = self.encoders.compare(rgb, source, target)
        return math.pi / 2 * torch.tanh(self.rotation_head(vectors)[..., 0].float())


class LocaliserTask(nn.Module):
    """A localiser and losses that train it; subclasses define `forward`."""

    def __init__(self, settings: Settings) -> None:
        super().__init__()
        self.localiser = Localiser(settings)

    def features(self, sound: Tensor) -> Tensor:
        """Return the inputs of the sound encoder for sounds (N, 2, L)."""
        return self.localiser.encoders.features(sound)


class Slfm(LocaliserTask):
    """A localiser and the losses that train it without labels."""

    def __init__(self, settings: Settings) -> None:
        super().__init__(settings)
        self.settings, self.progress = settings, 0.0
        self.register_buffer("agreement", torch.full((), 0.5))
        self.register_buffer("gate", torch.tensor(0.0 if settings.slfm.gate else 1.0))
        self.agreement: Tensor
        self.gate: Tensor

    def train(self, mode: bool = True) -> Slfm:
        """Set training mode, except for frozen backbones."""
        super().train(mode)
        if self.settings.slfm.frozen:
            self.localiser.encoders.eval().requires_grad_(False)
        return self

    def forward(self, batch: RenderedBatch) -> dict[str, Tensor]:
        """Return the losses of a batch: `loss` and its parts."""
        s, gate = self.settings.slfm, self.gate.clone()
        left = louder_left(batch.sound)
        theta, swapped = self.localiser.azimuth_swapped(batch.sound, batch.features)
        parts = {
            "side": side_loss(theta, left, s.side_margin).mean(),
            "symmetry": symmetry_loss(theta, swapped).mean(),
            "prior": uniform_prior(gathered(theta)),
        }
        # While the gate is closed, pictures do not contribute and are skipped.
        geometric, exchanged = self._turning(batch, theta) if bool(gate) else (theta.new_zeros(()), theta.new_zeros(()))
        parts |= {"geometric": geometric, "symmetry": parts["symmetry"] + exchanged}
        self._update_gate(gathered(theta.detach()), gathered(left.float()) > 0)
        loss = (
            s.geometric_weight * parts["geometric"]
            + s.side_weight * parts["side"]
            + s.symmetry_weight * parts["symmetry"]
            + s.prior_weight * gate * fading(self.progress, s.prior_left) * parts["prior"]
        )
        return {"loss": loss, **parts, "agreement": self.agreement.clone(), "gate": gate}

    def _turning(self, batch: RenderedBatch, theta: Tensor) -> tuple[Tensor, Tensor]:
        """Return the geometric loss of the pairs of views, and the symmetry loss of their exchanged pictures."""
        s, views = self.settings.slfm, theta.shape[1]
        further = s.permutation == "joint" and s.further_pairs_deg > 0 and 2 < views <= ENUMERATED_VIEWS
        source, target = ordered_pairs(views, further)
        turned = phi = self.localiser.rotation(batch.rgb, source, target)
        there, back = phi.chunk(2, 1)
        weight = near(there.detach(), views, s.further_pairs_deg) if further else torch.ones_like(there)
        if s.true_azimuth:
            theta = torch.deg2rad(batch.azimuth)
        if s.true_rotation:
            turned = batch.turn(source, target)
        if s.permutation == "joint" and views <= ENUMERATED_VIEWS:
            geometric = joint_geometric_loss(theta, turned, source, target, weight.repeat(1, 2))
        elif s.permutation == "joint":
            geometric = star_geometric_loss(theta, turned)
        else:
            geometric = geometric_loss(theta[:, source], theta[:, target], turned, s.permutation == "pairwise")
        return geometric.mean(), total((symmetry_loss(there, back) * weight).sum()) / total(weight.sum())

    def _update_gate(self, theta: Tensor, left: Tensor) -> None:
        """Open the gate for good once the azimuths' sides agree with the louder ears."""
        if not self.training:
            return
        self.agreement.mul_(MEMORY).add_((1 - MEMORY) * agreement(theta, left))
        if self.settings.slfm.gate:
            self.gate.copy_(torch.maximum(self.gate, (self.agreement >= self.settings.slfm.gate_agreement).float()))


def near(phi: Tensor, views: int, limit_deg: float) -> Tensor:
    """Return weights (B, P) of unordered pairs, `ordered_pairs` with further ones, from their turns phi (B, P): 1 or 0.

    Pairs with the first view always count; others count if the two views' turns from the first differ by at most the limit, so
    that they are likely to overlap.
    """
    first, second = torch.triu_indices(views, views, 1)
    from_first = torch.cat([phi.new_zeros(len(phi), 1), phi[:, : views - 1]], 1)
    apart = (from_first[:, first] - from_first[:, second]).abs()
    return ((first == 0) | (apart <= math.radians(limit_deg))).to(phi.dtype)


def head(size: int) -> nn.Module:
    """Return two linear layers: (..., size) -> (..., 1)."""
    return nn.Sequential(nn.Linear(size, size // 2), nn.ReLU(), nn.Linear(size // 2, 1))
