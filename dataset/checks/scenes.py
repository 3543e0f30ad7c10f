"""Plausibility of whole scenes: left and right ears, holes in the depth pictures, size. Sums over sets, judged at the end."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from dataset.interaural import ild_db, itd_us

LATERAL_DEG = 30.0
"""Sources at least this far from the median plane must lead and be louder at the near ear."""
MOST_WRONG_EARS = 0.1
"""Largest share of lateral sources whose far ear leads, or is as loud."""
MOST_HOLES = 0.2
"""Largest share of pixels whose ray leaves the scene."""
DEEPEST_MM = 65535
MOST_SATURATED = 0.01
"""Largest share of pixels at the largest depth that can be stored."""
DEPTHS_M = (0.2, 20.0)
"""Smallest and largest plausible median depth of a scene's views."""
USUAL_M = 3.0
"""Usual median depth of a room's views."""
FACTORS = {0.001: "millimetres", 0.01: "centimetres", 0.0254: "inches", 0.3048: "feet", 1000.0: "kilometres"}
"""Factors to metres of units in which scenes are drawn."""
DEPTH_BINS_MM = np.concatenate([[0.5], np.geomspace(1, DEEPEST_MM, 400), [DEEPEST_MM + 1]])


@dataclass
class SceneSums:
    """Counts over the sets of one scene."""

    lateral: int = 0
    wrong_ears: int = 0
    pixels: int = 0
    holes: int = 0
    saturated: int = 0
    depths: np.ndarray = field(default_factory=lambda: np.zeros(len(DEPTH_BINS_MM) - 1, np.int64))
    """Pixels by depth, in DEPTH_BINS_MM."""

    def add(self, one: Mapping[str, Any], sample_rate: int, views: bool = True) -> None:
        """Add a set; fields that are absent or not finite are left out, and its pictures without `views`."""
        if "brir_direct" in one:
            self._add_ears(one, sample_rate)
        if "depth" in one and views:
            depth = one["depth"]
            self.pixels += depth.size
            self.holes += int((depth == 0).sum())
            self.saturated += int((depth == DEEPEST_MM).sum())
            self.depths += np.histogram(depth, DEPTH_BINS_MM)[0]

    def _add_ears(self, one: Mapping[str, Any], sample_rate: int) -> None:
        azimuth, elevation = (np.deg2rad(one[name].astype(np.float64)) for name in ("azimuth", "elevation"))
        lateral = np.rad2deg(np.arcsin(np.clip(np.sin(azimuth) * np.cos(elevation), -1, 1)))
        response = one["brir_direct"][np.abs(lateral) >= LATERAL_DEG]
        side = np.sign(lateral[np.abs(lateral) >= LATERAL_DEG])
        if not len(response) or not np.isfinite(response).all():
            return
        itd, ild = itd_us(response, sample_rate) * side, ild_db(response) * side
        self.lateral += int(np.isfinite(ild).sum())  # behind a wall the direct sound is silent
        self.wrong_ears += int(((itd <= 0) | (ild <= 0)).sum())

    def problems(self) -> Iterator[str]:
        """Judge the scene."""
        if self.lateral and self.wrong_ears > MOST_WRONG_EARS * self.lateral:
            count = f"{self.wrong_ears} of {self.lateral} sources to the side"
            yield f"the near ear does not lead and is not louder for {count}: ears or azimuths are exchanged, check the HRTF file"
        if not self.pixels:
            return
        if self.holes > MOST_HOLES * self.pixels:
            yield f"{self.holes / self.pixels:.0%} of the pixels show nothing: the scene has holes, or is open"
        hit = int(self.depths.sum())
        if not hit:
            return
        middle = int(np.searchsorted(np.cumsum(self.depths), hit / 2))
        median = float(DEPTH_BINS_MM[middle]) / 1000
        if not DEPTHS_M[0] <= median <= DEPTHS_M[1]:
            yield f"half of the surfaces are farther than {median:.2g} m{_remedy(median)}"
        elif self.saturated > MOST_SATURATED * self.pixels:
            share = self.saturated / self.pixels
            yield f"{share:.0%} of the pixels are deeper than {DEEPEST_MM / 1000:.1f} m, the largest depth that can be stored"


def _remedy(median_m: float) -> str:
    """Name the unit that makes a median depth usual; centimetres where it is beyond what can be stored."""
    saturated = median_m > 0.99 * DEEPEST_MM / 1000
    factor = 0.01 if saturated else min(FACTORS, key=lambda f: abs(np.log(f * median_m / USUAL_M)))
    return f": the scene may be in {FACTORS[factor]}, scale it by {factor:g} and render again"
