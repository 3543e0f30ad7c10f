"""Tars: opened by webdataset, equal to what the reader gives, the same bytes again."""

import io
import json
import re
import tarfile

import numpy as np
import pytest
import soundfile

from dataset.convert import main
from dataset.errors import DatasetError
from dataset.format.manifest import read_manifest, write_manifest
from dataset.layouts import webdataset as tar
from dataset.layouts.webdataset import INDEX, to_tars
from dataset.reader import Dataset
from dataset.share import main as share_main

RATE = 16000


@pytest.fixture
def loud(make_data, tmp_path):
    """A data set in which set barn/1 is louder than full scale."""
    return make_data(tmp_path / "loud", lambda one: one.update(audio=50 * one["audio"]))


def opened(paths):
    webdataset = pytest.importorskip("webdataset")
    return list(webdataset.WebDataset([str(p) for p in paths], shardshuffle=False).decode("rgb8"))


def heard(one, name):
    sound, rate = soundfile.read(io.BytesIO(one[name]), dtype="float32", always_2d=True)
    assert rate == RATE
    return sound.T * one["json"]["gain"].get(name, 1)


def test_webdataset_gives_what_the_reader_gives(loud, tmp_path):
    out = tmp_path / "tars"
    assert main([str(loud), "--to", "webdataset", "--out", str(out)]) == 0
    assert sorted(p.name for p in out.iterdir()) == [INDEX, "test-000000.tar", "train-000000.tar", "val-000000.tar"]
    for split in ("train", "val", "test"):
        tars, sets = opened(sorted(out.glob(f"{split}-*.tar"))), Dataset(loud, split=split)
        for one, true in zip(tars, sets, strict=True):
            assert one["__key__"] == true["set_id"]
            assert one["json"]["clips"] == json.loads(true["clips"])
            assert one["json"]["scene"] == true["set_id"].split("/")[0] and one["json"]["sample_rate"] == RATE
            for view in range(2):
                np.testing.assert_array_equal(one[f"{view}.rgb.png"], true["rgb"][view])
                np.testing.assert_allclose(heard(one, f"{view}.audio.flac"), true["audio"][view], atol=2**-23 * 64)
                np.testing.assert_allclose(heard(one, f"{view}.mono.flac")[0], true["mono"][view], atol=2**-23)
            for name in ("position", "heading", "source_position", "azimuth", "elevation", "distance", "rt60"):
                np.testing.assert_array_equal(one[f"{name}.npy"], true[name])
            for name in ("depth", "instance", "brir_direct", "brir_indirect"):
                assert one[f"{name}.npz"][name].dtype == true[name].dtype
                np.testing.assert_array_equal(one[f"{name}.npz"][name], true[name])


def test_loud_sound_is_not_clipped(loud, tmp_path):
    to_tars(loud, tmp_path / "tars")
    one = opened([tmp_path / "tars/val-000000.tar"])[1]
    assert np.abs(heard(one, "0.audio.flac")).max() > 1
    assert set(one["json"]["gain"]) == {"0.audio.flac", "1.audio.flac"}


def test_one_tar_a_shard(tmp_path, make_set, make_shard, make_manifest):
    for number in range(3):
        make_shard(tmp_path / "data", "attic", [make_set("attic", number)], number)
    make_manifest(tmp_path / "data")
    tars = to_tars(tmp_path / "data", tmp_path / "tars")["tars"]
    assert [t["path"] for t in tars] == [f"train-{n:06d}.tar" for n in range(3)]
    assert [one["__key__"] for one in opened([tmp_path / "tars" / t["path"] for t in tars])] == ["attic/0", "attic/1", "attic/2"]


def test_the_index_carries_credits_and_meanings(data, tmp_path):
    index = to_tars(data, tmp_path / "tars")
    manifest = read_manifest(data)
    for key in ("settings", "credits", "scene_credits"):
        assert index[key] == manifest[key]
    assert index["fields"]["depth"]["unit"] == "mm"
    assert [t["split"] for t in index["tars"]] == ["train", "val", "test"]


def test_interrupted_and_gone_on_with(data, tmp_path, monkeypatch):
    out, original, calls = tmp_path / "tars", tar.members, []

    def crash(one, rate):
        calls.append(one["set_id"])
        if len(calls) == 4:
            raise KeyboardInterrupt
        return original(one, rate)

    monkeypatch.setattr(tar, "members", crash)
    with pytest.raises(KeyboardInterrupt):
        to_tars(data, out)
    assert sorted(p.name for p in out.glob("*.tar")) == ["train-000000.tar"] and not (out / INDEX).exists()
    to_tars(data, out)
    assert calls == ["attic/0", "attic/1", "barn/0", "barn/1"] + ["barn/0", "barn/1", "cellar/0", "cellar/1"]
    to_tars(data, tmp_path / "again")
    for path in out.iterdir():
        assert path.read_bytes() == (tmp_path / "again" / path.name).read_bytes()
    with pytest.raises(DatasetError, match="not empty"):
        write_manifest(data, {**read_manifest(data), "software": {"h5py": "0"}})  # another data set now
        to_tars(data, out)


def test_the_snippet_of_the_card_runs_as_it_stands(data, monkeypatch, capsys):
    pytest.importorskip("webdataset")
    assert share_main([str(data)]) == 0
    text = (data / "README.md").read_text()
    command = re.search(r"`python -m dataset.convert (.*?)`", text)[1]
    (code,) = [s for s in re.findall(r"```python\n(.*?)```", text, re.DOTALL) if "import webdataset" in s]
    monkeypatch.chdir(data)
    assert main(command.split()) == 0
    exec(compile(code, "card", "exec"), {})
    assert "attic/0 (24, 32, 3) attic" in capsys.readouterr().out


def test_names_cannot_leave_the_folder(tmp_path, make_set, make_shard, make_manifest):
    make_shard(tmp_path / "data", "attic", [{**make_set("attic", 0), "set_id": "../../attic/0"}])
    make_manifest(tmp_path / "data")
    with pytest.raises(DatasetError, match="outside its folder"):
        to_tars(tmp_path / "data", tmp_path / "tars")


def test_tars_hold_neither_times_nor_owners(data, tmp_path):
    to_tars(data, tmp_path / "tars")
    with tarfile.open(tmp_path / "tars/train-000000.tar") as file:
        assert {(m.mtime, m.uid, m.uname) for m in file.getmembers()} == {(0, 0, "")}
