"""The pretrained networks answer without a run, for views and sounds of a scene they were not trained on."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

import simulator
from training.evaluation.learned import load_predictor
from training.models import PRETRAINED
from training.predict import main, split_run

SCENE = Path(__file__).parents[2] / "scenes" / "apartment-0050.glb"
MOST_BYTES = 8e6


def test_they_are_small_and_described() -> None:
    assert PRETRAINED.stat().st_size < MOST_BYTES
    card = PRETRAINED.with_name("README.md").read_text()
    assert "CC0" in card and "python -m training.export" in card


def test_a_run_is_a_folder_or_a_checkpoint(tmp_path: Path) -> None:
    a, b = Path("a.jpg"), Path("b.jpg")
    assert split_run([a, b]) == (PRETRAINED, [a, b])
    assert split_run([tmp_path, a, b]) == (tmp_path, [a, b])
    assert split_run([Path("x/slfm.pt"), a]) == (Path("x/slfm.pt"), [a])
    assert split_run([Path("runs/none"), a]) == (Path("runs/none"), [a])  # a mistyped run is reported as one


def test_views_of_a_scene_that_turn(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    scene = simulator.load_scene(SCENE)
    place = scene.bounds.mean(0) * [1, 0, 1] + [0, 1.5, 0]
    first, second = simulator.render_views(scene, place, [100.0, 125.0]).rgb
    paths = [tmp_path / "before.png", tmp_path / "after.png"]
    for path, picture in zip(paths, (first, second), strict=True):
        Image.fromarray(picture).save(path)
    assert main([str(p) for p in paths] + ["--hfov", "60"]) == 0
    assert "to the left of" in capsys.readouterr().out
    network = load_predictor(PRETRAINED)
    assert network.rotation(first[None], second[None])[0] == pytest.approx(25.0, abs=6.0)
    assert network.rotation(second[None], first[None])[0] == pytest.approx(-25.0, abs=6.0)


def test_sounds_in_a_room(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    scene = simulator.load_scene(SCENE)
    place = scene.bounds.mean(0) * [1, 0, 1] + [0, 1.5, 0]
    side = np.array([np.sin(np.deg2rad(50)), 0.0, np.cos(np.deg2rad(50))])
    brirs = simulator.simulate_brirs(scene, place, 0.0, place - side, quality="draft")  # 50 degrees to the left, in front
    clip = 0.1 * np.random.default_rng(0).standard_normal(16000)
    simulator.write_wav(tmp_path / "sound.wav", simulator.convolve(brirs, clip, ratio=0.2)[0], brirs.sample_rate)
    assert main([str(tmp_path / "sound.wav"), "--out", str(tmp_path)]) == 0
    assert "full circle" in capsys.readouterr().out
    heard = simulator.convolve(brirs, clip, ratio=0.2)
    assert load_predictor(PRETRAINED).azimuth(heard, 16000)[0] == pytest.approx(50.0, abs=8.0)
