"""Batches: what is drawn depends on seed, epoch and set alone; what they sound and look like, by plain definitions."""

from __future__ import annotations

from dataclasses import fields, replace
from pathlib import Path

import numpy as np
import pytest
import torch

from dataset.reader import Dataset
from training.config import Settings, preset
from training.data.batches import Batch, Batches
from training.data.preload import Store, load
from training.data.render import convolve, render_batch, render_pictures, render_sounds


def settings(*assignments: str) -> Settings:
    return preset("small", {"picture.width_px": 64, "picture.height_px": 48, "sound.clip_s": 0.5, "seed": 5}, assignments)


@pytest.fixture(scope="module")
def store(tiny_data: Path) -> Store:
    return load(str(tiny_data), "train", settings(), quiet=True)


def same(a: Batch, b: Batch) -> bool:
    return all(torch.equal(getattr(a, f.name), getattr(b, f.name)) for f in fields(Batch))


def test_store_holds_what_the_shards_hold(tiny_data: Path, store: Store) -> None:
    data = Dataset(tiny_data, split="train")
    one = data[2]
    assert store.set_id == [data[k]["set_id"] for k in range(len(data))]
    np.testing.assert_array_equal(store.rgb[2].transpose(0, 2, 3, 1), one["rgb"])
    np.testing.assert_array_equal(store.azimuth[2], one["azimuth"])
    np.testing.assert_allclose(store.direct[2], one["brir_direct"], rtol=1e-3, atol=1e-4)
    np.testing.assert_allclose(store.indirect[2], one["brir_indirect"], rtol=1e-3, atol=1e-4)


def joined(store: Store, row: int, ratio: float = 0.2) -> np.ndarray:
    """Give direct + ratio x indirect of a set, cut to small's 0.3 s: (V, S, 2, T)."""
    whole = ratio * store.indirect[row, ..., :4800].astype(np.float32)
    whole[..., : store.direct.shape[-1]] += store.direct[row]
    return whole


def test_responses_are_direct_and_the_share_of_indirect_and_are_cut(store: Store) -> None:
    batch = Batches(store, settings("sound.response_s=0.05"), 4, training=False).make(0)
    assert batch.response.shape[-1] == 800
    for k in range(4):
        source = int(np.flatnonzero(np.isclose(store.azimuth[k, 0], batch.azimuth[k, 0]))[0])
        np.testing.assert_allclose(batch.response[k, :, 0], joined(store, k)[:, source, :, :800], atol=1e-7)
    shorter = Batches(store, settings("sound.response_s=0.01"), 4, training=False).make(0)  # shorter than the direct part
    np.testing.assert_allclose(shorter.response, batch.response[..., :160], atol=1e-7)


@pytest.mark.parametrize("workers", [0, 1, 3])
def test_any_number_of_workers_makes_the_same_batches(store: Store, workers: int) -> None:
    batches = Batches(store, settings(), 2, training=True)
    made = list(batches.between(1, 6, lambda batch: batch, workers))
    assert len(made) == 5
    assert all(same(batch, batches.make(step)) for step, batch in enumerate(made, 1))


def test_processes_share_the_same_batches(store: Store) -> None:
    whole = Batches(store, settings(), 4, training=True).make(3)
    parts = [Batches(store, settings(), 4, True, rank, 2).make(3) for rank in (0, 1)]
    assert torch.equal(torch.stack([p.row for p in parts], 1).flatten(), whole.row)
    assert torch.equal(torch.stack([p.dry for p in parts], 1).flatten(0, 1), whole.dry)


def test_epochs_visit_every_set_once_and_sound_different(store: Store) -> None:
    batches = Batches(store, settings(), 2, training=True)
    rows = [np.concatenate([batches.rows(2 * epoch), batches.rows(2 * epoch + 1)]) for epoch in range(6)]
    assert all(sorted(r) == [0, 1, 2, 3] for r in rows)
    assert len({tuple(r) for r in rows}) > 1
    whole = Batches(store, settings(), 4, training=True)
    first, second = whole.make(0), whole.make(1)
    a, b = (x.dry[x.row.argsort()] for x in (first, second))
    assert not torch.equal(a, b)
    assert not same(whole.make(0), Batches(store, replace(settings(), seed=6), 4, True).make(0))
    assert not same(whole.make(0), Batches(store, settings(), 4, True, tag=1).make(0))


def test_without_training_nothing_is_changed(store: Store) -> None:
    batches = Batches(store, settings(), 3, training=False)
    assert batches.per_epoch == 2 and len(batches.make(1).row) == 1
    batch = batches.make(0)
    assert (batch.color == 1).all() and not batch.pictures_withheld.any()
    np.testing.assert_array_equal(batch.rgb, store.rgb[:3, :3])
    np.testing.assert_array_equal(batch.heading, store.heading[:3])
    assert same(batch, batches.make(0))


def test_a_mirrored_set_is_the_world_in_a_mirror(store: Store) -> None:
    quiet = ("picture.jitter=0", "picture.recolor=false")
    plain = Batches(store, settings(*quiet, "mirror=false"), 4, True)
    mirrored = Batches(store, settings(*quiet, "mirror=true"), 4, True)
    turned = 0
    for step in range(4):
        batch = mirrored.make(step)
        for k, row in enumerate(batch.row.tolist()):
            views = [int(np.flatnonzero(np.isclose(np.abs(h), store.heading[row]))[0]) for h in batch.heading[k].numpy()]
            flipped = bool((batch.heading[k] < 0).all())
            turned += flipped
            picture, ears = store.rgb[row, views], [1, 0] if flipped else [0, 1]
            np.testing.assert_array_equal(batch.rgb[k], picture[..., ::-1] if flipped else picture)
            asked = np.where(flipped, -1, 1) * batch.azimuth[k].numpy()
            source = int(np.flatnonzero(np.isclose(store.azimuth[row, views[0]], asked[0]))[0])
            np.testing.assert_allclose(batch.response[k, :, 0], joined(store, row)[views][:, source][:, ears], atol=1e-7)
    assert 3 <= turned <= 13
    assert all((plain.make(step).heading >= 0).all() for step in range(4))


def test_clips_have_the_asked_level_and_different_moments(store: Store) -> None:
    batch = Batches(store, settings(), 4, training=True).make(0)
    heard = batch.dry[..., -8000:]
    level = heard.square().mean(-1).sqrt()
    assert (level > 0.069).all() and (level < 0.131).all()
    assert not torch.equal(heard[:, 0], heard[:, 1])
    together = Batches(store, settings("sound.time_sync=true"), 4, training=True).make(0).dry
    assert torch.equal(together[:, 0], together[:, 1])


def test_further_sources_lie_below_the_dominant_one(store: Store) -> None:
    batch = Batches(store, settings("sound.sources=2", "sound.dominance_db=30"), 4, training=True).make(0)
    level = 20 * torch.log10(batch.dry[..., -8000:].square().mean(-1).sqrt())
    below = level[..., 0] - level[..., 1]
    assert batch.dry.shape[2] == 2 and (below >= -1e-3).all() and (below <= 30.001).all() and float(below.std()) > 1


def test_hearing_is_the_convolution_with_the_responses(store: Store) -> None:
    batch = Batches(store, settings("sound.sources=2"), 2, training=True).make(0)
    sound = render_sounds(batch)
    assert sound.shape == (2, 3, 2, 8000)
    dry, response = batch.dry[1, 2].double().numpy(), batch.response[1, 2].double().numpy()
    expected = sum(np.convolve(dry[s], response[s, 1], "valid") for s in range(2))
    np.testing.assert_allclose(sound[1, 2, 1], expected, atol=1e-5)


def test_convolution_with_a_pulse_is_a_delay() -> None:
    dry = torch.randn(1, 100, generator=torch.Generator().manual_seed(0))
    pulse = torch.zeros(1, 2, 11)
    pulse[0, 0, 0], pulse[0, 1, 4] = 1.0, 0.5
    left, right = convolve(dry, pulse)
    assert torch.allclose(left, dry[0, 10:], atol=1e-5) and torch.allclose(right, 0.5 * dry[0, 6:96], atol=1e-5)


def test_noise_has_the_asked_level(store: Store) -> None:
    asked = ("sound.noise_share=1", "sound.noise_min_snr_db=10", "sound.noise_max_snr_db=10")
    noisy = Batches(store, settings(*asked), 4, training=True).make(0)
    clean = replace(noisy, noise=noisy.noise[..., :0])
    ratio = render_sounds(clean).square().mean((-2, -1)) / (render_sounds(noisy) - render_sounds(clean)).square().mean((-2, -1))
    assert (10 * torch.log10(ratio)).tolist() == [[pytest.approx(10.0, abs=0.2)] * 3] * 4


def test_seeing_scales_and_jitters(store: Store) -> None:
    batch = Batches(store, settings(), 4, training=False).make(0)
    assert torch.allclose(render_pictures(batch), batch.rgb / 127.5 - 1, atol=1e-5)
    dark = replace(batch, color=torch.tensor([0.5, 1.0, 1.0]).expand(4, 3, 3))
    assert torch.allclose(render_pictures(dark), batch.rgb / 255 - 1, atol=1e-5)
    grey = render_pictures(replace(batch, color=torch.tensor([1.0, 1.0, 0.0]).expand(4, 3, 3)))
    assert torch.allclose(grey[:, :, 0], grey[:, :, 2], atol=1e-5)
    flat = render_pictures(replace(batch, color=torch.tensor([1.0, 0.0, 0.0]).expand(4, 3, 3)))
    assert flat.std((-3, -2, -1)).max() < 1e-5


def test_percept_gives_true_turns(store: Store) -> None:
    rendered = render_batch(Batches(store, settings(), 2, training=False).make(0))
    turn = torch.rad2deg(rendered.turn(torch.tensor([0]), torch.tensor([2])))[:, 0]
    assert torch.allclose(turn, rendered.heading[:, 2] - rendered.heading[:, 0])


HARD = ("sound.hard_share=1", "sound.hard_noise_share=1", "sound.hard_second_share=1", "sound.fresh=false", "mirror=false")


def drawn(store: Store, *assignments: str, epochs: int = 12, hard: bool = True) -> list[Batch]:
    """Give hard batches of all sets, one an epoch."""
    batches = Batches(store, settings(*assignments), 4, training=True, hard=hard)
    return [batches.make(epoch) for epoch in range(epochs)]


def ratio_of(store: Store, batch: Batch, k: int) -> float:
    """Find the factor on the indirect part of a batch's set, where the direct part is over."""
    row, after = int(batch.row[k]), store.direct.shape[-1]
    view = int(np.flatnonzero(np.isclose(store.heading[row], batch.heading[k, 0]))[0])
    source = int(np.flatnonzero(np.isclose(store.azimuth[row, view], batch.azimuth[k, 0]))[0])
    whole, plain = batch.response[k, 0, 0, 0, after:].numpy(), store.indirect[row, view, source, 0, after:].astype(np.float32)
    ratio = float(whole @ plain / (plain @ plain))
    np.testing.assert_allclose(whole, ratio * plain, atol=1e-6)
    return ratio


def test_hard_sets_are_reverberant_within_the_bounds_evenly_in_logarithms(store: Store) -> None:
    found = np.array([ratio_of(store, b, k) for b in drawn(store, *HARD) for k in range(4)])
    assert found.min() >= 0.2 - 1e-4 and found.max() <= 1.5 + 1e-3
    assert abs(np.log(found / 0.2).mean() / np.log(1.5 / 0.2) - 0.5) < 0.13  # the mean of 48 even draws, 3 sigma
    assert len(set(found.round(5))) == len(found)


def test_hard_sets_have_the_drawn_noise_below_the_sound(store: Store) -> None:
    asked = ("sound.hard_min_snr_db=-5", "sound.noise_max_snr_db=40")
    snr = []
    for batch in drawn(store, *HARD, *asked):
        clean, noisy = render_sounds(replace(batch, noise=batch.noise[..., :0])), render_sounds(batch)
        power = clean.square().mean((-2, -1)) / (noisy - clean).square().mean((-2, -1))
        level = 10 * torch.log10(power)
        assert float((level.amax(1) - level.amin(1)).max()) < 0.5  # the views of a set share it
        snr += level[:, 0].tolist()
    assert min(snr) > -5.3 and max(snr) < 40.3 and max(snr) - min(snr) > 30
    (exact,) = drawn(store, *HARD, "sound.hard_min_snr_db=3", "sound.noise_max_snr_db=3", epochs=1)
    clean = render_sounds(replace(exact, noise=exact.noise[..., :0]))
    assert (10 * torch.log10(clean.square().mean() / (render_sounds(exact) - clean).square().mean())).item() == pytest.approx(
        3, abs=0.3
    )


def test_a_hard_sets_second_source_lies_below_the_first(store: Store) -> None:
    below = []
    for batch in drawn(store, *HARD, "sound.hard_dominance_db=20"):
        assert batch.dry.shape[2] == 2
        level = 20 * torch.log10(batch.dry[..., -8000:].square().mean(-1).sqrt())
        below += (level[:, 0, 0] - level[:, 0, 1]).tolist()
    assert min(below) > -1e-3 and max(below) < 20.001 and max(below) - min(below) > 12


def test_only_the_asked_share_of_sets_is_hard_and_the_others_sound_as_always(store: Store) -> None:
    batches = drawn(store, "sound.hard_share=0.25", *HARD[1:], epochs=40)
    hard = [float(b.noise[k].abs().max()) > 0 for b in batches for k in range(4)]
    assert abs(np.mean(hard) - 0.25) < 0.1  # 160 draws, 3 sigma
    for batch in batches[:10]:
        for k in range(4):
            second = float(batch.dry[k, :, 1].abs().max()) > 0
            noisy = float(batch.noise[k].abs().max()) > 0
            assert second == noisy and (noisy or ratio_of(store, batch, k) == pytest.approx(0.2, abs=1e-4))


def test_without_hard_sets_nothing_is_hard(store: Store) -> None:
    (batch,) = drawn(store, *HARD, epochs=1, hard=False)
    assert batch.dry.shape[2] == 1 and batch.noise.shape[-1] == 0
    assert all(ratio_of(store, batch, k) == pytest.approx(0.2, abs=1e-4) for k in range(4))


def test_only_one_source_of_every_set_plays_where_asked(store: Store) -> None:
    for source in (0, 1):
        batch = Batches(store, settings(), 4, training=False, only=source).make(0)
        np.testing.assert_array_equal(batch.azimuth, store.azimuth[:, :, source])


def test_confidence_is_that_of_the_store_and_one_for_the_truth(store: Store) -> None:
    assert (Batches(store, settings(), 4, training=False).make(0).confidence == 1).all()
    sure = np.random.default_rng(0).uniform(0.5, 1, store.azimuth.shape).astype(np.float32)
    batch = Batches(replace(store, confidence=sure), settings("mirror=true"), 4, training=True).make(0)
    for k, row in enumerate(batch.row.tolist()):
        views = [int(np.flatnonzero(np.isclose(np.abs(h), store.heading[row]))[0]) for h in batch.heading[k].numpy()]
        assert any(np.array_equal(batch.confidence[k], sure[row, views, s]) for s in range(2))
