"""Reading SOFA files (AES69): checks, onset delays, and where the sources are relative to the head."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import h5py
import numpy as np

from dataset.errors import InputError
from dataset.sofa import text

RATES_HZ = (4000.0, 768_000.0)
"""Lowest and highest sample rate."""
LONGEST_DELAY_S = 1.0
"""Longest onset delay."""
UP = [[0.0, 0.0, 1.0]]
"""Default of ListenerUp and SourceUp."""
UNITS_M = {"centimet": 0.01, "millimet": 0.001}
"""Units of length other than the metre by the start of their name."""


@contextmanager
def open_sofa(path: Path, what: str, conventions: Sequence[str], most_values: int) -> Iterator[h5py.File]:
    """Open a SOFA file of one of these conventions for reading.

    what: the file as messages name it. most_values: largest size of a variable. Raise InputError for another convention, for a
    size or a sample rate that is not plausible, and where reading in the block fails.
    """
    try:
        with h5py.File(path, "r") as file:
            _check_header(file, what, conventions, most_values)
            yield file
    except (OSError, RuntimeError) as error:  # h5py raises the latter for damaged groups
        raise InputError(f"{what} is not a SOFA (HDF5) file ({error}); {_expected(conventions)} is expected") from None
    except KeyError as error:
        raise InputError(f"{what} lacks a SOFA variable ({error}); export it again as {_expected(conventions)}") from None
    except (IndexError, TypeError, ValueError) as error:
        reason = str(error).splitlines()[0]
        raise InputError(f"{what} holds a variable of another shape or without meaning ({reason}); export it again") from None


def sample_rate_hz(file: h5py.File) -> float:
    """Return the sample rate of the responses, Hz."""
    return float(np.ravel(file["Data.SamplingRate"])[0])


def onset_delays(file: h5py.File, what: str, shape: tuple[int, int, int]) -> np.ndarray:
    """Return Data.Delay, samples, of measurements, ears and emitters (M, 2, E); raise InputError beyond LONGEST_DELAY_S."""
    delay = np.asarray(file["Data.Delay"], np.float64)
    delay = np.broadcast_to(delay[..., None] if delay.ndim == 2 else delay, shape)
    if not (np.abs(delay) <= LONGEST_DELAY_S * sample_rate_hz(file)).all():
        worst = float(np.abs(delay).max())
        raise InputError(f"{what} has a Data.Delay of {worst:g} samples; at most {LONGEST_DELAY_S:g} s are expected; correct it")
    return delay


def seen_from_listener(file: h5py.File, count: int, emitters: int | None = None) -> np.ndarray:
    """Return the sources of `count` measurements relative to the listener, (M, E, 3), m: x ahead, y left, z up.

    Positions are in the frame of the room, in which the listener may be anywhere and face any way. emitters: number of emitters
    of a source, whose places are added; None: sources are points, E = 1. Raises ValueError for views without direction.
    """
    source = _vectors(file, "SourcePosition", "spherical", None, count)[:, None]
    if emitters is not None:
        source = source + _emitters(file, count, emitters)
    offset = source - _vectors(file, "ListenerPosition", "cartesian", [[0.0, 0.0, 0.0]], count)[:, None]
    return np.einsum("mic,mec->mei", _axes(file, "Listener", count), offset)


def cartesian(variable: h5py.Dataset, values: np.ndarray, kind: str) -> np.ndarray:
    """Return values of a variable, (..., 3) or directions (..., 2), as cartesian coordinates, m.

    Spherical ones are azimuth, elevation and radius, in degrees unless their units are radians. kind: type of the coordinates
    where the file does not state it.
    """
    stated, units = text(variable.attrs.get("Type", kind)).lower(), text(variable.attrs.get("Units", "")).lower()
    metres = next((size for name, size in UNITS_M.items() if name in units), 1.0)
    if "cartesian" in stated:
        return values * metres
    if stated.strip() != "spherical":
        raise ValueError(f"{variable.name.lstrip('/')} has the type {stated!r}; cartesian or spherical is expected")
    angles = values[..., :2] if "radian" in units else np.deg2rad(values[..., :2])
    azimuth, elevation = angles[..., 0], angles[..., 1]
    radius = values[..., 2] * metres if values.shape[-1] == 3 else 1.0
    level = np.cos(elevation)
    return np.stack([radius * level * np.cos(azimuth), radius * level * np.sin(azimuth), radius * np.sin(elevation)], -1)


def _check_header(file: h5py.File, what: str, conventions: Sequence[str], most_values: int) -> None:
    """Raise InputError where convention, sizes or sample rate do not fit; reads no responses."""
    convention = text(file.attrs.get("SOFAConventions", "none"))
    if convention not in conventions:
        expected = _expected(conventions)
        raise InputError(f"{what} has SOFA convention {convention!r}; {expected} is expected; export it as such")
    for name, variable in file.items():
        if isinstance(variable, h5py.Dataset) and variable.size is not None and variable.size > most_values:
            raise InputError(f"{what} declares {name} of shape {variable.shape}; at most {most_values:,} values are read")
    rate, (low, high) = sample_rate_hz(file), RATES_HZ
    if not low <= rate <= high:
        raise InputError(
            f"{what} has a sample rate of {rate:g} Hz; {low:g} to {high:g} Hz are expected; correct Data.SamplingRate"
        )


def _expected(conventions: Sequence[str]) -> str:
    return conventions[0] if len(conventions) == 1 else f"one of {', '.join(conventions)}"


def _emitters(file: h5py.File, count: int, emitters: int) -> np.ndarray:
    """Return the emitters' places relative to the source, (M, E, 3), m, in the frame of the room."""
    places = file["EmitterPosition"]
    values = np.asarray(places, np.float64).reshape(emitters, 3, -1).transpose(2, 0, 1)
    local = np.broadcast_to(cartesian(places, values, "cartesian"), (count, emitters, 3))
    return np.einsum("mei,mic->mec", local, _axes(file, "Source", count))


def _axes(file: h5py.File, who: str, count: int) -> np.ndarray:
    """Return the unit vectors ahead, left and up of the listener or the source in the frame of the room, (M, 3, 3)."""
    view = f"{who}View"
    kind = text(file[view].attrs.get("Type", "cartesian")) if view in file else "cartesian"
    ahead = _unit(_vectors(file, view, "cartesian", [[1.0, 0.0, 0.0]], count), view)
    left = _unit(np.cross(_vectors(file, f"{who}Up", kind, UP, count), ahead), f"{who}Up")
    return np.stack([ahead, left, np.cross(ahead, left)], 1)


def _vectors(file: h5py.File, name: str, kind: str, default: list[list[float]] | None, count: int) -> np.ndarray:
    """Return a variable of positions or directions, (M, 3), cartesian; kind: its type where the file does not state it."""
    if name not in file and default is not None:
        return np.broadcast_to(np.array(default), (count, 3))
    variable = file[name]
    values = np.asarray(variable, np.float64).reshape(-1, variable.shape[-1])
    # Files with a spherical view often keep the default of Up, whose numbers would mean ahead.
    kept = name.endswith("Up") and values.tolist() == UP
    return np.broadcast_to(values if kept else cartesian(variable, values, kind), (count, 3))


def _unit(vectors: np.ndarray, name: str) -> np.ndarray:
    """Return vectors of length 1; raise ValueError, naming the variable, for those without direction."""
    length = np.linalg.norm(vectors, axis=-1, keepdims=True)
    if not (length > 1e-6).all():
        raise ValueError(f"{name} has no direction")
    return np.asarray(vectors / length)
