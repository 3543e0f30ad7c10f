"""Compile all kernels once before the workers start; the first set on a machine otherwise compiles in every worker."""

from __future__ import annotations

import tempfile
from dataclasses import replace
from pathlib import Path

import numpy as np
from PIL import Image

from simulator.config import MOTIONS, WALK, SamplingSettings, Settings
from simulator.errors import InputError
from simulator.run.sampling import Rejected
from simulator.run.simulate import Inputs, prepare_scene, simulate

ROOM = (6.0, 2.8, 5.0)
"""m; large enough for all rules of sampling."""
TRIES = 8


def compile_kernels(settings: Settings, inputs: Inputs) -> None:
    """Simulate one small set of a textured box, so that every kernel is in numba's cache on disk for other processes.

    This takes about a minute the first time, and a second or two afterwards. Views are Embree's with any camera: habitat-sim
    uses the same kernels for sampling, has none of its own, and does not read the box.
    """
    tiny = replace(
        _short(settings),
        camera=replace(settings.camera, engine="embree", width_px=16, height_px=12),
        sampling=SamplingSettings(motion=MOTIONS[0] if inputs.poses else settings.sampling.motion),
        views=2 if inputs.poses else _short(settings).views,
        acoustics=replace(settings.acoustics, response_s=0.1, quality="draft"),
    )
    with tempfile.TemporaryDirectory() as folder:
        context = prepare_scene(_box(Path(folder)), "box", tiny, replace(inputs, materials=None, poses=None))
    for index in range(TRIES):
        try:
            simulate(context, index, lambda name, why: None)
            return
        except (Rejected, InputError):
            continue


def _short(settings: Settings) -> Settings:
    """Return settings whose walks have few moments."""
    if settings.sampling.motion != WALK:
        return settings
    return replace(settings, clips=replace(settings.clips, stretch_s=1.0), motion=replace(settings.motion, fps=2.0), views=2)


def _box(folder: Path) -> Path:
    """Write a box room with a texture on its walls as OBJ."""
    corners = [np.array(ROOM) * (x, y, z) for x in (0, 1) for y in (0, 1) for z in (0, 1)]
    quads = [(1, 2, 4, 3), (5, 7, 8, 6), (1, 5, 6, 2), (3, 4, 8, 7), (1, 3, 7, 5), (2, 6, 8, 4)]
    lines = ["mtllib box.mtl", "usemtl wall"]
    lines += [f"v {x} {y} {z}" for x, y, z in corners]
    lines += ["vt 0 0", "vt 1 0", "vt 1 1", "vt 0 1"]
    lines += ["f " + " ".join(f"{c}/{k}" for k, c in enumerate(quad, 1)) for quad in quads]
    (folder / "box.mtl").write_text("newmtl wall\nmap_Kd box.png\n")
    Image.new("RGBA", (4, 4), (200, 180, 160, 255)).save(folder / "box.png")
    path = folder / "box.obj"
    path.write_text("\n".join(lines) + "\n")
    return path
