"""Rendering shards side by side: in this process, or by Ray workers on one machine or many."""

from __future__ import annotations

import logging
import os
import signal
import socket
import threading
from collections.abc import Callable, Generator
from typing import Any

from simulator.errors import DiskError, InputError
from simulator.run.shard_plan import Plan, Shard
from simulator.run.warm_up import compile_kernels
from simulator.run.worker import ShardReport, render_shard

RETRIES = 2
"""Times a shard is tried again after its worker process died."""
POLL_S = 0.5
OBJECT_STORE_BYTES = 128 << 20
"""Ray's shared memory; only the plan and reports pass through it."""
KNOCK_S = 5.0
"""Time that a cluster has to answer at its address."""


def cores() -> int:
    """Give the number of cores that this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def render_here(plan: Plan, tell: Callable[[int], None]) -> Generator[ShardReport, None, None]:
    """Render the missing shards one after another in this process; `tell` hears how many sets are behind."""
    before = 0
    for shard in plan.todo:
        yield render_shard(plan, shard, lambda sets, before=before: tell(before + sets))  # type: ignore[misc]
        before += shard.asked


def render_with_ray(
    plan: Plan, workers: int | None, address: str | None, tell: Callable[[int], None]
) -> Generator[ShardReport, None, None]:
    """Render the missing shards with `workers` processes (None: one a core), each keeping one scene.

    A worker that dies is started again and its shard with it, up to RETRIES times; then the shard is reported as failed.
    Raises InputError when there is no cluster at the address, DiskError when the output is full.
    """
    import ray

    _connect(ray, workers or cores(), address)
    try:
        count = min(workers or int(ray.cluster_resources().get("CPU", 1)), len(plan.todo))
        progress = ray.remote(num_cpus=0)(_Progress).remote()
        worker_class = ray.remote(num_cpus=1, max_restarts=-1, max_task_retries=RETRIES)(_Worker)
        idle = [worker_class.remote() for _ in range(count)]
        if not address:
            compile_kernels(plan.settings, plan.inputs)  # once, while the workers start, instead of in each of them
        # By reference, so that it travels once a machine; to the task, so that a worker started anew gets it too.
        shared = ray.put(plan)
        queue = list(plan.todo)
        running: dict[Any, tuple[Any, Shard]] = {}
        last: dict[Any, str] = {}
        while queue or running:
            while queue and idle:
                worker = idle.pop()
                shard = _next(queue, last.get(worker), set(last.values()))
                last[worker] = shard.scene
                running[worker.render.remote(shared, shard, progress)] = worker, shard
            done, _ = ray.wait(list(running), timeout=POLL_S)
            for reference in done:
                worker, shard = running.pop(reference)
                idle.append(worker)
                yield _outcome(ray, reference, shard)
            tell(ray.get(progress.total.remote()))
    finally:
        ray.shutdown()


class _Worker:
    """A process that renders shards; `worker.py` keeps the scene of the last one."""

    def render(self, plan: Plan, shard: Shard, progress: Any) -> ShardReport:
        return render_shard(plan, shard, lambda sets: progress.note.remote(shard.path.name, sets))


class _Progress:
    """Counts the sets that are behind in each shard, so that one rendered anew counts once."""

    def __init__(self) -> None:
        self.sets: dict[str, int] = {}

    def note(self, shard: str, sets: int) -> None:
        self.sets[shard] = sets

    def total(self) -> int:
        return sum(self.sets.values())


def _connect(ray: Any, workers: int, address: str | None) -> None:
    # Ray says much of its own, and reports usage to its makers; the messages that count here are ours.
    os.environ.setdefault("RAY_USAGE_STATS_ENABLED", "0")
    os.environ.setdefault("RAY_ACCEL_ENV_VAR_OVERRIDE_ON_ZERO", "0")
    options: dict[str, Any] = {"logging_level": logging.ERROR, "log_to_driver": False}
    if not address:
        options |= {"num_cpus": workers, "num_gpus": 0, "include_dashboard": False, "object_store_memory": OBJECT_STORE_BYTES}
    terminate = signal.getsignal(signal.SIGTERM)
    try:
        _knock(address)
        ray.init(address=address or "local", **options)
    except (OSError, RuntimeError, ValueError) as error:
        why = str(error).splitlines()[0]
        if not address:
            raise InputError(f"Ray does not start on this machine ({why}); --workers 0 renders without it") from None
        raise InputError(f"no Ray cluster at {address} ({why}); start one with 'ray start --head'") from None
    if threading.current_thread() is threading.main_thread():
        signal.signal(signal.SIGTERM, terminate)  # Ray has put its own in place, which drops all and says nothing


def _knock(address: str | None) -> None:
    """Raise OSError where nothing listens at HOST:PORT; Ray would try again for ten minutes, and then end the process."""
    host, _, port = (address or "").rpartition("://")[2].rpartition(":")
    if host and port.isdecimal():
        socket.create_connection((host.strip("[]"), int(port)), KNOCK_S).close()


def _next(queue: list[Shard], mine: str | None, taken: set[str]) -> Shard:
    """Take the next shard: of the worker's own scene, else of a scene nobody has, else any."""
    best = min(range(len(queue)), key=lambda k: (queue[k].scene != mine, queue[k].scene in taken, k))
    return queue.pop(best)


def _outcome(ray: Any, reference: Any, shard: Shard) -> ShardReport:
    try:
        return ray.get(reference)
    except ray.exceptions.RayTaskError as error:
        if isinstance(error.cause, DiskError):
            raise DiskError(str(error.cause)) from None
        raise
    except ray.exceptions.RayError as error:
        why = (str(error).strip().splitlines() or [type(error).__name__])[0]
        return ShardReport(shard, failure=f"its worker died {RETRIES + 1} times ({why}); it may need more memory")
