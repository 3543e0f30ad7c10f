"""The same networks trained with the true angles: the upper bound of the data and the networks."""

from __future__ import annotations

import torch
from torch import Tensor

from training.config import Settings
from training.data.render import RenderedBatch
from training.networks.encoders import ordered_pairs
from training.tasks.front_back import full_circle_losses
from training.tasks.slfm import LocaliserTask


class Supervised(LocaliserTask):
    """A localiser and the losses that train it with labels."""

    def __init__(self, settings: Settings) -> None:
        super().__init__(settings)
        self.localiser.start_full_circle()

    def forward(self, batch: RenderedBatch) -> dict[str, Tensor]:
        """Return the losses of a batch: those of full-circle azimuths, and 1 - cos(error) of rotation."""
        source, target = ordered_pairs(batch.sound.shape[1])
        parts = full_circle_losses(self.localiser, batch)
        rotation = (1 - torch.cos(self.localiser.rotation(batch.rgb, source, target) - batch.turn(source, target))).mean()
        return {**parts, "loss": parts["loss"] + 10 * rotation, "rotation": rotation}
