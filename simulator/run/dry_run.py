"""The dry run: what would be rendered, with which acoustic materials, how large and for how long."""

from __future__ import annotations

import tempfile
import time
from pathlib import Path

from dataset.format.writer import ShardWriter
from simulator.acoustics.materials import assign, load_library, report
from simulator.errors import InputError
from simulator.run.sampling import Rejected
from simulator.run.shard_plan import Plan, Shard
from simulator.run.simulate import Stage, set_stage, simulate
from simulator.run.worker import attributes


def describe_plan(plan: Plan, workers: int) -> str:
    """Describe scenes, materials and shards; bytes and time are extrapolated from sets simulated for the purpose."""
    lines, usable, cost = [], set(), None
    for shard in (s for s in plan.shards if s.number == 0):
        try:
            stage = set_stage(shard.scene_path, shard.scene, plan.settings, plan.inputs)
        except InputError as error:
            lines += [f"scene {shard.scene}: will be left out: {error}", ""]
            continue
        usable.add(shard.scene)
        lines += [*_described(plan, shard, stage), ""]
        if cost is None and plan.todo:
            cost = _trial(plan, shard, stage)
    lines += [f"scene {name}: will be left out: {why}" for name, why in plan.failures.items()]
    todo = [s for s in plan.todo if s.scene in usable]
    asked = sum(s.asked for s in todo)
    lines.append(f"{len(plan.shards)} shards in {plan.out}, {len(todo)} of them to do: {asked} sets")
    lines.append(_estimate(asked, workers, cost))
    return "\n".join(lines)


def _described(plan: Plan, shard: Shard, stage: Stage) -> list[str]:
    scene = stage.scene
    size = " x ".join(f"{x:.1f}" for x in scene.bounds[1] - scene.bounds[0])
    materials = report(scene, assign(scene.surfaces, load_library(plan.inputs.materials)))
    return [
        f"scene {shard.scene} ({shard.split}): {len(scene.faces)} triangles, {size} m, {shard.scene_path}",
        *(f"  note: {note}" for note in scene.notes),
        *(f"  {line}" for line in materials.splitlines()),
    ]


def _estimate(asked: int, workers: int, cost: tuple[float, float] | None) -> str:
    if not asked:
        return "nothing to do: all shards are there, or their scenes will be left out"
    if cost is None:
        return "no estimate: no scene gives a set"
    seconds, size = cost
    minutes = asked * seconds / workers / 60
    return f"about {asked * size / 1e6:.0f} MB, and {minutes:.1f} minutes with {workers} workers ({seconds:.2f} s a set)"


def _trial(plan: Plan, shard: Shard, stage: Stage) -> tuple[float, float] | None:
    """Simulate and write two sets of a scene; the second one's seconds and bytes stand for all. None where it gives none."""
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "trial.h5"
        try:
            with ShardWriter(file, attributes(plan, shard, stage)) as writer:
                writer.add(simulate(stage, 0, lambda name, why: None))
                start = time.monotonic()
                writer.add(simulate(stage, 1, lambda name, why: None))
                seconds = time.monotonic() - start
        except (InputError, Rejected):
            return None
        return seconds, file.stat().st_size / 2
