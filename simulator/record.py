"""The end of a render: the manifest, and what the user is told."""

from __future__ import annotations

import platform
from collections import Counter
from collections.abc import Sequence
from importlib.metadata import PackageNotFoundError, version
from typing import Any

from dataset.errors import DatasetError
from dataset.manifest import NAME, SHARDS, describe_shard, read_manifest, write_manifest
from simulator.clips import BUNDLED as BUNDLED_CLIPS
from simulator.hrtf import BUNDLED as BUNDLED_HRTF
from simulator.plan import Plan
from simulator.sofa import read_sofa
from simulator.worker import ShardReport

PACKAGES = ("sight-and-sound", "numpy", "scipy", "numba", "embreex", "h5py", "trimesh", "soxr", "pyroomacoustics")
KEMAR = "MIT KEMAR, normal pinna: B. Gardner and K. Martin, MIT Media Lab, 1994; free for any use with citation"
CLIPS = "bundled clips of sight-and-sound: CC0 1.0"
UNKNOWN = "licence unknown: no credit in the file and no LICENSE beside it"


def record(plan: Plan, reports: Sequence[ShardReport]) -> dict[str, Any]:
    """Write manifest.json over all shards in the folder, and give its content."""
    before = _before(plan)
    shards = [describe_shard(p, plan.out) for p in sorted((plan.out / SHARDS).glob("*.h5"))]
    rendered = {(r.shard.scene_sha256, r.shard.number) for r in reports}
    shortfalls = [s for s in before.get("shortfalls", []) if (s["scene_sha256"], s["shard"]) not in rendered]
    shortfalls += [_shortfall(r) for r in reports if not r.failure and r.given < r.shard.asked]
    clips = dict(before.get("clips_left_out", {}))
    for report in reports:
        clips.update(report.bad_clips)
    failed = {r.shard.scene: r.failure for r in reports if r.failure}
    credits = dict(before.get("scene_credits", {}))
    credits.update({r.shard.scene: r.credit or UNKNOWN for r in reports if not r.failure})
    content = {
        "shards": shards,
        "settings": plan.digest,
        "credits": {
            "scenes": [f"{scene}: {credit}" for scene, credit in sorted(credits.items())],
            "clips": [CLIPS if plan.inputs.clips.root == BUNDLED_CLIPS else _clip_credit(plan)],
            "hrtf": [_hrtf_credit(plan)],
            "materials": ["absorption: pyroomacoustics' database (MIT), after M. Vorlaender, Auralization, 2008"],
        },
        "scene_credits": credits,
        "shortfalls": shortfalls,
        "clips_left_out": clips,
        "failures": [f"{scene}: {why}" for scene, why in sorted({**plan.failures, **failed}.items())],
        "software": _software(),
    }
    write_manifest(plan.out, content)
    return content


def summary(plan: Plan, reports: Sequence[ShardReport], manifest: dict[str, Any]) -> tuple[str, bool]:
    """Tell what was rendered and what was left out, and whether the data set is complete."""
    new = sum(r.given for r in reports)
    sets = sum(s["sets"] for s in manifest["shards"])
    size = sum(s["bytes"] for s in manifest["shards"]) / 1e6
    busy = sum(r.seconds for r in reports)
    lines = []
    for report in reports:
        lines += [f"note: scene {report.shard.scene}: {note}" for note in report.notes if report.shard.number == 0]
    for entry in manifest["shortfalls"]:
        lines.append(f"fewer sets: scene {entry['scene']} gave {entry['given']} of {entry['asked']} ({entry['why']})")
    lines += [f"left out: clip {name}: {why}" for name, why in sorted(manifest["clips_left_out"].items())]
    lines += [f"left out: scene {failure}" for failure in manifest["failures"]]
    lines.append(
        f"{new} sets rendered ({busy / max(new, 1):.2f} s each and worker)" if new else "nothing to do: all shards are there"
    )
    lines.append(f"{plan.out}: {sets} sets of {len({s['scene'] for s in manifest['shards']})} scenes, {size:.0f} MB")
    lines.append(f"next: python -m dataset.verify {plan.out}   then: python -m training.run --data {plan.out}")
    complete = not (manifest["shortfalls"] or manifest["clips_left_out"] or manifest["failures"])
    return "\n".join(lines), complete


def _before(plan: Plan) -> dict[str, Any]:
    """Give the earlier manifest of this render, or nothing."""
    if not (plan.out / NAME).is_file():
        return {}
    try:
        manifest = read_manifest(plan.out)
    except DatasetError:
        return {}
    return manifest if manifest.get("settings") == plan.digest else {}


def _shortfall(report: ShardReport) -> dict[str, Any]:
    why = "; ".join(f"{n} {rule}" for rule, n in Counter(report.rejected).most_common())
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


def _hrtf_credit(plan: Plan) -> str:
    if plan.inputs.hrtf is None or plan.inputs.hrtf == BUNDLED_HRTF:
        return KEMAR
    measured = read_sofa(plan.inputs.hrtf)
    return f"{measured.title} ({plan.inputs.hrtf.name})"


def _software() -> dict[str, str]:
    versions = {"python": platform.python_version()}
    for name in PACKAGES:
        try:
            versions[name] = version(name)
        except PackageNotFoundError:
            versions[name] = "not installed as a package"
    return versions
