"""Stochastic ray tracing: all energy that is neither direct sound nor an image source.

Rays start at the listener (reciprocity) and serve every source and heading. At each hit the share `scattering` of the
reflected energy is diffuse: it is sent to the sources along shadow rays ("diffuse rain", Schroeder, Dross and Vorlaender
2007), and the ray continues diffusely (Lambert) or specularly at random. Specular energy is counted where a ray passes
through a sphere around a source. Purely specular chains that `image_sources.py` finds are skipped, so that no energy is
counted twice or lost. Energy is 1 / r^2 in the free field, see `arrivals.py`.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from simulator.acoustics.acoustic_scene import AcousticScene
from simulator.acoustics.arrivals import sphere_cells
from simulator.acoustics.bands import energy_share
from simulator.acoustics.ray_kernels import trace
from simulator.acoustics.ray_state import DEPTH, SPHERE_M, Surroundings, Tally, new_rays
from simulator.acoustics.room_metrics import decay_time
from simulator.acoustics.temporal_smoothing import smooth_energy

FEWEST = 1024
"""Rays of the first batch ..."""
BATCH = 512
"""... smallest further batch ..."""
FLIGHT = 8192
"""... and most rays traced in one call: their direction cells must fit the processor cache ..."""
GROUPS = 32
"""... in this many groups, whose differences estimate the accuracy reached."""
CELLS = 128
"""Direction cells of the energy."""
BIN_S = 0.002
"""Time bin of the energy."""
PILOT = 256
"""Rays traced first, to estimate how power decays with time."""
WINDOW_S = 0.01
"""Time step of that estimate."""
WEAKEST = 1e-4
"""The number of rays is kept up until their mean power has decayed by this factor; after that it decreases with the energy."""


@dataclass(frozen=True)
class Accuracy:
    """The spread over seeds (one standard deviation) at which tracing stops, and the budget."""

    t30: float
    """Relative spread of T30."""
    level_db: float
    """Spread of the reverberant level, and thereby of the direct-to-reverberant ratio, dB."""
    most_segments: int
    """Budget of ray segments: one for the start of a ray and one for each segment; about 100 a ray in a closed room."""


QUALITY = {
    "draft": Accuracy(0.05, 0.5, 120_000),
    "standard": Accuracy(0.025, 0.25, 300_000),
    "reference": Accuracy(0.004, 0.08, 13_000_000),
}
"""Standard is half of the 5 % of T30 and a fourth of the 1 dB of level that listeners notice (ISO 3382-1, table A.1)."""


class Tracer:
    """Trace rays from one listener to S sources and accumulate energy by source, time, direction and band."""

    def __init__(
        self,
        scene: AcousticScene,
        in_images: np.ndarray,
        image_order: int,
        listener: np.ndarray,
        sources: np.ndarray,
        duration_s: float,
        rng: np.random.Generator,
    ) -> None:
        """Set up; in_images: (F,) bool, the faces whose specular chains up to image_order are image sources."""
        self.rng = rng
        self.scene = scene  # keeps Embree's scene alive
        self.listener = listener.astype(np.float32)
        bins = int(np.ceil(duration_s / BIN_S))
        self.air = np.exp(-scene.air * scene.speed_m_s * (np.arange(bins)[:, None] + 0.5) * BIN_S)
        windows = int(np.ceil(duration_s / WINDOW_S)) + 1
        front = listener - sources
        self.around = Surroundings(
            scene=scene.bvh.scene,
            normals=scene.normals,
            lift=scene.lift,
            surface=scene.surface,
            in_images=in_images,
            image_order=image_order,
            reflectance=scene.reflectance,
            scattering=scene.scattering,
            sources=sources.astype(np.float32),
            front=(front / np.linalg.norm(front, axis=1, keepdims=True)).astype(np.float32),
            visible_share=_visible_share(scene, sources, rng).astype(np.float32),
            directivity=scene.directivity if np.ptp(scene.directivity, 0).any() else scene.directivity[:1],
        )
        self.tally = Tally(
            energy=np.zeros((CELLS, len(sources), bins, 7), np.float32),
            curves=np.zeros((GROUPS, len(sources), bins)),
            weights=(self.air * energy_share(16000)).astype(np.float32),
            bins_per_m=1.0 / (BIN_S * scene.speed_m_s),
            alive=np.zeros((windows, 7)),
            window=np.full((windows, 7), 1.0 / (7.0 * WEAKEST), np.float32),
            windows_per_m=1.0 / (WINDOW_S * scene.speed_m_s),
        )
        self.memory = new_rays()
        self.rays, self.pilots, self.segments = 0, 0, 0
        self.shift = rng.random(2)

    def run(self, accuracy: Accuracy) -> np.ndarray:
        """Trace until the accuracy is reached; return the energy (S, T, CELLS, 7) float32 in bins of BIN_S."""
        more = FEWEST
        while more > 0:
            self.add(more)
            affordable = self.rays * (accuracy.most_segments / self.segments - 1.0)
            more = min(_missing(self.rays, _excess(self.tally.curves, accuracy)), int(affordable) // BATCH * BATCH)
        energy = smooth_energy(self.tally.energy, self.tally.curves, BIN_S) * (self.air / self.rays).astype(np.float32)
        return np.ascontiguousarray(energy.transpose(1, 2, 0, 3))

    def add(self, count: int) -> None:
        """Trace `count` more rays."""
        if self.pilots == 0:
            none = np.zeros((0, 3), np.float32)
            self._shoot(self.around._replace(sources=none, front=none), sphere_cells(PILOT), 1)
            self.pilots = PILOT
            self._set_window()
        for first in range(self.rays, self.rays + count, FLIGHT):
            many = min(FLIGHT, self.rays + count - first)
            self._shoot(self.around, _directions(first, many, self.shift), DEPTH)
        self.rays += count
        self._set_window()

    def _shoot(self, around: Surroundings, directions: np.ndarray, depth: int) -> None:
        toward = directions.astype(np.float32)
        cells = (toward @ sphere_cells(CELLS).astype(np.float32).T).argmax(1)
        order = np.argsort(cells, kind="stable")
        groups = order % GROUPS
        toward, cells = toward[order], cells[order]
        first = 0
        while first < len(toward):
            first, segments = trace(around, self.tally, self.memory, self.listener, toward, cells, groups, first, depth, self.rng)
            self.segments += segments

    def _set_window(self) -> None:
        """Set the weight windows to the mean power at each time: stronger rays are split, weaker ones end at random.

        Without them, where absorption differs between surfaces, a few rays would carry most of the late energy (Booth and
        Hendricks 1984).
        """
        power = self.tally.alive / (self.pilots + self.rays)
        power[0] = 1.0
        self.tally.window[:] = 1.0 / (power.shape[1] * np.maximum(power, WEAKEST))


def _directions(first: int, count: int, shift: np.ndarray) -> np.ndarray:
    """Return (count, 3) directions, from number `first` on, of a shifted 2-D Kronecker sequence on the sphere (Roberts 2018)."""
    k = first + np.arange(count) + 1.0
    plastic = 1.32471795724474602596
    height = 1.0 - 2.0 * ((shift[0] + k / plastic) % 1.0)
    angle = 2.0 * np.pi * ((shift[1] + k / plastic**2) % 1.0)
    level = np.sqrt(1.0 - height * height)
    return np.stack([level * np.cos(angle), height, level * np.sin(angle)], -1)


def _visible_share(scene: AcousticScene, sources: np.ndarray, rng: np.random.Generator, points: int = 512) -> np.ndarray:
    """Estimate the share of the cross-sections of the sphere around each source that is visible from the source; (S,)."""
    axis = rng.normal(size=(points, 3))
    axis /= np.linalg.norm(axis, axis=1, keepdims=True)
    side = np.cross(axis, rng.normal(size=(points, 3)))
    side /= np.linalg.norm(side, axis=1, keepdims=True)
    offset = SPHERE_M * np.sqrt(rng.random((points, 1))) * side
    ends = sources[:, None] + offset
    starts = np.broadcast_to(sources[:, None], ends.shape)
    free = scene.bvh.visible(starts.reshape(-1, 3), ends.reshape(-1, 3))
    return np.maximum(free.reshape(len(sources), points).mean(1), 0.05)


def _missing(rays: int, excess: float) -> int:
    """Return the number of rays to add where the spread is `excess` times the target: it falls with the root of their number."""
    if excess <= 1.0:
        return 0
    return int(np.clip(np.ceil(rays * (excess**2 - 1.0) / BATCH), 1, rays // BATCH)) * BATCH


def _excess(curves: np.ndarray, accuracy: Accuracy) -> float:
    """Return the spread over seeds relative to the target, for the worst source and the worse of T30 and level.

    curves: (G, S, T) energies of G groups of rays. Jackknife: the standard deviation over the estimates with one group left
    out, times sqrt(G - 1), is that of the whole from seed to seed (Efron 1982).
    """
    groups = len(curves)
    without = curves.sum(0) - curves
    left = np.maximum(np.cumsum(without[..., ::-1], -1)[..., ::-1], 1e-30)
    level = 10.0 * np.log10(left)
    t30 = decay_time(level - level[..., :1], BIN_S, -5.0, -35.0)
    spread = np.sqrt(groups - 1) * np.stack([t30.std(0) / np.maximum(t30.mean(0), 1e-9), level[..., 0].std(0)])
    return float((spread.max(1) / [accuracy.t30, accuracy.level_db]).max())
