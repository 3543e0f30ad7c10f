"""Pairs of pinhole views of panoramas: one place, a known turn about the vertical."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import numpy as np

from dataset.angles import wrap_180, wrap_360
from training.data.overlap import Camera, overlap
from training.evaluation.examples import Pairs, thin
from training.real.panoramas import cut, read_panorama

ORIGIN = np.zeros(3)


@dataclass(frozen=True)
class ViewSettings:
    """How views are cut."""

    hfov_deg: float = 60.0
    """Horizontal field of view."""
    pitch_deg: float = -22.5
    """Up positive."""
    width_px: int = 320
    height_px: int = 240
    min_turn_deg: float = 10.0
    max_turn_deg: float = 50.0
    """Turns are drawn uniformly between these, to either side."""
    turn_deg: float | None = None
    """The size of every turn, in place of a draw."""
    per_panorama: int = 4
    """Pairs of each panorama."""
    most: int = 0
    """Maximum number of pairs, drawn uniformly; 0: all."""


class PanoramaPairs:
    """Pairs of views as evaluation items, see `PictureItems`; they depend on (panoramas, settings, seed) only."""

    def __init__(self, panoramas: Sequence[Path], settings: ViewSettings, seed: int = 0) -> None:
        self.panoramas, self.settings, self.seed = tuple(panoramas), settings, seed
        self.camera = Camera(settings.hfov_deg, settings.pitch_deg)

    @cached_property
    def heading_deg(self) -> np.ndarray:
        """(N, 3) the panorama of each pair, and the headings of its two views."""
        s, rows = self.settings, []
        for row in range(len(self.panoramas)):
            rng = np.random.default_rng((self.seed, 31, row))
            for _ in range(s.per_panorama):
                first, size, side = rng.uniform(0, 360), rng.uniform(s.min_turn_deg, s.max_turn_deg), rng.choice([-1.0, 1.0])
                turn = side * (size if s.turn_deg is None else s.turn_deg)
                rows.append((float(row), first, wrap_360(first + turn)))
        return thin(np.array(rows), s.most, np.random.default_rng((self.seed, 32)))

    @cached_property
    def pairs(self) -> Pairs:
        """The pairs of pictures."""
        row, first, second = self.heading_deg.T
        depth = np.ones((self.settings.height_px, self.settings.width_px))  # any: both views have one place
        poses = zip(first, second, strict=True)
        shared = np.array([overlap(depth, ORIGIN, a, ORIGIN, b, self.camera, self.camera) for a, b in poses])
        zeros = np.zeros(len(row), int)
        return Pairs(row.astype(int), zeros, zeros + 1, wrap_180(second - first), shared, np.zeros(len(row)))

    def pictures(self, items: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Return both pictures of pairs: two arrays (B, height, width, 3) uint8."""
        chosen = self.heading_deg[items]
        return self._views(chosen[:, [0, 1]]), self._views(chosen[:, [0, 2]])

    def cameras(self, items: np.ndarray) -> tuple[list[Camera], list[Camera]]:
        """Return the cameras of both pictures of pairs, B each."""
        return [self.camera] * len(items), [self.camera] * len(items)

    def label(self, row: int) -> str:
        """Return the name of a panorama."""
        return self.panoramas[row].stem

    def _views(self, poses: np.ndarray) -> np.ndarray:
        s = self.settings
        return np.stack([cut(read_panorama(self.panoramas[int(k)]), h, self.camera, s.width_px, s.height_px) for k, h in poses])
