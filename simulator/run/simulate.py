"""Simulate one set from a prepared scene and an index: a pure function, the same on any worker."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from dataset.settings import Range
from simulator.acoustics.acoustic_scene import AcousticScene, prepare_acoustics
from simulator.acoustics.air import speed_of_sound
from simulator.acoustics.materials import assign, load_library
from simulator.camera.embree import Camera, EmbreeCamera
from simulator.config import FARTHEST_M, WALK, Settings
from simulator.engines.responses import responses
from simulator.errors import InputError
from simulator.habitat.camera import NavmeshGround, open_camera
from simulator.loaders.load import load_scene
from simulator.receivers.ambisonics import Microphone
from simulator.receivers.array_files import ArrayFile, read_array
from simulator.receivers.hrtf import Ears, load_ears
from simulator.receivers.receiver import Receiver
from simulator.run.clips import ClipError, Clips, chosen_stretches, draw_stretches
from simulator.run.fields import geometry_fields, panorama_fields, sound_fields, view_fields
from simulator.run.hrtfs import Hrtfs, find_hrtfs
from simulator.run.poses import Poses, posed_set
from simulator.run.sampling import Rejected, SetGeometry, draw_set
from simulator.run.walk_fields import walk_fields
from simulator.run.walks import draw_walk
from simulator.scene.model import Scene
from simulator.scene.walkable import Ground, find_places


@dataclass(frozen=True)
class Inputs:
    """The files that a render depends on besides its scenes."""

    clips: Clips
    hrtfs: Hrtfs = field(default_factory=find_hrtfs)
    """One of these is drawn for each scene."""
    materials: Path | None = None
    """Material library on top of the bundled one."""
    poses: Poses | None = None
    """Given sets; None: sets are drawn."""
    array: ArrayFile | None = None
    """Microphones beside the ears."""


@dataclass(frozen=True, eq=False)
class SceneContext:
    """Everything that the sets of one scene share; prepared once per scene and worker."""

    scene: Scene
    room: AcousticScene
    places: Ground | None
    """Where listeners can stand; None where poses are given."""
    camera: Camera
    settings: Settings
    hrtf: int
    """Index of the scene's HRTF file."""
    ears: Ears
    """Of the measured size."""
    clips: Clips
    hrtfs: Hrtfs
    poses: Poses | None = None
    array: Receiver | None = None

    def ears_of_size(self, head_scale: float) -> Ears:
        """Return the ears of a head `head_scale` times as large as the measured one."""
        return load_ears(self.hrtfs.files[self.hrtf].path, self.ears.sample_rate_hz, head_scale)


def prepare_scene(path: Path, name: str, settings: Settings, inputs: Inputs) -> SceneContext:
    """Load a scene and prepare it for rendering and acoustics; raise InputError where it cannot be used."""
    habitat = settings.camera.engine == "habitat"
    scene = load_scene(path, name, settings.camera.texture_mb, textures=not habitat, scale=settings.scale)
    acoustics = assign(scene.surfaces, load_library(inputs.materials))
    drawn = inputs.poses is None
    places: Ground | None = find_places(scene, settings, generator(settings, scene, -1)) if drawn else None
    camera: Camera = EmbreeCamera(scene, settings.camera)
    if habitat:
        camera = opened = open_camera(path, scene, settings.camera)
        places = NavmeshGround(opened.navmesh(settings), places, scene) if places else None
    hrtf = draw_hrtf(settings, scene, len(inputs.hrtfs.files))
    file = inputs.hrtfs.files[hrtf]
    ears = load_ears(file.path, settings.acoustics.sample_rate_hz)
    if ears.sha256 != file.sha256:
        raise InputError(f"HRTF file {file.path} changed since the render began; run the same command again")
    room = prepare_acoustics(scene, acoustics, settings.acoustics)
    rate, speed = settings.acoustics.sample_rate_hz, speed_of_sound(settings.acoustics.temperature_c)
    array = read_array(inputs.array.path).array().receiver(rate, speed) if inputs.array else None
    return SceneContext(scene, room, places, camera, settings, hrtf, ears, inputs.clips, inputs.hrtfs, inputs.poses, array)


def generator(settings: Settings, scene: Scene, index: int) -> np.random.Generator:
    """Return the random generator of set `index` of a scene (-1: of the scene itself), from seed, scene content and index."""
    content = [int(scene.sha256[k : k + 8], 16) for k in range(0, 64, 8)]
    return np.random.default_rng(np.random.SeedSequence([settings.seed, index + 1, *content]))


def draw_hrtf(settings: Settings, scene: Scene, count: int) -> int:
    """Return the index of a scene's HRTF file among `count`; the draw depends on seed and scene."""
    return int(generator(settings, scene, -1).spawn(1)[0].integers(count))


def simulate(context: SceneContext, index: int, report_clip: Callable[[str, str], None]) -> dict[str, Any]:
    """Return set `index`: every field of dataset/format/schema.py without its first axis.

    report_clip: called with the name and the fault of each clip that cannot be used.
    Raise sampling.Rejected where the scene yields no such set.
    """
    # A separate generator for each part, so that a change of one part does not affect the others.
    place, sound, clip, head = generator(context.settings, context.scene, index).spawn(4)
    settings = context.settings
    head_scale = _drawn(settings.receivers.head_scale, head)
    ears = context.ears_of_size(float(head_scale))
    mono, clips = _clips(context, index, clip, report_clip)
    one: dict[str, Any] = {"set_id": f"{context.scene.name}/{index}", "mono": mono, "clips": json.dumps(clips)}
    one |= {"hrtf": np.uint16(context.hrtf), "head_scale": head_scale}
    if settings.sampling.motion == WALK:
        return {**one, **_walk_fields(context, ears, mono, place, sound)}
    geometry = _geometry(context, index, place)
    views = context.camera.render(geometry.positions, geometry.headings_deg, geometry.cameras)
    farthest = context.poses.farthest_m if context.poses else FARTHEST_M
    computed = responses(
        context.room, geometry.positions, geometry.headings_deg, geometry.sources, settings.acoustics, ears, sound, farthest,
        context.array,
    )  # fmt: skip
    around = panorama_fields(context.scene, geometry.positions, settings.camera)
    return {**one, **view_fields(views), **around, **geometry_fields(geometry), **sound_fields(computed, mono, settings)}


def _walk_fields(
    context: SceneContext, ears: Ears, mono: np.ndarray, place: np.random.Generator, sound: np.random.Generator
) -> dict[str, Any]:
    """Draw a walk and return its fields."""
    settings = context.settings
    assert context.places is not None
    receivers: dict[str, Receiver] = {"recording": ears}
    if settings.acoustics.ambisonic_order >= 0:
        receivers["ambisonic_recording"] = Microphone(settings.acoustics.ambisonic_order, settings.acoustics.sample_rate_hz)
    if context.array:
        receivers["array_recording"] = context.array
    walk = draw_walk(context.scene, context.places, settings, place)
    return walk_fields(context.scene, context.room, context.camera, receivers, walk, mono, settings, sound)


def _geometry(context: SceneContext, index: int, rng: np.random.Generator) -> SetGeometry:
    """Return the given geometry of a set, or draw one."""
    if context.poses:
        return posed_set(context.scene, context.poses.sets[context.scene.name][index], context.settings.camera, rng)
    assert context.places is not None
    return draw_set(context.scene, context.places, context.settings, rng, context.camera.visible_instances)


def _clips(
    context: SceneContext, index: int, rng: np.random.Generator, report_clip: Callable[[str, str], None]
) -> tuple[np.ndarray, list[dict[str, Any]]]:
    """Return the given stretches of clips, or draw them; raise Rejected where a given clip cannot be used."""
    settings = context.settings
    rate = settings.acoustics.sample_rate_hz
    choices = context.poses.sets[context.scene.name][index].clips if context.poses else ()
    if not choices:
        return draw_stretches(context.clips, settings.sources, settings.clips, rate, rng, report_clip)
    try:
        return chosen_stretches(context.clips, choices, settings.clips, rate, rng)
    except ClipError as error:
        raise Rejected(Counter({str(error): 1})) from None


def _drawn(value: float | Range, rng: np.random.Generator) -> np.float32:
    """Return a number, or one drawn uniformly from a range, as precise as it is stored."""
    return np.float32(rng.uniform(*value) if isinstance(value, Range) else value)
