"""Stores that fail: answers that are cut, late or never come; downloads outside HDF5's lock; many threads on one data set."""

import threading
import time
from concurrent.futures import ThreadPoolExecutor

import h5py
import numpy as np
import pytest

from dataset import reader
from dataset.errors import DatasetError
from dataset.format.block_digests import describe_blocks
from dataset.format.manifest import read_manifest, write_manifest
from dataset.reader import Dataset
from dataset.storage import blocks, remote

fsspec = pytest.importorskip("fsspec")


@pytest.fixture
def memory(data, monkeypatch):
    """The good data set in memory, with digests of small blocks, so that a read needs many."""
    manifest = read_manifest(data)
    for shard in manifest["shards"]:
        shard["blocks"] = describe_blocks(data, shard)
    write_manifest(data, manifest)
    files = fsspec.filesystem("memory")
    files.store.clear()
    for path in (p for p in data.rglob("*") if p.is_file()):
        files.pipe_file(f"/set/{path.relative_to(data).as_posix()}", path.read_bytes())
    monkeypatch.setattr(remote, "PAUSE_S", 0.01)
    return "memory://set"


@pytest.fixture
def answers(monkeypatch):
    """Give a function that puts another in the place of the store's: it gets the true one and the arguments."""
    kind = type(fsspec.filesystem("memory"))
    true = kind.cat_file

    def change(answer):
        monkeypatch.setattr(kind, "cat_file", lambda self, path, start=None, end=None, **more: answer(
            lambda: true(self, path, start=start, end=end), path, start
        ))  # fmt: skip

    return change


def shard_only(path, start):
    return path.endswith(".h5") and start is not None


def test_answers_that_are_cut_now_and_then(memory, data, answers):
    asked = []

    def cut(true, path, start):
        asked.append(path)
        return true()[:-1] if shard_only(path, start) and len(asked) % 2 else true()

    answers(cut)
    for one, other in zip(Dataset(memory), Dataset(data), strict=True):
        for name, value in other.items():
            np.testing.assert_array_equal(one[name], value)


@pytest.mark.parametrize("failure", [lambda true: true()[:0], lambda true: 1 / 0], ids=["empty", "error"])
def test_a_store_that_fails_for_good(memory, answers, failure):
    sets = Dataset(memory)
    asked = []

    def fail(true, path, start):
        asked.append(path)
        return failure(true)

    answers(fail)
    with pytest.raises(DatasetError, match=r"attic-0000.* cannot be read .*4 attempts.*check the address"):
        sets[0]
    assert len(asked) == remote.TRIES


def test_a_store_that_never_answers(memory, answers, monkeypatch):
    monkeypatch.setattr(remote, "ANSWER_S", 0.05)
    monkeypatch.setattr(remote, "SLOWEST_BYTES_S", 1e9)
    sets = Dataset(memory)
    ended = threading.Event()
    answers(lambda true, path, start: ended.wait(20) and true())
    start = time.monotonic()
    with pytest.raises(DatasetError, match="no answer in"):
        sets[0]
    assert time.monotonic() - start < 15
    ended.set()


def test_downloads_hold_no_lock_of_hdf5(memory, answers, tmp_path):
    """A store's own thread may need h5py, if only to free an object."""
    with h5py.File(tmp_path / "other.h5", "w") as file:
        file["x"] = np.arange(3)
    seen = []

    def use_h5py():
        with h5py.File(tmp_path / "other.h5", "r") as file:
            seen.append(file["x"][:].sum())

    def slow(true, path, start):
        if shard_only(path, start):
            other = threading.Thread(target=use_h5py, daemon=True)
            other.start()
            other.join(10)
            assert not other.is_alive()
        return true()

    answers(slow)
    assert Dataset(memory)[3]["set_id"] == "barn/1"
    assert len(seen) > 1


def read_all(sets, order):
    return {k: {name: np.asarray(value).tobytes() for name, value in sets[k].items()} for k in order}


@pytest.mark.parametrize("place", ["here", "memory"])
def test_many_threads_on_one_data_set(memory, data, monkeypatch, place):
    monkeypatch.setattr(reader, "MOST_OPEN", 1)
    sets = Dataset(data if place == "here" else memory)
    truth = read_all(Dataset(data), range(6))
    orders = [np.random.default_rng(k).integers(0, 6, 12).tolist() for k in range(8)]
    with ThreadPoolExecutor(8) as pool:
        for found in pool.map(lambda order: read_all(sets, order), orders):
            assert all(found[k] == truth[k] for k in found)


def test_a_full_cache_disk_is_no_hindrance(memory, data, monkeypatch):
    sets = Dataset(memory)
    monkeypatch.setattr(sets.store.cache, "put", lambda digest, content: None)
    monkeypatch.setattr(blocks, "IN_MEMORY", 1)
    assert read_all(sets, range(6)) == read_all(Dataset(data), range(6))
