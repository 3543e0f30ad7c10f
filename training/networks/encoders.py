"""The two encoders of each kind: binaural sound -> vector, and pair of pictures -> vector, independent of each other."""

from __future__ import annotations

import math

import torch
from torch import Tensor, nn

from training.config import NetworkSettings, PictureSettings
from training.networks.resnet import ResNet18, load_weights
from training.networks.spectra import FEATURE_ROWS, ear_spectrograms, interaural_features, swap_interaural

SIZES = {"paper": 512, "small": 128}
"""Length of the vectors."""


class PaperSound(nn.Module):
    """ResNet-18 on the log-magnitude and phase of both ears."""

    def __init__(self) -> None:
        super().__init__()
        self.network = ResNet18(inputs=4)

    def features(self, sound: Tensor) -> Tensor:
        """(B, 2, L), ears (left, right) -> (B, 4, 256, 256)."""
        return ear_spectrograms(sound)

    def swap(self, features: Tensor) -> Tensor:
        """Exchange the ears."""
        return features.roll(2, 1)

    def forward(self, features: Tensor) -> Tensor:
        """(B, 4, 256, 256) -> (B, 512)."""
        return self.network(features).mean((-2, -1))


class PaperPair(nn.Module):
    """ResNet-18 to its third stage, all-pairs correlation, three strided convolutions."""

    def __init__(self, width_px: int, height_px: int) -> None:
        super().__init__()
        self.network = ResNet18(stages=3)
        cells = -(-height_px // 16) * -(-width_px // 16)
        layers: list[nn.Module] = []
        for inputs in (cells, 256, 256):
            layers += [nn.Conv2d(inputs, 256, 3, 2, 1, bias=False), nn.BatchNorm2d(256), nn.ReLU()]
        self.convolutions = nn.Sequential(*layers)
        rows, columns = (math.ceil(math.ceil(n / 16) / 8) for n in (height_px, width_px))
        self.linear = nn.Linear(256 * rows * columns, 512)

    def features(self, rgb: Tensor) -> Tensor:
        """(N, 3, h, w) -> (N, 256, h / 16, w / 16)."""
        return self.network(rgb)

    def match(self, source: Tensor, target: Tensor) -> Tensor:
        """Compare two maps (B, 256, r, c): for each cell of the source, its place in the target -> (B, 512)."""
        scores = torch.einsum("bcij,bckl->bijkl", target, source) / target.shape[1] ** 0.5
        return torch.relu(self.linear(self.convolutions(_softmax_cells(scores)).flatten(1)))


class SmallSound(nn.Module):
    """Frame-wise features of both ears, then two means over frames: with learned weights, and plain."""

    def __init__(self) -> None:
        super().__init__()
        layers: list[nn.Module] = []
        for inputs, width in ((FEATURE_ROWS, 1), (128, 3)):
            layers += [nn.Conv1d(inputs, 128, width, padding="same", bias=False), nn.BatchNorm1d(128), nn.ReLU()]
        self.frames = nn.Sequential(*layers)
        self.trust = nn.Conv1d(128, 1, 1)
        self.linear = nn.Linear(256, 128)

    def features(self, sound: Tensor) -> Tensor:
        """(B, 2, L), ears (left, right) -> (B, 299, T)."""
        return interaural_features(sound)

    def swap(self, features: Tensor) -> Tensor:
        """Exchange the ears."""
        return swap_interaural(features)

    def forward(self, features: Tensor) -> Tensor:
        """(B, 299, T) -> (B, 128)."""
        frames = self.frames(features)
        trusted = (frames * self.trust(frames).softmax(-1)).sum(-1)
        return torch.relu(self.linear(torch.cat([trusted, frames.mean(-1)], -1)))


class Residual(nn.Module):
    """Two 3x3 convolutions, the first with stride 2, and a shortcut."""

    def __init__(self, inputs: int, outputs: int) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(inputs, outputs, 3, 2, 1, bias=False)
        self.bn1 = nn.BatchNorm2d(outputs)
        self.conv2 = nn.Conv2d(outputs, outputs, 3, 1, 1, bias=False)
        self.bn2 = nn.BatchNorm2d(outputs)
        self.shortcut = nn.Conv2d(inputs, outputs, 1, 2)

    def forward(self, x: Tensor) -> Tensor:
        """(B, inputs, h, w) -> (B, outputs, h / 2, w / 2)."""
        y = self.bn2(self.conv2(torch.relu(self.bn1(self.conv1(x)))))
        return torch.relu(y + self.shortcut(x))


class SmallPair(nn.Module):
    """A few convolutions to stride 8, cosine correlation with a learned sharpness, two convolutions."""

    def __init__(self, width_px: int, height_px: int) -> None:
        super().__init__()
        self.network = nn.Sequential(
            nn.Conv2d(3, 32, 8, 4, 2, bias=False),
            nn.BatchNorm2d(32),
            nn.ReLU(),
            Residual(32, 64),
            nn.Conv2d(64, 64, 1),
        ).to(memory_format=torch.channels_last)  # type: ignore[call-overload]
        rows, columns = (-(-n // 8) for n in (height_px, width_px))
        self.sharpness = nn.Parameter(torch.tensor(1 / 0.07).log())
        layers: list[nn.Module] = []
        for inputs in (rows * columns, 96):
            layers += [nn.Conv2d(inputs, 96, 3, 2, 1, bias=False), nn.BatchNorm2d(96), nn.ReLU()]
        self.convolutions = nn.Sequential(*layers).to(memory_format=torch.channels_last)  # type: ignore[call-overload]
        self.linear = nn.Linear(96 * -(-rows // 4) * -(-columns // 4), 128)

    def features(self, rgb: Tensor) -> Tensor:
        """(N, 3, h, w) -> (N, 64, h / 8, w / 8), unit vectors along the channels."""
        maps = self.network(rgb.contiguous(memory_format=torch.channels_last))
        return nn.functional.normalize(maps.float(), dim=1)

    def match(self, source: Tensor, target: Tensor) -> Tensor:
        """Compare two maps (B, 64, r, c): for each cell of the source, its place in the target -> (B, 128)."""
        # Source cells by target cells, softmax over the last axis: as a picture of source cells this is channels last already.
        scores = (source * self.sharpness.exp()).flatten(2).transpose(1, 2) @ target.flatten(2)
        cells = scores.softmax(-1).view(-1, *source.shape[2:], scores.shape[-1]).permute(0, 3, 1, 2)
        return torch.relu(self.linear(self.convolutions(cells).flatten(1)))


def _softmax_cells(scores: Tensor) -> Tensor:
    """Softmax over the target's cells of scores (B, r, c, r', c'): (B, r * c, r', c'), target cells as channels."""
    return scores.flatten(1, 2).float().softmax(1)


def sound_encoder(network: NetworkSettings) -> PaperSound | SmallSound:
    """Return a sound encoder of the given kind with random weights."""
    return PaperSound() if network.kind == "paper" else SmallSound()


class Encoders(nn.Module):
    """The sound encoder and the picture-pair encoder of one kind; they share no weights and work independently."""

    def __init__(self, network: NetworkSettings, picture: PictureSettings) -> None:
        super().__init__()
        self.size = SIZES[network.kind]
        sizes = (picture.width_px, picture.height_px)
        self.sound = sound_encoder(network)
        self.pair: PaperPair | SmallPair = PaperPair(*sizes) if network.kind == "paper" else SmallPair(*sizes)
        if network.imagenet and isinstance(self.pair, PaperPair):
            load_weights(self.pair.network, network.imagenet)

    def encode_sounds(self, sound: Tensor, features: Tensor | None = None) -> Tensor:
        """(B, V, 2, L) -> (B, V, D); `features` (B V, C, ...) of these sounds are used if given."""
        return self.sound(self.features(sound) if features is None else features).reshape(*sound.shape[:2], -1)

    def encode_swapped_sounds(self, sound: Tensor, features: Tensor | None = None) -> tuple[Tensor, Tensor]:
        """Encode sounds as they are and with exchanged ears: (B, V, 2, L) -> twice (B, V, D)."""
        features = self.features(sound) if features is None else features
        both = self.sound(torch.cat([features, self.sound.swap(features)])).reshape(2, *sound.shape[:2], -1)
        return both[0], both[1]

    def features(self, sound: Tensor) -> Tensor:
        """Return the inputs of the sound encoder: (B, V, 2, L) or (N, 2, L) -> (B V, C, ...) or (N, C, ...)."""
        return self.sound.features(sound.reshape(-1, *sound.shape[-2:]))

    def compare(self, rgb: Tensor, source: Tensor, target: Tensor) -> Tensor:
        """Return vectors of P ordered pairs of views: (B, V, 3, h, w), (P,), (P,) -> (B, P, D)."""
        flat = self.pair.features(rgb.flatten(0, 1))
        maps = flat.reshape(*rgb.shape[:2], *flat.shape[1:])
        vectors = self.pair.match(maps[:, source].flatten(0, 1), maps[:, target].flatten(0, 1))
        return vectors.reshape(len(rgb), len(source), -1)


def ordered_pairs(views: int, further: bool = False) -> tuple[Tensor, Tensor]:
    """Return ordered pairs of views, those of the first view before all others: sources (P,) and targets (P,).

    The first view with each other, P = 2 V - 2; with `further` also all others with each other, P = V (V - 1). Pair k and pair
    k + P / 2 are the same views exchanged. Only pairs with the first view overlap for certain.
    """
    first, second = torch.triu_indices(views, views, 1)
    if not further:
        first, second = first[: views - 1], second[: views - 1]
    return torch.cat([first, second]), torch.cat([second, first])
