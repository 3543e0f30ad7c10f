import numpy as np
import pytest

from scenes.apartment import Apartment
from scenes.light import bake
from scenes.mesh import Light, Thing
from scenes.plan import Ceiling, Room
from scenes.polygon import Rect, inset, outline
from scenes.shell import build_shell
from scenes.style import draw_house, draw_style


def lit_room(table: bool):
    """A 4 x 4 x 2.5 m room with a lamp in the middle, and a board 0.7 m above one half of the floor."""
    rng = np.random.default_rng(0)
    gross = outline([Rect(0, 0, 4, 4)])
    from scenes.plan import _walls

    polygon = inset(gross, 0.06)
    room = Room("study", "study", polygon, gross, Ceiling(2.5), _walls(polygon))
    house = draw_house(rng, 0.5)
    style = draw_style("study", "study", 4, house, rng)
    things = build_shell(room, [], style, rng)
    lamp = Thing("lamp", lights=[Light((2.0, 2.2, 2.0), 0.05, (1.0, 1.0, 1.0))])
    board = Thing("board")
    if table:
        board.box(style.wood, (2.2, 0.7, 1.0), (3.8, 0.72, 3.0))
    apartment = Apartment(0, house, [room], {"study": []}, {"study": style}, {"study": [*things, board, lamp]})
    surfaces = {p.surface for t in apartment.things["study"] for p in t.patches}
    return things[0].patches[0], bake(apartment, {s: np.full(3, 0.5) for s in surfaces}), apartment


def at(patch, light, x, z):
    return light[id(patch)][np.argmin(np.hypot(patch.vertices[:, 0] - x, patch.vertices[:, 2] - z))].mean()


def test_light_is_between_dark_and_full():
    _, light, apartment = lit_room(table=True)
    assert set(light) == {id(p) for t in apartment.things["study"] for p in t.patches}
    assert all((v >= 0).all() and (v <= 1).all() and np.isfinite(v).all() for v in light.values())


def test_a_table_casts_its_shadow_on_the_floor():
    floor, light, _ = lit_room(table=True)
    assert at(floor, light, 3.0, 2.0) < 0.5 * at(floor, light, 1.0, 2.0)


def test_without_the_table_the_floor_is_lit_alike():
    floor, light, _ = lit_room(table=False)
    assert at(floor, light, 3.0, 2.0) == pytest.approx(at(floor, light, 1.0, 2.0), rel=0.1)


def test_corners_are_darker_than_the_middle():
    floor, light, _ = lit_room(table=False)
    assert at(floor, light, 0.06, 0.06) < 0.8 * at(floor, light, 2.0, 2.0)
