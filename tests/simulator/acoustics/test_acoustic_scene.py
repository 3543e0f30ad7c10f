"""The acoustic scene: smooth normals, offsets of reflected rays, air and the speed of sound against published values."""

import numpy as np
import pytest

from benchmarks.acoustics.rooms import NOISE_M, box, clean, room_of, scanned
from simulator.acoustics.acoustic_scene import COSINES, directivity_row
from simulator.acoustics.air import attenuation, speed_of_sound
from simulator.config import AcousticsSettings

SETTINGS = AcousticsSettings()


def test_a_scans_walls_reflect_as_planes_do():
    room = room_of(scanned(box((4, 2.5, 3)), np.random.default_rng(0)), 0.2, 0.1, SETTINGS)
    known = room.planes.of_face >= 0
    tilt = np.rad2deg(np.arccos(np.abs(room.normals[known]).max(1).clip(-1, 1)))
    assert known.mean() > 0.97
    assert tilt.max() < 0.3
    assert room.lift[known].min() > 2 * NOISE_M


def test_a_clean_room_keeps_its_normals():
    scene = clean(box((4, 2.5, 3)))
    room = room_of(scene, 0.2, 0.1, SETTINGS)
    assert np.abs((room.normals * scene.normals).sum(1)) == pytest.approx(np.ones(12), abs=1e-6)
    assert room.lift == pytest.approx(np.full(12, 1e-4))


def test_surfaces_keep_what_they_do_not_absorb():
    room = room_of(clean(box((4, 2.5, 3))), 0.3, 0.1, SETTINGS)
    assert room.reflectance == pytest.approx(np.full((6, 7), 0.7))
    assert room.scattering == pytest.approx(np.full((6, 7), 0.1))


def test_air_damps_as_iso_9613_tabulates():
    """ISO 9613-1, table 1: dB per km at 20 degrees and 50 % (octaves from 125 to 8000 Hz, rounded exact mid-frequencies)."""
    table = np.array([0.445, 1.32, 2.73, 4.66, 9.89, 29.7, 105.0])
    assert attenuation(20.0, 50.0) * 10 / np.log(10) * 1000 == pytest.approx(table, rel=0.03)


def test_the_speed_of_sound_is_the_textbooks():
    assert speed_of_sound(20.0) == pytest.approx(343.2, abs=0.1)
    assert speed_of_sound(0.0) == pytest.approx(331.3, abs=0.1)


def test_the_directivity_table_is_by_cosine():
    room = room_of(clean(box((4, 2.5, 3))), 0.3, 0.1, AcousticsSettings(directivity="cardioid"))
    cosine = np.linspace(-1, 1, 41)
    assert room.directivity[directivity_row(cosine), 3] == pytest.approx(0.5 + 0.5 * cosine, abs=1 / COSINES)
