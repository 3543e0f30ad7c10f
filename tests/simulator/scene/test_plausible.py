"""Units: scenes that are not in metres are noticed, with the factor that mends them."""

from __future__ import annotations

import numpy as np
import pytest

from simulator.config import Settings, with_options
from simulator.errors import InputError
from simulator.loaders.load import load_scene
from simulator.scene.plausible import factor_for, size_notes
from simulator.scene.walkable import find_places

GREY = (0.5, 0.5, 0.5)
UNITS = [(1000.0, 0.001), (100.0, 0.01), (1 / 0.0254, 0.0254), (10.0, 0.1), (0.01, 100.0), (0.001, 1000.0)]


@pytest.fixture
def room(make_scene, make_box):
    """Build a room of 6 x 2.8 x 5 m whose coordinates are multiplied by a factor."""

    def room(factor, height=2.8):
        return make_scene(
            [("room", "plaster", *make_box((0, 0, 0), (6 * factor, height * factor, 5 * factor), inward=True), GREY)]
        )

    return room


@pytest.mark.parametrize(("units", "factor"), UNITS)
def test_the_factor_is_that_of_the_unit(units, factor):
    assert factor_for(2.8 * units) == pytest.approx(factor)
    assert factor_for(2.2) == factor_for(4.5) == 1.0


@pytest.mark.parametrize(("units", "factor"), UNITS)
def test_no_set_is_drawn_in_a_room_of_another_unit(room, units, factor):
    with pytest.raises(InputError, match=f"--scale {factor:g}") as error:
        find_places(room(units), Settings(), np.random.default_rng(0))
    assert "\n" not in str(error.value)


def test_a_hall_can_be_allowed(room):
    hall = room(1.0, height=45.0)
    with pytest.raises(InputError, match=r"ceilings 45 m above its floor.*--set sampling\.max_ceiling_m=45"):
        find_places(hall, Settings(), np.random.default_rng(0))
    allowed = with_options({}, ["sampling.max_ceiling_m=45"])
    assert len(find_places(hall, allowed, np.random.default_rng(0)).floor) > 1000


def test_a_high_room_is_no_hall(room):
    assert len(find_places(room(1.0, height=12.0), Settings(), np.random.default_rng(0)).floor) > 1000


@pytest.mark.parametrize(("units", "factor"), [(100.0, 0.01), (0.01, 100.0)])
def test_the_loader_notes_an_improbable_size_and_scales_it(gltf, tmp_path, units, factor):
    corners = np.array([[x, y, z] for x in (0, 6) for y in (0, 2.8) for z in (0, 5)]) * units
    gltf.node(mesh=gltf.mesh(gltf.primitive(corners, [0, 1, 2, 1, 2, 3, 4, 5, 6, 5, 6, 7])))
    path = gltf.write(tmp_path / "scene.glb")
    (note,) = load_scene(path).notes
    assert note.startswith("the scene measures") and note.endswith(f"use --scale {factor:g}")
    scaled = load_scene(path, scale=factor)
    assert scaled.notes == ()
    np.testing.assert_allclose(scaled.bounds, [[0, 0, 0], [6, 2.8, 5]], atol=1e-5)


def test_usual_sizes_are_not_noted():
    for size in ((1, 1, 1), (6, 2.8, 5), (150, 40, 90), (400, 3, 300)):
        assert size_notes(np.array([[0, 0, 0], size])) == []


@pytest.mark.parametrize("scale", [0.0, -1.0, float("nan"), 1e9])
def test_scales_that_are_no_factors(scale):
    with pytest.raises(InputError, match="scale is"):
        with_options({"scale": scale})


def test_habitat_is_not_given_a_scale():
    with pytest.raises(InputError, match="which habitat-sim ignores"):
        with_options({"scale": 0.01, "camera.engine": "habitat"})
