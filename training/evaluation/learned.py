"""A trained run as a predictor: pictures and sounds of any size and length to degrees."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import soxr
import torch
from torch import Tensor

from dataset.angles import wrap_180
from training.config import Settings
from training.data.batches import Batches
from training.data.decode import RATE_HZ, shrink
from training.data.render import render_batch
from training.errors import InputError
from training.evaluation.calibration import DEFAULT_HFOV_DEG, Calibration, calibration_of
from training.networks.encoders import ordered_pairs
from training.tasks import checkpoint
from training.tasks.losses import lateral
from training.tasks.slfm import Localiser


class Learned:
    """A localiser as a `Predictor` (see predictors.py); the localiser holds the global sign of rotations.

    learned = load_predictor("runs/first/slfm.pt")
    learned.rotation(rgb_s, rgb_t)          # (B,) degrees, left positive
    learned.azimuth(sound, 16000)           # (B,) degrees
    """

    def __init__(
        self,
        localiser: Localiser,
        settings: Settings,
        device: torch.device,
        name: str = "SLfM",
        calibration: Calibration | None = None,
    ) -> None:
        self.localiser, self.settings, self.device, self.name = localiser.to(device).eval(), settings, device, name
        self.calibration = calibration
        self.clip = round(settings.sound.clip_s * RATE_HZ)
        self.full_circle = bool(localiser.full_circle)

    @property
    def hfov_deg(self) -> float:
        """The horizontal field of view of the pictures trained on; that of default renders where it is not known."""
        return self.calibration.hfov_deg if self.calibration else DEFAULT_HFOV_DEG

    @torch.no_grad()
    def rotation(self, rgb_s: np.ndarray, rgb_t: np.ndarray) -> np.ndarray:
        """Return the turn heading_t - heading_s between pictures (B, H, W, 3) uint8: (B,) degrees, left positive."""
        # Both orders, so that exchanging the pictures negates the answer exactly.
        return self._both_orders(self._small(rgb_s, rgb_t)).mean(1).cpu().numpy()

    @torch.no_grad()
    def rotation_and_spread(self, rgb_s: np.ndarray, rgb_t: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Return `rotation`, and the standard deviation of four answers that should agree, (B,) degrees each.

        The answers are those for the pictures as they are, exchanged, mirrored, and both. They scatter where the pictures share
        too little; no label is needed to see it.
        """
        rgb = self._small(rgb_s, rgb_t)
        own = self._both_orders(rgb)
        spread = torch.cat([own, -self._both_orders(rgb.flip(-1))], 1).std(1)
        return own.mean(1).cpu().numpy(), spread.cpu().numpy()

    def _small(self, rgb_s: np.ndarray, rgb_t: np.ndarray) -> Tensor:
        """Return pictures at the network's size, (B, 2, 3, h, w), -1 to 1."""
        width, height = self.settings.picture.width_px, self.settings.picture.height_px
        small = np.stack([[shrink(rgb, width, height) for rgb in pair] for pair in zip(rgb_s, rgb_t, strict=True)])
        return torch.from_numpy(small).to(self.device).permute(0, 1, 4, 2, 3).float() / 127.5 - 1

    def _both_orders(self, rgb: Tensor) -> Tensor:
        """Return the turn, and the negated turn of the exchanged pictures: (B, 2, 3, h, w) -> (B, 2) degrees."""
        phi = self.localiser.rotation(rgb, *(k.to(self.device) for k in ordered_pairs(2)))
        return torch.rad2deg(self.localiser.rotation_sign * phi) * phi.new_tensor([1.0, -1.0])

    @torch.no_grad()
    def azimuth(self, sound: np.ndarray, sample_rate: int) -> np.ndarray:
        """Return the azimuth of binaural clips (B, 2, L) float32, ears (left, right): (B,) degrees in (-180, 180], left positive.

        In [-90, 90] unless the network covers the full circle (`full_circle`). Clips longer than those trained on are cut into
        overlapping pieces, of which the loud ones are averaged; shorter clips are repeated. Exchanged ears
        negate the answer.
        """
        if sample_rate != RATE_HZ:
            sound = np.stack([soxr.resample(one.T, sample_rate, RATE_HZ).T for one in sound]).astype(np.float32)
        if sound.shape[-1] < 400:
            raise InputError(f"the sound lasts {sound.shape[-1]} samples at {RATE_HZ} Hz; at least 400 are needed")
        if sound.shape[-1] < self.clip:
            sound = np.tile(sound, (1, 1, -(-self.clip // sound.shape[-1])))[..., : self.clip]
        pieces = torch.from_numpy(np.ascontiguousarray(sound)).to(self.device).unfold(-1, self.clip, self.clip // 2)
        pieces = pieces.transpose(1, 2)
        angle, behind = self.localiser.lateral_and_behind_mirrored(pieces)
        power = pieces.square().mean((-2, -1))
        weight = (power > 0.05 * power.amax(1, keepdim=True)).to(angle.dtype)
        angle, behind = ((x * weight).sum(1) / weight.sum(1).clamp_min(1) for x in (angle, behind))
        degrees = torch.rad2deg(angle).cpu().numpy()
        return np.where(behind.cpu().numpy() > 0, wrap_180(180 - degrees), degrees) if self.full_circle else degrees


def checkpoint_of(run: Path) -> Path:
    """Return the checkpoint of a run's last stage without labels, front-back.pt or slfm.pt; a checkpoint stays itself."""
    if not run.is_dir():
        return run
    return next((p for p in (run / "front-back.pt", run / "slfm.pt") if p.is_file()), run / "slfm.pt")


def load_predictor(path: str | Path, device: str = "cpu", name: str = "SLfM") -> Learned:
    """Load a predictor from a run's folder or a checkpoint, see `checkpoint_of`; raise InputError if it does not fit."""
    path = checkpoint_of(Path(path))
    settings, content = checkpoint.load(path)
    if not any(str(name).startswith("localiser.") for name in content.get("model") or ()):
        raise InputError(f"{path} holds no localiser; give the checkpoint of the slfm, front-back or supervised stage")
    localiser = Localiser(settings)
    checkpoint.restore(path, localiser, content, "localiser.")
    return Learned(localiser, settings, torch.device(device), name, calibration_of(path, content))


def load_run(path: Path, device: str = "cpu") -> list[Learned]:
    """Load all predictors of a run's folder, the last one without labels first, named as in reports; or one checkpoint.

    Raise InputError if there is none.
    """
    if not path.is_dir():
        return [load_predictor(path, device, path.stem)]
    names = {"SLfM": "front-back", "SLfM before front-back": "slfm", "supervised": "supervised"}
    if not (path / "front-back.pt").is_file():
        names = {"SLfM": "slfm", "supervised": "supervised"}
    files = {name: path / f"{stage}.pt" for name, stage in names.items()}
    predictors = [load_predictor(file, device, name) for name, file in files.items() if file.is_file()]
    if not predictors:
        raise InputError(f"{path} holds neither slfm.pt nor supervised.pt; run the stage slfm or supervised first")
    return predictors


@torch.no_grad()
def errors(localiser: Localiser, batches: Batches, device: torch.device) -> dict[str, float]:
    """Return mean errors in degrees on a store's batches: azimuth folded to the front, rotation with the better sign.

    Reads the truth: for monitoring on validation data, never for training. `sign` is the better one.
    """
    azimuths, kept, turned = [], [], []
    for rendered in batches.between(0, batches.per_epoch, lambda batch: render_batch(batch.to(device)), workers=0):
        theta, truth = localiser.azimuth(rendered.sound), torch.deg2rad(rendered.azimuth)
        azimuths.append(_apart(lateral(theta), lateral(truth)))
        source, target = ordered_pairs(theta.shape[1])
        phi, turn = localiser.rotation(rendered.rgb, source, target), rendered.turn(source, target)
        kept.append(_apart(phi, turn))
        turned.append(_apart(-phi, turn))
    azimuth, plus, minus = (float(torch.rad2deg(torch.cat([e.flatten() for e in x]).mean())) for x in (azimuths, kept, turned))
    return {"azimuth_deg": azimuth, "rotation_deg": min(plus, minus), "sign": 1.0 if plus <= minus else -1.0}


def _apart(a: Tensor, b: Tensor) -> Tensor:
    return torch.atan2(torch.sin(a - b), torch.cos(a - b)).abs()
