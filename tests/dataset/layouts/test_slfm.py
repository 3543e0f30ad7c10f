"""SLfM's layout: there and back nothing is lost that both can hold; the rest is declared absent; the published form is read."""

import csv
import json
import resource
import shutil

import h5py
import numpy as np
import pytest
import soundfile
from PIL import Image

from dataset.angles import azimuth
from dataset.convert import main
from dataset.errors import DatasetError
from dataset.format.manifest import read_manifest
from dataset.layouts import slfm_read, slfm_write
from dataset.layouts.slfm_lists import read_lists
from dataset.layouts.slfm_pair import tilt_deg
from dataset.layouts.slfm_read import ABSENT, Layout, from_slfm
from dataset.layouts.slfm_write import rotation, to_slfm
from dataset.reader import Dataset
from dataset.share import main as share_main
from dataset.verify import verify

RATE = 16000
SHARED = ("set_id", "rgb", "position", "heading", "source_position", "azimuth", "elevation", "distance", "rt60")


def write_pair(folder, *, views=4, sources=3, heading=10.0, change=None, subtype="PCM_16"):
    """Write a pair as the published data set has them, worked out here: sources ahead, to the left and behind."""
    rng = np.random.default_rng(len(str(folder)))
    folder.mkdir(parents=True)
    listener = np.array([1.0, 1.6, 2.0])
    places = listener + np.array([[0, -0.2, -2], [-1.5, 0.1, 0], [0, 0, 1]])[:sources]
    world = [0.0, 90.0, 180.0]  # where they are for a head at heading 0, left positive
    metadata = {"scene_id": "Habitat/scene_datasets/hm3d/train/attic/attic.basis.glb"}
    for v in range(views):
        turned = (heading + 20 * v) % 360
        metadata |= {f"camera_{v}_angle": turned, f"camera_{v}_position": listener.tolist()}
        metadata[f"camera_{v}_rotation_in_quaternion"] = rotation(turned, -22.5)
        Image.fromarray(rng.integers(0, 256, (24, 32, 3), dtype=np.uint8)).save(folder / f"camera_{v}_rgb.png")
        Image.fromarray(rng.integers(0, 256, (24, 32, 4), dtype=np.uint8)).save(folder / f"camera_{v}_depth.png")
        for s in range(sources):
            metadata[f"source_{s}_position"] = places[s].tolist()
            metadata[f"relative_angle_between_sound_{s}_camera_{v}"] = (world[s] - turned + 180) % 360 - 180
            metadata[f"sound_{s}_camera_{v}_rir_rt60"] = [0.02 + s / 100, 0.03]
            direct = ears(rng.uniform(-0.4, 0.4, 100 + s), world[s] - turned)
            decay = 10 ** (-3 * np.arange(500 + 10 * v)[:, None] / RATE / 0.03)
            parts = {"_direct": direct, "_indirect": decay * rng.uniform(-0.4, 0.4, (500 + 10 * v, 2))}
            parts[""] = 0.2 * parts["_indirect"]
            parts[""][: 100 + s] += parts["_direct"]
            for kind, sound in parts.items():
                path = folder / f"binaural_rirs{kind}" / f"sound_{s}_camera_{v}_rir.wav"
                path.parent.mkdir(exist_ok=True)
                soundfile.write(path, sound, RATE, subtype=subtype)
    if change is not None:
        change(metadata)
    (folder / "metadata.json").write_text(json.dumps(metadata))
    return folder


def ears(sound, azimuth_deg):
    """Give what two ears get of a sound (L,), as (L, 2): the near ear up to 8 samples earlier, and louder."""
    near = np.sin(np.deg2rad(azimuth_deg))
    late = [round(4 - 4 * near), round(4 + 4 * near)]
    return (
        np.stack(
            [np.pad(sound, (n, 0))[: len(sound)] * gain for n, gain in zip(late, (1 + near / 2, 1 - near / 2), strict=True)], -1
        )
        / 1.5
    )


def write_lists(folder, **splits):
    folder.mkdir()
    for split, pairs in splits.items():
        with open(folder / f"{split}.csv", "w", newline="") as file:
            writer = csv.writer(file, quoting=csv.QUOTE_ALL)
            writer.writerows([["path"], *([f"./data/AI-Habitat/ProcessedData/hm3d-4view-rotation/{p}"] for p in pairs)])
    return folder


@pytest.fixture
def published(tmp_path):
    """The published layout in miniature: pairs of three scenes, one of them a folder deeper."""
    root = tmp_path / "published"
    write_pair(root / "attic/pair-0000/pair-0000")
    write_pair(root / "attic/pair-0007", heading=350.0)
    write_pair(root / "barn/pair-0001")
    write_pair(root / "cellar/pair-0040")
    return root


def test_there_and_back(data, tmp_path):
    assert main([str(data), "--to", "slfm", "--out", str(tmp_path / "slfm")]) == 0
    assert main(["--from", "slfm", str(tmp_path / "slfm"), "--out", str(tmp_path / "back")]) == 0
    assert verify(tmp_path / "back") == []
    before, after = Dataset(data), Dataset(tmp_path / "back")
    assert [(s["scene"], s["split"], s["scene_sha256"]) for s in after.shards] == [
        (s["scene"], s["split"], s["scene_sha256"]) for s in before.shards
    ]
    for one, other in zip(before, after, strict=True):
        assert set(other) == set(one) - set(ABSENT)
        for name in SHARED:
            if name in ("azimuth", "elevation", "distance"):  # computed again from what is stored
                np.testing.assert_allclose(other[name], one[name], atol=1e-4, err_msg=name)
            else:
                np.testing.assert_array_equal(other[name], one[name], err_msg=name)
        np.testing.assert_array_equal(other["brir_direct"], one["brir_direct"])
        np.testing.assert_array_equal(other["brir_indirect"], one["brir_indirect"])
    manifest, old = read_manifest(tmp_path / "back"), read_manifest(data)
    assert manifest["credits"] == old["credits"] and manifest["scene_credits"] == old["scene_credits"]
    assert manifest["settings"] == {**old["settings"], "converted_from": "SLfM's layout"}


def test_what_is_written_is_the_published_layout(data, tmp_path):
    to_slfm(data, tmp_path / "rooms")
    pair = tmp_path / "rooms/attic/pair-0001"
    one = Dataset(data)[1]
    metadata = json.loads((pair / "metadata.json").read_text())
    for v in range(2):
        assert metadata[f"camera_{v}_position"] == pytest.approx(one["position"][v])
        assert metadata[f"camera_{v}_angle"] == pytest.approx(one["heading"][v])
        np.testing.assert_array_equal(np.asarray(Image.open(pair / f"camera_{v}_rgb.png")), one["rgb"][v])
        for s in range(2):
            assert metadata[f"relative_angle_between_sound_{s}_camera_{v}"] == pytest.approx(one["azimuth"][v, s])
            assert metadata[f"sound_{s}_camera_{v}_rir_rt60"] == pytest.approx([0.1, 0.1])
            name = f"sound_{s}_camera_{v}_rir.wav"
            sounds = {k: soundfile.read(pair / f"binaural_rirs{k}" / name, dtype="float32") for k in ("", "_direct", "_indirect")}
            assert {rate for _, rate in sounds.values()} == {RATE}
            np.testing.assert_array_equal(sounds["_direct"][0].T, one["brir_direct"][v, s])
            np.testing.assert_array_equal(sounds["_indirect"][0].T, one["brir_indirect"][v, s])
            full = 0.5 * one["brir_indirect"][v, s]  # the indirect ratio of this data set
            full[:, : one["brir_direct"].shape[-1]] += one["brir_direct"][v, s]
            np.testing.assert_allclose(sounds[""][0].T, full, atol=1e-7)
    lists = {p.name: p.read_bytes() for p in (tmp_path / "rooms/data-split").iterdir()}
    assert lists["train.csv"] == (
        b'"path"\r\n"./data/AI-Habitat/ProcessedData/rooms/attic/pair-0000"\r\n'
        b'"./data/AI-Habitat/ProcessedData/rooms/attic/pair-0001"\r\n'
    )
    assert set(lists) == {"train.csv", "val.csv", "test.csv"}


def test_an_unknown_decay_time_is_null_in_the_layout_and_comes_back(tmp_path, make_set, make_shard, make_manifest):
    one = make_set("attic", 0)
    one["rt60"] = one["rt60"].copy()
    one["rt60"][0, 1] = np.nan, 0.4
    make_shard(tmp_path / "data", "attic", [one])
    make_manifest(tmp_path / "data")
    to_slfm(tmp_path / "data", tmp_path / "rooms")
    text = next((tmp_path / "rooms").rglob("metadata.json")).read_text()
    assert "NaN" not in text
    assert json.loads(text)["sound_1_camera_0_rir_rt60"] == [None, pytest.approx(0.4)]
    from_slfm(Layout(tmp_path / "rooms"), tmp_path / "back")
    np.testing.assert_array_equal(Dataset(tmp_path / "back")[0]["rt60"], one["rt60"])


def test_the_indirect_part_is_never_shorter(tmp_path, make_set, make_shard, make_manifest):
    one = make_set("attic", 0)
    # The original code subtracts their lengths to see how much silence the direct one needs at its end.
    one |= {"brir_indirect": one["brir_indirect"][..., :100], "brir_direct": 3 * one["brir_direct"]}
    make_shard(tmp_path / "data", "attic", [one])
    make_manifest(tmp_path / "data")
    to_slfm(tmp_path / "data", tmp_path / "slfm")
    pair = tmp_path / "slfm/attic/pair-0000"
    assert len({soundfile.info(p).frames for p in pair.glob("binaural*/*.wav")}) == 1
    loud = soundfile.read(pair / "binaural_rirs_direct/sound_0_camera_0_rir.wav")[0]
    assert np.abs(loud).max() > 1  # not clipped
    assert np.abs(loud).max() == pytest.approx(one["brir_direct"][0, 0].max(), rel=2**-13)


def test_the_published_layout_is_read(published, tmp_path):
    manifest, left_out = from_slfm(Layout(published), tmp_path / "data")
    assert left_out == [] and verify(tmp_path / "data") == []
    data = Dataset(tmp_path / "data")
    assert [one["set_id"] for one in data] == ["attic/0", "attic/7", "barn/1", "cellar/40"]
    assert {s["split"] for s in data.shards} == {"train", "val", "test"}
    one = data[1]
    np.testing.assert_allclose(one["heading"], [350, 10, 30, 50], atol=1e-4)
    np.testing.assert_allclose(one["azimuth"][0], [10, 100, -170], atol=1e-3)
    np.testing.assert_allclose(one["distance"][0], [np.hypot(2, 0.2), np.hypot(1.5, 0.1), 1], atol=1e-6)
    offset = one["source_position"][None] - one["position"][:, None]
    np.testing.assert_allclose(one["azimuth"], azimuth(offset, one["heading"][:, None]), atol=1e-3)
    np.testing.assert_array_equal(one["rgb"][2], np.asarray(Image.open(published / "attic/pair-0007/camera_2_rgb.png")))
    assert one["brir_direct"].shape == (4, 3, 2, 102) and one["brir_indirect"].shape == (4, 3, 2, 530)
    name = "sound_1_camera_2_rir.wav"
    for part, length in (("direct", 101), ("indirect", 520)):
        true, _ = soundfile.read(published / f"attic/pair-0007/binaural_rirs_{part}" / name)
        stored = one[f"brir_{part}"][2, 1]
        assert np.abs(stored[:, :length] - true.T).max() < 2**-13  # 12 bits of mantissa, of values below 1
        assert not stored[:, length:].any()
    settings = manifest["settings"]
    assert settings["camera"] == {"width_px": 32, "height_px": 24, "hfov_deg": 60.0, "pitch_deg": -22.5}
    assert settings["acoustics"] == {"sample_rate_hz": RATE, "indirect_ratio": 0.2}  # both measured


def test_what_is_lacking_is_absent_and_says_so(published, tmp_path):
    from_slfm(Layout(published), tmp_path / "data")
    data = Dataset(tmp_path / "data")
    for name in ("depth", "instance", "mono", "audio", "clips"):
        assert name not in data[0]
        with pytest.raises(DatasetError, match=f"field '{name}' of shards/attic-0000.h5 is absent: .*SLfM"):
            data.read(0, name)
    with pytest.raises(DatasetError, match="absent"):
        Dataset(tmp_path / "data", fields=["rgb", "audio"])[0]
    # What is neither there nor declared absent is a fault, and no shard may lack what makes it a set.
    for name, declared in (("depth", {k: "" for k in ABSENT if k != "depth"}), ("azimuth", {**ABSENT, "azimuth": ""})):
        shutil.copytree(tmp_path / "data", tmp_path / name)
        with h5py.File(tmp_path / name / "shards/attic-0000.h5", "r+") as file:
            file.attrs["absent"] = json.dumps(declared)
            file.pop(name, None)
        assert f"shards/attic-0000.h5: field {name}: missing" in verify(tmp_path / name)


def test_lists_choose_pairs_and_splits(published, tmp_path, capsys):
    lists = write_lists(
        tmp_path / "lists", train=["attic/pair-0007", "hut/pair-0001", "hut/pair-0002"], test=["cellar/pair-0040"]
    )
    out = tmp_path / "data"
    assert main(["--from", "slfm", str(published), "--lists", str(lists), "--out", str(out)]) == 1
    told = capsys.readouterr().out
    assert "left out: 2 pairs: not there (hut/pair-0001, hut/pair-0002)" in told and "2 sets of 2 scenes" in told
    assert {s["scene"]: (s["split"], s["sets"]) for s in read_manifest(out)["shards"]} == {
        "attic": ("train", 1), "cellar": ("test", 1),
    }  # fmt: skip
    assert verify(out) == []


def test_lists_with_a_scene_in_two_splits_are_refused(published, tmp_path):
    lists = write_lists(tmp_path / "lists", train=["attic/pair-0007"], val=["attic/pair-0000"])
    with pytest.raises(DatasetError, match="scene attic for train and for val"):
        from_slfm(Layout(published, lists), tmp_path / "data")


@pytest.mark.parametrize(
    ("row", "pair"),
    [
        ("./data/x/attic/pair-0029", ("attic", "pair-0029")),
        ("attic/pair-0029/pair-0029", ("attic", "pair-0029")),
        ("../../etc", None),
        ("../pair-0001", None),
        ("/pair-0001", None),
        ("attic/pair-0001x", None),
    ],
)
def test_rows_of_a_list(tmp_path, row, pair):
    (tmp_path / "train.csv").write_text(f'"path"\r\n"{row}"\r\n')
    if pair is None:
        with pytest.raises(DatasetError, match="<scene>/pair-NNNN"):
            read_lists(tmp_path)
    else:
        assert read_lists(tmp_path) == {"train": [pair]}


def wrong_angle(metadata):
    metadata["relative_angle_between_sound_0_camera_1"] *= -1  # right positive: another convention


def no_angle(metadata):
    metadata["relative_angle_between_sound_1_camera_0"] = float("nan")


def no_position(metadata):
    metadata["camera_1_position"] = [0.0, 1.0]


def long_decay(metadata):
    metadata["sound_0_camera_0_rir_rt60"] = [float("nan"), 1.0]


@pytest.mark.parametrize(
    ("change", "why"),
    [
        (wrong_angle, "angles of its sounds differ from positions and headings by 60.00 degrees"),
        (no_angle, "angles that are not finite"),
        (no_position, "metadata.json"),
        (long_decay, "decay times"),
    ],
)
def test_wrong_pairs_are_left_out(published, tmp_path, change, why):
    write_pair(published / "attic/pair-0009", change=change)
    manifest, left_out = from_slfm(Layout(published), tmp_path / "data")
    assert len(left_out) == 1 and left_out[0].startswith("attic/9: ") and why in left_out[0]
    assert manifest["failures"] == left_out
    assert verify(tmp_path / "data") == []


def test_pairs_of_another_kind_are_left_out(published, tmp_path):
    write_pair(published / "attic/pair-0009", views=2)
    (published / "barn/pair-0001/binaural_rirs_direct/sound_0_camera_0_rir.wav").unlink()
    _, left_out = from_slfm(Layout(published), tmp_path / "data")
    assert sorted(line.split(":")[0] for line in left_out) == ["attic/9", "barn/1"]
    assert verify(tmp_path / "data") == []


def test_a_damaged_picture_leaves_one_pair_out(published, tmp_path, monkeypatch):
    path = published / "attic/pair-0007/camera_3_rgb.png"
    path.write_bytes(path.read_bytes()[:200])
    _, left_out = from_slfm(Layout(published), tmp_path / "data")
    assert len(left_out) == 1 and left_out[0].startswith("attic/7: camera_3_rgb.png")
    assert [one["set_id"] for one in Dataset(tmp_path / "data")] == ["attic/0", "barn/1", "cellar/40"]
    assert from_slfm(Layout(published), tmp_path / "data")[1] == left_out


def test_without_rotations_decay_times_and_full_responses(published, tmp_path):
    for path in published.rglob("metadata.json"):
        metadata = json.loads(path.read_text())
        path.write_text(json.dumps({k: v for k, v in metadata.items() if "rotation" not in k and "rt60" not in k}))
        shutil.rmtree(path.parent / "binaural_rirs")
    manifest, left_out = from_slfm(Layout(published, hfov_deg=90.0), tmp_path / "data")
    assert left_out == [] and verify(tmp_path / "data") == []
    assert manifest["settings"]["camera"]["pitch_deg"] == -22.5 and manifest["settings"]["camera"]["hfov_deg"] == 90.0
    with pytest.raises(DatasetError, match=r"'rt60' .* absent: not in the metadata"):
        Dataset(tmp_path / "data").read(0, "rt60")
    to_slfm(tmp_path / "data", tmp_path / "slfm")
    assert not any("rt60" in p.read_text() for p in (tmp_path / "slfm").rglob("metadata.json"))


@pytest.mark.parametrize("heading", [0.0, 5.7, 90.0, 179.9999, 180.0, 318.0])
@pytest.mark.parametrize(("pitch", "roll"), [(-22.5, 0.0), (0.0, 12.0), (45.0, -170.0)])
def test_the_tilt_is_read_from_rotations(heading, pitch, roll):
    turn = rotation(heading, pitch, roll)
    for sign in (1, -1):  # both quaternions are the same rotation
        found = tilt_deg({"camera_0_rotation_in_quaternion": [sign * x for x in turn]}, 0)
        assert found == pytest.approx((pitch, roll), abs=1e-3)


def test_each_view_keeps_its_camera_there_and_back(tmp_path, make_set, make_shard, make_manifest):
    angles = {"hfov_deg": [50.0, 77.5], "pitch_deg": [3.0, -35.0], "roll_deg": [-6.0, 9.5]}
    one = {**make_set("attic", 0), **{name: np.float32(value) for name, value in angles.items()}}
    make_shard(tmp_path / "data", "attic", [one])
    make_manifest(tmp_path / "data")
    to_slfm(tmp_path / "data", tmp_path / "slfm")
    metadata = json.loads((tmp_path / "slfm/attic/pair-0000/metadata.json").read_text())
    assert metadata["camera_1_rotation_in_quaternion"] == pytest.approx(rotation(float(one["heading"][1]), -35.0, 9.5))
    from_slfm(Layout(tmp_path / "slfm"), tmp_path / "back")
    back = Dataset(tmp_path / "back")[0]
    for name, value in angles.items():
        np.testing.assert_allclose(back[name], value, atol=1e-3)
    metadata["camera_1_hfov_deg"] = float("nan")
    (tmp_path / "slfm/attic/pair-0000/metadata.json").write_text(json.dumps(metadata))
    with pytest.raises(DatasetError, match=r"hfov_deg of .*nan.*1 to 179 are expected"):
        from_slfm(Layout(tmp_path / "slfm"), tmp_path / "spoilt")


def test_pitch_and_roll_of_every_published_camera_are_read(tmp_path):
    def tilt(metadata):
        metadata["camera_2_rotation_in_quaternion"] = rotation(metadata["camera_2_angle"], -10.0, 5.0)

    write_pair(tmp_path / "published/attic/pair-0000", change=tilt)
    from_slfm(Layout(tmp_path / "published"), tmp_path / "data")
    assert verify(tmp_path / "data") == []
    one = Dataset(tmp_path / "data")[0]
    np.testing.assert_allclose(one["pitch_deg"], [-22.5, -22.5, -10, -22.5], atol=1e-3)
    np.testing.assert_allclose(one["roll_deg"], [0, 0, 5, 0], atol=1e-3)
    assert one["hfov_deg"].tolist() == [60.0] * 4


def test_rotations_are_those_of_the_published_example():
    # Heading and rotation of a camera as published: 22.5 degrees down.
    assert rotation(5.695647424760262, -22.5) == pytest.approx(
        [0.9795740257146412, -0.19484938847852126, 0.048728784110162494, 0.009692757806884684], abs=1e-6
    )


def test_scans_may_not_be_published(published, tmp_path, capsys):
    from_slfm(Layout(published), tmp_path / "data")
    assert share_main([str(tmp_path / "data")]) == 2
    assert "must not be published" in capsys.readouterr().err


def test_our_own_come_back_publishable(data, tmp_path):
    to_slfm(data, tmp_path / "slfm")
    from_slfm(Layout(tmp_path / "slfm"), tmp_path / "back")
    assert share_main([str(tmp_path / "back")]) == 0
    text = (tmp_path / "back/README.md").read_text()
    assert "Absent: `depth`" in text and "A. Builder" in text


def test_interrupted_and_gone_on_with(published, tmp_path, monkeypatch):
    out, calls, original = tmp_path / "data", [], slfm_read.read_set

    def crash(pair, *shape):
        calls.append(pair.name)
        if len(calls) == 3:
            raise KeyboardInterrupt
        return original(pair, *shape)

    monkeypatch.setattr(slfm_read, "read_set", crash)
    with pytest.raises(KeyboardInterrupt):
        from_slfm(Layout(published), out)
    with pytest.raises(DatasetError, match="unfinished work of another"):
        from_slfm(Layout(published, hfov_deg=90.0), out)
    from_slfm(Layout(published), out)
    assert calls == ["attic/0", "attic/7", "barn/1"] + ["barn/1", "cellar/40"]
    from_slfm(Layout(published), tmp_path / "straight")
    for path in (tmp_path / "straight").rglob("*.*"):
        assert path.read_bytes() == (out / path.relative_to(tmp_path / "straight")).read_bytes()


def test_export_interrupted_and_gone_on_with(data, tmp_path, monkeypatch):
    out, calls, original = tmp_path / "slfm", [], slfm_write._metadata

    def crash(one):
        calls.append(one["set_id"])
        if len(calls) == 3:
            raise KeyboardInterrupt
        return original(one)

    monkeypatch.setattr(slfm_write, "_metadata", crash)
    with pytest.raises(KeyboardInterrupt):
        to_slfm(data, out)
    assert not (out / "barn/pair-0000").exists()
    to_slfm(data, out)
    assert calls == ["attic/0", "attic/1", "barn/0"] + ["barn/0", "barn/1", "cellar/0", "cellar/1"]
    to_slfm(data, tmp_path / "straight/slfm")
    names = {p.relative_to(out) for p in out.rglob("*")}
    assert names == {p.relative_to(tmp_path / "straight/slfm") for p in (tmp_path / "straight/slfm").rglob("*")}


def test_names_cannot_leave_the_folder(tmp_path, make_set, make_shard, make_manifest):
    make_shard(tmp_path / "data", "attic", [{**make_set("attic", 0), "set_id": "../../attic/0"}])
    make_manifest(tmp_path / "data")
    with pytest.raises(DatasetError, match="outside its folder"):
        to_slfm(tmp_path / "data", tmp_path / "slfm")


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (["--from", "slfm", "NOWHERE"], "is not a folder"),
        (["--from", "slfm", "EMPTY"], "pair-NNNN/metadata.json"),
        (["--from", "slfm", "EMPTY", "--lists", "EMPTY"], "no train.csv"),
        (["DATA", "--to", "slfm", "--lists", "EMPTY"], "--lists goes with --from slfm"),
        (["EMPTY", "--to", "webdataset"], "manifest.json"),
        (["--from", "slfm", "EMPTY", "--shard-sets", "0"], "--shard-sets is 0; give 1 or more"),
        (["--from", "slfm", "EMPTY", "--hfov-deg", "nan"], "--hfov-deg is nan; give 10 to 150"),
    ],
)
def test_wrong_use(data, tmp_path, capsys, options, message):
    (tmp_path / "empty").mkdir()
    places = {"DATA": data, "EMPTY": tmp_path / "empty", "NOWHERE": tmp_path / "nowhere"}
    assert main([str(places.get(o, o)) for o in options] + ["--out", str(tmp_path / "out")]) == 2
    error = capsys.readouterr().err
    assert message in error and error.count("\n") == 1


def test_a_full_disk_is_one_line_and_leaves_no_half_pair(data, tmp_path, capsys):
    limits = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (8000, limits[1]))  # pictures fit, the responses of 1600 samples do not
    try:
        status = main([str(data), "--to", "slfm", "--out", str(tmp_path / "out")])
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limits)
    error = [line for line in capsys.readouterr().err.splitlines() if line and "slfm:" not in line]
    assert status == 2 and len(error) == 1 and error[0].startswith("error: ") and "cannot be written" in error[0]
    assert not list((tmp_path / "out").glob("*/*"))
    assert main([str(data), "--to", "slfm", "--out", str(tmp_path / "out")]) == 0
    assert len(list((tmp_path / "out").glob("*/pair-*/metadata.json"))) == 6


def test_scenes_of_one_content_are_in_one_split_without_lists(tmp_path, make_set, make_shard, make_manifest):
    for scene, letter in (("attic", "c"), ("barn", "b"), ("cellar", "a"), ("den", "c")):
        make_shard(tmp_path / "data", scene, [make_set(scene, 0)], split="train", scene_sha256=letter * 64)
    make_manifest(tmp_path / "data")
    to_slfm(tmp_path / "data", tmp_path / "pairs")
    shutil.rmtree(tmp_path / "pairs" / "data-split")
    manifest, left_out = from_slfm(Layout(tmp_path / "pairs"), tmp_path / "back")
    split = {s["scene"]: s["split"] for s in manifest["shards"]}
    assert not left_out and split["attic"] == split["den"] and set(split.values()) == {"train", "val", "test"}
