"""Summarise a data set.

    python -m dataset.info data/slfm
    python -m dataset.info s3://bucket/slfm

Prints the splits and scenes, every field with its type, shape, unit and size on disk, the render settings, the credits, and
histograms of turns, azimuths, distances, RT60 and, where they vary, the angles of the cameras.
"""

from __future__ import annotations

import argparse
import sys
from collections import Counter
from pathlib import Path
from typing import Any

import numpy as np

from dataset.angles import wrap_180
from dataset.command import exit_status
from dataset.format.schema import FIELDS
from dataset.geometry import CAMERA_FIELDS
from dataset.reader import Dataset

BARS = " ▁▂▃▄▅▆▇█"
VARIED = (*CAMERA_FIELDS, "head_scale")
"""Fields whose distribution is printed only where they vary."""


def describe(root: str | Path) -> str:
    """Return a description of a data set, in lines of text; raise DatasetError where it cannot be read."""
    data = Dataset(root)
    manifest = data.manifest
    version = f"{manifest['format']} {manifest['format_version']}"
    lines = [f"{root}: {version}, {len(data)} sets in {len(data.shards)} shards"]
    for split in ("train", "val", "test"):
        scenes: Counter[str] = Counter()
        for shard in data.shards:
            if shard["split"] == split:
                scenes[shard["scene"]] += shard["sets"]
        named = ", ".join(f"{s} ({n})" for s, n in scenes.items())
        lines.append(f"  {split:<6}{sum(scenes.values()):>7} sets  {named}".rstrip())
    lines += [*_walks(data), "", *_fields(data), "", *_spread(data), "", *_origin(manifest)]
    return "\n".join(lines)


def _walks(data: Dataset) -> list[str]:
    """Return a line on the length of walks; none for other sets."""
    if not data.shards or "time" not in (file := data.shard_file(0)):
        return []
    time = file["time"][0]
    seconds = file["mono"].shape[-1] / int(file.attrs["sample_rate"]) if "mono" in file else float(time[-1])
    rate = f" at {1 / (time[1] - time[0]):g} a second" if len(time) > 1 else ""
    sources = "moving" if "source_track" in file else "standing"
    return ["", f"each set is a walk of {seconds:g} s: {len(time)} pictures{rate}, {sources} sources, one recording"]


def _fields(data: Dataset) -> list[str]:
    """Tabulate the fields: type, shape of one set, unit, MB on disk."""
    size: Counter[str] = Counter()
    shape: dict[str, Any] = {}
    for k in range(len(data.shards)):
        file = data.shard_file(k)
        for name in file:
            size[name] += file[name].id.get_storage_size()
            shape[name] = file[name].shape[1:]
    lines = [f"{'field':<16}{'type':<9}{'one set':<22}{'MB':>9}  unit, meaning"]
    for name in [f for f in FIELDS if f in shape]:
        field = FIELDS[name]
        what = f"{field.unit}; {field.meaning}" if field.unit else field.meaning
        lines.append(f"{name:<16}{field.dtype:<9}{shape[name]!s:<22}{size[name] / 1e6:>9.2f}  {what}")
    total = sum(s["bytes"] for s in data.shards)
    lines.append(f"{'all':<47}{total / 1e6:>9.2f}  ({total / max(len(data), 1) / 1e6:.2f} MB a set)")
    return lines


def _spread(data: Dataset) -> list[str]:
    fields = ("azimuth", "distance", "rt60", *VARIED)
    columns: dict[str, list[np.ndarray]] = {"turn": [], **{name: [] for name in fields}}
    for k in range(len(data.shards)):
        file = data.shard_file(k)
        heading = file["heading"][:]
        columns["turn"].append(wrap_180(heading[:, 1:] - heading[:, :1]))
        for name in fields:
            if name in file:
                columns[name].append(file[name][:])
    if not columns["turn"]:
        return ["no sets"]
    unit = {**dict.fromkeys(("turn", "azimuth", *CAMERA_FIELDS), "degrees"), "distance": "m", "rt60": "s", "head_scale": "x"}
    out = []
    for name, parts in columns.items():
        if not parts:
            continue
        values = np.concatenate([p.ravel() for p in parts])
        values = values[np.isfinite(values)]  # a decay time is NaN where the response is too short to know it
        if not values.size or (name in VARIED and np.ptp(values) == 0):  # one camera or head is a setting, printed below
            continue
        count, edges = np.histogram(values, 32)
        bars = "".join(BARS[int(np.ceil(c / count.max() * (len(BARS) - 1)))] for c in count)
        out.append(f"{name:<9}|{bars}| {edges[0]:.2f} to {edges[-1]:.2f} {unit[name]}, median {np.median(values):.2f}")
    return out


def _origin(manifest: dict[str, Any]) -> list[str]:
    lines = ["rendered with " + ", ".join(f"{k} {v}" for k, v in manifest.get("software", {}).items())]
    settings = manifest.get("settings", {})
    for key, value in settings.items():
        text = ", ".join(f"{k} {v}" for k, v in value.items()) if isinstance(value, dict) else value
        lines.append(f"  {key}: {text}")
    files = manifest.get("hrtf_files", [])
    if len(files) > 1:
        lines += [f"HRTF file {k}: {file['name']}, {file['title']}" for k, file in enumerate(files)]
    for kind in ("scenes", "clips", "hrtf", "materials"):
        for credit in dict.fromkeys(str(c) for c in manifest.get("credits", {}).get(kind, [])):
            lines.append(f"credit, {kind}: {credit}")
    for entry in manifest.get("shortfalls", []):
        given = f"{entry.get('given', '?')} of {entry.get('asked', '?')} sets"
        lines.append(f"shortfall: scene {entry['scene']} has {given} ({entry.get('why', 'unknown reason')})")
    for entry in manifest.get("failures", []):
        lines.append(f"failure: {entry}")
    return lines


def main(argv: list[str] | None = None) -> int:
    """Run the command line; return the exit status."""
    parser = argparse.ArgumentParser(
        prog="python -m dataset.info", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("data", help="folder or address of the data set (it holds manifest.json)")
    root = parser.parse_args(argv).data

    def run() -> int:
        print(describe(root))
        return 0

    return exit_status(run)


if __name__ == "__main__":
    sys.exit(main())
