"""Empty boxes without scattering: decays against pyroomacoustics' pure image method and against Eyring."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from benchmarks.acoustics.findings import Finding, Target
from benchmarks.acoustics.measures import decay_curve, echogram, measure
from benchmarks.acoustics.plots import panels
from benchmarks.acoustics.reference import eyring, image_echogram, image_sources
from benchmarks.acoustics.rooms import box, clean, room_of
from simulator.acoustics.image_sources import image_paths, planes_around
from simulator.config import AcousticsSettings
from simulator.engines.responses import trace

SIZE = (6.0, 2.8, 5.0)
VOLUME, AREA = 84.0, 121.6
LISTENER, SOURCE = np.array([4.1, 1.5, 3.4]), np.array([1.7, 1.2, 1.6])
ABSORPTIONS = (0.1, 0.15, 0.2, 0.3, 0.4, 0.5)


def run(out: Path, quick: bool) -> list[Finding]:
    """Compare decays and image sources."""
    return [decays(out, ABSORPTIONS[1::2] if quick else ABSORPTIONS, "standard" if quick else "reference"), images()]


def decays(out: Path, absorptions: tuple[float, ...], quality: str) -> Finding:
    """Trace the box with every absorption and compare the parameters of both engines."""
    rows, worst = [], {"t30": 0.0, "edt": 0.0, "c50": 0.0, "drr": 0.0}
    curves = {}
    distance = float(np.linalg.norm(LISTENER - SOURCE))
    for a in absorptions:
        duration = round(eyring(VOLUME, AREA, a, 343.2), 3)
        settings = AcousticsSettings(quality=quality, response_s=duration)
        room = room_of(clean(box(SIZE)), a, 0.0, settings)
        arrivals = trace(room, LISTENER, SOURCE[None], settings, np.random.default_rng(1))
        energy = echogram(arrivals)[:, 3]
        pure = image_echogram(SIZE, a, LISTENER, SOURCE, len(energy), arrivals.bin_s, arrivals.speed_m_s)
        ours, exact = (measure(e, arrivals.bin_s, distance, arrivals.speed_m_s) for e in (energy, pure))
        curves[a] = (arrivals.bin_s, decay_curve(energy), decay_curve(pure))
        for name in worst:
            x, y = float(getattr(ours, name)), float(getattr(exact, name))
            worst[name] = max(worst[name], abs(x / y - 1) if name in ("t30", "edt") else abs(x - y))
        pairs = [f"{getattr(ours, n):.3f} / {getattr(exact, n):.3f}" for n in ("t30", "edt")]
        pairs += [f"{getattr(ours, n):.2f} / {getattr(exact, n):.2f}" for n in ("c50", "drr")]
        rows.append([f"{a:.2f}", *pairs, f"{eyring(VOLUME, AREA, a, 343.2):.3f}"])
    with panels(out / "box.png", 1, "time after emission, s", "energy decay, dB", 7.5) as (axis,):
        for k, (a, (bin_s, ours_db, exact_db)) in enumerate(curves.items()):
            t = np.arange(len(ours_db)) * bin_s
            axis.plot(t, exact_db, color=f"C{k}", lw=3, alpha=0.35)
            axis.plot(t, ours_db, color=f"C{k}", lw=1, label=f"absorption {a:g}")
        axis.set(ylim=(-60, 1), title="thick: pure image method; thin: this tracer")
        axis.legend()
    text = (
        "A box of 6 x 2.8 x 5 m without scattering or air; this tracer / pyroomacoustics' pure image method, all orders that "
        "arrive within the response. Eyring's formula holds for diffuse fields; flutter echoes here decay more slowly."
    )
    return Finding(
        "Box: decay against the image method", text, ("absorption", "T30, s", "EDT, s", "C50, dB", "D/R, dB", "Eyring, s"), rows,
        [
            Target("largest difference of T30, %", 100 * worst["t30"], 5.0),
            Target("largest difference of EDT, %", 100 * worst["edt"], 5.0),
            Target("largest difference of C50, dB", worst["c50"], 0.5),
            Target("largest difference of the direct-to-reverberant ratio, dB", worst["drr"], 0.5),
        ],
        ["box.png"],
    )  # fmt: skip


def images() -> Finding:
    """Compare the image sources of the box with those of pyroomacoustics, order by order."""
    settings = AcousticsSettings()
    room = room_of(clean(box(SIZE)), 0.2, 0.0, settings)
    rows, farthest, missing = [], 0.0, 0
    for order in (1, 2, 3):
        paths = image_paths(room, planes_around(room, LISTENER), LISTENER, SOURCE[None], order, 1e3)
        ours = LISTENER + paths.distance[:, None] * paths.direction
        expected, pressure = image_sources(SIZE, 0.2, LISTENER, SOURCE, order)
        reflected = np.linalg.norm(expected - SOURCE, axis=1) > 1e-6
        expected, pressure = expected[reflected], pressure[reflected]
        gap = np.linalg.norm(ours[None] - expected[:, None], axis=-1)
        level = 20 * np.abs(np.log10(paths.gain[gap.argmin(1), 3] / pressure)).max()
        farthest, missing = max(farthest, float(gap.min(1).max())), missing + abs(len(ours) - len(expected))
        rows.append([order, len(expected), len(ours), f"{gap.min(1).max():.1e}", f"{level:.1e}"])
    return Finding(
        "Box: image sources", "Reflections up to an order, on the planes of the mesh and by pyroomacoustics.",
        ("order", "expected", "found", "largest position error, m", "largest level error, dB"), rows,
        [
            Target("largest position error of an image, m", farthest, 1e-6),
            Target("missing or additional images", float(missing), 0.0),
        ],
    )  # fmt: skip
