"""ResNet-18 (He et al. 2015) with torchvision's parameter names, so that its public weight files load from a path."""

from __future__ import annotations

from pathlib import Path

import torch
from torch import Tensor, nn

from training.errors import InputError

CHANNELS = (64, 128, 256, 512)


class Block(nn.Module):
    """Two 3x3 convolutions and a shortcut."""

    def __init__(self, inputs: int, outputs: int, stride: int) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(inputs, outputs, 3, stride, 1, bias=False)
        self.bn1 = nn.BatchNorm2d(outputs)
        self.conv2 = nn.Conv2d(outputs, outputs, 3, 1, 1, bias=False)
        self.bn2 = nn.BatchNorm2d(outputs)
        self.downsample: nn.Module = nn.Identity()
        if stride != 1 or inputs != outputs:
            self.downsample = nn.Sequential(nn.Conv2d(inputs, outputs, 1, stride, bias=False), nn.BatchNorm2d(outputs))

    def forward(self, x: Tensor) -> Tensor:
        """Map (B, inputs, h, w) to (B, outputs, h / stride, w / stride)."""
        y = self.bn2(self.conv2(torch.relu(self.bn1(self.conv1(x)))))
        return torch.relu(y + self.downsample(x))


class ResNet18(nn.Module):
    """The first `stages` of ResNet-18's four stages: (B, inputs, h, w) -> (B, C, h / s, w / s), s = 4, 8, 16 or 32."""

    def __init__(self, inputs: int = 3, stages: int = 4) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(inputs, 64, 7, 2, 3, bias=False)
        self.bn1 = nn.BatchNorm2d(64)
        self.stages = stages
        before = 64
        for k, channels in enumerate(CHANNELS[:stages]):
            blocks = nn.Sequential(Block(before, channels, 1 if k == 0 else 2), Block(channels, channels, 1))
            self.add_module(f"layer{k + 1}", blocks)
            before = channels
        for module in self.modules():
            if isinstance(module, nn.Conv2d):
                nn.init.kaiming_normal_(module.weight, mode="fan_out", nonlinearity="relu")

    def forward(self, x: Tensor) -> Tensor:
        """Return the map of the last stage."""
        x = nn.functional.max_pool2d(torch.relu(self.bn1(self.conv1(x))), 3, 2, 1)
        for k in range(self.stages):
            x = self.get_submodule(f"layer{k + 1}")(x)
        return x


def load_weights(network: ResNet18, path: str) -> None:
    """Load a public weight file (torchvision's names, read without pickled code); raise InputError if it does not fit."""
    if not Path(path).is_file():
        raise InputError(f"network.imagenet: {path} is missing; set the path of a ResNet-18 state_dict with torchvision's names")
    try:
        weights = torch.load(path, map_location="cpu", weights_only=True)
    except Exception as error:
        raise InputError(f"network.imagenet: {path} is not a weight file that loads safely ({error})") from None
    wanted = network.state_dict()
    missing = [k for k in wanted if k not in weights and not k.endswith("num_batches_tracked")]
    if missing or any(weights[k].shape != v.shape for k, v in wanted.items() if k in weights):
        raise InputError(f"network.imagenet: {path} does not hold ResNet-18 (missing or other shapes: {missing[:3]})")
    network.load_state_dict({k: weights.get(k, v) for k, v in wanted.items()})
