"""A split's sets, decoded: in memory from the start where they fit, else as they are read."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import PIL
import soxr

from dataset.angles import wrap_180
from dataset.progress import progress_bar
from training.config import Settings
from training.data import decode
from training.data.clips import open_split
from training.data.columns import Column, open_records
from training.data.decode import FIELDS, RATE_HZ, Decoder, digest_of
from training.data.limits import Allowance, Limits
from training.errors import InputError

Values = np.ndarray | Column
"""The decoded values of all sets; the first index is one set."""


@dataclass(frozen=True)
class Store:
    """N sets with V views and S sources each, at the networks' size and rate: in memory, or decoded as they are read."""

    set_id: list[str]
    rgb: Values
    """(N, V, 3, h, w) uint8."""
    heading: np.ndarray
    """(N, V) float32, degrees, left positive."""
    azimuth: np.ndarray
    """(N, V, S) float32, degrees, left positive."""
    direct: Values
    """(N, V, S, 2, Td) float16, responses of the direct sound, ears (left, right)."""
    indirect: Values
    """(N, V, S, 2, T) float16, T >= Td, responses of reflected sound, truncated; in full: direct + ratio x indirect."""
    mono: Values
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
        """Bytes of the decoded split."""
        return sum(a.nbytes for a in (self.rgb, self.heading, self.azimuth, self.direct, self.indirect, self.mono))

    @property
    def place(self) -> str:
        """Where the decoded split is."""
        return "decoded as it is read" if isinstance(self.rgb, Column) else "in memory"


def load(
    root: str, split: str, settings: Settings, quiet: bool = False, clips: Path | None = None, limits: Limits | None = None
) -> Store:
    """Decode a split; raise InputError if it has no sets or too few views or sources, DatasetError for damaged shards.

    A split that does not fit into memory is decoded as it is read. clips: folder of dry sounds used in place of the data set's.
    limits: bytes in memory and on disk.
    """
    limits = limits or Limits()
    data = open_split(root, split, clips, FIELDS)
    if len(data) == 0:
        raise InputError(f"{root} has no set in split {split}; render at least three scenes, so that every split has one")
    decoder = Decoder(data, settings)
    heading, azimuth = decoder.labels()
    fits = decoder.bytes <= limits.memory
    values: dict[str, Any] = _arrays(decoder, split, quiet) if fits else _columns(decoder, limits)
    if fits:
        data.close()
    return Store(set_id=decoder.set_id, heading=heading, azimuth=azimuth, sample_rate=RATE_HZ, digest=digest_of(data), **values)


def _arrays(decoder: Decoder, split: str, quiet: bool) -> dict[str, np.ndarray]:
    """Decode all sets."""
    arrays = {name: np.zeros(shape, dtype) for name, (shape, dtype) in decoder.shapes.items()}
    decoders = decoder.decoders()
    n = len(decoder.set_id)
    for row in progress_bar(n, "set", f"read {split}", not quiet, iterable=range(n)):
        for name, values in arrays.items():
            values[row] = decoders[name](row)
    return arrays


def _columns(decoder: Decoder, limits: Limits) -> dict[str, Column]:
    """Prepare to decode sets as they are read; all fields share the limits."""
    memory, records = Allowance(limits.memory), open_records(_key(decoder), decoder.shapes, limits.disk)
    decoders = decoder.decoders()
    return {
        name: Column(decoders[name], shape, dtype, memory, records.get(name)) for name, (shape, dtype) in decoder.shapes.items()
    }


def _key(decoder: Decoder) -> str:
    """Return a name for the decoded split, which changes with everything that decoded values depend on."""
    clips: Sequence[Path] = getattr(decoder.data, "files", ())
    parts = [
        digest_of(decoder.data),
        str([(name, shape, str(dtype)) for name, (shape, dtype) in decoder.shapes.items()]),
        str([(str(path), path.stat().st_size, path.stat().st_mtime_ns) for path in clips]),
        hashlib.sha256(Path(decode.__file__).read_bytes()).hexdigest(),
        f"pillow {PIL.__version__}, soxr {soxr.__version__}",
    ]
    return hashlib.sha256("\n".join(parts).encode()).hexdigest()
