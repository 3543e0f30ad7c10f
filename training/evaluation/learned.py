"""What a run has learned, as a predictor: pictures and sounds of any size and length in, degrees out."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import soxr
import torch
from torch import Tensor

from training.config import Settings
from training.data.batches import Batches
from training.data.preload import shrink
from training.data.render import perceive
from training.errors import InputError
from training.networks.encoders import ordered_pairs
from training.tasks import checkpoint
from training.tasks.losses import lateral
from training.tasks.slfm import Localiser

RATE_HZ = 16000


class Learned:
    """A localiser as a `Predictor` (see predictors.py); the global sign of rotations is the localiser's own.

    learned = load_predictor("runs/first/slfm.pt")
    learned.rotation(rgb_s, rgb_t)          # (B,) degrees, left positive
    learned.azimuth(sound, 16000)           # (B,) degrees
    """

    def __init__(self, localiser: Localiser, settings: Settings, device: torch.device, name: str = "SLfM") -> None:
        self.localiser, self.settings, self.device, self.name = localiser.to(device).eval(), settings, device, name
        self.clip = round(settings.sound.clip_s * RATE_HZ)

    @torch.no_grad()
    def rotation(self, rgb_s: np.ndarray, rgb_t: np.ndarray) -> np.ndarray:
        """Turn heading_t - heading_s between pictures (B, H, W, 3) uint8: (B,) degrees, left positive."""
        width, height = self.settings.picture.width_px, self.settings.picture.height_px
        small = np.stack([[shrink(rgb, width, height) for rgb in pair] for pair in zip(rgb_s, rgb_t, strict=True)])
        rgb = torch.from_numpy(small).to(self.device).permute(0, 1, 4, 2, 3).float() / 127.5 - 1
        # Both orders, so that exchanging the pictures negates the answer exactly.
        phi = self.localiser.rotation(rgb, *(k.to(self.device) for k in ordered_pairs(2)))
        return torch.rad2deg(self.localiser.rotation_sign * (phi[:, 0] - phi[:, 1]) / 2).cpu().numpy()

    @torch.no_grad()
    def azimuth(self, sound: np.ndarray, sample_rate: int) -> np.ndarray:
        """Azimuth of binaural clips (B, 2, L) float32, ears (left, right): (B,) degrees in (-180, 180], left positive.

        Clips longer than those trained on are heard in overlapping pieces, the loud ones of which count; shorter ones are
        repeated.
        """
        if sample_rate != RATE_HZ:
            sound = np.stack([soxr.resample(one.T, sample_rate, RATE_HZ).T for one in sound]).astype(np.float32)
        if sound.shape[-1] < 400:
            raise InputError(f"the sound lasts {sound.shape[-1]} samples at {RATE_HZ} Hz; at least 400 are needed")
        if sound.shape[-1] < self.clip:
            sound = np.tile(sound, (1, 1, -(-self.clip // sound.shape[-1])))[..., : self.clip]
        pieces = torch.from_numpy(np.ascontiguousarray(sound)).to(self.device).unfold(-1, self.clip, self.clip // 2)
        pieces = pieces.transpose(1, 2)
        theta = self.localiser.azimuth(pieces)
        power = pieces.square().mean((-2, -1))
        weight = (power > 0.05 * power.amax(1, keepdim=True)) / theta.new_ones(())
        # Front and back are not told apart: a mean of lateral angles, not of directions on the circle.
        if pieces.shape[1] == 1:
            return torch.rad2deg(theta[:, 0]).cpu().numpy()
        mean = (lateral(theta) * weight).sum(1) / weight.sum(1).clamp_min(1)
        return torch.rad2deg(mean).cpu().numpy()


def load_predictor(path: str | Path, device: str = "cpu", name: str = "SLfM") -> Learned:
    """Load what a run learned from its checkpoint (`runs/<name>/slfm.pt` or `supervised.pt`); InputError if it does not fit."""
    settings, content = checkpoint.load(Path(path))
    weights = {k.removeprefix("localiser."): v for k, v in content["model"].items() if k.startswith("localiser.")}
    if not weights:
        raise InputError(f"{path} holds no localiser; give the checkpoint of the slfm or the supervised stage")
    localiser = Localiser(settings)
    localiser.load_state_dict(weights)
    return Learned(localiser, settings, torch.device(device), name)


@torch.no_grad()
def errors(localiser: Localiser, batches: Batches, device: torch.device) -> dict[str, float]:
    """Mean errors in degrees on a store's batches: azimuth folded to the front, rotation with the better sign.

    Uses the truth, so it may guide people and choices on validation data, never the training. `sign` is the better one.
    """
    azimuths, kept, turned = [], [], []
    for seen in batches.between(0, batches.per_epoch, lambda batch: perceive(batch.to(device)), workers=0):
        theta, truth = localiser.azimuth(seen.sound), torch.deg2rad(seen.azimuth)
        azimuths.append(_apart(lateral(theta), lateral(truth)))
        source, target = ordered_pairs(theta.shape[1])
        phi, turn = localiser.rotation(seen.rgb, source, target), seen.turn(source, target)
        kept.append(_apart(phi, turn))
        turned.append(_apart(-phi, turn))
    azimuth, plus, minus = (float(torch.rad2deg(torch.cat([e.flatten() for e in x]).mean())) for x in (azimuths, kept, turned))
    return {"azimuth_deg": azimuth, "rotation_deg": min(plus, minus), "sign": 1.0 if plus <= minus else -1.0}


def _apart(a: Tensor, b: Tensor) -> Tensor:
    return torch.atan2(torch.sin(a - b), torch.cos(a - b)).abs()
