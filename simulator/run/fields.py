"""Fields of sets whose views are headings and positions: pictures, geometry, responses and their sound."""

from __future__ import annotations

from typing import Any

import numpy as np

from dataset.angles import wrap_360
from dataset.format.writer import rounded
from dataset.geometry import source_directions
from dataset.responses import full_response
from simulator.acoustics.room_metrics import rt60
from simulator.camera.embree import Views
from simulator.camera.panorama import render_panoramas
from simulator.camera.view_camera import DRAWN
from simulator.config import CameraSettings, Settings
from simulator.engines.responses import Responses
from simulator.receivers.spatialize import convolve
from simulator.run.sampling import SetGeometry
from simulator.scene.model import Scene

DEEPEST_MM = 65535
"""Largest depth that a shard can store."""


def view_fields(views: Views) -> dict[str, Any]:
    """Return the pictures of V views."""
    return {"rgb": views.rgb, "depth": millimetres(views.depth), "instance": views.instance}


def panorama_fields(scene: Scene, positions: np.ndarray, camera: CameraSettings) -> dict[str, Any]:
    """Return the panoramas of the distinct positions, in the order of the views; {} without panoramas."""
    if not camera.panorama_px:
        return {}
    first = np.sort(np.unique(positions, axis=0, return_index=True)[1])
    made = render_panoramas(scene, positions[first], camera.panorama_px, camera.samples_per_pixel)
    return {
        "panorama_rgb": made.rgb,
        "panorama_distance": millimetres(made.distance),
        "panorama_instance": made.instance,
    }


def millimetres(metres: np.ndarray) -> np.ndarray:
    """Return lengths in whole millimetres, as shards store them."""
    return np.clip(np.rint(metres * 1000.0), 0, DEEPEST_MM).astype(np.uint16)


def geometry_fields(geometry: SetGeometry) -> dict[str, Any]:
    """Return positions, headings, cameras and directions of V views and S sources."""
    position = geometry.positions.astype(np.float32)
    heading = wrap_360(geometry.headings_deg.astype(np.float32))
    source = geometry.sources.astype(np.float32)
    # Computed from the stored values, so that a reader who recomputes them gets the same.
    directions = source_directions(position, heading, source)
    cameras = {name: np.array([getattr(camera, name) for camera in geometry.cameras], np.float32) for name in DRAWN}
    moved = {"source_position": source} if source.ndim == 2 else {"source_position": source[0], "source_track": source}
    return {"position": position, "heading": heading, **cameras, **moved, **directions}


def sound_fields(computed: Responses, mono: np.ndarray, settings: Settings) -> dict[str, Any]:
    """Return responses and audio, mixed from the rounded values that are stored, as a reader of the shard would."""
    direct, indirect, dry = rounded(computed.direct), rounded(computed.indirect), rounded(mono)
    full = full_response(direct, indirect, settings.acoustics.indirect_ratio, indirect.shape[-1])
    audio = convolve(dry[None, :, None], full).sum(1)
    out = {
        "brir_direct": direct,
        "brir_indirect": indirect,
        "rt60": rt60(full, settings.acoustics.sample_rate_hz).astype(np.float32),
        "audio": audio.astype(np.float32),
    }
    beside = {"ambisonic_rir": computed.ambisonic, "array_rir": computed.array}
    return {**out, **{name: response for name, response in beside.items() if response is not None}}
