"""Simulate one set from a prepared scene and an index: a pure function, the same on any worker."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from dataset.angles import wrap_360
from dataset.format.writer import rounded
from dataset.geometry import source_directions
from dataset.responses import full_response
from simulator.acoustics.acoustic_scene import AcousticScene, prepare_acoustics
from simulator.acoustics.materials import assign, load_library
from simulator.acoustics.room_metrics import rt60
from simulator.camera.embree import Camera, EmbreeCamera, Views
from simulator.camera.view_camera import DRAWN
from simulator.config import Settings
from simulator.engines.responses import Responses, responses
from simulator.habitat.camera import NavmeshGround, open_camera
from simulator.loaders.load import load_scene
from simulator.receivers.hrtf import Ears, load_ears
from simulator.receivers.spatialize import convolve
from simulator.run.clips import Clips, draw_stretches
from simulator.run.sampling import SetGeometry, draw_set
from simulator.scene.model import Scene
from simulator.scene.walkable import Ground, find_places

DEEPEST_MM = 65535
"""Largest depth that a shard can store."""


@dataclass(frozen=True)
class Inputs:
    """The files that a render depends on besides its scenes."""

    clips: Clips
    hrtf: Path | None = None
    """SOFA file; None: the bundled KEMAR."""
    materials: Path | None = None
    """Material library on top of the bundled one."""


@dataclass(frozen=True, eq=False)
class SceneContext:
    """Everything that the sets of one scene share; prepared once per scene and worker."""

    scene: Scene
    room: AcousticScene
    places: Ground
    camera: Camera
    settings: Settings
    ears: Ears
    clips: Clips


def prepare_scene(path: Path, name: str, settings: Settings, inputs: Inputs) -> SceneContext:
    """Load a scene and prepare it for rendering and acoustics; raise InputError where it cannot be used."""
    habitat = settings.camera.engine == "habitat"
    scene = load_scene(path, name, settings.camera.texture_mb, textures=not habitat, scale=settings.scale)
    acoustics = assign(scene.surfaces, load_library(inputs.materials))
    places: Ground = find_places(scene, settings, generator(settings, scene, -1))
    camera: Camera = EmbreeCamera(scene, settings.camera)
    if habitat:
        opened = open_camera(path, scene, settings.camera)
        camera, places = opened, NavmeshGround(opened.navmesh(settings), places, scene)
    ears = load_ears(inputs.hrtf, settings.acoustics.sample_rate_hz)
    return SceneContext(
        scene, prepare_acoustics(scene, acoustics, settings.acoustics), places, camera, settings, ears, inputs.clips
    )


def generator(settings: Settings, scene: Scene, index: int) -> np.random.Generator:
    """Return the random generator of set `index` of a scene (-1: of the scene itself), from seed, scene content and index."""
    content = [int(scene.sha256[k : k + 8], 16) for k in range(0, 64, 8)]
    return np.random.default_rng(np.random.SeedSequence([settings.seed, index + 1, *content]))


def simulate(context: SceneContext, index: int, report_clip: Callable[[str, str], None]) -> dict[str, Any]:
    """Return set `index`: every field of dataset/format/schema.py without its first axis.

    report_clip: called with the name and the fault of each clip that cannot be used.
    Raise sampling.Rejected where the scene yields no such set.
    """
    # A separate generator for each part, so that a change of one part does not affect the others.
    place, sound, clip = generator(context.settings, context.scene, index).spawn(3)
    geometry = draw_set(context.scene, context.places, context.settings, place, context.camera.visible_instances)
    views = context.camera.render(geometry.positions, geometry.headings_deg, geometry.cameras)
    computed = responses(
        context.room, geometry.positions, geometry.headings_deg, geometry.sources, context.settings.acoustics, context.ears, sound
    )
    settings = context.settings
    mono, clips = draw_stretches(
        context.clips, settings.sources, settings.clips, settings.acoustics.sample_rate_hz, clip, report_clip
    )
    one = {"set_id": f"{context.scene.name}/{index}", "mono": mono, "clips": json.dumps(clips)}
    return {**one, **_view_fields(views), **_geometry_fields(geometry), **_sound_fields(computed, mono, settings)}


def _view_fields(views: Views) -> dict[str, Any]:
    depth = np.clip(np.rint(views.depth * 1000.0), 0, DEEPEST_MM).astype(np.uint16)
    return {"rgb": views.rgb, "depth": depth, "instance": views.instance}


def _geometry_fields(geometry: SetGeometry) -> dict[str, Any]:
    position = geometry.positions.astype(np.float32)
    heading = wrap_360(geometry.headings_deg.astype(np.float32))
    source = geometry.sources.astype(np.float32)
    # Computed from the stored values, so that a reader who recomputes them gets the same.
    directions = source_directions(position, heading, source)
    cameras = {name: np.array([getattr(camera, name) for camera in geometry.cameras], np.float32) for name in DRAWN}
    return {"position": position, "heading": heading, **cameras, "source_position": source, **directions}


def _sound_fields(computed: Responses, mono: np.ndarray, settings: Settings) -> dict[str, Any]:
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
    return out if computed.ambisonic is None else {**out, "ambisonic_rir": computed.ambisonic}
