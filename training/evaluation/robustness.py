"""Errors as items get harder: one setting at a time, the same items for all methods."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import groupby
from typing import Any, TypeVar

import numpy as np

from dataset.angles import fold_front
from dataset.progress import progress_bar
from dataset.reader import Dataset
from training.baselines.registry import AZIMUTH_BASELINES, AzimuthBaseline, RotationBaseline
from training.evaluation.evaluate import locate, turn
from training.evaluation.examples import Examples, ExampleSettings, PictureItems, SoundItems
from training.evaluation.predictors import Predictor
from training.evaluation.scores import angle_error, chance, difference, score


@dataclass(frozen=True)
class Sweep:
    """One setting of the items and its values, from easy to hard; `fixed` holds the accompanying settings."""

    setting: str
    title: str
    values: tuple[float | int | None, ...]
    fixed: dict[str, Any]


SWEEPS = (
    Sweep("sources", "sources (further ones 10 dB below)", (1, 2, 3, 4), {"dominance_db": 10.0}),
    Sweep("dominance_db", "second source below the first, dB", (40.0, 20.0, 10.0, 5.0, 0.0), {"sources": 2}),
    Sweep("noise_snr_db", "white noise below the sound, dB", (None, 40.0, 30.0, 20.0, 10.0, 0.0), {}),
    Sweep("indirect_ratio", "indirect ratio (1 is physical)", (0.0, 0.2, 0.5, 1.0, 1.5), {}),
    Sweep("clip_s", "length of the sound, s", (2.55, 1.28, 0.64, 0.32), {}),
)


@dataclass(frozen=True)
class Point:
    """The errors of all methods at one value of a sweep."""

    sweep: Sweep
    value: float | int | None
    truth_deg: np.ndarray
    """(N,) turns, or azimuths folded to the front."""
    error_deg: dict[str, np.ndarray]
    """(N,) of each method, the predictors first."""
    group: np.ndarray
    """(N,) the set each item belongs to."""


def sweep_errors(
    predictors: Sequence[Predictor],
    data: Dataset,
    base: ExampleSettings,
    seed: int = 0,
    most: int = 200,
    batch: int = 32,
    sweeps: Sequence[Sweep] = SWEEPS,
    progress: bool = True,
) -> Iterator[Point]:
    """Yield the azimuth errors (folded to the front) of predictors and baselines while one setting at a time changes.

    data: a split, usually test. base: the other settings. most: number of sounds of each point, drawn once. Clips longer than the
    sets' sound are left out.
    """
    methods = {p.name: p.azimuth for p in predictors} | AZIMUTH_BASELINES
    stretch_s = data.read(0, "mono").shape[-1] / float(data.manifest["settings"]["acoustics"]["sample_rate_hz"])

    def make(values: Mapping[str, Any]) -> Examples | None:
        settings = replace(base, most=most, **values)
        return Examples(data, settings, seed) if settings.clip_s <= stretch_s else None

    yield from sweep_sounds(methods, make, sweeps, batch, progress)


def sweep_sounds(
    methods: Mapping[str, AzimuthBaseline],
    make: Callable[[Mapping[str, Any]], SoundItems | None],
    sweeps: Sequence[Sweep],
    batch: int = 32,
    progress: bool = True,
) -> Iterator[Point]:
    """Yield the azimuth errors, folded to the front, of all methods on the sounds that `make` returns for settings.

    make: None leaves a point out.
    """
    for sweep, value, items in _made(make, sweeps, progress):
        truth = fold_front(items.sounds.azimuth_deg)
        answers = locate(methods, items, batch, progress=False)
        errors = {name: angle_error(fold_front(a), truth) for name, a in answers.items()}
        yield Point(sweep, value, truth, errors, items.sounds.row)


def sweep_pairs(
    methods: Mapping[str, RotationBaseline],
    make: Callable[[Mapping[str, Any]], PictureItems | None],
    sweeps: Sequence[Sweep],
    batch: int = 32,
    progress: bool = True,
) -> Iterator[Point]:
    """Yield the rotation errors of all methods on the pairs that `make` returns for settings; None leaves a point out."""
    for sweep, value, items in _made(make, sweeps, progress):
        answers = turn(methods, items, batch, progress=False)
        errors = {name: angle_error(a, items.pairs.turn_deg) for name, a in answers.items()}
        yield Point(sweep, value, items.pairs.turn_deg, errors, items.pairs.row)


Items = TypeVar("Items")


def _made(
    make: Callable[[Mapping[str, Any]], Items | None], sweeps: Sequence[Sweep], progress: bool
) -> Iterator[tuple[Sweep, float | int | None, Items]]:
    with progress_bar(sum(len(s.values) for s in sweeps), "point", "robustness", progress) as bar:
        for sweep, value in ((s, v) for s in sweeps for v in s.values):
            items = make(sweep.fixed | {sweep.setting: value})
            if items is not None:
                yield sweep, value, items
            bar.update()


def summarised(points: Iterable[Point]) -> list[dict[str, Any]]:
    """Summarise the points of `sweep_errors`, for each sweep: {"setting", "title", "fixed", "points"}.

    A point is {"value", "n", "chance_mean_deg", "mean_deg", "mean_95_deg" and "median_deg": {name: degrees}, "against":
    {name: difference of the first predictor's error from the named one's, with its 95 % interval over sets}}.
    """
    return [
        {"setting": sweep.setting, "title": sweep.title, "fixed": sweep.fixed, "points": [_summary(p) for p in group]}
        for sweep, group in groupby(points, lambda point: point.sweep)
    ]


def _summary(point: Point) -> dict[str, Any]:
    truth, errors, group = point.truth_deg, point.error_deg, point.group
    first, *others = errors
    return {
        "value": point.value,
        "n": len(truth),
        "chance_mean_deg": chance(truth, np.concatenate([truth, -truth]))["chance_mean_deg"],
        "mean_deg": {name: float(e.mean()) for name, e in errors.items()},
        "mean_95_deg": {name: score(e, group)["mean_95_deg"] for name, e in errors.items()},
        "median_deg": {name: float(np.median(e)) for name, e in errors.items()},
        "against": {name: difference(errors[first], errors[name], group) for name in others},
    }
