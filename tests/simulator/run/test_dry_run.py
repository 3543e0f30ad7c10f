"""The dry run: what it foretells comes true."""

from __future__ import annotations

import re

import pytest
import trimesh

from simulator.render import main


@pytest.fixture
def foretold(tiny_scenes, tiny_options, tmp_path, capsys):
    """Give a function that makes a dry run and gives what it said; nothing may be written."""

    def call(*more, scenes=tiny_scenes, out=tmp_path / "out"):
        assert main(["--scenes", str(scenes), "--out", str(out), "--dry-run", *tiny_options, *more]) == 0
        assert out.exists() == (out != tmp_path / "out")
        return capsys.readouterr().out

    return call


def test_bytes_are_those_of_a_render(foretold, tiny_data):
    files = list((tiny_data / "shards").iterdir())
    each = sum(f.stat().st_size for f in files) / 8
    said = foretold("--sets", "5000")
    assert float(re.search(r"about (\d+) MB", said)[1]) == pytest.approx(2 * 5000 * each / 1e6, rel=0.3)


def test_time_is_shared_by_the_workers(foretold):
    minutes = {}
    for workers in (1, 4):
        said = foretold("--sets", "5000", "--workers", str(workers))
        found = re.search(rf"([\d.]+) minutes with {workers} workers \(([\d.]+) s a set\)", said)
        minutes[workers] = float(found[1])
        assert minutes[workers] == pytest.approx(10_000 * float(found[2]) / workers / 60, rel=0.5)  # two digits of the seconds


def test_each_scene_with_split_size_and_materials(foretold):
    said = foretold()
    for name, size in (("alpha", "6.0 x 2.8 x 5.0"), ("beta", "7.0 x 3.0 x 4.5")):
        assert re.search(rf"scene {name} \((train|val|test)\): 24 triangles, {re.escape(size)} m, .*{name}\.glb", said)
    assert len(re.findall("plaster", said)) >= 2 and len(re.findall("wood", said)) >= 2


def test_only_what_is_missing_is_foretold(foretold, tiny_data):
    said = foretold("--sets", "6", out=tiny_data)
    assert "6 shards in" in said and "2 of them to do: 4 sets" in said


def test_a_scene_without_sets_has_no_estimate(foretold, tmp_path):
    """A cupboard of a room: one can stand in it, but nothing is far enough to be looked at."""
    box = trimesh.creation.box((2.0, 2.6, 2.0))
    box.invert()
    box.export(tmp_path / "cell.ply")
    assert "no estimate: no scene gives a set" in foretold("--set", "sampling.position_tries=2", scenes=tmp_path / "cell.ply")
