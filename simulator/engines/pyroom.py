"""Arrivals from pyroomacoustics (Scheibler, Bezzam and Dokmanic 2018): the room as a polygon with height, images and rays.

The room around the listener is reduced to an outline (`visibility.py`) whose walls, floor and ceiling have the mean absorption
and scattering of the surfaces that rays hit in their place, furniture included. pyroomacoustics computes the direct sound, the
images and an energy histogram of rays by direction, which are spatialised by the same code as those of the default engine.
pyroomacoustics counts some energy twice, which is corrected here: see `_rays` and `_return_scattered`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from scipy.spatial.transform import Rotation

from simulator.acoustics.acoustic_scene import AcousticScene, directivity_row
from simulator.acoustics.arrivals import Arrivals, Paths, sphere_cells
from simulator.config import AcousticsSettings
from simulator.engines.outline import Outline, plan_of
from simulator.engines.surface_means import mean_surfaces
from simulator.engines.visibility import find_outline

if TYPE_CHECKING:
    from pyroomacoustics import Room as Engine

BIN_S = 0.002
CELLS = 128
RAYS = {"draft": 2000, "standard": 6000, "reference": 60000}
"""Rays from each source by quality."""
MOST_SEGMENTS = {"draft": 1_000_000, "standard": 3_000_000, "reference": 20_000_000}
"""Most ray segments from each source: fewer rays are traced where long responses of large reflectance would need more."""
CALL_SEGMENTS = 50_000
"""Segments of one call of pyroomacoustics, about a second, during which the process cannot respond to signals."""
SPHERE_M = 0.5
"""Largest radius of the sphere around the listener in which rays are counted; smaller near walls."""
STRENGTH = 1e6
"""Total energy of the rays, so high that no scattered energy falls below the fixed threshold of pyroomacoustics."""


def polygon_arrivals(
    scene: AcousticScene, listener: np.ndarray, sources: np.ndarray, settings: AcousticsSettings, rng: np.random.Generator
) -> Arrivals:
    """Compute the arrivals at a listener (3,) from sources (S, 3), world frame, m, all visible from the listener.

    Ray directions and the random numbers of pyroomacoustics are seeded from rng. The latter are global to the process: this
    function is not thread-safe.
    """
    outline = find_outline(scene.bvh, listener, sources)
    reflectance, scattering = mean_surfaces(scene, outline, listener, rng)
    engine = _build(scene, outline, listener, reflectance, scattering, settings)
    power = outline.areas[:, None] * reflectance
    scattered = (power * scattering).sum(0) / np.maximum(power.sum(0), 1e-9)
    bins = int(np.ceil(settings.response_s / BIN_S))
    energy = np.zeros((len(sources), bins, CELLS, 7))
    direct, images = [], []
    for s, source in enumerate(sources):
        front = (listener - source) / np.linalg.norm(listener - source)
        paths, whole, order = _images(engine, scene, outline, listener, source, front, s)
        energy[s] = _rays(engine, scene, outline, source, front, bins, settings.quality, rng) / (1.0 + scattered)
        _return_scattered(energy[s], paths, whole**2 / (1.0 + scattered) - paths.gain**2, order, scene.speed_m_s)
        direct.append(_chosen(paths, order == 0))
        images.append(_chosen(paths, order > 0))
    cells = sphere_cells(CELLS)
    return Arrivals(_joined(direct), _joined(images), energy.astype(np.float32), BIN_S, cells, scene.speed_m_s)


def _build(
    scene: AcousticScene,
    outline: Outline,
    listener: np.ndarray,
    reflectance: np.ndarray,
    scattering: np.ndarray,
    settings: AcousticsSettings,
) -> Engine:
    """Create the pyroomacoustics room, in plan coordinates of the outline and heights above its floor."""
    import pyroomacoustics  # slow to import and rarely needed
    from pyroomacoustics.room import wall_factory

    height = outline.ceiling_m - outline.floor_m
    low = np.pad(outline.corners, ((0, 0), (0, 1)))
    high = low + [0.0, 0.0, height]
    shapes = [np.stack([low[k], low[j], high[j], high[k]]) for k, j in enumerate(np.roll(np.arange(len(low)), -1))]
    walls = [
        wall_factory(shape.T.astype(np.float32), (1.0 - r).astype(np.float32), s.astype(np.float32))
        for shape, r, s in zip([*shapes, low[::-1], high], reflectance, scattering, strict=True)
    ]
    engine = pyroomacoustics.Room(walls, fs=16000, max_order=settings.image_order, ray_tracing=True)
    engine.set_sound_speed(scene.speed_m_s)
    radius = float(np.clip(outline.clearance(listener), 0.2, SPHERE_M))
    engine.set_ray_tracing(n_rays=1, receiver_radius=radius, time_thres=settings.response_s, hist_bin_size=BIN_S)
    engine.add_microphone(_to_engine(listener, outline))
    cells = sphere_cells(CELLS)
    engine.room_engine.microphones[0].set_directions(np.column_stack([plan_of(cells), cells[:, 1]]))
    return engine


def _to_engine(point: np.ndarray, outline: Outline) -> np.ndarray:
    return np.append(plan_of(point), point[1] - outline.floor_m)


def _images(
    engine: Engine,
    scene: AcousticScene,
    outline: Outline,
    listener: np.ndarray,
    source: np.ndarray,
    front: np.ndarray,
    number: int,
) -> tuple[Paths, np.ndarray, np.ndarray]:
    """Return direct sound and images: paths, their gains (K, 7) without scattering losses, and their orders (K,)."""
    core = engine.room_engine
    damping = []
    for scatters in (False, True):
        core.is_hybrid_sim = scatters
        count = core.image_source_model(_to_engine(source, outline).astype(np.float32))
        damping.append(core.attenuations.T.astype(np.float64) if count else np.zeros((0, 7)))
    if count == 0:
        return Paths(np.zeros(0, np.int32), np.zeros(0), np.zeros((0, 3)), np.zeros((0, 7))), np.zeros((0, 7)), np.zeros(0, int)
    place = core.sources.T.astype(np.float64)
    visible = core.visible_mics[0] > 0
    offset = np.stack([place[:, 0], place[:, 2] + outline.floor_m, -place[:, 1]], -1)[visible] - listener
    distance = np.linalg.norm(offset, axis=1)
    leaving = core.source_directions.T[visible]
    facing = np.stack([leaving[:, 0], leaving[:, 2], -leaving[:, 1]], -1) @ front
    spread = np.exp(-0.5 * scene.air * distance[:, None]) / distance[:, None]
    spread = spread * scene.directivity[directivity_row(np.clip(facing, -1.0, 1.0))]
    paths = Paths(np.full(len(distance), number, np.int32), distance, offset / distance[:, None], damping[1][visible] * spread)
    return paths, damping[0][visible] * spread, core.orders[visible].astype(int)


def _rays(
    engine: Engine,
    scene: AcousticScene,
    outline: Outline,
    source: np.ndarray,
    front: np.ndarray,
    bins: int,
    quality: str,
    rng: np.random.Generator,
) -> np.ndarray:
    """Return the energy (bins, CELLS, 7) of everything but the direct sound and specular images.

    pyroomacoustics counts rays in the sphere of the listener from the highest order of the images on, and so that order twice:
    the order is raised by one here.
    """
    from pyroomacoustics import libroom

    core = engine.room_engine
    engine.max_order += 1
    engine._update_room_engine_params()
    libroom.set_rng_seed(int(rng.integers(2**63)))
    calls = _ray_calls(quality, bins * BIN_S * scene.speed_m_s / outline.mean_free_path_m + 1.0)
    directions = Rotation.random(random_state=rng).apply(sphere_cells(sum(map(len, calls))))
    power = STRENGTH * scene.directivity[directivity_row(np.clip(directions @ front, -1.0, 1.0))] ** 2
    directions, place = np.column_stack([plan_of(directions), directions[:, 1]]), _to_engine(source, outline).astype(np.float32)
    for rows in calls:  # each call divides by the number of its rays
        core.ray_tracing(directions[rows], power[rows] * (len(rows) / len(power)), place)
    out = np.zeros((bins, CELLS, 7))
    for cell, histogram in enumerate(core.microphones[0].histograms):
        values = histogram.get_hist()[:, :bins]
        out[: values.shape[1], cell] = values.T
    core.reset_mics()
    engine.max_order -= 1
    engine._update_room_engine_params()
    air = np.exp(-scene.air * scene.speed_m_s * (np.arange(bins)[:, None] + 0.5) * BIN_S)
    return out / STRENGTH * air[:, None]


def _ray_calls(quality: str, segments: float) -> list[np.ndarray]:
    """Return the numbers of the rays of each call of pyroomacoustics, where a ray has up to so many segments.

    The number of calls is a power of two, so that dividing the energy among equal calls is exact.
    """
    count = max(1, int(min(RAYS[quality], MOST_SEGMENTS[quality] / segments)))
    calls = 2 ** int(np.ceil(np.log2(max(1.0, count * segments / CALL_SEGMENTS))))
    return np.array_split(np.arange(count), min(calls, count))


def _return_scattered(energy: np.ndarray, paths: Paths, missing: np.ndarray, order: np.ndarray, speed_m_s: float) -> None:
    """Add to energy (bins, CELLS, 7) the energy that scattering removed from images and rays do not count: `missing` (K, 7).

    pyroomacoustics adds a scattered share s of each reflection to the rays, 1 + s times the energy in total (both are divided
    by 1 + s above). Up to the order of the images rays are not counted: beside that share, s / (1 + s), the images contain
    (1 - s)^order; the remainder is added at the position of the image.
    """
    bin_ = (paths.distance / speed_m_s / BIN_S).astype(int)
    cell = (paths.direction @ sphere_cells(CELLS).T).argmax(1)
    counts = (order > 0) & (bin_ < len(energy))
    np.add.at(energy, (bin_[counts], cell[counts]), np.maximum(missing[counts], 0.0))


def _chosen(paths: Paths, rows: np.ndarray) -> Paths:
    return Paths(paths.source[rows], paths.distance[rows], paths.direction[rows], paths.gain[rows])


def _joined(paths: list[Paths]) -> Paths:
    parts = [(p.source, p.distance, p.direction, p.gain) for p in paths]
    return Paths(*(np.concatenate(x) for x in zip(*parts, strict=True)))
