"""The pairs of pictures and the sounds of a split for evaluation: seeded, the same for every method."""

from __future__ import annotations

import json
from dataclasses import dataclass
from functools import cached_property
from typing import Protocol

import numpy as np
from scipy.signal import oaconvolve

from dataset.angles import wrap_180
from dataset.geometry import CAMERA_FIELDS, Pinhole, pinholes
from dataset.reader import Dataset
from dataset.responses import full_response
from training.data.clip_starts import draw_start
from training.data.clips import has
from training.data.decode import check_values
from training.data.overlap import overlap
from training.errors import InputError


@dataclass(frozen=True)
class ExampleSettings:
    """Settings of the evaluated sounds; the defaults are one clean source as rendered."""

    clip_s: float = 2.55
    """Length of a sound."""
    indirect_ratio: float = 1.0
    """Factor on the indirect part of the responses."""
    noise_snr_db: float | None = None
    """Level of white noise, independent at the ears, below the sound; None: no noise."""
    sources: int = 1
    """Sources in a sound; those beyond the set's sources come from other sets of the split."""
    dominance_db: float = 0.0
    """Level of each further source below the one whose azimuth is the target."""
    most: int = 0
    """Maximum number of pairs and of sounds, drawn uniformly; 0: all."""


@dataclass(frozen=True)
class Pairs:
    """Pairs of views of a set; all arrays have one entry per pair."""

    row: np.ndarray
    """Index of the set in the split."""
    view_s: np.ndarray
    view_t: np.ndarray
    turn_deg: np.ndarray
    """heading_t - heading_s, left positive, in (-180, 180]."""
    overlap: np.ndarray
    """Share of the picture of view s that the picture of view t contains, 0 to 1; NaN if the data set has no depth."""
    moved_m: np.ndarray
    """Distance between the two positions."""


@dataclass(frozen=True)
class Sounds:
    """Moments of a source at one view's ears; all arrays have one entry per sound."""

    row: np.ndarray
    view: np.ndarray
    source: np.ndarray
    start: np.ndarray
    """First sample of the clip in the set's stretch of mono sound."""
    azimuth_deg: np.ndarray
    rt60_s: np.ndarray
    """Mean of the two ears; NaN if the data set has none."""
    distance_m: np.ndarray


class PictureItems(Protocol):
    """Pairs of pictures that methods are evaluated on."""

    @property
    def pairs(self) -> Pairs:
        """The truth."""
        ...

    def pictures(self, items: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Return both pictures of pairs: two arrays (B, H, W, 3) uint8."""
        ...

    def cameras(self, items: np.ndarray) -> tuple[list[Pinhole], list[Pinhole]]:
        """Return the cameras of both pictures of pairs, B each."""
        ...

    def label(self, row: int) -> str:
        """Return the name of a row of `pairs`: a set or a panorama."""
        ...


class SoundItems(Protocol):
    """Sounds that methods are evaluated on."""

    sample_rate: int

    @property
    def sounds(self) -> Sounds:
        """The truth."""
        ...

    def clips(self, items: np.ndarray) -> np.ndarray:
        """Return binaural sounds: (B, 2, L) float32, ears (left, right)."""
        ...

    def label(self, row: int) -> str:
        """Return the name of a row of `sounds`: a set or a room."""
        ...


class Examples:
    """The evaluation items of a split: `pairs` and `sounds` hold the truth, `pictures` and `clips` return the inputs.

    examples = Examples(Dataset("data/slfm", split="test"), seed=0)
    rgb_s, rgb_t = examples.pictures(np.arange(8))      # (8, H, W, 3) uint8 each
    sound = examples.clips(np.arange(8))                # (8, 2, L) float32

    Items depend on (data, settings, seed) only. The pairs join each set's first view with each other view, in random order;
    there is one sound for every view, at a moment when its source is audible.
    """

    def __init__(self, data: Dataset, settings: ExampleSettings | None = None, seed: int = 0) -> None:
        """Check the split; raise InputError for one without sets or a clip longer than the sets' sound."""
        if len(data) == 0:
            raise InputError(f"{data.root} has no set in this split; render more scenes (three or more give every split one)")
        self.data = data
        self.settings = settings or ExampleSettings()
        self.seed = seed
        self.sample_rate = _sample_rate(data)
        self.clip_samples = round(self.settings.clip_s * self.sample_rate)
        stretch = data.read(0, "mono").shape[-1]
        if self.clip_samples > stretch:
            lasts = f"the sets' sound lasts {stretch / self.sample_rate:g} s"
            raise InputError(f"clip_s is {self.settings.clip_s:g} s, {lasts}; give a shorter clip")

    def pictures(self, items: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Return both pictures of pairs: two arrays (B, H, W, 3) uint8."""
        p = self.pairs
        source = np.stack([self.data.read(int(p.row[k]), "rgb", int(p.view_s[k])) for k in items])
        target = np.stack([self.data.read(int(p.row[k]), "rgb", int(p.view_t[k])) for k in items])
        return source, target

    def cameras(self, items: np.ndarray) -> tuple[list[Pinhole], list[Pinhole]]:
        """Return the cameras of both pictures of pairs, B each."""
        p = self.pairs
        views = [(self._pinholes(int(p.row[k])), int(p.view_s[k]), int(p.view_t[k])) for k in items]
        return [cameras[s] for cameras, s, _ in views], [cameras[t] for cameras, _, t in views]

    def clips(self, items: np.ndarray) -> np.ndarray:
        """Return binaural sounds: (B, 2, L) float32, ears (left, right)."""
        return np.stack([self._clip(int(k)) for k in items])

    def label(self, row: int) -> str:
        """Return the name of a set."""
        return str(self.data.read(row, "set_id"))

    @cached_property
    def pairs(self) -> Pairs:
        """The pairs of pictures, computed on first use because their overlaps take time."""
        pairs: list[tuple[float, ...]] = []
        for row in range(len(self.data)):
            heading, position = self._read(row, "heading").astype(float), self._read(row, "position")
            depth = self.data.read(row, "depth") if has(self.data, "depth") else None
            cameras = self._pinholes(row)
            exchanged = np.random.default_rng((self.seed, 11, row)).random(len(heading) - 1) >= 0.5
            for other in range(1, len(heading)):
                a, b = (other, 0) if exchanged[other - 1] else (0, other)
                poses = (position[a], heading[a], position[b], heading[b])
                shared = np.nan if depth is None else overlap(depth[a], *poses, cameras[a], cameras[b])
                moved = float(np.linalg.norm(position[b] - position[a]))
                pairs.append((row, a, b, wrap_180(heading[b] - heading[a]), shared, moved))
        p = thin(np.array(pairs, float), self.settings.most, np.random.default_rng((self.seed, 12))).T
        row, view_s, view_t = p[:3].astype(int)
        return Pairs(row, view_s, view_t, *p[3:])

    @cached_property
    def sounds(self) -> Sounds:
        """The sounds, one for every view."""
        sounds: list[tuple[float, ...]] = []
        for row in range(len(self.data)):
            azimuth, distance, mono = (self._read(row, n) for n in ("azimuth", "distance", "mono"))
            rt60 = self.data.read(row, "rt60") if has(self.data, "rt60") else np.full((*azimuth.shape, 2), np.nan)
            rng = np.random.default_rng((self.seed, 14, row))
            for view in range(len(azimuth)):
                source = int(rng.integers(azimuth.shape[1]))
                start = draw_start(mono[source], self.clip_samples, self.sample_rate, rng)
                truth = (azimuth[view, source], rt60[view, source].mean(), distance[view, source])
                sounds.append((row, view, source, start, *truth))
        s = thin(np.array(sounds, float), self.settings.most, np.random.default_rng((self.seed, 15))).T
        row, view, source, start = s[:4].astype(int)
        return Sounds(row, view, source, start, s[4], s[5], s[6])

    def _read(self, row: int, field: str, view: int | None = None) -> np.ndarray:
        """Read a field; raise InputError if its values are not finite, because they would reach the report."""
        values: np.ndarray = self.data.read(row, field, view)
        check_values(self.data.read(row, "set_id"), field, values)
        return values

    def _pinholes(self, row: int) -> list[Pinhole]:
        return pinholes({name: self._read(row, name) for name in CAMERA_FIELDS})

    def _clip(self, item: int) -> np.ndarray:
        rng = np.random.default_rng((self.seed, 13, item))
        s = self.sounds
        row, view, source, start = (int(a[item]) for a in (s.row, s.view, s.source, s.start))
        out, level = self._binaural(row, view, source, start, None)
        own = [k for k in range(self.data.read(row, "azimuth").shape[1]) if k != source]
        for further in range(self.settings.sources - 1):
            if further < len(own):
                other = (row, view, own[further])
            else:
                other_row = int((row + rng.integers(1, max(2, len(self.data)))) % len(self.data))
                sizes = self.data.read(other_row, "azimuth").shape
                other = (other_row, int(rng.integers(sizes[0])), int(rng.integers(sizes[1])))
            begin = draw_start(self.data.read(other[0], "mono")[other[2]], self.clip_samples, self.sample_rate, rng)
            out = out + self._binaural(*other, begin, level * 10 ** (-self.settings.dominance_db / 20))[0]
        return with_noise(out, self.settings.noise_snr_db, rng).astype(np.float32)

    def _binaural(self, row: int, view: int, source: int, start: int, level: float | None) -> tuple[np.ndarray, float]:
        """Convolve a moment of a source's sound with a view's response, at a given or the original level of the dry clip."""
        mono = self._read(row, "mono")[source]
        direct = self._read(row, "brir_direct", view)[source]
        response = full_response(direct, self._read(row, "brir_indirect", view)[source], self.settings.indirect_ratio)
        end = start + self.clip_samples
        before = max(0, start - response.shape[-1])
        dry = mono[before:end]
        wet = oaconvolve(dry[None], response, axes=-1)[:, start - before : end - before]
        own = float(np.sqrt(np.mean(mono[start:end] ** 2)))
        gain = 1.0 if level is None else level / max(own, 1e-9)
        return wet * gain, own


def with_noise(sound: np.ndarray, snr_db: float | None, rng: np.random.Generator) -> np.ndarray:
    """Add white noise, independent at the ears, to a sound (2, L) at a level below it; None: no noise."""
    if snr_db is None:
        return sound
    scale = np.sqrt(np.mean(sound**2)) * 10 ** (-snr_db / 20)
    return sound + scale * rng.standard_normal(sound.shape)


def thin(table: np.ndarray, most: int, rng: np.random.Generator) -> np.ndarray:
    """Keep `most` rows drawn uniformly, in their order; all for 0."""
    if not most or len(table) <= most:
        return table
    return table[np.sort(rng.permutation(len(table))[:most])]


def _sample_rate(data: Dataset) -> int:
    """Return the sample rate, Hz, of a data set's settings."""
    settings = data.manifest["settings"]
    settings = json.loads(settings) if isinstance(settings, str) else settings
    return int(settings["acoustics"]["sample_rate_hz"])
