"""Rendering shards side by side: in this process, or by Ray workers on one machine or many."""

from __future__ import annotations

import logging
import os
from collections.abc import Callable, Iterator
from typing import Any

from simulator.errors import InputError
from simulator.plan import Plan, Shard
from simulator.worker import DiskError, ShardReport, render_shard

RETRIES = 2
"""Times a shard is tried again after its worker process died."""
POLL_S = 0.5


def render_here(plan: Plan, advance: Callable[[int], None]) -> Iterator[ShardReport]:
    """Render the missing shards one after another in this process."""
    for shard in plan.todo:
        yield render_shard(plan, shard, advance)


def render_with_ray(
    plan: Plan, workers: int | None, address: str | None, advance: Callable[[int], None]
) -> Iterator[ShardReport]:
    """Render the missing shards with `workers` processes (None: one a core), each keeping one scene.

    A worker that dies is started again and its shard with it, up to RETRIES times; then the shard is reported as failed.
    Raises InputError when there is no cluster at the address, DiskError when the output is full.
    """
    import ray

    _connect(ray, workers, address)
    try:
        count = min(workers or int(ray.cluster_resources().get("CPU", 1)), len(plan.todo))
        progress = ray.remote(num_cpus=0)(_Progress).remote()
        worker_class = ray.remote(num_cpus=1, max_restarts=-1, max_task_retries=RETRIES)(_Worker)
        handle = ray.put(plan)
        workers_idle = [worker_class.remote(handle, progress) for _ in range(count)]
        queue, running, seen = list(plan.todo), {}, 0
        last: dict[Any, str] = {}
        while queue or running:
            while queue and workers_idle:
                worker = workers_idle.pop()
                shard = _next(queue, last.get(worker), set(last.values()))
                last[worker] = shard.scene
                running[worker.render.remote(shard)] = worker, shard
            done, _ = ray.wait(list(running), timeout=POLL_S)
            for reference in done:
                worker, shard = running.pop(reference)
                workers_idle.append(worker)
                yield _outcome(ray, reference, shard)
            total = ray.get(progress.total.remote())
            advance(total - seen)
            seen = total
    finally:
        ray.shutdown()


class _Worker:
    """A process that renders shards; it keeps the scene of the last one."""

    def __init__(self, plan: Plan, progress: Any) -> None:
        self.plan, self.progress = plan, progress

    def render(self, shard: Shard) -> ShardReport:
        return render_shard(self.plan, shard, lambda sets: self.progress.add.remote(sets))


class _Progress:
    """Counts the sets that all workers have finished."""

    def __init__(self) -> None:
        self.sets = 0

    def add(self, sets: int) -> None:
        self.sets += sets

    def total(self) -> int:
        return self.sets


def _connect(ray: Any, workers: int | None, address: str | None) -> None:
    # Ray draws its own warnings about accelerators and disks; ours are the messages that count.
    os.environ.setdefault("RAY_ACCEL_ENV_VAR_OVERRIDE_ON_ZERO", "0")
    os.environ.setdefault("RAY_DISABLE_MEMORY_MONITOR", "0")
    options = {"logging_level": logging.ERROR, "log_to_driver": False, "include_dashboard": False}
    try:
        if address:
            options.pop("include_dashboard")
            ray.init(address=address, **options)
        else:
            ray.init(num_cpus=workers, **options)
    except (ConnectionError, RuntimeError, ValueError) as error:
        raise InputError(f"no Ray cluster at {address} ({error}); start one with 'ray start --head'") from None


def _next(queue: list[Shard], mine: str | None, taken: set[str]) -> Shard:
    """Take the next shard: of the worker's own scene, else of a scene nobody has, else any."""
    order = sorted(range(len(queue)), key=lambda k: (queue[k].scene != mine, queue[k].scene in taken, k))
    return queue.pop(order[0])


def _outcome(ray: Any, reference: Any, shard: Shard) -> ShardReport:
    try:
        return ray.get(reference)
    except ray.exceptions.RayTaskError as error:
        if isinstance(error.cause, DiskError):
            raise DiskError(str(error.cause)) from None
        raise
    except ray.exceptions.RayError as error:
        first = str(error).strip().splitlines()[0]
        return ShardReport(shard, failure=f"its worker died {RETRIES + 1} times ({first}); it may need more memory")
