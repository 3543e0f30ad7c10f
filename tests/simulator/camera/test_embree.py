"""The camera against geometry: known walls, known points, turned views of one place."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from simulator.camera.embree import depths, project, rays, render, sample_offsets
from simulator.camera.view_camera import ViewCamera, fixed
from simulator.config import CameraSettings, Settings
from simulator.loaders.load import load_scene
from simulator.scene.walkable import find_places

SCENES = sorted((Path(__file__).parents[3] / "scenes").glob("*.glb"))
STANDARD = fixed(CameraSettings())
LEVEL = fixed(CameraSettings(pitch_deg=0.0))
CENTRE = np.array([[3.0, 1.5, 2.5]])


def matrices(heading_deg: float, camera: ViewCamera) -> tuple[np.ndarray, np.ndarray]:
    """K (pixels, v down, z ahead) and R (world to camera), from rotation matrices rather than from the camera's code."""
    f = camera.width_px / 2 / np.tan(np.deg2rad(camera.hfov_deg) / 2)
    k = np.array([[f, 0, camera.width_px / 2], [0, f, camera.height_px / 2], [0, 0, 1]])
    h, p, q = np.deg2rad([heading_deg, camera.pitch_deg, camera.roll_deg])
    turn = np.array([[np.cos(h), 0, np.sin(h)], [0, 1, 0], [-np.sin(h), 0, np.cos(h)]])  # about +Y, to the left
    nod = np.array([[1, 0, 0], [0, np.cos(p), -np.sin(p)], [0, np.sin(p), np.cos(p)]])  # about the camera's own +X, up
    tilt = np.array([[np.cos(q), -np.sin(q), 0], [np.sin(q), np.cos(q), 0], [0, 0, 1]])  # about its own +Z, right side up
    return k, np.diag([1, -1, -1]) @ (turn @ nod @ tilt).T  # a glTF camera looks along -Z with +Y up


class TestDepth:
    @pytest.mark.parametrize(
        ("heading", "wall", "distance"), [(0, "north", 2.5), (90, "west", 3.0), (180, "south", 2.5), (270, "east", 3.0)]
    )
    def test_wall_at_a_known_distance_has_that_depth(self, box_room, heading, wall, distance):
        views = render(box_room, CENTRE, np.array([float(heading)]), [LEVEL])
        there = views.instance[0] == box_room.instances.index(wall) + 1
        assert there.mean() > 0.3
        # Planar, not along the ray: the same in the corners of the picture as in its middle.
        np.testing.assert_allclose(views.depth[0][there], distance, atol=1e-4)

    @pytest.mark.parametrize("heading", [0.0, 33.0, 211.0])
    def test_depth_leads_back_to_the_surfaces(self, box_room, heading):
        views = render(box_room, CENTRE, np.array([heading]), [STANDARD])
        k, r = matrices(heading, STANDARD)
        y, x = np.mgrid[0:240, 0:320] + 0.5
        along = np.stack([x, y, np.ones_like(x)], -1) @ (r.T @ np.linalg.inv(k)).T
        points = CENTRE[0] + views.depth[0][..., None] * along
        planes = {"west": (0, 0), "east": (0, 6), "floor": (1, 0), "ceiling": (1, 2.8), "north": (2, 0), "south": (2, 5)}
        for name, (axis, value) in planes.items():
            there = views.instance[0] == box_room.instances.index(name) + 1
            np.testing.assert_allclose(points[there][:, axis], value, atol=1e-3)

    def test_samples_of_a_pixel_come_one_after_another(self):
        camera = fixed(CameraSettings(width_px=12, height_px=8, pitch_deg=-10.0))
        offsets = sample_offsets(4)
        together = rays(camera, 30.0, offsets).reshape(8 * 12, 4, 3)
        for k, offset in enumerate(offsets):
            np.testing.assert_array_equal(together[:, k], rays(camera, 30.0, tuple(offset)))

    def test_nothing_hit_is_zero(self, make_scene, make_box):
        v, f = make_box((-1, -1, -5), (1, 1, -4), inward=False)
        scene = make_scene([("block", "wood", v, f, (0.5, 0.5, 0.5))])
        views = render(scene, np.zeros((1, 3)), np.array([180.0]), [LEVEL])
        assert (views.depth == 0).all() and (views.instance == 0).all()

    def test_coarse_depth_is_the_same_field_of_view(self, box_room):
        fine = render(box_room, CENTRE, np.array([20.0]), [STANDARD]).depth[0]
        coarse = depths(box_room, CENTRE, np.array([20.0]), [STANDARD], 32, 24)[0]
        # The centre of a coarse pixel lies on the corner of four fine ones.
        block = fine.reshape(24, 10, 32, 10)[:, 4:6, :, 4:6].mean((1, 3))
        assert np.median(np.abs(coarse - block)) < 1e-3


class TestProjection:
    def test_known_directions_fall_where_the_lens_says(self):
        half = LEVEL
        ahead = np.array([0.0, 0.0, -2.0])
        left_edge = np.array([-np.tan(np.deg2rad(30)), 0.0, -1.0])
        np.testing.assert_allclose(project(ahead, np.zeros(3), 0.0, half), [160, 120, 2], atol=1e-9)
        np.testing.assert_allclose(project(left_edge, np.zeros(3), 0.0, half), [0, 120, 1], atol=1e-9)
        # Pitched 22.5 degrees down, a point 22.5 degrees below the horizon is in the middle.
        below = np.array([0.0, -np.tan(np.deg2rad(22.5)), -1.0])
        np.testing.assert_allclose(project(below, np.zeros(3), 0.0, STANDARD)[:2], [160, 120], atol=1e-9)

    @pytest.mark.parametrize("heading", [0.0, 47.0, 200.0, 340.0])
    def test_projection_is_k_times_r(self, heading):
        rng = np.random.default_rng(0)
        points, position = rng.normal(size=(100, 3)) * 3, np.array([0.3, 1.5, -0.7])
        k, r = matrices(heading, STANDARD)
        expected = (points - position) @ (k @ r).T
        found = project(points, position, heading, STANDARD)
        np.testing.assert_allclose(found[:, 2], expected[:, 2], atol=1e-9)
        np.testing.assert_allclose(found[:, :2], expected[:, :2] / expected[:, 2:], rtol=1e-9, atol=1e-6)

    @pytest.mark.parametrize("heading", [0.0, 130.0])
    def test_small_objects_are_seen_where_they_are(self, make_scene, make_box, heading):
        rng = np.random.default_rng(1)
        k, r = matrices(heading, STANDARD)
        pixels = rng.uniform([20, 20], [300, 220], (12, 2))
        depth = rng.uniform(1.5, 5.0, 12)
        centres = CENTRE[0] + (np.c_[pixels, np.ones(12)] * depth[:, None]) @ (r.T @ np.linalg.inv(k)).T
        parts = [
            (f"mark{n}", "x", *make_box(tuple(c - 0.015), tuple(c + 0.015), inward=False), (0.5, 0.5, 0.5))
            for n, c in enumerate(centres)
        ]
        seen = render(make_scene(parts), CENTRE, np.array([heading]), [STANDARD]).instance[0]
        for n in range(12):
            y, x = np.nonzero(seen == n + 1)
            np.testing.assert_allclose([x.mean() + 0.5, y.mean() + 0.5], pixels[n], atol=1.0)

    def test_turning_left_moves_what_is_ahead_to_the_right(self):
        ahead = np.array([0.0, 0.0, -3.0])
        assert project(ahead, np.zeros(3), 10.0, LEVEL)[0] > 160

    def test_rays_have_unit_length_along_the_axis(self):
        directions = rays(STANDARD, 77.0, (0.5, 0.5))
        _, r = matrices(77.0, STANDARD)
        np.testing.assert_allclose(directions @ r[2], 1.0, atol=1e-6)


def homography(headings, cameras) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Map the first view's pixels by K2 R K1^-1: column and row in the second view, counted from centres; whether inside."""
    (k1, r1), (k2, r2) = (matrices(h, camera) for h, camera in zip(headings, cameras, strict=True))
    width, height = cameras[0].width_px, cameras[0].height_px
    y, x = np.mgrid[0:height, 0:width] + 0.5
    u, v, w = np.moveaxis(np.stack([x, y, np.ones_like(x)], -1) @ (k2 @ r2 @ r1.T @ np.linalg.inv(k1)).T, -1, 0)
    u, v = u / w - 0.5, v / w - 0.5
    return u, v, (w > 0) & (u >= 0) & (v >= 0) & (u < width - 1) & (v < height - 1)


def homography_psnr(scene, position, headings, cameras) -> float:
    """Warp the second view onto the first by the homography and compare where both see."""
    rgb = render(scene, np.repeat(position[None], 2, 0), np.array(headings), cameras).rgb.astype(np.float64)
    u, v, inside = homography(headings, cameras)
    x0, y0 = np.floor(u[inside]).astype(int), np.floor(v[inside]).astype(int)
    fx, fy = (u[inside] - x0)[:, None], (v[inside] - y0)[:, None]
    other = rgb[1]
    warped = (other[y0, x0] * (1 - fx) + other[y0, x0 + 1] * fx) * (1 - fy) + (
        other[y0 + 1, x0] * (1 - fx) + other[y0 + 1, x0 + 1] * fx
    ) * fy
    assert inside.mean() > 0.2
    return float(10 * np.log10(255**2 / np.mean((warped - rgb[0][inside]) ** 2)))


def positions(scene, count=4):
    """Draw ear positions and headings of a scene."""
    rng = np.random.default_rng(0)
    places = find_places(scene, Settings(), rng)
    for _ in range(count):
        yield places.floor[rng.integers(len(places.floor))] + [0.0, 1.5, 0.0], rng.uniform(0, 360), rng.uniform(10, 35)


@pytest.mark.parametrize("path", SCENES[::4], ids=lambda p: p.stem)
def test_two_headings_of_one_place_are_a_homography_apart(path):
    scene = load_scene(path)
    psnr = [homography_psnr(scene, p, (h, h + turn), [STANDARD] * 2) for p, h, turn in positions(scene)]
    assert min(psnr) >= 25.0, psnr


ROLLED = replace(STANDARD, roll_deg=20.0)
PAIRS = {
    "rolled": (STANDARD, ROLLED),
    "rolled the other way": (replace(STANDARD, roll_deg=-12.0, pitch_deg=0.0), replace(STANDARD, roll_deg=9.0, pitch_deg=0.0)),
    "on its side": (STANDARD, replace(STANDARD, roll_deg=90.0)),
    "pitched": (STANDARD, replace(STANDARD, pitch_deg=-10.0)),
    "wider": (STANDARD, replace(STANDARD, hfov_deg=75.0)),
    "all": (replace(STANDARD, pitch_deg=-5.0, roll_deg=-8.0), ViewCamera(
        70.0, -20.0, 10.0, height_m=1.5, width_px=320, height_px=240, samples_per_pixel=4
    )),
}  # fmt: skip


@pytest.mark.parametrize("cameras", PAIRS.values(), ids=PAIRS)
def test_two_cameras_at_one_place_are_a_homography_apart(cameras):
    scene = load_scene(SCENES[0])
    psnr = [homography_psnr(scene, p, (h, h + turn), cameras) for p, h, turn in positions(scene)]
    assert min(psnr) >= 25.0, psnr


@pytest.mark.parametrize("cameras", PAIRS.values(), ids=PAIRS)
def test_the_depth_of_one_view_is_that_of_the_other(cameras):
    """A pixel's point, from its depth, lies in the other view where the homography says, and as deep as that view says."""
    scene = load_scene(SCENES[0])
    for position, heading, turn in positions(scene, 2):
        headings = (heading, heading + turn)
        depth = render(scene, np.repeat(position[None], 2, 0), np.array(headings), cameras).depth
        y, x = np.mgrid[0:240, 0:320] + 0.5
        (k1, r1), (k2, r2) = (matrices(h, camera) for h, camera in zip(headings, cameras, strict=True))
        points = (np.stack([x, y, np.ones_like(x)], -1) * depth[0][..., None]) @ (r1.T @ np.linalg.inv(k1)).T
        seen = points @ (k2 @ r2).T
        u, v, inside = homography(headings, cameras)
        inside &= depth[0] > 0
        np.testing.assert_allclose(seen[inside][:, :2] / seen[inside][:, 2:] - 0.5, np.stack([u, v], -1)[inside], atol=2e-3)
        there = depth[1][np.rint(v[inside]).astype(int), np.rint(u[inside]).astype(int)]
        # At the edges of surfaces a pixel's neighbours are elsewhere; a wrong camera puts most pixels off.
        assert np.mean(np.abs(there - seen[inside][:, 2]) < 0.03 * seen[inside][:, 2]) > 0.93


class TestPicture:
    def checkered(self, gltf, tmp_path, squares):
        """A quad of `squares` x `squares` black and white texels' worth of checks, 4 texels each."""
        board = np.kron(np.indices((squares, squares)).sum(0) % 2, np.ones((4, 4))) * 255
        m = gltf.material(baseColorTexture={"index": gltf.texture(np.repeat(board[..., None], 3, -1))})
        gltf.node(mesh=gltf.mesh(gltf.primitive(material=m, TEXCOORD_0=gltf.QUAD_UV)))
        return load_scene(gltf.write(tmp_path / "board.glb"))

    def test_texture_finer_than_the_pixels_is_an_even_grey(self, gltf, tmp_path, look):
        scene = self.checkered(gltf, tmp_path, 256)  # 1,024 texels on 64 pixels: 4 checks a pixel and axis
        picture = look(scene, samples=4).rgb[0].astype(float)
        # Half the light, encoded in sRGB, is 188: averaging encoded values would give 128.
        assert abs(picture.mean() - 188) < 3
        assert picture.std() < 6

    def test_no_shimmer_when_the_camera_moves_by_a_fraction_of_a_pixel(self, gltf, tmp_path, look):
        def change():
            a, b = (look(scene, samples=4, position=(x, 0.0, 0.0)).rgb[0, 4:-4, 4:-4].astype(float) for x in (0.0, 0.011))
            return np.abs(a - b).mean()

        scene = self.checkered(gltf, tmp_path, 200)
        calm = change()
        vars(scene)["texel_level"] = np.full(len(scene.faces), -99.0, np.float32)  # the finest level everywhere
        assert calm < 6 and calm < 0.2 * change()

    def test_near_texture_stays_sharp(self, gltf, tmp_path, look):
        picture = look(self.checkered(gltf, tmp_path, 8), samples=4).rgb[0]
        assert (picture.min(-1) > 250).mean() + (picture.max(-1) < 5).mean() > 0.5

    def test_edges_cover_pixels_by_their_share_of_light(self, gltf, tmp_path, look):
        m = gltf.material(baseColorFactor=[0, 0, 0, 1])
        white = gltf.material(baseColorFactor=[1, 1, 1, 1])
        # The black half ends at a quarter of pixel column 32: a quarter black, three quarters white light.
        edge = np.float32([[-1, 1, -1.999], [2 / 64 * 0.25, 1, -1.999], [-1, -1, -1.999], [2 / 64 * 0.25, -1, -1.999]])
        gltf.node(mesh=gltf.mesh(gltf.primitive(edge, material=m), gltf.primitive(material=white)))
        picture = look(load_scene(gltf.write(tmp_path / "edge.glb")), samples=16).rgb[0]
        assert (picture[:, 31] == 0).all() and (picture[:, 33] == 255).all()
        assert abs(int(picture[32, 32, 0]) - round(255 * (1.055 * 0.75 ** (1 / 2.4) - 0.055))) <= 8

    @pytest.mark.parametrize("count", [1, 2, 4, 5, 8, 9, 16, 64])
    def test_samples_are_spread_over_rows_and_columns(self, count):
        offsets = sample_offsets(count)
        for axis in range(2):
            assert sorted(np.floor(offsets[:, axis] * count).astype(int)) == list(range(count))

    def test_instances_are_named_surfaces(self, box_room):
        views = render(box_room, CENTRE, np.array([0.0]), [STANDARD])
        middle = box_room.instances[views.instance[0, 5, 160] - 1], box_room.instances[views.instance[0, 239, 160] - 1]
        assert middle == ("north", "floor")

    def test_views_do_not_depend_on_one_another(self, box_room):
        headings = np.array([10.0, 100.0, 260.0])
        together = render(box_room, np.repeat(CENTRE, 3, 0), headings, [STANDARD] * 3)
        alone = render(box_room, CENTRE, headings[1:2], [STANDARD])
        np.testing.assert_array_equal(together.rgb[1], alone.rgb[0])
        np.testing.assert_array_equal(together.depth[1], alone.depth[0])
