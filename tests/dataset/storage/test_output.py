"""Writing to an address: what a faulty store loses or cuts is sent again, and nothing counts before it was read back."""

from __future__ import annotations

import itertools
import json
from pathlib import Path

import pytest

from dataset.errors import DatasetError
from dataset.format.manifest import read_manifest
from dataset.merge import main as merge
from dataset.split import main as split
from dataset.storage import output
from dataset.storage.open import open_store
from dataset.storage.output import AddressOutput, FolderOutput, open_output
from dataset.subset import Part, subset
from dataset.subset import main as subset_command
from dataset.verify import verify

s3fs = pytest.importorskip("s3fs")


@pytest.fixture
def faulty(monkeypatch):
    """Return a function that lets the store's calls go wrong: every so many-th one, in turn by an error 500, a drop, or a cut."""
    monkeypatch.setattr(output, "PAUSE_S", 0.01)
    monkeypatch.setattr("dataset.storage.remote.PAUSE_S", 0.01)
    counts = {"calls": 0, "faults": 0}

    def start(every):
        send, read = s3fs.S3FileSystem._put_file, s3fs.S3FileSystem._cat_file
        kinds = itertools.cycle(("500", "drop", "cut"))

        def fault():
            counts["calls"] += 1
            if counts["calls"] % every:
                return ""
            counts["faults"] += 1
            return next(kinds)

        async def put_file(self, lpath, rpath, **more):
            kind = fault()
            if kind == "500":
                raise OSError(5, "An error occurred (500): Internal Server Error")
            if kind == "drop":
                return None
            if kind == "cut":
                content = Path(lpath).read_bytes()
                return await self._pipe_file(rpath, content[: len(content) // 2])
            return await send(self, lpath, rpath, **more)

        async def cat_file(self, path, **more):
            kind = fault()
            if kind in ("500", "drop"):
                raise ConnectionResetError(104, "Connection reset by peer")
            content = await read(self, path, **more)
            return content[: len(content) // 2] if kind == "cut" and more.get("end") else content

        monkeypatch.setattr(s3fs.S3FileSystem, "_put_file", put_file)
        monkeypatch.setattr(s3fs.S3FileSystem, "_cat_file", cat_file)
        s3fs.S3FileSystem.clear_instance_cache()  # instances keep the methods that they were made with
        return counts

    yield start
    s3fs.S3FileSystem.clear_instance_cache()


def test_files_come_back_as_they_were_written(bucket, tmp_path):
    for place in (open_output(f"{bucket}/a"), open_output(tmp_path / "a")):
        assert place.is_empty() and place.sizes("shards") == {}
        place.write("shards/one.txt", "content")
        assert place.sizes("shards") == {"shards/one.txt": 7} and not place.is_empty()
        with place.local("shards/one.txt") as path:
            assert path.read_text() == "content"
        place.move("shards/one.txt", "shards/two.txt")
        assert place.sizes("shards") == {"shards/two.txt": 7} and place.read("shards/two.txt") == b"content"
        for _ in range(2):
            place.delete("shards/two.txt")
        with pytest.raises(FileNotFoundError), place.local("shards/two.txt"):
            pass
        with pytest.raises(FileNotFoundError):
            place.read("shards/two.txt")
    assert isinstance(open_output(bucket), AddressOutput) and isinstance(open_output(tmp_path), FolderOutput)


def test_an_error_in_the_block_writes_nothing(bucket):
    place = open_output(f"{bucket}/b")
    with pytest.raises(KeyError), place.new("x") as path:
        path.write_text("half")
        raise KeyError
    assert place.is_empty()


def test_a_subset_and_a_merge_at_an_address_survive_a_faulty_store(data, bucket, faulty, capsys):
    whole = subset(data, f"{bucket}/whole", Part())
    counts = faulty(3)
    assert subset_command([str(data), "--out", f"{bucket}/attic", "--scenes", "attic"]) == 0
    assert subset_command([str(data), "--out", f"{bucket}/barn", "--scenes", "barn"]) == 0
    assert merge([f"{bucket}/attic", f"{bucket}/barn", "--out", f"{bucket}/both"]) == 0
    assert counts["faults"] >= 5
    assert verify(f"{bucket}/whole") == [] and verify(f"{bucket}/both") == []
    listed = {s["path"]: s["sha256"] for s in read_manifest(data)["shards"]}
    assert {s["path"]: s["sha256"] for s in whole["shards"]} == listed
    both = json.loads(open_output(f"{bucket}/both").read("manifest.json"))
    assert {s["path"]: s["sha256"] for s in both["shards"]} == {k: v for k, v in listed.items() if "cellar" not in k}
    assert "recipe" not in "".join(open_output(f"{bucket}/both").sizes())


def test_an_interrupted_subset_goes_on_with_what_is_there(data, bucket, monkeypatch):
    put, sent = AddressOutput.put, []

    def stop(self, path, name):
        sent.append(name)
        if name.endswith("cellar-0000.h5") and sent.count(name) == 1:
            raise KeyboardInterrupt
        put(self, path, name)

    monkeypatch.setattr(AddressOutput, "put", stop)
    with pytest.raises(KeyboardInterrupt):
        subset(data, f"{bucket}/s", Part())
    subset(data, f"{bucket}/s", Part())
    assert [sent.count(f"shards/{scene}-0000.h5") for scene in ("attic", "barn", "cellar")] == [1, 1, 2]
    assert verify(f"{bucket}/s") == []


def test_other_files_and_sources_are_refused(data, bucket):
    open_output(f"{bucket}/mine").write("notes.txt", "mine")
    with pytest.raises(DatasetError, match="is not empty; choose another --out"):
        subset(data, f"{bucket}/mine", Part())
    subset(data, f"{bucket}/source", Part())
    with pytest.raises(DatasetError, match="overlap; choose another address"):
        subset(f"{bucket}/source", f"{bucket}/source/part", Part())


def test_a_store_that_keeps_failing_is_named(bucket, tmp_path, faulty):
    faulty(1)
    with pytest.raises(DatasetError, match=r"bad/x cannot be written \(.*\); check address and keys, then run the command again"):
        open_output(f"{bucket}/bad").write("x", "content")


def test_splits_change_at_an_address(data, bucket, faulty):
    subset(data, f"{bucket}/set", Part())
    faulty(4)
    for start in ([data], [f"{bucket}/set"]):
        assert split([str(start[0]), "--scenes-val", "attic", "--scenes-test", "barn"]) == 0
    far, near = (open_store(place).manifest()["shards"] for place in (f"{bucket}/set", data))
    assert far == near and {s["scene"]: s["split"] for s in far} == {"attic": "val", "barn": "test", "cellar": "train"}
    assert verify(f"{bucket}/set") == [] and len(open_output(f"{bucket}/set").sizes("shards")) == 3


def test_an_interrupted_change_of_splits_is_finished(data, bucket, monkeypatch):
    subset(data, f"{bucket}/set", Part())
    move = AddressOutput.move

    def stop(self, name, to):
        if "barn" in name:
            raise KeyboardInterrupt
        move(self, name, to)

    monkeypatch.setattr(AddressOutput, "move", stop)
    command = [f"{bucket}/set", "--scenes-val", "attic", "--scenes-test", "barn"]
    assert split(command) == 130
    monkeypatch.setattr(AddressOutput, "move", move)
    assert split(command) == 0 and verify(f"{bucket}/set") == []
