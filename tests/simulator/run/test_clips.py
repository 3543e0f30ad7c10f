"""Clips of any format, rate and width become levelled mono stretches; unusable clips are reported and skipped."""

import os

import numpy as np
import pytest
import soundfile

from simulator.config import ClipSettings
from simulator.errors import InputError
from simulator.run.clips import ClipError, decode, draw_stretches, file_sha256, find_clips

RATE = 16000
SETTINGS = ClipSettings(stretch_s=1.0, min_rms=0.07, max_rms=0.13)


def tone(rate, seconds=2.0, frequency=440.0, level=0.5):
    return level * np.sin(2 * np.pi * frequency * np.arange(int(rate * seconds)) / rate)


def write(path, samples, rate, **options):
    path.parent.mkdir(parents=True, exist_ok=True)
    soundfile.write(path, samples, rate, **options)
    return path


def draw(clips, count=1, seed=0, settings=SETTINGS, report=None):
    reported = []
    out = draw_stretches(clips, count, settings, RATE, np.random.default_rng(seed), report or (lambda *x: reported.append(x)))
    return (*out, reported)


@pytest.mark.parametrize("form", ["wav", "flac", "ogg", "mp3"])
@pytest.mark.parametrize("rate", [8000, 22050, 44100, 48000])
@pytest.mark.parametrize("channels", [1, 2])
def test_a_tone_keeps_its_frequency_and_level(tmp_path, form, rate, channels):
    samples = np.repeat(tone(rate)[:, None], channels, 1)
    sound = decode(write(tmp_path / f"a.{form}", samples, rate), RATE)
    assert sound.dtype == np.float32
    assert len(sound) == pytest.approx(2 * RATE, rel=0.06)  # mp3 pads
    middle = sound[4000:20000].astype(float)
    spectrum = np.abs(np.fft.rfft(middle * np.hanning(len(middle))))
    assert spectrum.argmax() * RATE / len(middle) == pytest.approx(440, abs=1)
    assert np.sqrt(2 * (middle**2).mean()) == pytest.approx(0.5, rel=0.02)
    away = np.abs(np.arange(len(spectrum)) * RATE / len(middle) - 440) > 20
    assert (spectrum[away] ** 2).sum() < 1e-3 * (spectrum**2).sum()


def test_what_lies_above_the_new_band_does_not_fold_back(tmp_path):
    sound = decode(write(tmp_path / "a.wav", tone(48000, frequency=11000), 48000), RATE)
    assert np.sqrt((sound**2).mean()) < 1e-3


def test_a_clip_that_declares_more_than_memory_holds_is_refused_alone(tmp_path):
    """A FLAC stream's header has 36 bits for the number of samples."""
    path = write(tmp_path / "a.flac", tone(RATE), RATE)
    content = bytearray(path.read_bytes())
    content[21] |= 0x0F
    content[22:26] = b"\xff" * 4
    path.write_bytes(content)
    with pytest.raises(ClipError, match=r"declares 68719476735 samples"):
        decode(path, RATE)
    write(tmp_path / "b.flac", tone(RATE), RATE)
    _, records, reported = draw(find_clips(tmp_path))
    assert records[0]["clip"] == "b.flac"
    assert all(name == "a.flac" for name, _ in reported)


@pytest.mark.parametrize("subtype", ["PCM_U8", "PCM_16", "PCM_24", "FLOAT", "DOUBLE"])
def test_sample_formats(tmp_path, subtype):
    sound = decode(write(tmp_path / "a.wav", tone(RATE), RATE, subtype=subtype), RATE)
    assert np.abs(sound - tone(RATE)).max() < 0.01


def test_channels_are_averaged(tmp_path):
    both = np.stack([tone(RATE, level=0.6), np.zeros(2 * RATE), np.zeros(2 * RATE)], -1)
    sound = decode(write(tmp_path / "a.wav", both, RATE), RATE)
    assert sound == pytest.approx(tone(RATE, level=0.2), abs=1e-3)


def test_clips_are_found_in_a_fixed_order_below_the_folder(tmp_path):
    # The layouts of LibriSpeech and FMA: folders within folders, other files beside.
    for name in ("103/1240/103-1240-0001.flac", "103/1240/103-1240-0000.flac", "000/000002.MP3", "b.ogg"):
        write(tmp_path / name, tone(RATE, 0.5), RATE, format="MP3" if name.endswith("MP3") else None)
    for name in ("103/1240/103-1240.trans.txt", "README.md", "cover.png"):
        (tmp_path / name).write_text("x")
    clips = find_clips(tmp_path)
    assert clips.names == ("000/000002.MP3", "103/1240/103-1240-0000.flac", "103/1240/103-1240-0001.flac", "b.ogg")
    before = clips.digest
    write(tmp_path / "b.ogg", tone(RATE, 0.6), RATE)
    assert clips.digest != before


def test_a_stretch_has_the_length_and_level_that_are_recorded(tmp_path):
    noise = np.random.default_rng(1).normal(size=10 * RATE) * 0.05
    write(tmp_path / "a.wav", noise, RATE)
    for seed in range(5):
        sounds, records, reported = draw(find_clips(tmp_path), seed=seed)
        (record,) = records
        assert sounds.shape == (1, RATE) and sounds.dtype == np.float32
        assert reported == []
        level = np.sqrt((sounds[0].astype(float) ** 2).mean())
        assert level == pytest.approx(record["rms"], rel=1e-4)
        assert 0.07 <= level <= 0.13
        start = round(record["start_s"] * RATE)
        piece = decode(tmp_path / "a.wav", RATE)[start : start + RATE]
        assert sounds[0] * (np.sqrt((piece.astype(float) ** 2).mean()) / record["rms"]) == pytest.approx(piece, abs=1e-5)
        assert record["sha256"] == file_sha256(tmp_path / "a.wav")


def test_starts_and_levels_are_drawn_from_all_there_are(tmp_path):
    write(tmp_path / "a.wav", np.random.default_rng(1).normal(size=4 * RATE) * 0.05, RATE)
    records = [draw(find_clips(tmp_path), seed=s)[1][0] for s in range(60)]
    starts, levels = (np.array([r[k] for r in records]) for k in ("start_s", "rms"))
    assert starts.min() < 0.4 and starts.max() > 2.6
    assert levels.min() < 0.075 and levels.max() > 0.125


def test_a_short_clip_is_tiled(tmp_path):
    short = np.random.default_rng(1).normal(size=3000) * 0.05
    write(tmp_path / "a.wav", short, RATE, subtype="FLOAT")
    sounds, (record,), _ = draw(find_clips(tmp_path))
    assert record["start_s"] == 0
    assert sounds[0, 3000:6000] == pytest.approx(sounds[0, :3000])
    assert sounds[0, 15000:] == pytest.approx(sounds[0, :1000])


def test_sources_of_a_set_play_different_clips_while_they_last(tmp_path):
    for k in range(3):
        write(tmp_path / f"{k}.wav", tone(RATE, frequency=300 + 100 * k), RATE)
    for seed in range(8):
        assert len({r["clip"] for r in draw(find_clips(tmp_path), 3, seed)[1]}) == 3
    assert len(draw(find_clips(tmp_path), 5)[1]) == 5


def test_the_draw_depends_on_the_generator_alone(tmp_path):
    for k in range(4):
        write(tmp_path / f"{k}.wav", np.random.default_rng(k).normal(size=2 * RATE) * 0.05, RATE)
    (a, first, _), (b, again, _), (c, other, _) = (draw(find_clips(tmp_path), 2, s) for s in (5, 5, 6))
    assert (a == b).all() and first == again
    assert first != other and (a != c).any()


def test_unusable_clips_are_reported_and_skipped(tmp_path):
    write(tmp_path / "good.wav", tone(RATE), RATE)
    (tmp_path / "text.mp3").write_text("hello")
    (tmp_path / "nothing.wav").write_bytes(b"")
    write(tmp_path / "silent.flac", np.zeros(2 * RATE), RATE)
    write(tmp_path / "empty.wav", np.zeros(0), RATE)
    write(tmp_path / "nan.wav", np.full(RATE, np.nan), RATE, subtype="FLOAT")
    whole = write(tmp_path / "cut.flac", np.random.default_rng(0).normal(size=RATE), RATE).read_bytes()
    (tmp_path / "cut.flac").write_bytes(whole[:60])
    bad = {}
    for seed in range(12):
        _, records, _ = draw(find_clips(tmp_path), seed=seed, report=lambda name, why: bad.update({name: why}))
        assert records[0]["clip"] == "good.wav"
    assert set(bad) == {"text.mp3", "nothing.wav", "silent.flac", "empty.wav", "nan.wav", "cut.flac"}
    assert bad["text.mp3"].startswith("not readable as sound")
    assert bad["silent.flac"].startswith("silent at ")
    assert bad["empty.wav"] == bad["nan.wav"] == "empty, or contains NaN"


def test_a_broken_clip_raises_its_own_error(tmp_path):
    (tmp_path / "a.wav").write_text("hello")
    with pytest.raises(ClipError, match="not readable"):
        decode(tmp_path / "a.wav", RATE)


def test_nothing_usable_ends_with_a_reason(tmp_path):
    write(tmp_path / "silent.wav", np.zeros(RATE), RATE)
    with pytest.raises(InputError, match="no usable clips"):
        draw(find_clips(tmp_path))


def test_a_name_that_is_not_utf8_is_left_out_with_a_reason(tmp_path):
    write(tmp_path / "good.wav", tone(RATE), RATE)
    bad = os.fsencode(tmp_path) + b"/caf\xe9.wav"
    try:
        os.link(tmp_path / "good.wav", bad)
    except OSError:
        pytest.skip("this file system has only UTF-8 names")
    clips = find_clips(tmp_path)
    assert clips.names == ("good.wav",) and clips.digest
    assert clips.left_out == (("caf\\xe9.wav", "its name is not UTF-8; rename it"),)


def test_a_folder_without_clips_is_refused(tmp_path):
    with pytest.raises(InputError, match="does not exist"):
        find_clips(tmp_path / "none")
    (tmp_path / "notes.txt").write_text("x")
    with pytest.raises(InputError, match="holds no clips"):
        find_clips(tmp_path)


def test_the_bundled_clips_all_decode_and_sound():
    clips = find_clips(None)
    assert len(clips.names) >= 10
    for name in clips.names:
        sound = decode(clips.root / name, RATE)
        assert len(sound) > 2 * RATE
        assert np.sqrt((sound.astype(float) ** 2).mean()) > 1e-2 and np.abs(sound).max() <= 1.0
