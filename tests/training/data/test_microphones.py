"""Microphones: level, spectrum and noise against what was asked; draws depend on seed, stage, epoch and set alone."""

from __future__ import annotations

from dataclasses import fields
from pathlib import Path

import numpy as np
import pytest
import torch

from training.config import Settings, SoundSettings, preset
from training.data.batches import Batch, Batches
from training.data.microphones import CENTRES_HZ, Microphones, draw_microphones, impulse_responses, record, recorded
from training.data.preload import Store, load
from training.data.render import render_sounds
from training.errors import InputError

RATE = 16000
DIFFERENT = ("sound.microphone_level_db=3", "sound.microphone_spectrum_db=1.5")
NOISY = ("sound.microphone_noise_rms=0.01",)


def settings(*assignments: str) -> Settings:
    values = {"picture.width_px": 64, "picture.height_px": 48, "sound.clip_s": 0.5, "seed": 5, "mirror": False}
    return preset("small", values, assignments)


@pytest.fixture(scope="module")
def store(tiny_data: Path) -> Store:
    return load(str(tiny_data), "train", settings(), quiet=True)


def test_gains_are_those_asked_at_the_octaves() -> None:
    gain = np.array([[3.0, 1, -2, 0, 2, -1, 1], [0, 0, 0, 0, 0, 0, 0]])
    response = impulse_responses(gain, RATE)
    found = 20 * np.log10(np.abs(np.fft.rfft(response, RATE))[:, [round(f) for f in CENTRES_HZ]])
    assert found[0, :6] == pytest.approx(gain[0, :6], abs=0.3)
    assert found[1] == pytest.approx(0.0, abs=1e-3)
    np.testing.assert_allclose(response[1], np.eye(1, response.shape[1])[0], atol=1e-6)


def test_impulse_responses_are_of_minimum_phase() -> None:
    """All zeros inside the unit circle: no energy comes before it must."""
    gain = np.random.default_rng(1).normal(0, 2, (2, 7))
    for one in impulse_responses(gain, RATE):
        assert np.abs(np.roots(one)).max() < 1.0
        assert (one**2)[:16].sum() > 0.99 * (one**2).sum()


def test_recording_is_a_convolution_that_is_cut() -> None:
    response = np.random.default_rng(0).standard_normal((3, 2, 2, 400)).astype(np.float32)
    pair = Microphones(np.random.default_rng(1).normal(0, 2, (2, 7)), np.zeros(2))
    ours, own = recorded(response, pair, RATE), impulse_responses(pair.gain_db, RATE)
    assert ours.dtype == np.float32 and ours.shape == response.shape
    np.testing.assert_allclose(ours[2, 1, 1], np.convolve(response[2, 1, 1], own[1])[:400], atol=1e-4)


def test_draws_have_the_asked_spread() -> None:
    s, rng = SoundSettings(microphone_level_db=3, microphone_noise_rms=0.02), np.random.default_rng(0)
    pairs = [draw_microphones(s, rng) for _ in range(2000)]
    difference = np.array([p.gain_db[0] - p.gain_db[1] for p in pairs])
    assert np.ptp(difference, axis=1).max() < 1e-9  # no spectrum was asked for
    assert abs(difference).max() == pytest.approx(3, rel=0.01) and abs(difference[:, 0].mean()) < 0.15
    noise = np.array([p.noise_rms for p in pairs])
    assert noise.min() < 2e-4 and noise.max() > 0.0198 and abs(np.corrcoef(noise.T)[0, 1]) < 0.07
    s = SoundSettings(microphone_spectrum_db=1.5)
    assert np.std([draw_microphones(s, rng).gain_db for _ in range(1000)]) == pytest.approx(1.5, rel=0.03)


def test_the_level_between_the_ears_of_a_batch_changes_by_the_drawn_difference(store: Store) -> None:
    asked = ("sound.microphone_level_db=6",)
    plain, differing = (render_sounds(Batches(store, settings(*more), 4, True).make(1)) for more in ((), asked))
    change = 10 * torch.log10(differing.square().mean(-1) / plain.square().mean(-1))
    apart = change[..., 0] - change[..., 1]
    assert float(apart.abs().max()) <= 6.01 and float(apart.abs().max()) > 0.5
    assert float((apart - apart[:, :1]).abs().max()) < 0.02  # the views of a set have the same microphones
    assert len({round(float(x), 3) for x in apart[:, 0]}) == 4
    assert torch.allclose(change.sum(-1), torch.zeros(4, 3), atol=0.02)


def test_own_noise_has_the_drawn_level_and_is_independent(store: Store) -> None:
    plain, noisy = (Batches(store, settings(*more), 4, True).make(1) for more in ((), NOISY))
    own = (render_sounds(noisy) - render_sounds(plain)).double()
    level = own.square().mean(-1).sqrt()
    assert float(level.max()) <= 0.0102 and float(level.min()) >= 0 and float(level.std()) > 1e-3
    assert torch.allclose(level, level[:, :1], rtol=0.05)  # one level a set and microphone
    left, right = own[0, 0]
    assert abs(float((left * right).mean() / (left.std() * right.std()))) < 0.05
    assert abs(float((own[0, 0, 0] * own[0, 1, 0]).mean() / own[0, :2, 0].std().square())) < 0.05


@pytest.mark.parametrize("asked", [DIFFERENT, NOISY, DIFFERENT + NOISY])
def test_nothing_else_of_a_batch_changes(store: Store, asked: tuple[str, ...]) -> None:
    plain, taken = (Batches(store, settings(*more), 4, training=True).make(1) for more in ((), asked))
    changed = {f.name for f in fields(Batch) if not torch.equal(getattr(plain, f.name), getattr(taken, f.name))}
    assert changed == ({"response"} if asked[0] == DIFFERENT[0] else set()) | ({"own_noise"} if NOISY[0] in asked else set())


def test_draws_depend_on_seed_stage_epoch_and_set_alone(store: Store) -> None:
    asked = settings(*DIFFERENT, *NOISY)
    first = Batches(store, asked, 4, True, tag=1).make(2)
    halves = [Batches(store, asked, 4, True, rank, 2, tag=1).make(2) for rank in (0, 1)]
    for name in ("response", "own_noise"):
        joined = torch.stack([getattr(h, name) for h in halves], 1).flatten(0, 1)
        assert torch.equal(joined, getattr(first, name))
        for other in (
            Batches(store, asked, 4, True, tag=2),
            Batches(store, settings(*DIFFERENT, *NOISY, "seed=6"), 4, True, tag=1),
        ):
            assert not torch.equal(getattr(other.make(2), name), getattr(first, name))


def test_evaluation_hears_the_ears_as_they_are(store: Store) -> None:
    plain, asked = (Batches(store, settings(*more), 4, training=False).make(0) for more in ((), DIFFERENT + NOISY))
    assert all(torch.equal(getattr(plain, f.name), getattr(asked, f.name)) for f in fields(Batch))


def test_equal_and_silent_microphones_change_nothing() -> None:
    response = np.ones((2, 1, 2, 50), np.float32)
    same, noise = record(response, SoundSettings(), RATE, 100, np.random.default_rng(0))
    assert same is response and noise.shape == (2, 2, 0)


@pytest.mark.parametrize("name", ["microphone_level_db", "microphone_spectrum_db", "microphone_noise_rms"])
def test_settings_out_of_range_are_refused(name: str) -> None:
    with pytest.raises(InputError, match=rf"^setting sound\.{name} is -0\.1; expected 0 to [^\n]*$"):
        settings(f"sound.{name}=-0.1")
