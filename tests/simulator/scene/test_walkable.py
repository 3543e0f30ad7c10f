"""Where a listener can stand, in houses of known plan."""

from __future__ import annotations

import numpy as np
import pytest

from simulator.config import Settings
from simulator.errors import InputError
from simulator.scene.walkable import find_places

SETTINGS = Settings()
CLEARANCE = SETTINGS.sampling.clearance_m
GREY = (0.5, 0.5, 0.5)


@pytest.fixture
def build(make_scene, make_box):
    """Build a scene of rooms (seen from inside) and blocks (seen from outside), each (name, low, high)."""

    def build(rooms=(), blocks=(), quads=()):
        parts = [(n, "plaster", *make_box(lo, hi, inward=True), GREY) for n, lo, hi in rooms]
        parts += [(n, "wood", *make_box(lo, hi, inward=False), GREY) for n, lo, hi in blocks]
        for n, y, (x0, z0, x1, z1) in quads:
            parts.append(
                (n, "stone", np.array([[x0, y, z0], [x0, y, z1], [x1, y, z1], [x1, y, z0]]), [(0, 1, 2), (0, 2, 3)], GREY)
            )
        return make_scene(parts)

    return build


def places(scene, seed=0, settings=SETTINGS):
    return find_places(scene, settings, np.random.default_rng(seed))


ROOM = ("room", (0, 0, 0), (6, 2.8, 5))


def test_on_the_floor_with_room_for_the_body(build):
    found = places(build([ROOM]))
    assert len(found.floor) > 1000
    np.testing.assert_allclose(found.floor[:, 1], 0.0, atol=1e-3)
    assert found.floor[:, [0, 2]].min() >= CLEARANCE * np.cos(np.pi / 16) - 1e-3
    assert (found.floor[:, [0, 2]] <= np.array([6, 5]) - CLEARANCE * np.cos(np.pi / 16) + 1e-3).all()
    assert found.roofed


def test_the_whole_floor_is_reached_evenly(build):
    found = places(build([ROOM]))
    rng = np.random.default_rng(1)
    drawn = np.array([p for p in (found.draw(rng) for _ in range(2000)) if p is not None])
    counts, _, _ = np.histogram2d(drawn[:, 0], drawn[:, 2], bins=4, range=[[0.3, 5.7], [0.3, 4.7]])
    assert counts.min() > 0.6 * counts.mean() and counts.max() < 1.4 * counts.mean()


def test_drawn_places_hold_the_rules_too(build):
    found = places(build([ROOM], [("table", (2, 0, 2), (4, 0.75, 3))]))
    rng = np.random.default_rng(2)
    drawn = np.array([p for p in (found.draw(rng) for _ in range(2000)) if p is not None])
    beside = np.maximum([2, 2] - drawn[:, [0, 2]], drawn[:, [0, 2]] - [4, 3])
    # A corner between two of the 16 rays around the body may come a little nearer than the clearance.
    assert np.linalg.norm(np.maximum(beside, 0), axis=1).min() > 0.75 * CLEARANCE
    np.testing.assert_allclose(drawn[:, 1], 0.0, atol=1e-3)


class TestSolids:
    """A block as large as a room, on the floor: there is room for a body inside, and a floor."""

    BLOCK = ("block", (2, 0.01, 1.5), (5, 2.7, 4))
    INSIDE, BESIDE = np.array([[3.5, 1.5, 2.7]]), np.array([[1.0, 1.5, 2.5]])

    @pytest.mark.parametrize("bottom", [True, False])
    def test_the_inside_of_a_closed_box(self, make_scene, make_box, bottom):
        room, block = make_box(*ROOM[1:], inward=True), make_box(*self.BLOCK[1:], inward=False)
        vertices, faces = np.asarray(block[0]), np.asarray(block[1])
        faces = faces if bottom else faces[(vertices[faces][..., 1] > 1).any(1)]
        scene = make_scene([("room", "plaster", *room, GREY), ("block", "wood", vertices, faces, GREY)])
        found = places(scene)
        assert found.oriented
        assert found.enclosed(self.INSIDE).all() and not found.enclosed(self.BESIDE).any()

    def test_a_room_in_a_house_of_two_shells(self, build):
        """Between the shells one is inside the walls."""
        found = places(build([ROOM], [("outside", (-0.3, -0.3, -0.3), (6.3, 3.1, 5.3))]))
        assert not found.enclosed(self.INSIDE).any() and found.enclosed(np.array([[-0.15, 1.5, 2.5]])).all()

    def test_rooms_whose_walls_face_outwards_are_rooms(self, build):
        """As a plain box exported by most programs is."""
        found = places(build([], [ROOM]))
        assert len(found.floor) > 1000 and not found.oriented and not found.enclosed(self.INSIDE).any()


def test_not_on_tables_nor_under_them(build):
    table = [("top", (1, 0.7, 1), (3, 0.75, 4)), ("leg", (1.9, 0, 2.4), (2.1, 0.7, 2.6))]
    found = places(build([ROOM], table))
    x, y, z = found.floor.T
    assert (y < 0.1).all()
    assert not ((x > 1) & (x < 3) & (z > 1) & (z < 4)).any()
    assert found.rejected["on furniture or off the storeys' floors"] > 0


def test_not_on_a_bed_that_fills_most_of_a_room(build):
    found = places(build([ROOM], [("bed", (1.2, 0, 1.2), (4.8, 0.5, 3.8))]))
    assert len(found.floor) > 200 and (found.floor[:, 1] < 0.1).all()


def test_low_ceiling_leaves_no_head_room(build):
    with pytest.raises(InputError, match="no head room"):
        places(build([("crawl", (0, 0, 0), (6, 1.6, 5))]))


def test_beam_over_half_the_room(build):
    found = places(build([ROOM], [("loft", (0, 1.6, 0), (3, 1.7, 5))]))
    standing = found.floor[found.floor[:, 1] < 0.1]
    assert standing[:, 0].min() > 2.9


def test_every_storey_has_its_share(build):
    rooms = [("ground", (0, 0, 0), (6, 2.6, 5)), ("upper", (0, 2.9, 0), (6, 5.5, 5)), ("attic", (0, 5.8, 0), (6, 8.4, 5))]
    found = places(build(rooms))
    for height in (0.0, 2.9, 5.8):
        assert (np.abs(found.floor[:, 1] - height) < 0.01).mean() == pytest.approx(1 / 3, abs=0.05)


def test_not_outside_the_house(build):
    found = places(build([ROOM], quads=[("garden", -0.05, (-20, -20, 26, 25))]))
    x, _, z = found.floor.T
    assert ((x > 0) & (x < 6) & (z > 0) & (z < 5)).all()
    assert found.rejected["outside the house"] > 0


def test_not_on_the_roof(build):
    found = places(build([ROOM], [("roof", (-0.3, 2.9, -0.3), (6.3, 3.2, 5.3))]))
    assert found.floor[:, 1].max() < 0.1


def test_doll_house_without_ceiling_can_be_stood_in(build, make_scene, make_box):
    v, f = make_box(*ROOM[1:], inward=True)
    kept = [t for t in f.tolist() if not (v[t][:, 1] == 2.8).all()]
    found = places(make_scene([("room", "plaster", v, np.array(kept), GREY)]))
    assert not found.roofed and len(found.floor) > 1000
    assert (found.floor[:, 1] < 0.1).all()


def test_steep_ground_is_no_floor(make_scene):
    v = np.array([[0, 0, 0], [0, 0, 5], [5, 5, 5], [5, 5, 0.0]])
    with pytest.raises(InputError, match="none of them level"):
        places(make_scene([("slope", "stone", v, [(0, 1, 2), (0, 2, 3)], GREY)]))


def test_why_there_is_no_place_is_told_with_counts(build):
    with pytest.raises(InputError) as error:
        places(build([("closet", (0, 0, 0), (0.4, 2.5, 0.4))]))
    message = str(error.value)
    assert "too near to a wall or furniture" in message and "0.4 x 2.5 x 0.4 m" in message and "+Y up" in message
    assert "\n" not in message and any(c.isdigit() for c in message)


def test_same_seed_same_places(build):
    scene = build([ROOM])
    np.testing.assert_array_equal(places(scene, 5).floor, places(scene, 5).floor)
    assert not np.array_equal(places(scene, 5).floor, places(scene, 6).floor)


def test_standing_beside_a_place(build):
    found = places(build([ROOM], [("table", (2, 0, 2), (4, 0.75, 3))]))
    np.testing.assert_allclose(found.stand(np.array([1.0, 0.05, 1.0])), [1, 0, 1], atol=1e-3)
    assert found.stand(np.array([3.0, 0.0, 2.5])) is None  # inside the table
    assert found.stand(np.array([0.05, 0.0, 2.5])) is None  # in the wall
    assert found.stand(np.array([1.0, 1.0, 1.0])) is None  # a metre above the floor
    assert found.stand(np.array([-3.0, 0.0, 1.0])) is None  # outside
