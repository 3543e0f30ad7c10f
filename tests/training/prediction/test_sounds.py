"""Recordings are read in blocks that join without seams; what is wrong with them is said in one line."""

import numpy as np
import pytest
import soundfile
import soxr

from training.errors import InputError
from training.prediction import sounds
from training.prediction.sounds import SoundFile, read_sound
from training.prediction.track import direction_text, follow, follow_blocks

RATE = 16000


def noise(seconds, rate=RATE, level=0.1, seed=0):
    return (level * np.random.default_rng(seed).standard_normal((round(seconds * rate), 2))).astype(np.float32)


def write(path, sound, rate=RATE):
    soundfile.write(path, sound, rate, subtype="FLOAT")
    return path


def notes(path):
    sound = SoundFile(path)
    list(sound)
    return sound.levels.notes(path)


@pytest.mark.parametrize("rate", [16000, 44100, 48000])
def test_blocks_join_to_the_whole_resampled_sound(tmp_path, monkeypatch, rate):
    monkeypatch.setattr(sounds, "BLOCK", 1000)
    whole = noise(0.7, rate)
    path = write(tmp_path / "a.wav", whole, rate)
    blocks = list(SoundFile(path))
    assert len(blocks) > 5 and max(b.shape[1] for b in blocks) <= 2000
    expected = soxr.resample(whole, rate, RATE, quality="VHQ").T if rate != RATE else whole.T
    np.testing.assert_allclose(np.concatenate(blocks, 1), expected, atol=1e-5)
    np.testing.assert_allclose(read_sound(path), expected, atol=1e-5)


def test_swapped_ears_are_exchanged(tmp_path):
    path = write(tmp_path / "a.wav", noise(0.5))
    (own,), (swapped,) = SoundFile(path), SoundFile(path, swap_ears=True)
    np.testing.assert_array_equal(own, swapped[::-1])


def test_good_recordings_have_no_notes(tmp_path):
    assert notes(write(tmp_path / "a.wav", noise(1.0))) == ()


def test_clipping_and_low_level_are_noted(tmp_path):
    loud = np.clip(20 * noise(1.0), -1, 1)
    (note,) = notes(write(tmp_path / "loud.wav", loud))
    assert "is clipped in" in note
    (note,) = notes(write(tmp_path / "low.wav", noise(1.0, level=1e-5)))
    assert "very quiet (-100 dB" in note


@pytest.mark.parametrize(
    ("make", "told"),
    [
        (lambda s: 0 * s, "is silent"),
        (lambda s: s * [1, 0], "the right channel is silent"),
        (lambda s: s * [0, 1], "the left channel is silent"),
        (lambda s: s[:, [0, 0]], r"both channels hold the same sound \(mono\)"),
        (lambda s: np.where(np.arange(len(s))[:, None] == 9, np.nan, s), "not finite"),
    ],
)
def test_recordings_without_direction_are_refused(tmp_path, make, told):
    with pytest.raises(InputError, match=told):
        notes(write(tmp_path / "a.wav", make(noise(0.5))))


class Loudness:
    """Answers the level of the left ear over the right in dB."""

    clip, name, full_circle = 1600, "loudness", False

    def azimuth(self, sound, sample_rate):
        power = np.mean(sound.astype(float) ** 2, -1)
        return 10 * np.log10(power[:, 0] / power[:, 1])


@pytest.mark.parametrize("every", [0.01, 0.1, 0.33])
@pytest.mark.parametrize("size", [700, 1600, 30000])
def test_blocks_give_the_track_of_the_whole(every, size):
    whole = noise(3.0).T
    one = follow(Loudness(), whole, every)
    parts = follow_blocks(Loudness(), (whole[:, k : k + size] for k in range(0, whole.shape[1], size)), every)
    for name in ("time_s", "azimuth_deg", "gcc_phat_deg", "level_db"):
        np.testing.assert_allclose(getattr(parts, name), getattr(one, name), atol=1e-6)
    assert parts.seconds == 3.0 and len(one.time_s) == 1 + (48000 - 1600) // round(every * RATE)


def test_memory_does_not_grow_with_the_length():
    held = []

    class Watching(Loudness):
        def azimuth(self, sound, sample_rate):
            held.append(sound.base.nbytes if sound.base is not None else sound.nbytes)
            return super().azimuth(sound, sample_rate)

    follow_blocks(Watching(), (noise(1.0, seed=k).T for k in range(30)), 0.1)
    assert max(held) <= 64 * 2 * 1600 * 4 and len(held) >= 30


def test_a_sound_shorter_than_a_clip_is_one_moment():
    track = follow(Loudness(), noise(0.05).T, 0.1)
    assert len(track.time_s) == 1 and track.time_s[0] == pytest.approx(0.025)


@pytest.mark.parametrize(
    ("angle", "full", "expected"),
    [(5, True, "ahead"), (-40, True, "right, in front"), (120, True, "left, behind"), (-175, True, "behind"),
     (5, False, "middle"), (30, False, "left"), (np.nan, True, "")],
)  # fmt: skip
def test_directions_in_words(angle, full, expected):
    assert direction_text(float(angle), full) == expected
