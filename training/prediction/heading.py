"""The heading of a camera over time, from frames of a video."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np

from dataset.angles import wrap_180
from training.evaluation.learned import Learned
from training.prediction.pictures import Photograph
from training.prediction.turn import find_turn

FAR = 0.4
"""A frame turned by more than this share of the field of view from the reference frame becomes the next reference."""


@dataclass(frozen=True)
class Heading:
    """Headings at K frames, relative to the first."""

    time_s: np.ndarray
    """(K,)."""
    heading_deg: np.ndarray
    """(K,) in (-180, 180], left positive."""
    lost_s: tuple[float, ...]
    """Times of frames that share too little with all before: the heading goes on from the one before, by an unknown turn."""
    notes: tuple[str, ...] = ()


def follow_heading(learned: Learned, frames: Iterable[tuple[float, Photograph]]) -> Heading:
    """Return the headings of frames (time in s, picture).

    Each frame is compared with a reference frame, which stays as long as the turn from it is small, so that errors do not add up
    frame by frame; where they share too little, with the frame before.
    """
    times: list[float] = []
    headings: list[float] = []
    lost: list[float] = []
    notes: tuple[str, ...] = ()
    reference = before = None
    for time_s, frame in frames:
        if reference is None or before is None:
            reference = before = (frame, 0.0)
            heading = 0.0
        else:
            turn = find_turn(learned, reference[0], frame)
            notes, start = turn.notes, reference[1]
            if not turn.known:
                turn, start = find_turn(learned, before[0], frame), before[1]
                if not turn.known:
                    lost.append(time_s)
            heading = start + (turn.degrees if turn.known else 0.0)
            if not turn.known or start != reference[1] or abs(turn.degrees) > FAR * turn.hfov_deg:
                reference = (frame, heading)
        before = (frame, heading)
        times.append(time_s)
        headings.append(heading)
    return Heading(np.array(times), wrap_180(np.array(headings)), tuple(lost), notes)
