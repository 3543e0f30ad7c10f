"""The end of a render: the manifest, and the closing summary."""

from __future__ import annotations

import json
import os
import shutil
from collections import Counter

import h5py
import pytest

from dataset.format.documents import sha256_of
from dataset.format.manifest import read_manifest
from simulator.config import with_options
from simulator.run.clips import find_clips
from simulator.run.record import UNKNOWN, record, summary
from simulator.run.shard_plan import make_plan
from simulator.run.simulate import Inputs
from simulator.run.worker import ShardReport, describe


@pytest.fixture
def plan(tiny_data, tiny_scenes, tiny_options, tmp_path):
    """The plan of a finished render, in a folder that may be changed."""
    shutil.copytree(tiny_data, tmp_path / "out")
    stored = read_manifest(tiny_data)["settings"]
    flat = {
        f"{g}.{k}": v for g, values in stored.items() if isinstance(values, dict) and g != "inputs" for k, v in values.items()
    }
    settings = with_options({"sets": 4, **flat, **{k: v for k, v in stored.items() if not isinstance(v, dict)}})
    scenes = {name: tiny_scenes / f"{name}.glb" for name in ("alpha", "beta")}
    return make_plan(scenes, tmp_path / "out", settings, Inputs(find_clips(None)))


def test_every_shard_is_listed_with_its_checksum(plan):
    manifest = record(plan, [])
    assert manifest == {k: v for k, v in read_manifest(plan.out).items() if k not in ("format", "format_version")}
    assert [s["path"] for s in manifest["shards"]] == sorted(f"shards/{s.path.name}" for s in plan.shards)
    for shard in manifest["shards"]:
        path = plan.out / shard["path"]
        assert (shard["bytes"], shard["sha256"]) == (path.stat().st_size, sha256_of(path))


def test_shards_of_scenes_that_were_not_asked_for_stay_listed(plan, tiny_scenes):
    alone = make_plan({"alpha": tiny_scenes / "alpha.glb"}, plan.out, plan.settings, plan.inputs)
    assert {s["scene"] for s in record(alone, [])["shards"]} == {"alpha", "beta"}


def entry_of(manifest, path):
    return next((s for s in manifest["shards"] if s["path"].endswith(path.name)), None)


class TestWrittenShards:
    """A report of a shard that a worker rendered anew, which the file on this machine must match."""

    @pytest.fixture
    def rendered(self, plan):
        shard = plan.shards[0]
        shard.path.write_bytes(plan.shards[1].path.read_bytes())
        return ShardReport(shard, 2, entry={**describe(plan, shard.path), "path": f"shards/{shard.path.name}"}, host="node7")

    def test_are_recorded_as_their_worker_described_them(self, plan, rendered):
        manifest = record(plan, [rendered])
        assert entry_of(manifest, rendered.shard.path)["sha256"] == sha256_of(rendered.shard.path)
        assert manifest["failures"] == []

    def test_that_are_not_visible_here_are_listed_and_not_recorded(self, plan, rendered, monkeypatch):
        monkeypatch.setattr("simulator.run.record.VISIBLE_S", 0.2)
        rendered.shard.path.unlink()
        manifest = record(plan, [rendered])
        assert entry_of(manifest, rendered.shard.path) is None
        text, complete = summary(plan, [rendered], manifest)
        assert not complete and "sets rendered (" not in text
        assert f"left out: shard {rendered.shard.path} was written on node7 and is not visible on this machine" in text

    def test_that_differ_here_are_listed_and_keep_their_workers_checksum(self, plan, rendered):
        path = rendered.shard.path
        path.write_bytes(path.read_bytes()[:-1] + b"?")
        manifest = record(plan, [rendered])
        assert entry_of(manifest, path)["sha256"] == rendered.entry["sha256"] != sha256_of(path)
        assert "differs from what node7 wrote" in manifest["failures"][0]


class TestDamagedShards:
    @pytest.fixture
    def flipped(self, plan):
        """A shard of which one byte has changed, with its old time."""
        path = plan.shards[2].path
        data, times = bytearray(path.read_bytes()), path.stat()
        data[len(data) // 2] ^= 1
        path.write_bytes(data)
        os.utime(path, ns=(times.st_atime_ns, times.st_mtime_ns))
        return path

    def plan_again(self, plan, *names):
        paths = {s.scene: s.scene_path for s in plan.shards if s.scene in names}
        return make_plan(paths, plan.out, plan.settings, plan.inputs)

    def test_are_planned_again(self, plan, flipped):
        assert [s.path for s in self.plan_again(plan, "alpha", "beta").todo] == [flipped]

    def test_of_scenes_that_are_not_rendered_are_listed_and_keep_their_checksum(self, plan, flipped):
        before = entry_of(read_manifest(plan.out), flipped)
        again = self.plan_again(plan, "alpha")
        assert again.todo == ()
        manifest = record(again, [])
        assert entry_of(manifest, flipped) == before
        assert manifest["failures"] == [
            f"shard {flipped} differs from its checksum in the manifest; render its scene again by naming it in --scenes"
        ]
        text, complete = summary(again, [], manifest)
        assert not complete and "nothing to do" not in text

    def test_that_nobody_recorded_are_listed(self, plan):
        stray = plan.out / "shards" / "gamma-0000.h5"
        stray.write_bytes(b"no HDF5 file")
        manifest = record(self.plan_again(plan, "alpha"), [])
        assert entry_of(manifest, stray) is None and str(stray) in manifest["failures"][0]


class TestShortfalls:
    def report(self, plan, given, number=0, **rejected):
        return ShardReport(plan.shards[number], given, Counter(rejected))

    def test_fewer_sets_are_told_with_reasons_by_frequency(self, plan):
        reports = [self.report(plan, 1, too_dark=2, too_small=5)]
        manifest = record(plan, reports)
        assert manifest["shortfalls"][0]["why"] == "5 too_small; 2 too_dark"
        text, complete = summary(plan, reports, manifest)
        assert "fewer sets: scene alpha gave 1 of 2 (5 too_small; 2 too_dark)" in text and not complete

    def test_stay_known_in_later_runs_and_go_when_the_sets_come(self, plan):
        record(plan, [self.report(plan, 0, too_small=5)])
        assert len(record(plan, [])["shortfalls"]) == 1
        assert record(plan, [self.report(plan, 2)])["shortfalls"] == []

    def test_of_a_run_that_did_not_live_to_tell(self, plan):
        """The shard itself says how many sets were asked of it."""
        (plan.out / "manifest.json").unlink()
        with h5py.File(plan.shards[0].path, "r+") as file:
            file.attrs["asked"] = 3
        manifest = record(plan, [])
        assert [(s["scene"], s["given"], s["asked"]) for s in manifest["shortfalls"]] == [("alpha", 2, 3)]
        assert "reasons lost" in manifest["shortfalls"][0]["why"]


def test_failures_and_bad_clips_are_listed_and_the_data_set_is_not_complete(plan):
    failed = ShardReport(plan.shards[2], failure="beta.glb: it broke; mend it")
    reports = [ShardReport(plan.shards[0], 2, bad_clips={"noise.wav": "is silent"}), failed]
    manifest = record(plan, reports)
    assert manifest["failures"] == ["beta: beta.glb: it broke; mend it"]
    assert manifest["clips_left_out"] == {"noise.wav": "is silent"}
    text, complete = summary(plan, reports, manifest)
    assert "left out: clip noise.wav: is silent" in text and "left out: scene beta: beta.glb: it broke; mend it" in text
    assert not complete and "nothing to do" not in text


def test_an_empty_data_set_names_no_next_command(plan):
    for path in (plan.out / "shards").iterdir():
        path.unlink()
    (plan.out / "manifest.json").unlink()
    empty = make_plan({"gone": plan.out / "gone.glb"}, plan.out, plan.settings, plan.inputs)
    manifest = record(empty, [])
    text, complete = summary(empty, [], manifest)
    assert not complete and manifest["failures"]
    assert text.splitlines()[-1] == f"{plan.out} holds no sets; see the reasons above"
    assert "no sets rendered" in text and "next:" not in text and "nothing to do" not in text


def test_a_complete_render_says_so_and_names_the_next_command(plan):
    reports = [ShardReport(s, 2, seconds=3.0) for s in plan.shards]
    text, complete = summary(plan, reports, record(plan, reports))
    assert complete
    assert "8 sets rendered (1.50 s per set and worker)" in text
    assert f"next: python -m dataset.verify {plan.out}   then: python -m training.run --data {plan.out}" in text


class TestCredits:
    def test_all_that_went_into_the_data_set(self, plan):
        credits = record(plan, [])["credits"]
        assert credits["scenes"] == [f"alpha: {UNKNOWN}", f"beta: {UNKNOWN}"]
        assert "CC0" in credits["clips"][0] and "KEMAR" in credits["hrtf"][0] and "pyroomacoustics" in credits["materials"][0]
        assert credits["acoustics"] == []

    def test_an_entry_without_a_credit_has_an_unknown_one(self, plan):
        """Such as one of a manifest that another program wrote: the key is optional."""
        path = plan.out / "manifest.json"
        content = json.loads(path.read_text())
        del content["shards"][0]["credit"]
        path.write_text(json.dumps(content))
        assert record(plan, [])["credits"]["scenes"] == [f"alpha: {UNKNOWN}", f"beta: {UNKNOWN}"]

    def test_own_clips_are_credited_from_the_text_beside_them(self, plan, tmp_path):
        shutil.copytree(plan.inputs.clips.root, tmp_path / "speech")
        for text in ("LICENSE", "README.md"):
            (tmp_path / "speech" / text).unlink(missing_ok=True)
        scenes = {s.scene: s.scene_path for s in plan.shards}
        mine = make_plan(scenes, tmp_path / "other", plan.settings, Inputs(find_clips(tmp_path / "speech")))
        mine.out.mkdir()
        assert record(mine, [])["credits"]["clips"] == [f"speech: {UNKNOWN}"]
        (tmp_path / "speech" / "LICENSE").write_text("\nCC BY 4.0, by someone\nmore\n")
        assert record(mine, [])["credits"]["clips"] == ["speech: CC BY 4.0, by someone (from its LICENSE)"]


def test_software_is_named_with_versions(plan):
    software = record(plan, [])["software"]
    assert software["numpy"][0].isdigit() and software["python"].startswith("3.")
    assert json.dumps(software)


class TestLostShards:
    """What the earlier manifest lists is there, or the render says so."""

    def test_of_scenes_that_are_not_rendered_are_listed(self, plan, tiny_scenes):
        lost = plan.shards[-1].path
        lost.unlink()
        alone = make_plan({"alpha": tiny_scenes / "alpha.glb"}, plan.out, plan.settings, plan.inputs)
        manifest = record(alone, [])
        assert entry_of(manifest, lost) is None
        assert manifest["failures"] == [
            f"shard {lost} was recorded before and is missing; render its scene again by naming it in --scenes"
        ]
        assert not summary(alone, [], manifest)[1]

    def test_that_change_size_after_the_plan_are_listed(self, plan):
        changed = plan.shards[0].path
        changed.write_bytes(changed.read_bytes() + b"?")
        assert f"shard {changed} has changed during the render" in record(plan, [])["failures"][0]

    def test_whose_failure_is_reported_are_listed_once(self, plan):
        shard = plan.shards[0]
        shard.path.unlink()
        assert record(plan, [ShardReport(shard, failure="its worker died")])["failures"] == ["alpha: its worker died"]
