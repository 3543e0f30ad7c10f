"""Measured rooms: two-ear impulse responses with the directions of their sources."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import soxr

from dataset.angles import direction
from dataset.sofa import ear_cues, left_channel
from training.errors import InputError

QUIETEST, LOUDEST = 1e-9, 1e6
"""A response whose largest sample is outside this range is silence or damage."""


@dataclass(frozen=True, eq=False)
class Room:
    """The responses of one room, from M source positions relative to the head."""

    name: str
    responses: list[np.ndarray]
    """M responses (2, N) float32, ears (left, right), all at one rate; N may differ."""
    azimuth_deg: np.ndarray
    """(M,) relative to the head, left positive, (-180, 180]."""
    elevation_deg: np.ndarray
    """(M,) up positive."""
    distance_m: np.ndarray
    """(M,); NaN where it is unknown."""
    notes: tuple[str, ...] = ()
    """What was corrected or could not be checked."""

    def __len__(self) -> int:
        return len(self.responses)

    def level(self, max_elevation_deg: float) -> Room:
        """Return the room with the sources at most this far above or below the head's horizontal plane."""
        rows = np.flatnonzero(np.abs(self.elevation_deg) <= max_elevation_deg)
        return replace(
            self,
            responses=[self.responses[k] for k in rows],
            azimuth_deg=self.azimuth_deg[rows],
            elevation_deg=self.elevation_deg[rows],
            distance_m=self.distance_m[rows],
        )


def resampled(response: np.ndarray, rate_hz: float, wanted_hz: int) -> np.ndarray:
    """Resample a response (N, 2): (2, N) float32. It is a density in time: convolution keeps the level of the sound."""
    changed = soxr.resample(response, rate_hz, wanted_hz, quality="VHQ") * (rate_hz / wanted_hz)
    return np.ascontiguousarray(changed.T, np.float32)


def checked(room: Room, source: Path) -> Room:
    """Return a room whose first channel is the left ear, as the responses show; raise InputError for unusable responses.

    source: the file that messages name. Responses that do not show their left ear keep the order of the file, with a note.
    """
    for k, response in enumerate(room.responses):
        peak = np.abs(response).max(-1, initial=0.0)
        if not ((peak >= QUIETEST) & (peak <= LOUDEST)).all():
            raise InputError(f"{source}: response {k} of room {room.name} is silent, enormous or not finite; export it again")
    unit = direction(room.azimuth_deg, room.elevation_deg)
    cues = ear_cues(_padded(room.responses), -unit[:, 0])
    left = left_channel(*cues)
    if left is None:
        note = (
            f"{source}: the responses of room {room.name} do not show which channel is the left ear (correlation of level "
            f"{cues[0]:+.2f} and of arrival {cues[1]:+.2f} with the side of the source); the first one is taken"
        )
        return replace(room, notes=(*room.notes, note))
    if left == 0:
        return room
    note = (
        f"{source}: room {room.name} has the right ear in the first channel, or azimuths that grow to the right, as its "
        "responses show; the channels are exchanged"
    )
    return replace(room, responses=[r[::-1] for r in room.responses], notes=(*room.notes, note))


def _padded(responses: list[np.ndarray]) -> np.ndarray:
    """Return responses of different lengths as one array, (M, 2, N) float64, zeros at their ends."""
    out = np.zeros((len(responses), 2, max(r.shape[-1] for r in responses)))
    for row, response in zip(out, responses, strict=True):
        row[:, : response.shape[-1]] = response
    return out
