"""Dry sounds through the responses of measured rooms."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cached_property, lru_cache
from pathlib import Path

import numpy as np
from scipy.signal import oaconvolve

from training.data.clips import LEVEL_RMS, STRETCH_S, decode
from training.evaluation.examples import ExampleSettings, Sounds, thin, with_noise
from training.real.rooms import Room


class RoomSounds:
    """Sounds of measured rooms as evaluation items, see `SoundItems`; they depend on (rooms, clips, settings, seed) only.

    Every response is combined with every clip, or with as many drawn at random as give `per_room` sounds in a room. A sound is
    the loudest `clip_s` of a clip's response, at LEVEL_RMS over both ears. Further sources speak from other positions of the
    room, at their level below the first at the ears. Groups are the rooms, or the positions where there is only one room.
    """

    def __init__(
        self,
        rooms: Sequence[Room],
        clips: Sequence[Path],
        sample_rate: int,
        settings: ExampleSettings,
        per_room: int = 200,
        seed: int = 0,
    ) -> None:
        """Rooms: responses at `sample_rate`. clips: files of dry sounds; `indirect_ratio` of the settings is not used."""
        self.rooms, self.files, self.sample_rate = tuple(rooms), tuple(clips), sample_rate
        self.settings, self.per_room, self.seed = settings, per_room, seed
        self.samples = round(settings.clip_s * sample_rate)

    @cached_property
    def parts(self) -> np.ndarray:
        """(N, 3) room, response and clip of each sound."""
        parts = []
        for k, room in enumerate(self.rooms):
            every = np.stack(np.meshgrid(k, np.arange(len(room)), np.arange(len(self.files)), indexing="ij"), -1).reshape(-1, 3)
            parts.append(thin(every, self.per_room, np.random.default_rng((self.seed, 41, k))))
        return thin(np.concatenate(parts), self.settings.most, np.random.default_rng((self.seed, 42)))

    @cached_property
    def sounds(self) -> Sounds:
        """The sounds."""
        room, response, clip = self.parts.T
        truth = [(self.rooms[r].azimuth_deg[m], self.rooms[r].distance_m[m]) for r, m in zip(room, response, strict=True)]
        azimuth, distance = np.array(truth, float).T
        unknown = np.full(len(room), np.nan)
        row = room if len(self.rooms) > 1 else response
        return Sounds(row, response, clip, np.zeros(len(room), int), azimuth, unknown, distance)

    def clips(self, items: np.ndarray) -> np.ndarray:
        """Return binaural sounds: (B, 2, L) float32, ears (left, right)."""
        return np.stack([self._sound(int(k)) for k in items])

    def label(self, row: int) -> str:
        """Return the name of a room, or of the position where there is only one room."""
        if len(self.rooms) > 1:
            return self.rooms[row].name
        return f"{self.rooms[0].name} {self.rooms[0].azimuth_deg[row]:+.0f}"

    def _sound(self, item: int) -> np.ndarray:
        rng = np.random.default_rng((self.seed, 43, item))
        room, response, clip = (int(k) for k in self.parts[item])
        out = self._loudest(room, response, clip)
        others = np.setdiff1d(np.arange(len(self.rooms[room])), [response])
        for _ in range(self.settings.sources - 1 if len(others) else 0):
            other = self._loudest(room, int(rng.choice(others)), int(rng.integers(len(self.files))))
            out = out + other * 10 ** (-self.settings.dominance_db / 20)
        return with_noise(out, self.settings.noise_snr_db, rng).astype(np.float32)

    def _loudest(self, room: int, response: int, clip: int) -> np.ndarray:
        """Return the loudest part of a clip's response, (2, samples), at LEVEL_RMS."""
        dry = _dry(self.files[clip], self.sample_rate, max(self.samples, round(STRETCH_S * self.sample_rate)), self.samples)
        wet = oaconvolve(dry[None], self.rooms[room].responses[response], axes=-1)
        part = _loudest_part(wet, self.samples)
        return LEVEL_RMS / np.sqrt(np.mean(part**2)) * part


@lru_cache(maxsize=64)
def _dry(path: Path, rate_hz: int, most: int, fewest: int) -> np.ndarray:
    """Return the loudest `most` samples of a clip, repeated up to `fewest`, (L,)."""
    clip = decode(path, rate_hz)
    if len(clip) < fewest:
        clip = np.resize(clip, fewest)
    return _loudest_part(clip, min(most, len(clip)))


def _loudest_part(sound: np.ndarray, samples: int) -> np.ndarray:
    """Return the part (..., samples) of a sound (..., L) with the largest energy over all channels."""
    power = np.sum(np.atleast_2d(sound).astype(np.float64) ** 2, 0)
    energy = np.concatenate([[0.0], np.cumsum(power)])
    start = int((energy[samples:] - energy[:-samples]).argmax())
    return sound[..., start : start + samples]
