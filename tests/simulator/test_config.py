"""Settings: defaults, names, values out of range, and what `--set` takes."""

from __future__ import annotations

import json
import re
from dataclasses import FrozenInstanceError, fields, is_dataclass

import numpy as np
import pytest

from simulator.config import FARTHEST_M, Settings, with_options
from simulator.engines.responses import direct_length
from simulator.errors import InputError

WRONG = """
seed=-1 sets=0 views=1 sources=0 shard_sets=0 camera.engine=blender camera.width_px=4 camera.height_px=9000
camera.hfov_deg=180 camera.hfov_deg=5..60 camera.hfov_deg=60..160 camera.hfov_deg=90..45 camera.roll_deg=181
camera.hfov_deg=nan..60 camera.height_m=0..2 camera.roll_jitter_deg=-1
camera.pitch_deg=nan camera.pitch_deg=-91 camera.height_m=0 camera.samples_per_pixel=0
camera.texture_mb=0 sampling.motion=fly sampling.clearance_m=-0.1 sampling.min_turn_deg=95 sampling.max_turn_deg=181
sampling.min_overlap=1 sampling.min_shared_instances=-1 sampling.min_source_distance_m=0.05 sampling.max_source_distance_m=7
sampling.min_source_height_m=2 sampling.max_elevation_deg=0 sampling.position_tries=0 sampling.heading_tries=3
acoustics.engine=ears acoustics.sample_rate_hz=4000 acoustics.quality=best acoustics.response_s=0 acoustics.response_s=nan
acoustics.image_order=6 acoustics.temperature_c=300 acoustics.humidity_percent=101 acoustics.indirect_ratio=-1
acoustics.directivity=trumpet acoustics.ambisonic_order=8 clips.stretch_s=inf clips.min_rms=0.5 clips.max_rms=1
receivers.head_scale=0.4 receivers.head_scale=2.1 receivers.head_scale=1.2..0.9 receivers.head_scale=nan
sets=100000000000 views=1000000 sources=1000000 sampling.min_depth_max_m=nan sampling.min_depth_mean_m=-inf
sampling.max_source_height_m=inf sampling.max_ceiling_m=inf
""".split()  # noqa: SIM905  # easier to read than forty pairs of quotes


def test_defaults_are_those_of_the_method():
    s = Settings()
    assert (s.views, s.camera.width_px, s.camera.height_px, s.camera.hfov_deg, s.camera.pitch_deg) == (4, 320, 240, 60.0, -22.5)
    assert (s.sampling.min_turn_deg, s.sampling.max_turn_deg) == (10.0, 90.0)
    assert (s.sampling.max_source_distance_m, s.sampling.min_source_height_m, s.sampling.max_source_height_m) == (3.0, 0.7, 1.7)
    assert (s.acoustics.sample_rate_hz, s.acoustics.indirect_ratio, s.clips.stretch_s) == (16000, 1.0, 7.65)


def test_settings_survive_json():
    settings = with_options({"sources": 3, "sampling.motion": "free"})
    assert json.loads(json.dumps(settings.to_dict())) == settings.to_dict()


def test_ranges_survive_json():
    content = with_options({}, ["camera.hfov_deg=45..90", "camera.roll_jitter_deg=2"]).to_dict()
    assert json.loads(json.dumps(content)) == content and content["camera"]["hfov_deg"] == [45.0, 90.0]


@pytest.mark.parametrize(
    ("texts", "message"),
    [
        (["camera.hfov_jitter_deg=60"], r"60\.0 with a jitter of 60 degrees; use 10 to 150"),
        (
            ["camera.pitch_deg=-85..0", "camera.pitch_jitter_deg=10"],
            r"pitch is -85\.\.0 with a jitter of 10 degrees; use -90 to 90",
        ),
        (["camera.pitch_jitter_deg=nan"], "camera.pitch_jitter_deg is nan; use 0 or more"),
        (["camera.height_jitter_m=0.1"], "motion is rotation; use 0, or --motion nearby or free"),
        (["camera.engine=habitat", "camera.pitch_deg=-30..0"], r"pitch is -30\.\.0, and habitat-sim .* use a number without"),
        (["camera.engine=habitat", "camera.roll_jitter_deg=1"], "jitter of 1, and habitat-sim renders all views with one"),
        (["camera.engine=habitat", "camera.roll_deg=3"], "roll is 3.0 degrees, which --camera habitat does not render; use 0"),
    ],
)
def test_cameras_that_cannot_be_are_refused(texts, message):
    with pytest.raises(InputError, match=message):
        with_options({}, texts)


def test_habitat_takes_heights_from_a_range():
    camera = with_options({}, ["camera.engine=habitat", "camera.height_m=1..1.7"]).camera
    assert camera.highest_m == 1.7


def test_settings_are_frozen_all_the_way_down():
    settings = Settings()
    for owner in (settings, settings.camera, settings.sampling, settings.acoustics, settings.clips):
        with pytest.raises(FrozenInstanceError):
            setattr(owner, fields(owner)[0].name, None)


def test_every_setting_can_be_set_from_text():
    """Each setting's own value, written out, is taken and changes nothing."""
    settings = Settings()
    texts = []
    for one in fields(settings):
        value = getattr(settings, one.name)
        inner = [(f"{one.name}.{f.name}", getattr(value, f.name)) for f in fields(value)] if is_dataclass(value) else []
        texts += [f"{key}={v}" for key, v in inner or [(one.name, value)]]
    assert len(texts) > 30
    assert with_options({}, texts) == settings


def test_texts_count_more_than_options_and_the_last_counts():
    settings = with_options({"views": 3, "camera.width_px": 64}, ["views=5", "views=6", "clips.min_rms=0.1"])
    assert (settings.views, settings.camera.width_px, settings.clips.min_rms) == (6, 64, 0.1)
    assert settings.camera.height_px == 240


@pytest.mark.parametrize("text", WRONG)
def test_values_out_of_range_are_refused_in_one_line_with_a_remedy(text):
    with pytest.raises(InputError, match=r"^setting [^\n]+ (use|choose|needs at least|must satisfy) [^\n]+$"):
        with_options({}, [text])


@pytest.mark.parametrize("text", [*WRONG, "camera.texture_mb=2000000"])
def test_the_ends_of_the_range_that_a_message_names_are_accepted(text):
    with pytest.raises(InputError) as refused:
        with_options({}, [text])
    named = re.search(r"; use (above )?([-.0-9]+)(?: or more| to (below )?([.0-9]+))", str(refused.value))
    if named:
        above, low, below, high = named.groups()
        assert high is not None or float(text.split("=")[1]) <= float(low), "a refused value lies in the range that is named"
        inclusive = [low] * (not above) + [high] * (high is not None and not below)
        for end in inclusive:
            with_options({}, [f"{text.split('=')[0]}={end}"])


@pytest.mark.parametrize(
    ("text", "remedy"),
    [
        ("camera.widht_px=64", "camera.width_px"),
        ("width_px=64", "camera.width_px"),
        ("views", "KEY=VALUE"),
        ("camera=embree", "camera.engine"),
        ("views=four", "int is expected, as in views=4"),
        ("camera.hfov_deg=wide", "float is expected, as in camera.hfov_deg=60.0"),
    ],
)
def test_mistakes_in_texts_are_met_with_what_was_meant(text, remedy):
    with pytest.raises(InputError, match=r"^--set ") as raised:
        with_options({}, [text])
    assert remedy in str(raised.value)


def test_soundspaces_refuses_what_it_cannot_do():
    with_options({"acoustics.engine": "soundspaces"})
    for more in ({"acoustics.directivity": "cardioid"}, {"acoustics.ambisonic_order": 1}):
        with pytest.raises(InputError, match="neither directional sources nor ambisonics"):
            with_options({"acoustics.engine": "soundspaces", **more})


@pytest.mark.parametrize("rate", [8000, 16000, 48000])
def test_direct_responses_hold_the_farthest_source_in_the_coldest_air(rate):
    from simulator.acoustics.air import speed_of_sound

    settings = with_options({"acoustics.sample_rate_hz": rate, "acoustics.temperature_c": -20.0}).acoustics
    arrives = FARTHEST_M / speed_of_sound(-20.0) * rate
    assert direct_length(settings) > arrives + np.ceil(0.002 * rate), "2 ms hold an ear's response"
