"""What a run's checkpoint stores about its pictures: their field of view, and when an answer cannot be trusted."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any

from training.errors import InputError

DEFAULT_HFOV_DEG = 60.0
"""The field of view of default renders."""


@dataclass(frozen=True)
class Calibration:
    """Measured on a validation split by python -m training.calibrate; see evaluation/calibrate.py."""

    hfov_deg: float
    """Mean horizontal field of view of the pictures."""
    spread_limit_deg: float
    """Answers that scatter more (`Learned.rotation_and_spread`) mean that the pictures share too little."""
    overlapping: int
    """Number of overlapping pairs of pictures,"""
    overlapping_refused: float
    """... and the share of them that scatters more,"""
    disjoint: int
    """... and the same for pairs that share nothing."""
    disjoint_refused: float


def calibration_of(path: Path, content: Mapping[str, Any]) -> Calibration | None:
    """Return the calibration in a checkpoint's content, None without one; raise InputError where it is damaged."""
    stored = content.get("calibration")
    if stored is None:
        return None
    try:
        values: dict[str, Any] = {f.name: stored[f.name] for f in fields(Calibration)}
        if not all(isinstance(value, (int, float)) for value in values.values()):
            raise TypeError
        return Calibration(**values)
    except (KeyError, TypeError, ValueError):
        raise InputError(f"checkpoint {path} has a damaged calibration; run python -m training.calibrate again") from None
