"""Read head-related impulse responses from SOFA files (AES69, convention SimpleFreeFieldHRIR)."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import h5py
import numpy as np

from dataset.angles import direction
from simulator.errors import InputError

BUNDLED = Path(__file__).parents[1] / "assets" / "hrtf" / "mit_kemar_normal_pinna.sofa"
"""MIT KEMAR, normal pinna (Gardner and Martin 1994)."""
FEWEST_DIRECTIONS = 16


@dataclass(frozen=True, eq=False)
class Measurement:
    """The measured responses of one head."""

    responses: np.ndarray
    """(M, 2, N) float64, ears (left, right), onset delays included."""
    directions: np.ndarray
    """(M, 3) unit vectors in the frame of a head at heading 0: +Y up, -Z ahead, -X left."""
    sample_rate_hz: float
    title: str
    sha256: str


def read_sofa(path: Path) -> Measurement:
    """Read a SOFA file; raise InputError unless it is a SimpleFreeFieldHRIR with two ears and enough directions."""
    if not path.is_file():
        raise InputError(f"HRTF file {path} does not exist; pass a .sofa file, or omit --hrtf to use the bundled KEMAR")
    try:
        with h5py.File(path, "r") as file:
            return _measurement(path, file)
    except OSError as error:
        raise InputError(f"HRTF file {path} is not a SOFA (HDF5) file ({error}); pass a SimpleFreeFieldHRIR .sofa file") from None
    except KeyError as error:
        raise InputError(f"HRTF file {path} lacks a SOFA variable ({error}); export it as SimpleFreeFieldHRIR") from None
    except (IndexError, TypeError, ValueError) as error:
        reason = str(error).splitlines()[0]
        raise InputError(f"HRTF file {path} holds a variable of another shape ({reason}); export it again") from None


def _measurement(path: Path, file: h5py.File) -> Measurement:
    convention = _text(file.attrs.get("SOFAConventions", "none"))
    if convention != "SimpleFreeFieldHRIR":
        raise InputError(f"HRTF file {path} has SOFA convention {convention!r}; SimpleFreeFieldHRIR is expected")
    responses = np.asarray(file["Data.IR"], np.float64)
    rate = float(np.ravel(file["Data.SamplingRate"])[0])
    directions = _directions(file["SourcePosition"])
    if responses.ndim != 3 or responses.shape[1] != 2 or len(responses) != len(directions):
        raise InputError(f"HRTF file {path} has Data.IR of shape {responses.shape}; (directions, 2 ears, samples) is expected")
    if not np.isfinite(responses).all() or not responses.any(-1).all() or not np.isfinite(directions).all() or rate <= 0:
        raise InputError(f"HRTF file {path} holds silent or non-finite responses, or no sampling rate; export it again")
    directions, first = np.unique(np.round(directions, 6), axis=0, return_index=True)
    if len(directions) < FEWEST_DIRECTIONS:
        raise InputError(f"HRTF file {path} has {len(directions)} directions; at least {FEWEST_DIRECTIONS} are needed")
    delays = np.broadcast_to(np.asarray(file["Data.Delay"], np.float64), (len(responses), 2))
    responses = _delayed(responses, delays)[first]
    if _left_ear(file) == 1:
        responses = responses[:, ::-1]
    title = " ".join(_text(file.attrs.get(k, "")) for k in ("DatabaseName", "ListenerShortName")).strip()
    digest = hashlib.sha256(path.read_bytes()).hexdigest()
    return Measurement(responses, directions, rate, title or path.stem, digest)


def _directions(position: h5py.Dataset) -> np.ndarray:
    """Return unit vectors (M, 3) in the frame of `Measurement`; SOFA has x ahead, y left, z up and azimuth to the left."""
    p = np.asarray(position, np.float64)
    if "cartesian" in _text(position.attrs.get("Type", "spherical")):
        unit = p / np.maximum(np.linalg.norm(p, axis=1, keepdims=True), 1e-12)
        return np.stack([-unit[:, 1], unit[:, 2], -unit[:, 0]], -1)
    return direction(p[:, 0], p[:, 1])


def _left_ear(file: h5py.File) -> int:
    receivers = np.asarray(file["ReceiverPosition"], np.float64).reshape(2, 3)
    if "spherical" in _text(file["ReceiverPosition"].attrs.get("Type", "cartesian")):
        return int(np.sin(np.deg2rad(receivers[1, 0])) > np.sin(np.deg2rad(receivers[0, 0])))
    return int(receivers[1, 1] > receivers[0, 1])


def _delayed(responses: np.ndarray, delay: np.ndarray) -> np.ndarray:
    """Delay the responses by the stored onset delays (M, 2), in samples; only their differences matter."""
    if not delay.any():
        return responses
    delay = delay - min(0.0, delay.min())
    n = responses.shape[-1] + int(np.ceil(delay.max())) + 1
    spectrum = np.fft.rfft(responses, 2 * n)
    shift = np.exp(-2j * np.pi * np.arange(n + 1) / (2 * n) * delay[..., None])
    return np.fft.irfft(spectrum * shift, 2 * n)[..., :n]


def _text(value: Any) -> str:
    return value.decode() if isinstance(value, bytes) else str(value)
