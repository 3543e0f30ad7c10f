"""Data of the viewer's page: numbers, pictures, sounds and plans, small enough to embed, as JSON."""

from __future__ import annotations

import base64
import copy
import io
import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import PurePosixPath
from threading import Lock
from typing import Any

import numpy as np
import soundfile
import soxr
from PIL import Image
from scipy.signal import oaconvolve

from dataset.format.documents import section
from dataset.format.shard import settings_of
from dataset.geometry import CAMERA_FIELDS
from dataset.interaural import ild_db, itd_us
from dataset.reader import Dataset
from dataset.responses import full_response
from dataset.viewer.floor_plan import NEEDED, scene_plan

PICTURE_PX, PICTURE_QUALITY = 320, 72
"""Widest picture of a view, and its JPEG quality."""
AROUND_PX = 1024
"""Widest panorama."""
PLAN_PX = 900
"""Longest side of a plan's picture."""
PLAIN = (
    "time", "position", "heading", "source_position", "source_track", "azimuth", "elevation", "distance", "in_sight", "rt60",
)  # fmt: skip
"""Fields that are shown unchanged."""
AROUND = "panorama_rgb"
PEAK = 0.9
"""Peak of the loudest sound of a set after scaling; the others keep their relative level."""


@dataclass(frozen=True)
class SoundForm:
    """Form of embedded sounds: container, coding and MIME type for soundfile and browsers, and length."""

    container: str
    coding: str
    mime: str
    seconds: float | None
    """Length of the loudest section that is embedded; None = all."""


SMALL = SoundForm("OGG", "OPUS", "audio/ogg", 2.55)
"""About 60 kbit/s. On rendered sets it changes time differences by less than 10 us and levels by less than 0.1 dB."""
OPUS_RATES = (8000, 12000, 16000, 24000, 48000)
WHOLE = SoundForm("FLAC", "PCM_16", "audio/flac", None)


class Panels:
    """Sets of a data set as dictionaries for json.dumps; safe to call from any thread.

    Raise DatasetError where a set cannot be read.
    """

    def __init__(self, data: Dataset) -> None:
        """Index the scenes of a data set."""
        self.data = data
        self.scenes: dict[str, list[int]] = {}
        for index in range(len(data)):
            self.scenes.setdefault(self.entry(index)["scene"], []).append(index)
        self._lock = Lock()
        # Plans take seconds: with open files of their own, sets can be read meanwhile.
        self._plan_data, self._plan_lock = copy.copy(data), Lock()

    def entry(self, index: int) -> Mapping[str, Any]:
        """Return the manifest's entry of the shard of a set."""
        return self.data.shards[self.data.locate(index)[0]]

    def name(self, index: int) -> str:
        """Return a name of a set, from its shard and row, without opening the shard."""
        return f"{PurePosixPath(self.entry(index)['path']).stem} #{self.data.locate(index)[1]}"

    def facts(self, index: int) -> dict[str, Any]:
        """Return geometry, decay times, interaural differences of the direct sound, and the pictures as base64 JPEGs.

        Lengths in m, angles in degrees, views first, then sources. None where a field is absent or not finite. With panoramas,
        `panorama_of` is the number of each view's.
        """
        one, settings, rate = self._read(index, [*PLAIN, "set_id", "rgb", "brir_direct", "clips", "hrtf", "head_scale", AROUND])
        with self._lock:
            angles = [_numbers(self.data.read(index, name), 3) for name in CAMERA_FIELDS]
        direct = one.get("brir_direct")
        facts = {
            "set": one["set_id"],
            "cameras": [dict(zip(CAMERA_FIELDS, values, strict=True)) for values in zip(*angles, strict=True)],
            "itd_us": None if direct is None else _numbers(itd_us(direct, rate), 0),
            "ild_db": None if direct is None else _numbers(ild_db(direct), 1),
            "clips": _clip_names(one.get("clips", "[]")),
            "pictures": [_jpeg(picture) for picture in one["rgb"]],
        }
        facts |= {"head_scale": _numbers(one["head_scale"], 3), "ears": self._ears(int(one["hrtf"]), settings)}
        if AROUND in one:
            facts |= {
                "panoramas": [_jpeg(picture, AROUND_PX) for picture in one[AROUND]],
                "panorama_of": places_of(one["position"]).tolist(),
            }
        return {**facts, **{name: _numbers(one[name], 3) if name in one else None for name in PLAIN}}

    def _ears(self, index: int, settings: Mapping[str, Any]) -> str:
        """Return the title of a set's HRTF file; empty where it is not recorded."""
        digests = section(settings, "inputs").get("hrtf")
        digest = digests[index] if isinstance(digests, list) and index < len(digests) else None
        titles = {file["sha256"]: file["title"] for file in self.data.manifest.get("hrtf_files", [])}
        return str(titles.get(digest, ""))

    def sound(self, index: int, form: SoundForm) -> dict[str, Any]:
        """Return the binaural sound of each view: of all sources, and of each source where there are several.

        Of a walk, the whole recording is returned as that of one view. Where a data set has no sound, the responses are returned
        instead. One gain applies to the whole set.
        """
        one, settings, rate = self._read(index, ["audio", "mono", "brir_direct", "brir_indirect", "recording"])
        tracks = _tracks(one, float(section(settings, "acoustics").get("indirect_ratio", 1.0)))
        longest = None if "recording" in one else form.seconds
        start, stop = _loudest(next(iter(tracks.values())), rate, longest) if tracks else (0, 0)
        tracks = {source: track[..., start:stop] for source, track in tracks.items()}
        peak = max((float(np.abs(track).max()) for track in tracks.values()), default=0.0) or PEAK
        return {
            "mime": form.mime,
            "rate": rate,
            "start_s": round(start / rate, 3),
            "seconds": round((stop - start) / rate, 3),
            "gain_db": round(20 * float(np.log10(PEAK / peak)), 1),
            "response": "audio" not in one and "recording" not in one,
            "sources": list(tracks),
            "tracks": [[_encoded(view * (PEAK / peak), rate, form) for view in track] for track in tracks.values()],
        }

    def plan(self, scene: str) -> dict[str, Any]:
        """Return a scene's plan as a base64 WebP, transparent where nothing was seen, and its left, right, bottom, top in m."""
        rows = self.scenes[scene]
        with self._plan_lock:
            if not set(NEEDED) <= set(self._plan_data.names(self.data.locate(rows[0])[0])):
                return {"image": None, "extent": None}
            image, extent = scene_plan(self._plan_data, rows)
        if image.shape[:2] == (1, 1):
            return {"image": None, "extent": None}
        seen = (image < 255).any(-1, keepdims=True) * np.uint8(255)
        picture = Image.fromarray(np.concatenate([image, seen], -1))
        picture.thumbnail((PLAN_PX, PLAN_PX))
        file_bytes = io.BytesIO()
        picture.save(file_bytes, "WEBP", quality=80)
        return {"image": _base64(file_bytes), "extent": [round(float(e), 3) for e in extent]}

    def _read(self, index: int, names: list[str]) -> tuple[dict[str, Any], dict[str, Any], int]:
        """Read the present fields of a set, its shard's settings and its sample rate."""
        with self._lock:
            shard = self.data.locate(index)[0]
            file, there = self.data.shard_file(shard), self.data.names(shard)
            one = {name: self.data.read(index, name) for name in names if name in there}
            return one, settings_of(file, self.entry(index)["path"]), int(file.attrs["sample_rate"])


def _tracks(one: Mapping[str, Any], indirect_ratio: float) -> dict[int, np.ndarray]:
    """Return sounds (V, 2, L) by source, -1 for all of them; responses where there is no sound."""
    if "recording" in one:
        return {-1: one["recording"][None]}
    if "brir_direct" not in one or "brir_indirect" not in one:
        return {-1: one["audio"]} if "audio" in one else {}
    response = full_response(one["brir_direct"], one["brir_indirect"].astype(np.float64), indirect_ratio)
    sources = range(response.shape[1])
    if "audio" not in one:
        return {s: response[:, s] for s in sources}
    if "mono" not in one or len(sources) == 1:
        return {-1: one["audio"]}
    length = one["audio"].shape[-1]
    alone = {s: oaconvolve(one["mono"][s][None, None], response[:, s], axes=-1)[..., :length] for s in sources}
    return {-1: one["audio"], **alone}


def _loudest(sound: np.ndarray, rate: int, seconds: float | None) -> tuple[int, int]:
    """Return the section of (V, 2, L) sound with the most energy: its first sample and the one after its last."""
    length = sound.shape[-1]
    wanted = length if seconds is None else min(round(seconds * rate), length)
    total = np.concatenate([[0.0], np.cumsum(np.sum(sound.astype(np.float64) ** 2, (0, 1)))])
    start = int(np.argmax(total[wanted:] - total[: length - wanted + 1]))
    return start, start + wanted


def _encoded(ears: np.ndarray, rate: int, form: SoundForm) -> str:
    """Return (2, L) sound, encoded, as base64."""
    sound = np.clip(ears, -1, 1).T
    if form.coding == "OPUS" and rate not in OPUS_RATES:
        sound, rate = soxr.resample(sound, rate, OPUS_RATES[-1]), OPUS_RATES[-1]
    file = io.BytesIO()
    soundfile.write(file, sound, rate, form.coding, format=form.container)
    return _base64(file)


def places_of(position: np.ndarray) -> np.ndarray:
    """Return the number of each view's position (V, 3) among the distinct ones, in the order of the views."""
    _, first, place = np.unique(position, axis=0, return_index=True, return_inverse=True)
    return np.argsort(np.argsort(first))[place.ravel()]


def _jpeg(rgb: np.ndarray, widest: int = PICTURE_PX) -> str:
    picture = Image.fromarray(rgb)
    picture.thumbnail((widest, 4 * widest))
    file = io.BytesIO()
    picture.save(file, "JPEG", quality=PICTURE_QUALITY)
    return _base64(file)


def _base64(file: io.BytesIO) -> str:
    return base64.b64encode(file.getvalue()).decode()


def _numbers(values: np.ndarray, digits: int) -> Any:
    """Return an array as nested lists of rounded numbers, None where they are not finite."""
    if values.ndim:
        return [_numbers(part, digits) for part in values]
    return round(float(values), digits) if np.isfinite(values) else None


def _clip_names(clips: str) -> list[str]:
    """Return the name of each source's clip; [] where the JSON list of a set cannot be read."""
    try:
        return [str(clip["clip"]) for clip in json.loads(clips)]
    except (ValueError, TypeError, KeyError, RecursionError):
        return []
