"""A split in memory, decoded once: pictures at the networks' size, dry sounds, truncated responses, and the truth."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import soxr
from PIL import Image

from dataset.angles import wrap_180
from dataset.progress import progress_bar
from dataset.reader import Dataset
from training.config import Settings
from training.data.clips import open_split
from training.errors import InputError

RATE_HZ = 16000
"""Rate of the networks; data of other rates are resampled."""
REMEDY = "find all such sets with python -m dataset.verify, delete their shards, and render again"
FIELDS = ("set_id", "rgb", "heading", "azimuth", "brir_direct", "brir_indirect", "mono")


@dataclass(frozen=True)
class Store:
    """N sets with V views and S sources each, at the networks' size and rate."""

    set_id: list[str]
    rgb: np.ndarray
    """(N, V, 3, h, w) uint8."""
    heading: np.ndarray
    """(N, V) float32, degrees, left positive."""
    azimuth: np.ndarray
    """(N, V, S) float32, degrees, left positive."""
    direct: np.ndarray
    """(N, V, S, 2, Td) float16, responses of the direct sound, ears (left, right)."""
    indirect: np.ndarray
    """(N, V, S, 2, T) float16, T >= Td, responses of reflected sound, truncated; in full: direct + ratio x indirect."""
    mono: np.ndarray
    """(N, S, L) float16, the dry sounds."""
    sample_rate: int
    digest: str = ""
    """SHA-256 of the split's shards and clips."""
    confidence: np.ndarray | None = None
    """(N, V, S) float32, 0 to 1, confidence in the side of `azimuth`, front or back; None: it is the truth."""

    def __len__(self) -> int:
        return len(self.set_id)

    @property
    def turn(self) -> np.ndarray:
        """(N, V) degrees by which each view is turned from the first, left positive."""
        return wrap_180(self.heading - self.heading[:, :1])

    def compare(self, azimuth: np.ndarray) -> dict[str, float]:
        """Return the share of equal sides, front or back, and the mean difference to other azimuths (N, V, S), degrees."""
        apart = np.abs(wrap_180(self.azimuth - azimuth))
        return {
            "bits right": float(((np.abs(self.azimuth) > 90) == (np.abs(azimuth) > 90)).mean()),
            "mean_deg": float(apart.mean()),
        }

    @property
    def bytes(self) -> int:
        """Size of the arrays in memory."""
        return sum(a.nbytes for a in (self.rgb, self.heading, self.azimuth, self.direct, self.indirect, self.mono))


def load(root: str, split: str, settings: Settings, quiet: bool = False, clips: Path | None = None) -> Store:
    """Decode a split; raise InputError if it has no sets or too few views or sources, DatasetError for damaged shards.

    clips: folder of dry sounds used in place of the data set's.
    """
    data = open_split(root, split, clips, FIELDS)
    if len(data) == 0:
        raise InputError(f"{root} has no set in split {split}; render at least three scenes, so that every split has one")
    rate = int(data.manifest["settings"]["acoustics"]["sample_rate_hz"])
    first = _checked(data[0], rate)
    views, sources, stretch = first["rgb"].shape[0], first["mono"].shape[0], first["mono"].shape[1]
    if views < settings.views:
        raise InputError(f"views is {settings.views}, the data set's sets have {views}; set views={views} or render more")
    if sources < settings.sound.sources:
        raise InputError(
            f"sound.sources is {settings.sound.sources}, the data set's sets have {sources}; set sound.sources={sources}"
        )
    clip = round(settings.sound.clip_s * RATE_HZ)
    if clip > stretch:
        raise InputError(f"sound.clip_s is {settings.sound.clip_s:g} s, the sets' sound lasts {stretch / RATE_HZ:g} s")
    cut = round(max(settings.sound.response_s, settings.sound.hard_response_s) * RATE_HZ)
    direct_taps = min(cut, first["brir_direct"].shape[-1])
    taps = max(direct_taps, min(cut, first["brir_indirect"].shape[-1]))
    width, height = settings.picture.width_px, settings.picture.height_px
    n = len(data)
    store = Store(
        set_id=[""] * n,
        rgb=np.zeros((n, views, 3, height, width), np.uint8),
        heading=np.zeros((n, views), np.float32),
        azimuth=np.zeros((n, views, sources), np.float32),
        direct=np.zeros((n, views, sources, 2, direct_taps), np.float16),
        indirect=np.zeros((n, views, sources, 2, taps), np.float16),
        mono=np.zeros((n, sources, stretch), np.float16),
        sample_rate=RATE_HZ,
        digest=_digest(data),
    )
    for row in progress_bar(n, "set", f"read {split}", not quiet, iterable=range(n)):
        one = _checked(data[row], rate)
        store.set_id[row] = one["set_id"]
        store.heading[row], store.azimuth[row], store.mono[row] = one["heading"], one["azimuth"], one["mono"]
        for view in range(views):
            store.rgb[row, view] = shrink(one["rgb"][view], width, height).transpose(2, 0, 1)
        store.direct[row] = one["brir_direct"][..., :direct_taps]
        store.indirect[row, ..., : one["brir_indirect"].shape[-1]] = one["brir_indirect"][..., :taps]
    data.close()
    return store


def _checked(one: dict[str, Any], rate: int) -> dict[str, Any]:
    """Return a set at the networks' rate, its values checked."""
    for name in ("heading", "azimuth", "brir_direct", "brir_indirect", "mono"):
        check_values(one["set_id"], name, one[name])
    if rate == RATE_HZ:
        return one
    # A response is a density in time: at a lower rate its samples are larger in proportion.
    gains = {"mono": 1.0, "brir_direct": rate / RATE_HZ, "brir_indirect": rate / RATE_HZ}
    return one | {name: gain * resampled(one[name], rate) for name, gain in gains.items()}


def check_values(set_id: str, field: str, values: np.ndarray) -> None:
    """Raise InputError if the values of a set's field are not finite, or a dry sound (S, L) is silent."""
    if not np.isfinite(values).all():
        raise InputError(f"set {set_id}: {field} holds values that are not finite; {REMEDY}")
    if field == "mono" and not values.any(-1).all():
        raise InputError(f"set {set_id}: a dry sound is silent from end to end; {REMEDY}")


def resampled(sound: np.ndarray, rate: int) -> np.ndarray:
    """Resample along the last axis to RATE_HZ: (..., L) -> (..., L') float32."""
    flat = np.ascontiguousarray(sound.reshape(-1, sound.shape[-1]).T, np.float32)
    out = soxr.resample(flat, rate, RATE_HZ, quality="VHQ").T
    return out.reshape(*sound.shape[:-1], -1)


def _digest(data: Dataset) -> str:
    """Return the SHA-256 of the digests of a split's shards and, with --clips, of the clips' names, sizes and first bytes."""
    sha = hashlib.sha256()
    for shard in data.shards:
        sha.update(str(shard["sha256"]).encode())
    for path in getattr(data, "files", ()):
        with path.open("rb") as file:
            sha.update(f"{path.name} {path.stat().st_size} ".encode() + file.read(1 << 16))
    return sha.hexdigest()


def shrink(rgb: np.ndarray, width: int, height: int) -> np.ndarray:
    """Resize a picture (H, W, 3) uint8 to (height, width, 3), averaging areas when it shrinks."""
    if rgb.shape[:2] == (height, width):
        return rgb
    return np.asarray(Image.fromarray(rgb).resize((width, height), Image.Resampling.BOX))
