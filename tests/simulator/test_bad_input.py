"""What users get wrong: one line that says what to do, other scenes go on, and nothing written is lost."""

import json
import os
import shutil
import struct
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import soundfile
import trimesh

from dataset.storage.output import FolderOutput
from simulator.errors import InputError
from simulator.receivers.sofa import BUNDLED as KEMAR
from simulator.render import main
from simulator.run import cluster, worker
from simulator.run.clips import BUNDLED
from simulator.run.worker import render_shard

try:
    import resource
except ImportError:  # not on this system
    resource = None

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture
def refused(tiny_options, tmp_path, capsys):
    """Give a call of the command that must fail at once: it checks for status 2 and gives the one line of error."""

    def call(*arguments, out=tmp_path / "out"):
        try:
            status = main(["--out", str(out), "--workers", "0", *tiny_options, *map(str, arguments)])
        except SystemExit as end:
            status = end.code
        said = capsys.readouterr()
        assert status == 2 and said.out == ""
        assert len(said.err.strip().splitlines()) == 1 and said.err.startswith("error: "), said.err
        return said.err

    return call


@pytest.fixture
def left_out(tiny_scenes, tiny_options, tiny_data, fields_of, tmp_path, capsys):
    """Give a call that renders a bad scene beside a good one: the good one's sets, status 1, and the bad one's line."""

    def call(bad):
        scenes, out = tmp_path / "mixed", tmp_path / "out"
        scenes.mkdir()
        shutil.move(bad, scenes / f"a_bad{bad.suffix}")
        shutil.copy(tiny_scenes / "beta.glb", scenes)
        arguments = ["--scenes", str(scenes), "--out", str(out), "--workers", "0", *tiny_options]
        assert main(arguments) == 1
        said = capsys.readouterr()
        lines = [line for line in said.out.splitlines() if line.startswith("left out: scene a_bad")]
        assert len(lines) == 1 and "Traceback" not in said.err + said.out
        assert said.err.count("warning:") <= 1, "a scene of many shards must not be warned of many times"
        assert fields_of(out) == {k: v for k, v in fields_of(tiny_data).items() if k.startswith("beta")}
        assert json.loads((out / "manifest.json").read_text())["failures"]
        assert main([*arguments, "--dry-run"]) == 0
        assert "is left out" in capsys.readouterr().out
        return lines[0]

    return call


def edit_glb(path, change):
    """Rewrite the JSON of a GLB through `change`."""
    data = path.read_bytes()
    size = struct.unpack("<I", data[12:16])[0]
    header, rest = json.loads(data[20 : 20 + size]), data[20 + size :]
    change(header)
    text = json.dumps(header).encode()
    text += b" " * (-len(text) % 4)
    body = struct.pack("<I4s", len(text), b"JSON") + text + rest
    path.write_bytes(struct.pack("<4sII", b"glTF", 2, 12 + len(body)) + body)
    return path


def test_a_missing_folder(refused, tmp_path):
    assert f"scene path {tmp_path / 'nowhere'} does not exist; give a folder" in refused("--scenes", tmp_path / "nowhere")


def test_an_empty_folder(refused, tmp_path):
    (tmp_path / "empty").mkdir()
    assert "holds no scenes; put .glb, .gltf, .ply, .obj files there" in refused("--scenes", tmp_path / "empty")


def test_a_file_that_is_no_scene(refused, tmp_path):
    (tmp_path / "notes.txt").write_text("hello")
    assert "no known format; give one of .glb" in refused("--scenes", tmp_path / "notes.txt")


def test_a_truncated_glb(left_out, tiny_scenes, tmp_path):
    whole = (tiny_scenes / "alpha.glb").read_bytes()
    (tmp_path / "bad.glb").write_bytes(whole[: len(whole) // 2])
    assert "is cut short" in left_out(tmp_path / "bad.glb")


def test_a_glb_of_other_bytes(left_out, tmp_path):
    (tmp_path / "bad.glb").write_bytes(b"<html>not found</html>")
    assert "not a glTF 2.0 binary" in left_out(tmp_path / "bad.glb")


@pytest.mark.parametrize("extension", ["EXT_meshopt_compression", "KHR_texture_basisu"])
def test_a_compressed_glb(extension, left_out, tiny_scenes, tmp_path):
    def compress(header):
        header["extensionsUsed"] = header["extensionsRequired"] = [extension]
        header["textures"] = [{"extensions": {extension: {"source": 0}}}]

    bad = edit_glb(Path(shutil.copy(tiny_scenes / "alpha.glb", tmp_path / "bad.glb")), compress)
    line = left_out(bad)
    assert f"uses the extension {extension}, which cannot be decoded here; " in line


def test_a_draco_compressed_glb_without_its_decoder(left_out, tiny_scenes, tmp_path, monkeypatch):
    monkeypatch.setattr("simulator.loaders.gltf.HAS_DRACO", False)

    def compress(header):
        header["extensionsUsed"] = header["extensionsRequired"] = ["KHR_draco_mesh_compression"]

    bad = edit_glb(Path(shutil.copy(tiny_scenes / "alpha.glb", tmp_path / "bad.glb")), compress)
    assert "KHR_draco_mesh_compression, which cannot be decoded here; install" in left_out(bad)


def export(vertices, faces, path):
    trimesh.Trimesh(vertices, faces, process=False).export(path)
    return path


def test_a_mesh_without_area(left_out, tmp_path):
    line = np.arange(12.0)[:, None] * [1.0, 0.0, 0.0]
    assert "no triangle with an area" in left_out(export(line, np.arange(12).reshape(4, 3), tmp_path / "bad.ply"))


def test_a_mesh_with_nan_vertices(left_out, tmp_path):
    box = trimesh.creation.box((6, 3, 5))
    vertices = np.array(box.vertices)
    vertices[3, 1] = np.nan
    assert "1 vertices that are NaN or infinite; repair" in left_out(export(vertices, box.faces, tmp_path / "bad.ply"))


def test_a_scene_without_a_floor(left_out, tmp_path):
    wall = [[0, 0, 0], [5, 0, 0], [5, 3, 0], [0, 3, 0]]
    line = left_out(export(wall, [[0, 1, 2], [0, 2, 3]], tmp_path / "bad.ply"))
    assert "no place to stand" in line and "check that it is in metres with +Y up and has a floor" in line


def test_a_mesh_in_millimetres(left_out, tmp_path):
    box = trimesh.creation.box((6, 3, 5))
    assert "check that it is in metres" in left_out(export(box.vertices / 1000, box.faces, tmp_path / "bad.ply"))


def write_tone(path):
    soundfile.write(path, 0.3 * np.sin(np.arange(8000) * 0.3), 16000)


def test_a_clip_that_is_not_sound_is_listed_and_the_rest_used(tiny_scenes, tiny_options, tmp_path, capsys):
    clips, out = tmp_path / "clips", tmp_path / "out"
    clips.mkdir()
    write_tone(clips / "tone.wav")
    (clips / "text.mp3").write_text("hello")
    soundfile.write(clips / "silence.flac", np.zeros(8000), 16000)
    scene = str(tiny_scenes / "alpha.glb")
    assert main(["--scenes", scene, "--clips", str(clips), "--out", str(out), "--workers", "0", *tiny_options]) == 1
    said = capsys.readouterr()
    assert "left out: clip text.mp3: not readable as sound" in said.out
    assert "left out: clip silence.flac: silent" in said.out
    assert [s["sets"] for s in json.loads((out / "manifest.json").read_text())["shards"]] == [2, 2]


def test_clips_that_are_all_bad(tiny_scenes, tiny_options, tmp_path, capsys):
    clips = tmp_path / "clips"
    clips.mkdir()
    (clips / "text.mp3").write_text("hello")
    out = ["--out", str(tmp_path / "out"), "--workers", "0"]
    assert main(["--scenes", str(tiny_scenes), "--clips", str(clips), *out, *tiny_options]) == 1
    said = capsys.readouterr()
    assert "no usable clips among those drawn" in said.out and "Traceback" not in said.err + said.out
    assert "left out: clip text.mp3" in said.out


def test_a_missing_and_an_empty_clips_folder(refused, tiny_scenes, tmp_path):
    assert "does not exist; name a folder of .wav" in refused("--scenes", tiny_scenes, "--clips", tmp_path / "nowhere")
    (tmp_path / "empty").mkdir()
    assert "holds no clips; put .wav" in refused("--scenes", tiny_scenes, "--clips", tmp_path / "empty")


def test_an_out_that_is_a_file(refused, tiny_scenes, tmp_path):
    (tmp_path / "taken").write_text("hello")
    assert "cannot be written to" in refused("--scenes", tiny_scenes, out=tmp_path / "taken")
    assert "cannot be written to" in refused("--scenes", tiny_scenes, out=tmp_path / "taken" / "below")


@pytest.mark.skipif(not Path("/proc/self").exists(), reason="needs a folder that not even root can write to")
def test_a_read_only_out(refused, tiny_scenes):
    assert "cannot be written to" in refused("--scenes", tiny_scenes, out=Path("/proc/data"))


@pytest.mark.skipif(resource is None, reason="needs a limit on the size of files")
def test_a_full_out_keeps_what_is_finished_and_can_be_resumed(
    tiny_scenes, tiny_options, tiny_data, fields_of, tmp_path, monkeypatch, capsys
):
    """A limit on the size of files makes every write beyond it fail, as on a full disk."""
    out = tmp_path / "out"
    arguments = ["--scenes", str(tiny_scenes), "--out", str(out), "--workers", "0", *tiny_options]

    def limited(plan, shard, on_progress):
        before = resource.getrlimit(resource.RLIMIT_FSIZE)
        if shard.scene == "beta":
            resource.setrlimit(resource.RLIMIT_FSIZE, (20_000, before[1]))
        try:
            return render_shard(plan, shard, on_progress)
        finally:
            resource.setrlimit(resource.RLIMIT_FSIZE, before)

    with monkeypatch.context() as patch:
        patch.setattr(cluster, "render_shard", limited)
        assert main(arguments) == 2
    last = capsys.readouterr().err.strip().splitlines()[-1]
    assert last.startswith(f"error: --out {out} cannot be written any more (File too large); make room and run")
    assert sorted(p.name for p in (out / "shards").iterdir()) == ["alpha-0000.h5", "alpha-0001.h5"]
    assert main(arguments) == 0
    assert fields_of(out) == fields_of(tiny_data)


@pytest.mark.slow
def test_an_out_that_fails_in_a_worker_ends_the_run(tiny_data, tiny_scenes, tiny_options, fields_of, tmp_path):
    """A folder where a shard should go cannot be replaced by it."""
    out = Path(shutil.copytree(tiny_data, tmp_path / "out"))
    shard = out / "shards" / "beta-0001.h5"
    shard.unlink()
    (shard / "taken").mkdir(parents=True)
    arguments = ["--scenes", str(tiny_scenes), "--out", str(out), *tiny_options]
    code = f"import sys; from simulator.render import main; sys.exit(main({[*arguments, '--workers', '1']!r}))"
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    run = subprocess.run([sys.executable, "-c", code], cwd=ROOT, env=environment, capture_output=True, text=True, check=False)
    assert run.returncode == 2, run.stderr
    last = run.stderr.strip().splitlines()[-1]
    assert last.startswith(f"error: --out {out} cannot be written any more (Is a directory)")
    assert "Traceback" not in run.stderr and not list(out.rglob("*.part"))
    shutil.rmtree(shard)
    assert main([*arguments, "--workers", "0"]) == 0
    assert fields_of(out) == fields_of(tiny_data)


def test_a_disk_that_is_full_for_the_manifest(tiny_data, tiny_scenes, tiny_options, tmp_path, monkeypatch, capsys):
    def full(*_):
        raise OSError(28, "No space left on device")

    out = Path(shutil.copytree(tiny_data, tmp_path / "out"))
    monkeypatch.setattr(FolderOutput, "write_manifest", full)
    assert main(["--scenes", str(tiny_scenes), "--out", str(out), "--workers", "0", *tiny_options]) == 2
    assert capsys.readouterr().err == (
        f"error: --out {out} cannot be written any more (No space left on device); "
        "make room and run the same command again to finish\n"
    )


def test_unknown_and_impossible_options(refused, tiny_scenes):
    assert "choose from" in refused("--scenes", tiny_scenes, "--motion", "dancing")
    assert "choose from" in refused("--scenes", tiny_scenes, "--quality", "best")
    assert "unrecognized arguments: --colour" in refused("--scenes", tiny_scenes, "--colour", "red")
    assert "invalid int value: 'many'" in refused("--scenes", tiny_scenes, "--sets", "many")
    assert "sets is 0; use 1 or more" in refused("--scenes", tiny_scenes, "--sets", 0)
    assert "views is 1; a set needs at least 2" in refused("--scenes", tiny_scenes, "--views", 1)
    assert "'-1' is not a number of processes" in refused("--scenes", tiny_scenes, "--workers=-1")
    assert "--scenes" in refused()


def test_places_that_are_no_folders(refused, tiny_scenes, tmp_path):
    assert "nosuch://bucket/data cannot be opened" in refused("--scenes", tiny_scenes, out="nosuch://bucket/data")
    assert "'' is not the name of a file or folder" in refused("--scenes", tiny_scenes, out="")
    for option in ("--scenes", "--clips", "--hrtf", "--materials", "--out"):
        assert "is not the name of a file or folder" in refused("--scenes", tiny_scenes, option, "a\0b")


def test_numbers_that_no_data_set_can_hold(refused, tiny_scenes):
    assert "seed is 100000000000000000000; use 0 to below 2^63" in refused("--scenes", tiny_scenes, "--seed", 10**20)


def test_a_description_that_lists_no_scene(refused, tmp_path):
    config = tmp_path / "mine.scene_dataset_config.json"
    config.write_text(json.dumps({"stages": {"paths": {".glb": ["stages/*"]}}}))
    assert f"{config} lists no scene that exists" in refused("--scenes", config)


def test_an_interrupt_while_planning_is_one_line(tiny_scenes, tiny_options, tmp_path, monkeypatch, capsys):
    def interrupt(*_):
        raise KeyboardInterrupt

    monkeypatch.setattr("simulator.render.make_plan", interrupt)
    assert main(["--scenes", str(tiny_scenes), "--out", str(tmp_path / "out"), *tiny_options]) == 130
    assert capsys.readouterr().err == "\ninterrupted: run the same command again\n"
    assert not (tmp_path / "out").exists()


def test_no_scene_that_can_be_used(tiny_options, tmp_path, capsys):
    scene, out = tmp_path / "bad.glb", tmp_path / "out"
    scene.write_bytes(b"no scene")
    arguments = ["--scenes", str(scene), "--out", str(out), "--workers", "0", *tiny_options]
    for _ in range(2):
        assert main(arguments) == 1
        said = capsys.readouterr().out
        assert "left out: scene bad" in said and f"{out} holds no sets; see the reasons above" in said
        assert "nothing to do" not in said and "next:" not in said


def test_unknown_settings(refused, tiny_scenes):
    assert "such as camera.width_px" in refused("--scenes", tiny_scenes, "--set", "camera.width=100")
    assert "KEY=VALUE with a known key is expected" in refused("--scenes", tiny_scenes, "--set", "camera.width_px")
    assert "int is expected, as in camera.width_px=320" in refused("--scenes", tiny_scenes, "--set", "camera.width_px=wide")


def test_files_of_ears_and_materials_that_do_not_exist(refused, tiny_scenes, tmp_path):
    assert "does not exist; pass a .sofa file" in refused("--scenes", tiny_scenes, "--hrtf", tmp_path / "no.sofa")
    assert "cannot be read" in refused("--scenes", tiny_scenes, "--materials", tmp_path / "no.toml")


def test_a_fault_of_ours_in_one_scene_spares_the_others(
    tiny_scenes, tiny_options, tiny_data, fields_of, tmp_path, monkeypatch, capsys
):
    simulate = worker.simulate

    def faulty(context, *rest):
        if context.scene.name == "alpha":
            raise ZeroDivisionError("division by zero")
        return simulate(context, *rest)

    monkeypatch.setattr(worker, "simulate", faulty)
    out = tmp_path / "out"
    assert main(["--scenes", str(tiny_scenes), "--out", str(out), "--workers", "0", *tiny_options]) == 1
    assert "ZeroDivisionError: division by zero" in capsys.readouterr().out
    assert fields_of(out) == {k: v for k, v in fields_of(tiny_data).items() if k.startswith("beta")}


def test_a_cluster_that_is_not_there(tiny_scenes, tiny_options, tmp_path, capsys):
    arguments = ["--scenes", str(tiny_scenes), "--out", str(tmp_path / "out"), *tiny_options]
    assert main([*arguments, "--address", "127.0.0.1:1"]) == 2
    last = capsys.readouterr().err.splitlines()[-1]
    assert last.startswith("error: no Ray cluster at 127.0.0.1:1") and "start one with 'ray start --head --port=1'" in last


def test_a_cluster_gets_absolute_paths(tiny_scenes, tiny_options, tmp_path, monkeypatch):
    """Its processes run in other folders: relative ones denote other files there."""
    found = []

    def render(plan, *_):
        found.append(plan)
        raise InputError("enough")
        yield

    monkeypatch.setattr("simulator.render.render_with_ray", render)
    monkeypatch.chdir(tmp_path)
    shutil.copytree(tiny_scenes, "scenes")
    Path("own.toml").write_text('default = "plaster"\n')
    shutil.copyfile(KEMAR, "ears.sofa")
    arguments = ["--scenes", "scenes", "--out", "out", "--clips", str(BUNDLED), "--materials", "own.toml", *tiny_options]
    arguments += ["--hrtf", "ears.sofa"]
    assert main([*arguments, "--address", "10.0.0.1:6379"]) == 2
    (plan,) = found
    assert plan.out == tmp_path / "out" and plan.inputs.materials == tmp_path / "own.toml"
    assert {s.scene_path.parent for s in plan.shards} == {tmp_path / "scenes"}
    assert [f.path for f in plan.inputs.hrtfs.files] == [tmp_path / "ears.sofa"]
