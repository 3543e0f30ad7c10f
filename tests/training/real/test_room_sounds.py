"""Sounds in rooms come from where the table says, at the level and with the noise that the settings name."""

import numpy as np
import pytest
import soundfile

from dataset.angles import fold_front
from training.baselines.azimuth import gcc_phat_azimuth
from training.data.clips import LEVEL_RMS
from training.evaluation.examples import ExampleSettings
from training.real.room_sounds import RoomSounds
from training.real.rooms import Room

RATE = 48000
CLIP_S = 0.25


@pytest.fixture
def clips(tmp_path):
    rng = np.random.default_rng(1)
    paths = [tmp_path / f"{k}.wav" for k in range(3)]
    for path in paths:
        sound = 0.01 * rng.standard_normal(RATE)
        sound[RATE // 2 : RATE * 3 // 4] *= 20  # the loudest part
        soundfile.write(path, sound, RATE, subtype="FLOAT")
    return paths


def room(ball, name="ball"):
    azimuth, responses = ball
    zero = np.zeros(len(azimuth))
    return Room(name, [r.astype(np.float32) for r in responses], azimuth, zero, zero + 2)


def items(ball, clips, rooms=1, **settings):
    return RoomSounds([room(ball, f"ball{k}") for k in range(rooms)], clips, RATE, ExampleSettings(CLIP_S, **settings))


def test_the_delay_between_the_ears_is_that_of_the_azimuth(ball, clips):
    found = items(ball, clips)
    assert len(found.sounds.row) == len(ball[0]) * 3
    answers = gcc_phat_azimuth(found.clips(np.arange(24)), RATE)
    np.testing.assert_allclose(answers, fold_front(found.sounds.azimuth_deg), atol=8)
    assert set(found.sounds.azimuth_deg) == set(ball[0])


def test_the_loudest_part_is_taken_at_its_level(ball, clips):
    found = items(ball, clips)
    sound = found.clips(np.array([0, 9]))
    assert sound.shape == (2, 2, round(CLIP_S * RATE)) and sound.dtype == np.float32
    np.testing.assert_allclose(np.sqrt((sound**2).mean((1, 2))), LEVEL_RMS, rtol=1e-5)
    fifths = (sound[0] ** 2).sum(0).reshape(5, -1).sum(1)
    assert fifths.max() / fifths.min() < 2  # all of it lies in the loud part


def test_noise_has_its_level(ball, clips):
    clean, noisy = (items(ball, clips, noise_snr_db=snr).clips(np.arange(4)) for snr in (None, 6.0))
    ratio = (clean**2).mean((1, 2)) / ((noisy - clean) ** 2).mean((1, 2))
    np.testing.assert_allclose(10 * np.log10(ratio), 6.0, atol=0.3)


def test_a_second_source_speaks_from_another_place_below_the_first(ball, clips):
    clean, both = (items(ball, clips, sources=n, dominance_db=20.0).clips(np.arange(6)) for n in (1, 2))
    added = both - clean
    np.testing.assert_allclose(10 * np.log10((clean**2).mean((1, 2)) / (added**2).mean((1, 2))), 20.0, atol=0.01)
    truth = fold_front(items(ball, clips).sounds.azimuth_deg[:6])
    assert (np.abs(gcc_phat_azimuth(added, RATE) - truth) > 10).all()


def test_groups_are_rooms_or_the_positions_of_one(ball, clips):
    one, two = items(ball, clips), items(ball, clips, rooms=2)
    assert len(set(one.sounds.row)) == len(ball[0]) and one.label(0) == "ball0 -120"
    assert sorted(set(two.sounds.row)) == [0, 1] and two.label(1) == "ball1"


def test_the_draw_is_bounded_and_repeats(ball, clips):
    few = [RoomSounds([room(ball)], clips, RATE, ExampleSettings(CLIP_S), per_room=5, seed=s) for s in (0, 0, 1)]
    assert len(few[0].sounds.row) == 5
    np.testing.assert_array_equal(few[0].parts, few[1].parts)
    assert (few[0].parts != few[2].parts).any()
    assert len(items(ball, clips, most=4).sounds.row) == 4


def test_short_clips_are_repeated(ball, tmp_path):
    soundfile.write(tmp_path / "click.wav", np.random.default_rng(0).uniform(-0.5, 0.5, 1000), RATE)
    assert items(ball, [tmp_path / "click.wav"]).clips(np.array([0])).shape[-1] == round(CLIP_S * RATE)
