"""Rendering on the training device: dry sounds convolved with binaural responses by FFT; colour jitter."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch import Tensor

from training.data.batches import Batch

GREY = (0.299, 0.587, 0.114)


@dataclass
class RenderedBatch:
    """Sound and pictures of V views of B sets, with the truth, on the training device."""

    row: Tensor
    """(B,) int64, the sets' indices in the store."""
    sound: Tensor
    """(B, V, 2, L) float32, ears (left, right)."""
    rgb: Tensor
    """(B, V, 3, h, w) float32, about -1 to 1."""
    pictures_withheld: Tensor
    """(B,) bool: the pretext task withholds the pictures of these sets."""
    heading: Tensor
    """(B, V) degrees. Truth: for ablations, probes, supervision and validation only."""
    azimuth: Tensor
    """(B, V) degrees of the first source, as in the store. Truth, as above, or inferred."""
    confidence: Tensor
    """(B, V) float32, 0 to 1: confidence in the azimuth's side, front or back."""
    features: Tensor | None = None
    """(B V, C, ...) inputs of the sound encoder, if they are computed with the batch."""

    def turn(self, source: Tensor, target: Tensor) -> Tensor:
        """Return true turns in radians, left positive, of P pairs of views: (P,), (P,) -> (B, P)."""
        return torch.deg2rad(self.heading[:, target] - self.heading[:, source])


@torch.no_grad()
def render_batch(batch: Batch, features: Callable[[Tensor], Tensor] | None = None) -> RenderedBatch:
    """Render a batch on its device; `features` of its sounds are computed too, so that a loader thread does this work."""
    sound = render_sounds(batch)
    inputs = features(sound.flatten(0, 1)) if features else None
    return RenderedBatch(
        batch.row, sound, render_pictures(batch), batch.pictures_withheld, batch.heading, batch.azimuth, batch.confidence, inputs
    )


def render_sounds(batch: Batch) -> Tensor:
    """Return binaural sounds (B, V, 2, L) float32, ears (left, right).

    Sum over sources of the dry sound convolved with the response, plus noise relative to the sound's level and the microphones'
    own. The first T - 1 samples of `dry` come before the clip: they contribute to its reverberation only.
    """
    sound = convolve(batch.dry[:, :, :1], batch.response[:, :, :1])
    for k in range(1, batch.dry.shape[2]):
        rows = batch.dry[:, :, k].abs().amax((1, 2)).nonzero()[:, 0]  # few sets have a further source
        if len(rows):
            sound[rows] += convolve(batch.dry[rows, :, k : k + 1], batch.response[rows, :, k : k + 1])
    if batch.noise.shape[-1]:
        sound = sound + batch.noise * sound.square().mean((-2, -1), keepdim=True).sqrt()
    if batch.own_noise.shape[-1]:
        sound = sound + batch.own_noise
    return sound


def convolve(dry: Tensor, response: Tensor) -> Tensor:
    """Return the sum over sources of dry sounds convolved with responses, where they overlap fully.

    dry: (..., S, T - 1 + L); response: (..., S, 2, T) -> (..., 2, L).
    """
    taps = response.shape[-1]
    # A circular convolution as long as the dry sound wraps into its first T - 1 samples only, which are dropped.
    size = _fast_length(dry.shape[-1])
    spectrum = torch.fft.rfft(dry, size)[..., None, :] * torch.fft.rfft(response, size)
    return torch.fft.irfft(spectrum.sum(-3), size)[..., taps - 1 : dry.shape[-1]]


def render_pictures(batch: Batch) -> Tensor:
    """Return pictures with colour jitter: (B, V, 3, h, w) float32, about -1 to 1 (0.5 grey is 0)."""
    rgb = batch.rgb.float() / 255
    brightness, contrast, saturation = (batch.color[..., k, None, None, None] for k in range(3))
    rgb = (rgb * brightness).clamp(0, 1)
    weights = torch.tensor(GREY, device=rgb.device)[:, None, None]
    grey = (rgb * weights).sum(-3, keepdim=True)
    rgb = ((rgb - grey.mean((-2, -1), keepdim=True)) * contrast + grey.mean((-2, -1), keepdim=True)).clamp(0, 1)
    grey = (rgb * weights).sum(-3, keepdim=True)
    return ((rgb - grey) * saturation + grey).clamp(0, 1) * 2 - 1


def _fast_length(n: int) -> int:
    """Return the smallest 2^a 3^b 5^c that is at least n, for fast FFTs."""
    best = 1 << (n - 1).bit_length()
    for five in (1, 5, 25):
        for three in (1, 3, 9, 27):
            size = five * three
            while size < n:
                size *= 2
            best = min(best, size)
    return best
