"""The same responses by pyroomacoustics: a box room, 3 sources, and 8 KEMAR microphones (two ears, 4 headings)."""

from __future__ import annotations

import time

import numpy as np

from benchmarks.acoustics.rooms import box, clean, room_of
from simulator.config import AcousticsSettings
from simulator.engines.responses import responses
from simulator.receivers.hrtf import load_ears
from simulator.receivers.sofa import BUNDLED, read_sofa

SIZE = (6.0, 2.8, 5.0)
ABSORPTION = 0.105
SCATTERING = 0.1
LISTENER = np.array([2.1, 1.5, 2.3])
SOURCES = np.array([[3.9, 1.2, 3.1], [1.2, 1.0, 3.6], [3.3, 1.6, 0.9]])
HEADINGS = np.array([10.0, 55.0, 80.0, 330.0])
RATE_HZ = 16000
RESPONSE_S = 0.8
RAYS = 10_000


def ears_here(quality: str, repeats: int) -> float:
    """Return the median CPU seconds of all responses by this project, without the first call, which compiles."""
    settings = AcousticsSettings(response_s=RESPONSE_S, quality=quality)
    room = room_of(clean(box(SIZE)), ABSORPTION, SCATTERING, settings, air=True)
    ears = load_ears(None, RATE_HZ)
    seconds = []
    for seed in range(repeats + 1):
        positions = np.repeat(LISTENER[None], len(HEADINGS), 0)
        start = time.process_time()
        responses(room, positions, HEADINGS, SOURCES, settings, ears, np.random.default_rng(seed))
        seconds.append(time.process_time() - start)
    return float(np.median(seconds[1:]))


def ears_there() -> float:
    """Return the CPU seconds of all responses by pyroomacoustics: images to order 3, and RAYS rays."""
    import pyroomacoustics as pra
    import soxr
    from pyroomacoustics.directivities import Rotation3D
    from pyroomacoustics.directivities.measured import MeasuredDirectivity
    from pyroomacoustics.doa import GridSphere

    measured = read_sofa(BUNDLED)
    at_rate = soxr.resample(measured.responses.reshape(-1, measured.responses.shape[-1]).T, measured.sample_rate_hz, RATE_HZ)
    ears = at_rate.T.reshape(*measured.responses.shape[:2], -1)
    grid = GridSphere(cartesian_points=_upright(measured.directions).T)
    room = pra.ShoeBox(
        _upright(np.array(SIZE)) * [1, -1, 1], fs=RATE_HZ, materials=pra.Material(ABSORPTION, SCATTERING), max_order=3,
        ray_tracing=True, air_absorption=True,
    )  # fmt: skip
    room.set_ray_tracing(n_rays=RAYS, receiver_radius=0.5, time_thres=RESPONSE_S, energy_thres=1e-7)
    for source in SOURCES:
        room.add_source(_upright(source) * [1, -1, 1])
    for heading in HEADINGS:
        for ear in (0, 1):
            pattern = MeasuredDirectivity(Rotation3D([heading], "z", degrees=True), grid, ears[:, ear], RATE_HZ)
            room.add_microphone(_upright(LISTENER) * [1, -1, 1], directivity=pattern)
    start = time.process_time()
    room.compute_rir()
    return time.process_time() - start


def _upright(points: np.ndarray) -> np.ndarray:
    """Rotate points (..., 3) from +Y up to pyroomacoustics' +Z up."""
    return np.stack([points[..., 0], -points[..., 2], points[..., 1]], -1)
