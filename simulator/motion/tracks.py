"""Propagation paths of moving sources to a moving listener: the direct sound and image sources, followed over time.

Sound that arrives at time t left its source at the earlier time tau with |p(t) - s(tau)| = c (t - tau): the delay of each path
is found from this, so that the Doppler effect of listener and source follows (Pierce, Acoustics, section 9-2). The change of
level by the motion itself, 1 / (1 - v / c), 0.04 dB at walking speed, is neglected.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from simulator.acoustics.acoustic_scene import AcousticScene
from simulator.acoustics.arrivals import Paths
from simulator.acoustics.image_sources import direct_paths, image_paths
from simulator.motion.trajectory import Trajectory

ITERATIONS = 12
"""Iterations for the time of emission; each reduces the error by the ratio of the source's speed to that of sound."""


@dataclass(frozen=True, eq=False)
class Track:
    """One path over time: source and chain of reflecting planes; N times for its length, J of them controls."""

    source: int
    chain: tuple[int, ...]
    """Planes from source to listener; () for the direct sound."""
    length_m: np.ndarray
    """(N,) at all times, also where the path is blocked."""
    direction: np.ndarray
    """(J, 3) unit vectors from the listener towards the incoming sound, world frame."""
    gain: np.ndarray
    """(J, 7) pressure by octave band; 0 where the path is blocked."""


def follow_paths(
    scene: AcousticScene,
    listener: Trajectory,
    sources: Sequence[Trajectory],
    time_s: np.ndarray,
    control: np.ndarray,
    planes: Sequence[Sequence[tuple[np.ndarray, float]]],
    order: int,
    longest_m: float,
) -> list[Track]:
    """Find the paths at the control times and follow each over all times (N,).

    control: (J,) indices of the control times. planes: for each control time the sets of planes of the tracings that are heard
    then, with the share of their power: a path counts with the power of the sets that hold its planes.
    """
    at = time_s[control]
    position = listener.position(at)
    left = [_retarded(listener.position(at), s, at, scene.speed_m_s, _Mirror())[1] for s in sources]
    gains: dict[tuple[int, tuple[int, ...]], np.ndarray] = {}
    for j, sets in enumerate(planes):
        placed = np.stack([one[j] for one in left])
        for key, gain, distance in _found(direct_paths(scene, position[j], placed)):
            gains.setdefault(key, np.zeros((len(at), 7)))[j] = gain * distance
        named = [(frozenset(chosen.tolist()), share) for chosen, share in sets]
        every = np.unique(np.concatenate([chosen for chosen, _ in sets]))
        for key, gain, distance in _found(image_paths(scene, every, position[j], placed, order, longest_m)):
            power = sum(share for chosen, share in named if chosen.issuperset(key[1]))
            if power > 0:
                gains.setdefault(key, np.zeros((len(at), 7)))[j] = gain * distance * np.sqrt(power)
    heard_at = listener.position(time_s)
    return [_track(scene, heard_at, sources[key[0]], key, time_s, control, gain) for key, gain in gains.items()]


def _found(paths: Paths) -> list[tuple[tuple[int, tuple[int, ...]], np.ndarray, float]]:
    chains = np.full((len(paths.source), 0), -1) if paths.chain is None else paths.chain
    keys = [(int(s), tuple(int(p) for p in c if p >= 0)) for s, c in zip(paths.source, chains, strict=True)]
    return list(zip(keys, paths.gain, paths.distance, strict=True))


def _track(
    scene: AcousticScene,
    position: np.ndarray,
    source: Trajectory,
    key: tuple[int, tuple[int, ...]],
    time_s: np.ndarray,
    control: np.ndarray,
    strength: np.ndarray,
) -> Track:
    """Complete a track to positions (N, 3); strength: (J, 7) gain times length, which hardly changes with the length."""
    mirror = _mirror(scene, key[1])
    length, image = _retarded(position, source, time_s, scene.speed_m_s, mirror)
    offset = (image - position)[control]
    distance = np.maximum(length[control, None], 1e-6)
    return Track(key[0], key[1], length, offset / distance, strength / distance)


@dataclass(frozen=True, eq=False)
class _Mirror:
    """Maps a source to its image: x -> turn @ x + shift."""

    turn: np.ndarray | None = None
    shift: np.ndarray | None = None

    def __call__(self, points: np.ndarray) -> np.ndarray:
        return points if self.turn is None else points @ self.turn.T + self.shift


def _mirror(scene: AcousticScene, chain: tuple[int, ...]) -> _Mirror:
    turn, shift = np.eye(3), np.zeros(3)
    for plane in chain:
        normal, offset = scene.planes.normal[plane].astype(np.float64), float(scene.planes.offset[plane])
        reflect = np.eye(3) - 2.0 * np.outer(normal, normal)
        turn, shift = reflect @ turn, reflect @ shift + 2.0 * offset * normal
    return _Mirror(turn, shift) if chain else _Mirror()


def _retarded(
    position: np.ndarray, source: Trajectory, time_s: np.ndarray, speed: float, mirror: _Mirror
) -> tuple[np.ndarray, np.ndarray]:
    """Return lengths (N,) and image positions (N, 3) at the times of emission of the sound heard at times (N,)."""
    image = mirror(source.position(time_s))
    length = np.linalg.norm(image - position, axis=1)
    for _ in range(ITERATIONS):
        image = mirror(source.position(time_s - length / speed))
        before, length = length, np.linalg.norm(image - position, axis=1)
        if np.abs(length - before).max() < 1e-9:
            break
    return length, image
