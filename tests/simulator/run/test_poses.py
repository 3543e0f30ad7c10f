"""Sets of given poses: exact geometry, physics where a source is hidden or a listener outside, and what is reported."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import h5py
import numpy as np
import pytest

from dataset.format.manifest import read_manifest
from dataset.format.schema import check_set
from dataset.verify import verify
from simulator.camera.panorama import render_panoramas
from simulator.config import with_options
from simulator.receivers.spatialize import convolve
from simulator.run.clips import find_clips
from simulator.run.pose_files import posed, read_poses
from simulator.run.poses import Pose, pose_faults
from simulator.run.sampling import Rejected
from simulator.run.simulate import Inputs, prepare_scene, simulate

SMALL = {
    "camera.width_px": 32, "camera.height_px": 24, "camera.samples_per_pixel": 1, "acoustics.quality": "draft",
    "acoustics.response_s": 0.2, "clips.stretch_s": 0.4,
}  # fmt: skip
WALL = ("wall", "plaster")


@pytest.fixture(scope="module")
def two_rooms(make_scene, make_box):
    """A room of 6 x 2.8 x 5 m that a wall at x = 3 with a door at z > 4 divides."""
    v, f = make_box((0, 0, 0), (6, 2.8, 5), inward=True)
    w, g = make_box((2.9, 0, 0), (3.1, 2.8, 4), inward=False)
    return make_scene([("room", "plaster", v, f, (0.6, 0.6, 0.6)), (*WALL, w, g, (0.6, 0.5, 0.4))])


def pose(position, sources, headings=(0.0,)) -> Pose:
    headings = np.asarray(headings, float)
    return Pose(
        np.repeat(np.atleast_2d(np.asarray(position, float)), len(headings), 0),
        headings,
        np.atleast_2d(np.asarray(sources, float)),
    )


HIDDEN = "source 0 is hidden from the listener"


@pytest.mark.parametrize(
    ("position", "source", "said"),
    [
        ((1, 1.5, 1), (2, 1.2, 2), []),
        ((1, 1.5, 1), (5, 1.2, 1), [HIDDEN]),
        ((3, 1.5, 2), (2, 1.2, 2), ["the listener is inside a wall or an object", HIDDEN]),
        ((1, 1.5, 1), (0.02, 1.2, 2), ["source 0 is 2.0 cm from a surface"]),
        ((-2, 1.5, 1), (1, 1.2, 1), ["the listener is outside the scene, or beside a large opening", HIDDEN]),
    ],
)
def test_what_is_unusual_is_named(two_rooms, position, source, said):
    assert pose_faults(two_rooms, pose(position, source)) == said


def test_listeners_of_several_places_are_told_apart(two_rooms):
    given = Pose(np.array([[1, 1.5, 1], [5, 1.5, 1.0]]), np.zeros(2), np.array([[2, 1.2, 2.0]]))
    assert pose_faults(two_rooms, given) == ["source 0 is hidden from the listener of view 1"]


@pytest.fixture(scope="module")
def render(tiny_scenes, tmp_path_factory):
    """Return a function that simulates the first set of given records in one room."""

    def one(record, **changes):
        path = tmp_path_factory.mktemp("poses") / "poses.json"
        path.write_text(json.dumps({"sets": [record]}))
        clips = find_clips(None)
        poses = read_poses(path, ["beta"], clips.names)
        settings = posed(with_options({**SMALL, **changes}), poses)
        context = prepare_scene(tiny_scenes / "beta.glb", "beta", settings, Inputs(clips, poses=poses))
        return context, simulate(context, 0, lambda name, why: None)

    return one


def middle(context):
    return context.scene.bounds.mean(0)


@pytest.fixture(scope="module")
def centre(tiny_scenes):
    settings = with_options(SMALL)
    return middle(prepare_scene(tiny_scenes / "beta.glb", "beta", settings, Inputs(find_clips(None)))).tolist()


def test_a_set_has_exactly_the_given_geometry_and_cameras(render, centre):
    x, y, z = centre
    record = {
        "position": [[x, y, z], [x + 0.1, y, z]], "heading_deg": [350, 20], "pitch_deg": [-30, 10], "roll_deg": 5,
        "sources": [[x - 0.5, y, z - 0.3], [x + 0.4, y + 0.1, z + 0.5]],
    }  # fmt: skip
    _, one = render(record)
    np.testing.assert_allclose(one["position"], record["position"], atol=1e-6)
    np.testing.assert_allclose(one["source_position"], record["sources"], atol=1e-6)
    np.testing.assert_array_equal(one["heading"], [350, 20])
    np.testing.assert_array_equal(one["pitch_deg"], [-30, 10])
    np.testing.assert_array_equal(one["roll_deg"], [5, 5])
    assert one["azimuth"][0, 0] == pytest.approx(np.rad2deg(np.arctan2(0.5, 0.3)) + 10, abs=1e-3)


def test_each_distinct_position_has_a_panorama(render, centre):
    x, y, z = centre
    record = {"position": [[x, y, z], [x + 0.1, y, z], [x, y, z]], "heading_deg": [0, 20, 40], "sources": [[x - 0.5, y, z]]}
    context, one = render(record, **{"camera.panorama_px": 32})
    assert one["panorama_rgb"].shape == (2, 32, 64, 3)
    expected = render_panoramas(context.scene, np.array([[x, y, z], [x + 0.1, y, z]]), 32, 1)
    np.testing.assert_array_equal(one["panorama_rgb"], expected.rgb)
    np.testing.assert_allclose(one["panorama_distance"], expected.distance * 1000, atol=0.6)
    np.testing.assert_array_equal(one["panorama_instance"], expected.instance)
    check_set(one, {})


def test_one_view_is_enough_and_a_far_source_is_heard_whole(render, centre):
    x, y, z = centre
    far = np.array([x + 30.0, y, z])
    _, one = render({"position": centre, "heading_deg": 0, "sources": far.tolist()})
    assert one["rgb"].shape[0] == 1 and one["distance"][0, 0] == pytest.approx(30.0)
    assert one["brir_direct"].shape[-1] > 30.0 / 343.0 * 16000
    assert not one["brir_direct"].any()  # outside, behind the wall


def test_clips_starts_and_levels_are_those_given(render, centre):
    x, y, z = centre
    names = find_clips(None).names
    choice = {"clip": names[1], "start_s": 0.25, "rms": 0.05}
    _, one = render(
        {"position": centre, "heading_deg": [0, 30], "sources": [[x, y, z - 0.6], [x + 0.6, y, z]], "clips": [names[0], choice]}
    )
    clips = json.loads(one["clips"])
    assert [c["clip"] for c in clips] == [names[0], names[1]] and clips[1]["start_s"] == 0.25
    assert np.sqrt(np.mean(one["mono"][1].astype(float) ** 2)) == pytest.approx(0.05, rel=1e-3)
    full = np.pad(one["brir_direct"], ((0, 0),) * 3 + ((0, one["brir_indirect"].shape[-1] - one["brir_direct"].shape[-1]),))
    heard = convolve(one["mono"][None, :, None], full + one["brir_indirect"]).sum(1)
    np.testing.assert_allclose(one["audio"], heard, atol=1e-3)


def test_a_clip_that_ends_before_its_start_is_a_set_left_out_by_name(render, centre):
    x, y, z = centre
    late = {"clip": find_clips(None).names[0], "start_s": 1e4}
    with pytest.raises(Rejected, match=r"ends before start_s = 10000"):
        render({"position": centre, "heading_deg": [0, 30], "sources": [x, y, z - 0.6], "clips": [late]})


@pytest.mark.slow
def test_the_command_renders_verifies_resumes_and_reports(tiny_scenes, tmp_path: Path, centre):
    x, y, z = centre
    inside = {"scene": "beta", "position": centre, "heading_deg": [0, 40], "sources": [[x, y, z - 0.6]]}
    outside = {**inside, "position": [x + 50, y, z]}
    poses = tmp_path / "poses.json"
    poses.write_text(json.dumps({"sets": [inside, outside, inside]}))
    command = [
        sys.executable, "-m", "simulator.render", "--scenes", str(tiny_scenes), "--poses", str(poses),
        "--out", str(tmp_path / "out"), "--workers", "0", *(f"--set={k}={v}" for k, v in SMALL.items()), "--set=shard_sets=2",
        "--panorama", "32",
    ]  # fmt: skip
    planned = subprocess.run([*command, "--dry-run"], capture_output=True, text=True, check=True).stdout
    assert "2 shards" in planned and "3 sets" in planned and "pose beta/1: the listener is outside the scene" in planned
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert "note: pose beta/1: the listener is outside the scene" in done.stdout and "3 sets of 1 scenes" in done.stdout
    manifest = read_manifest(tmp_path / "out")
    assert list(manifest["pose_faults"]) == ["beta/1"]
    assert verify(str(tmp_path / "out")) == []
    with h5py.File(tmp_path / "out" / "shards" / "beta-0000.h5") as shard:
        assert shard["panorama_rgb"].shape == (2, 1, 32, 64, 3)
        assert not shard["brir_direct"][1].any() and shard["brir_direct"][0].any()
    again = subprocess.run(command, capture_output=True, text=True, check=True).stdout
    assert "nothing to do" in again and "pose beta/1" in again
    poses.write_text(json.dumps({"sets": [inside, outside]}))
    other = subprocess.run(command, capture_output=True, text=True, check=False)
    assert other.returncode == 2 and "inputs.poses" in other.stderr
    refused = subprocess.run([*command, "--views", "3"], capture_output=True, text=True, check=False)
    assert (
        refused.returncode == 2 and "--poses determines sets, views, sources and positions; leave out --views" in refused.stderr
    )
