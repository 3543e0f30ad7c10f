"""Binaural room impulse responses from SOFA files (AES69): SimpleFreeFieldHRIR, SingleRoomSRIR, MultiSpeakerBRIR."""

from __future__ import annotations

from pathlib import Path

import h5py
import numpy as np

from dataset.sofa import delayed, text
from training.errors import InputError
from training.real.rooms import Room, resampled

CONVENTIONS = ("SimpleFreeFieldHRIR", "SingleRoomSRIR", "SingleRoomDRIR", "MultiSpeakerBRIR")
"""SingleRoomDRIR is the older name of SingleRoomSRIR for heads."""
MOST_SAMPLES = 200_000_000
"""Most samples of all responses of a file: 800 MB at 32 bits."""
RATES_HZ = (4000.0, 768_000.0)
LONGEST_DELAY_S = 1.0
SAME_PLACE_M = 1e-6


def read_room_sofa(path: Path, rate_hz: int) -> Room:
    """Read a SOFA file with two receivers at a rate; raise InputError for other conventions, shapes or damage.

    A measurement of E emitters (MultiSpeakerBRIR) gives E responses. The channels keep the order of the file.
    """
    try:
        with h5py.File(path, "r") as file:
            return _room(path, file, rate_hz)
    except OSError as error:
        raise InputError(f"{path} is not a SOFA (HDF5) file ({error}); one of {', '.join(CONVENTIONS)} is expected") from None
    except KeyError as error:
        raise InputError(f"{path} lacks a SOFA variable ({error}); export it again") from None
    except (IndexError, TypeError, ValueError) as error:
        reason = str(error).splitlines()[0]
        raise InputError(f"{path} holds a variable of another shape or without meaning ({reason}); export it again") from None


def _room(path: Path, file: h5py.File, rate_hz: int) -> Room:
    convention, rate = _header(path, file)
    shape = file["Data.IR"].shape
    responses = np.asarray(file["Data.IR"], np.float64).reshape(shape[0], 2, -1, shape[-1])  # (M, 2, E, N)
    delay = np.asarray(file["Data.Delay"], np.float64)
    delay = np.broadcast_to(delay[..., None] if delay.ndim == 2 else delay, responses.shape[:3])
    if not (np.abs(delay) <= LONGEST_DELAY_S * rate).all():
        raise InputError(
            f"{path} has a Data.Delay of {np.abs(delay).max():g} samples; at most {LONGEST_DELAY_S:g} s are expected"
        )
    azimuth, elevation, distance = _directions(path, file, convention, responses.shape[2])
    whole = delayed(responses, delay)  # may be longer
    whole = whole.transpose(0, 2, 3, 1).reshape(-1, whole.shape[-1], 2)
    found = [resampled(r, rate, rate_hz) for r in whole]
    return Room(path.stem, found, azimuth, elevation, distance)


def _header(path: Path, file: h5py.File) -> tuple[str, float]:
    """Return convention and sample rate; raise InputError where they or the shape do not fit. Reads no responses."""
    convention = text(file.attrs.get("SOFAConventions", "none"))
    if convention not in CONVENTIONS:
        raise InputError(f"{path} has SOFA convention {convention!r}; one of {', '.join(CONVENTIONS)} is expected")
    shape = file["Data.IR"].shape
    axes = 4 if convention == "MultiSpeakerBRIR" else 3
    if len(shape) != axes or shape[1] != 2 or 0 in shape:
        expected = "(measurements, 2 ears, emitters, samples)" if axes == 4 else "(measurements, 2 ears, samples)"
        raise InputError(f"{path} has Data.IR of shape {shape}; {expected} is expected")
    if file["Data.IR"].size > MOST_SAMPLES:
        raise InputError(f"{path} declares Data.IR of shape {shape}; at most {MOST_SAMPLES:,} values are read")
    rate, (low, high) = float(np.ravel(file["Data.SamplingRate"])[0]), RATES_HZ
    if not low <= rate <= high:
        raise InputError(f"{path} has a sample rate of {rate:g} Hz; {low:g} to {high:g} Hz are expected; export it again")
    return convention, rate


def _directions(path: Path, file: h5py.File, convention: str, emitters: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return azimuth and elevation, degrees, and distance, m, relative to the head, of each response, (M x E,)."""
    count = len(file["Data.IR"])
    source = _points(file, "SourcePosition", count)[:, None] + np.zeros((count, emitters, 3))
    if convention == "SimpleFreeFieldHRIR":  # positions are relative to the head already
        offset, ahead, up = source, _constant((1.0, 0.0, 0.0)), _constant((0.0, 0.0, 1.0))
    else:
        if convention == "MultiSpeakerBRIR":
            source = source + _emitters(file, count, emitters)
        offset = source - _points(file, "ListenerPosition", count)[:, None]
        ahead, up = _frame(file, "Listener", count)
    left = np.cross(up, ahead)
    along, aside, above = (np.einsum("mec,mc->me", offset, np.broadcast_to(v, (count, 3))) for v in (ahead, left, up))
    distance = np.linalg.norm(offset, axis=-1)
    if not np.isfinite(distance).all() or (distance < SAME_PLACE_M).any():
        raise InputError(f"{path} has a source at the place of the listener, or positions that are not finite; export it again")
    azimuth, elevation = np.arctan2(aside, along), np.arctan2(above, np.hypot(along, aside))
    return np.rad2deg(azimuth).ravel(), np.rad2deg(elevation).ravel(), distance.ravel()


def _emitters(file: h5py.File, count: int, emitters: int) -> np.ndarray:
    """Return the emitters' places relative to the source, (M, E, 3), m, in the frame of the room."""
    places = file["EmitterPosition"]
    values = np.asarray(places, np.float64).reshape(emitters, 3, -1)
    local = np.broadcast_to(_cartesian(values.transpose(2, 0, 1), places), (count, emitters, 3))
    ahead, up = _frame(file, "Source", count)
    left = np.cross(up, ahead)
    axes = np.stack([np.broadcast_to(v, (count, 3)) for v in (ahead, left, up)], 1)  # rows: ahead, left, up
    return np.einsum("mei,mic->mec", local, axes)


def _frame(file: h5py.File, who: str, count: int) -> tuple[np.ndarray, np.ndarray]:
    """Return the unit vectors ahead and up of listener or source, (M, 3) or (1, 3)."""
    view = f"{who}View"
    ahead = _unit(_points(file, view, count), view) if view in file else _constant((1.0, 0.0, 0.0))
    up = _points(file, f"{who}Up", count, kind_of=view) if f"{who}Up" in file else _constant((0.0, 0.0, 1.0))
    return ahead, _unit(up - np.sum(up * ahead, -1, keepdims=True) * ahead, f"{who}Up")


def _points(file: h5py.File, name: str, count: int, kind_of: str | None = None) -> np.ndarray:
    """Return a variable of positions or directions, (M, 3), cartesian: x ahead, y left, z up.

    kind_of: the variable that states the kind of coordinates, where it is not this one.
    """
    values = np.asarray(file[name], np.float64).reshape(-1, 3)
    return np.broadcast_to(_cartesian(values, file[kind_of or name]), (count, 3))


def _cartesian(values: np.ndarray, variable: h5py.Dataset) -> np.ndarray:
    """Return (..., 3) as cartesian coordinates; spherical ones are azimuth and elevation, degrees, and radius."""
    if "spherical" not in text(variable.attrs.get("Type", "cartesian")):
        return values
    azimuth, elevation, radius = np.deg2rad(values[..., 0]), np.deg2rad(values[..., 1]), values[..., 2]
    level = radius * np.cos(elevation)
    return np.stack([level * np.cos(azimuth), level * np.sin(azimuth), radius * np.sin(elevation)], -1)


def _unit(vectors: np.ndarray, name: str) -> np.ndarray:
    """Return vectors of length 1; raise ValueError, naming the variable, for those without direction."""
    length = np.linalg.norm(vectors, axis=-1, keepdims=True)
    if not (length > 1e-6).all():
        raise ValueError(f"{name} has no direction")
    return vectors / length


def _constant(vector: tuple[float, float, float]) -> np.ndarray:
    return np.array([vector])
