"""A tiny data set made without the simulator: pictures of a painted sphere, and a ball's ears in free field with a faint tail."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from scipy.ndimage import gaussian_filter, map_coordinates
from torch import Tensor

from dataset.angles import azimuth, elevation, forward, leftward, wrap_180
from dataset.format.manifest import describe_shard, write_manifest
from dataset.format.schema import FORMAT_VERSION
from dataset.format.writer import ShardWriter
from training.data.preload import Store

RATE = 16000
SPEED_M_S, RADIUS_M = 343.2, 0.0875
VIEWS, SOURCES, HEIGHT, WIDTH, DIRECT, INDIRECT, SOUND = 3, 2, 48, 64, 384, 1600, 24000
CAMERA = {"width_px": WIDTH, "height_px": HEIGHT, "hfov_deg": 60.0, "pitch_deg": -22.5, "height_m": 1.5}
SETTINGS = {
    "seed": 0,
    "views": VIEWS,
    "sources": SOURCES,
    "camera": CAMERA,
    "sampling": {"motion": "rotation", "min_turn_deg": 10.0, "max_turn_deg": 50.0},
    "acoustics": {"sample_rate_hz": RATE, "indirect_ratio": 1.0},
}
SPLIT_OF = {"attic": "train", "barn": "val", "cellar": "test"}


def paint(rng: np.random.Generator) -> np.ndarray:
    """Paint a sphere: colours (720, 361, 3), two a degree of azimuth and elevation."""
    noise = rng.standard_normal((720, 361, 3))
    spots = sum(gaussian_filter(noise, (s, s, 0), mode="wrap") * s for s in (2.0, 6.0, 16.0))
    return np.clip(128 + 60 * spots / spots.std(), 0, 255)


def see(sphere: np.ndarray, heading_deg: float) -> np.ndarray:
    """Look at the sphere through the pitched camera: (H, W, 3) uint8."""
    half, pitch = np.tan(np.deg2rad(CAMERA["hfov_deg"] / 2)), np.deg2rad(CAMERA["pitch_deg"])
    x = ((np.arange(WIDTH) + 0.5) / WIDTH * 2 - 1)[None, :, None] * half
    y = (1 - (np.arange(HEIGHT) + 0.5) / HEIGHT * 2)[:, None, None] * half * HEIGHT / WIDTH
    ahead, up = forward(heading_deg), np.array([0.0, 1.0, 0.0])
    ray = np.cos(pitch) * ahead + np.sin(pitch) * up + y * (np.cos(pitch) * up - np.sin(pitch) * ahead)
    ray = ray - x * leftward(heading_deg)
    at = [azimuth(ray, 0.0) % 360 * 2, (elevation(ray) + 90) * 2]
    return np.stack([map_coordinates(sphere[..., c], at, order=1, mode="grid-wrap") for c in range(3)], -1).astype(np.uint8)


def hear(azimuth_deg: float, elevation_deg: float, distance_m: float) -> np.ndarray:
    """Give direct responses (2, DIRECT) of a ball: Woodworth's delay and a level that favours the near ear."""
    lateral = np.arcsin(np.sin(np.deg2rad(azimuth_deg)) * np.cos(np.deg2rad(elevation_deg)))
    later = RADIUS_M / SPEED_M_S * (lateral + np.sin(lateral)) / 2 * np.array([-1.0, 1.0])
    gain = 10 ** (6 * np.sin(lateral) * np.array([1.0, -1.0]) / 2 / 20) / distance_m
    turn = -2j * np.pi * np.fft.rfftfreq(DIRECT) * RATE * (distance_m / SPEED_M_S + later[:, None])
    return (gain[:, None] * np.fft.irfft(np.exp(turn), DIRECT)).astype(np.float32)


def one_set(scene: str, index: int, sphere: np.ndarray) -> dict[str, Any]:
    """Make a set of a listener who turns on the spot."""
    rng = np.random.default_rng([index, *scene.encode()])
    position = np.tile([3.0, 1.5, 2.5], (VIEWS, 1)).astype(np.float32)
    turns = rng.uniform(10, 50, VIEWS - 1) * rng.choice([-1, 1], VIEWS - 1)
    heading = ((rng.uniform(0, 360) + np.concatenate([[0], turns])) % 360).astype(np.float32)
    bearing, reach = rng.uniform(-np.pi, np.pi, SOURCES), rng.uniform(1, 2, SOURCES)
    source = position[0] + np.stack([reach * np.cos(bearing), rng.uniform(-0.3, 0.1, SOURCES), reach * np.sin(bearing)], -1)
    offset = source.astype(np.float32)[None].astype(np.float64) - position[:, None]
    distance, angle, above = np.linalg.norm(offset, axis=-1), azimuth(offset, heading[:, None].astype(float)), elevation(offset)
    direct = np.zeros((VIEWS, SOURCES, 2, DIRECT), np.float32)
    for v, s in np.ndindex(VIEWS, SOURCES):
        direct[v, s] = hear(angle[v, s], above[v, s], distance[v, s])
    decay = 10 ** (-3 * np.arange(INDIRECT) / RATE / 0.1)  # 60 dB in 0.1 s
    indirect = (0.01 * decay * rng.standard_normal((VIEWS, SOURCES, 2, INDIRECT))).astype(np.float32)
    mono = (0.1 * rng.standard_normal((SOURCES, SOUND))).astype(np.float32)
    full = indirect.astype(float)
    full[..., :DIRECT] += direct
    audio = np.zeros((VIEWS, 2, SOUND))
    for v, s, e in np.ndindex(VIEWS, SOURCES, 2):
        audio[v, e] += np.convolve(mono[s], full[v, s, e])[:SOUND]
    level = np.sqrt(np.mean(mono.astype(float) ** 2, -1))
    clips = [{"clip": f"noise{k}.wav", "start_s": 0.0, "rms": float(level[k]), "sha256": "ab" * 32} for k in range(SOURCES)]
    return {
        "set_id": f"{scene}/{index}",
        "rgb": np.stack([see(sphere, float(h)) for h in heading]),
        "depth": np.full((VIEWS, HEIGHT, WIDTH), 2000, np.uint16),
        "instance": np.ones((VIEWS, HEIGHT, WIDTH), np.uint16),
        "position": position,
        "heading": heading,
        "source_position": source.astype(np.float32),
        "azimuth": angle.astype(np.float32),
        "elevation": above.astype(np.float32),
        "distance": distance.astype(np.float32),
        "brir_direct": direct,
        "brir_indirect": indirect,
        "rt60": rng.uniform(0.09, 0.11, (VIEWS, SOURCES, 2)).astype(np.float32),
        "mono": mono,
        "audio": audio.astype(np.float32),
        "clips": json.dumps(clips),
    }


def write_data(root: Path, sets: int = 4) -> Path:
    """Write a data set of three scenes (attic: train, barn: val, cellar: test), each with `sets` sets."""
    for scene, split in SPLIT_OF.items():
        sphere = paint(np.random.default_rng(len(scene)))
        attributes = {
            "format": "sight-and-sound", "format_version": FORMAT_VERSION, "scene": scene, "split": split,
            "scene_sha256": scene.encode().hex().ljust(64, "0"), "sample_rate": RATE, "seed": 0,
            "settings": json.dumps(SETTINGS),
        }  # fmt: skip
        with ShardWriter(root / "shards" / f"{scene}-0000.h5", attributes) as shard:
            for index in range(sets):
                shard.add(one_set(scene, index, sphere))
    shards = [describe_shard(p, root) for p in sorted((root / "shards").glob("*.h5"))]
    write_manifest(root, {"shards": shards, "settings": SETTINGS, "credits": {"clips": ["noise: CC0"]}, "software": {}})
    return root


@pytest.fixture(scope="session")
def tiny_data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Give a data set of 3 scenes x 4 sets x 3 views x 2 sources, 64 x 48 pixels, 1.5 s of sound; do not change it."""
    return write_data(tmp_path_factory.mktemp("tiny"))


@pytest.fixture(scope="session")
def make_tiny_data() -> Callable[..., Path]:
    """Give `write_data`, for tests that spoil a data set or want another number of sets."""
    return write_data


CODED_DB = 10.0


def coded_world(sets: int = 32, views: int = 4, seed: int = 0) -> Store:
    """Make a store in which 10 dB x sin(azimuth) is the level difference between the ears, exactly, and nothing else is heard.

    Heads turn by 10 to 50 degrees from the first view, on the spot, before a painted sphere; two sources each.
    """
    rng = np.random.default_rng((seed, 77))
    turns = rng.uniform(10, 50, (sets, views)) * rng.choice([-1, 1], (sets, views))
    turns[:, 0] = 0
    heading = (rng.uniform(0, 360, (sets, 1)) + turns) % 360
    angle = wrap_180(rng.uniform(-180, 180, (sets, 1, SOURCES)) - heading[..., None])
    half = CODED_DB * np.sin(np.deg2rad(angle)) / 2
    direct = np.zeros((sets, views, SOURCES, 2, 1), np.float16)
    direct[..., 0] = 10 ** (np.stack([half, -half], -1) / 20)
    sphere = paint(rng)
    rgb = np.stack([[see(sphere, float(h)).transpose(2, 0, 1) for h in one] for one in heading])
    mono = (0.1 * rng.standard_normal((sets, SOURCES, 12000))).astype(np.float16)
    return Store(
        [f"coded/{k}" for k in range(sets)], rgb, heading.astype(np.float32), angle.astype(np.float32), direct,
        np.zeros((sets, views, SOURCES, 2, 1), np.float16), mono, RATE, "coded",
    )  # fmt: skip


class Knowing:
    """Answers as a perfect localiser of a coded world would that cannot tell front from back; turns pass through `bend`."""

    def __init__(self, store: Store, bend: Callable[[Tensor], Tensor] = lambda turn: turn, sign: float = 1.0) -> None:
        self.bend, self.rotation_sign = bend, torch.tensor(sign)
        pictures = zip(store.rgb.reshape(-1, *store.rgb.shape[2:]), store.heading.ravel(), strict=True)
        self.heading = {rgb.tobytes(): float(heading) for rgb, heading in pictures}

    def azimuth(self, sound: Tensor) -> Tensor:
        """Give lateral angles in radians: (B, V, 2, L) -> (B, V)."""
        power = sound.square().mean(-1)
        return torch.asin((10 * torch.log10(power[..., 0] / power[..., 1]) / CODED_DB).clamp(-1, 1))

    def azimuth_swapped(self, sound: Tensor) -> tuple[Tensor, Tensor]:
        """Give lateral angles of sounds as they are and with exchanged ears: (B, V, 2, L) -> twice (B, V)."""
        return self.azimuth(sound), self.azimuth(sound.flip(2))

    def rotation(self, rgb: Tensor, source: Tensor, target: Tensor) -> Tensor:
        """Give turns in radians: (B, V, 3, h, w), (P,), (P,) -> (B, P)."""
        seen = ((rgb + 1) * 127.5).round().to(torch.uint8).numpy()
        heading = torch.tensor([[self.heading[view.tobytes()] for view in one] for one in seen])
        return self.bend(torch.deg2rad(torch.as_tensor(wrap_180(heading[:, target] - heading[:, source]))))


@pytest.fixture(scope="session")
def coded() -> Store:
    """Give a world whose sounds and pictures tell all angles, 32 sets x 4 views x 2 sources; do not change it."""
    return coded_world()


@pytest.fixture(scope="session")
def knowing() -> type[Knowing]:
    """Give `Knowing`, which stands for a trained localiser."""
    return Knowing
