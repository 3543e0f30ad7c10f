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
from simulator.config import AcousticsSettings
from simulator.engines.responses import trace
from simulator.errors import InputError
from simulator.motion.early import early_sound
from simulator.motion.late import Tracing, late_sound
from simulator.motion.steps import Steps, steps
from simulator.motion.tracks import follow_paths
from simulator.motion.trajectory import Trajectory
from simulator.receivers.receiver import Receiver

HOLD_S = 0.05
"""Time between two checks of which paths are free, and two filters of each path."""
KNOT_S = 0.005
"""Time between two exact delays of a path, which cubics join."""


@dataclass(frozen=True)
class WalkSettings:
    """How finely late sound follows the movement."""

    trace_every_m: float = 0.5
    """Rays are traced again when listener and sources together have moved this far."""
    turn_every_deg: float = 5.0
    """Late responses are spatialised again when the listener has turned this far."""

    def __post_init__(self) -> None:
        """Raise InputError for steps that are not above 0."""
        for name in ("trace_every_m", "turn_every_deg"):
            if not getattr(self, name) > 0:
                raise InputError(f"{name} is {getattr(self, name)}; use more than 0")


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
    """Return what C channels record of S dry sounds, each (C, L) float32: the direct sound, and everything else.

    Time zero is the first sample of the dry sounds (S, L). Raise InputError where the engine is not raytrace.
    """
    if settings.engine != "raytrace":
        raise InputError(f"acoustics engine is {settings.engine}, which cannot follow paths; use raytrace for what moves")
    walk = walk or WalkSettings()
    rate, length = settings.sample_rate_hz, mono.shape[1]
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
    headings = listener.heading(at / rate)
    direct, images = (
        early_sound([t for t in tracks if (not t.chain) == first], mono, receiver, headings, knot, hold, scene.speed_m_s)
        for first in (True, False)
    )
    turns = _turns(listener, clock, walk.turn_every_deg)
    late = late_sound(tracings, mono, receiver, turns, listener.heading(turns.time_s), round(settings.response_s * rate))
    return direct.astype(np.float32), (images + late).astype(np.float32)


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
        tracings.append(Tracing(arrivals, _power(moves, k, knots, clock), rng.spawn(1)[0]))
        planes.append(planes_around(scene, position))
    return tracings, planes
