"""The pretext task: predict binaural from mono sound of a view, given its picture and another view's picture and sound."""

from __future__ import annotations

from dataclasses import replace

import torch
from torch import Tensor, nn

from training.config import Settings
from training.data.batches import Batches
from training.data.render import RenderedBatch, render_batch
from training.networks.encoders import Encoders, ordered_pairs
from training.networks.spectra import from_magnitude_phase, istft, magnitude_phase, stft, target_spectrum
from training.networks.unet import FrequencyMask, UNet
from training.tasks import processes

PAPER_WEIGHT = 10.0


class Pretext(nn.Module):
    """Both encoders and a decoder; `forward` returns the losses of a batch.

    paper: U-Net on 512-point spectra, L1 x 10. small: one complex mask over the frequencies of 256-point spectra, L1 as a
    share of each frequency's magnitude, so that quiet high frequencies, which carry direction, count.
    """

    def __init__(self, settings: Settings) -> None:
        super().__init__()
        self.settings = settings
        self.encoders = Encoders(settings.network, settings.picture)
        condition = 2 * self.encoders.size
        small = settings.network.kind == "small"
        self.decoder: UNet | FrequencyMask = FrequencyMask(condition) if small else UNet(condition)

    def features(self, sound: Tensor) -> Tensor:
        """Return the inputs of the sound encoder for sounds (N, 2, L)."""
        return self.encoders.features(sound)

    def forward(self, batch: RenderedBatch) -> dict[str, Tensor]:
        """Return the losses of a batch: `loss`, and `silence`, the loss of predicting no difference between the ears."""
        source, target = ordered_pairs(batch.sound.shape[1])
        condition = self.condition(batch, source, target).flatten(0, 1)
        return self.losses(batch.sound[:, target].flatten(0, 1), condition)

    def condition(self, batch: RenderedBatch, source: Tensor, target: Tensor) -> Tensor:
        """Return the decoder's condition for P pairs of views: (B, P, 2 D), turn first, then the source view's sound."""
        p, size = self.settings.pretext, self.encoders.size
        zeros = batch.sound.new_zeros(len(batch.sound), len(source), size)
        turn = sound = zeros
        if p.true_rotation:
            turn = sine_embedding(batch.turn(source, target), size)
        elif p.pictures:
            turn = self.encoders.compare(batch.rgb, source, target) * ~batch.pictures_withheld[:, None, None]
        if p.conditioning_sound:
            sound = self.encoders.encode_sounds(batch.sound, batch.features)[:, source]
        return torch.cat([turn, sound], -1)

    def losses(self, sound: Tensor, condition: Tensor) -> dict[str, Tensor]:
        """Return the losses of N binaural sounds (N, 2, L) given conditions (N, C)."""
        if isinstance(self.decoder, FrequencyMask):
            return self._small_losses(self.decoder, sound, condition)
        truth, silence = self._parts(target_spectrum(sound))
        predicted = self._paper_prediction(self.decoder, target_spectrum(sound), condition)
        return {
            "loss": PAPER_WEIGHT * (predicted - truth).abs().mean(),
            "silence": PAPER_WEIGHT * (silence - truth).abs().mean(),
        }

    def binaural(self, sound: Tensor, condition: Tensor) -> Tensor:
        """Predict both ears (N, 2, L) of N sounds, of which the mono sum (m2b) or the left ear (l2r) is used."""
        length = sound.shape[-1]
        if self.settings.pretext.task == "l2r":
            assert isinstance(self.decoder, UNet)
            predicted = self._paper_prediction(self.decoder, target_spectrum(sound), condition)
            right = istft(from_magnitude_phase(predicted), 512, 160, 400, length)
            return torch.stack([sound[:, 0], right], 1)
        total = sound.sum(1)
        if isinstance(self.decoder, FrequencyMask):
            mask = self.decoder(condition)
            spectrum = torch.complex(mask[:, 0], mask[:, 1]) * stft(total, 256, 160, 256)
            difference = istft(spectrum, 256, 160, 256, length)
        else:
            parts = self._paper_prediction(self.decoder, target_spectrum(sound), condition)
            difference = istft(torch.complex(parts[:, 0], parts[:, 1]), 512, 160, 400, length)
        return torch.stack([total + difference, total - difference], 1) / 2

    def _parts(self, ears: Tensor) -> tuple[Tensor, Tensor]:
        """Return target and trivial prediction for spectra (N, 2, F, T): two (N, 2, F, T)."""
        if self.settings.pretext.task == "l2r":
            return magnitude_phase(ears[:, 1]), magnitude_phase(ears[:, 0])
        difference = ears[:, 0] - ears[:, 1]
        truth = torch.stack([difference.real, difference.imag], 1)
        return truth, torch.zeros_like(truth)

    def _paper_prediction(self, decoder: UNet, ears: Tensor, condition: Tensor) -> Tensor:
        if self.settings.pretext.task == "l2r":
            return decoder(magnitude_phase(ears[:, 0]), condition).float()
        total = ears.sum(1)
        mask = decoder(torch.stack([total.real, total.imag], 1), condition).float()
        product = torch.complex(mask[:, 0], mask[:, 1]) * total
        return torch.stack([product.real, product.imag], 1)

    def _small_losses(self, decoder: FrequencyMask, sound: Tensor, condition: Tensor) -> dict[str, Tensor]:
        level = sound.square().mean((-2, -1), keepdim=True).sqrt().clamp_min(1e-6)
        left, right = stft(sound / level, 256, 160, 256).unbind(1)
        truth, total = left - right, left + right
        mask = decoder(condition).float()
        error = processes.mean((torch.complex(mask[:, 0], mask[:, 1]) * total - truth).abs(), (0, 2))
        size = processes.mean(truth.abs(), (0, 2)).clamp_min(1e-6)
        return {"loss": (error / size).mean(), "silence": torch.ones((), device=sound.device)}


@torch.no_grad()
def picture_gain(task: Pretext, batches: Batches, device: torch.device) -> dict[str, float]:
    """Return the losses on a store's batches with and without pictures, by the same network, and the relative gain.

    Training includes withheld pictures (`withheld_share`), so the second loss measures what sound alone allows.
    """
    sums = {"val_loss": 0.0, "val_no_picture": 0.0}
    for rendered in batches.between(0, batches.per_epoch, lambda batch: render_batch(batch.to(device))):
        for name, withheld in (("val_loss", False), ("val_no_picture", True)):
            given = replace(rendered, pictures_withheld=torch.full_like(rendered.pictures_withheld, withheld))
            sums[name] += float(task(given)["loss"]) * len(rendered.row) / len(batches.store)
    return {**sums, "val_gain": 1 - sums["val_loss"] / sums["val_no_picture"]}


def sine_embedding(angle: Tensor, size: int) -> Tensor:
    """Return sines and cosines of 1 to size / 2 times an angle in radians: (...) -> (..., size)."""
    multiples = angle[..., None] * torch.arange(1, size // 2 + 1, device=angle.device)
    return torch.cat([multiples.sin(), multiples.cos()], -1)
