"""A part of a data set: the same bytes of every field, a manifest that is true of it, gone on with after an interruption."""

import json

import h5py
import numpy as np
import pytest

from dataset.errors import DatasetError
from dataset.format.manifest import read_manifest, write_manifest
from dataset.reader import Dataset
from dataset.rewriting import rewrite
from dataset.rewriting.rewrite import rewrite as rewrite_shard
from dataset.share import main as share_main
from dataset.subset import Part, main, subset
from dataset.verify import verify


def fields_equal(one, other):
    assert set(one) == set(other)
    for name, value in one.items():
        np.testing.assert_array_equal(value, other[name], err_msg=name)


def note(root, **more):
    manifest = read_manifest(root)
    write_manifest(root, {**manifest, **more})


def test_the_first_sets_of_every_scene(data, tmp_path):
    out = tmp_path / "part"
    assert main([str(data), "--out", str(out), "--sets", "1"]) == 0
    assert verify(out) == []
    part, whole = Dataset(out), Dataset(data)
    assert [one["set_id"] for one in part] == ["attic/0", "barn/0", "cellar/0"]
    for k in range(3):
        fields_equal(part[k], whole[2 * k])


def test_whole_shards_keep_their_bytes(data, tmp_path):
    out = tmp_path / "part"
    subset(data, out, Part(scenes=("barn", "attic")))
    for name in ("attic", "barn"):
        assert (out / f"shards/{name}-0000.h5").read_bytes() == (data / f"shards/{name}-0000.h5").read_bytes()
    assert not (out / "shards/cellar-0000.h5").exists()
    assert {s["split"] for s in read_manifest(out)["shards"]} == {"train", "val"}


def test_rows_are_moved_without_decoding(data, tmp_path, monkeypatch):
    read = []
    original = h5py.Dataset.__getitem__
    monkeypatch.setattr(h5py.Dataset, "__getitem__", lambda self, key: read.append(self.name) or original(self, key))
    with h5py.File(data / "shards/attic-0000.h5") as source:
        rewrite_shard(source, tmp_path / "one.h5", [1])
    assert set(read) == {"/set_id", "/clips"}


def test_rows_of_a_foreign_layout(data, tmp_path):
    # Whoever rewrites a shard may choose other chunks: sets share one, or a field is not chunked at all.
    with h5py.File(data / "shards/attic-0000.h5", "r+") as file:
        for name, chunks in (("rgb", (2, 2, 24, 32, 3)), ("heading", None)):
            values, notes = file[name][:], dict(file[name].attrs)
            del file[name]
            file.create_dataset(name, data=values, chunks=chunks).attrs.update(notes)
        rewrite_shard(file, tmp_path / "one.h5", [1, 0])
        with h5py.File(tmp_path / "one.h5") as new:
            for name in file:
                np.testing.assert_array_equal(new[name][:], file[name][:][::-1])
                assert dict(new[name].attrs) == dict(file[name].attrs)


def test_the_manifest_stays_true(data, tmp_path):
    short = [
        {"scene": "attic", "scene_sha256": "a", "shard": 0, "asked": 9, "given": 2, "why": "small"},
        {"scene": "barn", "scene_sha256": "b", "shard": 0, "asked": 9, "given": 2, "why": "narrow"},
    ]
    credits = {"scenes": ["attic: CC0", "barn: CC BY 4.0", "cellar: CC0"], "clips": ["noise: CC0"]}
    note(data, shortfalls=short, failures=["hut: no floor"], credits=credits, clips_left_out={"a.wav": "silent"})
    one = subset(data, tmp_path / "one", Part(scenes=("barn",)))
    assert one["shortfalls"] == short[1:] and one["failures"] == []
    assert one["credits"] == {"scenes": ["barn: CC BY 4.0"], "clips": ["noise: CC0"]}
    assert set(one["scene_credits"]) == {"barn"}
    assert one["clips_left_out"] == {"a.wav": "silent"}
    assert one["settings"] == read_manifest(data)["settings"]
    # Two sets of every scene were asked for and given: nothing is short, though the whole was; of three, one is missing.
    assert subset(data, tmp_path / "two", Part(sets=2))["shortfalls"] == []
    assert subset(data, tmp_path / "three", Part(sets=3))["shortfalls"] == short
    assert subset(data, tmp_path / "three", Part(sets=3))["failures"] == ["hut: no floor"]


def test_the_renderer_does_not_take_a_cut_shard_for_a_finished_one(tmp_path, make_set, make_shard, make_manifest):
    root = tmp_path / "data"
    make_shard(root, "attic", [make_set("attic", k) for k in range(2)], asked=2)
    make_manifest(root)
    manifest = read_manifest(root)
    manifest["shards"][0]["asked"] = 2
    write_manifest(root, manifest)
    cut = subset(root, tmp_path / "part", Part(sets=1))
    assert cut["shards"][0]["asked"] == 1
    with h5py.File(tmp_path / "part/shards/attic-0000.h5") as file:
        assert file.attrs["asked"] == 1


def test_interrupted_and_gone_on_with(data, tmp_path, monkeypatch):
    out, part, wrote = tmp_path / "part", Part(sets=1), []
    original = rewrite._write

    def crash(piece, path):
        if len(wrote) == 2:
            raise KeyboardInterrupt
        wrote.append(piece.path.removeprefix("shards/"))
        original(piece, path)

    monkeypatch.setattr(rewrite, "_write", crash)
    with pytest.raises(KeyboardInterrupt):
        subset(data, out, part)
    with pytest.raises(DatasetError, match="render first"):  # not yet a data set
        Dataset(out)
    with pytest.raises(DatasetError, match="unfinished work of another"):
        subset(data, out, Part(sets=2))
    wrote.clear()
    subset(data, out, part)
    assert wrote == ["cellar-0000.h5"]
    assert verify(out) == []
    before = {p: p.stat().st_mtime_ns for p in out.rglob("*")}
    subset(data, out, part)
    assert {p: p.stat().st_mtime_ns for p in out.rglob("*")} == before
    monkeypatch.setattr(rewrite, "_write", original)
    straight = tmp_path / "straight"
    subset(data, straight, part)
    assert {p.name: p.read_bytes() for p in straight.rglob("*.h5")} == {p.name: p.read_bytes() for p in out.rglob("*.h5")}


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (["--scenes", "hut"], "scenes hut are not in"),
        (["--scenes", "attic", "--split", "test"], "nothing to take"),
        (["--sets", "0"], "give 1 or more"),
    ],
)
def test_wrong_use(data, tmp_path, capsys, options, message):
    assert main([str(data), "--out", str(tmp_path / "part"), *options]) == 2
    error = capsys.readouterr().err
    assert message in error and error.count("\n") == 1
    assert not (tmp_path / "part").exists()


def test_a_folder_that_holds_something_is_left_alone(data, tmp_path, capsys):
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine/thesis.tex").write_text("x")
    assert main([str(data), "--out", str(tmp_path / "mine"), "--sets", "1"]) == 2
    assert "is not empty" in capsys.readouterr().err
    assert main([str(data), "--out", str(data), "--sets", "1"]) == 2
    assert verify(data) == []


def test_a_damaged_shard_is_not_passed_on(data, tmp_path, capsys):
    path = data / "shards/attic-0000.h5"
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 1
    path.write_bytes(content)
    for options in (["--sets", "1"], ["--sets", "2"]):
        assert main([str(data), "--out", str(tmp_path / options[1]), *options]) == 2
        assert "attic-0000.h5 is damaged or replaced" in capsys.readouterr().err


def test_a_part_of_a_data_set_afar(data, tmp_path, bucket):
    assert share_main([str(data), "--to", f"{bucket}/set"]) == 0
    near, far = tmp_path / "near", tmp_path / "far"
    subset(data, near, Part(sets=1))
    subset(f"{bucket}/set", far, Part(sets=1))
    assert verify(far) == []
    assert {p.name: p.read_bytes() for p in near.rglob("*.h5")} == {p.name: p.read_bytes() for p in far.rglob("*.h5")}
    assert json.loads((far / "manifest.json").read_text()) == json.loads((near / "manifest.json").read_text())
