"""Polygons cut into triangles: areas, winding and holes of known shapes, in the plane and off it."""

from __future__ import annotations

import numpy as np
import pytest

from simulator.loaders.polygons import triangulate

DOORWAY = np.array([[0, 0, 0], [2.5, 0, 0], [2.5, 2, 0], [3.5, 2, 0], [3.5, 0, 0], [6, 0, 0], [6, 2.8, 0], [0, 2.8, 0]], float)
"""A wall of 6 x 2.8 m with a doorway of 1 x 2 m, counter-clockwise seen from +Z: 14.8 m2."""


def area(vertices, faces):
    corner = vertices[faces]
    return np.linalg.norm(np.cross(corner[:, 1] - corner[:, 0], corner[:, 2] - corner[:, 0]), axis=1).sum() / 2


def covers(vertices, faces, point):
    """Whether a point of the x-y plane lies in one of the triangles, seen along Z."""
    for a, b, c in vertices[faces][..., :2]:
        sides = [(q - p) @ [point[1] - p[1], p[0] - point[0]] for p, q in ((a, b), (b, c), (c, a))]
        if min(sides) > 0 or max(sides) < 0:
            return True
    return False


@pytest.fixture(params=[0, 3, 5], ids="first corner {}".format)
def doorway(request):
    return np.roll(DOORWAY, request.param, 0)


def cut(vertices):
    return triangulate(vertices, np.arange(len(vertices)), np.array([len(vertices)]))[0]


def test_a_doorway_stays_open(doorway):
    faces = cut(doorway)
    assert len(faces) == 6
    assert area(doorway, faces) == pytest.approx(14.8)
    assert not covers(doorway, faces, (3.0, 1.0)) and covers(doorway, faces, (3.0, 2.4)) and covers(doorway, faces, (1.0, 1.0))


@pytest.mark.parametrize(
    "turn", [np.eye(3), [[0, 0, 1], [1, 0, 0], [0, 1, 0]], [[0.36, 0.48, -0.8], [-0.8, 0.6, 0], [0.48, 0.64, 0.6]]]
)
def test_in_any_plane_with_the_winding_of_the_polygon(doorway, turn):
    turned = doorway @ np.array(turn, float).T + [500.0, -20.0, 7.0]
    for polygon, sign in ((turned, 1), (turned[::-1], -1)):
        faces = cut(polygon)
        assert area(polygon, faces) == pytest.approx(14.8)
        normal = np.cross(polygon[faces[:, 1]] - polygon[faces[:, 0]], polygon[faces[:, 2]] - polygon[faces[:, 0]])
        assert (normal @ (np.array(turn, float) @ [0, 0, 1.0]) * sign > 0).all()


def test_off_its_plane(doorway):
    bent = doorway + np.outer(0.05 * np.sin(3 * np.arange(8)), [0, 0, 1])
    faces = cut(bent)
    assert len(faces) == 6 and set(faces.ravel()) == set(range(8))
    assert not covers(bent, faces, (3.0, 1.0)) and covers(bent, faces, (3.0, 2.4))
    assert area(bent * [1, 1, 0], faces) == pytest.approx(14.8)


def test_a_concave_quadrangle_is_cut_along_its_inner_diagonal():
    arrow = np.array([[0, 0, 0], [2, 3, 0], [0, 1, 0], [-2, 3, 0]], float)
    for first in range(4):
        rolled = np.roll(arrow, first, 0)
        assert area(rolled, cut(rolled)) == pytest.approx(2.0)  # twice 1/2 x 1 x 2


def test_convex_polygons_are_fans_around_their_first_corner():
    angle = np.arange(6) * np.pi / 3
    hexagon = np.stack([np.cos(angle), np.sin(angle), 0 * angle], -1)
    assert cut(hexagon).tolist() == [[0, 1, 2], [0, 2, 3], [0, 3, 4], [0, 4, 5]]
    straight = np.array([[0, 0, 0], [1, 0, 0], [2, 0, 0], [2, 1, 0], [0, 1, 0]], float)
    assert cut(straight).tolist() == [[0, 1, 2], [0, 2, 3], [0, 3, 4]]


def test_polygons_keep_their_order_and_owners():
    vertices = np.concatenate([DOORWAY, DOORWAY[:3] + 10, DOORWAY + 20])
    corners, counts = np.arange(19), np.array([8, 3, 8])
    faces, owner = triangulate(vertices, corners, counts)
    assert owner.tolist() == [0] * 6 + [1] + [2] * 6
    assert all({0: faces[k] < 8, 1: (faces[k] >= 8) & (faces[k] < 11), 2: faces[k] >= 11}[owner[k]].all() for k in range(13))
    assert area(vertices, faces) == pytest.approx(2 * 14.8 + 2.5)


@pytest.mark.parametrize("counts", [[], [0], [2], [1, 2]])
def test_fewer_than_three_corners_give_nothing(counts):
    faces, owner = triangulate(DOORWAY, np.arange(sum(counts)), np.array(counts, int))
    assert faces.shape == (0, 3) and len(owner) == 0


@pytest.mark.parametrize("repeats", [(8, 1), (4, 2), (1, 3)])
def test_repeated_corners_count_once(doorway, repeats):
    """Exporters repeat the first corner at the end, or each corner where parts of an outline meet."""
    every, times = repeats
    polygon = np.concatenate([np.repeat(doorway[k : k + 1], times if k % every == 0 else 1, 0) for k in range(8)] + [doorway[:1]])
    faces = cut(polygon)
    assert len(faces) == 6
    assert area(polygon, faces) == pytest.approx(14.8)
    assert not covers(polygon, faces, (3.0, 1.0))


def test_a_polygon_in_one_place_gives_nothing():
    assert len(cut(np.ones((5, 3)))) == 0
