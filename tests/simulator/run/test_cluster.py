"""Connections to Ray: what a local one listens on, and which token a cluster gets."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
from pathlib import Path

import pytest

from simulator.errors import InputError
from simulator.run import cluster
from simulator.run.cluster import check_reachable

ROOT = Path(__file__).resolve().parents[3]


def test_an_address_without_a_listener_is_found_at_once():
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        port = listener.getsockname()[1]
        listener.listen()
        check_reachable(f"127.0.0.1:{port}")
    with pytest.raises(OSError):
        check_reachable(f"ray://127.0.0.1:{port}")


@pytest.fixture
def token_mode(monkeypatch):
    """Return a function that chooses the mode for a cluster which refuses the given ones."""

    def choose(*refused):
        monkeypatch.setenv("RAY_AUTH_MODE", "x")  # so that it is restored
        monkeypatch.delenv("RAY_AUTH_MODE")

        def probe(_, mode):
            wrong = mode in refused
            return subprocess.CompletedProcess([], int(wrong), "", "Unauthenticated: RPC error" if wrong else "")

        monkeypatch.setattr(cluster, "_probe", probe)
        cluster._use_token("10.0.0.1:6379")
        return os.environ.get("RAY_AUTH_MODE")

    return choose


def test_a_token_is_used_only_where_the_cluster_asks_for_one(token_mode):
    assert token_mode() is None
    assert token_mode("disabled") == "token"
    with pytest.raises(InputError, match=r"10.0.0.1:6379 refuses the token .*; copy ~/.ray/auth_token from the cluster's head"):
        token_mode("disabled", "token")


@pytest.mark.parametrize("address", ["auto", "ray://10.0.0.1:10001", "10.0.0.1:6379"])
def test_ray_and_the_user_decide_otherwise(address, monkeypatch):
    monkeypatch.setattr(cluster, "_probe", None)
    if address.endswith("6379"):
        monkeypatch.setenv("RAY_AUTH_MODE", "disabled")
    before = os.environ.get("RAY_AUTH_MODE")
    cluster._use_token(address)
    assert os.environ.get("RAY_AUTH_MODE") == before


LISTENERS = """
from simulator.run.cluster import _connect
ray = _connect(1, None)
ray.get(ray.remote(lambda: 1).remote())

import os, pathlib
parents = {}
for stat in pathlib.Path("/proc").glob("[0-9]*/stat"):
    try:
        fields = stat.read_text().rpartition(")")[2].split()
        parents[int(stat.parent.name)] = int(fields[1])
    except OSError:
        pass
ours = {os.getpid()}
while more := {p for p, q in parents.items() if q in ours} - ours:
    ours |= more
inodes = set()
for pid in ours:
    for fd in pathlib.Path(f"/proc/{pid}/fd").glob("*"):
        try:
            inodes.add(os.readlink(fd))
        except OSError:
            pass
for kind in ("tcp", "tcp6"):
    for line in pathlib.Path(f"/proc/net/{kind}").read_text().splitlines()[1:]:
        fields = line.split()
        if fields[3] == "0A" and f"socket:[{fields[9]}]" in inodes:
            print(fields[1].rpartition(":")[0])
ray.shutdown()
"""
LOOPBACK = {"0100007F", "0000000000000000FFFF00000100007F", "00000000000000000000000001000000"}
"""127.0.0.1, the same mapped to IPv6, and ::1, as /proc/net writes them on little-endian machines."""


@pytest.mark.slow
@pytest.mark.skipif(not Path("/proc/net/tcp").exists(), reason="reads /proc/net")
def test_a_local_ray_listens_on_the_loopback_interface_alone():
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    run = subprocess.run([sys.executable, "-c", LISTENERS], env=environment, capture_output=True, text=True, check=True)
    found = run.stdout.split()
    assert len(found) >= 3 and set(found) <= LOOPBACK
