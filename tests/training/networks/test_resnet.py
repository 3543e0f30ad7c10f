"""ResNet-18: public weights reach the network, and other files are refused."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch
from torch import Tensor

from training.config import NetworkSettings, PictureSettings
from training.errors import InputError
from training.networks.encoders import Encoders, PaperPair
from training.networks.resnet import ResNet18, load_weights


@pytest.fixture(scope="module")
def weights() -> dict[str, Tensor]:
    """Weights by torchvision's names, with the classifier that is not read and without counters of batches."""
    generator = torch.Generator().manual_seed(0)
    shapes = {name: value.shape for name, value in ResNet18().state_dict().items() if "num_batches" not in name}
    return {name: torch.rand(shape, generator=generator) for name, shape in shapes.items()} | {"fc.weight": torch.ones(1000, 512)}


def test_every_weight_of_the_file_is_in_the_network(weights: dict[str, Tensor], tmp_path: Path) -> None:
    torch.save(weights, tmp_path / "resnet18.pth")
    network = ResNet18(stages=3)
    load_weights(network, str(tmp_path / "resnet18.pth"))
    loaded = {name: value for name, value in network.state_dict().items() if "num_batches" not in name}
    assert loaded and all(torch.equal(value, weights[name]) for name, value in loaded.items())


def test_picture_encoders_start_from_the_file_of_the_settings(weights: dict[str, Tensor], tmp_path: Path) -> None:
    torch.save(weights, tmp_path / "resnet18.pth")
    pair = Encoders(NetworkSettings("paper", str(tmp_path / "resnet18.pth")), PictureSettings(64, 48)).pair
    assert isinstance(pair, PaperPair) and torch.equal(pair.network.conv1.weight, weights["conv1.weight"])


def test_other_files_are_refused(weights: dict[str, Tensor], tmp_path: Path) -> None:
    path = tmp_path / "w.pth"
    with pytest.raises(InputError, match="is missing"):
        load_weights(ResNet18(stages=3), str(path))
    path.write_text("no weights")
    with pytest.raises(InputError, match="not a weight file"):
        load_weights(ResNet18(stages=3), str(path))
    for wrong in ({k: v for k, v in weights.items() if k != "bn1.weight"}, weights | {"bn1.weight": torch.ones(3)}):
        torch.save(wrong, path)
        with pytest.raises(InputError, match="does not hold ResNet-18"):
            load_weights(ResNet18(stages=3), str(path))
