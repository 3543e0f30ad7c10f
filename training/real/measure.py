"""Measure predictors and baselines on panoramas and in measured rooms, also as one setting at a time changes."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

from training.baselines.registry import AZIMUTH_BASELINES, ROTATION_BASELINES, RotationBaseline
from training.evaluation.evaluate import Task, evaluate_azimuth, evaluate_rotation, rotation_methods
from training.evaluation.examples import ExampleSettings
from training.evaluation.full_circle import full_circle
from training.evaluation.learned import Learned
from training.evaluation.predictors import Predictor
from training.evaluation.robustness import SWEEPS, Sweep, summarised, sweep_pairs, sweep_sounds
from training.real.cameras import measure_cameras, turns_with_lens
from training.real.panorama_pairs import PanoramaPairs, ViewSettings
from training.real.room_sounds import RoomSounds
from training.real.rooms import Room

SOUND_SWEEPS = tuple(s for s in SWEEPS if s.setting != "indirect_ratio")
"""Measured responses are not split into direct and indirect sound."""
PICTURE_SWEEPS = (
    Sweep("hfov_deg", "field of view, degrees, pitch -22.5", (45.0, 50.0, 60.0, 70.0, 80.0, 90.0), {"pitch_deg": -22.5}),
    Sweep("hfov_deg", "field of view, degrees, pitch 0", (45.0, 50.0, 60.0, 70.0, 80.0, 90.0), {"pitch_deg": 0.0}),
    Sweep("pitch_deg", "pitch, degrees", (-45.0, -22.5, 0.0, 22.5), {}),
    Sweep("turn_deg", "turn, degrees", (10.0, 20.0, 30.0, 40.0, 50.0, 60.0, 80.0), {}),
)


@dataclass(frozen=True)
class Measured:
    """One task on real data."""

    task: Task
    items: Any
    """The `PanoramaPairs` or `RoomSounds` that it was measured on."""
    groups: dict[str, dict[str, Any]]
    """Mean errors of each panorama or room: {name: {"n", "mean_deg": {method: degrees}, ...}}."""
    sweeps: list[dict[str, Any]]
    about: dict[str, Any]
    """Origin and settings of the items, serialisable."""


def measure_panoramas(
    predictors: Sequence[Learned],
    panoramas: Sequence[Path],
    settings: ViewSettings,
    seed: int = 0,
    sweeps: Sequence[Sweep] = PICTURE_SWEEPS,
    most: int = 200,
    progress: bool = True,
) -> Measured:
    """Measure rotations between views of panoramas, whose lens the predictors know; intervals are over panoramas.

    The check of signs, and chance, use pairs drawn again. most: number of pairs of each point of a sweep. Sweeps show the first
    predictor also as it answers where the lens is unknown.
    """
    items, again = (PanoramaPairs(panoramas, settings, s) for s in (seed, seed + 1_000_003))
    methods: dict[str, RotationBaseline] = {p.name: partial(turns_with_lens, p) for p in predictors}
    task = evaluate_rotation(predictors, items, again, progress=progress, methods=methods)
    unknown = {f"{predictors[0].name}, lens unknown": rotation_methods(predictors[:1])[predictors[0].name]}

    def make(values: Mapping[str, Any]) -> PanoramaPairs:
        return PanoramaPairs(panoramas, replace(settings, most=most, **values), seed)

    swept = summarised(sweep_pairs({**methods, **unknown, **ROTATION_BASELINES}, make, sweeps, progress=progress))
    cameras = measure_cameras(predictors[0], panoramas, replace(settings, most=most), seed)
    about = {"panoramas": [p.name for p in panoramas], "views": asdict(settings), "seed": seed, "cameras": cameras}
    return Measured(task, items, _by_group(task, items.label), swept, about)


def measure_rooms(
    predictors: Sequence[Predictor],
    rooms: Sequence[Room],
    clips: Sequence[Path],
    sample_rate: int,
    settings: ExampleSettings,
    per_room: int = 200,
    seed: int = 0,
    sweeps: Sequence[Sweep] = SOUND_SWEEPS,
    most: int = 200,
    progress: bool = True,
) -> Measured:
    """Measure azimuths of dry sounds in rooms; intervals are over rooms, or over positions where there is only one room.

    Chance draws from the same sounds. most: number of sounds of each point of a sweep.
    """
    items = RoomSounds(rooms, clips, sample_rate, settings, per_room, seed)
    task = evaluate_azimuth(predictors, items, items, progress=progress)

    def make(values: Mapping[str, Any]) -> RoomSounds:
        return RoomSounds(rooms, clips, sample_rate, replace(settings, most=most, **values), per_room, seed)

    methods = {p.name: p.azimuth for p in predictors} | AZIMUTH_BASELINES
    swept = summarised(sweep_sounds(methods, make, sweeps, progress=progress))
    groups = _by_group(task, items.label)
    for row in np.unique(task.group):
        groups[items.label(int(row))]["front_back_accuracy"] = _front_back(task, items.sounds.azimuth_deg, task.group == row)
    about = {
        "rooms": {room.name: len(room) for room in rooms},
        "clips": [p.name for p in clips],
        "sounds": asdict(settings),
        "notes": [note for room in rooms for note in room.notes],
        "seed": seed,
    }
    return Measured(task, items, groups, swept, about)


def _by_group(task: Task, label: Callable[[int], str]) -> dict[str, dict[str, Any]]:
    """Return the mean errors of each group's items."""
    out = {}
    for row in np.unique(task.group):
        inside = task.group == row
        means = {name: float(task.error(name)[inside].mean()) for name in (*task.predictors, *task.baselines)}
        out[label(int(row))] = {"n": int(inside.sum()), "mean_deg": means}
    return out


def _front_back(task: Task, truth_deg: np.ndarray, inside: np.ndarray) -> dict[str, float | None]:
    """Return the share of sounds whose side, front or back, is right, of each full-circle method and of "always in front"."""
    if not task.circle:
        return {}
    answers = {name: a[inside] for name, a in task.circle.items()}
    scored = full_circle(truth_deg[inside], answers, task.group[inside])
    return {name: s["front_back_accuracy"] for name, s in scored.items() if name != "true side"}
