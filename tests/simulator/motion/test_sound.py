"""Recordings of what moves: Doppler shift, agreement with sets that stand still, and level without steps or clicks."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.signal import hilbert

import simulator
from benchmarks.acoustics.rooms import box, clean, room_of
from simulator.acoustics.air import speed_of_sound
from simulator.config import AcousticsSettings, WalkSettings
from simulator.engines.responses import responses
from simulator.errors import InputError
from simulator.motion.sound import walk_sound
from simulator.motion.trajectory import Trajectory
from simulator.receivers.hrtf import load_ears
from simulator.receivers.spatialize import convolve

RATE, SPEED = 16000, speed_of_sound(20.0)
FREE = simulator.Scene.from_arrays([[-50, 0, -50], [50, 0, -50], [0, 0, 50]], [[0, 2, 1]], "opening")
OMNI = simulator.MicrophoneArray((0, 0, 0))
DRAFT = AcousticsSettings(quality="draft", response_s=0.25)
LISTENER, SOURCES = np.array([3.6, 1.5, 2.5]), np.array([[1.2, 1.1, 1.4], [4.2, 1.6, 0.6]])
FINE = WalkSettings(trace_every_m=0.1, turn_every_deg=2.0)


@pytest.fixture(scope="module")
def room():
    return room_of(clean(box((5.0, 2.6, 4.0))), 0.3, 0.1, DRAFT)


@pytest.fixture(scope="module")
def ears():
    return load_ears(None, RATE)


def noise(seconds: float, sources: int = 1, seed: int = 1) -> np.ndarray:
    return (0.1 * np.random.default_rng(seed).standard_normal((sources, round(seconds * RATE)))).astype(np.float32)


def still(*places: np.ndarray) -> list[Trajectory]:
    return [Trajectory(0.0, place) for place in places]


def level_db(sound: np.ndarray, block: int = RATE // 10) -> np.ndarray:
    """Return the level of blocks (C, B), dB."""
    cut = sound[:, : sound.shape[1] // block * block].astype(float)
    return 10 * np.log10((cut.reshape(len(sound), -1, block) ** 2).mean(-1) + 1e-20)


def passing(speed: float, seconds: float) -> Trajectory:
    """Return a straight line 2 m ahead, from right to left."""
    time = np.linspace(0.0, seconds, 101)
    x = speed * (seconds / 2 - time)
    return Trajectory(time, np.stack([x, np.full_like(x, 20.0), np.full_like(x, -2.0)], 1))


@pytest.mark.parametrize("moving", ["source", "listener"])
def test_passing_by_shifts_a_tone_as_theory_says(moving: str) -> None:
    seconds, speed, tone = 1.5, 20.0, 1000.0
    clock = np.arange(round(seconds * RATE)) / RATE
    way, centre = passing(speed, seconds), Trajectory(0.0, (0.0, 20.0, 0.0))
    listener, source = (centre, way) if moving == "source" else (way, centre)
    acoustics = AcousticsSettings(quality="draft", response_s=0.1, image_order=0)
    heard = simulator.simulate_walk(
        FREE, listener, [source], [np.sin(2 * np.pi * tone * clock)], receiver=OMNI, acoustics=acoustics,
        walk=WalkSettings(trace_every_m=100.0),
    )  # fmt: skip
    found = np.gradient(np.unwrap(np.angle(hilbert(heard.direct[0].astype(float))))) * RATE / (2 * np.pi)
    # Listener at t, source at the time of emission tau; v is the speed of either along the line that joins them.
    tau = clock.copy()
    for _ in range(60):
        tau = clock - np.linalg.norm(listener.position(clock) - source.position(tau), axis=1) / SPEED
    offset = source.position(tau) - listener.position(clock)
    along = (offset / np.linalg.norm(offset, axis=1, keepdims=True))[:, 0] * -speed
    wanted = tone / (1 + along / SPEED) if moving == "source" else tone * (1 + along / SPEED)
    inside = slice(RATE // 4, -RATE // 4)
    assert np.ptp(wanted[inside]) > 100.0
    np.testing.assert_allclose(found[inside], wanted[inside], rtol=1e-3)
    distance = np.linalg.norm(offset, axis=1)
    strength = np.abs(hilbert(heard.direct[0].astype(float))) * distance
    np.testing.assert_allclose(20 * np.log10(strength[inside]), 0.0, atol=0.7)  # the convective change of level is neglected
    assert not heard.indirect.any()


def test_a_listener_who_stands_still_hears_the_static_set(room, ears) -> None:
    mono = noise(0.8, 2)
    static = responses(room, LISTENER[None], np.array([30.0]), SOURCES, DRAFT, ears, np.random.default_rng(7))
    moving = walk_sound(room, Trajectory(0.0, LISTENER, 30.0), still(*SOURCES), mono, DRAFT, ears, np.random.default_rng(7))
    for response, found in zip((static.direct, static.indirect), moving, strict=True):
        wanted = convolve(mono[:, None], response[0]).sum(0)
        assert ((found - wanted) ** 2).sum() < 1e-8 * (wanted**2).sum()


def test_at_44100_hz_the_sound_is_that_of_the_static_set(room) -> None:
    """5 ms are no whole number of samples there; the sound is that of the static set, and its level changes slowly."""
    settings = AcousticsSettings(quality="draft", response_s=0.1, image_order=1, sample_rate_hz=44100)
    here, mono = load_ears(None, 44100), np.repeat(noise(1.0), 3, 1)[:, :44100]
    static = responses(room, LISTENER[None], np.array([30.0]), SOURCES[:1], settings, here, np.random.default_rng(7))
    moving = walk_sound(room, Trajectory(0.0, LISTENER, 30.0), still(SOURCES[0]), mono, settings, here, np.random.default_rng(7))
    wanted = convolve(mono[:, None], static.direct[0]).sum(0)
    assert ((moving[0] - wanted) ** 2).sum() < 1e-6 * (wanted**2).sum()
    way = Trajectory([0.0, 1.0], [[1.0, 1.5, 2.0], [4.0, 1.5, 2.0]])
    passed = walk_sound(room, way, still(SOURCES[0]), mono, settings, here, np.random.default_rng(7))[0]
    near = np.linalg.norm(way.position(np.linspace(0, 1, 10, endpoint=False) + 0.05) - SOURCES[0], axis=1)
    level = level_db(passed, 4410).mean(0) + 20 * np.log10(near)
    assert np.abs(np.diff(level)).max() < 3.0  # the ears' gain alone is left, which changes slowly


@pytest.mark.parametrize("name", ["trace_every_m", "turn_every_deg"])
def test_steps_of_a_walk_are_above_zero(name: str) -> None:
    with pytest.raises(InputError, match=rf"{name} is 0.0; use more than 0"):
        WalkSettings(**{name: 0.0})


def test_turning_on_the_spot_becomes_switching_responses(room, ears) -> None:
    """At each heading the sound is that of a head that never turned, the more so the slower it turns."""
    errors = []
    for seconds in (0.5, 2.0):
        mono, turn = noise(seconds + 0.2), 20.0
        head = Trajectory([0.0, seconds], LISTENER, [10.0, 10.0 + turn])
        moving = sum(walk_sound(room, head, still(SOURCES[0]), mono, DRAFT, ears, np.random.default_rng(3), FINE))
        at = seconds / 2
        heading = head.heading(np.array([at]))
        fixed = responses(room, LISTENER[None], heading, SOURCES[:1], DRAFT, ears, np.random.default_rng(3))
        wanted = sum(convolve(mono[:, None], x[0]).sum(0) for x in (fixed.direct, fixed.indirect))
        around = slice(round(at * RATE) - 40, round(at * RATE) + 40)
        errors.append(((moving - wanted)[:, around] ** 2).sum() / (wanted[:, around] ** 2).sum())
    assert errors[1] < 0.02 and errors[1] < 0.5 * errors[0]


@pytest.mark.slow
def test_a_walk_has_the_level_of_dense_tracings(room, ears) -> None:
    """Levels of 0.1 s differ by chance between random sequences; their mean over several does not."""
    seconds = 1.5
    head = Trajectory([0.0, seconds], [[1.0, 1.5, 3.2], [4.2, 1.5, 3.0]], [0.0, 60.0])
    mono, differences = noise(seconds, seed=5), []
    for seed in range(4):
        coarse, fine = (
            level_db(walk_sound(room, head, still(SOURCES[1]), mono, DRAFT, ears, np.random.default_rng(k), walk)[1])
            for k, walk in ((seed, None), (100 + seed, FINE))
        )
        differences.append(coarse - fine)
    mean = np.mean(differences, 0)
    assert abs(mean.mean()) < 0.15
    assert np.abs(mean).max() < 1.2
    steps = np.abs(np.diff(mean, axis=1))
    assert np.sqrt((steps**2).mean()) < 0.5


def test_a_walk_has_no_clicks(room, ears) -> None:
    seconds = 1.5
    head = Trajectory([0.0, seconds], [[1.0, 1.5, 3.2], [4.2, 1.5, 3.0]], [0.0, 90.0])
    clock = np.arange(round(seconds * RATE)) / RATE
    mono = (0.1 * np.sin(2 * np.pi * 300.0 * clock))[None].astype(np.float32)  # smooth: a click stands out
    crests = []
    for walk in (None, FINE):
        heard = sum(walk_sound(room, head, still(SOURCES[1]), mono, DRAFT, ears, np.random.default_rng(0), walk))
        bend = np.diff(heard[:, RATE // 10 :].astype(float), 2, axis=1)
        crests.append((np.abs(bend).max(1) / np.sqrt((bend**2).mean(1))).max())
    assert crests[0] < 1.2 * crests[1]


def test_a_source_that_goes_behind_a_screen_fades(ears) -> None:
    """The direct sound ends within a tenth of a second, without a jump."""
    screen = [[-1.0, 0.0, -1.5], [1.0, 0.0, -1.5], [1.0, 40.0, -1.5], [-1.0, 40.0, -1.5]]
    scene = simulator.Scene.from_arrays(screen, [[0, 1, 2], [0, 2, 3]], "opening")
    way = Trajectory([0.0, 1.0], [[-4.0, 20.0, -3.0], [0.0, 20.0, -3.0]])
    acoustics = AcousticsSettings(quality="draft", response_s=0.1, image_order=0)
    heard = simulator.simulate_walk(
        scene, Trajectory(0.0, (0.0, 20.0, 0.0)), [way], [noise(1.0)[0]], receiver=OMNI, acoustics=acoustics
    ).direct
    level = level_db(heard, 160)[0]
    last = int(np.flatnonzero(level > -150)[-1])
    # The line of sight meets the screen's edge x = -1 where the source is at x = -2.
    edge = np.interp(-2.0, way.position(np.linspace(0, 1, 1001))[:, 0], np.linspace(0, 1, 1001))
    assert edge - 0.05 < last / 100 < edge + 0.1
    assert level[last - 12] > -40.0


def test_equal_seeds_give_equal_sound_and_directional_parts_add_up() -> None:
    room = simulator.Scene.from_arrays(*_box(), "plaster")
    walk = Trajectory([0.0, 0.5], [[1.0, 1.5, 1.0], [2.0, 1.5, 1.0]], [0.0, 40.0])
    arguments = (room, walk, still(SOURCES[0]), [noise(0.5)[0]])
    first, again, other = (simulator.simulate_walk(*arguments, seed=seed, acoustics=DRAFT) for seed in (4, 4, 5))
    assert np.array_equal(first.indirect, again.indirect) and not np.array_equal(first.indirect, other.indirect)
    np.testing.assert_allclose(first.full(0.5), first.direct + 0.5 * first.indirect)
    assert first.full().shape == (2, RATE // 2)


def _box() -> tuple[np.ndarray, np.ndarray]:
    corners = np.array([[x, y, z] for x in (0, 5.0) for y in (0, 2.6) for z in (0, 4.0)])
    quads = [(0, 1, 3, 2), (4, 6, 7, 5), (0, 4, 5, 1), (2, 3, 7, 6), (0, 2, 6, 4), (1, 5, 7, 3)]
    return corners, np.array([t for a, b, c, d in quads for t in ((a, c, b), (a, d, c))])


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"clips": []}, "0 clips are given for 1 sources"),
        ({"clips": [np.zeros((2, 100))]}, "more than one axis"),
        ({"duration_s": 0.0}, "lasts 0 s"),
        ({"listener": Trajectory(0.0, (0.0, 20.0, -1.95))}, "a source is 0.05"),
        ({"acoustics": AcousticsSettings(engine="pyroomacoustics")}, "cannot follow paths"),
    ],
)
def test_what_cannot_be_used_is_refused(change: dict[str, object], said: str) -> None:
    arguments = {"listener": Trajectory(0.0, (0, 20, 0)), "sources": [passing(2.0, 1.0)], "clips": [np.zeros(RATE)], **change}
    with pytest.raises(InputError, match=said):
        simulator.simulate_walk(FREE, receiver=OMNI, **arguments)
