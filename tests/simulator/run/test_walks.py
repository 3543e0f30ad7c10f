"""Walks: drawn on walkable ground, stored with their geometry, pictures and one recording that simulate_walk computes too."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import h5py
import numpy as np
import pytest

import simulator
from dataset.format.writer import rounded
from dataset.geometry import pinholes, source_directions
from dataset.info import describe
from dataset.preview import preview
from dataset.reader import Dataset
from dataset.verify import verify
from dataset.viewer.floor_plan import points
from simulator.config import WalkSettings, with_options
from simulator.errors import InputError
from simulator.render import main
from simulator.run.clips import find_clips
from simulator.run.sampling import Rejected
from simulator.run.simulate import Inputs, generator, prepare_scene
from simulator.run.walks import draw_walk
from simulator.scene.walkable import find_places

GREY = (0.5, 0.5, 0.5)
WALK = [
    "--motion", "walk", "--fps", "5", "--duration", "2.4", "--sources", "2", "--sets", "2", "--quality", "draft",
    "--workers", "0", "--set", "camera.width_px=32", "--set", "camera.height_px=24", "--set", "camera.samples_per_pixel=1",
    "--set", "acoustics.response_s=0.1", "--set", "shard_sets=1", "--set", "motion.standing_share=0",
]  # fmt: skip


@pytest.fixture(scope="module")
def hall(make_scene, make_box):
    """A room of 8 x 2.8 x 6 m with a table."""
    parts = [
        ("shell", "plaster", *make_box((0, 0, 0), (8, 2.8, 6), inward=True), GREY),
        ("table", "wood", *make_box((3, 0, 2), (5, 0.75, 3), inward=False), GREY),
    ]
    return make_scene(parts)


def drawn(scene, count: int = 4, **changes):
    settings = with_options({"sampling.motion": "walk", "sources": 2, **changes})
    places = find_places(scene, settings, np.random.default_rng(0))
    return [draw_walk(scene, places, settings, np.random.default_rng(k)) for k in range(count)]


@pytest.fixture(scope="module")
def walks(tiny_scenes, tmp_path_factory) -> Path:
    out = tmp_path_factory.mktemp("walks") / "data"
    assert main(["--scenes", str(tiny_scenes / "alpha.glb"), "--out", str(out), "--source-motion", "walk", *WALK]) == 0
    return out


CLOCK = np.arange(0, 7.65, 0.05)


@pytest.mark.parametrize("sources", ["none", "walk"])
def test_drawn_walks_stay_on_the_floor_and_clear_of_things(hall, sources) -> None:
    moved = 0
    for walk in drawn(hall, **{"motion.sources": sources, "motion.standing_share": 0.5}):
        movers = [walk.listener, *walk.sources] if sources == "walk" else [walk.listener]
        for one in movers:
            x, _, z = one.position(CLOCK).T
            beside = np.hypot(np.maximum(np.abs(x - 4) - 1, 0), np.maximum(np.abs(z - 2.5) - 0.5, 0))  # distance from the table
            assert (beside > 0.22).all() and (x > 0.2).all() and (x < 7.8).all() and (z > 0.2).all() and (z < 5.8).all()
        np.testing.assert_allclose(walk.listener.position(CLOCK)[:, 1], 1.5, atol=2e-3)
        moved += np.ptp(walk.listener.position(CLOCK), axis=0).max() > 1
        for source in walk.sources:
            assert np.linalg.norm(source.position(CLOCK) - walk.listener.position(CLOCK), axis=1).min() > 0.45
            assert np.ptp(source.position(CLOCK), axis=0).max() > 0.5 if sources == "walk" else len(source.time_s) == 1
    assert 1 <= moved < 4  # the others stand and turn


def test_drawn_walks_keep_to_the_settings(hall) -> None:
    slow = {"motion.max_speed_m_s": 0.5, "motion.max_turn_deg_s": 30.0, "motion.max_acceleration_m_s2": 0.5}
    for walk in drawn(hall, **slow):
        clock = np.arange(0, 7.65, 0.1)
        velocity = np.diff(walk.listener.position(clock), axis=0) / 0.1
        assert np.linalg.norm(velocity, axis=1).max() <= 0.505
        assert np.linalg.norm(np.diff(velocity, axis=0), axis=1).max() / 0.1 <= 0.505
        assert np.abs(np.diff(walk.listener.heading(clock))).max() / 0.1 <= 30.3


def test_a_cell_without_a_way_is_rejected_with_the_reason(make_scene, make_box) -> None:
    cell = make_scene([("cell", "plaster", *make_box((0, 0, 0), (0.9, 2.8, 0.9), inward=True), GREY)])
    with pytest.raises(Rejected, match="without a way to walk"):
        drawn(cell, 1, **{"motion.standing_share": 0.0, "sampling.position_tries": 5})


def test_the_data_set_verifies_and_its_fields_agree(walks) -> None:
    assert verify(walks) == []
    data = Dataset(walks)
    for one in data:
        assert one["rgb"].shape == (12, 24, 32, 3) and one["depth"].shape == (12, 24, 32)
        np.testing.assert_allclose(one["time"], np.arange(12) / 5)
        directions = source_directions(one["position"], one["heading"], one["source_track"])
        for name, value in directions.items():
            np.testing.assert_array_equal(one[name], value)
        assert one["recording"].shape == (2, 38400) and one["mono"].shape == (2, 38400)
        assert "audio" not in one and "brir_direct" not in one and "source_track" in one
    moved = [np.ptp(one["position"], axis=0).max() for one in data]
    assert max(moved) > 0.5
    with h5py.File(next((walks / "shards").glob("*.h5")), locking=False) as file:
        assert "audio" in json.loads(file.attrs["absent"])
    text = describe(walks)
    assert "each set is a walk of 2.4 s: 12 pictures at 5 a second, moving sources, one recording" in text
    assert all(path.stat().st_size > 10000 for path in preview(walks, 2, walks.parent / "preview"))


def test_surfaces_of_all_moments_lie_in_one_room(walks) -> None:
    """Depth, positions and headings agree: every pixel of every moment lies on the box's surfaces."""
    size = (6.0, 2.8, 5.0)
    for one in Dataset(walks):
        for depth, position, heading, camera in zip(one["depth"], one["position"], one["heading"], pinholes(one), strict=True):
            x, y, z = points(depth, position, float(heading), camera).reshape(-1, 3).T
            walls = np.stack([size[0] / 2 - np.abs(x), size[2] / 2 - np.abs(z), y, size[1] - y])
            assert walls.min() > -0.01
            cupboard = np.stack([np.abs(x - size[0] / 2 + 0.5) - 0.4, y - 1.0, np.abs(z) - 0.3]).max(0)
            assert np.minimum(walls.min(0), np.abs(cupboard)).max() < 0.02


def test_the_recording_is_that_of_simulate_walk(walks, tiny_scenes) -> None:
    data = Dataset(walks)
    settings = with_options(
        {"sampling.motion": "walk", "motion.fps": 5.0, "clips.stretch_s": 2.4, "sources": 2, "motion.sources": "walk"},
        [text for text in WALK if "=" in text],
    )
    settings = with_options({"acoustics.quality": "draft", **_flat(settings)})
    scene = prepare_scene(tiny_scenes / "alpha.glb", "alpha", settings, Inputs(find_clips(None)))
    walk = draw_walk(scene.scene, scene.places, settings, generator(settings, scene.scene, 0).spawn(4)[0])
    one = data[[data.read(k, "set_id") for k in range(len(data))].index("alpha/0")]
    np.testing.assert_allclose(one["position"], walk.listener.position(one["time"].astype(float)), atol=1e-5)
    heard = simulator.simulate_walk(
        simulator.load_scene(tiny_scenes / "alpha.glb"),
        walk.listener,
        walk.sources,
        list(one["mono"]),
        acoustics=settings.acoustics,
    )
    np.testing.assert_array_equal(one["recording"], rounded(heard.full()))


def _flat(settings):
    return {"sampling.motion": "walk", "motion.fps": 5.0, "clips.stretch_s": 2.4, "sources": 2, "motion.sources": "walk"} | {
        "camera.width_px": 32, "camera.height_px": 24, "camera.samples_per_pixel": 1, "acoustics.response_s": 0.1,
        "motion.standing_share": 0.0, "shard_sets": 1,
    }  # fmt: skip


@pytest.mark.parametrize("workers", ["0", pytest.param("2", marks=pytest.mark.slow)])
def test_a_resumed_render_with_any_workers_yields_the_same_bytes(walks, tiny_scenes, tmp_path, workers) -> None:
    out = tmp_path / "part"
    (out / "shards").mkdir(parents=True)
    for path in walks.rglob("*0000.h5"):
        shutil.copy(path, out / "shards" / path.name)  # an interrupted render: one shard, and no manifest
    options = ["--scenes", str(tiny_scenes / "alpha.glb"), "--source-motion", "walk", *WALK, "--workers", workers]
    assert main([*options, "--out", str(out)]) == 0
    for path in (walks / "shards").glob("*.h5"):
        assert (out / "shards" / path.name).read_bytes() == path.read_bytes()


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ({"views": 4}, "views is 4, and a walk of 7.65 s at 10 pictures a second has 77; leave out views"),
        ({"motion.fps": 1000.0}, "motion.fps is 1000; use 0.1 to 120"),
        ({"camera.pitch_jitter_deg": 3.0}, "camera.pitch_jitter_deg vary from view to view"),
        ({"acoustics.engine": "pyroomacoustics"}, "cannot follow paths; use --acoustics raytrace"),
        ({"motion.sources": "fly"}, "choose one of none, walk"),
        ({"camera.panorama_px": 64}, "walks have no panoramas"),
        ({"clips.stretch_s": 500.0}, "5000 pictures a set; use at most 1000"),
    ],
)
def test_settings_that_do_not_fit_walks_are_refused(values, message) -> None:
    with pytest.raises(InputError, match=message):
        with_options({"sampling.motion": "walk", **values})


def test_options_of_walks_are_refused_without_one(tiny_scenes, tmp_path, capsys) -> None:
    assert main(["--scenes", str(tiny_scenes), "--out", str(tmp_path / "x"), "--fps", "5"]) == 2
    assert "--fps and --source-motion are for --motion walk; the motion is rotation" in capsys.readouterr().err


def test_steps_of_walks_are_above_zero() -> None:
    with pytest.raises(InputError, match="trace_every_m is 0"):
        WalkSettings(trace_every_m=0.0)
