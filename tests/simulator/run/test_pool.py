"""Workers that are late, die, or cannot start: every shard is rendered once or reported, and the render ends.

Ray is replaced by a script of what becomes of each task; tests/simulator/test_render.py kills real workers.
"""

from __future__ import annotations

import types
from pathlib import Path

import pytest

from simulator.errors import DiskError
from simulator.run import pool as module
from simulator.run.pool import LOSSES, RETRIES, Pool
from simulator.run.shard_plan import Plan, Shard
from simulator.run.version import simulator_version
from simulator.run.worker import ShardReport


class RayError(Exception):
    pass


class NodeDiedError(RayError):
    pass


class RayTaskError(RayError):
    def __init__(self, cause):
        super().__init__(f"ray::Worker.render()\n{type(cause).__name__}: {cause}")
        self.cause = cause


LATE = object()
"""What becomes of a worker that never starts."""


class Remote:
    """Calls `call` when `.remote(...)` is called."""

    def __init__(self, call):
        self.remote = call


class FakeWorker:
    def __init__(self, ready, render):
        self.ready, self.render = ready, render


class FakeRay:
    """Tasks end at once, as scripted: `starts` for each worker in turn, `renders` for each shard in turn."""

    exceptions = types.SimpleNamespace(RayError=RayError, NodeDiedError=NodeDiedError, RayTaskError=RayTaskError)

    def __init__(self, starts=(), renders=(), progress=0, machines=()):
        self.starts, self.renders, self.progress = list(starts), list(renders), progress
        self.machines = list(machines) or [{"here": 1}]
        self.count, self.rendered, self.results, self.started = 0, [], {}, 0

    def put(self, value):
        return value

    def remote(self, **_):
        return lambda kind: Remote(self.worker)

    def nodes(self):
        """Return the machines, {name: CPUs}; each call uses up one state, the last one stays."""
        now = self.machines.pop(0) if len(self.machines) > 1 else self.machines[0]
        return [{"NodeID": name, "Alive": True, "Resources": {"CPU": cpus}} for name, cpus in now.items()]

    def worker(self, plan, progress):
        assert plan.shards == plan.todo == (), "the shards would be sent to every worker"
        self.started += 1
        result = self.starts.pop(0) if self.starts else ("here", simulator_version())
        return FakeWorker(Remote(lambda: self.result(result)), Remote(self.render))

    def render(self, shard):
        self.rendered.append(shard.number)
        return self.result(self.renders.pop(0) if self.renders else ShardReport(shard, 2))

    def result(self, value):
        self.count += 1
        self.results[self.count] = value
        return self.count

    def wait(self, references, timeout):
        return [r for r in references if self.results[r] is not LATE], []

    def get(self, reference, timeout=None):
        value = self.results[reference]
        if isinstance(value, Exception):
            raise value
        return value


@pytest.fixture
def render():
    """Return a function that renders four shards with a scripted Ray, and returns the reports and the progress."""

    def call(ray, workers=2, check=None):
        shards = tuple(Shard("a", Path("a.glb"), "0" * 64, "train", k, 2 * k, 2, Path(f"a-{k:04d}.h5")) for k in range(4))
        plan = Plan(Path("out"), None, None, {"inputs": {"simulator": simulator_version()}}, shards, shards)
        progress = []
        counter = types.SimpleNamespace(total=Remote(lambda: ray.result(ray.progress)))
        return list(Pool(ray, plan, workers, counter, check).render(progress.append)), progress

    return call


def numbers(reports, failed=False):
    return sorted(r.shard.number for r in reports if bool(r.failure) == failed)


def test_workers_above_the_clusters_cpus_get_no_shards(render):
    """They never start; a render that waited for them would not end."""
    reports, _ = render(FakeRay(starts=[("here", simulator_version()), LATE, LATE]), workers=3)
    assert numbers(reports) == [0, 1, 2, 3]


def test_a_shard_is_rendered_again_when_its_worker_dies(render):
    ray = FakeRay(renders=[RayError("the actor died")] * RETRIES)
    reports, _ = render(ray, workers=1)
    assert numbers(reports) == [0, 1, 2, 3] and ray.rendered == [0] * RETRIES + [0, 1, 2, 3]


def test_a_shard_that_kills_its_workers_is_reported_and_the_others_rendered(render):
    reports, _ = render(FakeRay(renders=[RayError("the actor died\nmore")] * (RETRIES + 1)), workers=1)
    assert numbers(reports) == [1, 2, 3] and numbers(reports, failed=True) == [0]
    failure = next(r.failure for r in reports if r.failure)
    assert failure == "its worker died 3 times (the actor died); if memory is short, use fewer workers"


@pytest.mark.parametrize("error", [NodeDiedError("gone"), RayError("The actor died because its node has died. Node Id: 7")])
def test_a_lost_machine_does_not_count_as_a_death(error, render):
    reports, _ = render(FakeRay(renders=[error] * LOSSES), workers=1)
    assert numbers(reports) == [0, 1, 2, 3]
    reports, _ = render(FakeRay(renders=[error] * (LOSSES + 1)), workers=1)
    assert "its machine was lost 11 times" in next(r.failure for r in reports if r.failure)


def test_without_the_counter_progress_is_that_of_finished_shards(render):
    reports, progress = render(FakeRay(progress=RayError("the actor died")), workers=1)
    assert numbers(reports) == [0, 1, 2, 3] and progress[-1] == 8


def test_machines_without_the_project_are_named_and_the_rest_renders(render, capsys):
    lacking = RayError("The actor died\nModuleNotFoundError: No module named 'simulator'")
    reports, _ = render(FakeRay(starts=[lacking, ("there", "0.0.9+0123"), ("here", simulator_version())]), workers=3)
    assert numbers(reports) == [0, 1, 2, 3]
    said = capsys.readouterr().err
    assert (
        "warning: a machine of the cluster lacks this project or a package (ModuleNotFoundError: No module named 'simul" in said
    )
    assert f"warning: machine there has version 0.0.9+0123 of this project, not {simulator_version()}" in said


def test_where_no_machine_has_the_project_all_shards_are_reported(render):
    lacking = RayError("The actor died\nModuleNotFoundError: No module named 'simulator'")
    reports, _ = render(FakeRay(starts=[lacking] * 2))
    assert numbers(reports, failed=True) == [0, 1, 2, 3]
    assert all("no worker can start: a machine of the cluster lacks this project" in r.failure for r in reports)


def test_a_lost_cluster_ends_the_render_and_reports_what_is_missing(render, monkeypatch):
    def refuse():
        raise ConnectionRefusedError(111, "Connection refused")

    monkeypatch.setattr(module, "WATCH_S", -1.0)
    reports, _ = render(FakeRay(starts=[LATE]), workers=1, check=refuse)
    assert numbers(reports, failed=True) == [0, 1, 2, 3]
    assert "the Ray cluster is lost (Connection refused); start it again and run the same command again" in reports[0].failure


def test_a_cluster_that_answers_again_is_not_lost(render, monkeypatch):
    answers = iter([OSError("x"), OSError("x"), None, OSError("x"), OSError("x"), None])

    def check():
        answer = next(answers, None)
        if answer:
            raise answer

    monkeypatch.setattr(module, "WATCH_S", -1.0)
    reports, _ = render(FakeRay(), workers=1, check=check)
    assert numbers(reports) == [0, 1, 2, 3]


def test_a_full_disk_ends_the_render(render):
    with pytest.raises(DiskError, match="full"):
        render(FakeRay(renders=[RayTaskError(DiskError("full"))]))


def test_another_fault_of_a_task_is_one_line(render):
    reports, _ = render(FakeRay(renders=[RayTaskError(ValueError("odd"))]))
    assert [r.failure for r in reports if r.failure] == ["its worker failed (ValueError: odd)"]


class TestNumberOfWorkers:
    """One for each CPU, or as many as were asked for, and never more than shards."""

    @pytest.fixture
    def often(self, monkeypatch):
        monkeypatch.setattr(module, "WATCH_S", -1.0)

    @pytest.mark.parametrize(
        ("asked", "cpus", "started"), [(None, 3, 3), (None, 0, 1), (None, 9, 4), (2, 3, 2), (3, 1, 3), (9, 9, 4)]
    )
    def test_at_the_start(self, asked, cpus, started, render):
        ray = FakeRay(machines=[{"here": cpus}])
        render(ray, workers=asked)
        assert ray.started == started

    def test_grows_with_the_cluster(self, render, often):
        ray = FakeRay(machines=[{"here": 1}, {"here": 1, "added": 2}])
        reports, _ = render(ray, workers=None, check=lambda: None)
        assert numbers(reports) == [0, 1, 2, 3] and ray.started == 3

    def test_a_machine_that_refuses_is_tried_again_only_where_machines_change(self, render, often, capsys):
        other = ("there", "0.0.9+0123")
        same = FakeRay(starts=[("here", simulator_version()), other], machines=[{"here": 1, "there": 1}])
        render(same, workers=None, check=lambda: None)
        assert same.started == 2
        before, after = {"here": 1, "there": 1}, {"here": 1, "new": 1}
        changed = FakeRay(starts=[("here", simulator_version()), other, other], machines=[before, before, after])
        render(changed, workers=None, check=lambda: None)
        assert changed.started == 3
        assert capsys.readouterr().err.count("0.0.9+0123") == 2, "once a render"
