"""Every kind of damage is found, and named with its shard and set."""

import json
import shutil

import h5py
import numpy as np
import pytest

from dataset.errors import DatasetError
from dataset.format.documents import sha256_of
from dataset.format.manifest import write_manifest
from dataset.reader import Dataset
from dataset.verify import main, verify

BARN = "shards/barn-0000.h5"


def edit_manifest(root, change):
    path = root / "manifest.json"
    content = json.loads(path.read_text())
    change(content)
    path.write_text(json.dumps(content))


def test_good_data_has_no_problems(data, capsys):
    assert verify(data) == []
    assert main([str(data)]) == 0
    assert "3 shards, 6 sets: all good" in capsys.readouterr().out


@pytest.mark.parametrize("where", [0.1, 0.5, 0.9])
def test_one_flipped_byte(data, capsys, where):
    content = bytearray((data / BARN).read_bytes())
    content[int(where * len(content))] ^= 0x10
    (data / BARN).write_bytes(content)
    assert main([str(data)]) == 1
    out = capsys.readouterr().out
    assert f"{BARN}: its SHA-256 is not the manifest's" in out
    assert "attic" not in out and "cellar" not in out
    sets = Dataset(data, fields=["set_id"])
    with pytest.raises(DatasetError, match=r"barn-0000.h5 is damaged or replaced"):
        sets[2]
    assert sets[0]["set_id"] == "attic/0"


def test_flipped_byte_in_packed_sound_is_refused_by_the_reader(data):
    with h5py.File(data / BARN) as file:
        chunk = file["brir_indirect"].id.get_chunk_info(1)
    content = bytearray((data / BARN).read_bytes())
    content[chunk.byte_offset + chunk.size // 2] ^= 0xFF
    (data / BARN).write_bytes(content)
    with pytest.raises(DatasetError, match=r"barn-0000.h5 is damaged or replaced: its SHA-256"):
        _ = [one["brir_indirect"] for one in Dataset(data, fields=["brir_indirect"])]
    with pytest.raises(DatasetError, match=r"barn-0000.h5 is damaged in field brir_indirect"):
        _ = [one["brir_indirect"] for one in Dataset(data, fields=["brir_indirect"], check=False)]


def test_truncated_shard(data):
    content = (data / BARN).read_bytes()
    (data / BARN).write_bytes(content[: len(content) // 2])
    assert any(p.startswith(BARN) and "truncated" in p for p in verify(data))
    with pytest.raises(DatasetError, match=r"barn-0000.h5.*truncated"):
        Dataset(data, split="val")[0]


def test_missing_shard(data):
    (data / BARN).unlink()
    assert [p for p in verify(data) if "missing" in p and p.startswith(BARN)]
    with pytest.raises(DatasetError, match=r"barn-0000.h5 is missing"):
        Dataset(data, split="val")[0]


def test_exchanged_shards(data):
    attic = data / "shards" / "attic-0000.h5"
    shutil.move(attic, data / "x")
    shutil.move(data / BARN, attic)
    shutil.move(data / "x", data / BARN)
    problems = verify(data)
    assert any(p.startswith(BARN) and "'attic'" in p for p in problems)
    assert any(p.startswith("shards/attic-0000.h5") and "'barn'" in p for p in problems)
    with pytest.raises(DatasetError, match=r"barn-0000.h5 has"):
        Dataset(data, split="val")[0]


@pytest.mark.parametrize("path", ["../elsewhere.h5", "/etc/passwd", "shards/../../x.h5"])
def test_manifest_that_points_outside(data, capsys, path):
    edit_manifest(data, lambda m: m["shards"][0].update(path=path))
    with pytest.raises(DatasetError, match="outside its folder"):
        Dataset(data)
    assert main([str(data)]) == 2
    assert capsys.readouterr().err.startswith("error: ")


def test_newer_manifest(data):
    edit_manifest(data, lambda m: m.update(format_version="2.0"))
    for use in (Dataset, verify):
        with pytest.raises(DatasetError, match=r"2\.0.*reads 1\.1"):
            use(data)


def test_newer_shard(tmp_path, make_set, make_shard, make_manifest):
    path = make_shard(tmp_path, "attic", [make_set("attic", 0)])
    make_manifest(tmp_path)
    with h5py.File(path, "r+") as file:
        file.attrs["format_version"] = "2.0"
    edit_manifest(tmp_path, lambda m: m["shards"][0].update(bytes=path.stat().st_size, sha256=sha256_of(path)))
    assert any("format version 2.0" in p for p in verify(tmp_path))
    with pytest.raises(DatasetError, match=r"format version 2\.0"):
        Dataset(tmp_path)[0]


def spoil(field, value):
    def change(one):
        one[field] = one[field].copy()
        one[field].flat[0] = value

    return change


def silence(one):
    one["audio"] = np.zeros_like(one["audio"])


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda one: one.update(azimuth=-one["azimuth"]), "azimuth differs from the geometry"),
        (lambda one: one.update(elevation=one["elevation"] + 1), "elevation differs from the geometry"),
        (lambda one: one.update(distance=one["distance"] * 1.05), "distance differs from the geometry"),
        (lambda one: one.update(audio=one["audio"][:, ::-1]), "audio of view 0 differs from mono convolved"),
        (lambda one: one.update(brir_direct=np.roll(one["brir_direct"], 1, -1)), "audio of view 0 differs"),
        (spoil("audio", np.nan), "NaN or infinite values in audio"),
        (spoil("position", np.inf), "NaN or infinite values in position"),
        (spoil("heading", 360.0), "heading is outside"),
        (spoil("rt60", -1.0), "rt60 is outside"),
        (silence, "silent"),
        (lambda one: one.update(set_id="barn/0"), "is in shards/barn-0000.h5 too"),
        (lambda one: one.update(set_id="barn/first"), "its id is not barn/<index>"),
        (lambda one: one.update(set_id="attic/7"), "its id is not barn/<index>"),
        (lambda one: one.update(set_id="nothing"), "its id is not barn/<index>"),
        (lambda one: one.update(clips="[]"), "clips is not a JSON list"),
        (lambda one: one.update(clips="[1, 2]"), "clips is not a JSON list"),
        (lambda one: one.update(mono=one["mono"] * np.float32(2)), "mono of source 0 has the level"),
    ],
)
def test_a_wrong_set_is_named(tmp_path, make_data, change, message):
    problems = verify(make_data(tmp_path, change))
    assert any(message in p for p in problems), problems
    assert all(p.startswith(f"{BARN}: set ") for p in problems)
    assert not any("set barn/0: " in p for p in problems if "too" not in p), problems


def test_cameras_that_contradict_their_settings_are_named(tmp_path, make_set, make_shard, make_manifest):
    camera = {"hfov_deg": [50.0, 90.0], "hfov_jitter_deg": 2.0, "pitch_deg": -22.5}
    settings = json.dumps({"camera": camera, "acoustics": {"indirect_ratio": 0.5}})
    good = {"hfov_deg": np.float32([48.5, 91.9]), "pitch_deg": np.float32([-22.5, -22.5])}
    wrong = {**good, "hfov_deg": np.float32([47.0, 60.0]), "roll_deg": np.float32([0, 200])}
    for name, fields in (("good", good), ("wrong", wrong)):
        make_shard(tmp_path / name, "attic", [{**make_set("attic", 0), **fields}], settings=settings)
        make_manifest(tmp_path / name)
    assert verify(tmp_path / "good") == []
    found = verify(tmp_path / "wrong")
    assert any("hfov_deg is 47.000 to 60.000; its setting is 50 to 90" in problem for problem in found)
    assert any("roll_deg is outside -180.0 to 180.0" in problem for problem in found) and len(found) == 2


def test_an_unknown_decay_time_is_good_and_an_infinite_one_is_not(tmp_path, make_data):
    assert verify(make_data(tmp_path / "a", spoil("rt60", np.nan))) == []
    assert verify(make_data(tmp_path / "b", lambda one: one.update(rt60=np.full_like(one["rt60"], np.nan)))) == []
    assert any("NaN or infinite values in rt60" in p for p in verify(make_data(tmp_path / "c", spoil("rt60", np.inf))))


def test_a_scene_in_two_splits_by_name_or_content(tmp_path, make_set, make_shard, make_manifest):
    make_shard(tmp_path, "attic", [make_set("attic", 0)])
    make_shard(tmp_path, "attic", [make_set("attic", 1)], number=1, split="val")
    make_manifest(tmp_path)
    problems = verify(tmp_path)
    assert any("scene attic is in the splits train, val" in p for p in problems)
    assert any("scene_sha256" in p for p in problems)


def test_the_same_scene_under_two_names(tmp_path, make_set, make_shard, make_manifest):
    for scene in ("attic", "barn"):
        make_shard(tmp_path, scene, [make_set(scene, 0)], scene_sha256="c" * 64)
    make_manifest(tmp_path)
    assert any("scene_sha256 " + "c" * 64 in p for p in verify(tmp_path))


def test_unknown_split(tmp_path, make_set, make_shard, make_manifest):
    make_shard(tmp_path, "attic", [make_set("attic", 0)], split="dev")
    make_manifest(tmp_path)
    assert any("dev" in p for p in verify(tmp_path))


def test_a_field_of_another_type_is_named(data):
    with h5py.File(data / BARN, "r+") as file:
        depth = file["depth"][:].astype(np.float32)
        del file["depth"]
        file["depth"] = depth
        del file["rt60"]
        file["smell"] = np.zeros(2)
    problems = verify(data)
    for message in ("field depth: field depth is float32; uint16", "field rt60: missing", "field smell: unknown"):
        assert any(message in p for p in problems), message


def test_wrong_count_and_stray_shard(data, make_set, make_shard):
    edit_manifest(data, lambda m: m["shards"][0].update(sets=3))
    make_shard(data, "attic", [make_set("attic", 9)], number=9)
    problems = verify(data)
    assert any("the manifest says 3" in p for p in problems)
    assert any(p.startswith("shards/attic-0009.h5: not in the manifest") for p in problems)


def test_a_data_set_without_sets_is_not_good(tmp_path, capsys):
    write_manifest(tmp_path, {"shards": [], "failures": ["attic: it has no floor"]})
    assert main([str(tmp_path)]) == 1
    assert capsys.readouterr().out.splitlines() == [
        "no sets; manifest.json lists the reasons under failures", "0 shards, 0 sets: 1 problems",
    ]  # fmt: skip
