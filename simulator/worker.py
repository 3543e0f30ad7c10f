"""The work of one shard, the same in this process and on a cluster."""

from __future__ import annotations

import json
import time
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import lru_cache
from pathlib import Path

from dataset.schema import FORMAT, FORMAT_VERSION
from dataset.writer import ShardWriter
from simulator.config import Settings
from simulator.errors import InputError
from simulator.plan import Plan, Shard
from simulator.sampling import Rejected
from simulator.simulate import Inputs, Stage, set_stage, simulate


@dataclass
class ShardReport:
    """What became of a shard."""

    shard: Shard
    given: int = 0
    rejected: Counter[str] = field(default_factory=Counter)
    bad_clips: dict[str, str] = field(default_factory=dict)
    failure: str = ""
    """Why the scene could not be used at all; one line."""
    credit: str = ""
    notes: tuple[str, ...] = ()
    seconds: float = 0.0


class DiskError(InputError):
    """The output cannot be written any more: the run has to stop."""


def render_shard(plan: Plan, shard: Shard, advance: Callable[[int], None]) -> ShardReport:
    """Render one shard and tell `advance` of each set; a scene that cannot be used is reported, not raised.

    Raises DiskError when the shard cannot be written; what was finished before stays.
    """
    report, start = ShardReport(shard), time.monotonic()
    try:
        stage = _stage(shard.scene_path, shard.scene, plan.settings, plan.inputs)
        if stage.scene.sha256 != shard.scene_sha256:
            raise InputError(f"{shard.scene_path} changed while it was being rendered; run again")
        report.credit, report.notes = stage.scene.credit, stage.scene.notes
        _write(plan, shard, stage, report, advance)
    except InputError as error:
        if isinstance(error, DiskError):
            raise
        report.failure = str(error)
        advance(shard.asked)
    report.seconds = time.monotonic() - start
    return report


def _write(plan: Plan, shard: Shard, stage: Stage, report: ShardReport, advance: Callable[[int], None]) -> None:
    """Simulate a shard's sets one by one into its file; sets that the scene cannot give are counted."""
    try:
        with ShardWriter(shard.path, attributes(plan, shard)) as writer:
            for index in range(shard.first, shard.first + shard.asked):
                try:
                    writer.add(simulate(stage, index, report.bad_clips.setdefault))
                except Rejected as error:
                    report.rejected += error.counts
                advance(1)
            report.given = writer.count
    except OSError as error:
        raise DiskError(
            f"--out {plan.out} cannot be written any more ({error}); make room and run the same command again to finish"
        ) from None


def attributes(plan: Plan, shard: Shard) -> dict[str, object]:
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
    }


@lru_cache(maxsize=1)
def _stage(path: Path, name: str, settings: Settings, inputs: Inputs) -> Stage:
    """Keep one scene in memory: shards of a scene come one after another."""
    return set_stage(path, name, settings, inputs)
