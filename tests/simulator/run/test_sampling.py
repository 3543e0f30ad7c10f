"""Positions, headings and sources as the method asks for them, checked by geometry from outside."""

from __future__ import annotations

from collections import Counter

import numpy as np
import pytest

from dataset.settings import Range
from simulator.camera.embree import render
from simulator.camera.view_camera import fixed
from simulator.config import with_options
from simulator.run.sampling import Rejected, draw_set, overlap
from simulator.scene.walkable import Places, find_places

GREY = (0.5, 0.5, 0.5)


@pytest.fixture(scope="module")
def flat(make_scene, make_box):
    """Two rooms of 8 x 2.8 x 6 m joined by a door, with a table and a cupboard."""
    parts = [
        ("shell", "plaster", *make_box((0, 0, 0), (16, 2.8, 6), inward=True), GREY),
        ("wall", "plaster", *make_box((7.9, 0, 0), (8.1, 2.8, 2.5), inward=False), GREY),
        ("wall2", "plaster", *make_box((7.9, 0, 3.5), (8.1, 2.8, 6), inward=False), GREY),
        ("table", "wood", *make_box((3, 0, 2), (5, 0.75, 3), inward=False), GREY),
        ("cupboard", "wood", *make_box((11, 0, 0.1), (12.5, 2.0, 0.7), inward=False), GREY),
    ]
    return make_scene(parts)


def draw(scene, count=12, **options):
    settings = with_options({"sources": 3, **{k.replace("__", "."): v for k, v in options.items()}})
    rng = np.random.default_rng(3)
    places = find_places(scene, settings, rng)
    return settings, [draw_set(scene, places, settings, rng) for _ in range(count)]


@pytest.fixture(scope="module")
def drawn(flat):
    return draw(flat)


def turns(one):
    return np.abs((one.headings_deg[1:] - one.headings_deg[0] + 180) % 360 - 180)


def test_not_inside_a_closed_box(make_scene, make_box):
    """A closed hall stands in a hall, large enough for views and sources."""
    parts = [("hall", "plaster", *make_box((0, 0, 0), (24, 4, 12), inward=True), GREY)]
    parts += [("box", "wood", *make_box((1, 0.01, 1), (9, 3.5, 11), inward=False), GREY)]
    settings = with_options({"sources": 1})
    scene, rng = make_scene(parts), np.random.default_rng(3)
    places = find_places(scene, settings, rng)
    within = (places.floor[:, [0, 2]] > 1).all(1) & (places.floor[:, 0] < 9) & (places.floor[:, 2] < 11)
    assert 0.3 < within.mean() < 0.5  # the rules of standing alone do not exclude it
    for _ in range(20):
        x, _, z = draw_set(scene, places, settings, rng).positions[0]
        assert not (1 < x < 9 and 1 < z < 11)


class TestViews:
    def test_one_position_on_the_floor(self, drawn):
        for one in drawn[1]:
            assert (one.positions == one.positions[0]).all()
            assert one.positions[0, 1] == pytest.approx(1.5, abs=1e-3)

    def test_turned_by_10_to_90_degrees_from_the_first(self, drawn):
        every = np.concatenate([turns(one) for one in drawn[1]])
        assert every.min() >= 10 and every.max() <= 90
        assert every.max() > 50  # and not only by little

    def test_to_both_sides(self, drawn):
        signed = np.concatenate([(o.headings_deg[1:] - o.headings_deg[0] + 180) % 360 - 180 for o in drawn[1]])
        assert 0.25 < (signed > 0).mean() < 0.75

    def test_first_headings_are_spread_over_the_circle(self, flat):
        _, sets = draw(flat, 60)
        quarter = Counter(int(one.headings_deg[0] // 90) for one in sets)
        assert min(quarter[k] for k in range(4)) >= 6

    def test_depth_maximum_and_mean(self, flat, drawn):
        for one in drawn[1][:6]:
            depth = render(flat, one.positions, one.headings_deg, one.cameras).depth
            # The rules are judged on coarse depth: the fine maximum can only be larger, the mean nearly the same.
            assert depth.max((1, 2)).min() >= 4.0 - 0.05
            assert depth.mean((1, 2)).min() >= 1.0 - 0.05

    def test_co_visible_share_both_ways(self, flat, drawn):
        """Every pixel of a full picture is unprojected and looked for in the other view."""
        for one in drawn[1][:2]:
            for k in range(1, 4):
                both = [shared(flat, one, a, b) for a, b in ((0, k), (k, 0))]
                assert min(both) == pytest.approx(one.overlap[k], abs=0.03)
                assert one.overlap[k] >= 0.1


@pytest.fixture(scope="module")
def varied(flat):
    """Sets whose views have cameras of their own."""
    ranges = {"hfov_deg": Range(45, 90), "pitch_deg": Range(-40, 10), "roll_deg": Range(-10, 10), "height_m": Range(1.0, 1.8)}
    jitter = {"hfov_jitter_deg": 8.0, "pitch_jitter_deg": 8.0, "roll_jitter_deg": 8.0}
    return draw(flat, 6, **{f"camera__{name}": value for name, value in {**ranges, **jitter}.items()})


class TestCamerasOfTheirOwn:
    def test_heights_above_the_floor(self, varied):
        for one in varied[1]:
            np.testing.assert_allclose(one.positions[:, 1], [c.height_m for c in one.cameras], atol=1e-3)
        assert np.ptp([one.cameras[0].height_m for one in varied[1]]) > 0.2

    def test_co_visible_share_both_ways(self, flat, varied):
        for one in varied[1][:3]:
            for k in range(1, 4):
                both = [shared(flat, one, a, b) for a, b in ((0, k), (k, 0))]
                assert min(both) == pytest.approx(one.overlap[k], abs=0.04)
                assert one.overlap[k] >= 0.1

    def test_headings_are_drawn_as_without(self, flat, drawn):
        _, sets = draw(flat, 1, camera__roll_deg=Range(0, 0.001))
        np.testing.assert_array_equal(sets[0].headings_deg[0], drawn[1][0].headings_deg[0])


def shared(scene, one, a, b):
    """Share of view a's pixels whose point lies in view b, is in front of it and is what b sees there."""
    cameras = {k: one.cameras[k] for k in (a, b)}
    views = render(scene, one.positions[[a, b]], one.headings_deg[[a, b]], list(cameras.values()))
    half = {k: np.tan(np.deg2rad(camera.hfov_deg / 2)) for k, camera in cameras.items()}

    def frame(k):
        h, p, r = np.deg2rad([one.headings_deg[k], cameras[k].pitch_deg, cameras[k].roll_deg])
        ahead = np.array([-np.sin(h) * np.cos(p), np.sin(p), -np.cos(h) * np.cos(p)])
        level = np.array([np.cos(h), 0, -np.sin(h)])
        right = np.cos(r) * level + np.sin(r) * np.cross(level, ahead)
        return right, np.cross(right, ahead), ahead

    y, x = np.mgrid[0:240, 0:320] + 0.5
    right, up, ahead = frame(a)
    ray = ahead + ((x / 160 - 1) * half[a])[..., None] * right + ((1 - y / 120) * half[a] * 0.75)[..., None] * up
    points = one.positions[a] + views.depth[0][..., None] * ray - one.positions[b]
    right, up, ahead = frame(b)
    z = points @ ahead
    u = 160 * (1 + points @ right / z / half[b])
    v = 120 * (1 - points @ up / z / (0.75 * half[b]))
    inside = (z > 0) & (u >= 0) & (u < 320) & (v >= 0) & (v < 240) & (views.depth[0] > 0)
    seen = inside.copy()
    seen[inside] = np.abs(views.depth[1][v[inside].astype(int), u[inside].astype(int)] - z[inside]) < 0.05 + 0.05 * z[inside]
    return seen.sum() / (views.depth[0] > 0).sum()


def test_overlap_of_a_view_with_itself_and_with_its_back(box_room):
    camera = fixed(with_options({}).camera)
    place = np.array([3.0, 1.5, 2.5])
    depth = np.full((24, 32), 2.0, np.float32)
    assert overlap(box_room, place, 10.0, depth, place, 10.0, camera, camera) == pytest.approx(1.0, abs=0.01)
    assert overlap(box_room, place, 10.0, depth, place, 190.0, camera, camera) == 0.0
    assert overlap(box_room, place, 10.0, np.zeros((24, 32), np.float32), place, 10.0, camera, camera) == 0.0


def test_overlap_ends_at_walls(flat):
    camera = fixed(with_options({}).camera)
    near, behind = np.array([7.0, 1.5, 1.0]), np.array([9.0, 1.5, 1.0])
    depth = render(flat, near[None], np.array([270.0]), [camera]).depth[0][5::10, 5::10]
    # Both look east; from behind the wall nothing of its near side can be seen.
    assert overlap(flat, near, 270.0, depth, behind, 270.0, camera, camera) < 0.05


class TestSources:
    def test_distance_height_and_elevation(self, drawn):
        for one in drawn[1]:
            offset = one.sources - one.positions[0]
            distance = np.linalg.norm(offset, axis=1)
            assert (distance >= 0.5).all() and (distance <= 3.0).all()
            height = one.sources[:, 1] - (one.positions[0, 1] - 1.5)
            assert (height >= 0.7).all() and (height <= 1.7).all()
            assert (np.abs(np.rad2deg(np.arcsin(offset[:, 1] / distance))) <= 45).all()

    def test_in_plain_sight_with_room_around(self, flat, drawn):
        for one in drawn[1]:
            for source in one.sources:
                toward = source - one.positions[0]
                hit = flat.bvh.closest(one.positions[:1], toward[None])
                assert hit.distance[0] > 1.0  # in lengths of `toward`
                around = np.concatenate([np.eye(3), -np.eye(3)])
                assert (flat.bvh.closest(np.repeat(source[None], 6, 0), around).distance >= 0.099).all()

    def test_indoors_and_outside_of_furniture(self, drawn):
        sources = np.concatenate([one.sources for one in drawn[1]])
        assert ((sources > [0, 0, 0]) & (sources < [16, 2.8, 6])).all()
        for low, high in (([3, 0, 2], [5, 0.75, 3]), ([11, 0, 0.1], [12.5, 2, 0.7])):
            assert not ((sources > low) & (sources < high)).all(1).any()

    def test_all_around_the_listener(self, flat):
        _, sets = draw(flat, 40)
        offset = np.concatenate([one.sources - one.positions[:1] for one in sets])
        quarter = Counter(((np.rad2deg(np.arctan2(offset[:, 0], offset[:, 2])) % 360) // 90).astype(int).tolist())
        assert min(quarter[k] for k in range(4)) > 12


class TestReasons:
    def reject(self, scene, **options):
        with pytest.raises(Rejected) as error:
            draw(scene, 1, sampling__position_tries=5, **options)
        return error.value.counts

    def test_small_room_has_nothing_far_enough(self, make_scene, make_box):
        closet = make_scene([("closet", "plaster", *make_box((0, 0, 0), (2, 2.5, 2), inward=True), GREY)])
        counts = self.reject(closet)
        assert counts["headings with nothing far enough"] == 5 * 40

    def test_overlap_asked_for_cannot_be_met(self, flat):
        counts = self.reject(flat, sampling__min_overlap=0.95)
        assert counts["headings with too little overlap"] > 0 and counts["positions without enough views"] == 5

    def test_sources_asked_for_cannot_be_placed(self, flat):
        # Every source would be on the ceiling's other side.
        counts = self.reject(flat, sampling__min_source_height_m=2.9, sampling__max_source_height_m=3.0)
        tried = counts["positions with too few sources"]
        rules = ("too near or too far", "too steep", "hidden from a view")
        assert tried > 0 and counts["sources hidden from a view"] > 0
        assert sum(counts[f"sources {rule}"] for rule in rules) == 64 * tried  # each point is counted once

    @pytest.mark.parametrize(
        ("options", "rule"),
        [
            ({"min_source_distance_m": 2.99}, "too near or too far"),
            ({"max_elevation_deg": 0.01}, "too steep"),
            ({"min_source_height_m": 2.71, "max_source_height_m": 2.79}, "too near to a surface"),
        ],
    )
    def test_the_rule_that_rejects_sources_is_counted(self, flat, options, rule):
        counts = self.reject(flat, sources=20, **{f"sampling__{key}": value for key, value in options.items()})
        assert counts["positions with too few sources"] > 0 and counts[f"sources {rule}"] > 0

    def test_sources_without_a_ceiling_are_outside_the_house(self, make_scene, make_box):
        slabs = {
            "floor": ((0, -0.2, 0), (12, 0, 6)), "roof": ((0, 2.8, 0), (8, 3, 6)),  # of two thirds
            "south": ((0, 0, -0.2), (12, 2.8, 0)), "north": ((0, 0, 6), (12, 2.8, 6.2)),
            "west": ((-0.2, 0, 0), (0, 2.8, 6)), "east": ((12, 0, 0), (12.2, 2.8, 6)),
        }  # fmt: skip
        yard = make_scene([(name, "stone", *make_box(*ends, inward=False), GREY) for name, ends in slabs.items()])
        counts = self.reject(yard, sources=64, sampling__min_source_distance_m=2.8)
        assert counts["sources outside the house"] > 0

    def test_sources_off_the_navmesh_are_counted(self, flat, monkeypatch):
        monkeypatch.setattr(Places, "straight", lambda places, floor, points: np.zeros(len(points), bool))
        assert self.reject(flat)["sources off the navmesh's reach"] > 0

    def test_rules_that_rejected_nothing_are_not_named(self, flat):
        counts = self.reject(flat, sampling__min_overlap=0.95)
        assert min(counts.values()) > 0 and " 0 " not in f" {Rejected(counts)}"
        assert str(Rejected(Counter({"headings with nothing far enough": 0, "sources too steep": 2}))) == "2 sources too steep"

    def test_message_says_how_often_and_why(self, flat):
        with pytest.raises(Rejected, match=r"\d+ headings with too little overlap"):
            draw(flat, 1, sampling__position_tries=2, sampling__min_overlap=0.95)


def test_same_seed_same_set(flat, drawn):
    again = draw(flat)[1]
    for a, b in zip(drawn[1], again, strict=True):
        np.testing.assert_array_equal(a.headings_deg, b.headings_deg)
        np.testing.assert_array_equal(a.sources, b.sources)


def test_more_sources_than_the_fewest_candidates(flat):
    _, (one,) = draw(flat, 1, sources=100)
    assert one.sources.shape == (100, 3) and len(np.unique(one.sources, axis=0)) == 100
