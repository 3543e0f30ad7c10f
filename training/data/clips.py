"""Dry sounds from a folder of clips, for data sets without any (such as SLfM's), or to train on other sounds."""

from __future__ import annotations

import hashlib
from functools import lru_cache
from pathlib import Path
from typing import Any

import numpy as np
import soundfile
import soxr

from dataset.format.splits import SPLITS
from dataset.reader import Dataset
from dataset.wav import missing_bytes
from training.data.clip_starts import draw_start
from training.errors import InputError

SUFFIXES = (".wav", ".flac", ".ogg", ".mp3")
BUNDLED = Path(__file__).parents[2] / "simulator" / "assets" / "clips"
"""The clips that come with the project; the packages are installed side by side."""
STRETCH_S = 7.65
"""Length of a dry sound."""
LEVEL_RMS = 0.1


class ClipDataset(Dataset):
    """A split whose dry sounds come from a folder of clips, other clips in each split."""

    def __init__(self, root: str, split: str, clips: Path, fields: tuple[str, ...] | None = None) -> None:
        """Find the split's clips; raise InputError for a folder with fewer than three."""
        super().__init__(root, split, fields)
        self.files = split_clips(clips)[split]
        self.rate_hz = int(self.manifest["settings"]["acoustics"]["sample_rate_hz"])
        self.split = split

    def read(self, index: int, field: str, view: int | None = None) -> Any:
        """Read a field as `Dataset` does, except `mono`, (S, L) float32: clips drawn by the set's name only."""
        if field != "mono":
            return super().read(index, field, view)
        name = f"{self.split}/{super().read(index, 'set_id')}"
        rng = np.random.default_rng(list(hashlib.sha256(name.encode()).digest()))
        sources = super().read(index, "azimuth").shape[1]
        return np.stack([self._stretch(rng) for _ in range(sources)])

    def _stretch(self, rng: np.random.Generator) -> np.ndarray:
        """Cut an audible part of STRETCH_S from a clip, at LEVEL_RMS; short clips repeat: (L,) float32."""
        clip, samples = decode(self.files[int(rng.integers(len(self.files)))], self.rate_hz), round(STRETCH_S * self.rate_hz)
        clip = np.tile(clip, -(-samples // len(clip)))
        start = draw_start(clip, samples, self.rate_hz, rng)
        part = clip[start : start + samples]
        return (LEVEL_RMS / np.sqrt(np.mean(part**2)) * part).astype(np.float32)


def open_split(root: str, split: str, clips: Path | None = None, fields: tuple[str, ...] | None = None) -> Dataset:
    """Open a split with its own dry sounds, or with those of a folder; raise InputError if there are neither."""
    if clips is not None:
        return ClipDataset(root, split, clips, fields)
    data = Dataset(root, split, fields)
    if len(data) and not has(data, "mono"):
        raise InputError(f"{root} has no dry sounds; give a folder of mono clips with --clips DIR")
    return data


def has(data: Dataset, field: str) -> bool:
    """Whether a split's shards hold a field."""
    return field in data.shard_file(0)


def split_clips(folder: Path) -> dict[str, list[Path]]:
    """Split the clips of a folder into train, val and test, 8:1:1, in runs of the sorted paths, so speakers stay together."""
    files = find_clips(folder)
    if len(files) < len(SPLITS):
        raise InputError(f"--clips {folder} holds {len(files)} of {', '.join(SUFFIXES)}; three or more are needed, one a split")
    few = max(1, len(files) // 10)
    edges = (0, len(files) - 2 * few, len(files) - few, len(files))
    return {split: files[a:b] for split, a, b in zip(SPLITS, edges, edges[1:], strict=False)}


def find_clips(folder: Path) -> list[Path]:
    """Return the clips below a folder, sorted by path."""
    return sorted(p for p in folder.rglob("*") if p.suffix.lower() in SUFFIXES)


@lru_cache(maxsize=64)
def decode(path: Path, rate_hz: int) -> np.ndarray:
    """Read a clip, channels mixed, at a rate: (L,) float32; raise InputError if it is unreadable or silent."""
    try:
        sound, rate = soundfile.read(path, dtype="float32", always_2d=True)
        missing = missing_bytes(path)
    except (OSError, soundfile.SoundFileError) as error:
        raise InputError(f"{path} is not a readable sound ({error}); remove it from the folder of clips") from None
    if missing:
        raise InputError(f"{path} is cut off: {missing} bytes of sound that its header declares are missing; copy it again")
    if not np.isfinite(sound).all() or not sound.any():
        raise InputError(f"{path} is silent or has values that are not finite; remove it from the folder of clips")
    return soxr.resample(sound.mean(1), rate, rate_hz, quality="VHQ")
