"""Render shards in this process, or in parallel by Ray workers on one machine or many."""

from __future__ import annotations

import logging
import os
import signal
import socket
import subprocess
import sys
import threading
from collections.abc import Callable, Generator
from typing import Any

from simulator.errors import InputError
from simulator.run.pool import Pool, Progress
from simulator.run.progress import print_note
from simulator.run.shard_plan import Plan
from simulator.run.warm_up import compile_kernels
from simulator.run.worker import ShardReport, render_shard

OBJECT_STORE_BYTES = 128 << 20
"""Ray's shared memory, which holds only the plan and reports."""
CONNECT_S = 5.0
"""Time limit for a connection to the cluster's address."""
PROBE = "import sys; from ray._raylet import GcsClient; GcsClient(address=sys.argv[1])"


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
    """Render the missing shards with `workers` processes (None: one per CPU of the cluster), each of which holds one scene.

    What becomes of lost workers, machines and clusters: see pool.py. Raise InputError where there is no cluster at the
    address, DiskError where the output cannot be written.
    """
    ray = _connect(workers or cores(), address)
    try:
        cpus, count = int(ray.cluster_resources().get("CPU", 0)), min(workers or 1, len(plan.todo))
        if count > max(1, cpus):
            print_note(f"note: the cluster has {cpus} CPUs; {count - cpus} of {count} workers wait until it has more")
        head = ray.get_runtime_context().gcs_address if address == "auto" else address
        pool = Pool(ray, plan, workers, _progress(ray), (lambda: check_reachable(head)) if head else None)
        if not address:
            compile_kernels(plan.settings, plan.inputs)  # once, while the workers start, instead of in each of them
        yield from pool.render(on_progress)
    finally:
        ray.shutdown()


def _progress(ray: Any) -> Any:
    """Start the counter of sets, on this machine where possible: it is lost with its machine."""
    from ray.util.scheduling_strategies import NodeAffinitySchedulingStrategy

    here = NodeAffinitySchedulingStrategy(ray.get_runtime_context().get_node_id(), soft=True)
    return ray.remote(num_cpus=0, scheduling_strategy=here)(Progress).remote()


def check_reachable(address: str) -> None:
    """Raise OSError where nothing listens at HOST:PORT; Ray would retry for ten minutes, and then end the process."""
    host, _, port = address.rpartition("://")[2].rpartition(":")
    if host and port.isdecimal():
        socket.create_connection((host.strip("[]"), int(port)), CONNECT_S).close()


def _connect(workers: int, address: str | None) -> Any:
    """Connect to the cluster at an address, or start one on this machine; return the module ray."""
    # Ray logs a lot and reports usage to its makers; this command prints its own messages.
    os.environ.setdefault("RAY_USAGE_STATS_ENABLED", "0")
    os.environ.setdefault("RAY_ACCEL_ENV_VAR_OVERRIDE_ON_ZERO", "0")
    options: dict[str, Any] = {"logging_level": logging.ERROR, "log_to_driver": False}
    if not address:
        os.environ["RAY_ENABLE_WINDOWS_OR_OSX_CLUSTER"] = "0"  # binds all of Ray's ports to the loopback interface
        options |= {"num_cpus": workers, "num_gpus": 0, "include_dashboard": False, "object_store_memory": OBJECT_STORE_BYTES}
    terminate = signal.getsignal(signal.SIGTERM)
    try:
        if address:
            check_reachable(address)
            _use_token(address)
        import ray

        ray.init(address=address or "local", **options)
    except InputError:
        raise
    except Exception as error:  # Ray raises bare ones
        why = (str(error).splitlines() or [type(error).__name__])[0]
        if not address:
            raise InputError(f"Ray does not start on this machine ({why}); --workers 0 renders without it") from None
        raise InputError(f"no Ray cluster at {address} ({why}); start one with '{_start_command(address)}'") from None
    if threading.current_thread() is threading.main_thread():
        signal.signal(signal.SIGTERM, terminate)  # Ray's own handler ends the process without a message
    # Ray prints the log of a lost machine on standard output, and has no option against it.
    ray._private.worker.print_to_stdstream = lambda *_, **__: None
    return ray


def _start_command(address: str) -> str:
    """Return the command that starts a cluster whose address is HOST:PORT, to be run on that host."""
    port = address.rpartition(":")[2]
    return "ray start --head" + (f" --port={port}" if port.isdecimal() and "://" not in address else "")


def _use_token(address: str) -> None:
    """Use the user's token where the cluster at HOST:PORT asks for one; raise InputError where it refuses the token.

    That there is a token says nothing: Ray leaves one on each machine where it has started. A cluster that uses none accepts a
    driver with a token, but then loses every actor.
    """
    if "RAY_AUTH_MODE" in os.environ or "://" in address or ":" not in address:
        return
    if "Unauthenticated" not in _probe(address, "disabled").stderr:
        return
    if _probe(address, "token").returncode:
        raise InputError(
            f"the Ray cluster at {address} refuses the token of this machine, or there is none; copy ~/.ray/auth_token from the "
            "cluster's head"
        )
    os.environ["RAY_AUTH_MODE"] = "token"


def _probe(address: str, mode: str) -> subprocess.CompletedProcess[str]:
    """Connect to a cluster with this RAY_AUTH_MODE in a process of its own, because Ray reads the mode once."""
    environment = {**os.environ, "RAY_AUTH_MODE": mode}
    return subprocess.run(
        [sys.executable, "-c", PROBE, address], env=environment, capture_output=True, text=True, errors="replace", check=False
    )
