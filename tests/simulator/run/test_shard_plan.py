"""The plan of a render: shards cover each scene, splits are stable, finished shards are recognised."""

from __future__ import annotations

import json
import shutil
from dataclasses import replace

import h5py
import pytest

from dataset.format.manifest import read_manifest, write_manifest
from simulator.config import with_options
from simulator.errors import InputError
from simulator.kernels import digest
from simulator.run import version
from simulator.run.clips import find_clips
from simulator.run.shard_plan import make_plan, settings_digest
from simulator.run.simulate import Inputs
from simulator.run.version import simulator_version

SETTINGS = with_options({"sets": 40})


@pytest.fixture(scope="module")
def inputs():
    return Inputs(find_clips(None))


@pytest.fixture
def scenes(tmp_path):
    """Return a function that writes scene files; a plan reads only their bytes."""

    def make(*names):
        paths = {name: tmp_path / f"{name}.ply" for name in names}
        for name, path in paths.items():
            path.write_bytes(name.encode())
        return paths

    return make


@pytest.fixture
def rendered(tiny_data, tmp_path):
    """A copy of the data set of two rooms, and the settings and scenes that it was made with."""
    out = tmp_path / "out"
    shutil.copytree(tiny_data, out)
    stored = read_manifest(out)["settings"]
    groups = ("camera", "sampling", "motion", "walk", "acoustics", "receivers", "clips")
    flat = {f"{g}.{k}": v for g in groups for k, v in stored[g].items()}
    flat |= {k: v for k, v in stored.items() if k not in (*groups, "inputs")}
    return out, with_options({**flat, "sets": 4})


@pytest.fixture
def plan_of(tiny_scenes, inputs):
    paths = {name: tiny_scenes / f"{name}.glb" for name in ("alpha", "beta")}
    return lambda out, settings, scenes=paths: make_plan(scenes, out, settings, inputs)


class TestShards:
    def test_cover_the_sets_of_each_scene_once(self, scenes, inputs, tmp_path):
        plan = make_plan(scenes("a", "b"), tmp_path / "out", SETTINGS, inputs)
        for name in ("a", "b"):
            mine = [s for s in plan.shards if s.scene == name]
            assert [s.number for s in mine] == [0, 1, 2]
            assert [i for s in mine for i in range(s.first, s.first + s.asked)] == list(range(40))
            assert [s.path.name for s in mine] == [f"{name}-{k:04d}.h5" for k in range(3)]
        assert plan.todo == plan.shards and len({s.path for s in plan.shards}) == 6

    def test_planning_writes_nothing(self, scenes, inputs, tmp_path):
        make_plan(scenes("a"), tmp_path / "out", SETTINGS, inputs)
        assert not (tmp_path / "out").exists()

    def test_a_scene_that_cannot_be_read_is_reported_and_the_others_planned(self, scenes, inputs, tmp_path):
        paths = scenes("a", "b")
        paths["a"].unlink()
        plan = make_plan(paths, tmp_path / "out", SETTINGS, inputs)
        assert {s.scene for s in plan.shards} == {"b"}
        assert "cannot be read" in plan.failures["a"] and str(paths["a"]) in plan.failures["a"]


class TestSplits:
    def test_all_shards_of_a_scene_are_in_one_split_and_all_splits_have_a_scene(self, scenes, inputs, tmp_path):
        plan = make_plan(scenes("a", "b", "c"), tmp_path / "out", SETTINGS, inputs)
        assert all(len({s.split for s in plan.shards if s.scene == name}) == 1 for name in "abc")
        assert {s.split for s in plan.shards} == {"train", "val", "test"}

    def test_a_rendered_scene_keeps_its_split_when_scenes_are_added(self, rendered, plan_of, scenes, tiny_scenes):
        out, settings = rendered
        before = {s.scene: s.split for s in plan_of(out, settings).shards}
        more = {**scenes("x", "y", "z"), "alpha": tiny_scenes / "alpha.glb", "beta": tiny_scenes / "beta.glb"}
        after = {s.scene: s.split for s in plan_of(out, settings, more).shards}
        assert {name: after[name] for name in before} == before

    def test_a_rendered_scene_counts_though_it_is_not_asked_for_again(self, rendered, plan_of, scenes):
        """Else a later scene would fill a split that is full."""
        out, settings = rendered
        plan = plan_of(out, settings, scenes("x"))
        done = {s["split"] for s in read_manifest(out)["shards"]}
        assert {s.split for s in plan.shards} == {"train", "val", "test"} - done

    def test_two_names_of_one_scene_are_in_one_split(self, scenes, inputs, tmp_path):
        paths = scenes("a", "b", "c", "d", "e", "f")
        for name in "bcdef":
            paths[name].write_bytes(paths["a"].read_bytes())
        assert len({s.split for s in make_plan(paths, tmp_path / "out", SETTINGS, inputs).shards}) == 1

    def test_names_do_not_matter(self, scenes, inputs, tmp_path):
        """A later scene of the same name gets another name, and changes no split."""
        paths = scenes("a", "b", "c", "d", "e")
        before = {s.scene_sha256: s.split for s in make_plan(paths, tmp_path / "out", SETTINGS, inputs).shards}
        renamed = {f"{folder}/x": path for folder, path in zip("54321", paths.values(), strict=True)}
        assert {s.scene_sha256: s.split for s in make_plan(renamed, tmp_path / "out", SETTINGS, inputs).shards} == before


class TestDigest:
    def test_more_sets_are_the_same_settings_and_all_else_is_not(self, inputs):
        base = settings_digest(SETTINGS, inputs)
        assert settings_digest(replace(SETTINGS, sets=7), inputs) == base
        for change in ({"seed": 1}, {"views": 2}, {"shard_sets": 8}, {"camera.pitch_deg": 0.0}, {"clips.min_rms": 0.08}):
            assert settings_digest(with_options({"sets": 40, **change}), inputs) != base, change

    def test_follows_the_input_files(self, inputs, tmp_path):
        base = settings_digest(SETTINGS, inputs)
        table = tmp_path / "materials.toml"
        table.write_text("")
        shutil.copytree(inputs.clips.root, tmp_path / "clips")
        assert settings_digest(SETTINGS, Inputs(find_clips(tmp_path / "clips"))) == base, "their place does not matter"
        next(iter(sorted((tmp_path / "clips").rglob("*.flac")) + sorted((tmp_path / "clips").rglob("*.ogg")))).unlink()
        assert settings_digest(SETTINGS, Inputs(find_clips(tmp_path / "clips"))) != base

    def test_follows_the_content_of_clips_of_the_same_size(self, inputs, tmp_path):
        shutil.copytree(inputs.clips.root, tmp_path / "clips")
        clips = find_clips(tmp_path / "clips")
        clip = tmp_path / "clips" / clips.names[0]
        before = clips.digest
        clip.write_bytes(clip.read_bytes()[::-1])
        assert clips.digest != before

    def test_follows_the_code_that_computes_sets(self, inputs, tmp_path, monkeypatch):
        base = settings_digest(SETTINGS, inputs)["inputs"]["simulator"]
        for package in ("dataset", "simulator"):
            shutil.copytree(
                version.ROOT / package, tmp_path / package, ignore=lambda _, names: {"assets", "__pycache__"} & {*names}
            )
        monkeypatch.setattr(version, "ROOT", tmp_path)
        assert simulator_version() == base, "their place does not matter"
        tracer = tmp_path / "simulator" / "acoustics" / "tracer.py"
        tracer.write_text(tracer.read_text() + "\nFRONT = 1\n")
        digest.cache_clear()
        assert simulator_version() != base
        digest.cache_clear()

    def test_is_what_shards_store(self, rendered, plan_of):
        out, settings = rendered
        assert json.loads(json.dumps(plan_of(out, settings).digest)) == read_manifest(out)["settings"]


class TestDone:
    def test_nothing_is_left_of_a_finished_render(self, rendered, plan_of):
        assert plan_of(*rendered).todo == ()

    def test_missing_and_damaged_shards_are_left(self, rendered, plan_of):
        out, settings = rendered
        (out / "shards" / "alpha-0001.h5").unlink()
        (out / "shards" / "beta-0000.h5").write_bytes(b"no shard")
        assert [s.path.name for s in plan_of(out, settings).todo] == ["alpha-0001.h5", "beta-0000.h5"]

    def test_a_flipped_byte_is_found_though_the_shard_opens(self, rendered, plan_of):
        out, settings = rendered
        path = out / "shards" / "alpha-0000.h5"
        with h5py.File(path, "r+") as file:
            file["heading"][0, 0] += 1
        plan = plan_of(out, settings)
        assert [s.path for s in plan.todo] == [path] == list(plan.damaged)

    def test_a_copy_is_as_good(self, rendered, plan_of, tmp_path):
        out, settings = rendered
        shutil.copytree(out, tmp_path / "moved", copy_function=shutil.copyfile)
        assert plan_of(tmp_path / "moved", settings).todo == ()

    def test_another_hdf5_file_is_refused_and_stays(self, rendered, plan_of):
        out, settings = rendered
        with h5py.File(out / "shards" / "mine.h5", "w") as file:
            file["x"] = 1
        with pytest.raises(InputError, match=r"mine\.h5 .*choose another --out, or move that file away"):
            plan_of(out, settings)
        assert (out / "shards" / "mine.h5").exists()

    def test_a_lost_manifest_costs_nothing(self, rendered, plan_of):
        out, settings = rendered
        (out / "manifest.json").unlink()
        assert plan_of(out, settings).todo == ()

    def test_more_sets_leave_only_what_is_missing(self, rendered, plan_of):
        out, settings = rendered
        todo = plan_of(out, replace(settings, sets=5)).todo
        assert [(s.scene, s.first, s.asked) for s in todo] == [("alpha", 4, 1), ("beta", 4, 1)]

    def test_shards_that_gave_no_set_are_not_tried_again_until_the_scene_changes(self, rendered, plan_of):
        out, settings = rendered
        manifest = read_manifest(out)
        gone = next(s for s in manifest["shards"] if s["path"].endswith("alpha-0001.h5"))
        manifest["shards"].remove(gone)
        (out / gone["path"]).unlink()
        manifest["shortfalls"] = [{**{k: gone[k] for k in ("scene", "scene_sha256", "shard", "asked")}, "given": 0, "why": "-"}]
        write_manifest(out, manifest)
        assert plan_of(out, settings).todo == ()
        manifest["shortfalls"][0]["scene_sha256"] = "f" * 64
        write_manifest(out, manifest)
        assert [s.path.name for s in plan_of(out, settings).todo] == ["alpha-0001.h5"]

    def test_another_version_of_a_scene_is_refused(self, rendered, plan_of, tiny_scenes, tmp_path):
        other = tmp_path / "alpha.glb"
        other.write_bytes((tiny_scenes / "alpha.glb").read_bytes() + b" ")
        with pytest.raises(InputError, match=r"alpha-0000\.h5 was rendered from another version of scene alpha; delete it"):
            plan_of(*rendered, {"alpha": other})

    def test_other_settings_are_refused_with_both_values(self, rendered, plan_of):
        out, settings = rendered
        with pytest.raises(InputError, match="seed: 0 there, 3 requested"):
            plan_of(out, replace(settings, seed=3))
