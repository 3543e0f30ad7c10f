"""Photographs: each effect against its physics, in linear light; draws depend on seed, stage, epoch and set alone."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch

from training.config import PictureSettings, Settings, preset
from training.data.batches import Batches
from training.data.photograph import Camera, draw_camera, falloff, photograph, photographs
from training.data.preload import Store, load
from training.errors import InputError

EFFECTS = {
    "exposure_stops": 1.0, "white_balance_stops": 0.5, "vignetting_stops": 1.5, "blur_px": 1.0, "sensor_noise": 0.05,
    "jpeg_quality": 30,
}  # fmt: skip


def rng() -> np.random.Generator:
    return np.random.default_rng(0)


def flat(level: int) -> np.ndarray:
    return np.full((3, 72, 96), level, np.uint8)


def noisy_picture() -> np.ndarray:
    return rng().integers(0, 256, (3, 72, 96)).astype(np.uint8)


def light(level: np.ndarray) -> np.ndarray:
    """Linear light of sRGB levels, by its definition."""
    v = np.asarray(level, float) / 255
    return np.where(v <= 0.04045, v / 12.92, ((v + 0.055) / 1.055) ** 2.4)


def test_a_camera_without_flaws_changes_nothing() -> None:
    picture = noisy_picture()
    np.testing.assert_array_equal(photograph(picture, Camera(), rng()), picture)
    np.testing.assert_array_equal(photograph(picture, Camera(vignetting_stops=1e-6), rng()), picture)  # through linear light


@pytest.mark.parametrize("level", [20, 60, 118])
@pytest.mark.parametrize("stops", [-1.5, -1.0, 0.5, 1.0])
def test_exposure_scales_linear_light(level: int, stops: float) -> None:
    taken = photograph(flat(level), Camera(gain_stops=(stops,) * 3), rng())
    assert np.ptp(taken) == 0
    step = light(taken.max() + 1) - light(taken.max())
    assert light(taken).mean() == pytest.approx(2**stops * light(level), abs=0.51 * step)


def test_light_beyond_full_scale_is_clipped() -> None:
    assert (photograph(flat(200), Camera(gain_stops=(2.0,) * 3), rng()) == 255).all()


def test_white_balance_is_a_gain_of_each_channel() -> None:
    taken = photograph(flat(100), Camera(gain_stops=(0.5, 0.0, -0.5)), rng())
    ratio = light(taken).mean((1, 2)) / light(100)
    assert ratio == pytest.approx([2**0.5, 1.0, 2**-0.5], rel=0.02)


@pytest.mark.parametrize("stops", [0.5, 1.0, 2.0])
def test_vignetting_is_the_fourth_power_of_the_cosine(stops: float) -> None:
    factor = falloff(73, 97, stops)
    assert factor[36, 48] == 1.0
    assert factor[0, 0] == pytest.approx(2**-stops, rel=1e-5) and factor[-1, -1] == pytest.approx(2**-stops, rel=1e-5)
    corner = np.arccos(2 ** (-stops / 4))  # the angle from the axis that loses so much
    for row, column in ((36, 0), (0, 48), (10, 70)):
        radius = np.hypot(row - 36, column - 48) / np.hypot(36, 48)
        assert factor[row, column] == pytest.approx(np.cos(np.arctan(radius * np.tan(corner))) ** 4, rel=1e-5)
    taken = photograph(flat(128), Camera(vignetting_stops=stops), rng())
    assert light(taken[0, 0, 0]) == pytest.approx(light(128) * falloff(72, 96, stops)[0, 0], rel=0.02)


@pytest.mark.parametrize("noise", [0.01, 0.05, 0.1])
def test_noise_has_the_asked_standard_deviation_and_no_bias(noise: float) -> None:
    taken = photograph(flat(128), Camera(noise=noise), rng()).astype(float)
    expected = np.hypot(255 * noise, np.sqrt(1 / 12))  # and rounding's
    assert taken.std() == pytest.approx(expected, rel=0.02)
    assert taken.mean() == pytest.approx(128, abs=0.3)
    assert abs(np.corrcoef(taken[0].ravel(), taken[1].ravel())[0, 1]) < 0.05


def test_blur_is_gaussian_and_keeps_the_light() -> None:
    picture = flat(0)
    picture[:, 36, 48] = 255
    taken = light(photograph(picture, Camera(blur_px=1.5), rng())[0])
    assert taken.sum() == pytest.approx(1.0, rel=0.03)
    y, x = np.mgrid[:72, :96]
    assert (taken * (x - 48) ** 2).sum() / taken.sum() == pytest.approx(1.5**2, rel=0.08)
    assert (taken * (y - 36) ** 2).sum() / taken.sum() == pytest.approx(1.5**2, rel=0.08)
    np.testing.assert_array_equal(photograph(flat(90), Camera(blur_px=3.0), rng()), flat(90))  # borders too


def test_jpeg_errs_more_the_lower_its_quality() -> None:
    y, x = np.mgrid[:72, :96]
    picture = np.stack([128 + 60 * np.sin(x / 3), 128 + 60 * np.cos(y / 4), 128 + 60 * np.sin((x + y) / 5)]).astype(np.uint8)
    error = [
        np.sqrt(np.mean((photograph(picture, Camera(jpeg_quality=q), rng()).astype(float) - picture) ** 2)) for q in (95, 60, 20)
    ]
    assert 0 < error[0] < error[1] < error[2] < 40


@pytest.mark.parametrize("name", EFFECTS)
def test_one_effect_alone_is_what_it_is_among_all(name: str) -> None:
    """Settings only scale the draws: a measurement of one effect and of all of them differ in nothing else."""
    alone, among = (draw_camera(PictureSettings(**values), rng()) for values in ({name: EFFECTS[name]}, EFFECTS))
    fields = {"exposure_stops": "gain_stops", "white_balance_stops": "gain_stops", "sensor_noise": "noise"}
    if name.startswith(("exposure", "white")):
        assert any(alone.gain_stops)
    else:
        field = fields.get(name, name)
        assert getattr(alone, field) == getattr(among, field) != getattr(Camera(), field)


def test_draws_fill_their_ranges_in_the_asked_share_of_the_pictures() -> None:
    settings, generator = PictureSettings(jitter_share=0.8, **EFFECTS), rng()
    cameras = [draw_camera(settings, generator) for _ in range(2000)]
    drawn = [c for c in cameras if c != Camera()]
    assert len(drawn) / len(cameras) == pytest.approx(0.8, abs=0.03)
    stops = np.array([c.gain_stops for c in drawn])
    assert stops[:, 1].min() == pytest.approx(-1, abs=0.02) and stops[:, 1].max() == pytest.approx(1, abs=0.02)
    red, blue = stops[:, 0] - stops[:, 1], stops[:, 2] - stops[:, 1]
    assert abs(red).max() == pytest.approx(0.5, abs=0.01) and abs(np.corrcoef(red, blue)[0, 1]) < 0.1
    for field, most in (("vignetting_stops", 1.5), ("blur_px", 1.0), ("noise", 0.05)):
        values = np.array([getattr(c, field) for c in drawn])
        assert values.min() < 0.02 * most and values.max() > 0.98 * most and values.max() <= most
        assert values.mean() == pytest.approx(most / 2, rel=0.06)
    assert {c.jpeg_quality for c in drawn} == set(range(30, 96))


def settings(*assignments: str) -> Settings:
    return preset("small", {"picture.width_px": 64, "picture.height_px": 48, "sound.clip_s": 0.5, "seed": 5}, assignments)


@pytest.fixture(scope="module")
def store(tiny_data: Path) -> Store:
    return load(str(tiny_data), "train", settings(), quiet=True)


ON = tuple(f"picture.{name}={value}" for name, value in EFFECTS.items())


def test_pictures_depend_on_seed_stage_epoch_and_set_alone(store: Store) -> None:
    batches = Batches(store, settings(*ON), 4, training=True, tag=1)
    first = batches.make(2)
    assert torch.equal(first.rgb, Batches(store, settings(*ON), 4, training=True, tag=1).make(2).rgb)
    halves = [Batches(store, settings(*ON), 4, True, rank, 2, tag=1).make(2).rgb for rank in (0, 1)]
    assert torch.equal(torch.stack(halves, 1).flatten(0, 1), first.rgb)
    for other in (Batches(store, settings(*ON), 4, True, tag=2), Batches(store, settings(*ON, "seed=6"), 4, True, tag=1)):
        assert not torch.equal(other.make(2).rgb, first.rgb)
    fixed = (*ON, "mirror=false", "picture.recolor=false")
    epochs = [Batches(store, settings(*fixed), 4, training=True).make(epoch) for epoch in (0, 1)]
    a, b = (e.rgb[e.row.argsort()][:, 0] for e in epochs)  # the first view is always the set's first
    assert not torch.equal(a, b)


def test_nothing_else_of_a_batch_changes(store: Store) -> None:
    plain, taken = (Batches(store, settings(*more), 4, training=True).make(1) for more in ((), ON))
    assert not torch.equal(plain.rgb, taken.rgb)
    for name in ("row", "color", "dry", "response", "noise", "own_noise", "pictures_withheld", "heading", "azimuth"):
        assert torch.equal(getattr(plain, name), getattr(taken, name)), name


def test_views_are_taken_by_different_cameras() -> None:
    rgb = np.stack([flat(100)] * 8)
    taken = photographs(rgb, PictureSettings(exposure_stops=2.0, jitter_share=1.0), rng())
    assert len({int(view.max()) for view in taken}) >= 6
    assert photographs(rgb, PictureSettings(), rng()) is rgb


def test_evaluation_sees_the_pictures_as_they_are(store: Store) -> None:
    np.testing.assert_array_equal(Batches(store, settings(*ON), 4, training=False).make(0).rgb, store.rgb[:, :3])


@pytest.mark.parametrize("text", ["exposure_stops=-1", "jpeg_quality=96", "sensor_noise=2", "blur_px=-0.1", "jitter_share=1.1"])
def test_settings_out_of_range_are_refused(text: str) -> None:
    with pytest.raises(InputError, match=rf"^setting picture\.{text.split('=')[0]} is [^\n]*expected 0 to [^\n]*$"):
        settings(f"picture.{text}")
