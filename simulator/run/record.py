"""The end of a render: the manifest and the closing summary."""

from __future__ import annotations

import platform
import time
from collections.abc import Mapping, Sequence
from importlib.metadata import PackageNotFoundError, version
from itertools import islice
from pathlib import Path
from typing import Any

from dataset.errors import DatasetError
from dataset.format.manifest import SHARDS
from dataset.storage.output import open_output
from simulator.engines.soundspaces import CREDIT as SOUNDSPACES
from simulator.receivers.sofa import BUNDLED as BUNDLED_HRTF
from simulator.run.clips import BUNDLED as BUNDLED_CLIPS
from simulator.run.existing import earlier_manifest, matches
from simulator.run.hrtfs import HrtfFile
from simulator.run.shard_plan import Plan
from simulator.run.threads import in_threads
from simulator.run.worker import ShardReport, describe

PACKAGES = ("sight-and-sound", "numpy", "scipy", "numba", "embreex", "h5py", "trimesh", "soxr", "pyroomacoustics")
KEMAR = "MIT KEMAR, normal pinna: B. Gardner and K. Martin, MIT Media Lab, 1994; free for any use with citation"
CLIPS = "bundled clips of sight-and-sound: CC0 1.0"
VISIBLE_S = 10.0
"""Time until a shard written on another machine must be visible: network file systems cache folders."""
POLL_S = 0.1
FAULTS = 20
"""Unusual poses printed, at most."""
AGAIN = "render its scene again by naming it in --scenes"
UNKNOWN = "licence unknown: no credit in the file and no LICENSE beside it"


def record(plan: Plan, reports: Sequence[ShardReport]) -> dict[str, Any]:
    """Write manifest.json over all shards in the folder, and return its content.

    A shard is recorded as its worker described it; one that is missing or differs on this machine is a failure.
    """
    before = earlier_manifest(plan.address or plan.out, plan.digest)
    shards, faults = _shards(plan, before, reports)
    clips = dict(before.get("clips_left_out", {}))
    for report in reports:
        clips.update(report.bad_clips)
    clips.update(plan.inputs.clips.left_out)
    faults_of = dict(before.get("pose_faults", {}))
    for report in reports:
        faults_of.update(report.pose_faults)
    failed = {r.shard.scene: r.failure for r in reports if r.failure}
    credits = {s["scene"]: s.get("credit") or UNKNOWN for s in shards}
    content = {
        "shards": shards,
        "settings": plan.digest,
        "credits": {
            "scenes": [f"{scene}: {credit}" for scene, credit in sorted(credits.items())],
            "clips": [CLIPS if plan.inputs.clips.root == BUNDLED_CLIPS else _clip_credit(plan)],
            "hrtf": [_hrtf_credit(file) for file in plan.inputs.hrtfs.files],
            "materials": ["absorption: pyroomacoustics' database (MIT), after M. Vorlaender, Auralization, 2008"],
            "acoustics": [SOUNDSPACES] if plan.settings.acoustics.engine == "soundspaces" else [],
        },
        "hrtf_files": [{"name": f.name, "title": f.title, "sha256": f.sha256} for f in plan.inputs.hrtfs.files],
        "shortfalls": _shortfalls(before, reports, shards),
        "clips_left_out": clips,
        "hrtfs_left_out": dict(plan.inputs.hrtfs.left_out),
        "failures": [f"{scene}: {why}" for scene, why in sorted({**plan.failures, **failed}.items())] + faults,
        **({"pose_faults": faults_of} if plan.inputs.poses else {}),
        "software": _software(),
    }
    open_output(plan.address or plan.out).write_manifest(content)
    return content


def summary(plan: Plan, reports: Sequence[ShardReport], manifest: dict[str, Any]) -> tuple[str, bool]:
    """Return a summary of what was rendered and left out, and whether the data set is complete."""
    recorded = {s["path"] for s in manifest["shards"]}
    new = sum(r.given for r in reports if r.shard.path.relative_to(plan.out).as_posix() in recorded)
    sets = sum(s["sets"] for s in manifest["shards"])
    size = sum(s["bytes"] for s in manifest["shards"]) / 1e6
    busy = sum(r.seconds for r in reports)
    lines = []
    for report in reports:
        lines += [f"note: scene {report.shard.scene}: {note}" for note in report.notes if report.shard.number == 0]
    lines += describe_faults(manifest.get("pose_faults", {}))
    for entry in manifest["shortfalls"]:
        lines.append(f"fewer sets: scene {entry['scene']} gave {entry['given']} of {entry['asked']} ({entry['why']})")
    lines += [f"left out: clip {name}: {why}" for name, why in sorted(manifest["clips_left_out"].items())]
    lines += [f"left out: HRTF {name}: {why}" for name, why in manifest["hrtfs_left_out"].items()]
    lines += [f"left out: {'' if failure.startswith('shard ') else 'scene '}{failure}" for failure in manifest["failures"]]
    complete = not any(manifest[key] for key in ("shortfalls", "clips_left_out", "hrtfs_left_out", "failures"))
    if new:
        lines.append(f"{new} sets rendered ({busy / new:.2f} s per set and worker)")
    else:
        lines.append("no sets rendered" if plan.todo or manifest["failures"] else "nothing to do: all shards exist")
    if not sets:
        return "\n".join([*lines, f"{plan.name} holds no sets; see the reasons above"]), False
    lines.append(f"{plan.name}: {sets} sets of {len({s['scene'] for s in manifest['shards']})} scenes, {size:.0f} MB")
    lines.append(f"next: python -m dataset.verify {plan.name}   then: python -m training.run --data {plan.name}")
    return "\n".join(lines), complete


def describe_faults(faults: Mapping[str, Sequence[str]]) -> list[str]:
    """Return a line for each set with unusual poses, FAULTS at most, and the number of the others."""
    shown = [f"note: pose {name}: {'; '.join(found)}" for name, found in islice(faults.items(), FAULTS)]
    return shown + (
        [f"note: and {len(faults) - FAULTS} more poses, see pose_faults in manifest.json"] if len(faults) > FAULTS else []
    )


def _shards(plan: Plan, before: Mapping[str, Any], reports: Sequence[ShardReport]) -> tuple[list[dict[str, Any]], list[str]]:
    """Return the entries of all shards in the folder, and the faults of those that are missing or damaged."""
    known = {plan.out / s["path"]: s for s in before.get("shards", [])}
    reported = {r.shard.path: r for r in reports}
    if plan.address:
        return _delivered(plan, {**known, **plan.present}, reported)
    deadline = time.monotonic() + VISIBLE_S
    paths = sorted({*(plan.out / SHARDS).glob("*.h5"), *known, *reported}, key=lambda path: path.name)
    found = in_threads(lambda path: _confirmed(plan, path, known.get(path), reported.get(path), deadline), paths)
    return [entry for entry, _ in found if entry], [fault for _, fault in found if fault]


def _confirmed(
    plan: Plan, path: Path, known: dict[str, Any] | None, report: ShardReport | None, deadline: float
) -> tuple[dict[str, Any] | None, str]:
    """Return the entry of a shard after a look at its file, None where there is no file, and what is wrong with it.

    The entry is the one that the shard's worker reported, else that of the earlier manifest, which a damaged shard keeps;
    only shards without either, of an interrupted render, are read. A shard of the earlier manifest was hashed for the plan.
    """
    if report and report.entry:
        fault = _fault(report, deadline)
        return (report.entry if path.is_file() else None), fault
    if not path.is_file():
        lost = known and not report  # a report without an entry states the reason itself
        return None, f"shard {path} was recorded before and is missing; {AGAIN}" if lost else ""
    if path in plan.damaged:
        return known, f"{plan.damaged[path]}; {AGAIN}"
    if known is None:
        return _described(plan, path)
    return known, "" if path.stat().st_size == known["bytes"] else f"shard {path} has changed during the render; {AGAIN}"


def _delivered(
    plan: Plan, known: Mapping[Path, dict[str, Any]], reported: Mapping[Path, ShardReport]
) -> tuple[list[dict[str, Any]], list[str]]:
    """Return entries and faults of the shards at an address: workers have confirmed digests, sizes are compared once more."""
    sizes = open_output(plan.address).sizes(SHARDS)
    entries, faults = [], []
    for path in sorted({*known, *reported}, key=lambda path: path.name):
        report, there = reported.get(path), sizes.get(f"{SHARDS}/{path.name}")
        entry = report.entry if report else known[path]
        if entry is None:
            continue  # the report states the reason
        if there is not None:
            entries.append(entry)
        if there != entry["bytes"]:
            found = "is missing" if there is None else f"has {there} of {entry['bytes']} bytes"
            faults.append(f"shard {plan.name_of(path)} {found}; {AGAIN}")
    return entries, faults


def _described(plan: Plan, path: Path) -> tuple[dict[str, Any] | None, str]:
    try:
        return describe(plan, path), ""
    except DatasetError as error:
        return None, str(error)


def _fault(report: ShardReport, deadline: float) -> str:
    """Return why the shard on this machine is not the one that a worker reported; empty where it is."""
    path = report.shard.path
    while not path.is_file() and time.monotonic() < deadline:
        time.sleep(POLL_S)
    if not path.is_file():
        return (
            f"shard {path} was written on {report.host} and is not visible on this machine; --out must be on a file system "
            "that all machines share"
        )
    assert report.entry is not None
    if not matches(path, report.entry):
        return f"shard {path} differs from what {report.host} wrote; check the disk and run the same command again"
    return ""


def _shortfalls(before: dict[str, Any], reports: Sequence[ShardReport], shards: Sequence[dict[str, Any]]) -> list[dict[str, Any]]:
    """Return the shards with fewer sets than requested, from this run, earlier runs, and runs that were interrupted."""
    found = {(s["scene_sha256"], s["shard"]): s for s in before.get("shortfalls", [])}
    for report in reports:
        found.pop((report.shard.scene_sha256, report.shard.number), None)
        if not report.failure and report.given < report.shard.asked:
            found[report.shard.scene_sha256, report.shard.number] = _shortfall(report)
    for shard in shards:
        if shard["sets"] < shard["asked"]:
            entry = {key: shard[key] for key in ("scene", "scene_sha256", "shard", "asked")}
            lost = {**entry, "given": shard["sets"], "why": "reasons lost in an interrupted run"}
            found.setdefault((shard["scene_sha256"], shard["shard"]), lost)
    return list(found.values())


def _shortfall(report: ShardReport) -> dict[str, Any]:
    why = "; ".join(f"{n} {rule}" for rule, n in report.rejected.most_common())
    shard = report.shard
    return {
        "scene": shard.scene, "scene_sha256": shard.scene_sha256, "shard": shard.number, "asked": shard.asked,
        "given": report.given, "why": why,
    }  # fmt: skip


def _clip_credit(plan: Plan) -> str:
    root = plan.inputs.clips.root
    for name in ("LICENSE", "LICENSE.txt", "README.TXT", "README.md"):
        if (root / name).is_file():
            lines = (root / name).read_text(errors="replace").strip().splitlines()
            return f"{root.name}: {lines[0].strip() if lines else ''} (from its {name})"
    return f"{root.name}: {UNKNOWN}"


def _hrtf_credit(file: HrtfFile) -> str:
    return KEMAR if file.path == BUNDLED_HRTF else f"{file.title} ({file.name})"


def _software() -> dict[str, str]:
    versions = {"python": platform.python_version()}
    for name in PACKAGES:
        try:
            versions[name] = version(name)
        except PackageNotFoundError:
            versions[name] = "not installed as a package"
    return versions
