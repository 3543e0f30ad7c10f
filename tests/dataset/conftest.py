"""A tiny data set made without the simulator: free direct sound, decaying noise, true geometry and convolution."""

from __future__ import annotations

import json
import logging
import shutil
from collections.abc import Callable, Iterator
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from dataset.angles import azimuth, elevation
from dataset.format.manifest import describe_shard, write_manifest
from dataset.format.pictures import encode_pictures
from dataset.format.schema import FORMAT_VERSION
from dataset.format.writer import ShardWriter, rounded
from dataset.geometry import source_directions

RATE = 16000
SPEED_OF_SOUND = 343.2
VIEWS, SOURCES, HEIGHT, WIDTH, DIRECT, INDIRECT, SOUND = 2, 2, 24, 32, 256, 1600, 3200
SETTINGS = {
    "seed": 0,
    "camera": {"width_px": WIDTH, "height_px": HEIGHT, "hfov_deg": 60.0, "pitch_deg": -22.5, "height_m": 1.5},
    "acoustics": {"sample_rate_hz": RATE, "indirect_ratio": 0.5},
}
SPLIT_OF = {"attic": "train", "barn": "val", "cellar": "test"}


def one_set(scene: str, index: int) -> dict[str, Any]:
    """Give a set of a listener in a 6 x 2.8 x 5 m room who turns, with two sources; rt60 0.1 s. The caller may change it."""
    return {name: value.copy() if isinstance(value, np.ndarray) else value for name, value in _made(scene, index).items()}


@cache
def _made(scene: str, index: int) -> dict[str, Any]:
    rng = np.random.default_rng([index, *scene.encode()])
    position = np.tile(rng.uniform((2, 1.5, 2), (4, 1.5, 3)), (VIEWS, 1)).astype(np.float32)
    heading = rng.uniform(0, 360, VIEWS).astype(np.float32)
    turn = rng.uniform(-np.pi, np.pi, SOURCES)
    reach = rng.uniform(1, 2, SOURCES)
    source = position[0] + np.stack([reach * np.cos(turn), rng.uniform(-0.5, 0.3, SOURCES), reach * np.sin(turn)], -1)
    source = source.astype(np.float32)
    offset = source[None].astype(np.float64) - position[:, None]
    distance = np.linalg.norm(offset, axis=-1)
    left = azimuth(offset, heading[:, None].astype(np.float64))
    direct = np.zeros((VIEWS, SOURCES, 2, DIRECT), np.float32)
    for (v, s), d in np.ndenumerate(distance):
        near = np.sin(np.deg2rad(left[v, s])) * np.array([1, -1])  # of each ear: 1 for a source on its side
        for ear in range(2):
            direct[v, s, ear, round((d / SPEED_OF_SOUND - 3e-4 * near[ear]) * RATE)] = (1 + 0.3 * near[ear]) / d
    decay = 10 ** (-3 * np.arange(INDIRECT) / RATE / 0.1)  # 60 dB in 0.1 s
    indirect = (0.05 * decay * rng.standard_normal((VIEWS, SOURCES, 2, INDIRECT))).astype(np.float32)
    mono = (0.1 * rng.standard_normal((SOURCES, SOUND))).astype(np.float32)
    level = np.sqrt(np.mean(mono.astype(np.float64) ** 2, -1))
    full = 0.5 * rounded(indirect).astype(np.float64)
    full[..., :DIRECT] += rounded(direct)
    audio = np.zeros((VIEWS, 2, SOUND))
    for v, s, e in np.ndindex(VIEWS, SOURCES, 2):
        audio[v, e] += np.convolve(rounded(mono[s]), full[v, s, e])[:SOUND]
    clips = [{"clip": f"noise{k}.wav", "start_s": 0.0, "rms": float(level[k]), "sha256": "ab" * 32} for k in range(SOURCES)]
    return {
        "set_id": f"{scene}/{index}",
        "rgb": rng.integers(0, 256, (VIEWS, HEIGHT, WIDTH, 3), dtype=np.uint8),
        "depth": rng.integers(1500, 3000, (VIEWS, HEIGHT, WIDTH), dtype=np.uint16),
        "instance": rng.integers(1, 5, (VIEWS, HEIGHT, WIDTH), dtype=np.uint16),
        "position": position,
        "heading": heading,
        "source_position": source,
        "azimuth": azimuth(offset, heading[:, None].astype(np.float64)).astype(np.float32),
        "elevation": elevation(offset).astype(np.float32),
        "distance": distance.astype(np.float32),
        "brir_direct": direct,
        "brir_indirect": indirect,
        "rt60": np.full((VIEWS, SOURCES, 2), 0.1, np.float32),
        "mono": mono,
        "audio": audio.astype(np.float32),
        "clips": json.dumps(clips),
    }


MOMENTS, FPS = 12, 10.0
WALK_SOUND = round(MOMENTS / FPS * RATE)


def one_walk(scene: str, index: int) -> dict[str, Any]:
    """Give a set of a listener who walks and turns, with two sources, one of which moves; the sound is not that of a room."""
    rng = np.random.default_rng([index, 7, *scene.encode()])
    time = (np.arange(MOMENTS) / FPS).astype(np.float32)
    position = (np.array([2.0 + 0.1 * index, 1.5, 2.0]) + time[:, None] * np.array([0.5, 0, 0.2])).astype(np.float32)
    heading = ((350 + 40 * time) % 360).astype(np.float32)
    source = np.repeat(np.array([[[3.0, 1.2, 0.5], [1.0, 1.6, 4.0]]]), MOMENTS, 0)
    source[:, 1, 0] += 0.6 * time
    source = source.astype(np.float32)
    rows, columns = np.mgrid[:HEIGHT, :WIDTH]
    shades = [np.stack([5 * columns + 3 * k, 7 * rows, 90 + 0 * rows], -1) for k in range(MOMENTS)]
    mono = (0.1 * rng.standard_normal((SOURCES, WALK_SOUND))).astype(np.float32)
    mono[1, : WALK_SOUND // 4] = 0
    level = np.sqrt(np.mean(mono.astype(np.float64) ** 2, -1))
    clips = [{"clip": f"noise{k}.wav", "start_s": 0.0, "rms": float(level[k]), "sha256": "ab" * 32} for k in range(SOURCES)]
    angle = {
        name: np.full(MOMENTS, value, np.float32) for name, value in (("hfov_deg", 60), ("pitch_deg", -22.5), ("roll_deg", 0))
    }
    tones = np.sin(2 * np.pi * np.array([[440.0], [660.0]]) * np.arange(WALK_SOUND) / RATE)
    return {
        "set_id": f"{scene}/{index}",
        **encode_pictures(np.uint8(shades)),
        "depth": rng.integers(1500, 3000, (MOMENTS, HEIGHT, WIDTH), dtype=np.uint16),
        "instance": rng.integers(1, 5, (MOMENTS, HEIGHT, WIDTH), dtype=np.uint16),
        "time": time,
        "position": position,
        "heading": heading,
        **angle,
        "source_position": source[0],
        "source_track": source,
        **source_directions(position, heading, source),
        "in_sight": np.ones((MOMENTS, SOURCES), np.uint8),
        "recording": ((0.2 + index) * tones).astype(np.float32),
        "mono": mono,
        "clips": json.dumps(clips),
    }


def build_walks(root: Path) -> Path:
    """Write a data set of two scenes with two walks each."""
    absent = json.dumps(dict.fromkeys(("rgb", "brir_direct", "brir_indirect", "rt60", "audio"), "a walk"))
    for scene in ("attic", "cellar"):
        write_shard(root, scene, [one_walk(scene, k) for k in range(2)], absent=absent)
    close_manifest(root)
    return root


def attributes_of(scene: str, split: str | None = None) -> dict[str, Any]:
    """Make a shard's root attributes."""
    return {
        "format": "sight-and-sound",
        "format_version": FORMAT_VERSION,
        "scene": scene,
        "scene_sha256": scene.encode().hex().ljust(64, "0"),
        "split": split or SPLIT_OF[scene],
        "sample_rate": RATE,
        "seed": 0,
        "settings": json.dumps(SETTINGS),
    }


def write_shard(
    root: Path, scene: str, sets: list[dict[str, Any]], number: int = 0, split: str | None = None, **attributes: Any
) -> Path:
    """Write a shard into a data set's folder."""
    path = root / "shards" / f"{scene}-{number:04d}.h5"
    with ShardWriter(path, {**attributes_of(scene, split), **attributes}) as shard:
        for one in sets:
            shard.add(one)
    return path


def close_manifest(root: Path) -> None:
    """Write the manifest over the shards that are in the folder."""
    shards = [describe_shard(p, root) for p in sorted((root / "shards").glob("*.h5"))]
    credits = {"clips": ["noise: CC0"], "hrtf": ["KEMAR: free for any use with citation"]}
    scenes = {s["scene"]: "CC BY 4.0, A. Builder" for s in shards}
    write_manifest(root, {"shards": shards, "settings": SETTINGS, "credits": credits, "scene_credits": scenes, "software": {}})


def build_set(root: Path, change: Callable[[dict[str, Any]], Any] | None = None) -> Path:
    """Write a data set of three scenes with two sets each; `change` may spoil set barn/1 in place."""
    for scene in SPLIT_OF:
        sets = [one_set(scene, k) for k in range(2)]
        if scene == "barn" and change is not None:
            change(sets[1])
        write_shard(root, scene, sets)
    close_manifest(root)
    return root


@pytest.fixture(autouse=True)
def own_cache(tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch) -> None:
    """Keep what the reader caches out of the user's home."""
    monkeypatch.setenv("SIGHT_AND_SOUND_CACHE", str(tmp_path_factory.mktemp("cache")))


@pytest.fixture(scope="session")
def s3_server() -> Iterator[str]:
    """Serve S3 on this machine alone: its address."""
    server = pytest.importorskip("moto.server").ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
    logging.getLogger("werkzeug").setLevel(logging.ERROR)
    server.start()
    host, port = server.get_host_and_port()
    yield f"http://{host}:{port}"
    server.stop()


@pytest.fixture
def bucket(s3_server: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> str:
    """Give the address of a new bucket; the environment leads to the local server, with keys of no worth."""
    s3fs = pytest.importorskip("s3fs")
    for name, value in (
        ("AWS_ACCESS_KEY_ID", "none"),
        ("AWS_SECRET_ACCESS_KEY", "none"),
        ("AWS_DEFAULT_REGION", "us-east-1"),
        ("AWS_ENDPOINT_URL", s3_server),
    ):
        monkeypatch.setenv(name, value)
    s3fs.S3FileSystem.clear_instance_cache()
    name = f"set-{tmp_path.name}".lower().replace("_", "-")[:60]
    s3fs.S3FileSystem().call_s3("create_bucket", Bucket=name)
    return f"s3://{name}"


@pytest.fixture(scope="session")
def good(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A good data set that no test may change; `data` is a copy of it."""
    return build_set(tmp_path_factory.mktemp("good") / "data")


@pytest.fixture
def data(good: Path, tmp_path: Path) -> Path:
    """A good data set: attic (train), barn (val), cellar (test), two sets each."""
    return Path(shutil.copytree(good, tmp_path / "data"))


@pytest.fixture(scope="session")
def make_set() -> Callable[..., dict[str, Any]]:
    """Give `one_set`."""
    return one_set


@pytest.fixture(scope="session")
def make_shard() -> Callable[..., Path]:
    """Give `write_shard`."""
    return write_shard


@pytest.fixture(scope="session")
def make_data() -> Callable[..., Path]:
    """Give `build_set`."""
    return build_set


@pytest.fixture(scope="session")
def make_manifest() -> Callable[[Path], None]:
    """Give `close_manifest`."""
    return close_manifest


@pytest.fixture(scope="session")
def make_walk() -> Callable[..., dict[str, Any]]:
    """Give `one_walk`."""
    return one_walk


@pytest.fixture(scope="session")
def walks(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A data set of walks that no test may change: attic (train) and cellar (test), two sets each."""
    return build_walks(tmp_path_factory.mktemp("walks") / "data")
