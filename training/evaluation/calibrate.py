"""Find the scatter of answers that tells pairs of pictures that share nothing from those that overlap.

Overlapping are each set's first view with each other view, if at least LEAST_OVERLAP of the picture is in both. Pairs that share
nothing are views of one scene, of the same or of other sets, none of whose pixels projects into the other. All pictures are
changed as cameras change them, because answers scatter more for photographs than for rendered views.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import asdict
from pathlib import Path

import numpy as np

from dataset.geometry import CAMERA_FIELDS, Pinhole, pinholes
from dataset.reader import Dataset
from training.config import PictureSettings
from training.data.clips import has
from training.data.decode import shrink
from training.data.overlap import overlap
from training.data.photograph import photographs
from training.errors import InputError
from training.evaluation.calibration import DEFAULT_HFOV_DEG, Calibration
from training.evaluation.examples import Examples, ExampleSettings
from training.evaluation.learned import Learned, load_predictor
from training.tasks import checkpoint

LOCALISERS = ("slfm.pt", "front-back.pt", "supervised.pt")
"""Checkpoints of a run that have a calibration."""
LEAST_OVERLAP = 0.1
REFUSED = 0.05
"""Share of overlapping pairs that is refused, at most."""
DISJOINT = 200
"""Pairs that share nothing, at most."""
TRIES = 20
"""Draws for each of them."""
BATCH = 32
PHOTOGRAPHS = PictureSettings(
    exposure_stops=1.0, white_balance_stops=0.3, vignetting_stops=1.0, blur_px=1.0, sensor_noise=0.03, jpeg_quality=30
)
"""What cameras do to the pictures."""
UNHEARD_S = 0.01
"""Length of the sounds, which are not used."""


def localisers_of(run: Path) -> list[Path]:
    """Return the checkpoints in a run's folder that hold a localiser."""
    return [path for path in (run / name for name in LOCALISERS) if path.is_file()]


def calibrate_checkpoint(path: Path, data: Dataset, seed: int = 0, device: str = "cpu") -> Calibration:
    """Calibrate the networks of a checkpoint on a split, and store the calibration in it; return it.

    Raise InputError where `calibrate` does, or where the checkpoint holds no localiser.
    """
    found = calibrate(load_predictor(path, device), data, seed)
    settings, content = checkpoint.load(path)
    checkpoint.save(path, settings, {**content, "calibration": asdict(found)})
    return found


def calibrate(learned: Learned, data: Dataset, seed: int = 0) -> Calibration:
    """Return the calibration of a predictor on a split, usually val; raise InputError where it has too few pairs or no depth."""
    examples = Examples(data, ExampleSettings(clip_s=UNHEARD_S), seed)
    if not has(data, "depth"):
        raise InputError(f"{data.root} has no depth in this split; overlaps are computed from it")
    pairs = examples.pairs
    chosen = np.flatnonzero(pairs.overlap >= LEAST_OVERLAP)
    if len(chosen) < 1 / REFUSED:
        raise InputError(f"{data.root} has {len(chosen)} overlapping pairs in this split; at least {1 / REFUSED:.0f} are needed")
    near = _spread(learned, (examples.pictures(chosen[k : k + BATCH]) for k in range(0, len(chosen), BATCH)), seed)
    limit = float(np.quantile(near, 1 - REFUSED, method="higher"))
    far = _spread(learned, _disjoint(data, np.random.default_rng((seed, 51))), seed)
    return Calibration(
        hfov_deg=_hfov_deg(data),
        spread_limit_deg=limit,
        overlapping=len(near),
        overlapping_refused=float((near > limit).mean()),
        disjoint=len(far),
        disjoint_refused=float((far > limit).mean()) if len(far) else float("nan"),
    )


def _spread(learned: Learned, batches: Iterable[tuple[np.ndarray, np.ndarray]], seed: int) -> np.ndarray:
    """Return the scatter of the answers for batches of pairs of pictures, taken as photographs: (N,) degrees."""
    rng = np.random.default_rng((seed, 52))
    found = [learned.rotation_and_spread(*(_taken(learned, rgb, rng) for rgb in batch))[1] for batch in batches]
    return np.concatenate(found or [np.zeros(0)])


def _taken(learned: Learned, rgb: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Return pictures (B, H, W, 3) at the network's size (B, h, w, 3), each as a camera of its own takes it."""
    picture = learned.settings.picture
    small = np.stack([shrink(one, picture.width_px, picture.height_px) for one in rgb]).transpose(0, 3, 1, 2)
    return photographs(small, PHOTOGRAPHS, rng).transpose(0, 2, 3, 1)


def _disjoint(data: Dataset, rng: np.random.Generator) -> list[tuple[np.ndarray, np.ndarray]]:
    """Return batches of pairs of pictures of one scene that share nothing."""
    scenes: dict[str, list[int]] = {}
    for row in range(len(data)):
        scenes.setdefault(str(data.read(row, "set_id")).rpartition("/")[0], []).append(row)
    names = sorted(scenes)
    views = [_views(data, row) for row in range(len(data))]
    found: list[tuple[np.ndarray, np.ndarray]] = []
    for _ in range(TRIES * DISJOINT):
        rows = scenes[names[int(rng.integers(len(names)))]]
        a, b = ((row, int(rng.integers(len(views[row])))) for row in rng.choice(rows, 2).tolist())
        if a == b or _shared(data, a, views[a[0]][a[1]], views[b[0]][b[1]]) > 0:
            continue
        if _shared(data, b, views[b[0]][b[1]], views[a[0]][a[1]]) == 0:
            found.append((data.read(a[0], "rgb", a[1]), data.read(b[0], "rgb", b[1])))
            if len(found) == DISJOINT:
                break
    parts = [found[k : k + BATCH] for k in range(0, len(found), BATCH)]
    return [(np.stack([x for x, _ in part]), np.stack([y for _, y in part])) for part in parts]


View = tuple[np.ndarray, float, Pinhole]
"""Position, heading and camera."""


def _views(data: Dataset, row: int) -> list[View]:
    """Return the views of a set."""
    cameras = pinholes({name: data.read(row, name) for name in CAMERA_FIELDS})
    return list(zip(data.read(row, "position"), data.read(row, "heading").tolist(), cameras, strict=True))


def _shared(data: Dataset, place: tuple[int, int], own: View, other: View) -> float:
    """Return the share of the picture at (set, view) that projects into the other view."""
    return overlap(data.read(place[0], "depth", place[1]), *own[:2], *other[:2], own[2], other[2])


def _hfov_deg(data: Dataset) -> float:
    """Return the mean horizontal field of view of a split's pictures."""
    values = [np.mean(data.read(row, "hfov_deg")) for row in range(len(data))] if "hfov_deg" in data.names(0) else []
    return float(np.mean(values)) if values else DEFAULT_HFOV_DEG
