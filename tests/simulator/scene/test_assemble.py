"""Parts put together into a scene."""

from __future__ import annotations

import numpy as np
import pytest

from simulator.errors import InputError
from simulator.scene.assemble import MaterialSpec, Part, assemble

TRIANGLE = np.array([[0.0, 0, 0], [1, 0, 0], [0, 1, 0]])
FACE = np.array([[0, 1, 2]])


PAINT = (MaterialSpec("paint"),)


def join(parts, specs=PAINT, notes=None):
    return assemble("scene", "0" * 64, parts, specs, [], [] if notes is None else notes, "", 100)


def test_instances_count_from_one_in_order():
    scene = join([Part(name, 0, TRIANGLE + k, FACE) for k, name in enumerate("abc")])
    assert scene.instances == ("a", "b", "c")
    assert scene.face_instance.tolist() == [1, 2, 3]
    np.testing.assert_allclose(scene.vertices[scene.faces[2]], TRIANGLE + 2)


def test_parts_of_a_group_are_one_instance():
    scene = join(
        [
            Part("seat", 0, TRIANGLE, FACE, group="sofa"),
            Part("wall", 0, TRIANGLE, FACE),
            Part("arm", 0, TRIANGLE, FACE, group="sofa"),
        ]
    )
    assert scene.instances == ("seat", "wall")
    assert scene.face_instance.tolist() == [1, 2, 1]


def test_repeated_names_are_numbered():
    scene = join([Part(n, 0, TRIANGLE, FACE) for n in ("chair", "chair", "chair.2", "chair")])
    assert scene.instances == ("chair", "chair.2", "chair.2.2", "chair.3")


def test_vertex_colours_switch_shading_off_for_their_part_only():
    color = np.full((3, 4), 255, np.uint8)
    scene = join([Part("plain", 0, TRIANGLE, FACE), Part("scan", 0, TRIANGLE, FACE, color=color)])
    assert scene.materials.shaded[scene.face_material].tolist() == [True, False]


def test_surfaces_pair_instance_and_material():
    specs = (MaterialSpec("oak"), MaterialSpec("steel"))
    scene = join([Part("desk", 0, TRIANGLE, FACE, group="desk"), Part("desk", 1, TRIANGLE, FACE, group="desk")], specs)
    assert [scene.surfaces[k] for k in scene.face_surface] == [("desk", "oak"), ("desk", "steel")]


def test_triangles_without_area_are_left_out_and_told():
    notes: list[str] = []
    faces = np.array([[0, 1, 2], [0, 0, 1], [0, 1, 0], [1, 0, 0], [0, 1, 3], [2, 0, 1]])
    color = np.arange(6 * 12, dtype=np.uint8).reshape(6, 3, 4)
    points = np.concatenate([TRIANGLE, TRIANGLE[:1]])  # the last repeats the first under another number
    scene = join([Part("a", 0, points, faces, color=color)], notes=notes)
    assert scene.faces.tolist() == [[0, 1, 2], [2, 0, 1]] and notes == ["4 triangles without area omitted"]
    np.testing.assert_array_equal(scene.corner_color, color[[0, 5]])


def test_texture_coordinates_that_are_no_numbers_do_no_harm():
    scene = join([Part("a", 0, TRIANGLE, FACE, uv=np.array([[np.nan, np.inf], [-np.inf, 0.5], [0.25, 0.75]]))])
    assert np.isfinite(scene.corner_uv).all() and scene.corner_uv[0, 2].tolist() == [0.25, 0.75]


def test_more_instances_than_the_picture_can_count():
    with pytest.raises(InputError, match="65536 instances; at most 65535"):
        join([Part("a", 0, TRIANGLE, FACE)] * 65536)


def test_a_negative_index_is_refused():
    with pytest.raises(InputError, match="missing vertices"):
        join([Part("a", 0, TRIANGLE, np.array([[0, 1, -1]]))])


class TestOrigin:
    """Coordinates far from the world's origin keep their precision."""

    FAR = np.array([451_234.37, 112.5, -5_411_987.81])

    def test_vertices_are_stored_relative_to_an_origin_of_whole_metres(self):
        scene = join([Part("a", 0, TRIANGLE + self.FAR, FACE)])
        assert (scene.origin == np.rint(scene.origin)).all() and scene.origin.dtype == np.float64
        np.testing.assert_allclose(scene.vertices + scene.origin, TRIANGLE + self.FAR, atol=1e-6)
        assert scene.areas.sum() == pytest.approx(0.5, abs=1e-6)

    def test_scenes_near_the_origin_are_left_alone(self):
        scene = join([Part("a", 0, TRIANGLE + [900.0, 0, 0], FACE), Part("sky", 0, TRIANGLE * 5000 - [2500, 2500, 0], FACE)])
        assert not scene.origin.any() and scene.vertices[0].tolist() == [900, 0, 0]
