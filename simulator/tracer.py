"""The stochastic part: rays from the listener find all energy that is neither direct nor an exact image.

Rays start at the listener (reciprocity) and serve every source and heading. At each hit the share `scattering` of the
reflected energy is diffuse: it is sent to the sources at once along shadow rays ("diffuse rain", Schroeder, Dross and
Vorlaender 2007), and the ray goes on diffusely (Lambert) or specularly by chance. What reaches a source specularly is
counted where a ray passes through a sphere around it. Pure specular chains that `images.py` finds exactly are left out,
so that no energy is counted twice or lost. Energy is 1 / r^2 in the free field, see `arrivals.py`.
"""

from __future__ import annotations

from dataclasses import dataclass, fields

import numpy as np

from simulator.arrivals import sphere_cells
from simulator.bands import energy_share
from simulator.room import Room
from simulator.segments import IN_IMAGES, absorb, cross_spheres, deposit, rain_targets, turn

BATCH = 1024
"""Rays traced together ..."""
GROUPS = 8
"""... in this many groups, whose differences tell the accuracy reached."""
CELLS = 128
BIN_S = 0.002
SPHERE_M = 1.0
ALL_SOURCES = 4
"""Up to this bounce every source gets a shadow ray; afterwards the sources take turns."""
WEAKEST = 1e-6
"""Rays whose energy has fallen by this factor end."""
BY_BAND = 3
"""Up to this bounce each band's own scattering is followed; later the mean decides the way (see `turn`)."""


@dataclass(frozen=True)
class Accuracy:
    """The seed-to-seed spread (one standard deviation) at which tracing stops, and the most rays it may take."""

    t30: float
    """Relative spread of T30."""
    level_db: float
    """Spread of the reverberant level, and so of the direct-to-reverberant ratio, dB."""
    most_rays: int


QUALITY = {
    "draft": Accuracy(0.03, 0.3, 4096),
    "standard": Accuracy(0.01, 0.1, 16384),
    "reference": Accuracy(0.004, 0.05, 65536),
}
"""For comparison: the smallest differences that listeners notice are 5 % of T30 and 1 dB of level (ISO 3382-1, table A.1)."""


@dataclass
class Rays:
    """N rays on their way."""

    origin: np.ndarray
    direction: np.ndarray
    power: np.ndarray
    """(N, 7) share of the ray's energy left in each band."""
    length: np.ndarray
    cell: np.ndarray
    """(N,) direction cell in which the ray left the listener, hence from which its energy arrives."""
    group: np.ndarray
    chain: np.ndarray
    surface: np.ndarray
    """(N,) material of the last reflection."""

    def take(self, rows: np.ndarray) -> Rays:
        """Keep only some rays."""
        return Rays(*(getattr(self, f.name)[rows] for f in fields(self)))


class Tracer:
    """Rays from one listener towards S sources, gathered into energy by source, time, direction and band."""

    def __init__(
        self,
        room: Room,
        in_images: np.ndarray,
        image_order: int,
        listener: np.ndarray,
        sources: np.ndarray,
        duration_s: float,
        rng: np.random.Generator,
    ) -> None:
        """Set up; in_images: (F,) bool, the faces whose specular chains up to image_order are known as images."""
        self.room, self.in_images, self.image_order, self.rng = room, in_images, image_order, rng
        self.listener, self.sources = listener.astype(np.float32), sources.astype(np.float32)
        bins = int(np.ceil(duration_s / BIN_S))
        self.air = np.exp(-room.air * room.speed_m_s * (np.arange(bins)[:, None] + 0.5) * BIN_S)
        self.weights = (self.air * energy_share(16000)).astype(np.float32)
        front = self.listener - self.sources
        self.front = front / np.linalg.norm(front, axis=1, keepdims=True)
        self.energy = np.zeros((len(sources), bins, CELLS, 7), np.float32)
        self.curves = np.zeros((0, len(sources), bins))
        self.rays = 0
        self.shift = rng.random(2)
        self.seen = _visible_share(room, sources, rng)

    def run(self, accuracy: Accuracy) -> np.ndarray:
        """Trace until the accuracy is reached; give the energy (S, T, CELLS, 7) float32 in bins of BIN_S."""
        while self.rays < accuracy.most_rays and not _accurate(self.curves, accuracy):
            self._batch()
        return self.energy * (self.air[:, None] / self.rays).astype(np.float32)

    def _batch(self) -> None:
        curve = np.zeros((GROUPS, *self.energy.shape[:2]))
        rays = self._start()
        bounce = 0
        while len(rays.origin):
            hits = self.room.bvh.closest(rays.origin, rays.direction)
            self._specular(rays, hits.distance, curve)
            alive, point, normal = absorb(
                rays.origin,
                rays.direction,
                hits.distance,
                hits.face,
                self.room.normals,
                self.room.lift,
                self.room.surface,
                self.room.kept,
                rays.power,
                rays.length,
                self._longest(),
                WEAKEST,
            )
            rays.origin, face = point, hits.face
            if not alive.all():
                rows = np.flatnonzero(alive)
                rays, normal, face = rays.take(rows), normal[rows], face[rows]
            rays.surface = self.room.surface[face]
            self._diffuse(rays, normal, bounce, curve)
            known = self.in_images[face] & (bounce < self.image_order)
            random = self.rng.random((len(face), 3), np.float32)
            turn(
                rays.direction,
                normal,
                rays.power,
                rays.chain,
                rays.surface,
                self.room.scattering,
                known,
                bounce < BY_BAND,
                random,
            )
            bounce += 1
        self.curves = np.concatenate([self.curves, curve])
        self.rays += BATCH

    def _start(self) -> Rays:
        directions = _directions(self.rays, self.shift)
        return Rays(
            origin=np.repeat(self.listener[None], BATCH, 0),
            direction=directions.astype(np.float32),
            power=np.ones((BATCH, 7), np.float32),
            length=np.zeros(BATCH, np.float32),
            cell=(directions @ sphere_cells(CELLS).T).argmax(1),
            group=np.arange(BATCH) % GROUPS,
            chain=np.full(BATCH, IN_IMAGES, np.int64),
            surface=np.zeros(BATCH, np.int32),
        )

    def _specular(self, rays: Rays, reach: np.ndarray, curve: np.ndarray) -> None:
        """Count the rays that pass a source after a specular reflection."""
        ray, source, way, foot = cross_spheres(rays.origin, rays.direction, reach, rays.chain, self.sources, np.float32(SPHERE_M))
        # A sphere of radius R catches the share R^2 / (4 r^2) of N rays: 4 / (N R^2) each makes 1 / r^2.
        factor = (4.0 / (SPHERE_M**2 * self.seen[source])).astype(np.float32)
        self._deposit(rays, (ray, source, way, factor), self.room.bvh.visible(foot, self.sources[source]), False, curve)

    def _diffuse(self, rays: Rays, normal: np.ndarray, bounce: int, curve: np.ndarray) -> None:
        """Send the diffuse share of a reflection to the sources in sight."""
        links = rain_targets(rays.origin, normal, self.sources, -1 if bounce < ALL_SOURCES else bounce)
        free = self.room.bvh.visible(rays.origin[links[0]], self.sources[links[1]])
        self._deposit(rays, links, free, True, curve)

    def _deposit(self, rays: Rays, links: tuple[np.ndarray, ...], free: np.ndarray, rain: bool, curve: np.ndarray) -> None:
        """Add the free ones of K links (ray, source, way, factor) to the energy and to the groups' curves."""
        deposit(
            self.energy,
            curve,
            self.weights,
            np.float32(1.0 / (BIN_S * self.room.speed_m_s)),
            *links,
            free,
            rain,
            rays.origin,
            rays.power,
            rays.length,
            rays.cell,
            rays.group,
            rays.chain,
            rays.surface,
            self.room.scattering,
            self.sources,
            self.front,
            self.room.directivity,
        )

    def _longest(self) -> float:
        return self.energy.shape[1] * BIN_S * self.room.speed_m_s


def _directions(first: int, shift: np.ndarray) -> np.ndarray:
    """Give rays `first` to `first + BATCH` of a shifted two-dimensional Kronecker sequence on the sphere (Roberts 2018)."""
    k = first + np.arange(BATCH) + 1.0
    plastic = 1.32471795724474602596
    height = 1.0 - 2.0 * ((shift[0] + k / plastic) % 1.0)
    angle = 2.0 * np.pi * ((shift[1] + k / plastic**2) % 1.0)
    level = np.sqrt(1.0 - height * height)
    return np.stack([level * np.cos(angle), height, level * np.sin(angle)], -1)


def _visible_share(room: Room, sources: np.ndarray, rng: np.random.Generator, points: int = 512) -> np.ndarray:
    """Estimate for each source the share of its sphere's cross-sections that walls and furniture leave in sight; (S,).

    Rays that would pass behind a wall never come, so what does come is divided by this.
    """
    axis = rng.normal(size=(points, 3))
    axis /= np.linalg.norm(axis, axis=1, keepdims=True)
    side = np.cross(axis, rng.normal(size=(points, 3)))
    side /= np.linalg.norm(side, axis=1, keepdims=True)
    offset = SPHERE_M * np.sqrt(rng.random((points, 1))) * side
    ends = sources[:, None] + offset
    starts = np.broadcast_to(sources[:, None], ends.shape)
    free = room.bvh.visible(starts.reshape(-1, 3), ends.reshape(-1, 3))
    return np.maximum(free.reshape(len(sources), points).mean(1), 0.05)


def _accurate(curves: np.ndarray, accuracy: Accuracy) -> bool:
    """Judge from the spread between groups (n, S, T) whether T30 and level are known well enough for every source.

    With backward-integrated levels L5 and L35 where the decay has fallen by 5 and 35 dB, T30 is about 60 (t35 - t5) /
    (L5 - L35): its relative spread is that of the two levels, in dB, over 30.
    """
    if len(curves) < GROUPS:
        return False
    left = np.cumsum(curves[..., ::-1], -1)[..., ::-1]
    mean = left.mean(0)
    if not (mean[:, 0] > 0).all():
        return False
    spread_db = 4.343 * left.std(0, ddof=1) / np.sqrt(len(left)) / np.maximum(mean, 1e-30)
    decay = mean / mean[:, :1]
    at5, at35 = ((decay > level).sum(1) - 1 for level in (10**-0.5, 10**-3.5))
    # Towards the cut end of a response that has not decayed, the integral is of a few bins and says nothing.
    at35 = np.minimum(at35, int(0.75 * decay.shape[1]))
    rows = np.arange(len(mean))
    t30 = np.hypot(spread_db[rows, at5], spread_db[rows, at35]) / 30.0
    return bool((t30 <= accuracy.t30).all() and (spread_db[:, 0] <= accuracy.level_db).all())
