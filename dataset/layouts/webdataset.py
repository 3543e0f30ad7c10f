"""Conversion of a data set into tars for streaming training (WebDataset's layout): one tar per shard.

In a tar, set attic/0 is attic/0.json, attic/0.0.rgb.png (view 0), attic/0.heading.npy, attic/0.depth.npz, attic/0.0.audio.flac
and so on: arrays are .npy, large ones .npz (picture decoders would reduce 16 bits to 8), pictures .png, sound .flac of 24 bits,
the recording of a walk in one file. Nothing is clipped: `gain` in the .json lists the factor of each .flac whose sound exceeds
full scale.
"""

from __future__ import annotations

import io
import json
import math
import tarfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import soundfile
from PIL import Image

from dataset.atomic import clear_parts, replacing, write_text
from dataset.format.documents import check_inside, read_object, sha256_of
from dataset.format.schema import FIELDS, TEXT
from dataset.format.shard import absent_of
from dataset.progress import progress_bar
from dataset.reader import Dataset
from dataset.rewriting.resume import begin, digest_of, finish

INDEX = "sight-and-sound.json"
"""File beside the tars, written last: their digests, settings, credits, and the meaning of the fields."""
PICTURES, SOUNDS, RECORDINGS = ("rgb",), ("mono", "audio"), ("recording", "ambisonic_recording", "array_recording")
LARGE = (
    "depth",
    "instance",
    "panorama_rgb",
    "panorama_distance",
    "panorama_instance",
    "brir_direct",
    "brir_indirect",
    "ambisonic_rir",
    "array_rir",
    *RECORDINGS,
)
MOST_CHANNELS = 8
"""Most channels of a .flac; recordings with more are .npz."""


def to_tars(root: str | Path, out: Path, progress: bool = False) -> dict[str, Any]:
    """Write the tars of a data set (a folder or an address) into a new folder, <split>-<nnnnnn>.tar, and return the index.

    A repeated call after an interruption resumes. Raise DatasetError for damaged shards, or where the folder holds anything else.
    """
    data = Dataset(root)
    recipe = {"command": "convert", "to": "webdataset", "of": digest_of(data.store)}
    index = out / INDEX
    if begin(out, recipe, read_object(index).get("recipe") if index.is_file() else None, [root]):
        content = {"recipe": recipe, **_described(data), "tars": _write_tars(data, out, progress)}
        write_text(index, json.dumps(content, indent=1) + "\n")
        finish(out)
    return read_object(index)


def members(one: dict[str, Any], sample_rate: int) -> Iterator[tuple[str, bytes]]:
    """Encode a set, field by field: (the part of the file name after its key, content), the .json last."""
    gains: dict[str, float] = {}
    for name, value in one.items():
        if FIELDS[name].dtype == TEXT:
            continue
        if name in PICTURES:
            for k, picture in enumerate(value):
                yield f"{k}.{name}.png", _png(picture)
        elif name in SOUNDS:
            for k, sound in enumerate(value):
                yield f"{k}.{name}.flac", _scaled_flac(sound, sample_rate, gains, f"{k}.{name}.flac")
        elif name in RECORDINGS and len(value) <= MOST_CHANNELS:
            yield f"{name}.flac", _scaled_flac(value, sample_rate, gains, f"{name}.flac")
        else:
            yield (f"{name}.npz", _npz(name, value)) if name in LARGE else (f"{name}.npy", _npy(value))
    texts = {name: value for name, value in one.items() if FIELDS[name].dtype == TEXT}
    texts |= {"clips": json.loads(texts["clips"])} if "clips" in texts else {}
    scene = one["set_id"].rsplit("/", 1)[0]
    yield "json", json.dumps({**texts, "scene": scene, "sample_rate": sample_rate, "gain": gains}).encode()


def _write_tars(data: Dataset, out: Path, progress: bool) -> list[dict[str, Any]]:
    clear_parts(out)
    tars, first, count = [], 0, dict.fromkeys((s["split"] for s in data.shards), 0)
    with progress_bar(len(data), "set", "webdataset", progress) as bar:
        for number, entry in enumerate(data.shards):
            rows = range(first, first + entry["sets"])
            first = rows.stop
            path = out / f"{entry['split']}-{count[entry['split']]:06d}.tar"
            count[entry["split"]] += 1
            if not path.is_file():
                _write_tar(data, rows, int(data.shard_file(number).attrs["sample_rate"]), path)
            bar.update(len(rows))
            kept = {k: entry[k] for k in ("scene", "scene_sha256", "split", "sets")}
            tars.append({"path": path.name, "bytes": path.stat().st_size, "sha256": sha256_of(path), **kept})
    return tars


def _write_tar(data: Dataset, rows: range, sample_rate: int, path: Path) -> None:
    with replacing(path) as part, tarfile.open(part, "w") as tar:
        for row in rows:
            one = data[row]
            check_inside(one["set_id"], data.store.name)
            for name, content in members(one, sample_rate):
                entry = tarfile.TarInfo(f"{one['set_id']}.{name}")
                entry.size, entry.mode = len(content), 0o644  # no time, no owner: the same sets give the same bytes
                tar.addfile(entry, io.BytesIO(content))


def _described(data: Dataset) -> dict[str, Any]:
    """Return what the index holds beside the tars: settings, credits, absent fields and the meaning of fields."""
    kept = {k: v for k, v in data.manifest.items() if k != "shards"}
    if not data.shards:
        return kept
    fields = {n: {"unit": FIELDS[n].unit, "meaning": FIELDS[n].meaning, "axes": ["N", *FIELDS[n].axes]} for n in data.names(0)}
    return {**kept, "fields": fields, "absent": absent_of(data.shard_file(0), data.shards[0]["path"])}


def _png(picture: np.ndarray) -> bytes:
    buffer = io.BytesIO()
    Image.fromarray(picture).save(buffer, "png", compress_level=3)
    return buffer.getvalue()


def _scaled_flac(sound: np.ndarray, sample_rate: int, gains: dict[str, float], name: str) -> bytes:
    """Return sound (L,) or (channels, L) as FLAC; its divisor, a power of 2, is added to `gains` where it is not 1."""
    gain = 2.0 ** max(0, math.ceil(math.log2(max(float(np.abs(sound).max()), 1.0))))
    if gain != 1:
        gains[name] = gain
    return _flac(sound / np.float32(gain), sample_rate)


def _flac(sound: np.ndarray, sample_rate: int) -> bytes:
    buffer = io.BytesIO()
    soundfile.write(buffer, sound.T, sample_rate, format="FLAC", subtype="PCM_24")
    return buffer.getvalue()


def _npy(value: np.ndarray) -> bytes:
    buffer = io.BytesIO()
    np.save(buffer, value)
    return buffer.getvalue()


def _npz(name: str, value: np.ndarray) -> bytes:
    buffer = io.BytesIO()
    np.savez_compressed(buffer, allow_pickle=False, **{name: value})
    return buffer.getvalue()
