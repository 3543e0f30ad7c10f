"""The dry run: what would be rendered, with which acoustic materials, how large and for how long."""

from __future__ import annotations

import tempfile
import time
from pathlib import Path

from dataset.writer import ShardWriter
from simulator.errors import InputError
from simulator.load import load_scene
from simulator.materials import assign, load_library, report
from simulator.plan import Plan, Shard
from simulator.sampling import Rejected
from simulator.simulate import set_stage, simulate
from simulator.worker import attributes


def describe_plan(plan: Plan, workers: int) -> str:
    """Describe scenes, materials and shards; bytes and time are extrapolated from sets simulated for the purpose."""
    library = load_library(plan.inputs.materials)
    lines = []
    for shard in (s for s in plan.shards if s.number == 0):
        try:
            scene = load_scene(shard.scene_path, shard.scene, plan.settings.camera.texture_mb)
        except InputError as error:
            lines += [f"scene {shard.scene}: will be left out: {error}", ""]
            continue
        size = " x ".join(f"{x:.1f}" for x in scene.bounds[1] - scene.bounds[0])
        lines.append(f"scene {shard.scene} ({shard.split}): {len(scene.faces)} triangles, {size} m, {shard.scene_path}")
        lines += [f"  note: {note}" for note in scene.notes]
        lines += [f"  {line}" for line in report(scene, assign(scene.surfaces, library)).splitlines()] + [""]
    lines += [f"scene {name}: will be left out: {why}" for name, why in plan.failures.items()]
    asked = sum(s.asked for s in plan.todo)
    lines.append(f"{len(plan.shards)} shards in {plan.out}, {len(plan.todo)} of them to do: {asked} sets")
    lines.append(_estimate(plan, asked, workers) if plan.todo else "nothing to do: all shards are there")
    return "\n".join(lines)


def _estimate(plan: Plan, asked: int, workers: int) -> str:
    """Simulate and write two sets of the first scene that gives them; the second one's cost stands for all."""
    for shard in plan.todo:
        try:
            seconds, size = _trial(plan, shard)
        except (InputError, Rejected):
            continue
        minutes = asked * seconds / workers / 60
        return f"about {asked * size / 1e6:.0f} MB, and {minutes:.1f} minutes with {workers} workers ({seconds:.2f} s a set)"
    return "no estimate: no scene gives a set"


def _trial(plan: Plan, shard: Shard) -> tuple[float, float]:
    stage = set_stage(shard.scene_path, shard.scene, plan.settings, plan.inputs)
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "trial.h5"
        with ShardWriter(file, attributes(plan, shard, stage)) as writer:
            writer.add(simulate(stage, 0, lambda name, why: None))
            start = time.monotonic()
            writer.add(simulate(stage, 1, lambda name, why: None))
            seconds = time.monotonic() - start
        return seconds, file.stat().st_size / 2
