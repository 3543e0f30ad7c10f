"""Reading where it lies: S3 (a local server) and other stores; only what is asked for, checked, kept within bounds."""

import hashlib
import json
import multiprocessing
import os
import subprocess
import sys

import numpy as np
import pytest

from dataset.errors import DatasetError
from dataset.format.block_digests import describe_blocks
from dataset.format.manifest import describe_shard, read_manifest, write_manifest
from dataset.info import main as info
from dataset.reader import Dataset
from dataset.storage.cache import SMALLEST_BYTES, Cache
from dataset.verify import main as verify_command
from dataset.verify import verify

fsspec = pytest.importorskip("fsspec")
BARN = "shards/barn-0000.h5"


def with_blocks(root):
    manifest = read_manifest(root)
    for shard in manifest["shards"]:
        shard["blocks"] = describe_blocks(root, shard)
    write_manifest(root, manifest)
    return root


def put(root, url):
    """Copy a folder into a store, file by file."""
    files, base = fsspec.core.url_to_fs(url)
    for path in sorted(p for p in root.rglob("*") if p.is_file()):
        files.pipe_file(f"{base}/{path.relative_to(root).as_posix()}", path.read_bytes())
    return url


def spoil(url, change):
    files, base = fsspec.core.url_to_fs(url)
    content = bytearray(files.cat_file(base))
    files.pipe_file(base, bytes(change(content)))


def flip(content):
    content[len(content) // 2] ^= 1
    return content


@pytest.fixture
def memory(data):
    """The good data set in memory, with digests of blocks."""
    fsspec.filesystem("memory").store.clear()
    return put(with_blocks(data), "memory://set")


@pytest.fixture
def far(data, bucket):
    """The good data set on S3, with digests of blocks."""
    return put(with_blocks(data), f"{bucket}/set")


def test_the_same_from_s3_as_from_the_folder(data, far):
    here, there = Dataset(data), Dataset(far)
    assert len(there) == 6
    for one, other in zip(here, there, strict=True):
        assert set(one) == set(other)
        for name, value in one.items():
            np.testing.assert_array_equal(value, other[name])
    assert [one["set_id"] for one in Dataset(far, split="val", fields=["set_id"])] == ["barn/0", "barn/1"]


def test_verify_and_info_from_s3(far, capsys):
    assert verify_command([far]) == 0
    assert "3 shards, 6 sets: all good" in capsys.readouterr().out
    assert info([far]) == 0
    assert "6 sets in 3 shards" in capsys.readouterr().out


def hear(sets, results):
    results.put(float(sets.read(1, "audio").astype(np.float64).sum()))


def test_a_forked_process_reads_from_s3_too(far):
    sets = Dataset(far)
    truth = float(sets.read(1, "audio").astype(np.float64).sum())
    context = multiprocessing.get_context("fork")
    results = context.Queue()
    worker = context.Process(target=hear, args=(sets, results))
    worker.start()
    assert results.get(timeout=60) == truth
    worker.join()


def wide_shard(tmp_path, make_set, make_shard, sets=24):
    """A shard of several MB, so that a set is a small part of it."""
    rng = np.random.default_rng(0)
    many = []
    for k in range(sets):
        one = make_set("attic", k)
        one["brir_indirect"] = rng.standard_normal((2, 2, 2, 16000)).astype(np.float32)
        many.append(one)
    path = make_shard(tmp_path, "attic", many)
    write_manifest(tmp_path, {"shards": [describe_shard(path, tmp_path)]})
    return path.stat().st_size


def test_one_set_does_not_fetch_the_shard(tmp_path, make_set, make_shard):
    size = wide_shard(tmp_path, make_set, make_shard)
    fsspec.filesystem("memory").store.clear()
    sets = Dataset(put(with_blocks(tmp_path), "memory://set"))
    one = sets.read(17, "brir_indirect", view=1)
    assert one.shape == (2, 2, 16000)
    assert 0 < sets.store.fetched_bytes < size / 3
    before = sets.store.fetched_bytes
    sets.close()
    np.testing.assert_array_equal(sets.read(17, "brir_indirect", view=1), one)
    assert sets.store.fetched_bytes == before  # from the cache


def test_without_digests_of_blocks_the_shard_is_fetched_whole_and_kept(data):
    fsspec.filesystem("memory").store.clear()
    url = put(data, "memory://set")
    sets = Dataset(url, split="val")
    assert sets[1]["set_id"] == "barn/1"
    fetched = sets.store.fetched_bytes
    assert fetched >= (data / BARN).stat().st_size
    again = Dataset(url, split="val")
    assert again[1]["set_id"] == "barn/1"
    assert again.store.fetched_bytes < (data / BARN).stat().st_size


@pytest.mark.parametrize("blocks", [True, False])
@pytest.mark.parametrize(
    ("change", "message"),
    [(flip, "damaged or replaced"), (lambda c: c[: len(c) // 2], "damaged|truncated"), (None, "missing")],
)
def test_damage_afar_is_found_and_refused(data, blocks, change, message):
    fsspec.filesystem("memory").store.clear()
    url = put(with_blocks(data) if blocks else data, "memory://set")
    if change:
        spoil(f"{url}/{BARN}", change)
    else:
        fsspec.filesystem("memory").rm(f"/set/{BARN}")
    problems = verify(url)
    assert problems and all(p.startswith(BARN) for p in problems)
    with pytest.raises(DatasetError, match=rf"barn-0000.h5.*(?:{message})"):
        _ = list(Dataset(url, split="val"))
    assert len(list(Dataset(url, split="train"))) == 2


def test_damage_afar_ends_a_program_with_its_message(data):
    spoil((with_blocks(data) / BARN).as_uri(), flip)
    code = f"from dataset.reader import Dataset; Dataset({data.as_uri()!r}, split='val')[0]"
    ended = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert ended.returncode == 1 and "damaged or replaced" in ended.stderr.splitlines()[-1]


def test_damaged_digests_of_blocks(memory):
    spoil(f"{memory}/blocks/barn-0000.sha256", flip)
    assert any("digests of its blocks" in p for p in verify(memory))
    with pytest.raises(DatasetError, match=r"blocks/barn-0000.sha256 is damaged"):
        Dataset(memory, split="val")[0]


def test_a_store_without_ranges(memory, data, monkeypatch):
    kind = type(fsspec.filesystem("memory"))
    whole = kind.cat_file
    monkeypatch.setattr(kind, "cat_file", lambda self, path, start=None, end=None, **more: whole(self, path))
    small = Dataset(memory, split="val", fields=["set_id"])
    assert [one["set_id"] for one in small] == ["barn/0", "barn/1"]


def test_addresses_that_cannot_be_opened(tmp_path):
    with pytest.raises(DatasetError, match=r"memory://nowhere/manifest.json: there is none; check the address"):
        Dataset("memory://nowhere")
    with pytest.raises(DatasetError, match=r"cannot be opened \(Protocol not known: gopher\); check the address"):
        Dataset("gopher://old/set")


@pytest.mark.parametrize("path", ["../elsewhere.h5", "/etc/passwd"])
def test_a_manifest_afar_that_points_outside(memory, path):
    def point(content):
        manifest = json.loads(content)
        manifest["shards"][0]["path"] = path
        return json.dumps(manifest).encode()

    spoil(f"{memory}/manifest.json", point)
    with pytest.raises(DatasetError, match="outside its folder"):
        Dataset(memory)


def test_the_cache_is_bounded_and_forgets_the_oldest(tmp_path):
    cache = Cache(SMALLEST_BYTES, tmp_path)
    digests = []
    for k in range(96):  # 24 MiB
        content = os.urandom(1 << 18)
        digests.append(hashlib.sha256(content).hexdigest())
        cache.put(digests[-1], content)
        os.utime(cache.path(digests[-1]), (k, k))
        assert sum(p.stat().st_size for p in tmp_path.rglob("*") if p.is_file()) <= SMALLEST_BYTES
    kept = [cache.path(d).exists() for d in digests]
    assert sum(kept) >= 32 and kept == sorted(kept)  # the newest, without gaps


def test_a_damaged_cache_is_not_believed(tmp_path):
    cache = Cache(SMALLEST_BYTES, tmp_path)
    digest = hashlib.sha256(b"true").hexdigest()
    cache.put(digest, b"true")
    assert cache.get(digest) == b"true"
    cache.path(digest).write_bytes(b"lies")
    assert cache.get(digest) is None and not cache.path(digest).exists()


def test_a_cache_that_is_too_small():
    with pytest.raises(DatasetError, match="too small"):
        Cache(1000)
