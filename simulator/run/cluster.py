"""Render shards in this process, or in parallel by Ray workers on one machine or many."""

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
"""Further attempts at a shard whose worker process died."""
POLL_S = 0.5
OBJECT_STORE_BYTES = 128 << 20
"""Ray's shared memory, which holds only the plan and reports."""
CONNECT_S = 5.0
"""Time limit for a connection to the cluster's address."""


def cores() -> int:
    """Return the number of cores that this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def render_here(plan: Plan, on_progress: Callable[[int], None]) -> Generator[ShardReport, None, None]:
    """Render the missing shards one after another in this process; `on_progress` gets the number of sets processed so far."""
    before = 0
    for shard in plan.todo:
        yield render_shard(plan, shard, lambda sets, before=before: on_progress(before + sets))  # type: ignore[misc]
        before += shard.asked


def render_with_ray(
    plan: Plan, workers: int | None, address: str | None, on_progress: Callable[[int], None]
) -> Generator[ShardReport, None, None]:
    """Render the missing shards with `workers` processes (None: one per core), each of which holds one scene.

    A worker that dies is restarted and its shard rendered again, up to RETRIES times; then the shard is reported as failed.
    Raise InputError where there is no cluster at the address, DiskError where the output cannot be written.
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
        # By reference, so that it is sent once per machine; passed to each task, so that a restarted worker gets it too.
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
            on_progress(ray.get(progress.total.remote()))
    finally:
        ray.shutdown()


class _Worker:
    """A process that renders shards; `worker.py` caches the scene of the last one."""

    def render(self, plan: Plan, shard: Shard, progress: Any) -> ShardReport:
        return render_shard(plan, shard, lambda sets: progress.note.remote(shard.path.name, sets))


class _Progress:
    """Number of sets processed in each shard, so that a shard rendered again counts once."""

    def __init__(self) -> None:
        self.sets: dict[str, int] = {}

    def note(self, shard: str, sets: int) -> None:
        self.sets[shard] = sets

    def total(self) -> int:
        return sum(self.sets.values())


def _connect(ray: Any, workers: int, address: str | None) -> None:
    # Ray logs a lot and reports usage to its makers; this command prints its own messages.
    os.environ.setdefault("RAY_USAGE_STATS_ENABLED", "0")
    os.environ.setdefault("RAY_ACCEL_ENV_VAR_OVERRIDE_ON_ZERO", "0")
    options: dict[str, Any] = {"logging_level": logging.ERROR, "log_to_driver": False}
    if not address:
        options |= {"num_cpus": workers, "num_gpus": 0, "include_dashboard": False, "object_store_memory": OBJECT_STORE_BYTES}
    terminate = signal.getsignal(signal.SIGTERM)
    try:
        _check_reachable(address)
        ray.init(address=address or "local", **options)
    except (OSError, RuntimeError, ValueError) as error:
        why = str(error).splitlines()[0]
        if not address:
            raise InputError(f"Ray does not start on this machine ({why}); --workers 0 renders without it") from None
        raise InputError(f"no Ray cluster at {address} ({why}); start one with 'ray start --head'") from None
    if threading.current_thread() is threading.main_thread():
        signal.signal(signal.SIGTERM, terminate)  # Ray's own handler ends the process without a message


def _check_reachable(address: str | None) -> None:
    """Raise OSError where nothing listens at HOST:PORT; Ray would retry for ten minutes, and then end the process."""
    host, _, port = (address or "").rpartition("://")[2].rpartition(":")
    if host and port.isdecimal():
        socket.create_connection((host.strip("[]"), int(port)), CONNECT_S).close()


def _next(queue: list[Shard], mine: str | None, taken: set[str]) -> Shard:
    """Remove and return the next shard: of the worker's own scene, else of a scene that no worker holds, else any."""
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
