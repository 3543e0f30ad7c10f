"""Several HRTF files and sizes of heads: which files count, one file a scene, one size a set, both recorded as they were used."""

from __future__ import annotations

import shutil
import subprocess
import sys
from types import SimpleNamespace

import h5py
import numpy as np
import pytest

import simulator
from dataset.format.manifest import read_manifest
from dataset.info import describe
from dataset.merge import merge
from dataset.reader import Dataset
from dataset.subset import Part, subset
from dataset.verify import verify
from simulator.config import AcousticsSettings, with_options
from simulator.errors import InputError
from simulator.receivers.sofa import BUNDLED
from simulator.render import main
from simulator.run.clips import find_clips
from simulator.run.hrtfs import find_hrtfs
from simulator.run.shard_plan import make_plan, settings_digest
from simulator.run.simulate import Inputs, draw_hrtf, generator


def write_head(path, listener, rows=slice(None, None, 6), stretch=1.0, convention="SimpleFreeFieldHRIR"):
    """Write some directions of KEMAR as the file of another listener, whose head is larger by `stretch`."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with h5py.File(BUNDLED) as kemar, h5py.File(path, "w") as file:
        file.attrs.update(kemar.attrs)
        file.attrs["SOFAConventions"], file.attrs["ListenerShortName"] = convention, listener
        for name in ("Data.IR", "SourcePosition", "Data.SamplingRate", "Data.Delay", "ReceiverPosition"):
            values = kemar[name][()]
            file[name] = values[rows] if len(values) == len(kemar["SourcePosition"]) else values
            file[name].attrs.update({k: v for k, v in kemar[name].attrs.items() if isinstance(v, (str, bytes))})
        file["Data.SamplingRate"][...] /= stretch
    return path


@pytest.fixture(scope="module")
def heads(tmp_path_factory):
    """A folder of three usable files, one of a room and a damaged one."""
    folder = tmp_path_factory.mktemp("heads")
    write_head(folder / "b.sofa", "bob")
    write_head(folder / "a.SOFA", "ann", stretch=0.9)
    write_head(folder / "more" / "c.sofa", "cleo", stretch=1.1)
    write_head(folder / "room.sofa", "nobody", convention="SingleRoomSRIR")
    (folder / "torn.sofa").write_bytes(BUNDLED.read_bytes()[:5000])
    shutil.copyfile(folder / "b.sofa", folder / "z copy of b.sofa")
    return folder


class TestFiles:
    def test_without_a_name_there_is_kemar(self):
        (only,) = find_hrtfs().files
        assert only.path == BUNDLED and find_hrtfs() == find_hrtfs([BUNDLED])

    def test_a_folder_is_sorted_and_what_cannot_be_used_is_left_out_with_the_reason(self, heads):
        found = find_hrtfs([heads])
        assert [f.name for f in found.files] == ["a.SOFA", "b.sofa", "more/c.sofa"]  # a copy counts once
        assert [f.title.split()[-1] for f in found.files] == ["ann", "bob", "cleo"]
        left = dict(found.left_out)
        assert set(left) == {"room.sofa", "torn.sofa"}
        assert "SingleRoomSRIR" in left["room.sofa"] and "not a SOFA (HDF5) file" in left["torn.sofa"]

    def test_files_keep_the_order_in_which_they_are_named(self, heads):
        found = find_hrtfs([heads / "more" / "c.sofa", heads / "a.SOFA", heads])
        assert [f.title.split()[-1] for f in found.files] == ["cleo", "ann", "bob"]

    @pytest.mark.parametrize("name", ["torn.sofa", "room.sofa", "nowhere.sofa"])
    def test_a_file_that_is_named_must_be_usable(self, heads, name):
        with pytest.raises(InputError, match=rf"^[^\n]*{name}[^\n]*$"):
            find_hrtfs([heads / "b.sofa", heads / name])

    def test_half_of_the_directions_is_refused_before_anything_is_rendered(self, tmp_path):
        with h5py.File(BUNDLED) as kemar:
            position = kemar["SourcePosition"][()]
        front = np.flatnonzero(np.cos(np.deg2rad(position[:, 0])) > 0)
        with pytest.raises(InputError, match="covers less than half of all directions"):
            find_hrtfs([write_head(tmp_path / "half.sofa", "half", rows=front)])

    def test_a_folder_without_a_usable_file_is_refused_in_one_line(self, tmp_path):
        with pytest.raises(InputError, match=r"^HRTF folder [^\n]* holds no \.sofa files; name [^\n]*$"):
            find_hrtfs([tmp_path])
        write_head(tmp_path / "room.sofa", "nobody", convention="SingleRoomSRIR")
        with pytest.raises(InputError, match=r"^HRTF folder [^\n]* holds no file that can be used [^\n]*SingleRoomSRIR[^\n]*$"):
            find_hrtfs([tmp_path])


def test_every_scene_has_one_file_and_all_are_drawn():
    drawn = []
    for seed in range(60):
        scenes = [SimpleNamespace(sha256=f"{k:064x}") for k in range(2)]
        drawn += [draw_hrtf(with_options({"seed": seed}), scene, 3) for scene in scenes]
        assert drawn[-2:] == [draw_hrtf(with_options({"seed": seed, "sets": 9}), scene, 3) for scene in scenes]
    counts = np.bincount(drawn, minlength=3)
    assert counts.min() > 25 and counts.sum() == 120  # 40 each in the mean, with a standard deviation of 5
    assert draw_hrtf(with_options({}), SimpleNamespace(sha256="0" * 64), 1) == 0


def test_the_draw_of_the_head_leaves_the_other_draws_alone():
    scene, settings = SimpleNamespace(sha256="7" * 64), with_options({})
    before, after = (generator(settings, scene, 5).spawn(n) for n in (3, 4))
    assert [g.random() for g in before] == [g.random() for g in after[:3]]


def test_the_content_of_every_file_counts_for_resuming(heads, tmp_path):
    def digest(*paths):
        return settings_digest(with_options({}), Inputs(find_clips(None), find_hrtfs(paths)))["inputs"]["hrtf"]

    files = [write_head(tmp_path / f"{k}.sofa", k) for k in "abc"]
    base = digest(*files)
    assert len(base) == 3 and digest(tmp_path) == base
    write_head(files[1], "another")
    assert digest(*files)[::2] == base[::2] and digest(*files)[1] != base[1]


SCALES = ["--set", "receivers.head_scale=0.8..1.2"]


@pytest.fixture(scope="module")
def rendered(heads, tiny_scenes, tiny_options, tmp_path_factory):
    """A data set with all heads of the folder, in sizes of 0.8 to 1.2."""
    out = tmp_path_factory.mktemp("data") / "heads"
    status = main(
        ["--scenes", str(tiny_scenes), "--out", str(out), "--workers", "0", "--hrtf", str(heads), *SCALES, *tiny_options]
    )
    return out, status


class TestRender:
    def test_files_left_out_are_named_and_the_status_says_so(self, rendered, heads, tiny_scenes, tiny_options, capsys):
        out, status = rendered
        assert status == 1 and set(read_manifest(out)["hrtfs_left_out"]) == {"room.sofa", "torn.sofa"}
        again = ["--scenes", str(tiny_scenes), "--out", str(out), "--workers", "0", "--hrtf", str(heads), *SCALES, *tiny_options]
        assert main(again) == 1
        assert "left out: HRTF torn.sofa: " in capsys.readouterr().out

    def test_manifest_lists_the_files_that_the_shards_point_to(self, rendered, heads):
        manifest, files = read_manifest(rendered[0]), find_hrtfs([heads]).files
        assert (
            [f["sha256"] for f in manifest["hrtf_files"]] == [f.sha256 for f in files] == manifest["settings"]["inputs"]["hrtf"]
        )
        assert manifest["credits"]["hrtf"] == [f"{f.title} ({f.name})" for f in files]
        assert manifest["settings"]["receivers"]["head_scale"] == [0.8, 1.2]

    def test_a_set_sounds_as_its_file_and_size_say(self, rendered, heads, tiny_scenes):
        data, files = Dataset(rendered[0]), find_hrtfs([heads]).files
        scenes = {name: simulator.load_scene(tiny_scenes / f"{name}.glb") for name in ("alpha", "beta")}
        acoustics = AcousticsSettings(quality="draft", response_s=0.1)
        for one in (data[0], data[5]):
            name, index = one["set_id"].split("/")
            brirs = simulator.simulate_brirs(
                scenes[name], one["position"], one["heading"], one["source_position"], hrtf=files[int(one["hrtf"])].path,
                head_scale=float(one["head_scale"]), acoustics=acoustics, set_index=int(index),
            )  # fmt: skip
            np.testing.assert_allclose(brirs.direct, one["brir_direct"], rtol=0, atol=1e-3 * np.abs(brirs.direct).max())

    def test_one_file_a_scene_and_one_size_a_set(self, rendered):
        sets = list(Dataset(rendered[0], fields=["set_id", "hrtf", "head_scale"]))
        for scene in ("alpha", "beta"):
            assert len({int(s["hrtf"]) for s in sets if s["set_id"].startswith(scene)}) == 1
        sizes = np.array([s["head_scale"] for s in sets])
        assert len(np.unique(sizes)) == len(sets) == 8
        assert sizes.dtype == np.float32 and sizes.min() >= 0.8 and sizes.max() <= 1.2 and np.ptp(sizes) > 0.1

    def test_it_is_verified_and_a_wrong_index_is_found(self, rendered, tmp_path):
        assert verify(rendered[0]) == []
        shutil.copytree(rendered[0], tmp_path / "copy")
        path = next((tmp_path / "copy" / "shards").iterdir())
        with h5py.File(path, "r+") as file:
            file["hrtf"][0] = 3
        assert any("field hrtf has the index 3; the shard's settings list 3 HRTF files" in p for p in verify(tmp_path / "copy"))

    def test_one_file_named_twice_or_not_at_all_gives_the_same_bytes(
        self, tiny_data, tiny_scenes, tiny_options, tmp_path, fields_of
    ):
        out = tmp_path / "out"
        options = ["--hrtf", str(BUNDLED), str(BUNDLED), "--set", "receivers.head_scale=1"]
        assert main(["--scenes", str(tiny_scenes), "--out", str(out), "--workers", "0", *options, *tiny_options]) == 0
        assert fields_of(out) == fields_of(tiny_data)

    @pytest.mark.slow
    def test_workers_give_the_same_bytes(self, rendered, heads, tiny_scenes, tiny_options, tmp_path, fields_of):
        options = ["--workers", "2", "--hrtf", str(heads), *SCALES, *tiny_options]
        # A process of its own: Ray leaves settings in the environment of a driver.
        command = [
            sys.executable,
            "-m",
            "simulator.render",
            "--scenes",
            str(tiny_scenes),
            "--out",
            str(tmp_path / "out"),
            *options,
        ]
        assert subprocess.run(command, capture_output=True, check=False).returncode == 1
        assert fields_of(tmp_path / "out") == fields_of(rendered[0])

    def test_description_merging_and_subsets_keep_the_files(self, rendered, tiny_data, tmp_path):
        files = [f"HRTF file {k}: {name}, " for k, name in enumerate(("a.SOFA", "b.sofa", "more/c.sofa"))]
        said = describe(rendered[0])
        assert all(line in said for line in files) and "head_scale|" in said and "head_scale|" not in describe(tiny_data)
        both, _ = merge([rendered[0], tiny_data], tmp_path / "both")
        assert len(both["hrtf_files"]) == 4 and both["hrtf_files"][:3] == read_manifest(rendered[0])["hrtf_files"]
        assert verify(tmp_path / "both") == []  # an index points into the settings of its own shard
        part = subset(tmp_path / "both", tmp_path / "part", Part(sets=1))
        assert part["hrtf_files"] == both["hrtf_files"] and verify(tmp_path / "part") == []

    def test_other_files_do_not_continue_a_data_set(self, rendered, heads, tiny_scenes, tiny_options):
        out, _ = rendered
        scenes = {"alpha": tiny_scenes / "alpha.glb"}
        settings = with_options({}, [x for x in tiny_options if "=" in x])
        with pytest.raises(InputError, match=r"inputs\.hrtf: "):
            make_plan(scenes, out, settings, Inputs(find_clips(None), find_hrtfs([heads / "b.sofa"])))


def test_the_dry_run_names_the_ears_of_each_scene(heads, tiny_scenes, tiny_options, tmp_path, capsys):
    options = ["--hrtf", str(heads), *SCALES, *tiny_options]
    assert main(["--scenes", str(tiny_scenes), "--out", str(tmp_path / "out"), "--dry-run", "--workers", "1", *options]) == 0
    said = capsys.readouterr().out
    assert said.count("drawn from 3 HRTF files") == 2 and "HRTF room.sofa: is left out: " in said
