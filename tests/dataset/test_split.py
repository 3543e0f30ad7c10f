"""Splitting anew: scenes stay whole, nothing but the split changes, and the old set is good until the new one is ready."""

import json

import h5py
import numpy as np
import pytest

from dataset import split as splitting
from dataset.errors import DatasetError
from dataset.format.manifest import read_manifest
from dataset.reader import Dataset
from dataset.share import main as share_main
from dataset.split import choose_splits, main
from dataset.storage import output
from dataset.verify import verify


def splits_of(root):
    return {s["scene"]: s["split"] for s in read_manifest(root)["shards"]}


def content_of(root):
    return [{name: np.asarray(v).tolist() for name, v in one.items()} for one in Dataset(root)]


SCENES = {f"scene{k}": f"digest{k}" for k in range(40)}


def test_shares_are_of_scenes():
    chosen = choose_splits(SCENES, {"val": 0.1, "test": 0.25}, {}, np.random.default_rng(0))
    assert list(chosen) == list(SCENES)
    assert [list(chosen.values()).count(s) for s in ("train", "val", "test")] == [26, 4, 10]


def test_the_seed_decides_and_the_order_of_shards_does_not():
    shares = {"val": 0.2, "test": 0.2}
    one = choose_splits(SCENES, shares, {}, np.random.default_rng(3))
    backwards = dict(reversed(SCENES.items()))
    assert choose_splits(backwards, shares, {}, np.random.default_rng(3)) == one
    assert choose_splits(SCENES, shares, {}, np.random.default_rng(4)) != one


def test_scenes_of_one_content_go_together():
    twins = {f"{name}{copy}": digest for name, digest in SCENES.items() for copy in "ab"}
    for seed in range(10):
        chosen = choose_splits(twins, {"val": 0.2, "test": 0.2}, {}, np.random.default_rng(seed))
        assert all(chosen[f"{name}a"] == chosen[f"{name}b"] for name in SCENES)
        assert list(chosen.values()).count("val") == 16


def test_named_scenes_are_exactly_the_split():
    chosen = choose_splits(SCENES, {"val": 0.1, "test": 0.5}, {"test": ["scene7", "scene3"]}, np.random.default_rng(0))
    assert {k for k, v in chosen.items() if v == "test"} == {"scene3", "scene7"}
    assert list(chosen.values()).count("val") == 4


@pytest.mark.parametrize(
    ("scenes", "shares", "named", "message"),
    [
        (2, {"val": 0.1, "test": 0.1}, {}, "left for train"),
        (1, {"val": 0.1, "test": 0.1}, {}, "too few"),
        (4, {"val": 0.0, "test": 0.0}, {"test": ["hut"]}, "hut is not in"),
        (4, {"val": 0.0, "test": 0.0}, {"test": ["scene1"], "val": ["scene1"]}, "name it once"),
    ],
)
def test_impossible_wishes(scenes, shares, named, message):
    with pytest.raises(DatasetError, match=message):
        choose_splits({k: SCENES[k] for k in list(SCENES)[:scenes]}, shares, named, np.random.default_rng(0))


def test_only_the_split_changes(data, capsys):
    before, settings = content_of(data), read_manifest(data)
    assert main([str(data), "--scenes-test", "attic", "--scenes-val", "cellar"]) == 0
    assert splits_of(data) == {"attic": "test", "barn": "train", "cellar": "val"}
    assert "train       2 sets  barn" in capsys.readouterr().out
    assert verify(data) == []
    assert content_of(data) == before
    after = read_manifest(data)
    for key in ("settings", "credits", "scene_credits", "software", "format_version"):
        assert after[key] == settings[key]
    assert after["history"] == [{"command": "split", "seed": 0, "val": ["cellar"], "test": ["attic"]}]
    assert [one["set_id"] for one in Dataset(data, split="test", fields=["set_id"])] == ["attic/0", "attic/1"]


def test_the_same_again_changes_nothing(data):
    assert main([str(data), "--scenes-test", "cellar", "--scenes-val", "barn"]) == 0  # as it was rendered
    before = {p: (p.read_bytes(), p.stat().st_mtime_ns) for p in data.rglob("*.*")}
    assert main([str(data), "--scenes-test", "cellar", "--scenes-val", "barn"]) == 0
    assert {p: (p.read_bytes(), p.stat().st_mtime_ns) for p in data.rglob("*.*")} == before
    assert "history" not in read_manifest(data)


def test_interrupted_before_all_is_ready(data, monkeypatch):
    original = splitting.rewrite

    def crash(source, path, **more):
        if source.attrs["scene"] == "cellar":
            raise KeyboardInterrupt
        original(source, path, **more)

    monkeypatch.setattr(splitting, "rewrite", crash)
    before = splits_of(data)
    assert main([str(data), "--scenes-test", "attic", "--scenes-val", "cellar"]) == 130
    assert verify(data) == [] and splits_of(data) == before
    monkeypatch.setattr(splitting, "rewrite", original)
    assert main([str(data), "--scenes-test", "barn", "--scenes-val", "attic"]) == 0
    assert verify(data) == [] and splits_of(data) == {"attic": "val", "barn": "test", "cellar": "train"}
    assert sorted(p.name for p in (data / "shards").iterdir()) == [f"{n}-0000.h5" for n in ("attic", "barn", "cellar")]


@pytest.mark.parametrize("steps", range(4))
def test_interrupted_while_new_takes_the_place_of_old(data, monkeypatch, steps):
    original, done = output.publish, []

    def crash(temporary, path):
        if path.name.endswith(".h5") and not path.name.startswith("."):
            if len(done) == steps:
                raise KeyboardInterrupt
            done.append(path)
        original(temporary, path)

    monkeypatch.setattr(output, "publish", crash)
    wanted = ["--scenes-test", "attic", "--scenes-val", "cellar"]
    if steps < 3:
        assert main([str(data), *wanted]) == 130
    monkeypatch.setattr(output, "publish", original)
    assert main([str(data), *wanted]) == 0
    assert verify(data) == [] and splits_of(data) == {"attic": "test", "barn": "train", "cellar": "val"}
    assert not list(data.glob(".manifest*"))


def test_a_damaged_shard_changes_nothing(data, capsys):
    path = data / "shards/barn-0000.h5"
    path.write_bytes(path.read_bytes()[:-1])
    before = {p: p.read_bytes() for p in data.rglob("*.h5")}
    assert main([str(data), "--scenes-test", "attic", "--scenes-val", "cellar"]) == 2
    assert "truncated" in capsys.readouterr().err
    assert {p: p.read_bytes() for p in data.rglob("*.h5") if not p.name.startswith(".")} == before


def test_what_was_published_of_the_old_splits_goes(data):
    assert share_main([str(data)]) == 0
    (data / "CITATION.cff").write_text("edited by hand\n")
    assert main([str(data), "--scenes-test", "attic", "--scenes-val", "cellar"]) == 0
    assert verify(data) == []
    assert sorted(p.name for p in data.iterdir()) == ["CITATION.cff", "manifest.json", "shards"]
    assert share_main([str(data)]) == 0
    assert verify(data) == []


def test_checksums_cannot_make_it_delete_elsewhere(data, tmp_path, capsys):
    (tmp_path / "precious").write_text("")
    empty = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"
    (data / "SHA256SUMS").write_text(f"{empty}  ../precious\n")
    assert main([str(data), "--scenes-test", "attic", "--scenes-val", "cellar"]) == 2
    assert "outside its folder" in capsys.readouterr().err and (tmp_path / "precious").exists()


def test_other_attributes_are_kept(tmp_path, make_set, make_shard, make_manifest):
    root = tmp_path / "data"
    for scene in ("attic", "barn", "cellar"):
        make_shard(root, scene, [make_set(scene, 0)], first=0, asked=1, credit="CC0")
    make_manifest(root)
    assert main([str(root), "--scenes-test", "attic", "--scenes-val", "cellar"]) == 0
    with h5py.File(root / "shards/attic-0000.h5") as file:
        assert (file.attrs["split"], file.attrs["asked"], file.attrs["credit"]) == ("test", 1, "CC0")
        assert json.loads(file.attrs["settings"])["acoustics"]["indirect_ratio"] == 0.5


@pytest.mark.parametrize("options", [["--val", "1.5"], ["--test", "-0.1"], ["--scenes-test", "hut"], ["--seed", "-1"]])
def test_wrong_use(data, capsys, options):
    assert main([str(data), *options]) == 2
    assert capsys.readouterr().err.startswith("error: ")
    assert verify(data) == []
