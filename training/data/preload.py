"""A split in memory, decoded once: pictures at the networks' size, dry sounds, cut responses, and the truth."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
from PIL import Image
from tqdm import tqdm

from dataset.angles import wrap_180
from training.config import Settings
from training.data.clips import open_split
from training.errors import InputError

FIELDS = ("set_id", "rgb", "heading", "azimuth", "brir_direct", "brir_indirect", "mono")


@dataclass(frozen=True)
class Store:
    """N sets with V views and S sources each, as the networks use them."""

    set_id: list[str]
    rgb: np.ndarray
    """(N, V, 3, h, w) uint8."""
    heading: np.ndarray
    """(N, V) float32, degrees, left positive."""
    azimuth: np.ndarray
    """(N, V, S) float32, degrees, left positive."""
    response: np.ndarray
    """(N, V, S, 2, T) float16: direct + indirect_ratio x indirect, ears (left, right), cut."""
    mono: np.ndarray
    """(N, S, L) float16, the dry sounds."""
    sample_rate: int

    def __len__(self) -> int:
        return len(self.set_id)

    @property
    def turn(self) -> np.ndarray:
        """(N, V) degrees by which each view is turned from the first, left positive."""
        return wrap_180(self.heading - self.heading[:, :1])

    @property
    def bytes(self) -> int:
        """Memory in use."""
        return sum(a.nbytes for a in (self.rgb, self.heading, self.azimuth, self.response, self.mono))


def load(root: str, split: str, settings: Settings, quiet: bool = False, clips: Path | None = None) -> Store:
    """Decode a split; InputError where it has no sets or too few views or sources, DatasetError for damaged shards.

    clips: folder of dry sounds to play instead of the data set's own.
    """
    data = open_split(root, split, clips, FIELDS)
    if len(data) == 0:
        raise InputError(f"{root} has no set in split {split}; render at least three scenes, so that every split has one")
    rate = int(data.manifest["settings"]["acoustics"]["sample_rate_hz"])
    first = data[0]
    views, sources, stretch = first["rgb"].shape[0], first["mono"].shape[0], first["mono"].shape[1]
    if views < settings.views:
        raise InputError(f"views is {settings.views}, the data set's sets have {views}; set views={views} or render more")
    if sources < settings.sound.sources:
        raise InputError(f"sound.sources is {settings.sound.sources}, the data set's sets have {sources}; render more sources")
    clip = round(settings.sound.clip_s * rate)
    if clip > stretch:
        raise InputError(f"sound.clip_s is {settings.sound.clip_s:g} s, the sets' sound lasts {stretch / rate:g} s")
    taps = min(round(settings.sound.response_s * rate), max(first[f"brir_{k}"].shape[-1] for k in ("direct", "indirect")))
    width, height = settings.picture.width_px, settings.picture.height_px
    n = len(data)
    store = Store(
        set_id=[""] * n,
        rgb=np.zeros((n, views, 3, height, width), np.uint8),
        heading=np.zeros((n, views), np.float32),
        azimuth=np.zeros((n, views, sources), np.float32),
        response=np.zeros((n, views, sources, 2, taps), np.float16),
        mono=np.zeros((n, sources, stretch), np.float16),
        sample_rate=rate,
    )
    for row in tqdm(range(n), desc=f"read {split}", unit="set", disable=quiet):
        one = data[row]
        store.set_id[row] = one["set_id"]
        store.heading[row], store.azimuth[row], store.mono[row] = one["heading"], one["azimuth"], one["mono"]
        for view in range(views):
            store.rgb[row, view] = shrink(one["rgb"][view], width, height).transpose(2, 0, 1)
        store.response[row] = _whole(one["brir_direct"], one["brir_indirect"], settings.sound.indirect_ratio, taps)
    data.close()
    return store


def shrink(rgb: np.ndarray, width: int, height: int) -> np.ndarray:
    """Resize a picture (H, W, 3) uint8 to (height, width, 3), averaging areas where it gets smaller."""
    if rgb.shape[:2] == (height, width):
        return rgb
    return np.asarray(Image.fromarray(rgb).resize((width, height), Image.Resampling.BOX))


def _whole(direct: np.ndarray, indirect: np.ndarray, ratio: float, taps: int) -> np.ndarray:
    out = np.zeros((*direct.shape[:-1], taps), np.float32)
    for part, gain in ((direct, 1.0), (indirect, ratio)):
        size = min(taps, part.shape[-1])
        out[..., :size] += gain * part[..., :size]
    return out
