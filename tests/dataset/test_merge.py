"""Data sets put together: every set once, no scene in two splits, nobody's credit lost."""

import json

import h5py
import numpy as np
import pytest

from dataset.errors import DatasetError
from dataset.format.manifest import read_manifest, write_manifest
from dataset.merge import main, merge
from dataset.reader import Dataset
from dataset.rewriting import rewrite
from dataset.verify import verify


@pytest.fixture
def build(tmp_path, make_set, make_shard, make_manifest):
    """Write a data set of given scenes: {scene: (split, numbers of its sets)}."""

    def write(name, scenes, **attributes):
        root = tmp_path / name
        for scene, (split, numbers) in scenes.items():
            make_shard(root, scene, [make_set(scene, k) for k in numbers], split=split, **attributes)
        make_manifest(root)
        return root

    return write


def change(root, **more):
    write_manifest(root, {**read_manifest(root), **more})


def placed(root):
    """Give where each set's listener stands: what it is known by here."""
    return {one["set_id"]: one["position"].tobytes() for one in Dataset(root, fields=["set_id", "position"])}


def test_scenes_of_both(build, tmp_path, capsys):
    a = build("a", {"attic": ("train", (0, 1)), "barn": ("val", (0,))})
    b = build("b", {"cellar": ("test", (0, 1))})
    out = tmp_path / "c"
    assert main([str(a), str(b), "--out", str(out)]) == 0
    assert "5 sets of 3 scenes" in capsys.readouterr().out
    assert verify(out) == []
    assert placed(out) == {**placed(a), **placed(b)}
    assert {s["scene"]: s["split"] for s in read_manifest(out)["shards"]} == {"attic": "train", "barn": "val", "cellar": "test"}
    for root, name in ((a, "attic"), (a, "barn"), (b, "cellar")):
        assert (out / f"shards/{name}-0000.h5").read_bytes() == (root / f"shards/{name}-0000.h5").read_bytes()


def test_the_first_decides_the_split_of_a_scene(build, tmp_path):
    a = build("a", {"attic": ("train", (0, 1)), "barn": ("val", (0,))})
    b = build("b", {"attic": ("test", (2, 3))})
    manifest, notes = merge([a, b], tmp_path / "c")
    assert verify(tmp_path / "c") == []
    assert {s["split"] for s in manifest["shards"] if s["scene"] == "attic"} == {"train"}
    assert notes == [f"scene attic of {b} goes from test to train, where its content is"]
    assert placed(tmp_path / "c") == {**placed(a), **placed(b)}
    assert sorted(s["path"] for s in manifest["shards"]) == [
        "shards/attic-0000.h5", "shards/attic-0001.h5", "shards/barn-0000.h5",
    ]  # fmt: skip


def test_sets_in_both_are_taken_once(build, tmp_path):
    a = build("a", {"attic": ("train", (0, 1))})
    b = build("b", {"attic": ("train", (1, 2)), "barn": ("val", (0,))})
    _, notes = merge([a, b], tmp_path / "c")
    assert verify(tmp_path / "c") == []
    assert placed(tmp_path / "c") == {**placed(a), **placed(b)}
    assert notes == [f"1 sets of {b} are there already"]
    manifest, _ = merge([a, a], tmp_path / "d")
    assert placed(tmp_path / "d") == placed(a) and len(manifest["shards"]) == 1


def test_different_sets_of_one_id_get_new_numbers(tmp_path, build, make_set, make_shard, make_manifest):
    a = build("a", {"attic": ("train", (0, 1))})
    b = tmp_path / "b"
    make_shard(b, "attic", [{**make_set("attic", 5 + k), "set_id": f"attic/{k}"} for k in range(2)])  # of another seed
    make_manifest(b)
    _, notes = merge([a, b], tmp_path / "c")
    assert verify(tmp_path / "c") == []
    old = placed(b)
    assert placed(tmp_path / "c") == {**placed(a), "attic/2": old["attic/0"], "attic/3": old["attic/1"]}
    assert notes == [f"sets of shards/attic-0000.h5 of {b} get new ids from attic/2 on"]


def test_different_scenes_of_one_name(build, tmp_path):
    other = "f00d" * 16
    a = build("a", {"attic": ("train", (0, 1))})
    b = build("b", {"attic": ("test", (0,))}, scene_sha256=other)
    change(b, scene_credits={"attic": "CC BY 4.0, B. Other"}, credits={"scenes": ["attic: CC BY 4.0, B. Other"]})
    manifest, notes = merge([a, b], tmp_path / "c")
    assert verify(tmp_path / "c") == []
    assert list(placed(tmp_path / "c")) == ["attic/0", "attic/1", "attic-f00df00d/0"]
    assert len(notes) == 1 and "attic-f00df00d" in notes[0]
    assert manifest["scene_credits"] == {"attic": "CC BY 4.0, A. Builder", "attic-f00df00d": "CC BY 4.0, B. Other"}
    assert manifest["credits"]["scenes"] == ["attic-f00df00d: CC BY 4.0, B. Other"]
    # What was merged can be merged again: the scene is known by its content.
    merge([tmp_path / "c", b], tmp_path / "d")
    assert placed(tmp_path / "d") == placed(tmp_path / "c") and verify(tmp_path / "d") == []


def test_one_content_under_two_names(tmp_path, build):
    same = "f00d" * 16
    a = build("a", {"attic": ("train", (0,))}, scene_sha256=same)
    b = build("b", {"barn": ("val", (0,))}, scene_sha256=same)
    merge([a, b], tmp_path / "c")
    assert verify(tmp_path / "c") == []
    assert placed(tmp_path / "c") == {**placed(a), "attic/1": placed(b)["barn/0"]}


def test_what_the_manifests_say_is_joined(build, tmp_path):
    a, b = build("a", {"attic": ("train", (0,))}), build("b", {"barn": ("val", (0,))})
    settings = read_manifest(a)["settings"]
    change(a, software={"h5py": "3.1"}, shortfalls=[{"scene": "attic", "why": "small"}], failures=["hut: no floor"])
    change(
        b,
        software={"h5py": "3.2", "ray": "2"},
        settings={**settings, "seed": 7, "clips": {"stretch_s": 3}},
        credits={"clips": ["noise: CC0", "LibriSpeech: CC BY 4.0"], "hrtf": ["other ears: CC0"]},
        clips_left_out={"x.wav": "silent"},
    )
    manifest, _ = merge([a, b], tmp_path / "c")
    assert manifest["software"] == {"h5py": "3.1 | 3.2", "ray": "not set | 2"}
    assert manifest["settings"]["seed"] == "0 | 7"
    assert manifest["settings"]["camera"] == settings["camera"]
    assert manifest["credits"]["clips"] == ["noise: CC0", "LibriSpeech: CC BY 4.0"]
    assert manifest["credits"]["hrtf"] == ["KEMAR: free for any use with citation", "other ears: CC0"]
    assert set(manifest["scene_credits"]) == {"attic", "barn"}
    assert manifest["shortfalls"] == [{"scene": "attic", "why": "small"}] and manifest["failures"] == ["hut: no floor"]
    assert manifest["clips_left_out"] == {"x.wav": "silent"}
    assert [h["command"] for h in manifest["history"]] == ["merge"] and len(manifest["history"][0]["of"]) == 2


def spoil_version(root):
    manifest = json.loads((root / "manifest.json").read_text())
    (root / "manifest.json").write_text(json.dumps({**manifest, "format_version": "0.9"}))


def spoil_camera(root):
    settings = read_manifest(root)["settings"]
    change(root, settings={**settings, "camera": {**settings["camera"], "width_px": 90}})


def test_other_angles_of_the_camera_become_fields(build, tmp_path, make_set, make_shard, make_manifest):
    a, b = build("a", {"attic": ("train", (0,))}), tmp_path / "b"
    settings = read_manifest(a)["settings"]
    wide = {**settings, "camera": {**settings["camera"], "hfov_deg": 90.0}}
    make_shard(b, "barn", [make_set("barn", 0)], settings=json.dumps(wide))
    make_manifest(b)
    change(b, settings=wide)
    manifest, notes = merge([a, b], tmp_path / "c")
    assert notes == [f"setting camera.hfov_deg is 60.0 in {a}, 90.0 in {b}; the field hfov_deg holds the value of every view"]
    assert manifest["settings"]["camera"]["hfov_deg"] == "60.0 | 90.0" and verify(tmp_path / "c") == []
    for one, angle in zip(Dataset(tmp_path / "c"), (60.0, 90.0), strict=True):
        assert one["hfov_deg"].tolist() == [angle, angle]
    for entry in manifest["shards"]:
        with h5py.File(tmp_path / "c" / entry["path"], locking=False) as file:
            assert "hfov_deg" in file and "pitch_deg" not in file


@pytest.mark.parametrize(
    ("spoil", "message"), [(spoil_version, "format_version is 1.x"), (spoil_camera, "setting camera.width_px is 32")]
)
def test_what_does_not_fit_is_refused(build, tmp_path, capsys, spoil, message):
    a, b = build("a", {"attic": ("train", (0,))}), build("b", {"barn": ("val", (0,))})
    spoil(b)
    assert main([str(a), str(b), "--out", str(tmp_path / "c")]) == 2
    assert message in capsys.readouterr().err
    assert not (tmp_path / "c").exists()


def test_other_shapes_are_refused(build, tmp_path, make_set, make_shard, make_manifest):
    a, b = build("a", {"attic": ("train", (0,))}), tmp_path / "b"
    one = make_set("barn", 0)
    make_shard(
        b, "barn", [{**one, "depth": one["depth"][:, :12], "rgb": one["rgb"][:, :12], "instance": one["instance"][:, :12]}]
    )
    make_manifest(b)
    with pytest.raises(DatasetError, match=r"field depth is uint16 \(2, 24, 32\) in .*a and uint16 \(2, 12, 32\) in .*b"):
        merge([a, b], tmp_path / "c")


def test_interrupted_and_gone_on_with(build, tmp_path, monkeypatch):
    a, b = build("a", {"attic": ("train", (0, 1))}), build("b", {"attic": ("train", (1, 2)), "barn": ("val", (0,))})
    original, out = rewrite._write, tmp_path / "c"

    def crash(piece, path):
        if piece.path.startswith("shards/barn"):
            raise KeyboardInterrupt
        original(piece, path)

    monkeypatch.setattr(rewrite, "_write", crash)
    with pytest.raises(KeyboardInterrupt):
        merge([a, b], out)
    monkeypatch.setattr(rewrite, "_write", original)
    with pytest.raises(DatasetError, match="unfinished work of another"):
        merge([b, a], out)
    merge([a, b], out)
    merge([a, b], tmp_path / "straight")
    for path in (tmp_path / "straight").rglob("*.*"):
        assert path.read_bytes() == (out / path.relative_to(tmp_path / "straight")).read_bytes()
    assert verify(out) == []


def test_a_single_data_set_is_wrong_use(data, tmp_path, capsys):
    assert main([str(data), "--out", str(tmp_path / "c")]) == 2
    assert "give two or more" in capsys.readouterr().err


def test_every_field_survives(build, tmp_path):
    a, b = build("a", {"attic": ("train", (0,))}), build("b", {"attic": ("val", (4,))})
    merge([a, b], tmp_path / "c")
    for one, other in zip(Dataset(tmp_path / "c"), [Dataset(a)[0], Dataset(b)[0]], strict=True):
        for name, value in other.items():
            np.testing.assert_array_equal(one[name], value, err_msg=name)
