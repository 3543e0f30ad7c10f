"""Fields that older shards lack: values of their settings, read, verified, converted and merged as if they were stored."""

import json

import h5py
import numpy as np
import pytest

from dataset.errors import DatasetError
from dataset.format.manifest import read_manifest
from dataset.info import describe
from dataset.layouts.webdataset import to_tars
from dataset.merge import merge
from dataset.reader import Dataset
from dataset.verify import verify

CAMERA = {"hfov_deg": 60.0, "pitch_deg": -22.5, "roll_deg": 0.0, "height_m": 1.5}
OWN = {"hfov_deg": [50.0, 52.0], "pitch_deg": [0.0, -5.0], "roll_deg": [3.0, -4.0], "height_m": [1.2, 1.2]}


@pytest.fixture
def build(tmp_path, make_set, make_shard, make_manifest):
    """Write a data set of a scene with two sets: of format 1.0, or of 1.1 with cameras of its own."""

    def write(name, scene, fields=None, **attributes):
        root = tmp_path / name
        camera = {key: np.float32(value) for key, value in (fields or {}).items()}
        version = "1.1" if fields else "1.0"
        make_shard(root, scene, [{**make_set(scene, k), **camera} for k in range(2)], **{"format_version": version, **attributes})
        make_manifest(root)
        content = {**json.loads((root / "manifest.json").read_text()), "format_version": version}
        content["settings"] = json.loads(attributes.get("settings", json.dumps(content["settings"])))
        (root / "manifest.json").write_text(json.dumps(content))
        return root

    return write


def settings_with(**camera):
    content = {"width_px": 32, "height_px": 24, **CAMERA, **camera}
    return json.dumps({"camera": content, "acoustics": {"sample_rate_hz": 16000, "indirect_ratio": 0.5}})


VARIED = settings_with(hfov_deg=[40.0, 90.0], pitch_deg=[-20.0, 5.0], roll_deg=[-5.0, 5.0], height_m=1.2)


def test_a_data_set_of_format_1_0_has_the_camera_of_its_settings(build):
    root = build("old", "attic")
    assert read_manifest(root)["format_version"] == "1.0" and verify(root) == []
    data = Dataset(root)
    with h5py.File(root / "shards/attic-0000.h5", locking=False) as file:
        assert file.attrs["format_version"] == "1.0" and not set(CAMERA) & set(file)
    for one in data:
        for name, value in CAMERA.items():
            np.testing.assert_array_equal(one[name], np.full(2, value, np.float32))
            assert one[name].dtype == np.float32
    assert data.read(1, "pitch_deg", view=1) == np.float32(-22.5)
    assert Dataset(root, fields=["hfov_deg"])[0]["hfov_deg"].tolist() == [60.0, 60.0]


def test_settings_without_a_camera_have_no_camera(build):
    data = Dataset(build("odd", "attic", settings=json.dumps({"acoustics": {"indirect_ratio": 0.5}})))
    assert {"hfov_deg", "pitch_deg", "height_m"}.isdisjoint(data[0])
    with pytest.raises(DatasetError, match=r"attic-0000\.h5 have camera\.hfov_deg = None; a number is expected"):
        data.read(0, "hfov_deg")


def test_a_range_does_not_replace_a_field(build):
    root = build("bad", "attic", settings=settings_with(hfov_deg=[40.0, 90.0]))
    with pytest.raises(DatasetError, match=r"have camera\.hfov_deg = \[40\.0, 90\.0\]; a number is expected"):
        Dataset(root).read(0, "hfov_deg")
    assert any("field hfov_deg: missing, and the settings of shard" in problem for problem in verify(root))


def test_angles_that_vary_are_described(build):
    assert "pitch_deg|" in describe(build("new", "attic", OWN, settings=VARIED)).replace(" ", "")
    assert "pitch_deg|" not in describe(build("old", "attic")).replace(" ", "")


def test_tars_hold_the_camera_of_format_1_0(build, tmp_path):
    index = to_tars(build("old", "attic"), tmp_path / "tars")
    assert set(CAMERA) <= set(index["fields"])
    assert b"attic/0.hfov_deg.npy" in (tmp_path / "tars" / index["tars"][0]["path"]).read_bytes()


class TestMerge:
    def test_old_and_new(self, build, tmp_path):
        old, new = build("old", "attic"), build("new", "barn", OWN, settings=VARIED)
        out = tmp_path / "both"
        manifest, notes = merge([old, new], out)
        assert manifest["format_version"] == "1.1" and verify(out) == []
        assert [line.split(" is ")[0] for line in notes] == [f"setting camera.{name}" for name in OWN]
        data = Dataset(out)
        for index, camera in enumerate([CAMERA, CAMERA, OWN, OWN]):
            for name, value in camera.items():
                np.testing.assert_array_equal(data.read(index, name), np.broadcast_to(np.float32(value), 2))
        files = [h5py.File(out / s["path"], locking=False) for s in manifest["shards"]]
        assert set(files[0]) == set(files[1]) >= set(CAMERA)
        for name in files[0]:
            assert dict(files[0][name].attrs) == dict(files[1][name].attrs)
            assert files[0][name].shape == files[1][name].shape and files[0][name].chunks == files[1][name].chunks
        assert {str(file.attrs["format_version"]) for file in files} == {"1.1"}
        assert (out / "shards/barn-0000.h5").read_bytes() == (new / "shards/barn-0000.h5").read_bytes()
        merge([new, old], tmp_path / "other")
        assert len(Dataset(tmp_path / "other")) == 4 and verify(tmp_path / "other") == []

    def test_old_ones_of_one_camera_keep_their_bytes(self, build, tmp_path):
        roots = build("a", "attic"), build("b", "barn")
        manifest, notes = merge(roots, tmp_path / "both")
        assert notes == [] and manifest["settings"]["camera"]["hfov_deg"] == 60.0
        for root, name in zip(roots, ("attic", "barn"), strict=True):
            path = f"shards/{name}-0000.h5"
            assert (tmp_path / "both" / path).read_bytes() == (root / path).read_bytes()

    def test_what_is_merged_can_be_merged_again(self, build, tmp_path):
        old, new = build("old", "attic"), build("new", "barn", OWN, settings=VARIED)
        merge([old, new], tmp_path / "both")
        _, notes = merge([tmp_path / "both", old], tmp_path / "again")
        assert f"2 sets of {old} are there already" in notes
        assert len(Dataset(tmp_path / "again")) == 4 and verify(tmp_path / "again") == []
