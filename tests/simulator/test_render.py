"""The render command, end to end: the same bytes whoever renders, and whatever interrupted it."""

import json
import os
import re
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import h5py
import numpy as np
import pytest
import trimesh

from dataset.format.manifest import read_manifest
from dataset.reader import Dataset
from dataset.verify import main as verify
from simulator.render import main
from simulator.run import worker

ROOT = Path(__file__).resolve().parents[2]
LONG_S = 600


def command(scenes, out, options, *more):
    return [sys.executable, "-m", "simulator.render", "--scenes", str(scenes), "--out", str(out), *options, *more]


def start(scenes, out, options, *more):
    """Start the command in the background."""
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    return subprocess.Popen(
        command(scenes, out, options, *more), cwd=ROOT, env=environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    )


def wait_for(folder, pattern, process):
    """Wait until a file that matches is there; give it."""
    end = time.monotonic() + LONG_S
    while time.monotonic() < end:
        assert process.poll() is None, process.stderr.read()
        found = sorted(folder.glob(pattern))
        if found:
            return found[0]
        time.sleep(0.005)
    raise AssertionError(f"no {pattern} in {folder}")


def copy(data, to):
    shutil.copytree(data, to)
    return to


def times(out):
    return {p.name: p.stat().st_mtime_ns for p in (out / "shards").iterdir()}


def test_the_data_set_is_complete_and_verified(tiny_data):
    assert verify([str(tiny_data)]) == 0
    manifest = json.loads((tiny_data / "manifest.json").read_text())
    assert [(s["path"], s["sets"]) for s in manifest["shards"]] == [
        (f"shards/{scene}-{k:04d}.h5", 2) for scene in ("alpha", "beta") for k in (0, 1)
    ]
    assert not manifest["shortfalls"] and not manifest["failures"] and not manifest["clips_left_out"]
    assert not list((tiny_data / "shards").glob(".*"))


def test_the_manifest_is_written_last(tiny_data):
    assert (tiny_data / "manifest.json").stat().st_mtime_ns > max(times(tiny_data).values())


def test_a_second_run_does_nothing(tiny_data, tiny_scenes, tiny_options, monkeypatch, capsys):
    monkeypatch.setattr(worker, "simulate", None)
    before = times(tiny_data), (tiny_data / "manifest.json").read_bytes()
    assert main(["--scenes", str(tiny_scenes), "--out", str(tiny_data), "--workers", "0", *tiny_options]) == 0
    assert (times(tiny_data), (tiny_data / "manifest.json").read_bytes()) == before
    said = capsys.readouterr()
    assert "nothing to do" in said.out and said.err == ""


def test_a_missing_shard_is_rendered_alone_with_the_same_bytes(tiny_data, tiny_scenes, tiny_options, fields_of, tmp_path):
    out = copy(tiny_data, tmp_path / "out")
    before = times(out)
    (out / "shards" / "beta-0001.h5").unlink()
    assert main(["--scenes", str(tiny_scenes), "--out", str(out), "--workers", "0", *tiny_options]) == 0
    after = times(out)
    assert {name for name in after if after[name] != before[name]} == {"beta-0001.h5"}
    assert fields_of(out) == fields_of(tiny_data)
    assert verify([str(out)]) == 0


def test_a_damaged_shard_is_rendered_again(tiny_data, tiny_scenes, tiny_options, fields_of, tmp_path):
    out = copy(tiny_data, tmp_path / "out")
    shard = out / "shards" / "alpha-0000.h5"
    shard.write_bytes(shard.read_bytes()[:1000])
    assert main(["--scenes", str(tiny_scenes), "--out", str(out), "--workers", "0", *tiny_options]) == 0
    assert fields_of(out) == fields_of(tiny_data)


@pytest.mark.parametrize("fewer", ["1", "2", "3"])
def test_more_sets_later_extend_what_is_there(fewer, tiny_data, tiny_scenes, tiny_options, fields_of, tmp_path):
    scene, out = str(tiny_scenes / "alpha.glb"), tmp_path / "out"
    common = ["--scenes", scene, "--out", str(out), "--workers", "0", *tiny_options]
    assert main([*common, "--sets", fewer]) == 0
    few = fields_of(out)
    assert main(common) == 0
    whole = {k: v for k, v in fields_of(tiny_data).items() if k.startswith("alpha")}
    assert fields_of(out) == whole != few
    assert main([*common, "--sets", fewer]) == 0
    assert fields_of(out) == whole, "asking for fewer sets must not take any away"


@pytest.mark.parametrize("options", [["--views", "50", "--set", "sampling.heading_tries=200"], ["--sources", "65"]], ids=str)
def test_many_views_or_sources_fit_into_a_set(options, tiny_scenes, tiny_options, tmp_path):
    scene, out = str(tiny_scenes / "alpha.glb"), tmp_path / "out"
    sizes = ["--sets", "1", "--set", "camera.width_px=16", "--set", "camera.height_px=12"]
    assert main(["--scenes", scene, "--out", str(out), "--workers", "0", *tiny_options, *sizes, *options]) == 0
    assert verify([str(out)]) == 0
    with h5py.File(next((out / "shards").glob("*.h5"))) as shard:
        views, sources = shard["azimuth"].shape[1:]
        assert (views, sources) == ((50, 1) if "--views" in options else (2, 65))


def test_other_seeds_give_other_sets(tiny_data, tiny_scenes, tiny_options, fields_of, tmp_path):
    out = tmp_path / "out"
    scene = str(tiny_scenes / "alpha.glb")
    assert main(["--scenes", scene, "--out", str(out), "--workers", "0", *tiny_options, "--seed", "1"]) == 0
    one, other = fields_of(out), fields_of(tiny_data)
    for field in ("position", "heading", "source_position", "rgb", "brir_direct", "brir_indirect", "mono", "audio"):
        assert one[f"alpha-0000.h5/{field}"] != other[f"alpha-0000.h5/{field}"], field


def test_sets_differ_from_each_other(tiny_data, fields_of):
    fields = fields_of(tiny_data)
    for field in ("position", "heading", "rgb", "brir_indirect"):
        halves = [fields[f"{s}-{k:04d}.h5/{field}"] for s in ("alpha", "beta") for k in (0, 1)]
        sets = [half[i * len(half) // 2 : (i + 1) * len(half) // 2] for half in halves for i in (0, 1)]
        assert len(set(sets)) == 8, field


def test_settings_that_differ_are_refused_and_overwrite_nothing(tiny_data, tiny_scenes, tiny_options, tmp_path, capsys):
    out = copy(tiny_data, tmp_path / "out")
    before = times(out)
    assert main(["--scenes", str(tiny_scenes), "--out", str(out), "--workers", "0", *tiny_options, "--seed", "7"]) == 2
    assert "seed: 0 there, 7 requested" in capsys.readouterr().err
    assert times(out) == before


@pytest.mark.slow
def test_ray_workers_give_the_same_bytes(tiny_data, tiny_scenes, tiny_options, fields_of, tmp_path):
    out = tmp_path / "out"
    run = start(tiny_scenes, out, tiny_options, "--workers", "2")
    said, errors = run.communicate(timeout=LONG_S)
    assert run.returncode == 0, errors
    assert fields_of(out) == fields_of(tiny_data)
    assert "8/8" in errors and not re.search("error|warning|Actor", errors), "Ray must not talk to the user"
    assert "next: python -m dataset.verify" in said


@pytest.mark.slow
def test_without_workers_ray_is_never_imported(tiny_scenes, tiny_options, tmp_path):
    arguments = ["--scenes", str(tiny_scenes), "--out", str(tmp_path / "out"), "--workers", "0", *tiny_options, "--sets", "1"]
    code = f"import sys; from simulator.render import main; status = main({arguments!r}); print(status, 'ray' in sys.modules)"
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    run = subprocess.run([sys.executable, "-c", code], cwd=ROOT, env=environment, capture_output=True, text=True, check=True)
    assert run.stdout.splitlines()[-1] == "0 False"


@pytest.mark.slow
@pytest.mark.parametrize(
    "workers, sign, status",
    [
        ("0", signal.SIGINT, 130),
        ("0", signal.SIGTERM, 130),
        ("0", signal.SIGKILL, -signal.SIGKILL),
        ("2", signal.SIGTERM, 130),
        ("2", signal.SIGKILL, -signal.SIGKILL),
    ],
)
def test_an_ended_run_resumes_and_ends_the_same(workers, sign, status, tiny_data, tiny_scenes, tiny_options, fields_of, tmp_path):
    out = tmp_path / "out"
    run = start(tiny_scenes, out, tiny_options, "--workers", workers)
    wait_for(out / "shards", "*.h5", run)
    run.send_signal(sign)
    _, errors = run.communicate(timeout=LONG_S)
    assert run.returncode == status, errors
    assert "Traceback" not in errors
    assert not (out / "manifest.json").exists()
    if sign != signal.SIGKILL:
        assert "run the same command again" in errors
    kept = {name: t for name, t in times(out).items() if name.endswith(".h5")}
    assert kept
    assert main(["--scenes", str(tiny_scenes), "--out", str(out), "--workers", "0", *tiny_options]) == 0
    assert fields_of(out) == fields_of(tiny_data)
    assert {name: t for name, t in times(out).items() if name in kept} == kept, "finished shards are not rendered again"
    assert not list(out.rglob("*.part"))


@pytest.mark.parametrize("last", [3, 8])
def test_a_signal_whose_exception_python_discards_ends_the_run(
    last, tiny_data, tiny_scenes, tiny_options, fields_of, tmp_path, monkeypatch, capsys
):
    class Deleted:
        def __del__(self):
            os.kill(os.getpid(), signal.SIGTERM)
            for _ in range(100):
                pass  # the handler runs here

    simulated, made = worker.simulate, []

    def simulate(*arguments):
        one = simulated(*arguments)
        made.append(one)
        if len(made) == last:
            Deleted()
        return one

    out = tmp_path / "out"
    arguments = ["--scenes", str(tiny_scenes), "--out", str(out), "--workers", "0", *tiny_options]
    monkeypatch.setattr(worker, "simulate", simulate)
    assert main(arguments) == 130 and len(made) == last
    errors = capsys.readouterr().err
    assert "run the same command again" in errors and "Exception ignored" not in errors
    assert sorted(p.name for p in out.iterdir()) == ["shards"]
    assert main(arguments) == 0 and fields_of(out) == fields_of(tiny_data)


@pytest.mark.slow
def test_a_killed_worker_costs_nothing_but_time(tiny_data, tiny_scenes, tiny_options, fields_of, tmp_path):
    out = tmp_path / "out"
    run = start(tiny_scenes, out, tiny_options, "--workers", "2")
    part = wait_for(out / "shards", ".*.part", run)
    os.kill(int(part.suffixes[-2][1:].partition("-")[0]), signal.SIGKILL)
    _, errors = run.communicate(timeout=LONG_S)
    assert run.returncode == 0, errors
    assert fields_of(out) == fields_of(tiny_data)
    assert not list(out.rglob("*.part"))
    assert verify([str(out)]) == 0


def test_a_dry_run_describes_and_writes_nothing(tiny_scenes, tiny_options, tmp_path, capsys):
    out = tmp_path / "out"
    assert main(["--scenes", str(tiny_scenes), "--out", str(out), "--dry-run", *tiny_options]) == 0
    said = capsys.readouterr().out
    assert not out.exists()
    assert "scene alpha" in said and "scene beta" in said and "24 triangles" in said
    assert "plaster" in said and "wood" in said
    assert "4 shards" in said and "8 sets" in said
    assert re.search(r"about \d+ MB, and [\d.]+ minutes with \d+ workers", said)


def test_a_dry_run_over_a_finished_render_has_nothing_to_do(tiny_data, tiny_scenes, tiny_options, capsys):
    assert main(["--scenes", str(tiny_scenes), "--out", str(tiny_data), "--dry-run", *tiny_options]) == 0
    assert "nothing to do" in capsys.readouterr().out


def test_a_scene_in_utm_coordinates_is_stored_relative_to_its_middle(tiny_scenes, tiny_options, tmp_path):
    move = np.array([451_234.0, 112.0, -5_411_987.0])
    room = trimesh.load_scene(tiny_scenes / "alpha.glb")
    room.apply_translation(move)
    lines, start = [], 1
    for mesh in room.dump():
        lines += [f"o part{start}", *(f"v {x:.3f} {y:.3f} {z:.3f}" for x, y, z in mesh.vertices)]
        lines += [f"f {a + start} {b + start} {c + start}" for a, b, c in mesh.faces]
        start += len(mesh.vertices)
    (tmp_path / "far.obj").write_text("\n".join(lines))
    out = tmp_path / "out"
    options = ["--scenes", str(tmp_path / "far.obj"), "--out", str(out), "--workers", "0", *tiny_options, "--sets", "1"]
    assert main(options) == 0 and verify([str(out)]) == 0
    with h5py.File(next((out / "shards").glob("*.h5"))) as shard:
        origin, places = shard.attrs["origin"], shard["position"][:].reshape(-1, 3)
        assert origin.dtype == np.float64 and (shard["depth"][:] > 0).all()
    assert (np.abs(origin - move) < 3).all()
    assert ((places + origin - move > [-3, 1.4, -2.5]) & (places + origin - move < [3, 1.6, 2.5])).all()


def test_cameras_of_many_kinds(tiny_scenes, tiny_options, tmp_path, capsys):
    ranges = ["hfov_deg=50..80", "pitch_deg=-30..0", "roll_deg=-5..5", "height_m=1.3..1.6", "roll_jitter_deg=2"]
    options = ["--scenes", str(tiny_scenes / "beta.glb"), "--workers", "0", *tiny_options]
    options += [text for setting in ranges for text in ("--set", f"camera.{setting}")]
    out = tmp_path / "data"
    assert main([*options, "--out", str(out)]) == 0
    assert verify([str(out)]) == 0
    settings = read_manifest(out)["settings"]["camera"]
    assert settings["hfov_deg"] == [50.0, 80.0] and settings["roll_jitter_deg"] == 2.0
    sets = list(Dataset(out))
    assert len({float(one["hfov_deg"][0]) for one in sets}) == len(sets) > 1
    for one in sets:
        assert 50 <= one["hfov_deg"][0] <= 80 and np.ptp(one["hfov_deg"]) == 0 and np.ptp(one["roll_deg"]) > 0
    capsys.readouterr()
    assert main([*options, "--out", str(out)]) == 0, "a folder of ranges is continued"
    assert "nothing to do" in capsys.readouterr().out
