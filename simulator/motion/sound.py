"""One continuous recording of a listener and sources that move.

The direct sound and the image sources are followed along their exact paths (`tracks.py`, `early.py`); late sound comes from
tracings along the way (`late.py`). A listener and sources that stand still hear what `engines/responses.py` computes.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from simulator.acoustics.acoustic_scene import AcousticScene
from simulator.acoustics.image_sources import planes_around
from simulator.config import AcousticsSettings, WalkSettings
from simulator.engines.responses import trace
from simulator.errors import InputError
from simulator.motion.early import early_sound
from simulator.motion.late import Tracing, late_sound
from simulator.motion.steps import Steps, steps
from simulator.motion.tracks import Track, follow_paths
from simulator.motion.trajectory import Trajectory
from simulator.receivers.receiver import Receiver

HOLD_S = 0.05
"""Time between two checks of which paths are free, and two filters of each path."""
KNOT_S = 0.005
"""Time between two exact delays of a path, which cubics join."""


@dataclass(frozen=True, eq=False)
class Propagation:
    """What reaches a moving listener, for receivers of any kind."""

    tracks: Sequence[Track]
    tracings: Sequence[Tracing]
    headings_deg: np.ndarray
    """(J,) of the listener, at the control times."""
    knot: int
    """Samples between two lengths of a track."""
    hold: int
    """Samples between two control times."""
    turns: Steps
    turned_deg: np.ndarray
    """(M,) heading at each step of `turns`."""
    length: int
    """Samples of a late response."""
    speed_m_s: float


def propagate(
    scene: AcousticScene,
    listener: Trajectory,
    sources: Sequence[Trajectory],
    length: int,
    settings: AcousticsSettings,
    rng: np.random.Generator,
    walk: WalkSettings | None = None,
) -> Propagation:
    """Follow the sound of S sources to a listener over `length` samples; raise InputError where the engine is not raytrace."""
    if settings.engine != "raytrace":
        raise InputError(f"acoustics engine is {settings.engine}, which cannot follow paths; use raytrace for what moves")
    walk, rate = walk or WalkSettings(), settings.sample_rate_hz
    knot = round(KNOT_S * rate)
    hold = knot * round(HOLD_S / KNOT_S)  # control times are knots at every rate, also where neither is a whole number
    controls = -(-length // hold) + 1
    knots = np.arange(-(-controls * hold // knot) + 2) * knot / rate
    moves = steps(knots, _moved(listener, sources, knots), walk.trace_every_m)
    clock = np.arange(length) / rate
    tracings, planes = _tracings(scene, listener, sources, settings, rng, knots, moves, clock)
    at = np.arange(controls) * hold
    powers = [_power(moves, k, knots)[at // knot] for k in range(len(planes))]
    active = [[(planes[k], power[j]) for k, power in enumerate(powers) if power[j] > 0] for j in range(controls)]
    longest = settings.response_s * scene.speed_m_s
    tracks = follow_paths(scene, listener, sources, knots, at // knot, active, settings.image_order, longest)
    turns = _turns(listener, clock, walk.turn_every_deg)
    return Propagation(
        tracks, tracings, listener.heading(at / rate), knot, hold, turns, listener.heading(turns.time_s),
        round(settings.response_s * rate), scene.speed_m_s,
    )  # fmt: skip


def record(sound: Propagation, mono: np.ndarray, receiver: Receiver) -> tuple[np.ndarray, np.ndarray]:
    """Return what C channels record of S dry sounds (S, L), each (C, L) float32: the direct sound, and everything else.

    Time zero is the first sample of the dry sounds.
    """
    mono = mono.astype(np.float64)  # so that sounds of any type give the same numbers
    direct, images = early_sound(sound.tracks, mono, receiver, sound.headings_deg, sound.knot, sound.hold, sound.speed_m_s)
    late = late_sound(sound.tracings, mono, receiver, sound.turns, sound.turned_deg, sound.length)
    return direct.astype(np.float32), (images + late).astype(np.float32)


def walk_sound(
    scene: AcousticScene,
    listener: Trajectory,
    sources: Sequence[Trajectory],
    mono: np.ndarray,
    settings: AcousticsSettings,
    receiver: Receiver,
    rng: np.random.Generator,
    walk: WalkSettings | None = None,
) -> tuple[np.ndarray, np.ndarray]:
    """Return what one receiver records of S dry sounds (S, L), as `record` does; raise InputError as `propagate` does."""
    return record(propagate(scene, listener, sources, mono.shape[1], settings, rng, walk), mono, receiver)


def _moved(listener: Trajectory, sources: Sequence[Trajectory], time_s: np.ndarray) -> np.ndarray:
    """Return the distance (N,), m, that the listener and the source that moves most have moved until each time."""
    ways = [np.linalg.norm(np.diff(one.position(time_s), axis=0), axis=1) for one in (listener, *sources)]
    return np.concatenate([[0.0], np.cumsum(ways[0] + np.max(ways[1:], axis=0))])


def _turns(listener: Trajectory, clock: np.ndarray, every_deg: float) -> Steps:
    turned = np.abs(np.diff(listener.heading(clock)))
    return steps(clock, np.concatenate([[0.0], np.cumsum(turned)]), every_deg)


def _power(moves: Steps, step: int, knots: np.ndarray, time_s: np.ndarray | None = None) -> np.ndarray:
    """Return the share of the power of a step's tracing, at the knots or at other times: squares of sine and cosine sum to 1."""
    share = moves.share(step) if time_s is None else np.interp(time_s, knots, moves.share(step))
    return np.asarray(np.sin(0.5 * np.pi * share) ** 2)


def _tracings(
    scene: AcousticScene,
    listener: Trajectory,
    sources: Sequence[Trajectory],
    settings: AcousticsSettings,
    rng: np.random.Generator,
    knots: np.ndarray,
    moves: Steps,
    clock: np.ndarray,
) -> tuple[list[Tracing], list[np.ndarray]]:
    """Trace at every step; return the tracings and the planes around the listener at each."""
    tracings, planes = [], []
    for k, time in enumerate(moves.time_s):
        position = listener.position(time)
        arrivals = trace(scene, position, np.stack([s.position(time) for s in sources]), settings, rng)
        tracings.append(Tracing(arrivals, _power(moves, k, knots, clock), _seed(rng)))
        planes.append(planes_around(scene, position))
    return tracings, planes


def _seed(rng: np.random.Generator) -> np.random.SeedSequence:
    """Return the seed of the generator that `rng.spawn(1)` would return."""
    seed = rng.bit_generator.seed_seq.spawn(1)[0]  # type: ignore[attr-defined]
    return seed
