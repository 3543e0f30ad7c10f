import numpy as np
import pytest
from scipy import ndimage

from scenes.apartment import build_apartment
from scenes.polygon import contains
from scenes.space import FLAT_M
from scenes.statistics import FIXED, _kind, escaping
from simulator.config import Settings
from simulator.scene.bvh import Bvh
from simulator.scene.walkable import find_places

TOUCH_M = 0.015
"""Deeper than this two things are in one another; a cushion may sink into a seat that far."""


def furniture(apartment):
    return {r.name: [t for t in apartment.things[r.name] if _kind(t.name) not in FIXED] for r in apartment.rooms}


def test_names_are_unique_and_begin_with_the_room(apartments):
    for apartment in apartments:
        names = [t.name for things in apartment.things.values() for t in things]
        assert len(set(names)) == len(names)
        for room, things in furniture(apartment).items():
            assert all(t.name.startswith(room + "/") for t in things)


def test_things_do_not_reach_into_one_another(apartments):
    for apartment in apartments:
        for things in furniture(apartment).values():
            for k, thing in enumerate(things):
                for other in things[k + 1 :]:
                    assert depth(thing.world_solids(), other.world_solids()) <= TOUCH_M, (thing.name, other.name)


def depth(a, b):
    """How far the bodies of two things reach into one another at most; feet may stand in a rug."""
    inside = (np.minimum(a[:, None, 1], b[None, :, 1]) - np.maximum(a[:, None, 0], b[None, :, 0])).min(-1)
    alike = (a[:, 1, 1] < FLAT_M)[:, None] == (b[:, 1, 1] < FLAT_M)[None, :]
    return np.where(alike, inside, -1.0).max()


def test_depth_of_two_boxes():
    a = np.array([[[0, 0, 0], [1, 1, 1]]], float)
    assert depth(a, a + np.array([0.9, 0.0, 0.0])) == pytest.approx(0.1)
    assert depth(a, a + np.array([1.1, 0.0, 0.0])) == pytest.approx(-0.1)


def test_things_stay_in_their_room(apartments):
    for apartment in apartments:
        for room in apartment.rooms:
            for thing in furniture(apartment)[room.name]:
                if "sill-plant" in thing.name or "/door-" in thing.name:
                    continue  # these stand in the wall's niches
                solids = thing.world_solids()
                corners = np.concatenate([solids[:, 0][:, [0, 2]] + 0.003, solids[:, 1][:, [0, 2]] - 0.003])
                assert contains(room.polygon, corners).all(), thing.name
                assert solids[:, 0, 1].min() > -0.02, thing.name
                top = solids[:, 1].max(0)[1]
                # A pendant's canopy lies 2 cm in a sloping ceiling.
                assert top <= room.ceiling.height(*room.polygon.T).max() + 0.03, thing.name


def test_one_can_walk_through_every_open_door(apartments, loaded):
    for apartment, scene in zip(apartments, loaded, strict=True):
        label, cell = ground(scene.bvh, apartment)
        for room in apartment.rooms:
            for door in apartment.openings[room.name]:
                shut = door.leaf == "shut" or any(
                    o.leaf == "shut" and o.to == room.name for o in apartment.openings.get(door.to, [])
                )
                if door.to and not shut:
                    wall = room.walls[door.wall]
                    middle = (door.s0 + door.s1) / 2
                    sides = [around(label, cell, wall.point(middle, 0, out)) for out in (0.45, -0.55)]
                    assert sides[0] & sides[1], f"{room.name} to {door.to}"


def ground(bvh: Bvh, apartment, step=0.08, clearance=0.2):
    """Label the free floor: cells with nothing within a body's clearance, by rays against the finished mesh."""
    corners = np.concatenate([r.gross for r in apartment.rooms])
    x, z = (np.arange(low, high, step) for low, high in zip(corners.min(0), corners.max(0), strict=True))
    at = np.stack(np.meshgrid(x, [0.5], z, indexing="ij"), -1).reshape(-1, 3)
    angle = np.arange(12) * np.pi / 6
    around = np.stack([np.cos(angle), 0 * angle, np.sin(angle)], -1)
    free = np.ones(len(at), bool)
    for height in (0.35, 0.9, 1.5):
        origin = np.repeat(at * [1, 0, 1] + [0, height, 0], 12, 0)
        free &= (bvh.closest(origin, np.tile(around, (len(at), 1))).distance.reshape(-1, 12) > clearance).all(1)
    label, _ = ndimage.label(free.reshape(len(x), len(z)))
    return label, lambda p: (int((p[0] - x[0]) / step), int((p[2] - z[0]) / step))


def around(label, cell, point):
    """The labels of the free ground within 0.3 m of a point."""
    i, k = cell(point)
    part = label[max(0, i - 4) : i + 5, max(0, k - 4) : k + 5]
    return set(part[part > 0].tolist())


def test_no_ray_escapes_but_through_panes(apartments, loaded):
    for scene in loaded:
        rng = np.random.default_rng(0)
        places = find_places(scene, Settings(), rng)
        assert escaping(scene, places, rng) == 0


def test_rays_would_escape_without_the_panes(loaded):
    scene = loaded[0]
    pane = np.array([material == "window glass" for _, material in scene.surfaces])
    kept = scene.faces[~pane[scene.face_surface]]
    at = find_places(scene, Settings(), np.random.default_rng(0)).floor[:200] + np.array([0.0, 1.4, 0.0])
    angle = np.random.default_rng(1).uniform(0, 2 * np.pi, 200)
    ahead = np.stack([np.cos(angle), 0 * angle, np.sin(angle)], -1)
    with_panes = scene.bvh.closest(at, ahead).distance
    without = Bvh(scene.vertices, kept).closest(at, ahead).distance
    assert (without > with_panes + 2.0).any()


def test_floors_lie_at_height_zero(loaded):
    for scene in loaded:
        places = find_places(scene, Settings(), np.random.default_rng(0))
        # Doorways have thresholds of 4 mm, rugs are 12 to 15 mm thick.
        assert np.median(places.floor[:, 1]) < 0.016
        assert np.abs(places.floor[:, 1]).max() < 0.11


def test_rooms_and_softness_can_be_asked_for():
    soft = build_apartment(5, rooms=3, softness=1.0)
    hard = build_apartment(5, rooms=3, softness=0.0)
    assert len(soft.rooms) == len(hard.rooms) == 3
    living = next(r.name for r in soft.rooms if r.kind == "living room")
    assert "carpet" in soft.styles[living].floor.name
    assert not any("carpet" in s.floor.name for s in hard.styles.values())
