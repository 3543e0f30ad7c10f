"""Cost of a walk with its pictures and its recording, beside one static binaural response per picture.

    python -m benchmarks.walk
    python -m benchmarks.walk --sets 4 --seconds 10 --fps 10

A walk of 10 s at 10 pictures a second (RGB, depth, instances, compressed) with two sources that stand, at standard quality, in
the bundled apartment-0066, on one core. Beside it, the binaural responses of some of its moments are computed as `simulate_brirs`
does, and their cost is multiplied by the number of pictures. Times are CPU seconds, in one run.
Exit status 1 where a walk costs more than 10 s.
"""

from __future__ import annotations

import argparse
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.machine import describe
from dataset.format.pictures import encode_pictures
from dataset.format.writer import packed
from simulator.config import Settings, with_options
from simulator.engines.responses import responses
from simulator.motion.sound import propagate, record
from simulator.run.clips import find_clips
from simulator.run.simulate import Inputs, SceneContext, generator, prepare_scene, simulate
from simulator.run.walks import WalkGeometry, draw_walk

SCENE = Path(__file__).resolve().parents[1] / "scenes" / "apartment-0066.glb"
TARGET_S = 10.0
SAMPLES = 5
"""Moments at which static responses are computed."""


def main(argv: Sequence[str] | None = None) -> int:
    """Run the benchmark; return 0, or 1 where the target is missed."""
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks.walk", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--sets", type=int, default=3, help="walks; default %(default)s")
    parser.add_argument("--seconds", type=float, default=10.0, help="duration of a walk; default %(default)s")
    parser.add_argument("--fps", type=float, default=10.0, help="pictures a second; default %(default)s")
    options = parser.parse_args(argv)
    settings = with_options({
        "sampling.motion": "walk", "sources": 2, "clips.stretch_s": options.seconds, "motion.fps": options.fps,
        "motion.standing_share": 0.0,
    })  # fmt: skip
    print(f"{describe()}\n", flush=True)
    context = prepare_scene(SCENE, "apartment", settings, Inputs(find_clips(None)))
    simulate(prepare_scene(SCENE, "apartment", short(settings), Inputs(find_clips(None))), 0, lambda name, why: None)  # compiles
    found = [measure(context, index) for index in range(options.sets)]
    print(report(found, settings), flush=True)
    return 0 if np.median([one["walk"] for one in found]) <= TARGET_S else 1


def short(settings: Settings) -> Settings:
    """Return settings of a walk of a second, which compiles all kernels."""
    values = {"sampling.motion": "walk", "sources": settings.sources, "clips.stretch_s": 1.0, "motion.fps": 2.0}
    return with_options(values)


def measure(context: SceneContext, index: int) -> dict[str, float]:
    """Return the CPU seconds of a whole walk and of its parts, and the bytes of its pictures."""
    start = time.process_time()
    one = simulate(context, index, lambda name, why: None)
    out = {"walk": time.process_time() - start}
    settings = context.settings
    geometry = draw_walk(context.scene, context.places, settings, generator(settings, context.scene, index).spawn(4)[0])  # type: ignore[arg-type]
    moments = np.arange(settings.moments) / settings.motion.fps
    start = time.process_time()
    views = context.camera.render(geometry.listener.position(moments), geometry.listener.heading(moments), geometry.cameras)
    out["pictures"] = time.process_time() - start
    start = time.process_time()
    encode_pictures(views.rgb)
    out["compression"] = time.process_time() - start
    out |= {"sound": _sound(context, geometry, one["mono"]), "static": _static(context, geometry)}
    return out | _bytes(one, views.rgb)


def _sound(context: SceneContext, walk: WalkGeometry, mono: np.ndarray) -> float:
    """Return the CPU seconds of the recording."""
    settings, rng = context.settings, np.random.default_rng(0)
    start = time.process_time()
    sound = propagate(context.room, walk.listener, walk.sources, mono.shape[1], settings.acoustics, rng, settings.walk)
    record(sound, mono, context.ears)
    return time.process_time() - start


def _static(context: SceneContext, walk: WalkGeometry) -> float:
    """Return the CPU seconds of one static binaural response of each source for every moment, from some of them."""
    settings = context.settings
    moments = np.linspace(0.0, settings.clips.stretch_s, SAMPLES)
    start = time.process_time()
    for at in moments:
        sources = np.stack([source.position(at) for source in walk.sources])
        heading, rng = walk.listener.heading(at)[None], np.random.default_rng(0)
        responses(context.room, walk.listener.position(at)[None], heading, sources, settings.acoustics, context.ears, rng)
    return (time.process_time() - start) * settings.moments / SAMPLES


def _bytes(one: dict[str, Any], rgb: np.ndarray) -> dict[str, float]:
    """Return the kilobytes of a picture: as stored, RGB by HDF5's gzip filter, depth and instances."""
    views = len(rgb)
    return {
        "webp": one["rgb_webp"].nbytes / views / 1e3,
        "gzip": sum(len(packed(picture, False)) for picture in rgb) / views / 1e3,
        "depth": sum(len(packed(picture, True)) for picture in one["depth"]) / views / 1e3,
        "instance": sum(len(packed(picture, True)) for picture in one["instance"]) / views / 1e3,
    }


def report(found: Sequence[dict[str, float]], settings: Settings) -> str:
    """Return the table: medians over the walks, and the range of their cost."""
    middle = {name: float(np.median([one[name] for one in found])) for name in found[0]}
    low, high = min(one["walk"] for one in found), max(one["walk"] for one in found)
    camera = settings.camera
    ratio = float(np.median([one["static"] / one["sound"] for one in found]))
    return "\n".join([
        f"{len(found)} walks of {settings.clips.stretch_s:g} s, {settings.moments} pictures of {camera.width_px} x "
        f"{camera.height_px} pixels with {camera.samples_per_pixel} samples, 2 sources, {settings.acoustics.quality} quality",
        f"walk, CPU s                        {middle['walk']:6.2f}  ({low:.2f} to {high:.2f}; target {TARGET_S:g}: "
        f"{'reached' if middle['walk'] <= TARGET_S else 'missed'})",
        f"  pictures                         {middle['pictures']:6.2f}",
        f"  compression of RGB               {middle['compression']:6.2f}",
        f"  recording                        {middle['sound']:6.2f}",
        f"a static response for each picture {middle['static']:6.2f}  ({ratio:.1f} times the recording)",
        f"kB a picture: RGB as lossless WebP {middle['webp']:6.1f}, by HDF5's gzip {middle['gzip']:.1f}; "
        f"depth {middle['depth']:.1f}, instances {middle['instance']:.1f}",
    ])  # fmt: skip


if __name__ == "__main__":
    sys.exit(main())
