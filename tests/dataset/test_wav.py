"""WAV files that end early are noticed wherever sounds are read; lengths that are unknown are not."""

import numpy as np
import pytest
import soundfile

from dataset.wav import missing_bytes
from simulator.run.clips import ClipError
from simulator.run.clips import decode as decode_clip
from training.data.clips import decode
from training.errors import InputError
from training.predict import main as predict
from training.real.room_files import find_rooms

RATE = 16000


@pytest.fixture
def whole(tmp_path):
    path = tmp_path / "whole.wav"
    soundfile.write(path, 0.1 * np.random.default_rng(0).standard_normal((2 * RATE, 2)), RATE)
    return path


@pytest.fixture
def cut(whole):
    path = whole.with_name("cut.wav")
    path.write_bytes(whole.read_bytes()[:-RATE])
    return path


def test_the_missing_bytes_are_counted(whole, cut):
    assert missing_bytes(whole) == 0
    assert missing_bytes(cut) == RATE


def test_chunks_before_and_after_the_sound_are_passed_over(whole, tmp_path):
    content = whole.read_bytes()
    odd = b"LIST" + (5).to_bytes(4, "little") + b"notes\0"
    path = tmp_path / "chunks.wav"
    path.write_bytes(content[:12] + odd + content[12:] + odd)
    assert missing_bytes(path) == 0
    path.write_bytes(content[:12] + odd + content[12:-100])
    assert missing_bytes(path) == 100


@pytest.mark.parametrize("size", [0, 0x7FFFFFFF, 0xFFFFFFFF])
def test_lengths_of_streams_are_unknown(whole, tmp_path, size):
    content = bytearray(whole.read_bytes())
    at = content.index(b"data") + 4
    content[at : at + 4] = size.to_bytes(4, "little")
    path = tmp_path / "streamed.wav"
    path.write_bytes(content)
    assert missing_bytes(path) == 0


def test_other_files_have_none(tmp_path):
    for content in (b"", b"RIFF", b"fLaC" * 20, b"RIFF\0\0\0\0WAVE", b"RIFF\0\0\0\0AVI data\xff\0\0\0"):
        path = tmp_path / "other"
        path.write_bytes(content)
        assert missing_bytes(path) == 0


def test_clips_and_responses_that_are_cut_off_are_refused(cut, tmp_path):
    with pytest.raises(ClipError, match=f"cut off: {RATE} bytes"):
        decode_clip(cut, RATE)
    with pytest.raises(InputError, match=f"is cut off: {RATE} bytes"):
        decode(cut, RATE)
    table = tmp_path / "rooms.csv"
    table.write_text("file,azimuth_deg\ncut.wav,30\n")
    with pytest.raises(InputError, match="is cut off"):
        find_rooms(table, RATE)


def test_recordings_that_are_cut_off_are_used_with_a_note(cut, capsys):
    assert predict([str(cut)]) == 0
    assert f"is cut off: {RATE} bytes" in capsys.readouterr().err
