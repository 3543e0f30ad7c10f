"""What a split must hold to be trained on: finite values, sound, the networks' rate; each refusal is one line."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import h5py
import numpy as np
import pytest
import soxr
import torch

from dataset.format.manifest import describe_shard, write_manifest
from dataset.format.writer import ShardWriter
from dataset.reader import Dataset
from training.config import Settings, preset
from training.data.batches import Batches
from training.data.decode import RATE_HZ, resampled
from training.data.preload import load
from training.data.render import render_batch
from training.errors import InputError
from training.evaluation.examples import Examples, ExampleSettings
from training.networks.spectra import louder_left
from training.run import main
from training.tasks.pretext import Pretext

RATE = 48000
SPLIT_OF = {"train": "attic", "val": "barn", "test": "cellar"}


def settings(*assignments: str) -> Settings:
    return preset("small", {"picture.width_px": 64, "picture.height_px": 48, "sound.clip_s": 0.5}, assignments)


def resample(sound: np.ndarray, gain: float = 1.0) -> np.ndarray:
    flat = np.ascontiguousarray(sound.reshape(-1, sound.shape[-1]).T, np.float64)
    return (gain * soxr.resample(flat, RATE_HZ, RATE, quality="VHQ").T.reshape(*sound.shape[:-1], -1)).astype(np.float32)


@pytest.fixture(scope="module")
def fast(tiny_data: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Give the tiny data set at 48 kHz: the same sounds and responses, a third as much for each sample."""
    root = tmp_path_factory.mktemp("fast")
    manifest = json.loads((tiny_data / "manifest.json").read_text())
    made = manifest["settings"] | {"acoustics": manifest["settings"]["acoustics"] | {"sample_rate_hz": RATE}}
    for split, scene in SPLIT_OF.items():
        data = Dataset(tiny_data, split)
        with h5py.File(tiny_data / "shards" / f"{scene}-0000.h5") as file:
            attributes = dict(file.attrs) | {"sample_rate": RATE, "settings": json.dumps(made)}
        with ShardWriter(root / "shards" / f"{scene}-0000.h5", attributes) as shard:
            for row in range(len(data)):
                one = data[row]
                gains = {"mono": 1.0, "audio": 1.0, "brir_direct": 1 / 3, "brir_indirect": 1 / 3}
                shard.add(one | {name: resample(one[name], gain) for name, gain in gains.items()})
    shards = [describe_shard(p, root) for p in sorted((root / "shards").glob("*.h5"))]
    write_manifest(root, {"shards": shards, "settings": made, "credits": manifest["credits"], "software": {}})
    return root


def test_data_of_48_khz_sound_as_at_16_khz_in_training(tiny_data: Path, fast: Path) -> None:
    stores = [load(str(root), "train", settings(), quiet=True) for root in (tiny_data, fast)]
    assert [s.sample_rate for s in stores] == [RATE_HZ, RATE_HZ] and stores[0].mono.shape == stores[1].mono.shape
    slow, quick = (render_batch(Batches(s, settings(), 4, training=False).make(0)).sound for s in stores)
    assert slow.shape == quick.shape == (4, 3, 2, 8000)
    # The last few percent below 8 kHz are lost on the way up and down again.
    power = [float(s.square().mean()) for s in (slow, quick)]
    apart = float((slow - quick).square().mean()) / power[0]
    assert power[1] == pytest.approx(power[0], rel=0.03) and apart < 0.1
    below_7_khz = [torch.fft.rfft(s)[..., :3500] for s in (slow, quick)]
    assert float((below_7_khz[0] - below_7_khz[1]).abs().square().mean() / below_7_khz[0].abs().square().mean()) < 0.02
    assert torch.equal(louder_left(slow), louder_left(quick))


def test_resampling_keeps_a_tone_and_the_area_of_a_response() -> None:
    time = np.arange(RATE) / RATE
    tone = np.sin(2 * np.pi * 440 * time)[None].astype(np.float32)
    np.testing.assert_allclose(resampled(tone, RATE)[0, 500:-500], tone[0, ::3][500:-500], atol=1e-3)
    pulse = np.zeros((2, 3, 3000), np.float32)
    pulse[1, 2, 1500] = 1
    assert resampled(pulse, RATE).shape == (2, 3, 1000) and 3 * resampled(pulse, RATE)[1, 2].sum() == pytest.approx(1, abs=1e-3)


@pytest.fixture
def spoilt(tiny_data: Path, tmp_path: Path) -> Callable[..., Path]:
    """Give a function that copies the tiny data set and writes a value into all of one field of one set."""

    def spoil(split: str, field: str, value: float, row: int = 1) -> Path:
        root = tmp_path / "spoilt"
        shutil.copytree(tiny_data, root)
        with h5py.File(root / "shards" / f"{SPLIT_OF[split]}-0000.h5", "r+") as file:
            content = file[field][row]
            content[...] = value
            file[field][row] = content
        manifest = json.loads((root / "manifest.json").read_text())
        manifest["shards"] = [describe_shard(p, root) for p in sorted((root / "shards").glob("*.h5"))]
        (root / "manifest.json").write_text(json.dumps(manifest))
        return root

    return spoil


@pytest.mark.parametrize(("split", "field"), [("train", "brir_direct"), ("val", "mono"), ("test", "azimuth")])
def test_values_that_are_not_finite_are_refused(spoilt: Callable[..., Path], split: str, field: str) -> None:
    root = spoilt(split, field, np.nan)
    message = f"set {SPLIT_OF[split]}/1: {field} holds values that are not finite; find all such sets with "
    with pytest.raises(InputError, match=f"{message}python -m dataset.verify, delete their shards, and render again$") as caught:
        load(str(root), split, settings(), quiet=True)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("split", ["train", "val"])
def test_a_split_without_a_moment_of_sound_is_refused(spoilt: Callable[..., Path], split: str) -> None:
    with pytest.raises(InputError, match=rf"set {SPLIT_OF[split]}/1: a dry sound is silent from end to end"):
        load(str(spoilt(split, "mono", 0.0)), split, settings(), quiet=True)


@pytest.mark.parametrize(("field", "value"), [("brir_indirect", np.nan), ("azimuth", np.nan), ("heading", np.inf), ("mono", 0.0)])
def test_a_spoilt_test_split_does_not_reach_the_report(spoilt: Callable[..., Path], field: str, value: float) -> None:
    examples = Examples(Dataset(spoilt("test", field, value), "test"), ExampleSettings(clip_s=0.3))
    with pytest.raises(InputError, match=rf"set cellar/1: .*{'silent' if field == 'mono' else field}") as caught:
        examples.clips(np.arange(len(examples.sounds.row))) if field != "heading" else examples.pairs
    assert "\n" not in str(caught.value)


def test_a_run_stops_with_one_line_at_a_spoilt_split(
    spoilt: Callable[..., Path], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    command = [
        "--data",
        str(spoilt("val", "brir_direct", np.nan)),
        "--out",
        str(tmp_path / "run"),
        "--preset",
        "small",
        "--quiet",
    ]
    assert main([*command, "--set", "sound.clip_s=0.25"]) == 2
    told = capsys.readouterr().err
    assert told.startswith("error: set barn/1: brir_direct holds values that are not finite") and told.count("\n") == 1


@pytest.mark.parametrize("task", ["m2b", "l2r"])
@pytest.mark.parametrize("clip_s", [0.3, 1.0])
def test_the_published_networks_take_clips_of_any_length(task: str, clip_s: float) -> None:
    sizes = {"picture.width_px": 64, "picture.height_px": 48, "sound.clip_s": clip_s, "pretext.task": task}
    torch.manual_seed(0)
    pretext = Pretext(preset("paper", sizes)).eval()
    sound = 0.1 * torch.randn(2, 2, round(clip_s * RATE_HZ), generator=torch.Generator().manual_seed(0))
    condition = torch.zeros(2, 2 * pretext.encoders.size)
    with torch.no_grad():
        assert all(torch.isfinite(v) for v in pretext.losses(sound, condition).values())
        assert pretext.binaural(sound, condition).shape == sound.shape


def test_l2r_with_the_small_decoder_is_refused() -> None:
    with pytest.raises(InputError, match=r"pretext.task is 'l2r', which needs the U-Net of network.kind=paper"):
        preset("small", {"pretext.task": "l2r"})
    assert preset("small", {"pretext.task": "l2r", "network.kind": "paper"}).pretext.task == "l2r"


def test_digests_tell_data_and_clips_apart(tiny_data: Path, fast: Path) -> None:
    digests = {load(str(root), split, settings(), True).digest for root in (tiny_data, fast) for split in ("train", "val")}
    assert len(digests) == 4 and all(len(d) == 64 for d in digests)
    assert load(str(tiny_data), "train", replace(settings(), seed=9), True).digest in digests


def test_reading_prints_few_lines_into_a_log(tiny_data: Path, capsys: pytest.CaptureFixture[str]) -> None:
    load(str(tiny_data), "train", preset("small"), quiet=False)
    error = capsys.readouterr().err
    lines = [line for line in error.splitlines() if line]
    assert "\r" not in error and 1 <= len(lines) <= 2 and lines[-1].startswith("read train: 100%")
