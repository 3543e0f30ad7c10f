"""From scenes and clips to shards of paired views and binaural sound, and the same in Python.

    scene = simulator.load_scene("house.glb")
    brirs = simulator.simulate_brirs(scene, listener=(2, 1.5, -3), headings=[0, 30], sources=[(4, 1.2, -3)])

The names below come from simulator/api.py when they are first used; docs/python.md explains them.
"""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Any

# One thread for linear algebra: workers are the parallelism, and sums must not depend on how many threads share them.
for _name in ("OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "VECLIB_MAXIMUM_THREADS"):
    os.environ.setdefault(_name, "1")

if TYPE_CHECKING:
    from simulator.acoustics.arrivals import Arrivals
    from simulator.acoustics.room_metrics import RoomMetrics, band_centres, energy_decay, measure, measure_bands
    from simulator.api import (
        Brirs,
        Recording,
        convolve,
        load_array,
        render_panorama,
        render_views,
        simulate_arrivals,
        simulate_brirs,
        simulate_walk,
        write_sofa,
        write_wav,
    )
    from simulator.camera.embree import Views
    from simulator.camera.panorama import Panoramas
    from simulator.config import AcousticsSettings, CameraSettings, WalkSettings
    from simulator.errors import InputError
    from simulator.motion.trajectory import Trajectory
    from simulator.receivers.microphone_array import MicrophoneArray
    from simulator.receivers.receiver import Receiver
    from simulator.scene_input import Scene, load_scene

__all__ = [
    "AcousticsSettings",
    "Arrivals",
    "Brirs",
    "CameraSettings",
    "InputError",
    "MicrophoneArray",
    "Panoramas",
    "Receiver",
    "Recording",
    "RoomMetrics",
    "Scene",
    "Trajectory",
    "Views",
    "WalkSettings",
    "band_centres",
    "convolve",
    "energy_decay",
    "load_array",
    "load_scene",
    "measure",
    "measure_bands",
    "render_panorama",
    "render_views",
    "simulate_arrivals",
    "simulate_brirs",
    "simulate_walk",
    "write_sofa",
    "write_wav",
]


def __getattr__(name: str) -> Any:
    if name not in __all__:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from simulator import api

    return getattr(api, name)


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
