"""Read binaural recordings of any length in blocks, and check them: mono, silence, clipping, level."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import soundfile
import soxr

from dataset.wav import missing_bytes
from training.data.decode import RATE_HZ
from training.errors import InputError
from training.prediction.files import present, reason

SHORTEST_S = 0.1
"""Shorter sounds are refused."""
BLOCK = 1 << 18
"""Frames read at a time."""
FULL_SCALE = 0.999
"""Samples at or above this are clipped."""
CLIPPED_SHARE = 1e-4
QUIET_LEVEL_DB = -60.0
"""A recording whose loudest block is quieter is reported as too quiet."""
SAME = 1e-6
"""Difference of the channels, as a share of their energy, below which they hold one sound."""


@dataclass
class Levels:
    """Running figures of a recording."""

    frames: int = 0
    clipped: int = 0
    finite: bool = True
    energy: np.ndarray = field(default_factory=lambda: np.zeros(2))
    """Of the left and right channel."""
    difference: float = 0.0
    """Energy of left minus right."""
    loudest: float = 0.0
    """Largest mean square of a block."""

    def add(self, block: np.ndarray) -> None:
        """Count a block (2, n) as read."""
        wide = block.astype(np.float64)
        self.frames += block.shape[1]
        self.finite &= bool(np.isfinite(block).all())
        self.clipped += int((np.abs(block) >= FULL_SCALE).any(0).sum())
        self.energy += np.sum(wide**2, 1)
        self.difference += float(np.sum((wide[0] - wide[1]) ** 2))
        self.loudest = max(self.loudest, float(np.mean(wide**2)) if block.size else 0.0)

    def notes(self, path: Path) -> tuple[str, ...]:
        """Return what the listener should know; raise InputError for a recording that has no direction."""
        if not self.finite or not self.energy.any():
            raise InputError(f"{path} is silent or has values that are not finite; use an audible sound")
        if not self.energy.all():
            ear = "left" if self.energy[0] == 0 else "right"
            raise InputError(f"{path}: the {ear} channel is silent; direction needs two ears: use a binaural recording")
        if self.difference < SAME * self.energy.sum():
            raise InputError(
                f"{path}: both channels hold the same sound (mono); direction needs two ears: use a binaural recording"
            )
        notes = []
        missing = missing_bytes(path)
        if missing:
            notes.append(f"{path} is cut off: {missing} bytes of sound that its header declares are missing")
        if self.clipped > CLIPPED_SHARE * self.frames:
            share = 100 * self.clipped / self.frames
            notes.append(f"{path} is clipped in {share:.2g} % of its samples: loud moments may have wrong directions")
        level = 10 * np.log10(self.loudest)
        if level < QUIET_LEVEL_DB:
            notes.append(f"{path} is very quiet ({level:.0f} dB of full scale): noise may decide the directions; record louder")
        return tuple(notes)


class SoundFile:
    """A recording with two channels, read as blocks (2, n) float32 at RATE_HZ, ears (left, right).

    sound = SoundFile(path)
    for block in sound: ...
    sound.levels.notes(path)        after the blocks
    """

    def __init__(self, path: Path, swap_ears: bool = False) -> None:
        """Check the file's header; raise InputError for one that cannot be used."""
        self.path, self.swap_ears, self.levels = path, swap_ears, Levels()
        with self._open() as file:
            check_channels(path, file.channels)
            self.rate_hz = file.samplerate
            if file.frames < SHORTEST_S * self.rate_hz:
                raise InputError(f"{path} lasts {file.frames / self.rate_hz:.3f} s; {SHORTEST_S:g} s or more are needed")

    def __iter__(self) -> Iterator[np.ndarray]:
        self.levels = Levels()
        with self._open() as file:
            blocks = (block.T for block in file.blocks(BLOCK, dtype="float32", always_2d=True))
            yield from at_network_rate(self._counted(blocks), self.rate_hz)

    def _counted(self, blocks: Iterable[np.ndarray]) -> Iterator[np.ndarray]:
        for block in blocks:
            self.levels.add(block)
            yield block[::-1] if self.swap_ears else block

    def _open(self) -> soundfile.SoundFile:
        try:
            return soundfile.SoundFile(present(self.path))
        except (OSError, soundfile.SoundFileError) as error:
            raise InputError(f"{self.path} is not a readable sound ({reason(error)}); a WAV or FLAC file is expected") from None


def check_channels(path: Path, channels: int) -> None:
    """Raise InputError unless there are two channels."""
    if channels != 2:
        found = "1 channel (mono)" if channels == 1 else f"{channels} channels"
        raise InputError(f"{path} has {found}; direction needs two ears: use a recording with 2 channels, left and right")


def at_network_rate(blocks: Iterable[np.ndarray], rate_hz: int) -> Iterator[np.ndarray]:
    """Resample blocks (2, n) to RATE_HZ; they join without seams."""
    if rate_hz == RATE_HZ:
        yield from blocks
        return
    stream = soxr.ResampleStream(rate_hz, RATE_HZ, 2, dtype="float32", quality="VHQ")
    for block in blocks:
        yield stream.resample_chunk(np.ascontiguousarray(block.T, np.float32)).T
    yield stream.resample_chunk(np.zeros((0, 2), np.float32), last=True).T


def read_sound(path: Path) -> np.ndarray:
    """Read a whole binaural sound of any rate as (2, L) float32 at RATE_HZ, ears (left, right)."""
    sound = SoundFile(path)
    whole = np.ascontiguousarray(np.concatenate(list(sound), 1))
    sound.levels.notes(path)
    return whole
