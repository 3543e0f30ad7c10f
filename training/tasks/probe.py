"""Linear probes: rotation and azimuth in bins, classified from frozen features."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor, nn

from dataset.angles import wrap_180
from training.config import NetworkSettings, ProbeSettings, Settings
from training.data.batches import Batches
from training.data.render import RenderedBatch, render_batch
from training.networks.encoders import Encoders, ordered_pairs

CALIBRATION = 8
"""Batches that set the normalisation statistics of untrained networks, for a fair comparison."""


@dataclass(frozen=True)
class Features:
    """Frozen features of one encoder on a split, and the true angles."""

    vectors: Tensor
    """(N, D)."""
    truth_deg: Tensor
    """(N,) degrees in (-180, 180]."""


def probe(
    encoders: dict[str, Encoders], training: Batches, test: Batches, settings: Settings, device: torch.device
) -> dict[str, dict[str, float]]:
    """Fit linear classifiers on the features of each named encoder on `training`, and evaluate them on `test`.

    Return for each {rotation_accuracy, rotation_chance, azimuth_accuracy, azimuth_chance}: shares of 1 in the correct one of
    `probe.bins` even bins over the training split's range. Chance always predicts the training split's most frequent bin. Sound
    features of the ImageNet encoder, which are untrained, are left out.
    """
    fitted, evaluated = (_features(encoders, batches, device) for batches in (training, test))
    out: dict[str, dict[str, float]] = {name: {} for name in encoders}
    for (name, task), train_features in fitted.items():
        accuracy, chance = classify(train_features, evaluated[name, task], settings.probe, settings.seed)
        out[name] |= {f"{task}_accuracy": accuracy, f"{task}_chance": chance}
    return out


def classify(training: Features, test: Features, settings: ProbeSettings, seed: int) -> tuple[float, float]:
    """Fit a linear classifier of bins to `training` and evaluate it on `test`: accuracy and chance, shares of 1."""
    reach = float(training.truth_deg.abs().max()) * (1 + 1e-6)
    label, truth = (_bins(f.truth_deg, reach, settings.bins) for f in (training, test))
    mean, spread = training.vectors.mean(0), training.vectors.std(0).clamp_min(1e-6)
    x, y = ((f.vectors - mean) / spread for f in (training, test))
    generator = torch.Generator().manual_seed(seed)
    layer = nn.Linear(x.shape[1], settings.bins).to(x.device)
    nn.init.zeros_(layer.weight)
    nn.init.zeros_(layer.bias)
    optimizer = torch.optim.AdamW(layer.parameters(), settings.learning_rate, weight_decay=settings.weight_decay)
    steps = max(1, round(settings.epochs * len(x) / settings.batch))
    schedule = torch.optim.lr_scheduler.CosineAnnealingLR(optimizer, steps)
    for _ in range(steps):
        rows = torch.randint(len(x), (settings.batch,), generator=generator).to(x.device)
        loss = nn.functional.cross_entropy(layer(x[rows]), label[rows])
        optimizer.zero_grad()
        loss.backward()  # type: ignore[no-untyped-call]
        optimizer.step()
        schedule.step()
    with torch.no_grad():
        accuracy = float((layer(y).argmax(1) == truth).float().mean())
    return accuracy, float((truth == label.mode().values).float().mean())


def untrained(settings: Settings, batches: Batches, device: torch.device) -> dict[str, Encoders]:
    """Return the untrained encoders to compare with: random, and ImageNet's if `network.imagenet` is set."""
    made = {"random": Encoders(NetworkSettings(settings.network.kind), settings.picture)}
    if settings.network.imagenet:
        made["ImageNet"] = Encoders(NetworkSettings("paper", settings.network.imagenet), settings.picture)
    source, target = (k.to(device) for k in ordered_pairs(settings.views))
    for encoders in made.values():
        encoders.to(device).train()
        with torch.no_grad():
            for rendered in batches.between(0, CALIBRATION, lambda batch: render_batch(batch.to(device))):
                encoders.encode_sounds(rendered.sound)
                encoders.compare(rendered.rgb, source, target)
        encoders.eval()
    return made


@torch.no_grad()
def _features(encoders: dict[str, Encoders], batches: Batches, device: torch.device) -> dict[tuple[str, str], Features]:
    parts: dict[tuple[str, str], list[tuple[Tensor, Tensor]]] = {}
    for rendered in batches.between(0, batches.per_epoch, lambda batch: render_batch(batch.to(device))):
        for name, one in encoders.items():
            parts.setdefault((name, "rotation"), []).append(_turns(one, rendered))
            if name != "ImageNet":
                vectors = one.encode_sounds(rendered.sound).flatten(0, 1).float()
                parts.setdefault((name, "azimuth"), []).append((vectors, rendered.azimuth.flatten()))
    return {key: Features(*_joined(pairs)) for key, pairs in parts.items()}


def _turns(encoders: Encoders, rendered: RenderedBatch) -> tuple[Tensor, Tensor]:
    source, target = (k.to(rendered.rgb.device) for k in ordered_pairs(rendered.rgb.shape[1]))
    turn = torch.rad2deg(rendered.turn(source, target))
    return encoders.compare(rendered.rgb, source, target).flatten(0, 1).float(), torch.as_tensor(wrap_180(turn)).flatten()


def _joined(pairs: Sequence[tuple[Tensor, Tensor]]) -> tuple[Tensor, Tensor]:
    vectors, truth = zip(*pairs, strict=True)
    return torch.cat(vectors), torch.cat(truth)


def _bins(angle_deg: Tensor, reach: float, count: int) -> Tensor:
    """Return the index of even bins over [-reach, reach]; values outside are clipped."""
    return ((angle_deg + reach) / (2 * reach) * count).long().clamp(0, count - 1)
