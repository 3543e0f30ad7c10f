"""Panoramas: directions of pixels, and agreement with views."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from scipy.ndimage import map_coordinates

import simulator
from simulator.camera.embree import rays, render
from simulator.camera.panorama import panorama_rays, render_panoramas
from simulator.camera.view_camera import fixed
from simulator.config import CameraSettings
from simulator.errors import InputError

SCENES = sorted((Path(__file__).parents[3] / "scenes").glob("*.glb"))
CENTRE = np.array([[3.0, 1.5, 2.5]])


def test_each_pixel_shows_what_lies_in_its_direction(box_room):
    made = render_panoramas(box_room, CENTRE, 64, 1)
    names = ("none", *box_room.instances)
    half = np.pi / 128  # from the horizon and the meridians to the nearest pixels' centres
    for row, column, wall, distance in (
        (32, 64, "north", 2.5), (32, 32, "west", 3.0), (32, 96, "east", 3.0), (32, 0, "south", 2.5),
        (0, 10, "ceiling", 1.3), (63, 100, "floor", 1.5),
    ):  # fmt: skip
        assert names[made.instance[0, row, column]] == wall
        slant = np.cos(half) if wall in ("ceiling", "floor") else np.cos(half) ** 2
        assert made.distance[0, row, column] == pytest.approx(distance / slant, rel=1e-4)


def test_rays_have_unit_length_and_cover_the_sphere_evenly_in_heading_and_elevation():
    directions = panorama_rays(32, 0, 32, np.array([[0.5, 0.5]])).reshape(32, 64, 3)
    np.testing.assert_allclose(np.linalg.norm(directions, axis=-1), 1.0, atol=1e-6)
    up = np.rad2deg(np.arcsin(directions[..., 1]))
    np.testing.assert_allclose(up[:, 0], 90 - 180 * (np.arange(32) + 0.5) / 32, atol=1e-3)
    heading = np.rad2deg(np.arctan2(-directions[..., 0], -directions[..., 2]))
    np.testing.assert_allclose(heading[16], 180 - 360 * (np.arange(64) + 0.5) / 64, atol=1e-3)


def test_strips_of_rows_make_one_picture(box_room):
    high = render_panoramas(box_room, CENTRE, 160, 1)  # two whole strips and a half
    again = render_panoramas(box_room, CENTRE + [[0.1, 0, 0]], 160, 1)
    assert (high.distance > 0).all() and not np.array_equal(high.distance, again.distance)


def test_views_cut_from_a_panorama_agree_with_rendered_ones():
    scene = simulator.load_scene(SCENES[0])
    position = scene.bounds.mean(0) * [1, 0, 1] + [0, 1.5, 0]
    made = simulator.render_panorama(scene, position, height_px=512)
    camera = fixed(CameraSettings(width_px=160, height_px=120))
    for heading in (30.0, 200.0):
        view = render(scene.mesh, (position - scene.mesh.origin)[None], np.array([heading]), [camera])
        toward = rays(camera, heading, (0.5, 0.5)).astype(float)
        length = np.linalg.norm(toward, axis=1)
        column = (180 - np.rad2deg(np.arctan2(-toward[:, 0], -toward[:, 2]))) / 360 * 1024 - 0.5
        row = (90 - np.rad2deg(np.arcsin(toward[:, 1] / length))) / 180 * 512 - 0.5
        cut = np.stack(
            [map_coordinates(made.rgb[0, ..., k].astype(float), [row, column], order=1, mode="grid-wrap") for k in range(3)], -1
        )
        error = ((cut - view.rgb[0].reshape(-1, 3)) ** 2).mean()
        assert 10 * np.log10(255**2 / error) > 27.0
        distance = map_coordinates(made.distance[0], [row, column], order=0, mode="grid-wrap")
        depth = view.depth[0].ravel()
        assert np.quantile(np.abs(distance / length - depth) / depth, 0.9) < 0.02


def test_a_height_that_cannot_be_used_is_refused(box_room):
    scene = simulator.Scene.from_arrays([[0, 0, 0], [1, 0, 0], [0, 0, 1]], [[0, 2, 1]], "plaster")
    for height in (0, 8, 5000):
        with pytest.raises(InputError, match="16 to 4096"):
            simulator.render_panorama(scene, (0, 1, 0), height_px=height)
