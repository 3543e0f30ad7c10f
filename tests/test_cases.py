"""Small inputs that other readers get wrong, each with its right value; skipped where the folder is not beside the repository."""

from __future__ import annotations

import io
import json
import shutil
import struct
import time
from pathlib import Path

import h5py
import numpy as np
import pytest
from PIL import Image

import simulator
from dataset.errors import DatasetError
from dataset.format.documents import sha256_of
from dataset.interaural import ild_db, itd_us
from dataset.reader import Dataset
from dataset.verify import verify
from simulator.config import AcousticsSettings, CameraSettings, Settings, with_options
from simulator.errors import InputError
from simulator.loaders.load import load_scene
from simulator.receivers.sofa import BUNDLED
from simulator.scene.walkable import find_places

CASES = Path(__file__).resolve().parents[2] / "shared" / "cases"
pytestmark = pytest.mark.skipif(not CASES.is_dir(), reason=f"needs {CASES}")
AREA = 131.74
"""Of plain.obj, a furnished box room of 6 x 2.8 x 5 m, m2."""
EYE = np.array([1.5, 1.5, 1.2])
"""A place in plain.obj without furniture."""


def area(name):
    return float(load_scene(CASES / name).areas.sum())


def box(target: Path, change) -> Path:
    """Write the box room of a case as .glb, without the extension that it requires, after `change` has edited its header."""
    data = (CASES / "unknown_required_extension.glb").read_bytes()
    size = struct.unpack("<I", data[12:16])[0]
    header, rest = json.loads(data[20 : 20 + size]), data[20 + size :]
    for key in ("extensionsUsed", "extensionsRequired"):
        header.pop(key)
    rest += change(header) or b""
    text = json.dumps(header).encode()
    text += b" " * (-len(text) % 4)
    rest = struct.pack("<I4s", len(rest) - 8, b"BIN\0") + rest[8:]
    target.write_bytes(struct.pack("<4sIII4s", b"glTF", 2, 20 + len(text) + len(rest), len(text), b"JSON") + text + rest)
    return target


def textured(image: bytes):
    """Give the change that puts an image on the box."""

    def change(header):
        end = header["buffers"][0]["byteLength"]
        header["buffers"][0]["byteLength"] = end + len(image)
        header["bufferViews"].append({"buffer": 0, "byteOffset": end, "byteLength": len(image)})
        header["images"] = [{"bufferView": len(header["bufferViews"]) - 1, "name": "picture"}]
        header["textures"] = [{"source": 0}]
        header["materials"] = [{"name": "plaster", "pbrMetallicRoughness": {"baseColorTexture": {"index": 0}}}]
        primitive = header["meshes"][0]["primitives"][0]
        places = header["accessors"][primitive["attributes"]["POSITION"]]  # whose x and y are the texture coordinates
        header["bufferViews"].append({**header["bufferViews"][places["bufferView"]], "byteStride": 12})
        coordinates = {"bufferView": len(header["bufferViews"]) - 1, "byteOffset": places.get("byteOffset", 0)}
        header["accessors"].append({**coordinates, "componentType": 5126, "count": places["count"], "type": "VEC2"})
        primitive["attributes"]["TEXCOORD_0"] = len(header["accessors"]) - 1
        primitive.update(material=0)
        return image

    return change


def encoded(picture, form):
    out = io.BytesIO()
    picture.save(out, form)
    return out.getvalue()


@pytest.mark.parametrize("name", ["plain.obj", "interleaved_negative.obj", "georeferenced.obj", "outside_its_folder.obj"])
def test_area(name):
    assert area(name) == pytest.approx(AREA, abs=0.01)


def test_interleaved_blocks_stay_three_objects():
    assert load_scene(CASES / "interleaved_negative.obj").instances == load_scene(CASES / "plain.obj").instances
    assert len(load_scene(CASES / "plain.obj").instances) == 3


@pytest.mark.parametrize("form", ["obj", "ply"])
def test_concave_doorway_is_open(form):
    scene = load_scene(CASES / f"concave_doorway.{form}")
    assert float(scene.areas.sum()) == pytest.approx(189.1, abs=0.01)
    x, y = (g.ravel() for g in np.meshgrid(np.linspace(2.05, 2.95, 10), np.linspace(0.05, 2.05, 10)))
    origins = np.stack([x, y, np.ones(100)], -1)
    hits = scene.bvh.closest(origins, np.tile([0.0, 0.0, -1.0], (100, 1)))
    assert hits.distance == pytest.approx(np.full(100, 4.0), abs=1e-5)
    assert scene.bvh.closest(np.array([[1.0, 1, 1], [2.5, 2.4, 1]]), np.array([[0.0, 0, -1]] * 2)).distance == pytest.approx(1.0)


def test_instances_of_a_required_extension():
    scene = load_scene(CASES / "gpu_instancing_required.glb")
    assert len(scene.faces) == 108 and len(scene.instances) == 9


def test_an_unknown_required_extension_is_refused_by_name():
    with pytest.raises(InputError, match="VENDOR_secret_geometry"):
        load_scene(CASES / "unknown_required_extension.glb")


def test_georeferenced_coordinates_keep_their_precision():
    plain, far = (simulator.load_scene(CASES / name) for name in ("plain.obj", "georeferenced.obj"))
    move = np.round(far.bounds[0] - plain.bounds[0], 3)
    assert np.abs(move).max() > 1e5
    toward = np.random.default_rng(0).normal(size=(100_000, 3))
    start = np.tile(EYE + move - far.mesh.origin, (len(toward), 1))
    assert (far.mesh.bvh.closest(start, toward).face >= 0).all()
    camera = CameraSettings(width_px=64, height_px=48)
    here, there = (simulator.render_views(s, EYE + m, [0, 90, 180, 270], camera=camera) for s, m in ((plain, 0), (far, move)))
    np.testing.assert_allclose(there.depth, here.depth, atol=1e-3)
    assert (there.instance == here.instance).mean() > 0.999


def test_centimetres_are_refused_with_the_factor_that_mends_them():
    rng = np.random.default_rng(0)
    scene = load_scene(CASES / "centimetres.obj")
    assert any("--scale 0.01" in note for note in scene.notes)
    with pytest.raises(InputError, match=r"--scale 0\.01"):
        find_places(scene, Settings(), rng)
    mended = load_scene(CASES / "centimetres.obj", scale=with_options({"scale": 0.01}).scale)
    assert float(mended.areas.sum()) == pytest.approx(AREA, abs=0.01) and len(find_places(mended, Settings(), rng).floor) > 500


def test_files_outside_the_folder_are_not_opened(monkeypatch):
    opened = []
    read = Path.read_bytes
    monkeypatch.setattr(Path, "read_bytes", lambda path: opened.append(path.resolve()) or read(path))
    notes = " ".join(load_scene(CASES / "outside_its_folder.obj").notes)
    assert all(name in notes for name in ("etc/hostname", "/dev/zero", "room.mtl"))
    assert all(path.is_relative_to(CASES.resolve()) for path in opened)


def colored(value):
    """Give the change that sets a base colour."""

    def change(header):
        header["materials"] = [{"name": "plaster", "pbrMetallicRoughness": {"baseColorFactor": value}}]
        header["meshes"][0]["primitives"][0]["material"] = 0

    return change


@pytest.mark.parametrize("value", [[float("nan")] * 4, [0.5, float("nan"), 0.5, 1], "red", [None, 1, 1, 1]])
def test_base_colours_that_are_no_numbers(tmp_path, value):
    with pytest.raises(InputError, match="baseColorFactor"):
        load_scene(box(tmp_path / "box.glb", colored(value)))


def test_a_base_colour_of_null_is_the_default(tmp_path):
    assert load_scene(box(tmp_path / "box.glb", colored(None))).materials.base_color.tolist() == [[1, 1, 1, 1]]


def test_nodes_that_share_their_children_60_levels_deep(tmp_path):
    def change(header):
        header["nodes"] = [{"children": [k + 1, k + 1]} for k in range(60)] + [{"mesh": 0}]
        header["scenes"] = [{"nodes": [0]}]

    start = time.perf_counter()
    with pytest.raises(InputError, match="reached twice"):
        load_scene(box(tmp_path / "box.glb", change))
    assert time.perf_counter() - start < 10


def test_an_accessor_of_two_thousand_million_elements(tmp_path):
    with pytest.raises(InputError, match="2000000000 elements"):
        load_scene(box(tmp_path / "box.glb", lambda header: header["accessors"][0].update(count=2_000_000_000)))


def test_postscript_is_no_texture(tmp_path):
    scene = load_scene(box(tmp_path / "box.glb", textured(encoded(Image.new("RGB", (8, 8)), "EPS"))))
    assert any("picture cannot be read (not a" in note for note in scene.notes)
    assert (scene.materials.texture == -1).all()


def test_16_bit_grey_of_32768_is_128(tmp_path):
    grey = Image.fromarray(np.full((4, 4), 32768, np.uint16))
    scene = load_scene(box(tmp_path / "box.glb", textured(encoded(grey, "PNG"))))
    assert (scene.textures.texels[:, :3] == 128).all() and len(scene.textures.texels) > 0


def test_options_of_a_texture(tmp_path):
    Image.new("RGB", (4, 4), (200, 100, 50)).save(tmp_path / "x.png")
    (tmp_path / "x.mtl").write_text("newmtl plaster\nmap_Kd -s 2 2 x.png\n")
    corners = "v 0 0 0\nv 1 0 0\nv 1 1 0\nv 0 1 0\nvt 0 0\nvt 1 0\nvt 1 1\nvt 0 1\n"
    (tmp_path / "x.obj").write_text(f"mtllib x.mtl\nusemtl plaster\n{corners}f 1/1 2/2 3/3 4/4\n")
    scene = load_scene(tmp_path / "x.obj")
    assert scene.notes == () and scene.materials.texture.tolist() == [0]
    assert np.ptp(scene.corner_uv.reshape(-1, 2), axis=0).tolist() == [2.0, 2.0]


def test_a_source_on_the_left_stays_left_where_receiver_positions_are_exchanged(tmp_path):
    ears = tmp_path / "kemar.sofa"
    ears.write_bytes(BUNDLED.read_bytes())
    with h5py.File(ears, "r+") as file:
        file["ReceiverPosition"][:, 1] *= -1
    here, left = EYE, EYE - [1, 0, 0]
    acoustics = AcousticsSettings(response_s=0.2)

    def sounds(hrtf):
        return simulator.simulate_brirs(plain(), here, [0.0], left, hrtf=hrtf, quality="draft", acoustics=acoustics)

    with pytest.warns(UserWarning, match="ReceiverPosition names channel 1 as the left ear, the responses show channel 0"):
        exchanged = sounds(ears)
    np.testing.assert_array_equal(exchanged.direct, sounds(None).direct)
    assert itd_us(exchanged.direct[0, 0], exchanged.sample_rate) > 400 and ild_db(exchanged.direct[0, 0]) > 3


def plain():
    return simulator.load_scene(CASES / "plain.obj")


@pytest.mark.slow
@pytest.mark.parametrize("response_s, known", [(0.5, False), (1, False), (2, True), (4, True)])
def test_the_reverberation_time_does_not_depend_on_the_length_of_the_response(response_s, known):
    """It is 2.36 s; responses of 0.5 and 1 s hold less than 35 dB of its decay."""
    brirs = simulator.simulate_brirs(
        plain(), EYE, [0.0, 90.0], [[4, 1.3, 3.5], [5, 1.5, 4.2]], quality="standard",
        acoustics=AcousticsSettings(response_s=response_s),
    )  # fmt: skip
    if known:
        assert brirs.rt60 == pytest.approx(np.full(brirs.rt60.shape, 2.36), rel=0.03)
    else:
        assert np.isnan(brirs.rt60).all()


def external_storage(file, secret):
    shape = file["rgb"].shape
    del file["rgb"]
    file.create_dataset("rgb", shape, "uint8", external=[(str(secret), 0, h5py.h5f.UNLIMITED)])


def external_link(file, secret):
    with h5py.File(secret.with_suffix(".h5"), "w") as other:
        other["heading"] = file["heading"][:]
    del file["heading"]
    file["heading"] = h5py.ExternalLink(secret.with_suffix(".h5"), "heading")


def signed(root):
    """Write the sizes and checksums of the shards as they are into the manifest, as the maker of a data set does."""
    manifest = json.loads((root / "manifest.json").read_text())
    for entry in manifest["shards"]:
        shard = root / entry["path"]
        entry.update(bytes=shard.stat().st_size, sha256=sha256_of(shard))
    (root / "manifest.json").write_text(json.dumps(manifest))


@pytest.mark.parametrize("name, change", [("rgb", external_storage), ("heading", external_link)])
def test_a_shard_with_content_outside_is_refused(name, change, tiny_data, tmp_path):
    root, secret = tmp_path / "data", tmp_path / "secret"
    shutil.copytree(tiny_data, root)
    secret.write_bytes(bytes(range(256)) * 1000)
    shard = root / json.loads((root / "manifest.json").read_text())["shards"][0]["path"]
    with h5py.File(shard, "r+") as file:
        change(file, secret)
    signed(root)
    with pytest.raises(DatasetError, match=f"{shard.name} is refused: its member '{name}'"):
        Dataset(root)[0]
    assert any(f"field {name}: " in problem for problem in verify(root))


def test_a_manifest_whose_digest_is_a_path_deletes_no_file(tiny_data, tmp_path, monkeypatch):
    cache = tmp_path / "cache"
    monkeypatch.setenv("XDG_CACHE_HOME", str(cache))
    victim, root = tmp_path / "some" / "file", tmp_path / "data"
    shutil.copytree(tiny_data, root)
    victim.parent.mkdir()
    victim.write_text("kept")
    manifest = json.loads((root / "manifest.json").read_text())
    for up in range(6):
        for entry in manifest["shards"]:
            entry["blocks"] = {"path": "blocks/a.sha256", "bytes_each": 262144, "sha256": "../" * up + "some/file"}
        (root / "manifest.json").write_text(json.dumps(manifest))
        for place in (root, f"file://{root}"):
            with pytest.raises(DatasetError, match="64 hexadecimal digits"):
                Dataset(place)[0]
    assert victim.read_text() == "kept"
