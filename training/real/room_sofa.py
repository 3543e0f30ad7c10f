"""Binaural room impulse responses from SOFA files (AES69): SimpleFreeFieldHRIR, SingleRoomSRIR, MultiSpeakerBRIR."""

from __future__ import annotations

from pathlib import Path

import h5py
import numpy as np

from dataset.sofa import delayed, text
from dataset.sofa_file import onset_delays, open_sofa, sample_rate_hz, seen_from_listener
from training.errors import InputError
from training.real.rooms import Room, resampled

SEVERAL = "MultiSpeakerBRIR"
"""The convention whose sources have several emitters."""
CONVENTIONS = ("SimpleFreeFieldHRIR", "SingleRoomSRIR", "SingleRoomDRIR", SEVERAL)
"""SingleRoomDRIR is the older name of SingleRoomSRIR for heads."""
MOST_SAMPLES = 200_000_000
"""Most samples of all responses of a file: 800 MB at 32 bits."""
SAME_PLACE_M = 1e-6


def read_room_sofa(path: Path, rate_hz: int) -> Room:
    """Read a SOFA file with two receivers at a rate; raise InputError for other conventions, shapes or damage.

    A measurement of E emitters (MultiSpeakerBRIR) gives E responses. The channels keep the order of the file.
    """
    with open_sofa(path, str(path), CONVENTIONS, MOST_SAMPLES) as file:
        return _room(path, file, rate_hz)


def _room(path: Path, file: h5py.File, rate_hz: int) -> Room:
    shape = _shape(path, file)
    responses = np.asarray(file["Data.IR"], np.float64).reshape(shape[0], 2, -1, shape[-1])  # (M, 2, E, N)
    count, emitters = len(responses), responses.shape[2]
    azimuth, elevation, distance = _directions(path, file, count, emitters)
    whole = delayed(responses, onset_delays(file, str(path), (count, 2, emitters)))  # may be longer
    whole = whole.transpose(0, 2, 3, 1).reshape(-1, whole.shape[-1], 2)
    found = [resampled(r, sample_rate_hz(file), rate_hz) for r in whole]
    return Room(path.stem, found, azimuth, elevation, distance)


def _shape(path: Path, file: h5py.File) -> tuple[int, ...]:
    """Return the shape of the responses; raise InputError where it is not that of the convention."""
    shape: tuple[int, ...] = file["Data.IR"].shape
    axes = 4 if _has_emitters(file) else 3
    if len(shape) != axes or shape[1] != 2 or 0 in shape:
        expected = "(measurements, 2 ears, emitters, samples)" if axes == 4 else "(measurements, 2 ears, samples)"
        raise InputError(f"{path} has Data.IR of shape {shape}; {expected} is expected")
    return shape


def _has_emitters(file: h5py.File) -> bool:
    return text(file.attrs["SOFAConventions"]) == SEVERAL


def _directions(path: Path, file: h5py.File, count: int, emitters: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return azimuth and elevation, degrees, and distance, m, relative to the head, of each response, (M x E,)."""
    offset = seen_from_listener(file, count, emitters if _has_emitters(file) else None)
    along, aside, above = np.moveaxis(offset, -1, 0)
    distance = np.linalg.norm(offset, axis=-1)
    if not np.isfinite(distance).all() or (distance < SAME_PLACE_M).any():
        raise InputError(f"{path} has a source at the place of the listener, or positions that are not finite; export it again")
    azimuth, elevation = np.arctan2(aside, along), np.arctan2(above, np.hypot(along, aside))
    return np.rad2deg(azimuth).ravel(), np.rad2deg(elevation).ravel(), distance.ravel()
