"""Decoders of the pretext task: the published U-Net, and one mask over frequencies for CPUs."""

from __future__ import annotations

import torch
from torch import Tensor, nn

DOWN = (64, 128, 256, 512, 512)
SCALE = 2 ** len(DOWN)


class UNet(nn.Module):
    """Five 4x4 convolutions down and five up with skips; the condition is tiled over the bottleneck."""

    def __init__(self, condition: int, inputs: int = 2, outputs: int = 2) -> None:
        super().__init__()
        self.down = nn.ModuleList()
        before = inputs
        for k, channels in enumerate(DOWN):
            norm = [nn.BatchNorm2d(channels)] if k else []
            self.down.append(nn.Sequential(nn.Conv2d(before, channels, 4, 2, 1), *norm, nn.LeakyReLU(0.2)))
            before = channels
        self.up = nn.ModuleList()
        before = DOWN[-1] + condition
        for skip in (*reversed(DOWN[:-1]), None):
            channels = skip or outputs
            layers: list[nn.Module] = [nn.ConvTranspose2d(before, channels, 4, 2, 1)]
            self.up.append(nn.Sequential(*layers, nn.BatchNorm2d(channels), nn.ReLU()) if skip else layers[0])
            before = 2 * channels

    def forward(self, spectrum: Tensor, condition: Tensor) -> Tensor:
        """(B, 2, F, T), F a multiple of 32, and (B, C) -> (B, 2, F, T) in (-1, 1)."""
        frames = spectrum.shape[-1]  # padded to a multiple of 32, and cropped again
        skips = [nn.functional.pad(spectrum, (0, -frames % SCALE))]
        for layer in self.down:
            skips.append(layer(skips[-1]))
        x = skips.pop()
        x = torch.cat([x, condition[:, :, None, None].expand(-1, -1, *x.shape[-2:])], 1)
        for k, layer in enumerate(self.up):
            x = layer(x if k == 0 else torch.cat([x, skips.pop()], 1))
        return torch.tanh(x[..., :frames])


class FrequencyMask(nn.Module):
    """One complex mask over the frequencies, the same at all times, from the condition alone."""

    def __init__(self, condition: int, frequencies: int = 128) -> None:
        super().__init__()
        self.network = nn.Sequential(
            nn.Linear(condition, 256), nn.ReLU(), nn.Linear(256, 256), nn.ReLU(), nn.Linear(256, 2 * frequencies)
        )

    def forward(self, condition: Tensor) -> Tensor:
        """(B, C) -> (B, 2, F, 1), real and imaginary part in (-1, 1)."""
        return torch.tanh(self.network(condition)).reshape(len(condition), 2, -1, 1)
