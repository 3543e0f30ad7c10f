"""Cost of tracing by number of triangles and by number of rays."""

from __future__ import annotations

import time
from pathlib import Path

import numpy as np

from benchmarks.acoustics.apartments import apartment, of_triangles, place_in, room_in
from benchmarks.acoustics.findings import Finding
from benchmarks.acoustics.plots import panels
from simulator.acoustics.acoustic_scene import AcousticScene
from simulator.acoustics.image_sources import direct_paths, image_paths, planes_around
from simulator.acoustics.tracer import Tracer
from simulator.config import with_options

TRIANGLES = (25_000, 250_000, 1_000_000)
RAYS = (1024, 2048, 4096, 8192, 16384)


def run(out: Path, quick: bool) -> list[Finding]:
    """Time one apartment with increasing numbers of triangles, and with increasing numbers of rays."""
    settings = with_options({"sources": 3})
    scene = apartment(0)
    listener, _, sources = place_in(scene, settings)
    repeats = 3 if quick else 7
    rooms = {n: room_in(of_triangles(scene, n), settings) for n in (TRIANGLES[:2] if quick else TRIANGLES)}
    for room in rooms.values():
        _time(room, listener, sources, 512, 0)
    # The meshes are timed in turn, so that other load on the machine affects all equally.
    times = {n: [] for n in rooms}  # type: dict[int, list[tuple[float, float]]]
    for k in range(repeats):
        for n, room in rooms.items():
            times[n].append(_time(room, listener, sources, 4096, k))
    first = np.median([sum(t) for t in times[TRIANGLES[0]]])
    rows = []
    for n, pairs in times.items():
        paths, rays = np.median(pairs, 0)
        rows.append([f"{n}", f"{1e3 * paths:.1f}", f"{1e3 * rays:.0f}", f"{np.median([sum(p) for p in pairs]) / first:.2f}"])
    by_triangles = Finding(
        "Cost by triangles",
        "A furnished apartment whose largest triangles are repeatedly split into four; 4096 rays, 3 sources, 1 s, median. "
        "Tracing alone; `python -m benchmarks.render` times whole sets, for which the target is at most 1.5.",
        ("triangles", "paths, CPU ms", "rays, CPU ms", "ratio"), rows,
    )  # fmt: skip
    room = rooms[TRIANGLES[0]]
    cpu = [float(np.median([_time(room, listener, sources, n, k)[1] for k in range(repeats)])) for n in RAYS]
    with panels(out / "cost.png", 1, "rays", "CPU, s") as (axis,):
        axis.loglog(RAYS, cpu, "o-")
    by_rays = Finding(
        "Cost by rays", f"The same at {TRIANGLES[0]} triangles.", ("rays", "CPU ms", "us a ray"),
        [[f"{n}", f"{1e3 * t:.0f}", f"{1e6 * t / n:.1f}"] for n, t in zip(RAYS, cpu, strict=True)], (), ["cost.png"],
    )  # fmt: skip
    return [by_triangles, by_rays]


def _time(room: AcousticScene, listener: np.ndarray, sources: np.ndarray, rays: int, seed: int) -> tuple[float, float]:
    """Return the CPU seconds of the exact paths and of the given number of rays."""
    start = time.process_time()
    direct_paths(room, listener, sources)
    planes = planes_around(room, listener)
    image_paths(room, planes, listener, sources, 3, room.speed_m_s)
    between = time.process_time()
    known = np.isin(room.planes.of_face, planes)
    Tracer(room, known, 3, listener, sources, 1.0, np.random.default_rng(seed)).add(rays)
    return between - start, time.process_time() - between
