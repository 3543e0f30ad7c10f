"""Walks in the layout of the DCASE 2025 challenge, task 3 (stereo sound event localization and detection).

stereo_dev/, video_dev/ and metadata_dev/ each hold dev-train, dev-val and dev-test. A clip foldF_roomR_mixM is a stereo WAV of
16 bits at 24 kHz, an MP4 without sound, and a CSV with the header frame,class,source,azimuth,distance,onscreen: one row for each
100 ms and source that sounds. Azimuths are whole degrees, left positive, those behind mirrored to the front, since two channels
do not tell them apart; distances are whole centimetres. The challenge's classes are of its own recordings: here a class is the
folder of the clip, or the clip where there are no folders; classes.csv lists them.
"""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path, PurePosixPath
from typing import Any

import numpy as np
import soundfile
import soxr

from dataset.angles import azimuth, fold_front
from dataset.atomic import clear_parts, replacing, write_text
from dataset.format.documents import read_object
from dataset.layouts.walk_clips import PEAK, WalkClip, check_walks, walk_clips, write_mp4
from dataset.progress import progress_bar
from dataset.reader import Dataset
from dataset.rewriting.resume import begin, digest_of, finish

INDEX = "sight-and-sound.json"
"""File beside the folders, written last: settings, credits, and the set of each clip."""
COLUMNS = ("frame", "class", "source", "azimuth", "distance", "onscreen")
FRAME_S = 0.1
RATE_HZ = 24000
ACTIVE_DB = -40.0
"""Least level of a source's dry sound within a frame, relative to its mean level, at which it counts as sounding."""
FOLDS = {"train": ("dev-train", 3), "val": ("dev-val", 2), "test": ("dev-test", 4)}
"""Folder and fold of each split, as the challenge numbers them."""


def to_dcase(root: str | Path, out: Path, progress: bool = False) -> int:
    """Write the walks of a data set (a folder or an address) in the challenge's layout into a new folder; return their number.

    A repeated call after an interruption resumes. Raise DatasetError for data sets without walks, where PyAV is missing, or where
    the folder holds anything else.
    """
    data = Dataset(root)
    check_walks(data)
    recipe = {"command": "convert", "to": "dcase", "of": digest_of(data.store)}
    index = out / INDEX
    if begin(out, recipe, read_object(index).get("recipe") if index.is_file() else None, [root]):
        classes, rooms = _classes(data), list(dict.fromkeys(s["scene"] for s in data.shards))
        named = {}
        with progress_bar(len(data), "set", "dcase", progress) as bar:
            for clip in walk_clips(data):
                name = f"fold{FOLDS[clip.split][1]}_room{rooms.index(clip.scene)}_mix{clip.number:03d}"
                _write(clip, out, name, classes)
                named[name] = clip.one["set_id"]
                bar.update()
        write_text(out / "classes.csv", _table(("idx", "label"), ((k, label) for label, k in classes.items())))
        kept = {key: value for key, value in data.manifest.items() if key != "shards"}
        write_text(index, json.dumps({"recipe": recipe, "sets": named, **kept}, indent=1) + "\n")
        finish(out)
    return len(data)


def labels(clip: WalkClip, classes: dict[str, int]) -> Iterator[tuple[int, ...]]:
    """Return the rows of a clip's CSV. Positions between two pictures are interpolated."""
    one, time = clip.one, clip.one["time"].astype(np.float64)
    frames = int(np.ceil(one["recording"].shape[1] / clip.sample_rate / FRAME_S - 1e-6))
    at = np.arange(frames) * FRAME_S
    nearest = np.abs(at[:, None] - time).argmin(1)
    heads, sources = _between(at, time, one["position"]), _between(at, time, clip.sources)
    heading = np.interp(at, time, np.unwrap(one["heading"].astype(np.float64), period=360.0))
    offset = sources - heads[:, None]
    side, distance = fold_front(azimuth(offset, heading[:, None])), np.linalg.norm(offset, axis=-1)
    active, shown = _active(one["mono"], frames, clip.sample_rate), clip.on_screen[nearest]
    of_source = [classes[_label(entry["clip"])] for entry in json.loads(one["clips"])]
    for k, s in np.argwhere(active.T):
        cm = round(100 * float(distance[k, s]))
        yield int(k), of_source[s], int(s), round(float(side[k, s])), cm, int(shown[k, s])


def _between(at: np.ndarray, time: np.ndarray, values: np.ndarray) -> np.ndarray:
    """Interpolate values (V, ...) of moments (V,) at other times, (K, ...) float64."""
    flat = values.reshape(len(time), -1).astype(np.float64)
    return np.stack([np.interp(at, time, column) for column in flat.T], 1).reshape(len(at), *values.shape[1:])


def _active(mono: np.ndarray, frames: int, sample_rate: int) -> np.ndarray:
    """Return in which frames the dry sounds (S, L) are above ACTIVE_DB of their mean level, (S, frames) bool."""
    square = mono.astype(np.float64) ** 2
    edges = np.minimum(np.round(np.arange(frames + 1) * FRAME_S * sample_rate).astype(int), mono.shape[1])
    power = np.stack([square[:, a:b].mean(1) if b > a else np.zeros(len(mono)) for a, b in pairwise(edges)], 1)
    return np.asarray(power > 10 ** (ACTIVE_DB / 10) * square.mean(1, keepdims=True))


def _label(clip: str) -> str:
    path = PurePosixPath(clip)
    return path.parent.as_posix() if len(path.parts) > 1 else path.stem


def _classes(data: Dataset) -> dict[str, int]:
    """Return the number of each class."""
    found = {_label(entry["clip"]) for index in range(len(data)) for entry in json.loads(data.read(index, "clips"))}
    return {label: k for k, label in enumerate(sorted(found))}


def _write(clip: WalkClip, out: Path, name: str, classes: dict[str, int]) -> None:
    split = FOLDS[clip.split][0]
    folders = {kind: out / kind / split for kind in ("stereo_dev", "video_dev", "metadata_dev")}
    table = folders["metadata_dev"] / f"{name}.csv"
    if table.is_file():
        return
    for folder in folders.values():
        folder.mkdir(parents=True, exist_ok=True)
        clear_parts(folder)
    sound = soxr.resample(clip.sound.T, clip.sample_rate, RATE_HZ, quality="HQ")
    sound = sound * min(1.0, PEAK / max(float(np.abs(sound).max()), 1e-9))
    with replacing(folders["stereo_dev"] / f"{name}.wav") as part:
        soundfile.write(part, sound, RATE_HZ, format="WAV", subtype="PCM_16")
    with replacing(folders["video_dev"] / f"{name}.mp4") as part:
        write_mp4(part, clip.one["rgb"], clip.fps)
    write_text(table, _table(COLUMNS, labels(clip, classes)))


def _table(columns: tuple[str, ...], rows: Iterator[tuple[Any, ...]]) -> str:
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(columns)
    writer.writerows(rows)
    return text.getvalue()
