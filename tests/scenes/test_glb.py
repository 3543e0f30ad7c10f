import io
import json
import shutil
import struct
import subprocess
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from scenes.apartment import build_apartment
from scenes.generate import main, make_scene
from simulator.acoustics.materials import assign, load_library

MEANT = {
    "plaster wall": "plaster", "painted plaster wall": "plaster", "painted plaster dado": "plaster",
    "wallpaper on plaster": "plaster", "brick wall": "brick", "wooden panelling": "wood_panel",
    "concrete wall": "concrete", "ceramic tile": "tile", "ceramic floor tile": "tile", "marble floor": "marble",
    "parquet": "parquet", "thick carpet": "thick_carpet", "carpet": "carpet", "concrete floor": "concrete",
    "concrete ceiling": "concrete", "ceiling plaster": "ceiling_plaster", "acoustic_panel": "acoustic_panel",
    "acoustic_ceiling": "acoustic_ceiling", "oak wood": "furniture", "upholstery fabric": "upholstery",
    "leather upholstery": "leather", "curtain cloth": "curtain", "wool rug": "rug", "books": "books",
    "book cover": "books", "plant leaves": "plant", "window glass": "window", "mirror glass": "glass",
    "television screen": "glass", "mattress": "mattress", "duvet cover": "mattress", "brushed steel": "metal",
    "radiator metal": "metal", "lacquered metal": "metal", "painted wood door": "door", "wooden door": "door",
    "painting on canvas": "paper", "poster paper": "paper", "outside backdrop": "opening",
    "white ceramic": "tile", "towel cloth": "upholstery", "bathmat": "rug", "doormat": "rug",
    "black plastic": "plastic",
}  # fmt: skip


def header(data):
    size = struct.unpack("<I", data[12:16])[0]
    return json.loads(data[20 : 20 + size]), data[28 + size :]


def test_the_same_seed_gives_the_same_bytes(files):
    assert make_scene(build_apartment(1000)) == files[0]
    assert files[0] != files[1]


def test_the_file_is_dedicated_to_the_public_domain(files, loaded):
    assert all(header(f)[0]["asset"]["copyright"].startswith("CC0-1.0") for f in files)
    assert loaded[0].credit.startswith("CC0-1.0")


def test_every_object_is_a_node_with_a_name_of_its_own(files, apartments):
    for data, apartment in zip(files, apartments, strict=True):
        names = [n["name"] for n in header(data)[0]["nodes"]]
        assert len(set(names)) == len(names)
        assert {t.name for things in apartment.things.values() for t in things} <= set(names)


def test_every_material_is_named_and_carries_its_light(files):
    for data in files:
        gltf, _ = header(data)
        assert all(m["name"] and "KHR_materials_unlit" in m["extensions"] for m in gltf["materials"])
        primitives = [p for m in gltf["meshes"] for p in m["primitives"]]
        assert all("COLOR_0" in p["attributes"] and "material" in p for p in primitives)


def test_textures_are_small_and_shared(files):
    for data in files:
        gltf, blob = header(data)
        digests = []
        for image in gltf["images"]:
            view = gltf["bufferViews"][image["bufferView"]]
            picture = blob[view["byteOffset"] : view["byteOffset"] + view["byteLength"]]
            assert max(Image.open(io.BytesIO(picture)).size) <= 384
            digests.append(picture)
        assert len(set(digests)) == len(digests)


def test_positions_keep_their_declared_bounds(files):
    gltf, blob = header(files[0])
    for accessor in gltf["accessors"]:
        if "min" in accessor:
            start = gltf["bufferViews"][accessor["bufferView"]]["byteOffset"] + accessor["byteOffset"]
            points = np.frombuffer(blob, "<f4", 3 * accessor["count"], start).reshape(-1, 3)
            assert np.array_equal(points.min(0), np.float32(accessor["min"]))
            assert np.array_equal(points.max(0), np.float32(accessor["max"]))


def test_acoustic_rules_know_every_material_name(loaded):
    library = load_library()
    for scene in loaded:
        found = assign(scene.surfaces, library)
        for (_, material), name, reason in zip(scene.surfaces, found.material, found.reason, strict=True):
            assert reason != "default" and material in reason, f"{material!r} is {name} by {reason}"


def test_materials_sound_as_they_are_meant_to():
    found = assign([("x", name) for name in MEANT], load_library())
    assert dict(zip(MEANT, found.material, strict=True)) == MEANT


def test_loading_finds_nothing_to_mend(loaded):
    assert all(scene.notes == () for scene in loaded)


def test_khronos_validator_finds_no_error(files, tmp_path):
    """Runs where Node and the npm package gltf-validator are installed."""
    node = shutil.which("node")
    script = (
        "require('gltf-validator').validateBytes(new Uint8Array(require('fs').readFileSync(process.argv[1]))).then(r=>{"
        "console.log(JSON.stringify(r.issues.messages.filter(m=>m.severity<2)));"
        "process.exit(r.issues.numErrors+r.issues.numWarnings?1:0)})"
    )
    if node is None or subprocess.run([node, "-e", "require('gltf-validator')"], capture_output=True).returncode:
        pytest.skip("needs node and the npm package gltf-validator (NODE_PATH)")
    for k, data in enumerate(files):
        path = tmp_path / f"{k}.glb"
        path.write_bytes(data)
        done = subprocess.run([node, "-e", script, str(path)], capture_output=True, text=True)
        assert done.returncode == 0, done.stdout


@pytest.mark.slow
def test_the_command_gives_the_same_bytes_with_any_number_of_workers(tmp_path):
    for workers in (1, 2):
        out = str(tmp_path / str(workers))
        assert main(["--count", "2", "--seed", "3", "--rooms", "2", "--out", out, "--workers", str(workers)]) == 0
    for path in sorted((tmp_path / "1").glob("*.glb")):
        assert path.read_bytes() == (tmp_path / "2" / path.name).read_bytes()
    assert len(list((tmp_path / "1").iterdir())) == 2


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--count", "0"], "--count is 0"),
        (["--seed", "-1"], "--seed is -1"),
        (["--workers", "0"], "--workers is 0"),
        (["--rooms", "9"], "--rooms is 9; give 2 to 7"),
        (["--softness", "2"], "--softness is 2.0"),
    ],
)
def test_wrong_use_is_told_in_one_line(arguments, message, tmp_path, capsys):
    assert main([*arguments, "--out", str(tmp_path)]) == 2
    error = capsys.readouterr().err.strip()
    assert message in error and "\n" not in error


def test_an_impossible_folder_is_told_in_one_line(tmp_path, capsys):
    blocked = tmp_path / "file"
    blocked.write_text("")
    assert main(["--count", "1", "--out", str(blocked / "more")]) == 2
    assert "cannot be created" in capsys.readouterr().err


def test_bundled_scenes_are_small_and_known():
    paths = sorted(Path(__file__).parents[2].glob("scenes/*.glb"))
    assert len(paths) >= 12
    for path in paths:
        assert path.stat().st_size <= 1.25e6, path.name
        assert header(path.read_bytes())[0]["asset"]["copyright"].startswith("CC0-1.0")
