"""Checks of a walk: moments, sources, pace, pictures."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

import h5py
import numpy as np

from dataset.angles import wrap_180
from dataset.format.documents import section
from dataset.format.pictures import decode_pictures, is_encoded

SLACK = 1.05
"""Pace relative to the greatest that the settings allow: cubics between moments exceed it slightly."""


def walk_problems(one: Mapping[str, Any]) -> Iterator[str]:
    """Check the moments and the sources of a set; sets that are no walks have no problems."""
    if "time" in one and (one["time"][0] != 0 or (np.diff(one["time"]) <= 0).any()):
        yield "time does not increase from 0"
    if "source_track" in one and not np.array_equal(one["source_track"][0], one["source_position"]):
        yield "source_position is not the start of source_track"


def pace_problems(one: Mapping[str, Any], settings: Mapping[str, Any]) -> Iterator[str]:
    """Check that listener and sources of a walk move and turn no faster than the settings allow."""
    rules = section(settings, "motion")
    if "time" not in one or len(one["time"]) < 2 or not {"max_speed_m_s", "max_turn_deg_s"} <= set(rules):
        return
    step = np.diff(one["time"].astype(np.float64))
    turn = float((np.abs(wrap_180(np.diff(one["heading"].astype(np.float64)))) / step).max())
    if turn > SLACK * rules["max_turn_deg_s"]:
        yield f"the listener turns by {turn:.0f} degrees/s; its setting is {rules['max_turn_deg_s']:g}"
    for name in ("position", "source_track"):
        if name in one:
            moved = np.linalg.norm(np.diff(one[name].astype(np.float64), axis=0), axis=-1)
            speed = float((moved.reshape(len(step), -1).max(1) / step).max())
            if speed > SLACK * rules["max_speed_m_s"]:
                yield f"{name} moves at {speed:.2f} m/s; its setting is {rules['max_speed_m_s']:g}"


def picture_problems(file: h5py.File, row: int) -> Iterator[str]:
    """Check that the pictures of a set of an open shard can be decoded."""
    if is_encoded(file):
        try:
            decode_pictures(file, row)
        except ValueError as error:
            yield f"rgb_webp: {error}"
