"""Views of one set from several positions: nearby and free motion, and the sound that goes with each."""

from __future__ import annotations

import numpy as np
import pytest

from simulator.config import with_options
from simulator.run.sampling import FREE_M, NEARBY_M, draw_set
from simulator.scene.walkable import find_places

GREY = (0.5, 0.5, 0.5)


@pytest.fixture(scope="module")
def hall(make_scene, make_box):
    """A room of 8 x 2.8 x 6 m with a table."""
    parts = [
        ("shell", "plaster", *make_box((0, 0, 0), (8, 2.8, 6), inward=True), GREY),
        ("table", "wood", *make_box((3, 0, 2), (5, 0.75, 3), inward=False), GREY),
    ]
    return make_scene(parts)


def sets(scene, motion, count=10, **changes):
    settings = with_options({"sources": 2, "sampling.motion": motion, **changes})
    rng = np.random.default_rng(0)
    places = find_places(scene, settings, rng)
    return [draw_set(scene, places, settings, rng) for _ in range(count)]


@pytest.mark.parametrize(("motion", "reach"), [("nearby", NEARBY_M), ("free", FREE_M)])
class TestPositions:
    def test_within_reach_and_really_moved(self, hall, motion, reach):
        moved = np.concatenate([np.linalg.norm(o.positions[1:] - o.positions[0], axis=1) for o in sets(hall, motion)])
        assert moved.max() <= reach * 1.001
        assert moved.max() > 0.7 * reach and moved.min() > 0

    def test_each_can_be_stood_at(self, hall, motion, reach):
        for one in sets(hall, motion):
            x, y, z = one.positions.T
            np.testing.assert_allclose(y, 1.5, atol=1e-3)
            assert not ((x > 3) & (x < 5) & (z > 2) & (z < 3)).any()
            assert ((one.positions > 0.2) & (one.positions < np.array([8, 2.8, 6]) - 0.2)).all()

    def test_sources_are_in_sight_from_every_view(self, hall, motion, reach):
        for one in sets(hall, motion):
            for position in one.positions:
                offset = one.sources - position
                distance = np.linalg.norm(offset, axis=1)
                assert (distance >= 0.5).all() and (distance <= 3.0).all()
                assert hall.bvh.visible(np.repeat(position[None], 2, 0), one.sources).all()

    def test_views_overlap_and_turn(self, hall, motion, reach):
        for one in sets(hall, motion):
            turn = np.abs((one.headings_deg[1:] - one.headings_deg[0] + 180) % 360 - 180)
            assert ((turn >= 10) & (turn <= 90)).all() and (one.overlap >= 0.1).all()


@pytest.mark.parametrize("motion", ["nearby", "free"])
def test_heights_vary_by_view_with_jitter(hall, motion):
    for one in sets(hall, motion, 3, **{"camera.height_jitter_m": 0.2}):
        np.testing.assert_allclose(one.positions[:, 1], [camera.height_m for camera in one.cameras], atol=1e-3)
        assert np.ptp(one.positions[:, 1]) > 0.02 and np.abs(one.positions[:, 1] - 1.5).max() < 0.201


def test_rotation_stays_at_one_place(hall):
    assert all((one.positions == one.positions[0]).all() for one in sets(hall, "rotation", 3))


@pytest.fixture(scope="module", params=["nearby", "free"])
def rendered(request, tmp_path_factory, tiny_scenes, tiny_options):
    """A data set of moving views, with its shards' fields."""
    import h5py

    from simulator.render import main

    out = tmp_path_factory.mktemp(request.param) / "data"
    options = [str(o) for o in tiny_options]
    scene = str(tiny_scenes / "beta.glb")
    assert main(["--scenes", scene, "--out", str(out), "--workers", "0", "--motion", request.param, *options]) == 0
    shards = []
    for path in sorted((out / "shards").glob("*.h5")):
        with h5py.File(path) as file:
            shards.append({name: file[name][:] for name in file} | {"sample_rate": file.attrs["sample_rate"]})
    return out, shards


class TestDataSet:
    def test_verifies(self, rendered):
        from dataset.verify import verify

        assert verify(rendered[0]) == []

    def test_azimuth_elevation_distance_by_geometry(self, rendered):
        for shard in rendered[1]:
            offset = shard["source_position"][:, None].astype(float) - shard["position"][:, :, None]
            distance = np.linalg.norm(offset, axis=-1)
            heading = np.deg2rad(shard["heading"].astype(float))[..., None]
            # In the head's own frame: how far ahead and how far to the left the source is.
            ahead = -np.sin(heading) * offset[..., 0] - np.cos(heading) * offset[..., 2]
            left = -np.cos(heading) * offset[..., 0] + np.sin(heading) * offset[..., 2]
            np.testing.assert_allclose(shard["distance"], distance, atol=1e-5)
            np.testing.assert_allclose(shard["azimuth"], np.rad2deg(np.arctan2(left, ahead)), atol=1e-3)
            np.testing.assert_allclose(shard["elevation"], np.rad2deg(np.arcsin(offset[..., 1] / distance)), atol=1e-3)

    def test_azimuth_is_not_just_the_turn(self, rendered):
        """With moving views, the turn alone does not explain where the sound went: parallax does the rest."""
        shard = rendered[1][0]
        turned = shard["azimuth"][:, 0, 0] - (shard["heading"][:, 1] - shard["heading"][:, 0])
        gap = np.abs((turned - shard["azimuth"][:, 1, 0] + 180) % 360 - 180)
        assert gap.max() > 0.5

    def test_direct_sound_arrives_at_each_position_in_its_own_time(self, rendered):
        for shard in rendered[1]:
            response = np.abs(shard["brir_direct"].astype(float))
            first = (response > 0.1 * response.max(-1, keepdims=True)).argmax(-1).min(-1)
            # The nearer ear hears it up to a head's radius (0.1 m) before the centre would.
            lead = shard["distance"] - first / shard["sample_rate"] * 343.0
            assert (np.abs(lead) < 0.2).all()
            spread = shard["distance"].max(1) - shard["distance"].min(1)
            assert spread.max() > 0.02

    def test_louder_ear_is_on_the_sources_side(self, rendered):
        checked = 0
        for shard in rendered[1]:
            energy = (shard["brir_direct"].astype(float) ** 2).sum(-1)
            level = 10 * np.log10(energy[..., 0] / energy[..., 1])
            beside = np.abs(np.sin(np.deg2rad(shard["azimuth"].astype(float)))) > 0.5
            assert (np.sign(level[beside]) == np.sign(np.sin(np.deg2rad(shard["azimuth"].astype(float))))[beside]).all()
            checked += beside.sum()
        assert checked > 0
