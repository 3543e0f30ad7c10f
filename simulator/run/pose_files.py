"""Read files of poses: listeners, headings and sources of every set, as JSON or CSV.

JSON: {"sets": [{"scene": "flat", "position": [2, 1.5, -3], "heading_deg": [0, 30], "sources": [[4, 1.2, -3]]}]}. `position` is
one point or one for each view; `pitch_deg` and `roll_deg` (a number, or one for each view) replace the camera's; `clips` names a
clip for each source, {"clip": "speech.wav", "start_s": 1.5, "rms": 0.1} chooses the stretch and its level too. `scene` may be
left out where one scene is rendered.

CSV: one row for each view with the columns set, x, y, z, heading_deg, source_x, source_y, source_z; with further sources
source2_x and so on; optionally scene, pitch_deg, roll_deg, clip, clip2. Rows with the same scene and set are one set's views.

Frame: that of the scene's file after --scale, metres, +Y up; heading 0 looks along -Z, left positive; pitch up positive.
"""

from __future__ import annotations

import csv
import json
from collections.abc import Collection, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from dataset.format.documents import sha256_of
from simulator.config import POSES, Settings
from simulator.errors import InputError
from simulator.finite import finite_number, finite_numbers
from simulator.run.clips import ClipChoice
from simulator.run.poses import Pose, Poses

NEAREST_M = 0.1
"""Smallest distance between a source and the listener."""
FARTHEST_M = 1000.0
"""Largest distance between a source and the listener: that of the field `distance`."""
KEYS = ("scene", "position", "heading_deg", "pitch_deg", "roll_deg", "sources", "clips")
CLIP_KEYS = ("clip", "start_s", "rms")
AXES = ("x", "y", "z")


def read_poses(path: Path, scenes: Collection[str], clips: Collection[str]) -> Poses:
    """Read and check a file of poses; raise InputError, naming the record, for the first that cannot be used.

    scenes: names of the scenes that are rendered. clips: names of the clips in the clips folder.
    """
    try:
        records = _csv_records(path) if path.suffix.lower() == ".csv" else _json_records(path)
        digest = sha256_of(path)
    except OSError as error:
        raise InputError(f"poses {path} cannot be read ({error.strerror}); give a JSON or CSV file") from None
    except UnicodeDecodeError:
        raise InputError(f"poses {path} is not UTF-8 text; give a JSON or CSV file") from None
    if not records:
        raise InputError(f"poses {path} holds no sets; see python -m simulator.render --help for its format")
    found: dict[str, list[Pose]] = {}
    for label, record in records:
        try:
            found.setdefault(_scene(record, scenes), []).append(_pose(record, clips))
        except InputError as error:
            raise InputError(f"poses {path}, {label}: {error}") from None
    every = [pose for poses in found.values() for pose in poses]
    views, sources = (sorted({len(x) for x in sizes}) for sizes in ([p.positions for p in every], [p.sources for p in every]))
    for what, counts in (("views", views), ("sources", sources)):
        if len(counts) > 1:
            raise InputError(
                f"poses {path} has sets of {counts[0]} and of {counts[-1]} {what}; the sets of a data set have the same number: "
                "split the file"
            )
    farthest = max(float(_distances(p).max()) for p in every)
    return Poses(path, digest, {scene: tuple(p) for scene, p in found.items()}, views[0], sources[0], farthest)


def posed(settings: Settings, poses: Poses) -> Settings:
    """Return settings with the numbers of sets, views and sources of given poses; raise InputError where they do not fit."""
    single = settings.camera.engine == "habitat"
    if single and any(p.pitch_deg is not None or p.roll_deg is not None for sets in poses.sets.values() for p in sets):
        raise InputError(
            f"poses {poses.path} has pitch_deg or roll_deg, and habitat-sim renders all views with one camera; "
            "leave them out, or use --camera embree"
        )
    most = max(len(sets) for sets in poses.sets.values())
    sampling = replace(settings.sampling, motion=POSES, heading_tries=max(poses.views, settings.sampling.heading_tries))
    return replace(settings, sets=most, views=poses.views, sources=poses.sources, sampling=sampling)


def _json_records(path: Path) -> list[tuple[str, Mapping[str, Any]]]:
    try:
        content = json.loads(path.read_text(encoding="utf-8-sig"))
    except (ValueError, RecursionError) as error:
        if isinstance(error, UnicodeDecodeError):
            raise
        raise InputError(f"poses {path} is not JSON ({error}); correct it") from None
    sets = content.get("sets") if isinstance(content, dict) else None
    if not isinstance(sets, list):
        raise InputError(f'poses {path} has no list of sets; {{"sets": [...]}} is expected')
    for k, record in enumerate(sets):
        if not isinstance(record, dict):
            raise InputError(f"poses {path}, sets[{k}] is {record!r:.40}; an object with {', '.join(KEYS)} is expected")
    return [(f"sets[{k}]", record) for k, record in enumerate(sets)]


def _csv_records(path: Path) -> list[tuple[str, Mapping[str, Any]]]:
    """Join the rows of each set to the record that JSON would hold."""
    with path.open(newline="", encoding="utf-8-sig") as file:
        rows = csv.DictReader(file, skipinitialspace=True)
        columns = [c.strip() for c in rows.fieldnames or ()]
        rows.fieldnames = columns
        numbers = _check_columns(path, columns)
        sets: dict[tuple[str, str], list[tuple[int, dict[str, str]]]] = {}
        for row in rows:
            if None in row or None in row.values():
                raise InputError(f"poses {path}, line {rows.line_num} does not have {len(columns)} cells, one for each column")
            sets.setdefault((row.get("scene", ""), row["set"]), []).append((rows.line_num, row))
    return [(f"set {key[1]} (line {views[0][0]})", _csv_record(path, views, numbers)) for key, views in sets.items()]


def _check_columns(path: Path, columns: list[str]) -> list[str]:
    """Return the numbers of the sources ("", "2", ...) that a header has; raise InputError for a header that does not fit."""
    numbers = [""]
    while f"source{len(numbers) + 1}_x" in columns:
        numbers.append(str(len(numbers) + 1))
    needed = ["set", *AXES, "heading_deg", *(f"source{n}_{a}" for n in numbers for a in AXES)]
    known = [*needed, "scene", "pitch_deg", "roll_deg", *(f"clip{n}" for n in numbers)]
    missing, unknown = [c for c in needed if c not in columns], [c for c in columns if c not in known]
    if missing or unknown or len(set(columns)) < len(columns):
        wrong = f"lacks {', '.join(missing)}" if missing else f"has the columns {', '.join(unknown or columns)}"
        raise InputError(f"poses {path} {wrong}; {', '.join(known)} are known, each once")
    return numbers


def _csv_record(path: Path, views: list[tuple[int, dict[str, str]]], numbers: list[str]) -> dict[str, Any]:
    def number(line: int, row: dict[str, str], column: str) -> float:
        try:
            return float(row[column])
        except ValueError:
            raise InputError(f"poses {path}, line {line}: {column} is {row[column]!r}; a number is expected") from None

    record: dict[str, Any] = {"position": [[number(n, row, a) for a in AXES] for n, row in views]}
    for column in ("heading_deg", "pitch_deg", "roll_deg"):
        if column in views[0][1]:
            record[column] = [number(n, row, column) for n, row in views]
    placed = [[[number(n, row, f"source{k}_{a}") for a in AXES] for k in numbers] for n, row in views]
    names = [[row[c] for k in numbers if (c := f"clip{k}") in row] for _, row in views]
    if any(other != placed[0] for other in placed) or any(other != names[0] for other in names):
        raise InputError(
            f"poses {path}, line {views[0][0]}: the views of one set have different sources or clips; number its sets"
        )
    record["sources"] = placed[0]
    scene = views[0][1].get("scene", "")
    return {**record, **({"scene": scene} if scene else {}), **({"clips": names[0]} if any(names[0]) else {})}


def _scene(record: Mapping[str, Any], scenes: Collection[str]) -> str:
    name = record.get("scene")
    if name is None and len(scenes) == 1:
        return next(iter(scenes))
    if name not in scenes:
        found = "no scene is named" if name is None else f"scene {name!r:.60} is not among --scenes"
        few = sorted(scenes)[:5]
        raise InputError(f"{found}; use one of {', '.join(few)}{' and so on' if len(scenes) > len(few) else ''}")
    return str(name)


def _pose(record: Mapping[str, Any], clips: Collection[str]) -> Pose:
    if unknown := sorted(set(record) - set(KEYS)):
        raise InputError(f"{', '.join(unknown)} is unknown; {', '.join(KEYS)} are known")
    headings = np.atleast_1d(_numbers(record, "heading_deg"))
    if headings.ndim != 1:
        raise InputError(f"heading_deg has {headings.ndim} axes; one number for each view is expected")
    views = len(headings)
    position, sources = np.atleast_2d(_numbers(record, "position")), np.atleast_2d(_numbers(record, "sources"))
    for name, points in (("position", position), ("sources", sources)):
        if points.ndim != 2 or points.shape[1] != 3:
            raise InputError(f"{name} has the shape {points.shape}; points x, y, z are expected")
    if len(position) not in (1, views):
        raise InputError(f"{len(position)} positions are given for {views} headings; give one, or one for each heading")
    pose = Pose(
        np.repeat(position, views // len(position), 0),
        headings,
        sources,
        _angles(record, "pitch_deg", views, 90.0),
        _angles(record, "roll_deg", views, 180.0),
        _clips(record, len(sources), clips),
    )
    nearest, farthest = float(_distances(pose).min()), float(_distances(pose).max())
    if not NEAREST_M <= nearest <= farthest <= FARTHEST_M:
        wrong = nearest if nearest < NEAREST_M else farthest
        raise InputError(f"a source is {wrong:.3g} m from the listener; {NEAREST_M:g} to {FARTHEST_M:g} m are expected")
    return pose


def _distances(pose: Pose) -> np.ndarray:
    return np.linalg.norm(pose.positions[:, None] - pose.sources, axis=-1)


def _numbers(record: Mapping[str, Any], name: str) -> np.ndarray:
    if name not in record:
        raise InputError(f"{name} is missing")
    return finite_numbers(name, record[name])


def _angles(record: Mapping[str, Any], name: str, views: int, most: float) -> np.ndarray | None:
    if record.get(name) is None:
        return None
    angles = _numbers(record, name)
    if angles.shape not in ((), (views,)):
        raise InputError(f"{name} has {angles.size} numbers for {views} headings; give one, or one for each heading")
    if np.abs(angles).max() > most:
        raise InputError(f"{name} is {np.abs(angles).max():g} degrees; -{most:g} to {most:g} are expected")
    return np.broadcast_to(angles, (views,)).copy()


def _clips(record: Mapping[str, Any], sources: int, known: Collection[str]) -> tuple[ClipChoice, ...]:
    chosen = record.get("clips")
    if chosen is None:
        return ()
    if not isinstance(chosen, list) or len(chosen) != sources:
        raise InputError(f"clips is {chosen!r:.60}; a list with one clip for each of {sources} sources is expected")
    return tuple(_clip(one, known) for one in chosen)


def _clip(one: Any, known: Collection[str]) -> ClipChoice:
    given = {"clip": one} if isinstance(one, str) else one
    if not isinstance(given, dict) or set(given) - set(CLIP_KEYS) or given.get("clip") not in known:
        raise InputError(f"clip {one!r:.80} is not the name of a clip in the clips folder; see --clips")
    start = None if given.get("start_s") is None else finite_number("start_s", given["start_s"])
    rms = None if given.get("rms") is None else finite_number("rms", given["rms"])
    if (start is not None and start < 0) or (rms is not None and not 0 < rms < 1):
        raise InputError(f"clip {one!r:.80} needs start_s of 0 or more and rms above 0 and below 1")
    return ClipChoice(given["clip"], start, rms)
