"""Evaluation: every predictor and every baseline on the same pairs of pictures and the same sounds.

    results = evaluate([learned, supervised], test, val)
    results.rotation.score("SLfM")["mean_deg"]

Nothing is selected on the test examples, and the truth corrects no prediction: the sign of a learned rotation (left or right)
belongs to the predictor; its fit to the validation examples' true turns is reported, see `check_sign`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import Any

import numpy as np

from dataset.angles import fold_front
from dataset.geometry import Pinhole
from dataset.progress import progress_bar
from training.baselines.registry import (
    AZIMUTH_BASELINES,
    ROTATION_BASELINES,
    AzimuthBaseline,
    RotationBaseline,
    constant_answers,
)
from training.errors import InputError
from training.evaluation.examples import Examples, PictureItems, SoundItems
from training.evaluation.full_circle import full_circle
from training.evaluation.predictors import Predictor
from training.evaluation.scores import angle_error, binned, chance, edges, score

SIGN_PAIRS = 256
"""Maximum number of validation pairs that check a rotation's sign."""
BOUNDS = {
    "turn_deg": (0, 15, 30, 45, 60, 75, 90, 135, 180),
    "overlap": (0, 0.1, 0.2, 0.4, 0.6, 0.8, 1.0),
    "moved_m": (0, 0.05, 0.1, 0.15, 0.2, 0.3, 0.5, 1, 2, 5),
    "azimuth_deg": (0, 15, 30, 45, 60, 75, 90),
    "rt60_s": None,
    "distance_m": (0, 0.5, 1, 1.5, 2, 2.5, 3, 5, 10),
}
"""Edges of the bins of each condition; None: quantiles."""


@dataclass(frozen=True)
class Task:
    """The truth of one task on N items, and the answers of all methods."""

    truth_deg: np.ndarray
    """(N,) turns in (-180, 180], or azimuths folded to the front, [-90, 90]."""
    group: np.ndarray
    """(N,) the set each item belongs to."""
    conditions: dict[str, np.ndarray]
    """(N,) each: values that errors are binned by."""
    guesses_deg: np.ndarray
    """(M,) true answers of the validation split and their mirror images, from which chance draws."""
    predictors: tuple[str, ...]
    """Names of the learned and supervised predictors, the one that is reported first."""
    baselines: tuple[str, ...]
    answers: dict[str, np.ndarray]
    """(N,) degrees of each predictor and baseline; NaN without an answer (scored as 0)."""
    signs: dict[str, dict[str, Any]] = field(default_factory=dict)
    """The check of each predictor's sign on the validation split's true turns; empty for azimuths."""
    full_circle: dict[str, Any] = field(default_factory=dict)
    """Scores of full-circle azimuths, see full_circle.py; empty if no predictor covers the full circle."""
    circle: dict[str, np.ndarray] = field(default_factory=dict)
    """(N,) azimuths of each predictor that covers the full circle, (-180, 180]."""

    def error(self, name: str) -> np.ndarray:
        """Return the errors (N,), degrees, of a predictor or baseline."""
        return angle_error(self.answers[name], self.truth_deg)

    def score(self, name: str) -> dict[str, Any]:
        """Return the scores of one predictor or baseline: mean_deg, median_deg, mean_95_deg, n, chance_mean_deg, failed, ..."""
        error, near = self.error(name), np.abs(self.truth_deg) < 60.0
        return {
            **score(error, self.group),
            **chance(self.truth_deg, self.guesses_deg),
            "mean_below_60_deg": float(error[near].mean()) if near.any() else None,
            "failed": int(np.isnan(self.answers[name]).sum()),
        }

    def by(self, condition: str, name: str) -> list[dict[str, Any]]:
        """Return the errors of one predictor or baseline in bins of a condition."""
        values = self.conditions[condition]
        return binned(self.error(name), values, edges(values, BOUNDS[condition]))


@dataclass(frozen=True)
class Results:
    """Both tasks, on one split."""

    rotation: Task
    azimuth: Task


def evaluate(predictors: Sequence[Predictor], test: Examples, val: Examples, batch: int = 32, progress: bool = True) -> Results:
    """Evaluate predictors and all baselines on the same items.

    predictors: the main one, then others to compare (a supervised bound, ablations); names must differ. test, val: the
    examples of two splits. Turns are compared on the full circle; predicted and true azimuths are folded to the front.
    Raise InputError for repeated names.
    """
    names = [p.name for p in predictors]
    if len(set(names)) < len(names) or not names:
        raise InputError(f"predictors are named {names}; expected one or more, with different names")
    rotation = evaluate_rotation(predictors, test, val, batch, progress)
    return Results(rotation, evaluate_azimuth(predictors, test, val, batch, progress))


def check_sign(answer_deg: np.ndarray, truth_deg: np.ndarray) -> dict[str, Any]:
    """Compare rotations (N,), degrees, and their negatives with the truth.

    Return `right` (whether the sign as predicted fits better), both mean errors in degrees and the number of pairs.
    """
    kept, turned = (float(angle_error(s * answer_deg, truth_deg).mean()) for s in (1.0, -1.0))
    return {"right": kept <= turned, "mean_deg_kept": kept, "mean_deg_turned": turned, "pairs": len(truth_deg)}


def evaluate_rotation(
    predictors: Sequence[Predictor],
    test: PictureItems,
    val: PictureItems,
    batch: int = 32,
    progress: bool = True,
    methods: Mapping[str, RotationBaseline] | None = None,
) -> Task:
    """Evaluate predictors and the rotation baselines on the same pairs; chance and the check of signs use those of `val`.

    methods: how the predictors answer, by name, where they are to know the cameras.
    """
    truth, reference = test.pairs.turn_deg, val.pairs.turn_deg
    methods = methods or rotation_methods(predictors)
    whole = turn({**methods, **ROTATION_BASELINES}, test, batch, progress)
    signs = _signs(methods, val, batch)
    constant = constant_answers(truth, reference)
    conditions = _known({"turn_deg": np.abs(truth), "overlap": test.pairs.overlap})
    if test.pairs.moved_m.any():
        conditions["moved_m"] = test.pairs.moved_m
    predicted = tuple(p.name for p in predictors)
    names = (*constant, *(name for name in whole if name not in predicted))
    return Task(truth, test.pairs.row, conditions, _mirrored(reference), predicted, names, whole | constant, signs)


def rotation_methods(predictors: Sequence[Predictor]) -> dict[str, RotationBaseline]:
    """Return the rotations of predictors by name, as functions of pictures and cameras that ignore the cameras."""
    return {p.name: partial(_of_pictures_alone, p.rotation) for p in predictors}


def _of_pictures_alone(
    rotation: Callable[[np.ndarray, np.ndarray], np.ndarray],
    rgb_s: np.ndarray,
    rgb_t: np.ndarray,
    cameras_s: Sequence[Pinhole],
    cameras_t: Sequence[Pinhole],
) -> np.ndarray:
    return rotation(rgb_s, rgb_t)


def turn(
    methods: Mapping[str, RotationBaseline], items: PictureItems, batch: int = 32, progress: bool = True, most: int | None = None
) -> dict[str, np.ndarray]:
    """Return the turns of the first `most` pairs (None: all) by each method: {name: (N,) degrees}; NaN without an answer."""
    answers: dict[str, list[np.ndarray]] = {name: [] for name in methods}
    for part in _batches(len(items.pairs.turn_deg[:most]), batch, "pictures", progress):
        pictures, cameras = items.pictures(part), items.cameras(part)
        for name, predict in methods.items():
            answers[name].append(np.asarray(predict(*pictures, *cameras), float))
    return {name: np.concatenate(parts) for name, parts in answers.items()}


def _signs(methods: Mapping[str, RotationBaseline], val: PictureItems, batch: int) -> dict[str, dict[str, Any]]:
    answers = turn(methods, val, batch, progress=False, most=SIGN_PAIRS)
    return {name: check_sign(a, val.pairs.turn_deg[:SIGN_PAIRS]) for name, a in answers.items()}


def evaluate_azimuth(
    predictors: Sequence[Predictor], test: SoundItems, val: SoundItems, batch: int = 32, progress: bool = True
) -> Task:
    """Evaluate predictors and the azimuth baselines on the same sounds; chance draws from those of `val`."""
    truth, reference = fold_front(test.sounds.azimuth_deg), fold_front(val.sounds.azimuth_deg)
    methods = {p.name: p.azimuth for p in predictors}
    constant = constant_answers(truth, reference)
    answers = locate(methods | AZIMUTH_BASELINES, test, batch, progress)
    conditions = _known({"azimuth_deg": np.abs(truth), "rt60_s": test.sounds.rt60_s, "distance_m": test.sounds.distance_m})
    names = (*constant, *AZIMUTH_BASELINES)
    circle = {p.name: answers[p.name] for p in predictors if p.full_circle}
    folded = {name: fold_front(a) for name, a in answers.items()} | constant
    scored = full_circle(test.sounds.azimuth_deg, circle, test.sounds.row) if circle else {}
    return Task(truth, test.sounds.row, conditions, _mirrored(reference), tuple(methods), names, folded, {}, scored, circle)


def locate(
    methods: Mapping[str, AzimuthBaseline], examples: SoundItems, batch: int = 32, progress: bool = True
) -> dict[str, np.ndarray]:
    """Return the azimuths of all sounds by each method: {name: (N,) degrees in (-180, 180]}."""
    answers: dict[str, list[np.ndarray]] = {name: [] for name in methods}
    for items in _batches(len(examples.sounds.row), batch, "sounds", progress):
        sound = examples.clips(items)
        for name, predict in methods.items():
            answers[name].append(np.asarray(predict(sound, examples.sample_rate), float))
    return {name: np.concatenate(parts) for name, parts in answers.items()}


def _known(conditions: dict[str, np.ndarray]) -> dict[str, np.ndarray]:
    """Leave out conditions that are missing in the data set."""
    return {name: values for name, values in conditions.items() if not np.isnan(values).any()}


def _mirrored(angle_deg: np.ndarray) -> np.ndarray:
    return np.concatenate([angle_deg, -angle_deg])


def _batches(count: int, batch: int, what: str, progress: bool) -> Iterator[np.ndarray]:
    with progress_bar(count, "item", f"evaluate: {what}", progress) as bar:
        for first in range(0, count, batch):
            items = np.arange(first, min(first + batch, count))
            yield items
            bar.update(len(items))
