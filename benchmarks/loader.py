"""The data loader: training batches from shards, and from the same sets stored as one file per array.

    python -m benchmarks.loader --data data/slfm
    python -m benchmarks.loader --data data/slfm --preset paper --batches 8

The sets are written to a temporary folder as PNG (pictures, depth, instances), WAV (responses, dry sounds) and JSON. Batches
are read from these files in the usual way (decode, scale down, convolve, all in the loader), and from the shards as in
training (decoded once, convolved by FFT on the training device). Both yield the same batches, pictures at the networks' size
and binaural audio, alternately, in one thread on the CPU. Prints batches/s and bytes as ratios. Targets: shards are 10 times
as fast, and take half the bytes for the same fields. Exit status 1 where a target is missed.
"""

from __future__ import annotations

import argparse
import json
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from dataclasses import fields, replace
from pathlib import Path
from typing import Any

import numpy as np
import soundfile
import torch
from PIL import Image
from scipy.signal import oaconvolve
from tqdm import tqdm

from benchmarks.machine import describe
from dataset.command import exit_status
from dataset.format.schema import FIELDS
from dataset.reader import Dataset
from dataset.responses import full_response
from training.config import Settings, preset
from training.data.batches import Batches
from training.data.decode import shrink
from training.data.preload import Store, load
from training.data.render import render_sounds

TARGET_SPEED = 10.0
TARGET_BYTES = 0.5
PICTURES = ("rgb", "depth", "instance")
RESPONSES = ("brir_direct", "brir_indirect")
SOUNDS = ("mono", "audio")


def main(argv: Sequence[str] | None = None) -> int:
    """Run the benchmark; return 0 where the targets are met, 1 where not, 2 for wrong use."""
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks.loader", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--data", default="data/slfm", help="data set folder; default %(default)s")
    parser.add_argument("--split", default="train", help="split to read; default %(default)s")
    parser.add_argument("--preset", default="small", help="small or paper; default %(default)s")
    parser.add_argument("--set", action="append", default=[], metavar="KEY=VALUE", help="a setting of training/config.py")
    parser.add_argument("--sets", type=int, default=64, help="largest number of sets; default %(default)s")
    parser.add_argument("--batches", type=int, default=12, help="batches read in each way; default %(default)s")
    parser.add_argument(
        "--wav", default="FLOAT", choices=("FLOAT", "PCM_16"), help="sample format of the WAV files; default %(default)s"
    )
    options = parser.parse_args(argv)
    return exit_status(lambda: _run(options))


def _run(options: argparse.Namespace) -> int:
    settings = preset(options.preset, {}, options.set)
    moment = time.perf_counter()
    whole = load(options.data, options.split, settings)
    decode_s = (time.perf_counter() - moment) / len(whole)
    store = _first(whole, options.sets)
    data = Dataset(options.data, options.split)
    with tempfile.TemporaryDirectory() as folder:
        written = write_files(data, len(store), Path(folder), options.wav)
        held = shard_bytes(data, len(store))
        seconds = compare(store, Files(Path(folder), settings), settings, options.batches)
    size = min(settings.slfm.batch, len(store))
    print(describe())
    print(f"{len(store)} sets of {options.data}, preset {options.preset}, batches of {size} sets x {settings.views} views")
    speed = _print_speed(seconds, decode_s * size)
    share = _print_bytes(held, written)
    fast, small = speed >= TARGET_SPEED, share <= TARGET_BYTES
    print(f"target of speed (at least {TARGET_SPEED:g} times): {speed:.1f}, {'met' if fast else 'MISSED'}")
    print(f"target of size (at most {TARGET_BYTES:g} of the bytes): {share:.2f}, {'met' if small else 'MISSED'}")
    return 0 if fast and small else 1


def write_files(data: Dataset, count: int, root: Path, subtype: str = "FLOAT") -> dict[str, int]:
    """Write the first sets of a data set as one file per array, in a folder per set; return the bytes of each field.

    PNG: rgb 8 bits, depth and instance 16. WAV: brir_* for each view and source, mono for each source, audio for each view.
    JSON: everything else. `audio` is written for its size only; no loader reads it.
    """
    size = dict.fromkeys((*PICTURES, *RESPONSES, *SOUNDS, "all else"), 0)
    rate = int(data.manifest["settings"]["acoustics"]["sample_rate_hz"])
    for row in tqdm(range(count), desc="write files", unit="set"):
        folder = root / str(row)
        folder.mkdir()
        one = data[row]
        rest = {k: v if isinstance(v, str) else np.asarray(v).tolist() for k, v in one.items() if k not in size}
        (folder / "set.json").write_text(json.dumps({"sample_rate": rate, **rest}))
        size["all else"] += (folder / "set.json").stat().st_size
        for name in size:
            if name in PICTURES:
                for view, picture in enumerate(one[name]):
                    Image.fromarray(picture).save(path := folder / f"{name}-{view}.png")
                    size[name] += path.stat().st_size
            elif name in RESPONSES or name in SOUNDS:
                for place in np.ndindex(one[name].shape[: -2 if name != "mono" else -1]):
                    path = folder / f"{'-'.join((name, *map(str, place)))}.wav"
                    soundfile.write(path, one[name][place].T, rate, subtype=subtype)
                    size[name] += path.stat().st_size
    return size


class Files:
    """Reads training batches from one file per array."""

    def __init__(self, root: Path, settings: Settings) -> None:
        self.root, self.settings = root, settings

    def make(self, rows: np.ndarray, rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
        """Return a batch of sets: pictures (B, V, 3, h, w) uint8, and binaural audio (B, V, 2, L) float32."""
        made = [self._draw(int(row), rng) for row in rows]
        return np.stack([rgb for rgb, _ in made]), np.stack([sound for _, sound in made])

    def picture(self, row: int, view: int) -> np.ndarray:
        """Return a picture, decoded and scaled to the networks' size: (3, h, w) uint8."""
        with Image.open(self.root / str(row) / f"rgb-{view}.png") as file:
            rgb = np.asarray(file)
        return shrink(rgb, self.settings.picture.width_px, self.settings.picture.height_px).transpose(2, 0, 1)

    def binaural(self, row: int, view: int, source: int, start: int, rate: int) -> tuple[np.ndarray, np.ndarray]:
        """Return an excerpt of binaural audio (2, L) float64 with the reverberation of earlier sound, and its dry sound (L,)."""
        s, folder = self.settings.sound, self.root / str(row)
        clip, taps = round(s.clip_s * rate), round(s.response_s * rate)
        direct, _ = soundfile.read(folder / f"brir_direct-{view}-{source}.wav", frames=taps)
        response, _ = soundfile.read(folder / f"brir_indirect-{view}-{source}.wav", frames=taps)
        response = full_response(direct.T, response.T, s.indirect_ratio).T
        before = min(start, len(response) - 1)
        dry, _ = soundfile.read(folder / f"mono-{source}.wav", frames=before + clip, start=start - before)
        return oaconvolve(dry[None], response.T, axes=-1)[:, before : before + clip], dry[before:]

    def _draw(self, row: int, rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
        """Draw views, excerpts and a level as Batches does, for one source."""
        facts = json.loads((self.root / str(row) / "set.json").read_text())
        s, rate = self.settings.sound, int(facts["sample_rate"])
        views = [0, *rng.permutation(np.arange(1, len(facts["heading"])))[: self.settings.views - 1]]
        stretch = soundfile.info(self.root / str(row) / "mono-0.wav").frames
        sounds = []
        for view in views:
            start = int(rng.integers(stretch - round(s.clip_s * rate) + 1))
            wet, dry = self.binaural(row, view, 0, start, rate)
            sounds.append(wet * rng.uniform(s.min_rms, s.max_rms) / max(float(np.sqrt(np.mean(dry**2))), 1e-6))
        return np.stack([self.picture(row, view) for view in views]), np.stack(sounds).astype(np.float32)


def shard_bytes(data: Dataset, count: int) -> dict[str, int]:
    """Return the bytes in shards of the first sets of a data set by field, as `write_files` does.

    A shard of which only some sets are included counts in proportion.
    """
    size: dict[str, float] = dict.fromkeys((*PICTURES, *RESPONSES, *SOUNDS, "all else"), 0.0)
    for index, shard in enumerate(data.shards):
        used = min(count, int(shard["sets"]))
        count -= used
        share = used / int(shard["sets"])
        parts = {name: data.shard_file(index)[name].id.get_storage_size() for name in FIELDS if name in size}
        for name, held in {**parts, "all else": int(shard["bytes"]) - sum(parts.values())}.items():
            size[name] += share * held
    return {name: round(value) for name, value in size.items()}


def compare(store: Store, files: Files, settings: Settings, count: int) -> dict[str, float]:
    """Return the median seconds of a batch: from files, made from shards, made and convolved; timed alternately."""
    batches = Batches(store, settings, settings.slfm.batch, training=True)
    rng = np.random.default_rng((settings.seed, 41))
    ways: dict[str, Callable[[int], Any]] = {
        "files": lambda step: files.make(batches.rows(step), rng),
        "made": batches.make,
        "made and convolved": lambda step: render_sounds(batches.make(step)),
    }
    seconds: dict[str, list[float]] = {name: [] for name in ways}
    for step in tqdm(range(count + 1), desc="read batches", unit="batch"):
        for name, make in ways.items():
            moment = time.perf_counter()
            make(step)
            seconds[name].append(time.perf_counter() - moment)
    return {name: float(np.median(times[1:])) for name, times in seconds.items()}  # without the first, which warms up


def _first(store: Store, count: int) -> Store:
    values: dict[str, Any] = {f.name: getattr(store, f.name) for f in fields(store)}
    first: dict[str, Any] = {name: value[:count] for name, value in values.items() if isinstance(value, (list, np.ndarray))}
    return replace(store, **first)


def _print_speed(seconds: dict[str, float], decode_s: float) -> float:
    """Print batches/s; return the ratio of the loaders, without the convolution, which the training device does."""
    ways = {
        "files: decode, scale, convolve": seconds["files"],
        "shards: first epoch, with decoding": decode_s + seconds["made"],
        "shards: loader, ready for the device": seconds["made"],
        "shards: loader, then convolved here": seconds["made and convolved"],
    }
    print(f"{'':<38}{'batches/s':>10}{'ratio':>8}")
    for name, value in ways.items():
        print(f"{name:<38}{1 / value:>10.2f}{seconds['files'] / value:>8.1f}")
    return seconds["files"] / seconds["made"]


def _print_bytes(held: dict[str, int], written: dict[str, int]) -> float:
    """Print megabytes by field; return the ratio over all fields."""
    rows = {name: (held[name], written[name]) for name in held}
    without = [name for name in held if name != "audio"]
    rows["all but audio"] = (sum(held[n] for n in without), sum(written[n] for n in without))
    rows["all"] = (sum(held.values()), sum(written.values()))
    print(f"{'':<38}{'shards MB':>10}{'files MB':>10}{'ratio':>8}")
    for name, (ours, theirs) in rows.items():
        print(f"{name:<38}{ours / 1e6:>10.2f}{theirs / 1e6:>10.2f}{ours / max(theirs, 1):>8.2f}")
    return rows["all"][0] / rows["all"][1]


if __name__ == "__main__":
    torch.set_num_threads(1)
    sys.exit(main())
