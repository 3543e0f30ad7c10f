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

import warnings
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import soundfile
from numpy.typing import ArrayLike

from dataset.responses import full_response
from simulator.acoustics.air import speed_of_sound
from simulator.acoustics.arrivals import Arrivals
from simulator.acoustics.room_metrics import RoomMetrics as RoomMetrics
from simulator.acoustics.room_metrics import band_centres as band_centres
from simulator.acoustics.room_metrics import energy_decay as energy_decay
from simulator.acoustics.room_metrics import measure as measure
from simulator.acoustics.room_metrics import measure_bands as measure_bands
from simulator.acoustics.room_metrics import rt60
from simulator.camera.embree import EmbreeCamera, Views
from simulator.config import AcousticsSettings, CameraSettings, Settings
from simulator.engines.responses import responses, trace
from simulator.errors import InputError
from simulator.habitat.camera import open_camera
from simulator.receivers.hrtf import load_ears
from simulator.receivers.microphone_array import MicrophoneArray as MicrophoneArray
from simulator.receivers.receiver import Receiver as Receiver
from simulator.receivers.receiver import check_receiver
from simulator.receivers.room_sofa import write_room_sofa
from simulator.receivers.spatialize import convolve as _convolve
from simulator.run.clips import ClipError, decode
from simulator.run.simulate import generator
from simulator.scene_input import Scene
from simulator.scene_input import load_scene as load_scene

NEAREST_M = 0.1
"""Smallest distance between a source and the listener."""
EARS = ((-0.09, 0.0, 0.0), (0.09, 0.0, 0.0))
"""Left and right ear in the frame of the head, m, for SOFA files."""


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
    receiver: MicrophoneArray | Receiver | None = None,
    quality: str | None = None,
    seed: int = 0,
    acoustics: AcousticsSettings | None = None,
    set_index: int = 0,
) -> Brirs:
    """Simulate the impulse responses from S sources to both ears, or another receiver, of a listener with V headings.

    listener: (3,) position of the head's centre, or (V, 3), one for each heading. headings: (V,) or one number, degrees, left
    positive. sources: (S, 3) or (3,). hrtf: a SOFA file (SimpleFreeFieldHRIR); None: MIT KEMAR. receiver: instead of ears, a
    MicrophoneArray or an object with the members of Receiver; it turns with the headings. quality: draft, standard or reference.
    acoustics: all further settings, such as engine, response_s, sample_rate_hz, ambisonic_order.
    seed and set_index choose the random numbers: `simulator.render` uses those of set_index for the set of that index.
    Raises InputError.
    """
    settings = _acoustics(acoustics, quality)
    turned, placed = np.atleast_1d(_numbers("headings", headings)), _points("sources", sources)
    position = _positions(listener, len(turned))
    _check_distances(position, placed)
    chosen, channels = _receiver(settings, hrtf, receiver)
    rng = _sound_generator(scene, seed, set_index)
    origin = scene.mesh.origin
    heard = responses(scene.acoustic(settings), position - origin, turned, placed - origin, settings, chosen, rng)
    return Brirs(heard.direct, heard.indirect, heard.ambisonic, settings.sample_rate_hz, position, turned, placed, channels)


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
    settings = _acoustics(acoustics, quality)
    if settings.engine == "soundspaces":
        raise InputError("acoustics engine is soundspaces, which returns responses only; choose raytrace or pyroomacoustics")
    position, placed = _positions(listener, 1), _points("sources", sources)
    _check_distances(position, placed)
    origin, rng = scene.mesh.origin, _sound_generator(scene, seed, set_index)
    return trace(scene.acoustic(settings), position[0] - origin, placed - origin, settings, rng)


def render_views(scene: Scene, position: ArrayLike, headings: ArrayLike, *, camera: CameraSettings | None = None) -> Views:
    """Render what a camera sees with V headings: rgb (V, H, W, 3), depth (V, H, W) in m, instance (V, H, W).

    position: (3,) or (V, 3), world frame, m. headings: (V,) or one number, degrees, left positive. camera: size, field of
    view, pitch and engine; its height_m is not used here. Instance k is `scene.instances[k - 1]`. Raises InputError.
    """
    settings = Settings(camera=camera or CameraSettings()).camera
    turned = np.atleast_1d(_numbers("headings", headings))
    positions = _positions(position, len(turned)) - scene.mesh.origin
    if settings.engine != "habitat":
        return EmbreeCamera(scene.mesh, settings).render(positions, turned)
    if scene.path is None:
        raise InputError("camera engine is habitat, which renders files; use load_scene, or the engine embree")
    return open_camera(scene.path, scene.mesh, settings).render(positions, turned)


def convolve(brirs: Brirs, clip: str | Path | ArrayLike, *, ratio: float = 1.0) -> np.ndarray:
    """Return what the receiver records of a clip, (V, C, L): the sum over sources of full response * clip, cut to its L samples.

    clip: an audio file, or samples (L,) at `brirs.sample_rate`, which every source plays; or (S, L), one row a source.
    Append zeros to a clip to keep its reverberation. ratio: factor on the indirect part. Raises InputError.
    """
    sound = _clip(clip, brirs.sample_rate)
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


def _acoustics(acoustics: AcousticsSettings | None, quality: str | None) -> AcousticsSettings:
    chosen = acoustics or AcousticsSettings()
    return Settings(acoustics=chosen if quality is None else replace(chosen, quality=quality)).acoustics


def _receiver(
    settings: AcousticsSettings, hrtf: str | Path | None, receiver: MicrophoneArray | Receiver | None
) -> tuple[Receiver, np.ndarray]:
    """Return the ears of a SOFA file or the given receiver, and the positions (C, 3) of its channels in the head's frame, m."""
    if receiver is None:
        ears = load_ears(None if hrtf is None else Path(hrtf), settings.sample_rate_hz)
        for note in ears.notes:
            warnings.warn(note, stacklevel=3)
        return ears, np.array(EARS)
    if hrtf is not None:
        raise InputError("hrtf and receiver are both given; omit hrtf, which is for ears, or receiver")
    if isinstance(receiver, MicrophoneArray):
        array = receiver.receiver(settings.sample_rate_hz, speed_of_sound(settings.temperature_c))
        check_receiver(array, settings.sample_rate_hz)
        return array, array.positions
    check_receiver(receiver, settings.sample_rate_hz)
    return receiver, np.zeros((receiver.channels, 3))


def _sound_generator(scene: Scene, seed: int, set_index: int) -> np.random.Generator:
    """Return the generator from which `simulator.render` draws the sound of a set."""
    if set_index < 0:
        raise InputError(f"set_index is {set_index}; 0 or more is expected")
    return generator(Settings(seed=seed), scene.mesh, set_index).spawn(3)[1]


def _numbers(name: str, values: ArrayLike) -> np.ndarray:
    try:
        array = np.asarray(values, np.float64)
    except (TypeError, ValueError):
        raise InputError(f"{name} is {values!r}; numbers are expected") from None
    if array.size == 0 or not np.isfinite(array).all():
        raise InputError(f"{name} is {values!r}; at least one number, none of them NaN or infinite, is expected")
    return array


def _points(name: str, values: ArrayLike) -> np.ndarray:
    array = np.atleast_2d(_numbers(name, values))
    if array.ndim != 2 or array.shape[1] != 3:
        raise InputError(f"{name} has shape {array.shape}; (3,) or (number, 3) is expected: x, y, z in metres")
    return array


def _positions(values: ArrayLike, views: int) -> np.ndarray:
    array = _points("position of the listener or camera", values)
    if len(array) not in (1, views):
        raise InputError(f"{len(array)} positions are given for {views} headings; give one position, or one for each heading")
    return np.repeat(array, views // len(array), 0)


def _check_distances(positions: np.ndarray, sources: np.ndarray) -> None:
    nearest = float(np.linalg.norm(positions[:, None] - sources, axis=-1).min())
    if nearest < NEAREST_M:
        raise InputError(f"a source is {nearest:g} m from the listener; at least {NEAREST_M:g} m are expected")


def _clip(clip: str | Path | ArrayLike, sample_rate: int) -> np.ndarray:
    if not isinstance(clip, (str, Path)):
        return _numbers("clip", clip)
    try:
        return decode(Path(clip), sample_rate)
    except ClipError as error:
        raise InputError(f"clip {clip} is {error}; give a wav, flac, ogg or mp3 file") from None
