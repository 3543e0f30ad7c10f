"""Find the scatter of answers that tells pairs of pictures that share nothing from those that overlap.

Overlapping are each set's first view with each other view, if at least LEAST_OVERLAP of the picture is in both. Pairs that share
nothing are views of one scene, of the same or of other sets, none of whose pixels projects into the other.
"""

from __future__ import annotations

import numpy as np

from dataset.geometry import CAMERA_FIELDS, Pinhole, pinholes
from dataset.reader import Dataset
from training.data.clips import has
from training.data.overlap import overlap
from training.errors import InputError
from training.evaluation.calibration import DEFAULT_HFOV_DEG, Calibration
from training.evaluation.examples import Examples, ExampleSettings
from training.evaluation.learned import Learned

LEAST_OVERLAP = 0.1
REFUSED = 0.05
"""Share of overlapping pairs that is refused, at most."""
DISJOINT = 400
"""Pairs that share nothing, at most."""
TRIES = 20
"""Draws for each of them."""
BATCH = 32
UNHEARD_S = 0.01
"""Length of the sounds, which are not used."""


def calibrate(learned: Learned, data: Dataset, seed: int = 0) -> Calibration:
    """Return the calibration of a predictor on a split, usually val; raise InputError where it has too few pairs or no depth."""
    examples = Examples(data, ExampleSettings(clip_s=UNHEARD_S), seed)
    if not has(data, "depth"):
        raise InputError(f"{data.root} has no depth in this split; overlaps are computed from it")
    pairs = examples.pairs
    chosen = np.flatnonzero(pairs.overlap >= LEAST_OVERLAP)
    if len(chosen) < 1 / REFUSED:
        raise InputError(f"{data.root} has {len(chosen)} overlapping pairs in this split; at least {1 / REFUSED:.0f} are needed")
    near = _spread(learned, [examples.pictures(chosen[k : k + BATCH]) for k in range(0, len(chosen), BATCH)])
    limit = float(np.quantile(near, 1 - REFUSED, method="higher"))
    far = _spread(learned, _disjoint(examples, np.random.default_rng((seed, 51))))
    return Calibration(
        hfov_deg=_hfov_deg(data),
        spread_limit_deg=limit,
        overlapping=len(near),
        overlapping_refused=float((near > limit).mean()),
        disjoint=len(far),
        disjoint_refused=float((far > limit).mean()) if len(far) else float("nan"),
    )


def _spread(learned: Learned, batches: list[tuple[np.ndarray, np.ndarray]]) -> np.ndarray:
    return np.concatenate([learned.rotation_and_spread(*batch)[1] for batch in batches] or [np.zeros(0)])


def _disjoint(examples: Examples, rng: np.random.Generator) -> list[tuple[np.ndarray, np.ndarray]]:
    """Return batches of pairs of pictures of one scene that share nothing."""
    data = examples.data
    scenes: dict[str, list[int]] = {}
    for row in range(len(data)):
        scenes.setdefault(str(data.read(row, "set_id")).rpartition("/")[0], []).append(row)
    names = sorted(scenes)
    found: list[tuple[np.ndarray, np.ndarray]] = []
    for _ in range(TRIES * DISJOINT):
        rows = scenes[names[int(rng.integers(len(names)))]]
        a, b = ((row, int(rng.integers(len(data.read(row, "heading"))))) for row in rng.choice(rows, 2).tolist())
        if a != b and _shared(examples, a, b) == 0 and _shared(examples, b, a) == 0:
            found.append((data.read(a[0], "rgb", a[1]), data.read(b[0], "rgb", b[1])))
            if len(found) == DISJOINT:
                break
    parts = [found[k : k + BATCH] for k in range(0, len(found), BATCH)]
    return [(np.stack([x for x, _ in part]), np.stack([y for _, y in part])) for part in parts]


def _shared(examples: Examples, a: tuple[int, int], b: tuple[int, int]) -> float:
    """Return the share of the picture of view a = (set, view) that projects into that of view b."""
    data = examples.data
    (pose_a, camera_a), (pose_b, camera_b) = (_view(data, *view) for view in (a, b))
    return overlap(data.read(a[0], "depth", a[1]), *pose_a, *pose_b, camera_a, camera_b)


def _view(data: Dataset, row: int, view: int) -> tuple[tuple[np.ndarray, float], Pinhole]:
    """Return position and heading, and camera, of a view."""
    pose = data.read(row, "position")[view], float(data.read(row, "heading")[view])
    return pose, pinholes({name: data.read(row, name) for name in CAMERA_FIELDS})[view]


def _hfov_deg(data: Dataset) -> float:
    """Return the mean horizontal field of view of a split's pictures."""
    values = [np.mean(data.read(row, "hfov_deg")) for row in range(len(data))] if "hfov_deg" in data.names(0) else []
    return float(np.mean(values)) if values else DEFAULT_HFOV_DEG
