"""Responses of whole sets: the sum of their parts against theory, and independence of other views."""

import signal
import subprocess
import sys
import time
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from benchmarks.acoustics.measures import measure
from benchmarks.acoustics.reference import image_echogram
from benchmarks.acoustics.rooms import box, clean, room_of
from simulator.acoustics.acoustic_scene import prepare_acoustics
from simulator.acoustics.materials import assign, load_library
from simulator.acoustics.room_metrics import direct_to_reverberant, rt60
from simulator.config import AcousticsSettings
from simulator.engines.responses import direct_length, responses
from simulator.loaders.load import load_scene
from simulator.receivers.ambisonics import encode
from simulator.receivers.hrtf import load_ears

SIZE = (5.0, 2.6, 4.0)
LISTENER, SOURCES = np.array([3.6, 1.5, 2.5]), np.array([[1.2, 1.1, 1.4], [4.2, 1.6, 0.6]])
SETTINGS = AcousticsSettings(response_s=0.25, quality="draft", ambisonic_order=1)
RATE = SETTINGS.sample_rate_hz
SPEED = 343.2
PLAIN = Path(__file__).parents[4] / "shared" / "cases" / "plain.obj"


@pytest.fixture(scope="module")
def room():
    return room_of(clean(box(SIZE)), 0.3, 0.1, SETTINGS)


@pytest.fixture(scope="module")
def ears():
    return load_ears(None, RATE)


def simulate(room, ears, positions, headings, settings=SETTINGS, seed=0):
    return responses(room, np.array(positions), np.array(headings), SOURCES, settings, ears, np.random.default_rng(seed))


@pytest.fixture(scope="module")
def simulated(room, ears):
    return simulate(room, ears, [LISTENER] * 3, [0.0, 90.0, 213.0])


def test_shapes_and_kinds(simulated):
    assert simulated.direct.shape == (3, 2, 2, direct_length(SETTINGS))
    assert simulated.indirect.shape == (3, 2, 2, RATE // 4)
    assert simulated.ambisonic.shape == (3, 2, 4, RATE // 4)
    assert {simulated.direct.dtype, simulated.indirect.dtype, simulated.ambisonic.dtype} == {np.dtype(np.float32)}


def test_the_same_seed_gives_the_same_bytes(room, ears, simulated):
    again = simulate(room, ears, [LISTENER] * 3, [0.0, 90.0, 213.0])
    assert again.indirect.tobytes() == simulated.indirect.tobytes()
    assert again.ambisonic.tobytes() == simulated.ambisonic.tobytes()
    other = simulate(room, ears, [LISTENER] * 3, [0.0, 90.0, 213.0], seed=1)
    assert other.direct.tobytes() == simulated.direct.tobytes()
    assert other.indirect.tobytes() != simulated.indirect.tobytes()


def test_a_view_does_not_depend_on_the_headings_of_the_others(room, ears, simulated):
    alone = simulate(room, ears, [LISTENER], [90.0])
    assert alone.direct[0] == pytest.approx(simulated.direct[1], abs=1e-6)
    assert alone.indirect[0] == pytest.approx(simulated.indirect[1], abs=1e-5)


def test_each_view_hears_from_its_own_position(room, ears):
    there = LISTENER + [0.3, 0.0, -0.4]
    moved = simulate(room, ears, [LISTENER, there], [0.0, 0.0])
    for view, position in enumerate((LISTENER, there)):
        for s, source in enumerate(SOURCES):
            onset = np.flatnonzero(np.abs(moved.direct[view, s]).max(0) > 0.3 * np.abs(moved.direct[view, s]).max())[0]
            assert onset == pytest.approx(np.linalg.norm(source - position) / SPEED * RATE, abs=12)  # the head is 8 samples wide


def test_direct_and_indirect_are_told_apart_by_the_first_reflection(simulated):
    for s, source in enumerate(SOURCES):
        lengths = [np.linalg.norm(source * m + o - LISTENER) for m, o in (
            ([1, -1, 1], [0, 0, 0]), ([1, -1, 1], [0, 2 * SIZE[1], 0]), ([-1, 1, 1], [0, 0, 0]),
            ([-1, 1, 1], [2 * SIZE[0], 0, 0]), ([1, 1, -1], [0, 0, 0]), ([1, 1, -1], [0, 0, 2 * SIZE[2]]),
        )]  # fmt: skip
        first = int(min(lengths) / SPEED * RATE) - 12 - 8
        energy = (simulated.indirect[:, s].astype(float) ** 2).sum((0, 1))
        assert energy[:first].sum() < 1e-3 * energy.sum()


def test_the_left_ear_of_a_turned_head_is_the_right_ear_turned_back(room, ears):
    """Turned by 180 degrees about a source ahead, left and right are exchanged (KEMAR is not quite symmetric)."""
    ahead = np.rad2deg(np.arctan2(-(SOURCES[0] - LISTENER)[0], -(SOURCES[0] - LISTENER)[2]))
    both = simulate(room, ears, [LISTENER] * 2, [ahead - 90.0, ahead + 90.0]).direct[:, 0].astype(float)
    level = 10 * np.log10((both**2).sum(-1))
    assert level[0, 0] > level[0, 1] + 5  # heading right of it: the source is on the left
    assert level[0] == pytest.approx(level[1, ::-1], abs=1.5)


def test_a_mono_response_has_the_decay_and_the_level_of_the_image_method(ears):
    settings = replace(SETTINGS, quality="standard", ambisonic_order=0)
    dry = room_of(clean(box(SIZE)), 0.3, 0.0, settings)
    simulated = simulate(dry, ears, [LISTENER], [0.0], settings).ambisonic[0, 0, 0]
    pure = image_echogram(SIZE, 0.3, LISTENER, SOURCES[0], 4000, 1 / RATE, SPEED)
    distance = float(np.linalg.norm(SOURCES[0] - LISTENER))
    exact = measure(pure, 1 / RATE, distance, SPEED)
    assert rt60(simulated, RATE) == pytest.approx(exact.t30, rel=0.06)
    total = 10 * np.log10((simulated.astype(float) ** 2).sum() / pure.sum())
    assert abs(total) < 1.5  # pulses lose the last few hundred hertz, and early ones interfere


def decay_times(room, settings, ears):
    """RT60 at both ears in a room of 6 x 2.8 x 5 m."""
    places = np.array([[4.1, 1.5, 3.4]]), np.zeros(1), np.array([[1.7, 1.2, 1.6]])
    made = responses(room, *places, settings, ears, np.random.default_rng(0))
    full = made.indirect.copy()
    full[..., : made.direct.shape[-1]] += made.direct
    return rt60(full, RATE)[0, 0]


def test_decay_time_does_not_depend_on_the_length_of_the_response(ears):
    """A box of 1.35 s (image method): 35 dB fit into 0.9 s and not into 0.6 s."""
    found = {}
    for length in (0.6, 0.9, 2.0):
        settings = AcousticsSettings(response_s=length)
        found[length] = decay_times(room_of(clean(box((6.0, 2.8, 5.0))), 0.1, 0.0, settings), settings, ears)
    assert np.isnan(found[0.6]).all()
    assert found[0.9] == pytest.approx(1.35, rel=0.05)
    assert found[2.0] == pytest.approx(1.35, rel=0.05)


@pytest.mark.slow
@pytest.mark.skipif(not PLAIN.is_file(), reason="the shared cases are not here")
@pytest.mark.parametrize("length", [0.5, 1.0, 2.0, 4.0])
def test_decay_time_of_the_shared_room(ears, length):
    scene, settings = load_scene(PLAIN, textures=False), AcousticsSettings(response_s=length)
    room = prepare_acoustics(scene, assign(scene.surfaces, load_library()), settings)
    found = decay_times(room, settings, ears)
    assert np.isnan(found).all() if length <= 1.0 else found == pytest.approx(2.36, rel=0.05)


LONG = """
import signal, sys
import numpy as np
from benchmarks.acoustics.rooms import box, clean, room_of
from simulator.config import AcousticsSettings
from simulator.engines.responses import trace
signal.signal(signal.SIGTERM, signal.default_int_handler)
for quality, length in (("draft", 0.1), ("reference", 10.0)):
    settings = AcousticsSettings(engine=sys.argv[1], quality=quality, response_s=length, image_order=1)
    room = room_of(clean(box((5.0, 2.6, 4.0))), 0.0, 0.0, settings)
    print(quality, flush=True)
    trace(room, np.array([3.6, 1.5, 2.5]), np.array([[1.2, 1.1, 1.4]]), settings, np.random.default_rng(0))
"""


@pytest.mark.slow
@pytest.mark.parametrize("engine", ["raytrace", "pyroomacoustics"])
def test_a_signal_ends_a_long_simulation(engine):
    """Walls neither absorb nor scatter: at reference quality the simulation takes minutes."""
    root = Path(__file__).parents[3]
    with subprocess.Popen(
        [sys.executable, "-c", LONG, engine], cwd=root, stdout=subprocess.PIPE, stderr=subprocess.PIPE
    ) as process:
        assert [process.stdout.readline() for _ in range(2)] == [b"draft\n", b"reference\n"]
        time.sleep(0.5)
        process.send_signal(signal.SIGTERM)
        assert b"KeyboardInterrupt" in process.communicate(timeout=300)[1]
    assert process.returncode != 0


def test_direct_to_reverberant_ratio_does_not_depend_on_the_heading_for_a_point(simulated):
    mono = simulated.ambisonic[:, :, 0]
    assert mono[0] == pytest.approx(mono[1], abs=2e-4)
    ratio = direct_to_reverberant(simulated.direct, simulated.indirect)
    assert ratio.max() - ratio.min() > 1  # for ears it does


def test_ambisonic_direct_sound_points_to_the_source(room, ears, simulated):
    for view, heading in enumerate((0.0, 90.0, 213.0)):
        toward = SOURCES[0] - LISTENER
        turn = np.deg2rad(heading)
        ahead, left = np.array([-np.sin(turn), 0, -np.cos(turn)]), np.array([-np.cos(turn), 0, np.sin(turn)])
        head = np.array([-toward @ left, toward[1], -toward @ ahead]) / np.linalg.norm(toward)
        at = round(np.linalg.norm(toward) / SPEED * RATE)
        pulse = simulated.ambisonic[view, 0, :, at - 3 : at + 4].astype(float)
        weights = pulse @ pulse[0] / (pulse[0] @ pulse[0])
        assert weights == pytest.approx(encode(head, 1), abs=0.05)


def test_nothing_clips_and_nothing_is_infinite(simulated):
    for field in (simulated.direct, simulated.indirect, simulated.ambisonic):
        assert np.isfinite(field).all()
    assert np.abs(simulated.direct).max() < 2.0  # about 1 / r at the nearer ear
