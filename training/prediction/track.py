"""The azimuth of a sound over time, from blocks of any length in bounded memory."""

from __future__ import annotations

import csv
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from training.baselines.azimuth import gcc_phat_azimuth
from training.data.decode import RATE_HZ
from training.errors import InputError
from training.evaluation.learned import Learned

QUIET_DB = 40.0
"""Moments this far below the loudest have no azimuth."""
BATCH = 64
AHEAD_DEG = 10.0
"""Directions this close to the median plane are neither left nor right."""


@dataclass(frozen=True)
class Track:
    """Azimuths and levels at M moments."""

    time_s: np.ndarray
    """(M,) middle of each moment."""
    azimuth_deg: np.ndarray
    """(M,) in (-180, 180], left positive; in [-90, 90] without the stage front-back; NaN in quiet moments."""
    gcc_phat_deg: np.ndarray
    """(M,) the same from the delay between the ears, without learning."""
    level_db: np.ndarray
    """(M, 2) of the left and right ear, relative to full scale."""
    seconds: float = 0.0
    """Length of the sound."""


def follow(learned: Learned, sound: np.ndarray, every_s: float) -> Track:
    """Predict the azimuth of a sound (2, L) float32 at RATE_HZ at moments `every_s` apart, each a training clip long."""
    return follow_blocks(learned, [sound], every_s)


def follow_blocks(learned: Learned, blocks: Iterable[np.ndarray], every_s: float) -> Track:
    """Predict the azimuth as `follow` does, from the blocks (2, n) of a sound; memory does not grow with its length."""
    if not 1 / RATE_HZ <= every_s < np.inf:
        raise InputError(f"--every is {every_s:g}; seconds above 0 are expected")
    step, clip = round(every_s * RATE_HZ), learned.clip
    found: list[tuple[np.ndarray, np.ndarray, np.ndarray]] = []
    waiting, first, moments = np.zeros((2, 0), np.float32), 0, 0
    for block in blocks:
        waiting = np.concatenate([waiting, block], 1)
        while (ready := min((first + waiting.shape[1] - clip - moments * step) // step + 1, BATCH)) > 0:
            starts = (moments + np.arange(ready)) * step - first
            found.append(_answers(learned, np.stack([waiting[:, s : s + clip] for s in starts])))
            moments += ready
            used = min(moments * step - first, waiting.shape[1])
            waiting, first = waiting[:, used:].copy(), first + used
    total = first + waiting.shape[1]
    if not moments and total:  # shorter than a clip
        clip, moments = total, 1
        found.append(_answers(learned, waiting[None]))
    power, learned_deg, delay_deg = (np.concatenate(x) for x in zip(*found, strict=True))
    quiet = power.sum(1) < 10 ** (-QUIET_DB / 10) * power.sum(1).max()
    learned_deg[quiet], delay_deg[quiet] = np.nan, np.nan
    time_s = (np.arange(moments) * step + clip / 2) / RATE_HZ
    return Track(time_s, learned_deg, delay_deg, 10 * np.log10(np.maximum(power, 1e-12)), total / RATE_HZ)


def direction_text(azimuth_deg: float, full_circle: bool) -> str:
    """Return a direction in words, such as "left, behind"; empty for NaN."""
    if np.isnan(azimuth_deg):
        return ""
    off = min(abs(azimuth_deg), 180 - abs(azimuth_deg))
    side = "" if off <= AHEAD_DEG else "left" if azimuth_deg > 0 else "right"
    if not full_circle:
        return side or "middle"
    depth = "behind" if abs(azimuth_deg) > 90 else "ahead" if not side else "in front"
    return f"{side}, {depth}" if side else depth


def mean_direction(azimuth_deg: np.ndarray) -> float:
    """Return the direction of the mean of unit vectors, degrees."""
    angle = np.deg2rad(azimuth_deg)
    return float(np.rad2deg(np.arctan2(np.sin(angle).mean(), np.cos(angle).mean())))


def write_table(path: Path, track: Track) -> None:
    """Write a track as CSV; quiet moments have no azimuth."""
    with path.open("w", newline="") as file:
        table = csv.writer(file)
        table.writerow(["time_s", "azimuth_deg", "gcc_phat_deg", "level_left_db", "level_right_db"])
        for time, azimuth, delay, level in zip(track.time_s, track.azimuth_deg, track.gcc_phat_deg, track.level_db, strict=True):
            angles = ("" if np.isnan(a) else f"{a:.2f}" for a in (azimuth, delay))
            table.writerow([f"{time:.4f}", *angles, *(f"{x:.2f}" for x in level)])


def _answers(learned: Learned, pieces: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return power (M, 2), learned and GCC-PHAT azimuth (M,) of pieces (M, 2, n)."""
    power = np.mean(pieces.astype(np.float64) ** 2, -1)
    return power, learned.azimuth(pieces, RATE_HZ).astype(float), gcc_phat_azimuth(pieces, RATE_HZ)
