"""Render one shard; the same code runs in this process and on a cluster."""

from __future__ import annotations

import json
import socket
import time
import traceback
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from dataset.errors import DatasetError
from dataset.format.schema import FORMAT, FORMAT_VERSION
from dataset.format.writer import ShardWriter
from dataset.storage.output import AddressOutput
from simulator.config import WALK, Settings
from simulator.errors import DiskError, InputError, unwritable
from simulator.run.existing import described
from simulator.run.poses import pose_faults
from simulator.run.sampling import Rejected
from simulator.run.shard_plan import Plan, Shard
from simulator.run.simulate import Inputs, SceneContext, prepare_scene, simulate
from simulator.run.walk_fields import ABSENT


@dataclass
class ShardReport:
    """The outcome of a shard."""

    shard: Shard
    given: int = 0
    """Number of sets written."""
    rejected: Counter[str] = field(default_factory=Counter)
    bad_clips: dict[str, str] = field(default_factory=dict)
    pose_faults: dict[str, list[str]] = field(default_factory=dict)
    """What is unusual about given poses, by set."""
    failure: str = ""
    """Why the shard could not be rendered, in one line; empty where it was."""
    notes: tuple[str, ...] = ()
    seconds: float = 0.0
    entry: dict[str, Any] | None = None
    """Entry of the written shard in the manifest, by which the driver recognises the file."""
    host: str = ""
    """The machine that rendered it."""


def render_shard(plan: Plan, shard: Shard, on_progress: Callable[[int], None]) -> ShardReport:
    """Render one shard; a scene that cannot be used is reported, not raised.

    on_progress: called after each set with the number of sets processed.
    Raise DiskError where the shard cannot be written; shards finished before remain.
    """
    report, start = ShardReport(shard, host=socket.gethostname()), time.monotonic()
    try:
        context = _context(shard, plan.settings, plan.inputs)
        if context.scene.sha256 != shard.scene_sha256:
            raise InputError(f"{shard.scene_path} changed while it was being rendered; run again")
        report.notes = (*context.scene.notes, *context.ears.notes)
        _write(plan, shard, context, report, on_progress)
    except DiskError:
        raise
    except (InputError, DatasetError) as error:
        report.failure = str(error)
    except Exception as error:  # a defect of the simulator in one scene must not cost the others
        report.failure = _unexpected(shard, error)
    report.seconds = time.monotonic() - start
    on_progress(shard.asked)
    return report


def _write(plan: Plan, shard: Shard, context: SceneContext, report: ShardReport, on_progress: Callable[[int], None]) -> None:
    """Simulate a shard's sets one by one into its file; rejected sets are counted in the report."""
    writer = ShardWriter(shard.path, attributes(plan, shard, context))
    try:
        with writer:
            for done, index in enumerate(range(shard.first, shard.first + shard.asked), 1):
                if context.poses:
                    faults = pose_faults(context.scene, context.poses.sets[shard.scene][index])
                    report.pose_faults.update({f"{shard.scene}/{index}": faults} if faults else {})
                one = _simulated(context, index, report)
                if one is not None:
                    writer.add(one)
                on_progress(done)
        report.given = writer.count
        if report.given:
            report.entry = describe(plan, shard.path)
            if plan.address:
                _deliver(plan, shard.path, report.entry)
    except OSError as error:
        raise unwritable(plan.out, error) from None


def _simulated(context: SceneContext, index: int, report: ShardReport) -> dict[str, Any] | None:
    """Return a set, or None where the scene yields no such set; the report records this and clips left out."""
    try:
        return simulate(context, index, lambda name, why: report.bad_clips.update({name: why}))
    except Rejected as error:
        report.rejected += error.counts
        return None
    except OSError as error:
        raise InputError(f"an input file can no longer be read ({error}); check it and run the same command again") from None


def describe(plan: Plan, path: Path) -> dict[str, Any]:
    """Return the manifest's entry of a shard; raise DatasetError where it is damaged."""
    return described(path, path.relative_to(plan.out).as_posix())


def _deliver(plan: Plan, path: Path, entry: dict[str, Any]) -> None:
    """Upload a shard, confirm its digest, and delete it here; DatasetError where that fails."""
    try:
        AddressOutput(plan.address).put(path, entry["path"])
    finally:
        path.unlink(missing_ok=True)


def attributes(plan: Plan, shard: Shard, context: SceneContext) -> dict[str, object]:
    """Return the root attributes of a shard."""
    walks = plan.settings.sampling.motion == WALK
    return {
        "format": FORMAT,
        "format_version": FORMAT_VERSION,
        "scene": shard.scene,
        "scene_sha256": shard.scene_sha256,
        "split": shard.split,
        "sample_rate": plan.settings.acoustics.sample_rate_hz,
        "seed": plan.settings.seed,
        "settings": json.dumps(plan.digest, sort_keys=True),
        "first": shard.first,
        "asked": shard.asked,
        "credit": context.scene.credit,
        **({"absent": json.dumps(ABSENT)} if walks else {}),
        **({"origin": context.scene.origin} if context.scene.origin.any() else {}),
    }


_cache: dict[tuple[Any, ...], SceneContext | InputError] = {}
"""The scene of the last shard, or the reason why it cannot be used: shards of a scene are rendered consecutively."""


def _context(shard: Shard, settings: Settings, inputs: Inputs) -> SceneContext:
    key = (shard.scene_path, shard.scene, settings, inputs)
    if key not in _cache:
        _cache.clear()  # before the next scene is loaded: two at once would need twice the memory
        try:
            _cache[key] = prepare_scene(*key)
        except InputError as error:
            _cache[key] = error
    context = _cache[key]
    if isinstance(context, InputError):
        raise context
    return context


def _unexpected(shard: Shard, error: Exception) -> str:
    where = traceback.extract_tb(error.__traceback__)[-1]
    what = " ".join(f"{type(error).__name__}: {error}".split())
    return f"{shard.scene_path}: {what} ({where.filename}:{where.lineno}); this is a defect of the simulator, please report it"
