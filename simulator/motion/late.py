"""Late sound along a walk: responses of tracings and headings along the way, faded into each other."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from scipy import signal

from simulator.acoustics.arrivals import Arrivals
from simulator.motion.steps import Steps
from simulator.receivers.receiver import Receiver
from simulator.receivers.spatialize import late_part


@dataclass(frozen=True, eq=False)
class Tracing:
    """What reaches the listener at one step of the way."""

    arrivals: Arrivals
    power: np.ndarray
    """(L,) share of its power in the late sound at every sample; the shares of all tracings sum to 1."""
    seed: np.random.SeedSequence
    """Of its random sequence, which is the same for all receivers."""


def late_sound(
    tracings: Sequence[Tracing], mono: np.ndarray, receiver: Receiver, turns: Steps, headings_deg: np.ndarray, length: int
) -> np.ndarray:
    """Return the late sound at C channels, (C, L), for dry sounds (S, L).

    turns, headings_deg: steps of the heading with their progress at every sample, and the heading (M,) at each. length: samples
    of a response. Tracings have random sequences of their own and are faded at equal power; the headings of one tracing share
    its sequence and are faded linearly.
    """
    out = np.zeros((receiver.channels, mono.shape[1]))
    for tracing in tracings:
        live = np.flatnonzero(tracing.power)
        if len(live) == 0:
            continue
        during = slice(int(live[0]), int(live[-1]) + 1)
        place, level = turns.place[during], np.sqrt(tracing.power[during])
        heard = range(int(np.floor(place[0])), min(int(np.ceil(place[-1])) + 1, len(headings_deg)))
        # One draw for all headings: a generator's state moves on with each call.
        rng = np.random.default_rng(tracing.seed)
        responses = late_part(tracing.arrivals, receiver, headings_deg[list(heard)], length, rng)
        for m, response in zip(heard, responses, strict=True):
            share = np.maximum(0.0, 1.0 - np.abs(place - m)) * level
            _add(out, mono, response, share, during.start)
    return out


def _add(out: np.ndarray, mono: np.ndarray, response: np.ndarray, share: np.ndarray, start: int) -> None:
    """Add mono (S, L) convolved with a response (S, C, T), weighted with a share (n,) from a sample on, to out (C, L)."""
    rows = np.flatnonzero(share)
    if len(rows) == 0:
        return
    first, last = int(rows[0]) + start, int(rows[-1]) + start + 1
    begin = max(0, first - response.shape[-1] + 1)
    sound = signal.oaconvolve(mono[:, None, begin:last], response, axes=-1)[..., first - begin : last - begin]
    out[:, first:last] += sound.sum(0) * share[first - start : last - start]
