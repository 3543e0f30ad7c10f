"""Other rooms than boxes: an L, two rooms with an open door, and a scan of a furnished room."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np

from benchmarks.acoustics.findings import Finding, Target
from benchmarks.acoustics.measures import decay_curve, echogram, measure
from benchmarks.acoustics.plots import panels
from benchmarks.acoustics.reference import coupled_decay_time, prism_decay
from benchmarks.acoustics.rooms import Surface, box, clean, floor_plan, room_of, scanned
from simulator.acoustics.room_metrics import decay_time, energy_decay
from simulator.config import AcousticsSettings
from simulator.engines.responses import trace
from simulator.scene.model import Scene

L_PLAN = ([0, 3, 6], [0, 2.5, 5], [[1, 1], [1, 0]])
L_CORNERS = np.array([[0, 0], [6, 0], [6, 2.5], [3, 2.5], [3, 5], [0, 5]])
L_LISTENER, L_SOURCE = np.array([5.0, 1.5, 1.2]), np.array([1.2, 1.2, 4.0])
"""Around the corner from each other."""
TWO_PLAN = ([0, 4, 4.02, 8], [0, 1.6, 2.4, 4], [[1, 0, 1], [1, 1, 1], [1, 0, 1]])
DEAD, LIVE = 0.6, 0.06


def run(out: Path, quick: bool) -> list[Finding]:
    """Compare the decays of all three."""
    quality = "standard" if quick else "reference"
    return [l_shape(out, quality, 5000 if quick else 40000), two_rooms(out, quality), scan(quality, 1 if quick else 3)]


def _energy(scene: Scene, absorption: float | dict[str, float], scattering: float, *places: np.ndarray, seed: int = 0,
            quality: str, duration: float) -> tuple[np.ndarray, float]:  # fmt: skip
    settings = AcousticsSettings(quality=quality, response_s=duration)
    room = room_of(scene, absorption, scattering, settings)
    arrivals = trace(room, places[0], places[1][None], settings, np.random.default_rng(seed))
    return echogram(arrivals)[:, 3], arrivals.bin_s


def l_shape(out: Path, quality: str, rays: int) -> Finding:
    """An L against pyroomacoustics' images and rays."""
    rows, worst, curves = [], 0.0, []
    for absorption, scattering in ((0.15, 0.1), (0.3, 0.1), (0.2, 0.3)):
        energy, bin_s = _energy(clean(floor_plan(*L_PLAN, 2.7)), absorption, scattering, L_LISTENER, L_SOURCE,
                                quality=quality, duration=1.0)  # fmt: skip
        response, rate = prism_decay(L_CORNERS, 2.7, absorption, L_LISTENER, L_SOURCE, 2, rays, scattering)
        decay = energy_decay(response)
        ours = float(decay_time(decay_curve(energy), bin_s, -5, -35))
        theirs = float(decay_time(decay, 1 / rate, -5, -35))
        worst = max(worst, abs(ours / theirs - 1))
        rows.append(
            [f"{absorption:.2f}", f"{scattering:.1f}", f"{ours:.3f}", f"{theirs:.3f}", f"{100 * (ours / theirs - 1):+.1f}"]
        )
        curves.append((f"absorption {absorption:g}, scattering {scattering:g}", bin_s, decay_curve(energy), rate, decay))
    with panels(out / "l_shape.png", 1, "time, s", "energy decay, dB", 7.0) as (axis,):
        for k, (label, bin_s, ours_db, rate, theirs_db) in enumerate(curves):
            axis.plot(np.arange(len(theirs_db)) / rate, theirs_db, color=f"C{k}", lw=3, alpha=0.35)
            axis.plot(np.arange(len(ours_db)) * bin_s, ours_db, color=f"C{k}", lw=1, label=label)
        axis.set(ylim=(-60, 1), xlim=(0, 0.8), title="thick: pyroomacoustics; thin: this tracer")
        axis.legend()
    text = f"6 x 5 x 2.7 m, listener and source around the corner; against pyroomacoustics' images of order 2 and {rays} rays."
    header = ("absorption", "scattering", "T30 here, s", "T30 pyroomacoustics, s", "difference, %")
    return Finding(
        "L-shaped room", text, header, rows, [Target("largest difference of T30, %", 100 * worst, 10.0)], ["l_shape.png"]
    )


def two_rooms(out: Path, quality: str) -> Finding:
    """A dead room with an open door to a live one: a decay of two slopes, as in statistical theory."""
    named = []
    for s in floor_plan(*TWO_PLAN, 2.5):
        middle = s.corner + (s.along + s.across) / 2
        named.append(replace(s, name="dead" if middle[0] < 4.0 else "live"))
    listener, source = np.array([2.6, 1.5, 1.1]), np.array([1.2, 1.2, 3.0])
    energy, bin_s = _energy(clean(named), {"dead": DEAD, "live": LIVE}, 0.6, listener, source, quality=quality, duration=1.8)
    decay = decay_curve(energy)
    early, late = (float(decay_time(decay, bin_s, *span)) for span in ((-2, -12), (-30, -45)))
    theory = coupled_decay_time(_losses(named), np.array([4 * 4, 3.98 * 4]) * 2.5, 0.8 * 2.5, 343.2)
    with panels(out / "two_rooms.png", 1, "time, s", "energy decay, dB", 6.0) as (axis,):
        t = np.arange(len(decay)) * bin_s
        axis.plot(t, decay, label="this tracer")
        at = int(np.argmax(decay < -35))
        axis.plot(t, decay[at] - 60 * (t - t[at]) / theory, "--", label="theory, late slope")
        axis.set(ylim=(-60, 1), xlim=(0, 0.9))
        axis.legend()
    text = (
        f"Listener and source in a dead room (absorption {DEAD}), an open door of 2 m2 to a live one ({LIVE}). Late decay "
        "against the slower rate of two coupled diffuse rooms (Cremer and Mueller 1982)."
    )
    rows = [[f"{early:.3f}", f"{late:.3f}", f"{theory:.3f}", f"{100 * (late / theory - 1):+.1f}"]]
    return Finding(
        "Two rooms and an open door", text,
        ("early (-2 to -12 dB), s", "late (-30 to -45 dB), s", "theory, s", "difference, %"), rows,
        [Target("difference of the late decay, %", 100 * abs(late / theory - 1), 10.0)], ["two_rooms.png"],
    )  # fmt: skip


def _losses(surfaces: list[Surface]) -> np.ndarray:
    """Return Eyring's absorbing areas of the dead and the live room, m2."""
    areas = {"dead": 0.0, "live": 0.0}
    for s in surfaces:
        areas[s.name] += float(np.linalg.norm(np.cross(s.along, s.across)))
    return np.array([-areas["dead"] * np.log(1 - DEAD), -areas["live"] * np.log(1 - LIVE)])


def scan(quality: str, seeds: int) -> Finding:
    """A simulated scan of a furnished room (noise, holes, duplicate and flipped triangles) against its clean model."""
    surfaces = box((5.0, 2.6, 4.0)) + box((1.4, 0.8, 0.7), (1.5, 0.0, 3.0), outside=True, name="table")
    places = np.array([3.6, 1.5, 2.5]), np.array([1.2, 1.1, 1.4])
    distance = float(np.linalg.norm(places[0] - places[1]))
    rows, t20, drr = [], 0.0, 0.0
    for scattering in (0.05, 0.2, 0.5):
        energy, bin_s = _energy(clean(surfaces), 0.25, scattering, *places, quality=quality, duration=0.5)
        exact = measure(energy, bin_s, distance, 343.2)
        for seed in range(seeds):
            rough, _ = _energy(scanned(surfaces, np.random.default_rng(seed)), 0.25, scattering, *places, seed=seed + 1,
                               quality=quality, duration=0.5)  # fmt: skip
            got = measure(rough, bin_s, distance, 343.2)
            t20, drr = max(t20, float(abs(got.t20 / exact.t20 - 1))), max(drr, float(abs(got.drr - exact.drr)))
            rows.append([f"{scattering:.2f}", seed, f"{exact.t20:.3f}", f"{got.t20:.3f}", f"{exact.drr:.2f}", f"{got.drr:.2f}"])
    text = (
        "Vertices with 3 mm of noise on a 12 cm grid, 0.2 % holes, 2 % duplicate and 5 % flipped faces, 1 % of the faces with a "
        "third face on one edge."
    )
    header = ("scattering", "scan", "T20 clean, s", "T20 scan, s", "D/R clean, dB", "D/R scan, dB")
    targets = [Target("largest difference of T20, %", 100 * t20, 5.0), Target("largest difference of D/R, dB", drr, 0.5)]
    return Finding("A scan against its clean model", text, header, rows, targets)
