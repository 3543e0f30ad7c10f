"""docs/python.md: its snippets run as they stand, and its shoebox agrees with the image method."""

import importlib.util
import re
import shutil
from pathlib import Path

import numpy as np
import pyroomacoustics as pra
import pytest
import soundfile

import simulator
from simulator.acoustics.air import attenuation, speed_of_sound
from simulator.acoustics.room_metrics import decay_time

GUIDE = Path(__file__).parents[2] / "docs" / "python.md"
SNIPPETS = re.findall(r"```python\n(.*?)```", GUIDE.read_text(), re.DOTALL)


def run(code, names):
    exec(compile(code, str(GUIDE), "exec"), names)
    return names


@pytest.mark.slow
def test_every_snippet(tmp_path, monkeypatch, tiny_scenes, tiny_data):
    monkeypatch.chdir(tmp_path)
    shutil.copy(tiny_scenes / "alpha.glb", "house.glb")
    soundfile.write("speech.wav", np.random.default_rng(0).normal(0, 0.1, 8000), 22050)
    Path("data").mkdir()
    shutil.copytree(tiny_data, "data/slfm")
    names: dict = {"__name__": "guide"}
    for code in SNIPPETS:
        if "import lightning" not in code or importlib.util.find_spec("lightning"):
            run(code, names)
    assert names["heard"].shape[:2] == (1, 2)
    assert {"heard.wav", "house.sofa"} <= {p.name for p in tmp_path.iterdir()}
    assert names["batch"]["rgb"].shape[1:] == (2, 24, 32, 3)


@pytest.mark.slow
def test_the_lightning_data_module_feeds_a_trainer(tmp_path, monkeypatch, tiny_data):
    lightning = pytest.importorskip("lightning")
    import torch

    monkeypatch.chdir(tmp_path)
    Path("data").mkdir()
    shutil.copytree(tiny_data, "data/slfm")
    code = [code for code in SNIPPETS if "torch.utils.data" in code or "import lightning" in code]
    rooms = run("\n".join(code), {"__name__": "guide"})["Rooms"]()
    shapes = []

    class Loudness(lightning.LightningModule):
        def __init__(self):
            super().__init__()
            self.layer = torch.nn.Linear(2, 1)

        def training_step(self, batch, _):
            shapes.append((batch["rgb"].shape[1:], batch["audio"].shape[1:3], batch["azimuth"].shape[1:]))
            return self.layer(batch["audio"].square().mean(-1)).square().mean()

        def configure_optimizers(self):
            return torch.optim.SGD(self.parameters(), 0.1)

    trainer = lightning.Trainer(
        max_steps=1, limit_val_batches=0, accelerator="cpu", logger=False, enable_checkpointing=False, enable_progress_bar=False
    )
    trainer.fit(Loudness(), datamodule=rooms)
    assert trainer.global_step == 1
    assert shapes == [((2, 24, 32, 3), (2, 2), (2, 1))]


def image_method_t30(size, absorption, listener, source, reach_s, band):
    """T30, s, of all image sources of a box (pyroomacoustics) with the air's absorption of a band."""
    speed = speed_of_sound(20.0)
    order = int(np.ceil(reach_s * speed * np.linalg.norm(1 / np.asarray(size)))) + 3
    room = pra.ShoeBox(size, fs=16000, materials=pra.Material(absorption), max_order=order, air_absorption=False)
    room.add_source(source)
    room.add_microphone(listener)
    room.image_source_model()
    distance = np.linalg.norm(room.sources[0].images.T - listener, axis=1)
    energy = (room.sources[0].damping[0] / distance) ** 2 * np.exp(-attenuation(20.0, 50.0)[band] * distance)
    echogram = np.bincount((distance / speed * 1000).astype(int), energy)[: round(reach_s * 1000)]
    left = np.cumsum(echogram[::-1])[::-1]
    return float(decay_time(10 * np.log10(left / left[0]), 1e-3, -5, -35))


def test_the_shoebox_of_at_most_ten_lines_decays_as_the_image_method_says():
    assert len(SNIPPETS[0].strip().splitlines()) <= 10
    names = run(SNIPPETS[0], {})
    centre = np.array([3, 1.4, 2.5])
    for band in (2, 3, 4):
        expected = image_method_t30((6, 2.8, 5), 0.3, centre + (1.1, 0.1, 0.9), centre + (-1.3, -0.2, -0.9), 1.0, band)
        found = names["t30"][..., band].mean()
        print(simulator.band_centres(16000)[band], found, expected)
        assert found == pytest.approx(expected, rel=0.05)
