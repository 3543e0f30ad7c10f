"""Rooms are read with the azimuths and ears that their files mean; what cannot be used is refused in one line."""

import csv

import numpy as np
import pytest
import soundfile

from training.errors import InputError
from training.real.room_files import find_rooms

RATE = 48000
HEADER = ("file", "azimuth_deg", "room")


def write_table(folder, azimuth, responses, header=HEADER, name="rooms.csv"):
    (folder / "wav").mkdir(exist_ok=True)
    with (folder / name).open("w", newline="") as file:
        table = csv.writer(file)
        table.writerow(header)
        for k, (angle, response) in enumerate(zip(azimuth, responses, strict=True)):
            path = folder / "wav" / f"{k}.wav"
            soundfile.write(path, response.T, RATE, subtype="FLOAT")
            table.writerow([path.relative_to(folder), angle, "hall" if k % 2 else "attic"][: len(header)])
    return folder


def test_a_table_of_files_gives_rooms_with_their_azimuths(ball, tmp_path):
    azimuth, responses = ball
    rooms = {room.name: room for room in find_rooms(write_table(tmp_path, azimuth + 360, responses), RATE)}
    assert list(rooms) == ["attic", "hall"] and all(not room.notes for room in rooms.values())
    np.testing.assert_allclose(rooms["attic"].azimuth_deg, azimuth[::2])
    np.testing.assert_allclose(rooms["hall"].azimuth_deg, azimuth[1::2])
    np.testing.assert_allclose(rooms["hall"].responses[1], responses[3], atol=1e-6)
    assert np.isnan(rooms["hall"].distance_m).all() and not rooms["hall"].elevation_deg.any()


def test_without_rooms_in_the_table_its_name_is_the_room(ball, tmp_path):
    (room,) = find_rooms(write_table(tmp_path, *ball, header=HEADER[:2]) / "rooms.csv", RATE)
    assert room.name == "rooms" and len(room) == len(ball[0])


def test_responses_are_resampled(ball, tmp_path):
    (room,) = find_rooms(write_table(tmp_path, *ball, header=HEADER[:2]), 16000)
    found = np.fft.rfft(room.responses[2], 16000)[:, 500:4000]
    expected = np.fft.rfft(ball[1][2], 48000)[:, 500:4000]  # a response is a density in time: its gain at a frequency stays
    np.testing.assert_allclose(np.abs(found), np.abs(expected), rtol=0.02)


def test_exchanged_ears_are_exchanged_back_with_a_note(ball, tmp_path):
    azimuth, responses = ball
    (room,) = find_rooms(write_table(tmp_path, azimuth, responses[:, ::-1], header=HEADER[:2]), RATE)
    np.testing.assert_allclose(room.responses[1], responses[1], atol=1e-6)
    assert "right ear in the first channel" in room.notes[0]


def test_a_room_with_sources_ahead_only_keeps_its_channels_with_a_note(ball, tmp_path):
    azimuth, responses = ball
    (room,) = find_rooms(write_table(tmp_path, azimuth[3:4], responses[3:4], header=HEADER[:2]), RATE)
    np.testing.assert_allclose(room.responses[0], responses[3], atol=1e-6)
    assert "do not show which channel" in room.notes[0]


def test_sources_far_above_are_left_out(ball, tmp_path):
    (room,) = find_rooms(write_table(tmp_path, *ball, header=HEADER[:2]), RATE)
    room.elevation_deg[:] = np.arange(8) * 10 - 30
    level = room.level(20)
    assert level.elevation_deg.tolist() == [-20, -10, 0, 10, 20]
    np.testing.assert_array_equal(level.responses[0], room.responses[1])


@pytest.mark.parametrize(
    ("header", "row", "told"),
    [
        ("file,angle", "wav/0.wav,3", "columns file, angle; expected file, azimuth_deg"),
        ("file,azimuth_deg", "", "no rows"),
        ("file,azimuth_deg", "wav/0.wav,left", "line 2: azimuth_deg is 'left'"),
        ("file,azimuth_deg", "wav/0.wav,nan", "line 2: azimuth_deg is 'nan'"),
        ("file,azimuth_deg,elevation_deg", "wav/0.wav,3,up", "line 2: elevation_deg is 'up'"),
        ("file,azimuth_deg", "wav/9.wav,3", "9.wav does not exist"),
        ("file,azimuth_deg", "mono.wav,3", "has 1 channels; 2 are expected"),
        ("file,azimuth_deg", "text.wav,3", "not a readable sound"),
        ("file,azimuth_deg", "silent.wav,3", "is silent"),
    ],
)
def test_tables_that_cannot_be_used_are_refused(ball, tmp_path, header, row, told):
    write_table(tmp_path, *ball)
    soundfile.write(tmp_path / "mono.wav", ball[1][0, 0], RATE)
    soundfile.write(tmp_path / "silent.wav", np.zeros((100, 2)), RATE)
    (tmp_path / "text.wav").write_text("no sound")
    (tmp_path / "rooms.csv").write_text(f"{header}\n{row}\n" if row else f"{header}\n")
    with pytest.raises(InputError, match=told):
        find_rooms(tmp_path, RATE)


def test_a_folder_without_rooms_or_that_is_missing_is_refused(tmp_path):
    with pytest.raises(InputError, match="holds neither"):
        find_rooms(tmp_path, RATE)
    with pytest.raises(InputError, match="does not exist"):
        find_rooms(tmp_path / "none", RATE)
