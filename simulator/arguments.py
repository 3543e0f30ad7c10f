"""Arguments of the Python interface: checked, and brought to arrays, receivers and generators."""

from __future__ import annotations

import warnings
from dataclasses import replace
from pathlib import Path

import numpy as np
from numpy.typing import ArrayLike

from simulator.acoustics.air import speed_of_sound
from simulator.config import AcousticsSettings, ReceiverSettings, Settings
from simulator.errors import InputError
from simulator.finite import finite_number, finite_numbers
from simulator.receivers.hrtf import load_ears
from simulator.receivers.microphone_array import MicrophoneArray
from simulator.receivers.receiver import Receiver, check_receiver
from simulator.run.clips import ClipError, decode
from simulator.run.simulate import generator
from simulator.scene_input import Scene

NEAREST_M = 0.1
"""Smallest distance between a source and the listener."""
EARS = ((-0.09, 0.0, 0.0), (0.09, 0.0, 0.0))
"""Left and right ear in the frame of the head, m, for SOFA files."""


def acoustics_of(acoustics: AcousticsSettings | None, quality: str | None) -> AcousticsSettings:
    """Return checked settings, with another quality where one is given."""
    chosen = acoustics or AcousticsSettings()
    return Settings(acoustics=chosen if quality is None else replace(chosen, quality=quality)).acoustics


def receiver_of(
    settings: AcousticsSettings, hrtf: str | Path | None, head_scale: float, receiver: MicrophoneArray | Receiver | None
) -> tuple[Receiver, np.ndarray]:
    """Return the ears of a SOFA file or the given receiver, and the positions (C, 3) of its channels in the head's frame, m."""
    if receiver is None:
        scale = finite_number("head_scale", head_scale)
        Settings(receivers=ReceiverSettings(scale))  # checks its range
        ears = load_ears(None if hrtf is None else Path(hrtf), settings.sample_rate_hz, scale)
        for note in ears.notes:
            warnings.warn(note, stacklevel=3)
        return ears, scale * np.array(EARS)
    for name, given in (("hrtf", hrtf is not None), ("head_scale", head_scale != 1.0)):
        if given:
            raise InputError(f"{name} and receiver are both given; omit {name}, which is for ears, or receiver")
    if isinstance(receiver, MicrophoneArray):
        array = receiver.receiver(settings.sample_rate_hz, speed_of_sound(settings.temperature_c))
        check_receiver(array, settings.sample_rate_hz)
        return array, array.positions
    check_receiver(receiver, settings.sample_rate_hz)
    return receiver, np.zeros((receiver.channels, 3))


def sound_generator(scene: Scene, seed: int, set_index: int) -> np.random.Generator:
    """Return the generator from which `simulator.render` draws the sound of a set."""
    if set_index < 0:
        raise InputError(f"set_index is {set_index}; 0 or more is expected")
    return generator(Settings(seed=seed), scene.mesh, set_index).spawn(3)[1]


def points(name: str, values: ArrayLike) -> np.ndarray:
    """Return points as (N, 3) float64; raise InputError for anything else."""
    array = np.atleast_2d(finite_numbers(name, values))
    if array.ndim != 2 or array.shape[1] != 3:
        raise InputError(f"{name} has shape {array.shape}; (3,) or (number, 3) is expected: x, y, z in metres")
    return array


def positions_of(values: ArrayLike, views: int) -> np.ndarray:
    """Return the position of each view, (V, 3) float64, from one or V of them."""
    array = points("position of the listener or camera", values)
    if len(array) not in (1, views):
        raise InputError(f"{len(array)} positions are given for {views} headings; give one position, or one for each heading")
    return np.repeat(array, views // len(array), 0)


def check_distances(positions: np.ndarray, sources: np.ndarray) -> None:
    """Raise InputError where a source is too near to a position; (..., 3) each, m, broadcast against each other."""
    nearest = float(np.linalg.norm(positions - sources, axis=-1).min())
    if nearest < NEAREST_M:
        raise InputError(f"a source is {nearest:g} m from the listener; at least {NEAREST_M:g} m are expected")


def samples_of(clip: str | Path | ArrayLike, sample_rate: int) -> np.ndarray:
    """Return the samples of a clip: those given, or those of an audio file at a sample rate."""
    if not isinstance(clip, (str, Path)):
        return finite_numbers("clip", clip)
    try:
        return decode(Path(clip), sample_rate)
    except ClipError as error:
        raise InputError(f"clip {clip} is {error}; give a wav, flac, ogg or mp3 file") from None
