"""Contact sheets: each scene from above without its ceilings, and at eye height.

python -m scenes.sheet scenes/*.glb --out sheet.jpg
"""

from __future__ import annotations

import argparse
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
from PIL import Image

from dataset.command import exit_status
from simulator.camera.embree import depths, render
from simulator.camera.view_camera import fixed
from simulator.config import CameraSettings, Settings
from simulator.loaders.load import find_scenes, load_scene
from simulator.scene.model import Scene
from simulator.scene.walkable import find_places

LIFTED = ("/ceiling", "/pendant", "/cornice", "surroundings", "outside")
"""Instances with these in their names are left out of views from above."""


def from_above(scene: Scene, width: int, height: int) -> np.ndarray:
    """Render a scene without its ceilings from straight above; (height, width, 3) uint8."""
    hidden = np.array([any(word in name for word in LIFTED) for name in scene.instances])
    kept = ~hidden[scene.face_instance - 1]
    rows = {
        k: getattr(scene, k)[kept]
        for k in ("faces", "face_instance", "face_material", "corner_uv", "corner_color", "face_surface")
    }
    open_scene = replace(scene, **rows)
    corners = open_scene.vertices[open_scene.faces].reshape(-1, 3)
    low, high = corners.min(0), corners.max(0)
    turned = high[2] - low[2] > high[0] - low[0]
    wide, deep = sorted((high[0] - low[0], high[2] - low[2]), reverse=True)
    camera = CameraSettings(width_px=width, height_px=height, hfov_deg=40.0, pitch_deg=-90.0, samples_per_pixel=4)
    reach = max(wide, deep * width / height) / 2 / np.tan(np.deg2rad(20)) * 1.03
    at = np.array([(low[0] + high[0]) / 2, high[1] + reach, (low[2] + high[2]) / 2])
    return render(open_scene, at[None], np.array([90.0 if turned else 0.0]), [fixed(camera)]).rgb[0]


def at_eye_height(
    scene: Scene, count: int, width: int, height: int, rng: np.random.Generator, pitch_deg: float
) -> list[np.ndarray]:
    """Render views from places where a listener can stand, each towards the deepest of several directions."""
    settings = Settings()
    camera = fixed(CameraSettings(width_px=width, height_px=height, hfov_deg=75.0, pitch_deg=pitch_deg))
    eyes = fixed(settings.camera).height_m
    places = find_places(scene, settings, rng)
    views: list[np.ndarray] = []
    while len(views) < count:
        floor = places.draw(rng)
        if floor is None:
            continue
        position = floor + np.array([0.0, eyes, 0.0])
        headings = rng.random(6) * 360
        deep = depths(scene, np.repeat(position[None], 6, 0), headings, [camera] * 6, 24, 16).mean((1, 2))
        views.append(render(scene, position[None], headings[[int(deep.argmax())]], [camera]).rgb[0])
    return views


def sheet(paths: list[Path], views: int, columns: int, width: int, seed: int, pitch_deg: float) -> Image.Image:
    """Return one strip per scene: from above first, then at eye height."""
    height = width * 3 // 4
    strips = []
    for path in paths:
        scene = load_scene(path)
        rng = np.random.default_rng([seed, *path.stem.encode()])
        pictures = [from_above(scene, width, height), *at_eye_height(scene, views, width, height, rng, pitch_deg)]
        strips.append(np.concatenate(pictures, 1))
    blank = np.zeros_like(strips[0])
    strips += [blank] * (-len(strips) % columns)
    rows = [np.concatenate(strips[k : k + columns], 1) for k in range(0, len(strips), columns)]
    return Image.fromarray(np.concatenate(rows, 0))


def main(arguments: list[str] | None = None) -> int:
    """Run the command; exit status 0, or 2 for wrong use."""
    parser = argparse.ArgumentParser(prog="python -m scenes.sheet", description="Draw a contact sheet of scenes.")
    parser.add_argument("scenes", nargs="+", type=Path, help="scene files or folders")
    parser.add_argument("--out", type=Path, required=True, help="image to write, .jpg or .png")
    parser.add_argument("--views", type=int, default=3, help="views at eye height of each scene (default 3)")
    parser.add_argument("--columns", type=int, default=1, help="scenes side by side (default 1)")
    parser.add_argument("--width", type=int, default=320, help="width of one view in pixels (default 320)")
    parser.add_argument(
        "--pitch", type=float, default=-12.0, help="pitch of the views at eye height, degrees, up positive (default -12)"
    )
    parser.add_argument("--seed", type=int, default=0, help="seed of the places (default 0)")
    options = parser.parse_args(arguments)

    def run() -> int:
        paths = list(find_scenes(options.scenes).values())
        picture = sheet(paths, options.views, options.columns, options.width, options.seed, options.pitch)
        picture.save(options.out, quality=85)
        print(f"{len(paths)} scenes on {options.out}")
        return 0

    return exit_status(run)


if __name__ == "__main__":
    sys.exit(main())
