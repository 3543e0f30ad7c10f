"""Workers of a Ray cluster: shards are handed to those that have started, and rendered again where one is lost."""

from __future__ import annotations

import socket
import time
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import Any

from simulator.errors import DiskError
from simulator.run.progress import print_note
from simulator.run.shard_plan import Plan, Shard
from simulator.run.shard_queue import ShardQueue
from simulator.run.version import simulator_version
from simulator.run.worker import ShardReport, render_shard

RETRIES = 2
"""Further attempts at a shard whose worker process died."""
LOSSES = 10
"""Further attempts at a shard whose machine was lost, which is rarely the shard's fault."""
POLL_S = 0.5
WATCH_S = 5.0
"""Time between two checks that the cluster is reachable; after GONE_CHECKS failures it is lost."""
GONE_CHECKS = 3
WAIT_S = 60.0
"""Time without a running worker after which the user is told that the render waits."""


class Worker:
    """A process that renders shards; worker.py caches the scene of the last one."""

    def __init__(self, plan: Plan, progress: Any) -> None:
        """Keep the plan, without its shards, and the actor of Progress."""
        self.plan, self.progress = plan, progress

    def ready(self) -> tuple[str, str]:
        """Return the machine's name and the version of its simulator."""
        return socket.gethostname(), simulator_version()

    def render(self, shard: Shard) -> ShardReport:
        """Render one shard."""
        return render_shard(self.plan, shard, lambda sets: self.progress.note.remote(shard.path.name, sets))


class Progress:
    """Number of sets processed in each shard, so that a shard rendered again counts once."""

    def __init__(self) -> None:
        self.sets: dict[str, int] = {}
        self.sum = 0

    def note(self, shard: str, sets: int) -> None:
        """Record the number of sets processed in a shard."""
        self.sum += sets - self.sets.get(shard, 0)
        self.sets[shard] = sets

    def total(self) -> int:
        """Return the number of sets processed in all shards."""
        return self.sum


class Pool:
    """Workers and the shards that they render.

    There are as many workers as were asked for, else one for each CPU of the cluster, also of machines that are added later. A
    shard is handed only to a worker that has started. A worker that is lost is replaced and its shard rendered again, up
    to RETRIES times where its process died, LOSSES times where its machine was lost; then the shard is reported as failed.
    Where no worker can start, or the cluster is lost, all remaining shards are reported as failed.
    """

    def __init__(self, ray: Any, plan: Plan, asked: int | None, progress: Any, check: Callable[[], None] | None) -> None:
        """Start the workers.

        asked: number of workers; None: one for each CPU. progress: an actor of Progress. check: raises OSError where the cluster
        cannot be reached; None on this machine.
        """
        self.ray, self.progress, self.check, self.asked = ray, progress, check, asked
        self.address = plan.address
        self.version = plan.digest["inputs"]["simulator"]
        # By reference, so that it is sent once per machine; without shards, which each task brings.
        self.plan = ray.put(replace(plan, shards=(), todo=(), failures={}, damaged={}))
        self.worker_class = ray.remote(num_cpus=1)(Worker)
        self.queue = ShardQueue(plan.todo)
        self.deaths: Counter[Shard] = Counter()
        self.losses: Counter[Shard] = Counter()
        self.starting: dict[Any, Any] = {}
        self.idle: list[Any] = []
        self.running: dict[Any, tuple[Any, Shard]] = {}
        self.scene: dict[Any, str] = {}
        self.machines: frozenset[str] = frozenset()
        self.refused = 0
        """Workers that cannot be used on the present machines."""
        self.refusals: list[str] = []
        self.processed = 0
        self.active = self.watched = time.monotonic()
        self.shown = 0.0
        self.unreachable = 0
        self._grow()

    def render(self, on_progress: Callable[[int], None]) -> Iterator[ShardReport]:
        """Yield the report of each shard as it is finished; `on_progress` gets the number of sets processed so far."""
        while self.queue or self.running:
            lost = self._watch()
            if lost:
                yield from self._give_up(lost)
                return
            if not self.starting and not self.idle and not self.running:
                yield from self._give_up(f"no worker can start: {self.refusals[-1]}")
                return
            self._assign()
            done, _ = self.ray.wait([*self.starting, *self.running], timeout=POLL_S)
            for reference in done:
                if reference in self.starting:
                    self._started(reference)
                else:
                    report = self._finished(reference)
                    if report:
                        self.processed += report.shard.asked
                        yield report
            if time.monotonic() - self.shown > POLL_S:
                on_progress(self._total())
                self.shown = time.monotonic()
        on_progress(self._total())

    def _grow(self) -> None:
        """Start the workers that are wanted and not there; those refused are tried again where the machines have changed."""
        nodes = [node for node in self.ray.nodes() if node["Alive"]]
        machines = frozenset(node["NodeID"] for node in nodes)
        if machines != self.machines:
            self.machines, self.refused = machines, 0
        cpus = int(sum(node["Resources"].get("CPU", 0) for node in nodes))
        left = len(self.queue) + len(self.running)
        there = len(self.starting) + len(self.idle) + len(self.running)
        for _ in range(min(self.asked or max(1, cpus), left) - self.refused - there):
            self._start()

    def _start(self) -> None:
        worker = self.worker_class.remote(self.plan, self.progress)
        self.starting[worker.ready.remote()] = worker

    def _assign(self) -> None:
        while self.queue and self.idle:
            worker = self.idle.pop()
            shard = self.queue.take(self.scene.get(worker), set(self.scene.values()))
            self.scene[worker] = shard.scene
            self.running[worker.render.remote(shard)] = worker, shard

    def _started(self, reference: Any) -> None:
        """Put a worker to use, or not where it cannot run this version of the simulator."""
        worker = self.starting.pop(reference)
        try:
            host, version = self.ray.get(reference)
        except self.ray.exceptions.RayError as error:
            if self._is_machine_loss(error):
                self._start()
            else:
                self._refuse(_start_failure(error))
            return
        if version == self.version:
            self.idle.append(worker)
        else:
            self._refuse(f"machine {host} has version {version} of this project, not {self.version}; install the same there")

    def _refuse(self, why: str) -> None:
        if why not in self.refusals:
            print_note(f"warning: {why}")
            self.refusals.append(why)
        self.refused += 1

    def _finished(self, reference: Any) -> ShardReport | None:
        """Return the report of a shard; None where it is rendered again, because its worker was lost."""
        worker, shard = self.running.pop(reference)
        exceptions = self.ray.exceptions
        try:
            report: ShardReport = self.ray.get(reference)
        except exceptions.RayTaskError as error:
            if isinstance(error.cause, DiskError):
                return self._full(shard, error.cause)
            self.idle.append(worker)
            return ShardReport(shard, failure=f"its worker failed ({_last_line(error)})")
        except exceptions.RayError as error:
            self.scene.pop(worker, None)
            self._start()
            return self._retry(shard, error)
        self.idle.append(worker)
        return report

    def _full(self, shard: Shard, error: DiskError) -> ShardReport | None:
        """End the render where its folder is full; where only a machine's scratch disk is, use the worker no more."""
        if not self.address:
            raise DiskError(str(error)) from None
        self._refuse(f"a worker's machine has no room for a shard ({error})")
        return self._retry(shard, error)

    def _retry(self, shard: Shard, error: Exception) -> ShardReport | None:
        machine = self._is_machine_loss(error)
        count = self.losses if machine else self.deaths
        count[shard] += 1
        if count[shard] <= (LOSSES if machine else RETRIES):
            self.queue.put_back(shard)
            return None
        if machine:
            return ShardReport(shard, failure=f"its machine was lost {count[shard]} times; check the cluster and run again")
        why = _first_line(error)
        return ShardReport(shard, failure=f"its worker died {count[shard]} times ({why}); if memory is short, use fewer workers")

    def _is_machine_loss(self, error: Exception) -> bool:
        return isinstance(error, self.ray.exceptions.NodeDiedError) or "node has died" in str(error)

    def _total(self) -> int:
        """Return the number of sets processed, as far as it is known: its counter can be lost with a machine."""
        try:
            return int(self.ray.get(self.progress.total.remote(), timeout=WATCH_S))
        except self.ray.exceptions.RayError:
            return self.processed

    def _watch(self) -> str:
        """Return why the cluster is lost, empty where it is not; start workers on new machines; note where no CPU is free."""
        now = time.monotonic()
        if self.running or self.idle:
            self.active = now
        elif self.check and now - self.active > WAIT_S:
            print_note("note: waiting for a free CPU of the cluster")
            self.active = now
        if self.check and now - self.watched > WATCH_S:
            self.watched = now
            try:
                self.check()
                self.unreachable = 0
                self._grow()
            except OSError as error:
                self.unreachable += 1
                if self.unreachable >= GONE_CHECKS:
                    return f"the Ray cluster is lost ({error.strerror or error}); start it again and run the same command again"
        return ""

    def _give_up(self, why: str) -> Iterator[ShardReport]:
        for shard in [*(shard for _, shard in self.running.values()), *self.queue]:
            yield ShardReport(shard, failure=why)
        self.running.clear()
        self.queue.clear()


def _start_failure(error: Exception) -> str:
    if "ModuleNotFoundError" in str(error):
        return f"a machine of the cluster lacks this project or a package ({_last_line(error)}); install it on all machines"
    return f"a worker did not start ({_first_line(error)})"


def _first_line(error: Exception) -> str:
    return (str(error).strip().splitlines() or [type(error).__name__])[0]


def _last_line(error: Exception) -> str:
    return (str(error).strip().splitlines() or [type(error).__name__])[-1]
