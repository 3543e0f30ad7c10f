"""Sound localisation from motion: two heads, one for azimuth and one for rotation, made to agree with each other."""

from __future__ import annotations

import math

import torch
from torch import Tensor, nn

from training.config import Settings
from training.data.render import Percept
from training.networks.encoders import Encoders, ordered_pairs
from training.networks.spectra import louder_left
from training.tasks.losses import agreement, binaural_loss, geometric_loss, symmetry_loss, uniform_prior

MEMORY = 0.95
"""Share of the past in the running agreement with the level difference."""


class Localiser(nn.Module):
    """Both encoders with their heads; each answers on its own."""

    def __init__(self, settings: Settings) -> None:
        super().__init__()
        self.encoders = Encoders(settings.network, settings.picture)
        size = self.encoders.size
        self.azimuth_head, self.rotation_head = head(size), head(size)
        self.reach = math.pi / 2 if settings.slfm.front_only else math.pi
        self.register_buffer("rotation_sign", torch.ones(()))
        """Fixed once on validation data: pictures alone cannot tell left from right (see evaluation)."""
        self.rotation_sign: Tensor

    def azimuth(self, sound: Tensor) -> Tensor:
        """Azimuths in radians, left positive: (B, V, 2, L) -> (B, V)."""
        return self._azimuth(self.encoders.hear(sound))

    def azimuth_swapped(self, sound: Tensor) -> tuple[Tensor, Tensor]:
        """Azimuths of sounds as they are and with exchanged ears: (B, V, 2, L) -> twice (B, V)."""
        own, swapped = self.encoders.hear_swapped(sound)
        return self._azimuth(own), self._azimuth(swapped)

    def _azimuth(self, vectors: Tensor) -> Tensor:
        return self.reach * torch.tanh(self.azimuth_head(vectors)[..., 0].float())

    def rotation(self, rgb: Tensor, source: Tensor, target: Tensor) -> Tensor:
        """Turns in radians, up to the global sign, of P pairs of views: (B, V, 3, h, w), (P,), (P,) -> (B, P)."""
        vectors = self.encoders.compare(rgb, source, target)
        return math.pi / 2 * torch.tanh(self.rotation_head(vectors)[..., 0].float())


class Slfm(nn.Module):
    """A localiser and the losses that train it without labels."""

    def __init__(self, settings: Settings) -> None:
        super().__init__()
        self.settings = settings
        self.localiser = Localiser(settings)
        self.register_buffer("agreement", torch.full((), 0.5))
        self.register_buffer("gate", torch.tensor(0.0 if settings.slfm.gate else 1.0))
        self.agreement: Tensor
        self.gate: Tensor

    def train(self, mode: bool = True) -> Slfm:
        """Switch to training, but for frozen backbones."""
        super().train(mode)
        if self.settings.slfm.frozen:
            self.localiser.encoders.eval().requires_grad_(False)
        return self

    def forward(self, batch: Percept) -> dict[str, Tensor]:
        """Losses of a batch: `loss` and its parts."""
        s, gate = self.settings.slfm, self.gate.clone()
        left = louder_left(batch.sound)
        theta, swapped = self.localiser.azimuth_swapped(batch.sound)
        parts = {
            "binaural": binaural_loss(theta, left).mean(),
            "symmetry": symmetry_loss(theta, swapped).mean(),
            "prior": uniform_prior(theta),
        }
        # While the gate is closed nothing of the pictures would be learned: they are not looked at.
        geometric, exchanged = self._turning(batch, theta) if bool(gate) else (theta.new_zeros(()), theta.new_zeros(()))
        parts |= {"geometric": geometric, "symmetry": parts["symmetry"] + exchanged}
        self._watch(theta.detach(), left)
        loss = (
            s.geometric_weight * parts["geometric"]
            + s.binaural_weight * parts["binaural"]
            + s.symmetry_weight * parts["symmetry"]
            + s.prior_weight * parts["prior"]
        )
        return {"loss": loss, **parts, "agreement": self.agreement.clone(), "gate": gate}

    def _turning(self, batch: Percept, theta: Tensor) -> tuple[Tensor, Tensor]:
        """Geometric loss of the pairs of views, and the symmetry loss of their exchanged pictures."""
        s = self.settings.slfm
        source, target = ordered_pairs(theta.shape[1])
        turned = phi = self.localiser.rotation(batch.rgb, source, target)
        half = len(source) // 2
        if s.true_azimuth:
            theta = torch.deg2rad(batch.azimuth)
        if s.true_rotation:
            turned = batch.turn(source, target)
        geometric = geometric_loss(theta[:, source], theta[:, target], turned, s.permutation).mean()
        return geometric, symmetry_loss(phi[:, :half], phi[:, half:]).mean()

    def _watch(self, theta: Tensor, left: Tensor) -> None:
        """Open the gate once the azimuths' sides agree with the louder ears; it stays open."""
        if not self.training:
            return
        self.agreement.mul_(MEMORY).add_((1 - MEMORY) * agreement(theta, left))
        if self.settings.slfm.gate:
            self.gate.copy_(torch.maximum(self.gate, (self.agreement >= self.settings.slfm.gate_agreement).float()))


def head(size: int) -> nn.Module:
    """Two layers: (..., size) -> (..., 1)."""
    return nn.Sequential(nn.Linear(size, size // 2), nn.ReLU(), nn.Linear(size // 2, 1))
