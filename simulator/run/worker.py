"""The work of one shard, the same in this process and on a cluster."""

from __future__ import annotations

import json
import time
import traceback
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from dataset.format.schema import FORMAT, FORMAT_VERSION
from dataset.format.writer import ShardWriter
from simulator.config import Settings
from simulator.errors import DiskError, InputError, unwritable
from simulator.run.sampling import Rejected
from simulator.run.shard_plan import Plan, Shard
from simulator.run.simulate import Inputs, Stage, set_stage, simulate


@dataclass
class ShardReport:
    """What became of a shard."""

    shard: Shard
    given: int = 0
    rejected: Counter[str] = field(default_factory=Counter)
    bad_clips: dict[str, str] = field(default_factory=dict)
    failure: str = ""
    """Why the shard could not be rendered at all; one line."""
    notes: tuple[str, ...] = ()
    seconds: float = 0.0


def render_shard(plan: Plan, shard: Shard, tell: Callable[[int], None]) -> ShardReport:
    """Render one shard and tell after each set how many are behind; a scene that cannot be used is reported, not raised.

    Raises DiskError when the shard cannot be written; what was finished before stays.
    """
    report, start = ShardReport(shard), time.monotonic()
    try:
        stage = _stage(shard, plan.settings, plan.inputs)
        if stage.scene.sha256 != shard.scene_sha256:
            raise InputError(f"{shard.scene_path} changed while it was being rendered; run again")
        report.notes = stage.scene.notes
        _write(plan, shard, stage, report, tell)
    except DiskError:
        raise
    except InputError as error:
        report.failure = str(error)
    except Exception as error:  # a fault of ours in one scene must not cost the others
        report.failure = _unforeseen(shard, error)
    report.seconds = time.monotonic() - start
    tell(shard.asked)
    return report


def _write(plan: Plan, shard: Shard, stage: Stage, report: ShardReport, tell: Callable[[int], None]) -> None:
    """Simulate a shard's sets one by one into its file; sets that the scene cannot give are counted."""
    writer = ShardWriter(shard.path, attributes(plan, shard, stage))
    try:
        with writer:
            for done, index in enumerate(range(shard.first, shard.first + shard.asked), 1):
                one = _simulated(stage, index, report)
                if one is not None:
                    writer.add(one)
                tell(done)
    except OSError as error:
        raise unwritable(plan.out, error) from None
    report.given = writer.count


def _simulated(stage: Stage, index: int, report: ShardReport) -> dict[str, Any] | None:
    """Give a set, or None where the scene has no such set; the report tells of it, and of clips left out."""
    try:
        return simulate(stage, index, lambda name, why: report.bad_clips.update({name: why}))
    except Rejected as error:
        report.rejected += error.counts
        return None
    except OSError as error:
        raise InputError(f"a file of the input cannot be read any more ({error}); check it and run again") from None


def attributes(plan: Plan, shard: Shard, stage: Stage) -> dict[str, object]:
    """Give the root attributes of a shard."""
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
        "credit": stage.scene.credit,
    }


_held: dict[tuple[Any, ...], Stage | InputError] = {}
"""The scene of the last shard, or why it cannot be used: shards of a scene come one after another."""


def _stage(shard: Shard, settings: Settings, inputs: Inputs) -> Stage:
    key = (shard.scene_path, shard.scene, settings, inputs)
    if key not in _held:
        _held.clear()  # before the next scene comes: two at once would need twice the memory
        try:
            _held[key] = set_stage(*key)
        except InputError as error:
            _held[key] = error
    held = _held[key]
    if isinstance(held, InputError):
        raise held
    return held


def _unforeseen(shard: Shard, error: Exception) -> str:
    where = traceback.extract_tb(error.__traceback__)[-1]
    what = " ".join(f"{type(error).__name__}: {error}".split())
    return f"{shard.scene_path}: {what} ({where.filename}:{where.lineno}); this is a fault of the simulator, please report it"
