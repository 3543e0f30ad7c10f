"""Planes against the rectangles that rooms are made of: exact on models, within two millimetres on scans."""

import numpy as np
import pytest

from benchmarks.acoustics.rooms import NOISE_M, box, clean, floor_plan, scanned
from simulator.acoustics.planes import SMALLEST_M2, find_planes

SIZE = (6.0, 2.8, 5.0)
WALLS = {(0, 0.0), (0, 6.0), (1, 0.0), (1, 2.8), (2, 0.0), (2, 5.0)}


def walls_of(planes, tolerance=1e-6):
    """Axis and offset of each plane, which must lie along an axis."""
    axis = np.abs(planes.normal).argmax(1)
    tilt = 1 - np.abs(planes.normal[np.arange(len(axis)), axis])
    assert tilt.max() < tolerance
    offset = planes.offset * np.sign(planes.normal[np.arange(len(axis)), axis])
    return axis, offset


def test_the_walls_of_a_box_are_exact():
    planes = find_planes(clean(box(SIZE)))
    axis, offset = walls_of(planes, 1e-12)
    assert {(int(a), round(float(o), 6)) for a, o in zip(axis, offset, strict=True)} == WALLS
    assert planes.roughness.tolist() == [0.0] * 6
    assert sorted(np.bincount(planes.of_face).tolist()) == [2] * 6
    assert planes.low.min(0) == pytest.approx([0, 0, 0], abs=1e-6)
    assert planes.high.max(0) == pytest.approx(SIZE, abs=1e-6)


def test_a_finer_mesh_has_the_same_planes():
    planes = find_planes(clean(box(SIZE), 0.2))
    axis, offset = walls_of(planes)
    assert {(int(a), round(float(o), 5)) for a, o in zip(axis, offset, strict=True)} == WALLS
    assert (planes.of_face >= 0).all()


@pytest.mark.parametrize("seed", [0, 1, 2])
def test_a_scan_has_the_planes_of_the_room_it_scanned(seed):
    planes = find_planes(scanned(box(SIZE), np.random.default_rng(seed)))
    axis, offset = walls_of(planes, 1e-5)
    got = sorted(zip(axis.tolist(), offset.tolist(), strict=True))
    assert [a for a, _ in got] == [a for a, _ in sorted(WALLS)]
    assert [o for _, o in got] == pytest.approx([o for _, o in sorted(WALLS)], abs=1e-3)
    assert planes.roughness == pytest.approx(3 * NOISE_M, rel=0.3)
    assert (planes.of_face >= 0).mean() > 0.97


def test_parallel_surfaces_a_hand_apart_stay_apart():
    shelf = box((1.0, 0.15, 1.0), (2.0, 1.0, 2.0), outside=True, name="shelf")
    planes = find_planes(clean(box(SIZE) + shelf))
    axis, offset = walls_of(planes)
    level = sorted(offset[axis == 1].tolist())
    assert level == pytest.approx([0.0, 1.0, 1.15, 2.8], abs=1e-6)


def test_surfaces_of_one_plane_are_one():
    surfaces = floor_plan([0, 4, 4.1, 8], [0, 1.6, 2.4, 4], [[1, 0, 1], [1, 1, 1], [1, 0, 1]], 2.5)
    planes = find_planes(clean(surfaces))
    axis, offset = walls_of(planes)
    assert sum(axis == 1) == 2
    assert sorted(offset[axis == 0].tolist()) == pytest.approx([0, 4, 4.1, 8], abs=1e-6)


def test_small_and_curved_surfaces_are_left_to_the_rays():
    crumbs = [s for k in range(40) for s in box((0.1, 0.1, 0.1), (0.15 * (k % 8), 0.3 * (k // 8), 0.0), outside=True)]
    planes = find_planes(clean(crumbs))
    area = clean(crumbs).areas
    assert all(area[planes.of_face == p].sum() >= SMALLEST_M2 for p in range(len(planes.offset)))


def test_a_scene_without_planes_has_none():
    planes = find_planes(clean(box((0.3, 0.3, 0.3))))
    assert len(planes.offset) == 0
    assert (planes.of_face == -1).all()
