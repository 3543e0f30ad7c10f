"""Read head-related impulse responses from SOFA files (AES69, convention SimpleFreeFieldHRIR)."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from pathlib import Path

import h5py
import numpy as np

from dataset.sofa import delayed, ear_cues, left_channel, text
from simulator.errors import InputError
from simulator.receivers.sofa_coordinates import seen_from_listener

BUNDLED = Path(__file__).parents[1] / "assets" / "hrtf" / "mit_kemar_normal_pinna.sofa"
"""MIT KEMAR, normal pinna (Gardner and Martin 1994)."""
FEWEST_DIRECTIONS = 16
QUIETEST, LOUDEST = 1e-9, 1e6
"""A response whose largest sample is outside this range is silence or damage; its energy would not be a number."""
MOST_SAMPLES = 60_000_000
"""Most samples of all responses together: 480 MB."""
RATES_HZ = (4000.0, 768_000.0)
"""Lowest and highest sample rate."""
LONGEST_DELAY_S = 1.0
"""Longest onset delay."""
NEARER = 0.01
"""Distances of sources that differ by less than this share are one distance."""
VARIABLES = ("Data.IR", "Data.SamplingRate", "Data.Delay", "SourcePosition", "ReceiverPosition")
LISTENER = ("ListenerPosition", "ListenerView", "ListenerUp")
"""Variables that a file may lack."""


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
    notes: tuple[str, ...] = ()
    """What was corrected."""


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
    _check_header(path, file)
    responses = np.asarray(file["Data.IR"], np.float64)
    rate = float(np.ravel(file["Data.SamplingRate"])[0])
    offsets = seen_from_listener(file)
    peak, distance = np.abs(responses).max(-1, initial=0.0), np.linalg.norm(offsets, axis=1)
    if not ((peak >= QUIETEST) & (peak <= LOUDEST)).all() or not ((distance > 0) & np.isfinite(distance)).all():
        raise InputError(f"HRTF file {path} holds silent, enormous or non-finite responses or positions; export it again")
    directions, rows, left_out = _directions(offsets)
    if len(directions) < FEWEST_DIRECTIONS:
        raise InputError(
            f"HRTF file {path} has {len(directions)} directions; at least {FEWEST_DIRECTIONS} are needed; use another one"
        )
    delays = np.broadcast_to(np.asarray(file["Data.Delay"], np.float64), (len(responses), 2))
    if not (np.abs(delays) <= LONGEST_DELAY_S * rate).all():
        worst = float(np.abs(delays).max())
        raise InputError(
            f"HRTF file {path} has a Data.Delay of {worst:g} samples; at most {LONGEST_DELAY_S:g} s are expected; correct it"
        )
    responses = delayed(responses, delays)[rows]
    left, stored = _ipsilateral_channel(path, responses, directions), _left_receiver(file)
    notes: tuple[str, ...] = ()
    if left_out:
        notes = (f"HRTF file {path}: {left_out} responses of nearer sources left out; the farthest of each direction is used",)
    if stored is not None and stored != left:
        found = f"ReceiverPosition names channel {stored} as the left ear, the responses show channel {left}, which is used"
        notes = (*notes, f"HRTF file {path}: {found}")
    title = " ".join(text(file.attrs.get(k, "")) for k in ("DatabaseName", "ListenerShortName")).strip()
    digest = hashlib.sha256(path.read_bytes()).hexdigest()
    return Measurement(responses[:, ::-1] if left else responses, directions, rate, title or path.stem, digest, notes)


def _check_header(path: Path, file: h5py.File) -> None:
    """Raise InputError where convention, shapes or sample rate are not those of a SimpleFreeFieldHRIR; reads no responses."""
    convention = text(file.attrs.get("SOFAConventions", "none"))
    if convention != "SimpleFreeFieldHRIR":
        raise InputError(
            f"HRTF file {path} has SOFA convention {convention!r}; SimpleFreeFieldHRIR is expected; export it as such"
        )
    shape, places = file["Data.IR"].shape, file["SourcePosition"].shape
    if len(shape) != 3 or shape[1] != 2 or len(places) != 2 or places[0] != shape[0] or places[1] > 3:
        raise InputError(
            f"HRTF file {path} has Data.IR of shape {shape} and SourcePosition of shape {places}; "
            "(directions, 2 ears, samples) and (directions, 3) are expected"
        )
    for name in (*VARIABLES, *(name for name in LISTENER if name in file)):
        if file[name].size > MOST_SAMPLES:
            raise InputError(
                f"HRTF file {path} declares {name} of shape {file[name].shape}; at most {MOST_SAMPLES:,} values are read"
            )
    rate, (low, high) = float(np.ravel(file["Data.SamplingRate"])[0]), RATES_HZ
    if not low <= rate <= high:
        raise InputError(
            f"HRTF file {path} has a sample rate of {rate:g} Hz; {low:g} to {high:g} Hz are expected; correct Data.SamplingRate"
        )


def _ipsilateral_channel(path: Path, responses: np.ndarray, directions: np.ndarray) -> int:
    """Return the channel, 0 or 1, of the left ear: sound from the left reaches it earlier and louder.

    responses: (M, 2, N), directions: (M, 3). Raises InputError where the responses do not show it, see dataset.sofa.
    """
    louder, earlier = ear_cues(responses, -directions[:, 0])
    channel = left_channel(louder, earlier)
    if channel is None:
        raise InputError(
            f"HRTF file {path} does not show which channel is the left ear (correlation of level {louder:+.2f} and of arrival "
            f"{earlier:+.2f} with the side of the source; +1 or -1 is expected); use another measurement"
        )
    return channel


def _directions(offsets: np.ndarray) -> tuple[np.ndarray, np.ndarray, int]:
    """Return the distinct unit vectors of sources at offsets (M, 3), the row of each, and the number of rows left out.

    Of several sources in one direction, the farthest counts.
    """
    distance = np.linalg.norm(offsets, axis=1)
    order = np.argsort(-np.round(distance, 6), kind="stable")
    directions, first = np.unique(np.round(offsets / distance[:, None], 6)[order], axis=0, return_index=True)
    rows = order[first]
    nearer = np.ptp(distance) > NEARER * distance.max()
    return directions, rows, len(offsets) - len(rows) if nearer else 0


def _left_receiver(file: h5py.File) -> int | None:
    """Return the channel that ReceiverPosition puts on the left, or None where both are in the median plane."""
    receivers = np.asarray(file["ReceiverPosition"], np.float64).reshape(2, 3)
    left = receivers[:, 1]
    if "spherical" in text(file["ReceiverPosition"].attrs.get("Type", "cartesian")):
        left = np.sin(np.deg2rad(receivers[:, 0]))
    return None if abs(left[0] - left[1]) < 1e-6 else int(left[1] > left[0])
