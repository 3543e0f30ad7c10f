"""The Python interface: impulse responses, pictures and room-acoustic measures of a scene, in a few calls.

    import simulator

    scene = simulator.load_scene("house.glb")
    brirs = simulator.simulate_brirs(scene, listener=(2, 1.5, -3), headings=[0, 30], sources=[(4, 1.2, -3)])
    heard = simulator.convolve(brirs, "speech.wav")               # (headings, 2 ears, samples)
    views = simulator.render_views(scene, (2, 1.5, -3), [0, 30])  # .rgb, .depth, .instance

The world is in metres, right-handed, +Y up; heading 0 looks along -Z and headings grow to the left, in degrees. The same
arguments and seed return the same numbers, which are those of `python -m simulator.render` for the same scene and poses.
Whatever cannot be used raises InputError with a message of one line.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import soundfile
from numpy.typing import ArrayLike

from dataset.responses import full_response
from simulator.acoustics.arrivals import Arrivals
from simulator.acoustics.room_metrics import RoomMetrics as RoomMetrics
from simulator.acoustics.room_metrics import band_centres as band_centres
from simulator.acoustics.room_metrics import energy_decay as energy_decay
from simulator.acoustics.room_metrics import measure as measure
from simulator.acoustics.room_metrics import measure_bands as measure_bands
from simulator.acoustics.room_metrics import rt60
from simulator.arguments import (
    acoustics_of,
    check_distances,
    points,
    positions_of,
    receiver_of,
    samples_of,
    sound_generator,
)
from simulator.camera.embree import EmbreeCamera, Views
from simulator.camera.panorama import Panoramas as Panoramas
from simulator.camera.panorama import render_panoramas
from simulator.config import AcousticsSettings, CameraSettings, Settings
from simulator.config import WalkSettings as WalkSettings
from simulator.engines.responses import responses, trace
from simulator.errors import InputError
from simulator.finite import finite_number, finite_numbers
from simulator.habitat.camera import open_camera
from simulator.motion.sound import walk_sound
from simulator.motion.trajectory import Trajectory as Trajectory
from simulator.receivers.array_files import find_array, read_array
from simulator.receivers.microphone_array import MicrophoneArray as MicrophoneArray
from simulator.receivers.receiver import Receiver as Receiver
from simulator.receivers.room_sofa import write_room_sofa
from simulator.receivers.spatialize import convolve as _convolve
from simulator.scene_input import Scene
from simulator.scene_input import load_scene as load_scene

LONGEST_WALK_S = 600.0
CHECK_S = 0.05
"""Time between two checks of the distance of listener and sources."""


@dataclass(frozen=True, eq=False)
class Brirs:
    """Room impulse responses of V headings, S sources and C channels, binaural unless asked otherwise; time zero is the emission.

    Pressure is relative to the free field at 1 m from the source: the direct sound has the amplitude 1 / distance.
    """

    direct: np.ndarray
    """(V, S, C, Td) float32: the direct sound at the left and right ear, or at each channel of the receiver."""
    indirect: np.ndarray
    """(V, S, C, Ti) float32: everything else, at the same scale."""
    ambisonic: np.ndarray | None
    """(V, S, (order + 1)^2, Ti) float32: direct and indirect together in the head's frame, ACN order, SN3D weights; None
    unless `AcousticsSettings.ambisonic_order` is 0 or more."""
    sample_rate: int
    """Hz."""
    listener: np.ndarray
    """(V, 3) float64: the head's centre for each heading, world frame, m."""
    headings: np.ndarray
    """(V,) float64: degrees, left positive."""
    sources: np.ndarray
    """(S, 3) float64: world frame, m."""
    channels: np.ndarray
    """(C, 3) float64: positions of the ears or microphones in the head's frame, m; 0 for a receiver of your own."""

    def full(self, ratio: float = 1.0) -> np.ndarray:
        """Return direct + ratio * indirect, (V, S, C, T) float32, T the longer of both; ratio 1 is physical."""
        return full_response(self.direct, self.indirect, ratio)

    @property
    def rt60(self) -> np.ndarray:
        """(V, S, C) reverberation time of the full response (T30, ISO 3382-1), s; NaN where 35 dB of decay do not fit into it."""
        return rt60(self.full(), self.sample_rate)


def simulate_brirs(
    scene: Scene,
    listener: ArrayLike,
    headings: ArrayLike,
    sources: ArrayLike,
    *,
    hrtf: str | Path | None = None,
    head_scale: float = 1.0,
    receiver: MicrophoneArray | Receiver | None = None,
    quality: str | None = None,
    seed: int = 0,
    acoustics: AcousticsSettings | None = None,
    set_index: int = 0,
) -> Brirs:
    """Simulate the impulse responses from S sources to both ears, or another receiver, of a listener with V headings.

    listener: (3,) position of the head's centre, or (V, 3), one for each heading. headings: (V,) or one number, degrees, left
    positive. sources: (S, 3) or (3,). hrtf: a SOFA file (SimpleFreeFieldHRIR); None: MIT KEMAR. head_scale: size of the head
    relative to the measured one, 0.5 to 2. receiver: instead of ears, a MicrophoneArray or an object with the members of
    Receiver; it turns with the headings. quality: draft, standard or reference. acoustics: all further settings, such as
    engine, response_s, sample_rate_hz, ambisonic_order.
    seed and set_index choose the random numbers: `simulator.render` uses those of set_index for the set of that index.
    Raises InputError.
    """
    settings = acoustics_of(acoustics, quality)
    turned, placed = np.atleast_1d(finite_numbers("headings", headings)), points("sources", sources)
    position = positions_of(listener, len(turned))
    check_distances(position[:, None], placed)
    chosen, channels = receiver_of(settings, hrtf, head_scale, receiver)
    rng = sound_generator(scene, seed, set_index)
    origin = scene.mesh.origin
    heard = responses(scene.acoustic(settings), position - origin, turned, placed - origin, settings, chosen, rng)
    return Brirs(heard.direct, heard.indirect, heard.ambisonic, settings.sample_rate_hz, position, turned, placed, channels)


@dataclass(frozen=True, eq=False)
class Recording:
    """What C channels record of a walk, binaural unless asked otherwise; time zero is that of the clips."""

    direct: np.ndarray
    """(C, L) float32: the direct sound at the left and right ear, or at each channel of the receiver."""
    indirect: np.ndarray
    """(C, L) float32: everything else, at the same scale."""
    sample_rate: int
    """Hz."""

    def full(self, ratio: float = 1.0) -> np.ndarray:
        """Return direct + ratio * indirect, (C, L) float32; ratio 1 is physical."""
        return np.asarray(self.direct + np.float32(ratio) * self.indirect)


def simulate_walk(
    scene: Scene,
    listener: Trajectory,
    sources: Sequence[Trajectory],
    clips: Sequence[str | Path | ArrayLike],
    *,
    duration_s: float | None = None,
    hrtf: str | Path | None = None,
    head_scale: float = 1.0,
    receiver: MicrophoneArray | Receiver | None = None,
    quality: str | None = None,
    seed: int = 0,
    acoustics: AcousticsSettings | None = None,
    walk: WalkSettings | None = None,
) -> Recording:
    """Simulate one continuous recording of a listener and S sources that move.

    listener, sources: trajectories in the world frame; the listener's heading turns the ears. clips: what each source plays from
    time 0 on, an audio file or samples (L,) at the sample rate. duration_s: length of the recording; default: to the end of the
    longest clip. walk: how finely late sound follows the movement. Other arguments: as for `simulate_brirs`. Raises InputError.
    """
    settings = acoustics_of(acoustics, quality)
    rate = settings.sample_rate_hz
    if len(sources) != len(clips) or not sources:
        raise InputError(f"{len(clips)} clips are given for {len(sources)} sources; one clip for each source is expected")
    sounds = [samples_of(clip, rate) for clip in clips]
    if any(s.ndim != 1 for s in sounds):
        raise InputError("a clip has more than one axis; samples (L,) of one channel are expected")
    length = max(len(s) for s in sounds) if duration_s is None else round(finite_number("duration_s", duration_s) * rate)
    if not 0 < length <= LONGEST_WALK_S * rate:
        raise InputError(f"the recording lasts {length / rate:g} s; more than 0 to {LONGEST_WALK_S:g} s are expected")
    mono = np.stack([np.pad(s[:length], (0, max(0, length - len(s)))) for s in sounds])
    chosen, _ = receiver_of(settings, hrtf, head_scale, receiver)
    origin, rng = scene.mesh.origin, sound_generator(scene, seed, 0)
    here, placed = listener.moved(origin), [one.moved(origin) for one in sources]
    clock = np.arange(0, length / rate, CHECK_S)
    for one in placed:
        check_distances(here.position(clock), one.position(clock))
    direct, indirect = walk_sound(scene.acoustic(settings), here, placed, mono, settings, chosen, rng, walk)
    return Recording(direct, indirect, rate)


def simulate_arrivals(
    scene: Scene,
    listener: ArrayLike,
    sources: ArrayLike,
    *,
    quality: str | None = None,
    seed: int = 0,
    acoustics: AcousticsSettings | None = None,
    set_index: int = 0,
) -> Arrivals:
    """Find what reaches a point from S sources: direct sound and image sources path by path, the rest as an energy histogram.

    listener: (3,) and sources: (S, 3) or (3,), world frame, m. Every path has its length, direction and pressure in seven
    octave bands; the histogram has energy by source, time, direction and band. The responses of
    `simulate_brirs` with the same arguments consist of these arrivals. Raises InputError.
    """
    settings = acoustics_of(acoustics, quality)
    if settings.engine == "soundspaces":
        raise InputError("acoustics engine is soundspaces, which returns responses only; choose raytrace or pyroomacoustics")
    position, placed = positions_of(listener, 1), points("sources", sources)
    check_distances(position[:, None], placed)
    origin, rng = scene.mesh.origin, sound_generator(scene, seed, set_index)
    return trace(scene.acoustic(settings), position[0] - origin, placed - origin, settings, rng)


def render_views(scene: Scene, position: ArrayLike, headings: ArrayLike, *, camera: CameraSettings | None = None) -> Views:
    """Render what a camera sees with V headings: rgb (V, H, W, 3), depth (V, H, W) in m, instance (V, H, W).

    position: (3,) or (V, 3), world frame, m. headings: (V,) or one number, degrees, left positive. camera: size, field of
    view, pitch, roll and engine, no ranges and no jitter; its height_m is not used here. Instance k is
    `scene.instances[k - 1]`. Raises InputError.
    """
    settings = Settings(camera=camera or CameraSettings()).camera
    turned = np.atleast_1d(finite_numbers("headings", headings))
    positions = positions_of(position, len(turned)) - scene.mesh.origin
    if settings.engine != "habitat":
        return EmbreeCamera(scene.mesh, settings).render(positions, turned)
    if scene.path is None:
        raise InputError("camera engine is habitat, which renders files; use load_scene, or the engine embree")
    return open_camera(scene.path, scene.mesh, settings).render(positions, turned)


def render_panorama(scene: Scene, position: ArrayLike, *, height_px: int = 512, samples_per_pixel: int = 4) -> Panoramas:
    """Render everything around P positions: rgb (P, H, 2H, 3), distance (P, H, 2H) in m, instance (P, H, 2H).

    position: (3,) or (P, 3), world frame, m. Column x has the heading 180 - 180 x / H, left positive, row y the elevation
    90 - 180 y / H. Raises InputError.
    """
    camera = Settings(camera=CameraSettings(panorama_px=height_px, samples_per_pixel=samples_per_pixel)).camera
    if not camera.panorama_px:
        raise InputError("height_px is 0; use 16 to 4096")
    return render_panoramas(scene.mesh, points("position", position) - scene.mesh.origin, height_px, samples_per_pixel)


def load_array(path: str | Path) -> MicrophoneArray:
    """Read a microphone array from a TOML file, or an example by its name: tetrahedral, ring or glasses.

    The result is a `receiver` of `simulate_brirs` and `simulate_walk`. Raises InputError.
    """
    return read_array(find_array(path).path).array()


def convolve(brirs: Brirs, clip: str | Path | ArrayLike, *, ratio: float = 1.0) -> np.ndarray:
    """Return what the receiver records of a clip, (V, C, L): the sum over sources of full response * clip, cut to its L samples.

    clip: an audio file, or samples (L,) at `brirs.sample_rate`, which every source plays; or (S, L), one row a source.
    Append zeros to a clip to keep its reverberation. ratio: factor on the indirect part. Raises InputError.
    """
    sound = samples_of(clip, brirs.sample_rate)
    count = brirs.direct.shape[1]
    if sound.ndim == 1:
        sound = np.broadcast_to(sound, (count, len(sound)))
    if sound.ndim != 2 or len(sound) != count or sound.shape[1] == 0:
        raise InputError(f"clip has shape {sound.shape}; (samples,) or ({count} sources, samples) is expected")
    return np.asarray(_convolve(sound[None, :, None], brirs.full(ratio)).sum(1), np.float32)


def write_sofa(path: str | Path, brirs: Brirs, *, ratio: float = 1.0, title: str = "", room: str = "") -> None:
    """Write responses as a SOFA file of convention SingleRoomSRIR 1.0 (AES69-2022), one measurement a heading and source.

    Measurements follow heading by heading, source by source within. SOFA's frame: x = -Z, y = -X, z = +Y of the world.
    ratio: factor on the indirect part. title, room: for the attributes Title and RoomShortName. Raises InputError.
    """
    place = Path(path)
    try:
        write_room_sofa(
            place,
            brirs.full(ratio),
            brirs.sample_rate,
            brirs.listener,
            brirs.headings,
            brirs.sources,
            brirs.channels,
            title=title,
            room=room,
        )
    except OSError as error:
        raise InputError(f"{place} cannot be written ({error}); choose another path") from None


def write_wav(path: str | Path, samples: ArrayLike, sample_rate: int) -> None:
    """Write samples (L,) or (channels, L), such as one heading of `convolve`, as a WAV file of 32-bit floats; nothing is clipped.

    Raises InputError.
    """
    sound = np.asarray(samples, np.float32)
    if sound.ndim not in (1, 2) or sound.size == 0:
        raise InputError(f"samples have shape {sound.shape}; (samples,) or (channels, samples) is expected")
    try:
        soundfile.write(path, sound.T, sample_rate, format="WAV", subtype="FLOAT")
    except (OSError, soundfile.LibsndfileError) as error:
        raise InputError(f"{path} cannot be written ({error}); choose another path") from None
