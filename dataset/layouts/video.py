"""Walks as videos: <split>/<scene>-<index>.mp4 with pictures and stereo sound, and a .json of truths beside each."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from dataset.atomic import clear_parts, replacing, write_text
from dataset.format.documents import read_object
from dataset.layouts.walk_clips import WalkClip, check_walks, walk_clips, write_mp4
from dataset.progress import progress_bar
from dataset.reader import Dataset
from dataset.rewriting.resume import begin, digest_of, finish

INDEX = "sight-and-sound.json"
"""File beside the splits, written last: settings and credits."""
BY_MOMENT = (
    "time", "position", "heading", "hfov_deg", "pitch_deg", "roll_deg", "azimuth", "elevation", "distance", "in_sight",
)  # fmt: skip
"""Fields that the .json lists moment by moment, as they are in the data set."""


def to_videos(root: str | Path, out: Path, progress: bool = False) -> int:
    """Write the walks of a data set (a folder or an address) as videos into a new folder; return their number.

    A repeated call after an interruption resumes. Raise DatasetError for data sets without walks, where PyAV is missing, or where
    the folder holds anything else.
    """
    data = Dataset(root)
    check_walks(data)
    recipe = {"command": "convert", "to": "video", "of": digest_of(data.store)}
    index = out / INDEX
    if begin(out, recipe, read_object(index).get("recipe") if index.is_file() else None, [root]):
        with progress_bar(len(data), "set", "video", progress) as bar:
            for clip in walk_clips(data):
                _write(clip, out / clip.split / f"{clip.scene}-{clip.number}")
                bar.update()
        kept = {key: value for key, value in data.manifest.items() if key != "shards"}
        write_text(index, json.dumps({"recipe": recipe, **kept}, indent=1) + "\n")
        finish(out)
    return len(data)


def truths(clip: WalkClip) -> dict[str, Any]:
    """Return what the .json holds: fields by moment, sources, clips, and the gain of the sound."""
    one = clip.one
    return {
        "set_id": one["set_id"],
        "fps": float(clip.fps),
        "sample_rate": clip.sample_rate,
        "gain": clip.gain,
        "clips": json.loads(one["clips"]),
        **{name: one[name].tolist() for name in BY_MOMENT},
        "source_position": clip.sources.tolist(),
        "on_screen": clip.on_screen.astype(int).tolist(),
    }


def _write(clip: WalkClip, stem: Path) -> None:
    video, facts = stem.with_name(stem.name + ".mp4"), stem.with_name(stem.name + ".json")
    if facts.is_file():
        return
    stem.parent.mkdir(parents=True, exist_ok=True)
    clear_parts(stem.parent)
    with replacing(video) as part:
        write_mp4(part, clip.one["rgb"], clip.fps, clip.sound, clip.sample_rate)
    write_text(facts, json.dumps(truths(clip)) + "\n")
