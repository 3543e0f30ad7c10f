"""Fields of a walk: pictures and geometry at each moment, and one recording."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from dataset.format.pictures import encode_pictures
from dataset.format.writer import rounded
from simulator.acoustics.acoustic_scene import AcousticScene
from simulator.camera.embree import Camera
from simulator.config import Settings
from simulator.motion.sound import propagate, record
from simulator.receivers.receiver import Receiver
from simulator.run.fields import geometry_fields, view_fields
from simulator.run.sampling import SetGeometry
from simulator.run.walks import WalkGeometry
from simulator.scene.model import Scene

ABSENT = {
    "rgb": "the pictures are the WebP files of rgb_webp",
    **dict.fromkeys(("brir_direct", "brir_indirect", "rt60", "audio"), "a walk has one recording, and no constant response"),
}
"""Fields that walks lack, with the reason."""


def walk_fields(
    scene: Scene,
    room: AcousticScene,
    camera: Camera,
    receivers: Mapping[str, Receiver],
    walk: WalkGeometry,
    mono: np.ndarray,
    settings: Settings,
    rng: np.random.Generator,
) -> dict[str, Any]:
    """Return the fields of a walk with dry sounds (S, L); receivers: by the name of the field that holds their recording."""
    time = np.arange(settings.moments) / settings.motion.fps
    positions, headings = walk.listener.position(time), walk.listener.heading(time)
    tracks = np.stack([source.position(time) for source in walk.sources], 1)
    moving = any(len(source.time_s) > 1 for source in walk.sources)
    unknown = np.full(len(time), np.nan)
    geometry = SetGeometry(positions, headings, tracks if moving else tracks[0], unknown, walk.cameras)
    views = view_fields(camera.render(positions, headings, walk.cameras))
    heads = np.repeat(positions[:, None], len(walk.sources), 1)
    free = scene.bvh.visible(heads.reshape(-1, 3), tracks.reshape(-1, 3))
    dry = rounded(mono)
    sound = propagate(room, walk.listener, walk.sources, dry.shape[1], settings.acoustics, rng, settings.walk)
    recordings = {}
    for name, receiver in receivers.items():
        direct, rest = record(sound, dry, receiver)
        recordings[name] = direct + np.float32(settings.acoustics.indirect_ratio) * rest
    return {
        **encode_pictures(views.pop("rgb")),
        **views,
        "time": time.astype(np.float32),
        **geometry_fields(geometry),
        "in_sight": free.reshape(len(time), -1).astype(np.uint8),
        **recordings,
    }
