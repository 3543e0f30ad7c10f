"""Closest hits and lines of sight against plain geometry, and against testing every triangle."""

import gc

import numpy as np
import pytest
import trimesh

from simulator.scene.bvh import Bvh


@pytest.fixture
def soup():
    """Two hundred random triangles."""
    rng = np.random.default_rng(2)
    return rng.normal(size=(600, 3)).astype(np.float32), np.arange(600).reshape(-1, 3)


def every_triangle(vertices, faces, origin, toward):
    """Distance and face of the first hit, by Cramer's rule on every triangle."""
    a, b, c = (vertices[faces[:, k]].astype(float) for k in range(3))
    matrix = np.stack([b - a, c - a, np.broadcast_to(-toward, a.shape)], -1)
    u, v, t = np.linalg.solve(matrix, (origin - a)[..., None])[..., 0].T
    t = np.where((u >= 0) & (v >= 0) & (u + v <= 1) & (t > 0), t, np.inf)
    return t.min(), int(t.argmin()) if np.isfinite(t.min()) else -1


def test_the_closest_of_many_triangles_is_found(soup):
    rng = np.random.default_rng(3)
    origins, toward = rng.normal(size=(2, 300, 3))
    hits = Bvh(*soup).closest(origins, toward)
    expected = [every_triangle(*soup, o, d) for o, d in zip(origins, toward, strict=True)]
    assert hits.face.tolist() == [face for _, face in expected]
    assert hits.distance == pytest.approx(np.array([t for t, _ in expected]), rel=1e-4, abs=1e-6)


def test_barycentric_weights_give_the_point_back(soup):
    vertices, faces = soup
    rng = np.random.default_rng(4)
    origins, toward = rng.normal(size=(2, 300, 3))
    hits = Bvh(vertices, faces).closest(origins, toward)
    hit = hits.face >= 0
    a, b, c = (vertices[faces[hits.face[hit], k]] for k in range(3))
    point = a + hits.u[hit, None] * (b - a) + hits.v[hit, None] * (c - a)
    assert point == pytest.approx(origins[hit] + hits.distance[hit, None] * toward[hit], abs=1e-4)


def test_sight_ends_at_a_wall_and_not_before():
    wall = np.array([[-1, -1, 2], [1, -1, 2], [0, 2, 2]], np.float32)
    bvh = Bvh(wall, np.array([[0, 1, 2]]))
    eye = np.zeros((4, 3))
    ends = np.array([[0, 0, 1.9], [0, 0, 2.1], [0, 0, 2.0], [5, 0, 2.1]])
    assert bvh.visible(eye, ends).tolist() == [True, False, True, True]


def test_both_sides_of_a_triangle_stop_a_ray():
    wall = np.array([[-1, -1, 0], [1, -1, 0], [0, 2, 0]], np.float32)
    bvh = Bvh(wall, np.array([[0, 1, 2]]))
    hits = bvh.closest(np.array([[0, 0, 1.0], [0, 0, -1.0]]), np.array([[0, 0, -1.0], [0, 0, 1.0]]))
    assert hits.face.tolist() == [0, 0]
    assert hits.distance == pytest.approx([1, 1])


def test_a_ray_that_meets_nothing_says_so():
    bvh = Bvh(np.eye(3, dtype=np.float32), np.array([[0, 1, 2]]))
    hits = bvh.closest(np.zeros((1, 3)), np.array([[-1.0, -1, -1]]))
    assert hits.face.tolist() == [-1]
    assert np.isinf(hits.distance).all()


def test_no_ray_leaves_a_closed_surface_where_its_triangles_meet():
    ball = trimesh.creation.icosphere(5)  # 20480 triangles
    bvh = Bvh(ball.vertices * [3.0, 1.4, 2.5], ball.faces)
    middles = bvh.vertices[ball.edges].mean(1)
    toward = np.concatenate([bvh.vertices, middles, np.random.default_rng(6).normal(size=(200_000, 3))])
    toward /= np.linalg.norm(toward, axis=1, keepdims=True)
    assert (bvh.closest(np.zeros_like(toward), toward).face >= 0).all()
    assert (bvh.seen(np.zeros(3), toward).face >= 0).all()


def test_no_rays_are_no_trouble(soup):
    bvh = Bvh(*soup)
    assert len(bvh.closest(np.zeros((0, 3)), np.zeros((0, 3))).face) == 0
    assert len(bvh.visible(np.zeros((0, 3)), np.zeros((0, 3)))) == 0


def test_a_hierarchy_owns_what_it_was_made_of(soup):
    vertices, faces = soup
    origins, toward = np.random.default_rng(5).normal(size=(2, 100, 3))
    first = Bvh(vertices, faces).closest(origins, toward)
    copy = Bvh(vertices.copy(), faces.copy())
    gc.collect()
    _ = [np.full(10_000, np.nan, np.float32) for _ in range(50)]
    assert copy.closest(origins, toward).distance.tolist() == first.distance.tolist()
