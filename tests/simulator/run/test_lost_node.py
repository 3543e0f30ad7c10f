"""A cluster of two machines, one of which is lost in the middle of a render: every shard is rendered, and Ray prints nothing."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from pathlib import Path

import pytest

from dataset.verify import verify

ROOT = Path(__file__).resolve().parents[3]
LONG_S = 300
NODE = {"num_cpus": 1, "object_store_memory": 80 << 20}


@pytest.fixture
def cluster(monkeypatch):
    """A Ray cluster of a head and another node on this machine, without authentication."""
    for name, value in {"RAY_worker_niceness": "0", "RAY_USAGE_STATS_ENABLED": "0", "PYTHONPATH": str(ROOT)}.items():
        monkeypatch.setenv(name, value)
    cluster_utils = pytest.importorskip("ray.cluster_utils")
    cluster = cluster_utils.Cluster(initialize_head=True, head_node_args={**NODE, "include_dashboard": False})
    try:
        yield cluster, cluster.add_node(wait=True, **NODE)
    finally:
        cluster.shutdown()


@pytest.mark.slow
def test_a_lost_node_costs_nothing_but_time(cluster, tiny_data, tiny_scenes, tiny_options, fields_of, tmp_path):
    nodes, lost = cluster
    out = tmp_path / "out"
    # A token of this machine, which the cluster does not ask for, must not be used.
    (tmp_path / ".ray").mkdir()
    (tmp_path / ".ray" / "auth_token").write_text("0123456789abcdef" * 4)
    command = [sys.executable, "-m", "simulator.render", "--scenes", str(tiny_scenes), "--out", str(out), *tiny_options]
    environment = {**os.environ, "HOME": str(tmp_path), "XDG_CACHE_HOME": str(Path.home() / ".cache")}
    run = subprocess.Popen(
        [*command, "--address", nodes.address],
        cwd=ROOT,
        env=environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    deadline = time.monotonic() + LONG_S
    while not list((out / "shards").glob("*.h5")) and run.poll() is None and time.monotonic() < deadline:
        time.sleep(0.01)
    nodes.remove_node(lost, allow_graceful=False)
    said, errors = run.communicate(timeout=LONG_S)
    assert run.returncode == 0, errors
    assert said.splitlines()[0].startswith("8 sets rendered") and "Raylet" not in said + errors
    assert fields_of(out) == fields_of(tiny_data) and verify(out) == []
    assert not list(out.rglob("*.part"))
