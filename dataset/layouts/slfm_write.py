"""Conversion of a data set into SLfM's published layout, as input of the original code.

Responses are written as 32-bit float WAV, which the original code reads and which neither clips nor rounds. Fields that the
layout lacks (metric depth, instances, dry and binaural sound, clips) are not written.
"""

from __future__ import annotations

import csv
import json
import shutil
from pathlib import Path
from typing import Any

import numpy as np
import soundfile
from PIL import Image
from scipy.spatial.transform import Rotation

from dataset.atomic import temporary_name, write_text
from dataset.errors import DatasetError
from dataset.format.documents import check_inside, number_of, read_object
from dataset.format.shard import settings_of
from dataset.format.splits import SPLITS
from dataset.geometry import CAMERA_FIELDS, pinholes
from dataset.layouts.slfm_lists import COLUMN, FOLDER
from dataset.layouts.slfm_pair import DIRECT, FULL, HFOV, INDIRECT, METADATA, ROTATION
from dataset.layouts.slfm_read import INDEX
from dataset.progress import progress_bar
from dataset.reader import Dataset
from dataset.responses import full_response
from dataset.rewriting.resume import begin, digest_of, finish

TAKEN = (
    "set_id", "rgb", "position", "heading", *CAMERA_FIELDS, "source_position", "azimuth", "brir_direct", "brir_indirect",
)  # fmt: skip
PLACE = "./data/AI-Habitat/ProcessedData"
"""Where the original code, run in its own folder, looks for pairs: the lists contain paths below it."""


def to_slfm(root: str | Path, out: Path, progress: bool = False) -> int:
    """Write the pairs of a data set (a folder or an address) into a new folder and return their number.

    Also writes data-split/<split>.csv and sight-and-sound.json (settings, credits, digests of scenes). A repeated call after an
    interruption resumes. Raise DatasetError for damaged shards, absent responses, or a folder that holds anything else.
    """
    data = Dataset(root)
    recipe = {"command": "convert", "to": "slfm", "of": digest_of(data.store)}
    index = out / INDEX
    if begin(out, recipe, read_object(index).get("recipe") if index.is_file() else None, [root]):
        listed: dict[str, list[str]] = {split: [] for split in SPLITS}
        for row in progress_bar(len(data), "set", "slfm", progress, iterable=range(len(data))):
            shard = data.locate(row)[0]
            path = _pair_path(data.read(row, "set_id"))
            if not (out / path).is_dir():
                name = data.shards[shard]["path"]
                settings = settings_of(data.shard_file(shard), name)
                ratio = number_of(settings, "acoustics", "indirect_ratio", name)
                _write_pair(_read(data, row), ratio, int(data.shard_file(shard).attrs["sample_rate"]), out / path)
            listed.setdefault(data.shards[shard]["split"], []).append(path)
        for split, paths in listed.items():
            _write_list(out / FOLDER / f"{split}.csv", [f"{PLACE}/{out.resolve().name}/{path}" for path in paths])
        scenes = {s["scene"]: s["scene_sha256"] for s in data.shards}
        kept = {k: v for k, v in data.manifest.items() if k != "shards"}
        write_text(index, json.dumps({"recipe": recipe, "scenes": scenes, **kept}, indent=1) + "\n")
        finish(out)
    return len(data)


def _pair_path(set_id: str) -> str:
    check_inside(set_id, "a shard")
    scene, _, number = set_id.rpartition("/")
    if not scene or not number.isdecimal():
        raise DatasetError(f"a set has the id {set_id!r}; <scene>/<number> is expected: verify the data set")
    return f"{scene}/pair-{int(number):04d}"


def _read(data: Dataset, row: int) -> dict[str, Any]:
    """Read the fields that the layout stores; rt60 where it is present."""
    names = (*TAKEN, "rt60") if "rt60" in data.shard_file(data.locate(row)[0]) else TAKEN
    return {name: data.read(row, name) for name in names}


def _write_pair(one: dict[str, Any], indirect_ratio: float, sample_rate: int, folder: Path) -> None:
    """Write the folder of a pair, atomically."""
    for left in folder.parent.glob(f".{folder.name}.*.part"):
        shutil.rmtree(left)
    part = temporary_name(folder)
    try:
        _write_files(one, indirect_ratio, sample_rate, part)
        part.replace(folder)
    except soundfile.LibsndfileError as error:  # it has the system's error only as a text
        raise OSError(f"{folder} cannot be written ({error}); make room and repeat the command to resume") from None
    finally:
        shutil.rmtree(part, ignore_errors=True)


def _write_files(one: dict[str, Any], indirect_ratio: float, sample_rate: int, part: Path) -> None:
    for kind in (DIRECT, INDIRECT, FULL):
        (part / kind).mkdir(parents=True)
    for view, picture in enumerate(one["rgb"]):
        Image.fromarray(picture).save(part / f"camera_{view}_rgb.png", compress_level=3)
    direct, indirect = one["brir_direct"], one["brir_indirect"]
    # The original code adds them sample by sample and requires the direct one to be no longer than the other.
    indirect = np.pad(indirect, ((0, 0), (0, 0), (0, 0), (0, max(0, direct.shape[-1] - indirect.shape[-1]))))
    full = full_response(direct, indirect, indirect_ratio)
    for view, source in np.ndindex(*direct.shape[:2]):
        for kind, sound in ((DIRECT, direct), (INDIRECT, indirect), (FULL, full)):
            path = part / kind / f"sound_{source}_camera_{view}_rir.wav"
            soundfile.write(path, sound[view, source].T, sample_rate, subtype="FLOAT")
    metadata = _metadata(one)
    (part / METADATA).write_text(json.dumps(metadata, indent=4) + "\n")


def _metadata(one: dict[str, Any]) -> dict[str, Any]:
    out: dict[str, Any] = {"scene_id": one["set_id"].rsplit("/", 1)[0]}
    for v, (position, heading, camera) in enumerate(zip(one["position"], one["heading"], pinholes(one), strict=True)):
        out[f"camera_{v}_angle"] = float(heading)
        out[f"camera_{v}_position"] = position.tolist()
        out[ROTATION.format(v)] = rotation(float(heading), camera.pitch_deg, camera.roll_deg)
        out[HFOV.format(v)] = camera.hfov_deg
    for s, position in enumerate(one["source_position"]):
        out[f"source_{s}_position"] = position.tolist()
    for v, s in np.ndindex(*one["azimuth"].shape):
        out[f"relative_angle_between_sound_{s}_camera_{v}"] = float(one["azimuth"][v, s])
        if "rt60" in one:
            out[f"sound_{s}_camera_{v}_rir_rt60"] = [None if np.isnan(t) else float(t) for t in one["rt60"][v, s]]
    return out


def rotation(heading_deg: float, pitch_deg: float, roll_deg: float = 0.0) -> list[float]:
    """Return the quaternion (w, x, y, z) of a camera with the axes of dataset/geometry.py."""
    x, y, z, w = Rotation.from_euler("YXZ", [heading_deg, pitch_deg, roll_deg], degrees=True).as_quat()
    return [float(part) for part in (w, x, y, z)]


def _write_list(path: Path, places: list[str]) -> None:
    path.parent.mkdir(exist_ok=True)
    with open(path, "w", newline="") as file:
        writer = csv.writer(file, quoting=csv.QUOTE_ALL)
        writer.writerows([[COLUMN], *([place] for place in places)])
