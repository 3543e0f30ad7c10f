"""Image sources against pyroomacoustics and geometry: positions, levels, directions and occlusion."""

from dataclasses import replace

import numpy as np
import pytest

from benchmarks.acoustics.reference import image_sources
from benchmarks.acoustics.rooms import Surface, box, clean, floor_plan, room_of, scanned
from simulator.acoustics.image_sources import direct_paths, image_paths, planes_around
from simulator.config import AcousticsSettings

SIZE = (6.0, 2.8, 5.0)
LISTENER, SOURCE = np.array([4.1, 1.5, 3.4]), np.array([1.7, 1.2, 1.6])
SETTINGS = AcousticsSettings()


def found(surfaces, absorption=0.2, scattering=0.0, order=3, listener=LISTENER, source=SOURCE, longest=1e3, **more):
    scene = clean(surfaces) if isinstance(surfaces, list) else surfaces
    room = room_of(scene, absorption, scattering, SETTINGS, **more)
    return image_paths(room, planes_around(room, listener), listener, source[None], order, longest)


def places(paths, listener=LISTENER):
    return listener + paths.distance[:, None] * paths.direction


def matched(images, others):
    """Distance from each of `others` to the nearest of `images`."""
    return np.linalg.norm(images[None] - others[:, None], axis=-1).min(1)


@pytest.mark.parametrize("order", [1, 2, 3])
def test_all_images_of_a_box_are_found_and_no_other(order):
    paths = found(box(SIZE), order=order)
    expected, pressure = image_sources(SIZE, 0.2, LISTENER, SOURCE, order)
    reflected = np.linalg.norm(expected - SOURCE, axis=1) > 1e-6
    expected, pressure = expected[reflected], pressure[reflected]
    images = places(paths)
    assert len(images) == len(expected)
    assert matched(images, expected).max() < 1e-6
    nearest = np.linalg.norm(images[None] - expected[:, None], axis=-1).argmin(1)
    assert paths.gain[nearest] == pytest.approx(np.repeat(pressure[:, None], 7, 1), rel=1e-6)


def test_each_wall_takes_its_own_share():
    absorption = dict(zip([s.name for s in box(SIZE)], [0.1, 0.2, 0.3, 0.4, 0.5, 0.6], strict=True))
    paths = found(box(SIZE), absorption, 0.25, order=1)
    walls = {"floor": [1, -1, 1], "west": [-1, 1, 1], "north": [1, 1, -1]}
    for name, mirror in walls.items():
        image = SOURCE * mirror
        at = np.linalg.norm(places(paths) - image, axis=1).argmin()
        expected = np.sqrt((1 - absorption[name]) * 0.75) / np.linalg.norm(image - LISTENER)
        assert paths.gain[at] == pytest.approx(expected, rel=1e-6)


def test_air_damps_pressure_by_half_its_share_of_energy():
    air = found(box(SIZE), air=True)
    still = found(box(SIZE))
    room = room_of(clean(box(SIZE)), 0.2, 0.0, SETTINGS, air=True)
    assert air.gain / still.gain == pytest.approx(np.exp(-0.5 * room.air * air.distance[:, None]), rel=1e-9)


def test_longer_paths_than_asked_for_are_left_out():
    assert found(box(SIZE), longest=12.0).distance.max() <= 12.0
    short = found(box(SIZE)).distance <= 12.0
    assert len(found(box(SIZE), longest=12.0).distance) == short.sum()


def test_order_zero_gives_none():
    assert len(found(box(SIZE), order=0).distance) == 0


def test_a_small_reflector_reflects_only_where_its_mirror_point_lies_on_it():
    floor = Surface("floor", np.array([2.0, 0, 2.0]), np.array([0, 0, 1.0]), np.array([1.0, 0, 0]))
    listener, on, off = np.array([3.0, 1.0, 2.5]), np.array([2.0, 1.0, 2.5]), np.array([5.5, 1.0, 2.5])
    hit = found([floor], listener=listener, source=on)
    assert places(hit, listener) == pytest.approx(on[None] * [1, -1, 1], abs=1e-6)
    assert len(found([floor], listener=listener, source=off).distance) == 0


def test_furniture_hides_the_reflections_behind_it():
    bare = found(box(SIZE), order=1)
    middle = (LISTENER + SOURCE) / 2
    table = box((0.8, 0.02, 0.8), (middle[0] - 0.4, 0.6, middle[2] - 0.4), outside=True, name="table")
    kept = places(found(box(SIZE) + table, order=1))
    assert len(bare.distance) == 6
    floor = SOURCE * [1, -1, 1]
    assert matched(kept, floor[None])[0] > 0.1
    assert matched(kept, SOURCE[None] * [-1, 1, 1])[0] < 1e-6


def test_an_image_may_be_seen_where_the_source_is_not():
    """Around the corner of an L the direct path is blocked; the far walls' single reflections are not."""
    surfaces = floor_plan([0, 3, 6], [0, 2.5, 5], [[1, 1], [1, 0]], 2.7)
    listener, source = np.array([5.0, 1.5, 1.2]), np.array([1.2, 1.2, 4.0])
    room = room_of(clean(surfaces), 0.2, 0.0, SETTINGS)
    assert len(direct_paths(room, listener, source[None]).distance) == 0
    paths = found(surfaces, listener=listener, source=source, order=1)
    assert matched(places(paths, listener), source[None] * [1, 1, -1]).min() < 1e-6
    inner = np.array([1.2, 1.2, 1.0])  # mirrored at the inner wall z = 2.5, whose back it would have to cross
    assert matched(places(paths, listener), inner[None]).min() > 0.5


def test_direct_paths_are_straight_and_keep_their_source():
    room = room_of(clean(box(SIZE)), 0.2, 0.0, SETTINGS)
    sources = np.array([SOURCE, [9.0, 1.0, 1.0], [0.5, 0.4, 4.4]])  # the second is outside
    paths = direct_paths(room, LISTENER, sources)
    assert paths.source.tolist() == [0, 2]
    assert places(paths) == pytest.approx(sources[[0, 2]], abs=1e-9)
    assert paths.gain == pytest.approx(np.repeat(1 / paths.distance[:, None], 7, 1), rel=1e-9)


@pytest.mark.parametrize("seed", [0, 1])
def test_a_scan_keeps_its_early_reflections(seed):
    """Vertex noise of 3 mm moves a fitted wall by far less; holes remove at most two paths."""
    scan = scanned(box(SIZE), np.random.default_rng(seed))
    images = places(found(scan))
    expected = image_sources(SIZE, 0.2, LISTENER, SOURCE, 3)[0]
    expected = expected[np.linalg.norm(expected - SOURCE, axis=1) > 1e-6]
    away = matched(images, expected)
    assert (away < 0.02).mean() > 0.95
    assert matched(expected, images).max() < 0.02  # nothing invented


def test_sources_face_the_listener_and_reflections_leave_their_sides():
    room = room_of(clean(box(SIZE)), 0.2, 0.0, replace(SETTINGS, directivity="cardioid"))
    plain = room_of(clean(box(SIZE)), 0.2, 0.0, SETTINGS)
    assert direct_paths(room, LISTENER, SOURCE[None]).gain == pytest.approx(direct_paths(plain, LISTENER, SOURCE[None]).gain)
    planes = planes_around(room, LISTENER)
    one, other = (image_paths(r, planes, LISTENER, SOURCE[None], 1, 1e3) for r in (room, plain))
    at = np.linalg.norm(places(one) - SOURCE * [1, -1, 1], axis=1).argmin()
    share = SOURCE[1] / (SOURCE[1] + LISTENER[1])
    leaving = SOURCE + share * (LISTENER - SOURCE)
    leaving = np.array([leaving[0], 0.0, leaving[2]]) - SOURCE
    front = LISTENER - SOURCE
    cosine = leaving @ front / np.linalg.norm(leaving) / np.linalg.norm(front)
    assert one.gain[at] / other.gain[at] == pytest.approx(0.5 + 0.5 * cosine, abs=0.005)  # a table of 257 cosines
