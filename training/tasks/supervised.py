"""The same networks trained with the true angles: what the data and the networks allow at best."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from training.config import Settings
from training.data.render import Percept
from training.networks.encoders import ordered_pairs
from training.tasks.losses import geometric_loss
from training.tasks.slfm import Localiser


class Supervised(nn.Module):
    """A localiser and the losses that train it with labels."""

    def __init__(self, settings: Settings) -> None:
        super().__init__()
        self.localiser = Localiser(settings)

    def forward(self, batch: Percept) -> dict[str, Tensor]:
        """Losses of a batch: 1 - cos(error) of rotation and of azimuth, front and back alike."""
        source, target = ordered_pairs(batch.sound.shape[1])
        theta = self.localiser.azimuth(batch.sound)
        # Without a turn the geometric loss is the distance of two azimuths, the least over mirroring.
        azimuth = geometric_loss(theta, torch.deg2rad(batch.azimuth), torch.zeros_like(theta)).mean()
        rotation = (1 - torch.cos(self.localiser.rotation(batch.rgb, source, target) - batch.turn(source, target))).mean()
        return {"loss": azimuth + rotation, "azimuth": azimuth, "rotation": rotation}
