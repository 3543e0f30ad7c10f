"""Walks in every command: read, verified, taken in part, merged, converted, shown, loaded by plain h5py and by datasets."""

from __future__ import annotations

import base64
import io
import json
import shutil
from pathlib import Path

import h5py
import numpy as np
import pytest
import soundfile
from PIL import Image

from dataset.format.manifest import describe_shard, read_manifest, write_manifest
from dataset.info import describe
from dataset.layouts.webdataset import to_tars
from dataset.merge import merge
from dataset.preview import preview
from dataset.reader import Dataset
from dataset.share import main as share
from dataset.subset import Part, subset
from dataset.verify import verify
from dataset.viewer.page import write_page
from dataset.viewer.payload import SMALL, Panels, places_of

RATE = 16000


def same(one, other) -> None:
    assert set(one) == set(other)
    for name, value in one.items():
        np.testing.assert_array_equal(value, other[name], err_msg=name)


def changed(walks: Path, out: Path, change) -> list[str]:
    """Verify a copy of which the first shard is changed."""
    shutil.copytree(walks, out)
    path = out / "shards" / "attic-0000.h5"
    with h5py.File(path, "r+") as file:
        change(file)
    manifest = read_manifest(out)
    manifest["shards"] = [describe_shard(out / s["path"], out) for s in manifest["shards"]]
    write_manifest(out, {k: v for k, v in manifest.items() if k not in ("format", "format_version")})
    return verify(out)


def test_the_reader_decodes_pictures(walks, make_walk) -> None:
    data = Dataset(walks)
    one = data[1]
    assert one["rgb"].shape == (12, 24, 32, 3) and one["rgb"].dtype == np.uint8 and "rgb_webp" not in one
    np.testing.assert_array_equal(data.read(1, "rgb", view=5), one["rgb"][5])
    assert one["rgb"][3, 2, 4].tolist() == [5 * 4 + 9, 14, 90]
    np.testing.assert_array_equal(one["recording"][0], data.read(1, "recording")[0])


def test_plain_h5py_and_pillow_open_them(walks) -> None:
    with h5py.File(walks / "shards" / "attic-0000.h5", locking=False) as file:
        end = file["rgb_webp_end"][1]
        content = file["rgb_webp"][1, end[4] : end[5]].tobytes()
        assert file["rgb_webp"].attrs["axes"] == "N, B"
    picture = np.asarray(Image.open(io.BytesIO(content)))
    np.testing.assert_array_equal(picture, Dataset(walks).read(1, "rgb", view=5))


def test_they_verify(walks) -> None:
    assert verify(walks) == []


@pytest.mark.parametrize(
    ("change", "problem"),
    [
        (lambda f: f["time"].__setitem__((0, 3), 0.1), "time does not increase from 0"),
        (lambda f: f["source_position"].__setitem__((0, 0, 0), 9.0), "source_position is not the start of source_track"),
        (lambda f: f["source_track"].__setitem__((0, 5, 1, 2), 6.0), "differs from the geometry"),
        (lambda f: f["in_sight"].__setitem__((0, 5, 1), 7), "in_sight is outside 0 to 1"),
        (lambda f: f["recording"].__setitem__(0, 0.0), "silent audio or mono"),
        (lambda f: f["rgb_webp"].__setitem__((1, slice(0, 30)), 0), "rgb_webp: a picture cannot be decoded"),
        (lambda f: f["rgb_webp_end"].__setitem__((1, 0), 0), "rgb_webp: rgb_webp_end is not increasing"),
        (lambda f: f.attrs.__setitem__("settings", json.dumps(
            {**json.loads(f.attrs["settings"]), "motion": {"max_speed_m_s": 0.3, "max_turn_deg_s": 20.0}}
        )), "the listener turns by 40 degrees/s; its setting is 20"),
    ],
)  # fmt: skip
def test_problems_are_found(walks, tmp_path, change, problem) -> None:
    found = changed(walks, tmp_path / "changed", change)
    assert any(problem in line for line in found), found


def test_info_and_preview_know_walks(walks, tmp_path) -> None:
    assert "each set is a walk of 1.2 s: 12 pictures at 10 a second, moving sources, one recording" in describe(walks)
    assert [path.name for path in preview(walks, 2, tmp_path)] == ["attic.png", "cellar.png"]


def test_parts_and_merged_sets_hold_the_same(walks, tmp_path) -> None:
    data = Dataset(walks)
    subset(walks, tmp_path / "part", Part(sets=1))
    subset(walks, tmp_path / "cellar", Part(scenes=("cellar",)))
    assert verify(tmp_path / "part") == [] and verify(tmp_path / "cellar") == []
    part = Dataset(tmp_path / "part")
    same(part[0], data[0])
    same(part[1], data[2])
    merge([tmp_path / "part", tmp_path / "cellar"], tmp_path / "merged")
    assert verify(tmp_path / "merged") == []
    merged = {one["set_id"]: one for one in Dataset(tmp_path / "merged")}
    assert sorted(merged) == ["attic/0", "cellar/0", "cellar/1"]
    same(merged["cellar/1"], data[3])


def test_tars_hold_pictures_and_the_recording(walks, tmp_path) -> None:
    webdataset = pytest.importorskip("webdataset")
    to_tars(walks, tmp_path / "tars")
    paths = sorted(str(path) for path in (tmp_path / "tars").glob("*.tar"))
    for index, one in zip((2, 3, 0, 1), webdataset.WebDataset(paths, shardshuffle=False).decode("rgb8"), strict=True):
        true = Dataset(walks)[index]
        np.testing.assert_array_equal(one["7.rgb.png"], true["rgb"][7])
        np.testing.assert_array_equal(one["source_track.npy"], true["source_track"])
        sound, rate = soundfile.read(io.BytesIO(one["recording.flac"]), dtype="float32")
        assert rate == RATE
        gain = one["json"]["gain"].get("recording.flac", 1)
        np.testing.assert_allclose(gain * sound.T, true["recording"], atol=1e-6 * gain)


def test_datasets_loads_the_shards(walks, tmp_path, monkeypatch) -> None:
    datasets = pytest.importorskip("datasets")
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")
    path = str(walks / "shards" / "attic-0000.h5")
    rows = datasets.load_dataset("hdf5", data_files=path, split="train", cache_dir=str(tmp_path))
    end = rows[1]["rgb_webp_end"]
    picture = np.asarray(Image.open(io.BytesIO(bytes(rows[1]["rgb_webp"][end[0] : end[1]]))))
    np.testing.assert_array_equal(picture, Dataset(walks).read(1, "rgb", view=1))


def test_the_viewer_has_moments_and_one_sound(walks, tmp_path) -> None:
    panels = Panels(Dataset(walks))
    facts, one = panels.facts(0), panels.data[0]
    assert len(facts["pictures"]) == 12 and facts["rt60"] is None
    for name in ("time", "source_track", "in_sight", "heading"):
        np.testing.assert_allclose(facts[name], one[name], atol=6e-4)
    sound = panels.sound(0, SMALL)
    assert sound["sources"] == [-1] and len(sound["tracks"][0]) == 1 and not sound["response"]
    assert sound["start_s"] == 0 and sound["seconds"] == 1.2
    assert panels.plan("attic")["image"]
    assert write_page(panels.data, "walks", 4, tmp_path / "view.html") == 4


def test_the_viewer_shows_heads_and_panoramas(tmp_path, make_set, make_shard, make_manifest) -> None:
    one = make_set("attic", 0)
    one["position"][1] += np.float32(0.3)
    around = np.random.default_rng(0).integers(0, 256, (2, 16, 32, 3), np.uint8)
    from dataset.geometry import source_directions

    one |= source_directions(one["position"], one["heading"], one["source_position"])
    one |= {"hrtf": np.uint16(1), "head_scale": np.float32(1.1), "panorama_rgb": around}
    digests = ["a" * 64, "b" * 64]
    settings = {"camera": {"hfov_deg": 60.0, "pitch_deg": 0.0}, "inputs": {"hrtf": digests}}
    make_shard(tmp_path, "attic", [one], settings=json.dumps(settings))
    make_manifest(tmp_path)
    manifest = read_manifest(tmp_path)
    files = [{"name": f"{k}.sofa", "title": f"listener {k}", "sha256": digest} for k, digest in enumerate(digests)]
    kept = {k: v for k, v in manifest.items() if k not in ("format", "format_version")}
    write_manifest(tmp_path, {**kept, "hrtf_files": files})
    facts = Panels(Dataset(tmp_path)).facts(0)
    assert facts["ears"] == "listener 1" and facts["head_scale"] == 1.1 and facts["panorama_of"] == [0, 1]
    shown = np.asarray(Image.open(io.BytesIO(base64.b64decode(facts["panoramas"][1]))))
    assert shown.shape == (16, 32, 3)


def test_places_are_numbered_in_the_order_of_the_views() -> None:
    assert places_of(np.array([[5.0, 0, 0], [1, 0, 0], [5, 0, 0], [3, 0, 0]])).tolist() == [0, 1, 0, 2]


def test_shared_walks_have_a_card_and_pass_their_own_check(walks, tmp_path, capsys) -> None:
    out = Path(shutil.copytree(walks, tmp_path / "data"))
    options = ["--title", "Walks", "--author", "A. Builder", "--licence", "scenes=CC-BY-4.0", "--licence", "clips=CC0-1.0"]
    share([str(out), *options])
    card = out / "README.md"
    if card.is_file():
        assert "binaural sound of 2 sources" in card.read_text() and verify(out) == []
    else:
        pytest.fail(capsys.readouterr().err)
