"""Turns between views of known lenses, and which pairs are refused, for several cameras."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from dataset.geometry import Pinhole
from training.evaluation.learned import Learned
from training.evaluation.scores import angle_error
from training.prediction.pictures import Photograph
from training.prediction.turn import Turn, find_turn
from training.real.panorama_pairs import PanoramaPairs, ViewSettings

HFOVS_DEG = (50.0, 60.0, 80.0)
PITCHES_DEG = (-22.5, 0.0)


def turns_with_lens(
    learned: Learned, rgb_s: np.ndarray, rgb_t: np.ndarray, cameras_s: Sequence[Pinhole], cameras_t: Sequence[Pinhole]
) -> np.ndarray:
    """Return the turns (B,), degrees, between pictures (B, H, W, 3) whose fields of view are known."""
    return np.array([turn.degrees for turn in _turns(learned, rgb_s, rgb_t, cameras_s, cameras_t)])


def measure_cameras(learned: Learned, panoramas: Sequence[Path], settings: ViewSettings, seed: int = 0) -> list[dict[str, Any]]:
    """Return the mean error and the share of refused pairs for each field of view and pitch.

    A camera has "hfov_deg", "pitch_deg", "n", "mean_deg" of all pairs, "mean_deg_answered" of those not refused, "refused", and
    "disjoint_refused", the share of refused pairs of views of different panoramas. The last three are None for a run without
    calibration, the last one also for a single panorama.
    """
    out = []
    for pitch in PITCHES_DEG:
        for hfov in HFOVS_DEG:
            items = PanoramaPairs(panoramas, replace(settings, hfov_deg=hfov, pitch_deg=pitch), seed)
            out.append({"hfov_deg": hfov, "pitch_deg": pitch, **_measure(learned, items)})
    return out


def _measure(learned: Learned, items: PanoramaPairs) -> dict[str, Any]:
    count = len(items.pairs.row)
    turns: list[Turn] = []
    disjoint: list[Turn] = []
    for k in range(count):
        (first, second), cameras = items.pictures(np.array([k])), items.cameras(np.array([k]))
        turns += _turns(learned, first, second, *cameras)
        other = (k + count // 2) % count
        if items.pairs.row[other] != items.pairs.row[k]:
            disjoint += _turns(learned, first, items.pictures(np.array([other]))[1], *cameras)
    error = angle_error(np.array([t.degrees for t in turns]), items.pairs.turn_deg)
    known = np.array([t.known for t in turns])
    calibrated = learned.calibration is not None
    return {
        "n": count,
        "mean_deg": float(error.mean()),
        "mean_deg_answered": float(error[known].mean()) if calibrated and known.any() else None,
        "refused": float((~known).mean()) if calibrated else None,
        "disjoint_refused": float(np.mean([not t.known for t in disjoint])) if calibrated and disjoint else None,
    }


def _turns(
    learned: Learned, rgb_s: np.ndarray, rgb_t: np.ndarray, cameras_s: Sequence[Pinhole], cameras_t: Sequence[Pinhole]
) -> list[Turn]:
    pairs = zip(rgb_s, rgb_t, cameras_s, cameras_t, strict=True)
    return [find_turn(learned, Photograph(a, s.hfov_deg), Photograph(b, t.hfov_deg)) for a, b, s, t in pairs]
