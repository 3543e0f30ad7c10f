"""Damaged and hostile files: every reader returns a right result or one clear line, and touches no file outside the folder.

Each reader gets FUZZ_EXAMPLES inputs (default 25; 250 make a long run), made from a good file by changes of bytes, of tokens,
of values in its JSON, or of objects in its HDF5. A failure prints the changes, which `changed` repeats.
"""

from __future__ import annotations

import json
import os
import re
import resource
import shutil
import struct
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, NamedTuple

import h5py
import numpy as np
import pytest
import soundfile
import torch
import trimesh
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from dataset.errors import DatasetError
from dataset.reader import Dataset
from dataset.verify import verify
from simulator.acoustics.materials import BUNDLED as MATERIALS
from simulator.acoustics.materials import load_library
from simulator.errors import InputError
from simulator.loaders.load import load_scene
from simulator.receivers.hrtf import prepare
from simulator.receivers.sofa import read_sofa
from simulator.run.clips import ClipError, decode
from training.config import preset
from training.errors import InputError as TrainingInputError
from training.tasks import checkpoint

EXAMPLES = int(os.environ.get("FUZZ_EXAMPLES", "25"))
LONGEST_S = 30.0
"""Processor time, so that a busy machine fails no test."""
MOST_BYTES = 3e9
CLEAR = (InputError, DatasetError, ClipError, TrainingInputError)
SECRET = "secret.png"
HOSTILE: list[Any] = [
    None, True, -1, 0, 1, 0.5, 2**31, 2**63, -(2**63), 1e308, -1e308, float("nan"), float("inf"), "", "x", "\0", "\ud7ff" * 300,
    f"../outside/{SECRET}", "/dev/zero", "file:///etc/passwd", "data:,", "data:image/png;base64,AAAA", [], {}, [0], [[]],
    [1e30] * 16, [-1, 2**40], {"x": {}}, ["a", None],
]  # fmt: skip
"""Values put in the place of others; strings lead out of the folder too."""
Change = tuple[str, int, int, bytes]
"""What is done (see `changed`), two places or sizes, and bytes to put there."""


class Reader(NamedTuple):
    """How one kind of file is made, changed and read."""

    suffix: str
    kinds: tuple[str, ...]
    read: Callable[[Path], None]


def read_scene(path: Path) -> None:
    scene = load_scene(path)
    assert np.isfinite(scene.vertices).all() and len(scene.faces) > 0
    assert scene.faces.min() >= 0 and scene.faces.max() < len(scene.vertices)
    assert scene.face_material.max() < len(scene.materials.base_color) and np.isfinite(scene.materials.base_color).all()
    assert scene.materials.texture.max(initial=-1) < len(scene.textures.offset) and np.isfinite(scene.corner_uv).all()


def read_clip(path: Path) -> None:
    sound = decode(path, 16000)
    assert sound.ndim == 1 and len(sound) > 0 and np.isfinite(sound).all()


def read_ears(path: Path) -> None:
    ears = prepare(read_sofa(path), 16000)
    assert np.isfinite(ears.responses).all() and np.isfinite(ears.delay_s).all() and np.abs(ears.delay_s).max() < 1.0


def read_materials(path: Path) -> None:
    library = load_library(path)
    for table in (library.absorption, library.scattering):
        assert all(v.shape == (7,) and (v >= 0).all() and (v <= 1).all() for v in table.values())


def read_data(path: Path) -> None:
    """Read and verify a data set whose manifest or shard was changed; verify reports problems instead of raising."""
    root = path.parent if path.name == "manifest.json" else path.parent.parent
    assert all("\n" not in problem for problem in verify(root) if isinstance(problem, str))
    data = Dataset(root, check=False)
    try:
        for one in data:
            assert all(isinstance(v, (str, np.ndarray)) for v in one.values())
    finally:
        data.close()


def read_checkpoint(path: Path) -> None:
    _, content = checkpoint.load(path)
    assert isinstance(content, dict)


READERS = {
    "glb": Reader(".glb", ("bytes", "cut", "remove", "repeat", "json", "json"), read_scene),
    "ply binary": Reader(".ply", ("bytes", "cut", "remove", "repeat", "token"), read_scene),
    "ply text": Reader(".ply", ("bytes", "cut", "token", "token"), read_scene),
    "obj": Reader(".obj", ("bytes", "cut", "repeat", "token", "token"), read_scene),
    "wav": Reader(".wav", ("bytes", "cut", "remove", "repeat"), read_clip),
    "flac": Reader(".flac", ("bytes", "cut", "remove", "repeat"), read_clip),
    "sofa": Reader(".sofa", ("bytes", "cut", "hdf5", "hdf5"), read_ears),
    "toml": Reader(".toml", ("bytes", "cut", "token", "token"), read_materials),
    "json": Reader(".json", ("bytes", "cut", "json", "json"), read_materials),
    "manifest": Reader("manifest.json", ("bytes", "cut", "json", "json", "json"), read_data),
    "shard": Reader("shard", ("bytes", "cut", "hdf5", "hdf5"), read_data),
    "checkpoint": Reader(".pt", ("bytes", "cut", "remove", "repeat"), read_checkpoint),
}


@pytest.fixture(scope="module")
def good(tmp_path_factory, tiny_data) -> dict[str, Path]:
    """A good file of each kind; those of data sets lie in a whole one."""
    folder = tmp_path_factory.mktemp("good")
    room = trimesh.creation.box((6, 3, 5))
    room.invert()
    files = {name: folder / f"{name.replace(' ', '_')}{r.suffix}" for name, r in READERS.items()}
    picture = trimesh.visual.material.PBRMaterial(name="wood", baseColorTexture=_picture(), baseColorFactor=(255, 200, 100, 255))
    uv = np.random.default_rng(0).random((len(room.vertices), 2))
    textured = room.copy()
    textured.visual = trimesh.visual.TextureVisuals(uv=uv, material=picture)
    trimesh.Scene({"room": textured}).export(files["glb"])
    files["ply binary"].write_bytes(room.export(file_type="ply"))
    files["ply text"].write_bytes(room.export(file_type="ply", encoding="ascii"))
    files["obj"].write_text("mtllib x.mtl\nusemtl wood\n" + room.export(file_type="obj", header=None))
    tone = 0.1 * np.sin(np.arange(4000) / 5)
    for name in ("wav", "flac"):
        soundfile.write(files[name], tone, 22050)
    _small_sofa(files["sofa"])
    files["toml"].write_text(
        '[materials]\nwall = { absorption = [0.1, 0.2], scattering = 0.1 }\n[[rules]]\nwords = ["wall"]\nmaterial = "wall"\n'
    )
    files["json"].write_text(
        '{"materials": {"wall": {"absorption": 0.2}}, "rules": [{"words": ["wall"], "material": "wall"}], "default": "wall"}'
    )
    files["manifest"] = tiny_data / "manifest.json"
    files["shard"] = sorted((tiny_data / "shards").glob("*.h5"))[0]
    checkpoint.save(files["checkpoint"], preset("small"), {"model": {"w": torch.arange(6.0)}, "step": 3})
    assert MATERIALS.is_file()
    return files


def _picture() -> Any:
    from PIL import Image

    return Image.fromarray(np.full((8, 8, 3), 128, np.uint8))


def _small_sofa(path: Path) -> None:
    """Write a head of 62 directions: delays and levels of two points 0.18 m apart."""
    turn, up = (x.ravel() for x in np.meshgrid(np.arange(0, 360, 30), [-60, -30, 0, 30, 60], indexing="ij"))
    turn, up = np.append(turn, [0, 0]), np.append(up, [-90, 90])
    side = np.sin(np.deg2rad(turn)) * np.cos(np.deg2rad(up))
    responses = np.zeros((len(turn), 2, 128))
    for k, s in enumerate(side):
        responses[k, 0, 30 - round(10 * s)], responses[k, 1, 30 + round(10 * s)] = 1 + 0.5 * s, 1 - 0.5 * s
    with h5py.File(path, "w") as file:
        file.attrs["SOFAConventions"] = "SimpleFreeFieldHRIR"
        file["Data.IR"], file["Data.SamplingRate"], file["Data.Delay"] = responses, [44100.0], np.zeros((1, 2))
        file["SourcePosition"] = np.stack([turn, up, np.ones(len(turn))], -1)
        file["SourcePosition"].attrs["Type"] = "spherical"
        file["ReceiverPosition"] = [[[0.0], [0.09], [0.0]], [[0.0], [-0.09], [0.0]]]
        file["ReceiverPosition"].attrs["Type"] = "cartesian"


def changed(content: bytes, change: Change, folder: Path) -> bytes:
    """Apply one change to the content of a file."""
    kind, place, size, extra = change
    at, length = place % max(len(content), 1), size % 64
    if kind == "bytes":
        return content[:at] + extra + content[at + len(extra) :]
    if kind == "cut":
        return content[:at]
    if kind == "remove":
        return content[:at] + content[at + length :]
    if kind == "repeat":
        return content[: at + length] + content[at:]
    if kind == "token":
        return _changed_token(content, place, size)
    if kind == "json":
        return _changed_glb(content, place, size) if content[:4] == b"glTF" else _changed_json(content, place, size)
    return _changed_hdf5(content, place, size, folder)


def _hostile(size: int) -> Any:
    return HOSTILE[size % len(HOSTILE)]


def _changed_token(content: bytes, place: int, size: int) -> bytes:
    tokens = list(re.finditer(rb"[^\s]+", content[:20000]))
    if not tokens:
        return content
    chosen = tokens[place % len(tokens)]
    value = str(_hostile(size)).encode(errors="replace")
    return content[: chosen.start()] + value + content[chosen.end() :]


def _changed_json(content: bytes, place: int, size: int) -> bytes:
    try:
        tree = json.loads(content)
    except ValueError:
        return content
    places = list(_places(tree))
    if not places:
        return content
    holder, key = places[place % len(places)]
    if size % 7 == 0:
        del holder[key]
    else:
        holder[key] = _hostile(size)
    return json.dumps(tree).encode(errors="replace")


def _places(tree: Any) -> Iterator[tuple[Any, Any]]:
    """Iterate over all (container, key) of a JSON tree."""
    items = tree.items() if isinstance(tree, dict) else enumerate(tree) if isinstance(tree, list) else ()
    for key, value in list(items):
        yield tree, key
        yield from _places(value)


def _changed_glb(content: bytes, place: int, size: int) -> bytes:
    if len(content) < 20:
        return content
    length = struct.unpack_from("<I", content, 12)[0]
    text = _changed_json(content[20 : 20 + length], place, size)
    text += b" " * (-len(text) % 4)
    rest = content[20 + length :]
    return struct.pack("<4sIII4s", b"glTF", 2, 20 + len(text) + len(rest), len(text), b"JSON") + text + rest


def _changed_hdf5(content: bytes, place: int, size: int, folder: Path) -> bytes:
    path = folder / "scratch.h5"
    path.write_bytes(content)
    try:
        with h5py.File(path, "r+") as file:
            names = sorted(file)
            if names:
                _change_object(file, names[place % len(names)], size)
    except (OSError, RuntimeError, KeyError, ValueError, TypeError, ZeroDivisionError):
        pass  # an earlier change left nothing to change
    changed_content = path.read_bytes()
    path.unlink()
    return changed_content


def _change_object(file: h5py.File, name: str, size: int) -> None:
    way, value = size % 8, HOSTILE[size // 8 % 18]
    if way == 0:
        file.attrs[sorted(file.attrs)[size // 8 % len(file.attrs)]] = str(value).encode(errors="replace")
    elif way == 1:
        del file.attrs[sorted(file.attrs)[size // 8 % len(file.attrs)]]
    elif way == 2:
        file[name][...] = value if isinstance(value, (int, float)) and abs(value) < 2**31 else np.nan
    else:
        kept = file[name][()] if isinstance(file[name], h5py.Dataset) else np.zeros(1)
        del file[name]
        if way == 3:
            file[name] = h5py.ExternalLink(f"../outside/{SECRET}", "/")
        elif way == 4:
            file[name] = h5py.SoftLink("/nowhere")
        elif way == 5:
            file[name] = np.asarray(kept)[..., :1] if np.ndim(kept) else kept
        elif way == 6:
            file[name] = np.float64(size)


changes = st.lists(
    st.tuples(st.integers(0, 5), st.integers(0, 2**20), st.integers(0, 2**10), st.binary(min_size=1, max_size=8)),
    min_size=1,
    max_size=3,
)
watched: dict[str, Any] = {"folder": None, "seen": []}


def _watch(event: str, arguments: tuple[Any, ...]) -> None:
    """Note whatever opens, removes or renames something in the watched folder (an audit hook stays for good)."""
    if watched["folder"] and event.split(".")[0] in ("open", "os", "shutil"):
        watched["seen"] += [
            a
            for a in arguments
            if isinstance(a, (str, bytes, os.PathLike)) and watched["folder"] in os.path.realpath(os.fsdecode(a))
        ]


sys.addaudithook(_watch)


@pytest.mark.parametrize("name", READERS)
def test_clear_error_or_right_result(name, good, tmp_path_factory):
    reader = READERS[name]
    base = good[name].read_bytes()

    @settings(
        max_examples=EXAMPLES,
        deadline=None,
        derandomize="FUZZ_EXAMPLES" not in os.environ,
        database=None,
        phases=[Phase.generate],
        suppress_health_check=list(HealthCheck),
    )
    @given(changes)
    def run(drawn):
        place = tmp_path_factory.mktemp("fuzz")
        outside = place / "outside"
        outside.mkdir()
        (outside / SECRET).write_bytes(b"secret")
        path = prepare_folder(place / "inside", name, good)
        content = base
        for which, at, size, extra in drawn:
            content = changed(content, (reader.kinds[which % len(reader.kinds)], at, size, extra), place)
        path.write_bytes(content)
        try:
            check(reader, path, outside)
        finally:
            shutil.rmtree(place)

    run()


def prepare_folder(folder: Path, name: str, good: dict[str, Path]) -> Path:
    """Make the folder in which a changed file lies, and return where it goes."""
    if name not in ("manifest", "shard"):
        folder.mkdir()
        return folder / good[name].name
    root = good["manifest"].parent
    shutil.copytree(root, folder)
    return folder / good[name].relative_to(root)


def check(reader: Reader, path: Path, outside: Path) -> None:
    """Read a file: no error but a clear one of one line, in time, within memory, and nothing outside its folder touched."""
    watched["folder"], watched["seen"] = str(outside), []
    start = time.process_time()
    try:
        reader.read(path)
    except CLEAR as error:
        assert "\n" not in str(error).strip(), f"more than one line: {error}"
    finally:
        watched["folder"] = None
    assert time.process_time() - start < LONGEST_S
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024 < MOST_BYTES
    assert not watched["seen"] and (outside / SECRET).read_bytes() == b"secret"


@pytest.mark.parametrize("name", READERS)
def test_the_unchanged_file_is_read(name, good, tmp_path):
    path = prepare_folder(tmp_path / "inside", name, good)
    shutil.copy(good[name], path)
    READERS[name].read(path)


@pytest.mark.parametrize("factor", [1e-200, 1e200])
def test_heads_of_no_possible_level_are_refused(factor, good, tmp_path):
    path = tmp_path / "head.sofa"
    shutil.copy(good["sofa"], path)
    with h5py.File(path, "r+") as file:
        file["Data.IR"][0] = factor * file["Data.IR"][0]
    with pytest.raises(InputError, match="silent, enormous"):
        read_ears(path)


def test_a_ply_header_without_a_format_is_refused(good, tmp_path):
    path = tmp_path / "room.ply"
    path.write_bytes(good["ply text"].read_bytes().replace(b"format", b"fxrmat", 1))
    with pytest.raises(InputError, match="format"):
        read_scene(path)


def test_a_field_without_rows_is_damage(good, tmp_path):
    path = prepare_folder(tmp_path / "inside", "shard", good)
    shutil.copy(good["shard"], path)
    with h5py.File(path, "r+") as file:
        del file["azimuth"]
        file["azimuth"] = np.float32(1.0)
    data = Dataset(path.parent.parent, check=False, fields=["azimuth"])
    with pytest.raises(DatasetError, match="azimuth"):
        list(data)
    data.close()
