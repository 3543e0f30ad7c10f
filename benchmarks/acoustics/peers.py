"""Speed compared with other engines in the same rooms: pyroomacoustics, and rlr-audio-propagation where installed."""

from __future__ import annotations

import importlib.util
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any
from unittest.mock import patch

import numpy as np
from scipy.spatial.transform import Rotation

from benchmarks.acoustics.apartments import apartment, place_in, room_in, without_ceilings
from benchmarks.acoustics.findings import Finding, Target
from benchmarks.acoustics.rooms import box, clean, room_of
from benchmarks.peer import ears_here, ears_there
from simulator.acoustics.acoustic_scene import AcousticScene
from simulator.acoustics.room_metrics import direct_to_reverberant, rt60
from simulator.acoustics.tracer import QUALITY, Accuracy
from simulator.config import AcousticsSettings, with_options
from simulator.engines import soundspaces
from simulator.engines.responses import direct_length, responses
from simulator.receivers.hrtf import load_ears
from simulator.scene.bvh import Bvh

LISTENER = np.array([4.1, 1.5, 3.4])
SOURCES = np.array([[1.7, 1.2, 1.6], [4.9, 1.3, 1.2], [1.0, 1.6, 4.0]])
HEADINGS = np.array([0.0, 40.0, 90.0, 160.0])
RESPONSE_S = 1.0
SET_S = 0.35
Timed = tuple[np.ndarray, np.ndarray, float]
"""Direct (V, S, 2, Td) and indirect (V, S, 2, Ti) responses, and the CPU seconds they took."""


def run(out: Path, quick: bool) -> list[Finding]:
    """Time whole sets: 4 headings, 3 sources, direct and indirect apart."""
    del out
    found = [microphones(1 if quick else 3)]
    if importlib.util.find_spec("rlr_audio_propagation") is None:
        return [*found, closed_box(4 if quick else 24, False)]
    return [*found, closed_box(4 if quick else 24, True), open_apartment(3 if quick else 8)]


def microphones(repeats: int) -> Finding:
    """The box through 8 KEMAR microphones of pyroomacoustics."""
    here, there = ears_here("standard", max(3, repeats)), float(np.median([ears_there() for _ in range(repeats)]))
    return Finding(
        "Speed against pyroomacoustics",
        "A box, 4 headings, 3 sources, 0.8 s: 8 KEMAR microphones in pyroomacoustics, standard quality here.",
        ("here, CPU s", "pyroomacoustics, CPU s", "ratio"), [[f"{here:.3f}", f"{there:.2f}", f"{there / here:.1f}"]],
        [Target("times as fast as pyroomacoustics", there / here, 10.0, least=True)],
    )  # fmt: skip


def closed_box(seeds: int, with_peer: bool) -> Finding:
    """Compare spread and time in a box with a reverberation time of 0.93 s at several accuracies."""
    settings = AcousticsSettings(response_s=RESPONSE_S)
    room = room_of(clean(box((6.0, 2.8, 5.0))), 0.105, 0.1, settings, air=True)
    engines: list[tuple[str, str, Callable[[int], Timed]]] = [
        ("here", f"to {100 * t:g} %", _ours(room, LISTENER, HEADINGS, SOURCES, t)) for t in (0.012, 0.006, 0.0035)
    ]
    if with_peer:
        engines += [("rlr", f"{n}", _theirs(room, LISTENER, HEADINGS, SOURCES, n, False)) for n in (1000, 5000)]
    rows, fits = [], {"here": [], "rlr": []}  # type: tuple[list[list[object]], dict[str, list[tuple[float, float]]]]
    measured = _measure([call for _, _, call in engines], seeds)
    for (name, rays, _), (seconds, t30, drr) in zip(engines, measured, strict=True):
        rows.append([name, rays, f"{seconds:.3f}", f"{100 * t30:.2f}", f"{drr:.3f}"])
        fits[name].append((t30, seconds))
    targets = [
        Target("CPU s of a set at a T30 spread of 0.4 %", _seconds_at(fits["here"], 0.004), SET_S),
        Target("D/R spread at the highest accuracy, dB", min(d for _, _, d in measured[:3]), 0.05),
    ]
    if with_peer:
        at = max(min(t for t, _ in fits["rlr"]), min(t for t, _ in fits["here"]))
        ratio = _seconds_at(fits["rlr"], at) / _seconds_at(fits["here"], at)
        targets.append(
            Target(f"times as fast as rlr's batched call at its T30 spread of {100 * at:.2f} %", ratio, 5.0, least=True)
        )
    return Finding(
        "Speed and spread in a closed box" + (", against rlr-audio-propagation" if with_peer else ""),
        f"A set: 4 headings, 3 sources, direct and indirect apart, {RESPONSE_S:g} s, absorption 0.105 (T30 0.95 s). CPU seconds "
        "of the fastest run (rlr: batched calls only, with its own ears), mean spread over the responses of both ears; "
        f"{seeds} runs in turn, those of rlr with the listener moved by 10 um.",
        ("engine", "accuracy (here) or rays (rlr)", "CPU s a set", "T30 spread, %", "D/R spread, dB"), rows, targets,
    )  # fmt: skip


def open_apartment(seeds: int) -> Finding:
    """A furnished apartment without ceilings, where most energy escapes."""
    settings = with_options({"sources": 3})
    scene = apartment(0)
    listener, headings, sources = place_in(scene, settings)
    room = room_in(without_ceilings(scene), settings)
    engines: list[tuple[str, Callable[[int], Timed]]] = [
        (f"here, {quality}", _ours(room, listener, headings, sources, 0.0, quality)) for quality in ("draft", "standard")
    ]
    engines += [("rlr, 5000 rays", _theirs(room, listener, headings, sources, 5000, True))]
    measured = _measure([call for _, call in engines], seeds)
    rows = [[name, f"{s:.3f}", f"{100 * t:.2f}", f"{d:.3f}"] for (name, _), (s, t, d) in zip(engines, measured, strict=True)]
    return Finding(
        "Speed in an open apartment, against rlr-audio-propagation",
        f"A bundled apartment without ceilings, {len(room.surface)} triangles; the same set, with fewer arrivals. "
        "Runs of rlr differ by a rotation of the room.",
        ("engine", "CPU s a set", "T30 spread, %", "D/R spread, dB"), rows,
        [Target("time of standard quality over that of rlr", measured[1][0] / measured[2][0], 1.0)],
    )  # fmt: skip


def _ours(
    room: AcousticScene, listener: np.ndarray, headings: np.ndarray, sources: np.ndarray, t30: float, quality: str = "asked"
) -> Callable[[int], Timed]:
    """Return a function of the seed; t30: accuracy to reach, where `quality` is "asked"."""
    settings = AcousticsSettings(response_s=RESPONSE_S, quality=quality)
    ears, places = load_ears(None, settings.sample_rate_hz), np.repeat(listener[None], len(headings), 0)

    def call(seed: int) -> Timed:
        QUALITY["asked"] = Accuracy(t30, 0.5, QUALITY["reference"].most_segments)
        start = time.process_time()
        simulated = responses(room, places, headings, sources, settings, ears, np.random.default_rng(seed))
        return simulated.direct, simulated.indirect, time.process_time() - start

    return call


def _theirs(
    room: AcousticScene, listener: np.ndarray, headings: np.ndarray, sources: np.ndarray, rays: int, turning: bool
) -> Callable[[int], Timed]:
    """Return a function of a number in place of a seed, which rlr lacks; its set-up is not timed.

    The number rotates the whole scene, or moves the listener by micrometres, which is enough where rays are reflected often.
    rlr uses its own ears: it would read those of a file in every call, which takes longer than the simulation.
    """
    import rlr_audio_propagation as library

    settings = AcousticsSettings(response_s=RESPONSE_S)
    ears = load_ears(None, settings.sample_rate_hz)
    lengths = direct_length(settings), round(RESPONSE_S * settings.sample_rate_hz)
    plain, seconds = library.Context.simulate, 0.0

    def timed(context: Any) -> None:
        nonlocal seconds
        start = time.process_time()
        plain(context)
        seconds += time.process_time() - start

    def call(seed: int) -> Timed:
        nonlocal seconds
        seconds = 0.0
        rng = np.random.default_rng(seed)
        turn, beside = (360.0 * rng.random(), listener) if turning else (0.0, listener + 1e-5 * rng.normal(size=3))
        turned = Rotation.from_euler("y", turn, degrees=True).apply
        world = replace(room, bvh=Bvh(turned(room.bvh.vertices), room.bvh.faces))
        places = turned(beside), headings + turn, turned(sources)
        with (
            patch.dict(soundspaces.RAYS, standard=rays),
            patch.multiple(library.Context, simulate=timed, set_listener_hrtf=_built_in_ears),
        ):
            simulated = soundspaces.soundspaces_responses(world, *places, settings, ears, lengths)
        return *simulated, seconds

    return call


def _built_in_ears(context: Any, listener: int, file: str) -> None:
    """Keep the built-in ears of a listener of rlr."""


def _measure(calls: list[Callable[[int], Timed]], seeds: int) -> list[tuple[float, float, float]]:
    """Return each engine's CPU seconds (fastest run), relative spread of T30 and spread of D/R in dB; engines run in turn."""
    for call in calls:
        call(10_000)
    times: list[list[float]] = [[] for _ in calls]
    t30: list[list[np.ndarray]] = [[] for _ in calls]
    drr: list[list[np.ndarray]] = [[] for _ in calls]
    for seed in range(seeds):
        for k, call in enumerate(calls):
            direct, indirect, seconds = call(seed)
            times[k].append(seconds)
            full = indirect.copy()
            shared = min(full.shape[-1], direct.shape[-1])
            full[..., :shared] += direct[..., :shared]
            t30[k].append(rt60(full, 16000))
            drr[k].append(direct_to_reverberant(direct, indirect))
    out = []
    for k in range(len(calls)):
        t, d = np.array(t30[k]), np.array(drr[k])
        out.append((min(times[k]), float((t.std(0, ddof=1) / t.mean(0)).mean()), float(d.std(0, ddof=1).mean())))
    return out


def _seconds_at(points: list[tuple[float, float]], spread: float) -> float:
    """Interpolate the seconds that an engine takes for a spread, on logarithmic scales; (spread, seconds) points."""
    x, y = np.log(np.array(sorted(points)).T)
    slope = np.polyfit(x, y, 1)
    return float(np.exp(np.polyval(slope, np.log(spread))))
