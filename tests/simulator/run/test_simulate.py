"""One set: pure, of the schema's types, and true to geometry and to itself."""

from __future__ import annotations

import json
from dataclasses import replace

import numpy as np
import pytest
from scipy.signal import fftconvolve

from dataset.format.schema import FIELDS, check_set
from dataset.format.writer import rounded
from dataset.settings import Range
from simulator.acoustics.room_metrics import rt60
from simulator.camera.embree import EmbreeCamera
from simulator.camera.view_camera import ViewCamera
from simulator.config import with_options
from simulator.run.clips import find_clips
from simulator.run.sampling import Rejected
from simulator.run.simulate import Inputs, generator, prepare_scene, simulate

SMALL = {
    "views": 3, "sources": 2, "camera.width_px": 32, "camera.height_px": 24, "camera.samples_per_pixel": 1,
    "acoustics.quality": "draft", "acoustics.response_s": 0.2, "acoustics.indirect_ratio": 0.5, "clips.stretch_s": 0.4,
}  # fmt: skip


def silent(name, why):
    raise AssertionError(f"clip {name}: {why}")


@pytest.fixture(scope="module")
def context_with(tiny_scenes, tmp_path_factory):
    """Return a maker of contexts of one room with changed settings; 60 dB of its decay fit into the short responses."""
    materials = tmp_path_factory.mktemp("materials") / "absorbing.toml"
    materials.write_text(
        "[materials]\n" + "".join(f"{n} = {{ absorption = 0.6, scattering = 0.3 }}\n" for n in ("plaster", "wood"))
    )
    inputs = Inputs(find_clips(None), materials=materials)
    return lambda **changes: prepare_scene(tiny_scenes / "beta.glb", "beta", with_options({**SMALL, **changes}), inputs)


@pytest.fixture(scope="module")
def context(context_with):
    return context_with()


@pytest.fixture(scope="module")
def one(context):
    return simulate(context, 3, silent)


def differing(a, b):
    return {k for k in a if not np.array_equal(a[k], b[k])}


class TestPurity:
    def test_other_sets_before_it_change_nothing(self, context, context_with, one):
        assert differing(simulate(context, 3, silent), one) == set()
        assert differing(simulate(context_with(), 3, silent), one) == set()

    def test_another_index_seed_or_scene_is_another_set(self, context, one):
        for other in (
            simulate(context, 4, silent),
            simulate(replace(context, settings=replace(context.settings, seed=1)), 3, silent),
            simulate(replace(context, scene=replace(context.scene, sha256="1" * 64)), 3, silent),
        ):
            assert {"position", "heading", "source_position", "mono", "clips", "audio"} <= differing(other, one)

    def test_the_scenes_own_generator_is_no_sets(self, context):
        numbers = {generator(context.settings, context.scene, k).integers(2**62) for k in range(-1, 50)}
        assert len(numbers) == 51


class TestConcernsAreApart:
    """A change of one thing leaves the draws of the others alone."""

    def test_pictures(self, context_with, one):
        other = simulate(context_with(**{"camera.samples_per_pixel": 4}), 3, silent)
        assert differing(other, one) == {"rgb"}

    def test_sound(self, context_with, one):
        other = simulate(context_with(**{"acoustics.image_order": 1, "acoustics.quality": "standard"}), 3, silent)
        assert differing(other, one) == {"brir_indirect", "rt60", "audio"}

    def test_clips(self, context_with, one):
        other = simulate(context_with(**{"clips.max_rms": 0.2}), 3, silent)
        assert differing(other, one) <= {"mono", "clips", "audio"} and "mono" in differing(other, one)

    def test_indirect_ratio(self, context_with, one):
        other = simulate(context_with(**{"acoustics.indirect_ratio": 1.0}), 3, silent)
        assert differing(other, one) == {"rt60", "audio"}


class TestContent:
    def test_types_and_shapes_are_the_schemas(self, one):
        sizes = {}
        check_set(one, sizes)
        assert {k: sizes[k] for k in "VSHWL"} == {"V": 3, "S": 2, "H": 24, "W": 32, "L": 6400}
        assert sizes["Ti"] == 3200
        asked = {"ambisonic_rir", "panorama_rgb", "panorama_distance", "panorama_instance", "array_rir"}
        walks = {"rgb_webp", "rgb_webp_end", "time", "source_track", "in_sight", "recording"}
        assert set(FIELDS) - set(one) == asked | walks | {"ambisonic_recording", "array_recording"}

    def test_names(self, one):
        clips = json.loads(one["clips"])
        assert one["set_id"] == "beta/3" and len(clips) == 2
        assert all(set(c) >= {"clip", "start_s", "rms", "sha256"} for c in clips)

    def test_directions_by_geometry(self, one):
        for view in range(3):
            heading = np.deg2rad(float(one["heading"][view]))
            ahead, left = np.array([-np.sin(heading), 0, -np.cos(heading)]), np.array([-np.cos(heading), 0, np.sin(heading)])
            for source in range(2):
                way = one["source_position"][source].astype(float) - one["position"][view]
                assert one["distance"][view, source] == pytest.approx(np.linalg.norm(way), abs=1e-5)
                turned = np.rad2deg(np.arctan2(way @ left, way @ ahead))
                assert one["azimuth"][view, source] == pytest.approx(turned, abs=1e-3)
                assert np.sin(np.deg2rad(one["elevation"][view, source])) == pytest.approx(way[1] / np.linalg.norm(way), abs=1e-5)

    def test_a_turn_of_the_head_moves_each_source_the_other_way(self, one):
        turn = one["heading"][1:] - one["heading"][0]
        gap = one["azimuth"][1:] - (one["azimuth"][0] - turn[:, None])
        np.testing.assert_allclose((gap + 180) % 360 - 180, 0, atol=1e-3)

    def test_audio_is_what_a_reader_of_the_shard_would_mix(self, one):
        full = 0.5 * one["brir_indirect"].astype(float)
        full[..., : one["brir_direct"].shape[-1]] += one["brir_direct"]
        mono = rounded(one["mono"]).astype(float)  # as the shard stores it
        mixed = sum(fftconvolve(mono[None, s, None], full[:, s], axes=-1)[..., : mono.shape[-1]] for s in (0, 1))
        np.testing.assert_allclose(one["audio"], mixed, atol=1e-6)
        np.testing.assert_allclose(one["rt60"], rt60(full.astype(np.float32), 16000), rtol=1e-3)
        assert np.isfinite(one["rt60"]).all()

    def test_a_response_that_is_too_short_for_the_decay_has_no_decay_time(self, tiny_scenes):
        """Plaster absorbs so little that the room decays by some 4 dB in the response."""
        live = prepare_scene(tiny_scenes / "beta.glb", "beta", with_options(SMALL), Inputs(find_clips(None)))
        assert np.isnan(simulate(live, 3, silent)["rt60"]).all()

    def test_levels_are_those_asked_for(self, one):
        levels = np.sqrt((one["mono"].astype(float) ** 2).mean(-1))
        assert ((levels > 0.0699) & (levels < 0.1301)).all()
        np.testing.assert_allclose(levels, [c["rms"] for c in json.loads(one["clips"])], rtol=1e-3)

    def test_depth_is_millimetres_to_what_is_there(self, context, one):
        """Through the middle of a picture goes the optical axis: its depth is the distance to the first surface."""
        for view in range(3):
            rows, columns = slice(11, 13), slice(15, 17)
            depth = one["depth"][view, rows, columns].mean() / 1000
            heading, pitch = np.deg2rad(float(one["heading"][view])), np.deg2rad(context.settings.camera.pitch_deg)
            axis = np.array([-np.sin(heading) * np.cos(pitch), np.sin(pitch), -np.cos(heading) * np.cos(pitch)])
            hits = context.scene.bvh.closest(one["position"][view][None].astype(np.float32), axis[None].astype(np.float32))
            assert depth == pytest.approx(float(hits.distance[0]), rel=0.1)

    def test_the_camera_of_every_view(self, one, context_with):
        for name, value in {"hfov_deg": 60.0, "pitch_deg": -22.5, "roll_deg": 0.0, "height_m": 1.5}.items():
            np.testing.assert_array_equal(one[name], np.full(3, value, np.float32))
        changes = {"camera.pitch_deg": Range(-30.0, -15.0), "camera.roll_jitter_deg": 5.0}
        context = context_with(**changes)
        other = simulate(context, 3, silent)
        assert differing(simulate(context, 3, silent), other) == set()
        assert -30 <= other["pitch_deg"][0] <= -15 and len(set(other["pitch_deg"])) == 1 and len(set(other["roll_deg"])) == 3
        camera = [ViewCamera(*c, height_m=1.5, width_px=32, height_px=24, samples_per_pixel=1) for c in zip(
            *(map(float, other[name]) for name in ("hfov_deg", "pitch_deg", "roll_deg")), strict=True
        )]  # fmt: skip
        views = EmbreeCamera(context.scene, context.settings.camera).render(
            other["position"].astype(float), other["heading"].astype(float), camera
        )
        # Positions and headings are stored as float32, so that a ray at an edge may hit another surface.
        assert (np.abs(views.depth * 1000 - other["depth"]) < 5).mean() > 0.98

    def test_ambisonics_only_where_asked_for(self, context_with, one):
        other = simulate(context_with(**{"acoustics.ambisonic_order": 1}), 3, silent)
        assert other["ambisonic_rir"].shape == (3, 2, 4, 3200)
        assert differing({k: v for k, v in other.items() if k in one}, one) == set()


def test_surfaces_beyond_what_millimetres_hold_are_at_the_limit(make_scene, make_box, context):
    from simulator.run.fields import view_fields

    hall = make_scene([("hall", "plaster", *make_box((-100, 0, -100), (100, 3, 100), inward=True), (0.5, 0.5, 0.5))])
    level = replace(context.settings.camera, pitch_deg=0.0)
    views = EmbreeCamera(hall, level).render(np.array([[0.0, 1.5, 0.0]]), np.array([0.0]))
    assert views.depth.max() > 65.535 and view_fields(views)["depth"].max() == 65535


def test_a_scene_without_such_sets_says_which_rule_was_in_the_way(context_with):
    narrow = context_with(**{"sampling.min_depth_max_m": 50.0, "sampling.position_tries": 3})
    with pytest.raises(Rejected) as raised:
        simulate(narrow, 0, silent)
    assert sum(raised.value.counts.values()) >= 3 and str(raised.value)
