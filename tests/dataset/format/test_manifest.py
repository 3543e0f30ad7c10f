"""manifest.json: written whole, and refused with a clear word when it cannot be trusted."""

import json

import numpy as np
import pytest

from dataset.errors import DatasetError
from dataset.format.manifest import read_manifest, sha256_of, write_manifest
from dataset.info import main as info


def test_it_describes_every_shard(data):
    shards = read_manifest(data)["shards"]
    assert [(s["path"], s["scene"], s["split"], s["sets"]) for s in shards] == [
        ("shards/attic-0000.h5", "attic", "train", 2),
        ("shards/barn-0000.h5", "barn", "val", 2),
        ("shards/cellar-0000.h5", "cellar", "test", 2),
    ]
    for shard in shards:
        assert shard["bytes"] == (data / shard["path"]).stat().st_size


def test_sha256_by_the_standard(tmp_path):
    (tmp_path / "abc").write_bytes(b"abc")  # FIPS 180-2, example B.1
    assert sha256_of(tmp_path / "abc") == "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("{", "damaged"),
        ("[]", "damaged"),
        ("{}", "damaged"),
        ('{"format": "other"}', "'other'; 'sight-and-sound' is expected"),
        ('{"format": "sight-and-sound", "format_version": "2.1", "shards": []}', "2.1.*update it"),
        ('{"format": "sight-and-sound", "format_version": "new", "shards": []}', "'new'"),
        ('{"format": "sight-and-sound", "format_version": "1.0", "shards": [3]}', "damaged"),
        ('{"format": "sight-and-sound", "format_version": "1.0", "shards": [{"path": "x"}]}', "lacks bytes"),
    ],
)
def test_unusable_manifests(tmp_path, text, message):
    (tmp_path / "manifest.json").write_text(text)
    with pytest.raises(DatasetError, match=message):
        read_manifest(tmp_path)


def test_a_failed_write_keeps_the_old_one(data):
    before = (data / "manifest.json").read_bytes()
    with pytest.raises(TypeError):
        write_manifest(data, {"shards": [object()]})
    assert (data / "manifest.json").read_bytes() == before
    assert sorted(p.name for p in data.iterdir()) == ["manifest.json", "shards"]


def test_a_later_minor_version_is_read(data):
    content = json.loads((data / "manifest.json").read_text())
    (data / "manifest.json").write_text(json.dumps({**content, "format_version": "1.7"}))
    assert len(read_manifest(data)["shards"]) == 3


def test_info_tells_what_is_there(data, capsys):
    assert info([str(data)]) == 0
    out = capsys.readouterr().out
    for word in ("6 sets in 3 shards", "attic (2)", "brir_indirect", "(2, 2, 2, 1600)", "degrees", "noise: CC0"):
        assert word in out, word


def test_info_with_unknown_decay_times(tmp_path, make_data, capsys):
    def some_unknown(one):
        one["rt60"] = np.where(np.arange(one["rt60"].size).reshape(one["rt60"].shape) % 2, np.float32(np.nan), one["rt60"])

    assert info([str(make_data(tmp_path / "some", some_unknown))]) == 0
    assert "median 0.10" in next(
        line for line in capsys.readouterr().out.splitlines() if line.startswith("rt60 ") and "|" in line
    )
    assert info([str(make_data(tmp_path / "all", lambda one: one.update(rt60=np.full_like(one["rt60"], np.nan))))]) == 0


def test_info_of_nothing(tmp_path, capsys):
    assert info([str(tmp_path)]) == 2
    assert capsys.readouterr().err.startswith("error: ")
    write_manifest(tmp_path, {"shards": []})
    assert info([str(tmp_path)]) == 0
    assert "no sets" in capsys.readouterr().out
