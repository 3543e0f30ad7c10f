import networkx
import numpy as np
import pytest

from scenes.openings import draw_openings
from scenes.plan import SIZES, WALL_M, draw_plan
from scenes.polygon import area, rectangles


@pytest.fixture(scope="module")
def plans():
    found = []
    for seed in range(40):
        rng = np.random.default_rng(seed)
        rooms = draw_plan(rng)
        openings = draw_openings(rooms, rng)
        if openings is not None:
            found.append((rooms, openings))
    assert len(found) >= 38
    return found


def test_two_to_seven_rooms_of_all_kinds(plans):
    assert {len(rooms) for rooms, _ in plans} == {2, 3, 4, 5, 6, 7}
    assert {r.kind for rooms, _ in plans for r in rooms} == set(SIZES)


def test_rooms_tile_the_footprint(plans):
    for rooms, _ in plans:
        corners = np.concatenate([r.gross for r in rooms])
        footprint = np.prod(corners.max(0) - corners.min(0))
        assert np.isclose(sum(area(r.gross) for r in rooms), footprint, rtol=1e-6)


def test_ceilings_are_between_2_3_and_4_metres(plans):
    heights = [r.ceiling.height(*r.polygon.T) for rooms, _ in plans for r in rooms]
    assert min(h.min() for h in heights) >= 2.3 - 1e-9
    assert max(h.max() for h in heights) <= 4.0 + 1e-9
    assert any(np.ptp(h) > 0.3 for h in heights), "some ceilings slope"


def test_some_rooms_are_l_shaped(plans):
    assert any(len(r.polygon) == 6 for rooms, _ in plans for r in rooms)
    assert all(len(rectangles(r.polygon)) <= 3 for rooms, _ in plans for r in rooms)


def test_doors_join_all_rooms(plans):
    for rooms, openings in plans:
        graph = networkx.Graph()
        graph.add_nodes_from(r.name for r in rooms)
        graph.add_edges_from((r.name, o.to) for r in rooms for o in openings[r.name] if o.to)
        assert networkx.is_connected(graph)


def test_both_sides_of_a_door_lie_back_to_back(plans):
    for rooms, openings in plans:
        by_name = {r.name: r for r in rooms}
        for room in rooms:
            for door in (o for o in openings[room.name] if o.to):
                wall = room.walls[door.wall]
                here = {tuple(np.round(wall.start + s * wall.along - WALL_M * wall.inward, 6)) for s in (door.s0, door.s1)}
                there = set()
                for other in openings[door.to]:
                    far = by_name[door.to].walls[other.wall]
                    there |= {tuple(np.round(far.start + s * far.along, 6)) for s in (other.s0, other.s1)}
                assert here <= there
                assert door.s1 - door.s0 >= 0.9 - 1e-9


def test_openings_lie_within_their_walls_and_apart(plans):
    for rooms, openings in plans:
        for room in rooms:
            for o in openings[room.name]:
                assert 0.1 < o.s0 < o.s1 < room.walls[o.wall].length - 0.1
                assert o.y1 < room.lowest() - 0.05
            for a in openings[room.name]:
                for b in openings[room.name]:
                    assert a is b or a.wall != b.wall or a.s1 < b.s0 or b.s1 < a.s0
