"""Read head-related impulse responses from SOFA files (AES69, convention SimpleFreeFieldHRIR)."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from pathlib import Path

import h5py
import numpy as np

from dataset.sofa import delayed, ear_cues, left_channel, text
from dataset.sofa_file import cartesian, onset_delays, open_sofa, sample_rate_hz, seen_from_listener
from simulator.errors import InputError

BUNDLED = Path(__file__).parents[1] / "assets" / "hrtf" / "mit_kemar_normal_pinna.sofa"
"""MIT KEMAR, normal pinna (Gardner and Martin 1994)."""
CONVENTION = "SimpleFreeFieldHRIR"
FEWEST_DIRECTIONS = 16
QUIETEST, LOUDEST = 1e-9, 1e6
"""A response whose largest sample is outside this range is silence or damage; its energy would not be a number."""
MOST_SAMPLES = 60_000_000
"""Most samples of all responses together: 480 MB."""
NEARER = 0.01
"""Distances of sources that differ by less than this share are one distance."""


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
    with open_sofa(path, f"HRTF file {path}", [CONVENTION], MOST_SAMPLES) as file:
        return _measurement(path, file)


def _measurement(path: Path, file: h5py.File) -> Measurement:
    _check_shapes(path, file)
    responses = np.asarray(file["Data.IR"], np.float64)
    ahead, left, up = np.moveaxis(seen_from_listener(file, len(responses))[:, 0], -1, 0)
    offsets = np.stack([-left, up, -ahead], -1)
    peak, distance = np.abs(responses).max(-1, initial=0.0), np.linalg.norm(offsets, axis=1)
    if not ((peak >= QUIETEST) & (peak <= LOUDEST)).all() or not ((distance > 0) & np.isfinite(distance)).all():
        raise InputError(f"HRTF file {path} holds silent, enormous or non-finite responses or positions; export it again")
    directions, rows, left_out = _directions(offsets)
    if len(directions) < FEWEST_DIRECTIONS:
        raise InputError(
            f"HRTF file {path} has {len(directions)} directions; at least {FEWEST_DIRECTIONS} are needed; use another one"
        )
    delays = onset_delays(file, f"HRTF file {path}", (len(responses), 2, 1))[..., 0]
    responses = delayed(responses, delays)[rows]
    channel, stored = _ipsilateral_channel(path, responses, directions), _left_receiver(file)
    notes: tuple[str, ...] = ()
    if left_out:
        notes = (f"HRTF file {path}: {left_out} responses of nearer sources left out; the farthest of each direction is used",)
    if stored is not None and stored != channel:
        found = f"ReceiverPosition names channel {stored} as the left ear, the responses show channel {channel}, which is used"
        notes = (*notes, f"HRTF file {path}: {found}")
    title = " ".join(text(file.attrs.get(k, "")) for k in ("DatabaseName", "ListenerShortName")).strip()
    digest = hashlib.sha256(path.read_bytes()).hexdigest()
    responses = responses[:, ::-1] if channel else responses
    return Measurement(responses, directions, sample_rate_hz(file), title or path.stem, digest, notes)


def _check_shapes(path: Path, file: h5py.File) -> None:
    """Raise InputError where shapes are not those of a SimpleFreeFieldHRIR; reads no responses."""
    shape, places = file["Data.IR"].shape, file["SourcePosition"].shape
    if len(shape) != 3 or shape[1] != 2 or len(places) != 2 or places[0] != shape[0] or places[1] > 3:
        raise InputError(
            f"HRTF file {path} has Data.IR of shape {shape} and SourcePosition of shape {places}; "
            "(directions, 2 ears, samples) and (directions, 3) are expected"
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
    places = file["ReceiverPosition"]
    left = cartesian(places, np.asarray(places, np.float64).reshape(2, 3), "cartesian")[:, 1]
    return None if abs(left[0] - left[1]) < 1e-6 else int(left[1] > left[0])
