"""Spread of results over seeds, compared with the accuracy that each quality setting states."""

from __future__ import annotations

import time
from pathlib import Path

import numpy as np

from benchmarks.acoustics.apartments import apartment, place_in, room_in
from benchmarks.acoustics.findings import Finding, Target
from benchmarks.acoustics.measures import decay_curve, echogram
from benchmarks.acoustics.rooms import box, clean, room_of
from simulator.acoustics.acoustic_scene import AcousticScene
from simulator.acoustics.bands import energy_share
from simulator.acoustics.room_metrics import decay_time, direct_to_reverberant, rt60
from simulator.acoustics.tracer import QUALITY
from simulator.config import AcousticsSettings, with_options
from simulator.engines.responses import direct_length, trace
from simulator.receivers.hrtf import load_ears
from simulator.receivers.spatialize import spatialize

APARTMENTS = (6, 44)
SEEDS = {"draft": 24, "standard": 24, "reference": 6}
BOX_SEEDS = 40
"""Seeds in the box, where a run takes little time."""


def run(out: Path, quick: bool) -> list[Finding]:
    """Trace several rooms with many seeds at each quality."""
    del out
    rows: list[list[object]] = []
    worst: dict[str, float] = {}
    for name, room, listener, sources in _cases():
        for quality, seeds in SEEDS.items():
            if quick and quality == "reference":
                continue
            draws = (BOX_SEEDS if name == "box" else seeds) // (2 if quick else 1)
            t30, level, seconds = spread(room, listener, sources, quality, draws)
            stated = QUALITY[quality]
            numbers = [f"{100 * stated.t30:g}", f"{100 * t30:.2f}", f"{stated.level_db:g}", f"{level:.3f}", f"{seconds:.3f}"]
            rows.append([name, quality, *numbers])
            worst[quality] = max(worst.get(quality, 0.0), t30 / stated.t30, level / stated.level_db)
    # The standard deviation of so few seeds is uncertain by about a fourth.
    targets = [Target(f"{quality}: largest spread over the stated one", ratio, 1.4) for quality, ratio in worst.items()]
    text = (
        "Standard deviation over seeds of the traced energy (broadband, with images, three sources, worst source). Furnished "
        "rooms that need more rays than the budget of a quality exceed the stated spread."
    )
    header = ("room", "quality", "T30 stated, %", "T30, %", "level stated, dB", "level, dB", "CPU, s")
    return [Finding("Spread over seeds", text, header, rows, targets), _sequence(8 if quick else 24)]


def _sequence(seeds: int) -> Finding:
    """Spatialise the same arrivals with many random sequences."""
    settings = AcousticsSettings(response_s=1.0)
    _, room, listener, sources = _cases()[0]
    arrivals = trace(room, listener, sources, settings, np.random.default_rng(0))
    ears, lengths = load_ears(None, settings.sample_rate_hz), (direct_length(settings), settings.sample_rate_hz)
    t30, level = [], []
    for seed in range(seeds):
        direct, indirect = spatialize(arrivals, ears, np.zeros(1), *lengths, np.random.default_rng(seed))
        level.append(direct_to_reverberant(direct, indirect))
        indirect[..., : lengths[0]] += direct
        t30.append(rt60(indirect, settings.sample_rate_hz))
    times = 100 * (np.std(t30, 0, ddof=1) / np.mean(t30, 0)).mean()
    levels = np.std(level, 0, ddof=1).mean()
    return Finding(
        "The random sequence", f"Spread at the ears of the same arrivals in the box over {seeds} random sequences.",
        ("T30, %", "D/R, dB"), [[f"{times:.3f}", f"{levels:.4f}"]],
        [Target("T30, %", float(times), 0.2), Target("D/R, dB", float(levels), 0.05)],
    )  # fmt: skip


def spread(
    room: AcousticScene, listener: np.ndarray, sources: np.ndarray, quality: str, seeds: int
) -> tuple[float, float, float]:
    """Return the relative spread of T30, the spread of the level in dB, both of the worst source, and the median CPU seconds."""
    settings = AcousticsSettings(response_s=1.0, quality=quality)
    t30, level, seconds = [], [], []
    for seed in range(seeds):
        start = time.process_time()
        arrivals = trace(room, listener, sources, settings, np.random.default_rng(seed))
        seconds.append(time.process_time() - start)
        energy = np.stack([echogram(arrivals, s) @ energy_share(16000) for s in range(len(sources))])
        t30.append(decay_time(decay_curve(energy), arrivals.bin_s, -5.0, -35.0))
        level.append(10 * np.log10(energy.sum(-1)))
    times = np.array(t30)
    return float((times.std(0, ddof=1) / times.mean(0)).max()), float(np.std(level, 0, ddof=1).max()), float(np.median(seconds))


def _cases() -> list[tuple[str, AcousticScene, np.ndarray, np.ndarray]]:
    settings = with_options({"sources": 3})
    listener, sources = np.array([4.1, 1.5, 3.4]), np.array([[1.7, 1.2, 1.6], [4.9, 1.3, 1.2], [1.0, 1.6, 4.0]])
    cases = [("box", room_of(clean(box((6.0, 2.8, 5.0))), 0.105, 0.1, settings.acoustics, air=True), listener, sources)]
    for number in APARTMENTS:
        scene = apartment(number)
        listener, _, sources = place_in(scene, settings)
        cases.append((f"apartment {number}", room_in(scene, settings), listener, sources))
    return cases
