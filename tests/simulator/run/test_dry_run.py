"""The dry run: its estimates agree with a render."""

from __future__ import annotations

import re

import pytest
import trimesh

from simulator.render import main


@pytest.fixture
def estimate(tiny_scenes, tiny_options, tmp_path, capsys):
    """Return a function that makes a dry run and returns its output; nothing may be written."""

    def call(*more, scenes=tiny_scenes, out=tmp_path / "out"):
        assert main(["--scenes", str(scenes), "--out", str(out), "--dry-run", *tiny_options, *more]) == 0
        assert out.exists() == (out != tmp_path / "out")
        return capsys.readouterr().out

    return call


def test_bytes_are_those_of_a_render(estimate, tiny_data):
    files = list((tiny_data / "shards").iterdir())
    each = sum(f.stat().st_size for f in files) / 8
    said = estimate("--sets", "5000")
    assert float(re.search(r"about (\d+) MB", said)[1]) == pytest.approx(2 * 5000 * each / 1e6, rel=0.3)


def test_time_is_shared_by_the_workers(estimate):
    minutes = {}
    for workers in (1, 4):
        said = estimate("--sets", "5000", "--workers", str(workers))
        found = re.search(rf"([\d.]+) minutes with {workers} workers \(([\d.]+) s per set\)", said)
        minutes[workers] = float(found[1])
        assert minutes[workers] == pytest.approx(10_000 * float(found[2]) / workers / 60, rel=0.5)  # two digits of the seconds


def test_each_scene_with_split_size_and_materials(estimate):
    said = estimate()
    for name, size in (("alpha", "6.0 x 2.8 x 5.0"), ("beta", "7.0 x 3.0 x 4.5")):
        assert re.search(rf"scene {name} \((train|val|test)\): 24 triangles, {re.escape(size)} m, .*{name}\.glb", said)
    assert len(re.findall("plaster", said)) >= 2 and len(re.findall("wood", said)) >= 2


def test_only_missing_sets_are_estimated(estimate, tiny_data):
    said = estimate("--sets", "6", out=tiny_data)
    assert "6 shards in" in said and "2 of them to render: 4 sets" in said


def test_a_scene_without_sets_has_no_estimate(estimate, tmp_path):
    """A cupboard of a room: one can stand in it, but nothing is far enough to be looked at."""
    box = trimesh.creation.box((2.0, 2.6, 2.0))
    box.invert()
    box.export(tmp_path / "cell.ply")
    said = estimate("--set", "sampling.position_tries=2", scenes=tmp_path / "cell.ply")
    assert re.search(r"no estimate: no scene yields a set\n  scene cell: \d+ headings with nothing far enough", said)
