"""The dry run: scenes, their acoustic materials, number of sets, bytes and time of a render."""

from __future__ import annotations

import tempfile
import time
from pathlib import Path

from dataset.format.writer import ShardWriter
from simulator.acoustics.materials import assign, load_library, report
from simulator.errors import InputError
from simulator.run.poses import pose_faults
from simulator.run.record import describe_faults
from simulator.run.sampling import Rejected
from simulator.run.shard_plan import Plan, Shard
from simulator.run.simulate import SceneContext, prepare_scene, simulate
from simulator.run.worker import attributes


def describe_plan(plan: Plan, workers: int) -> str:
    """Return a description of scenes, materials and shards; bytes and time are extrapolated from two simulated sets."""
    lines, usable, cost, faults = [], set(), None, []
    for shard in (s for s in plan.shards if s.number == 0):
        try:
            context = prepare_scene(shard.scene_path, shard.scene, plan.settings, plan.inputs)
        except InputError as error:
            lines += [f"scene {shard.scene}: is left out: {error}", ""]
            continue
        usable.add(shard.scene)
        lines += [*_described(plan, shard, context), ""]
        if cost is None and plan.todo:
            try:
                cost = _trial(plan, shard, context)
            except (InputError, Rejected) as error:
                faults.append(f"  scene {shard.scene}: {error}")
    lines += [f"scene {name}: is left out: {why}" for name, why in plan.failures.items()]
    lines += [f"HRTF {name}: is left out: {why}" for name, why in plan.inputs.hrtfs.left_out]
    todo = [s for s in plan.todo if s.scene in usable]
    asked = sum(s.asked for s in todo)
    lines.append(f"{len(plan.shards)} shards in {plan.name}, {len(todo)} of them to render: {asked} sets")
    lines.append(_estimate(asked, workers, cost, faults))
    return "\n".join(lines)


def _described(plan: Plan, shard: Shard, context: SceneContext) -> list[str]:
    scene, files = context.scene, plan.inputs.hrtfs.files
    ears = files[context.hrtf]
    size = " x ".join(f"{x:.1f}" for x in scene.bounds[1] - scene.bounds[0])
    materials = report(scene, assign(scene.surfaces, load_library(plan.inputs.materials)))
    return [
        f"scene {shard.scene} ({shard.split}): {len(scene.faces)} triangles, {size} m, {shard.scene_path}",
        *(f"  note: {note}" for note in scene.notes),
        *([f"  ears: {ears.title} ({ears.name}), drawn from {len(files)} HRTF files"] if len(files) > 1 else []),
        *(f"  {line}" for line in materials.splitlines()),
        *(f"  {line}" for line in _faults(context)),
    ]


def _faults(context: SceneContext) -> list[str]:
    """Return lines on the unusual poses of a scene."""
    poses = context.poses.sets[context.scene.name] if context.poses else ()
    found = {f"{context.scene.name}/{k}": pose_faults(context.scene, pose) for k, pose in enumerate(poses)}
    return describe_faults({name: faults for name, faults in found.items() if faults})


def _estimate(asked: int, workers: int, cost: tuple[float, float] | None, faults: list[str]) -> str:
    if not asked:
        return "nothing to do: all shards exist, or their scenes are left out"
    if cost is None:
        return "\n".join(["no estimate: no scene yields a set", *faults])
    seconds, size = cost
    minutes = asked * seconds / workers / 60
    return f"about {asked * size / 1e6:.0f} MB, and {minutes:.1f} minutes with {workers} workers ({seconds:.2f} s per set)"


def _trial(plan: Plan, shard: Shard, context: SceneContext) -> tuple[float, float]:
    """Simulate and write two sets of a scene; return seconds and bytes per set. Raise InputError or Rejected."""
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "trial.h5"
        with ShardWriter(file, attributes(plan, shard, context)) as writer:
            writer.add(simulate(context, 0, lambda name, why: None))
            start = time.monotonic()
            writer.add(simulate(context, min(1, shard.asked - 1), lambda name, why: None))
            seconds = time.monotonic() - start
        return seconds, file.stat().st_size / 2
