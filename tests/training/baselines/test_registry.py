"""Constant answers, and every baseline on a data set whose truth is known."""

import numpy as np
import pytest

from dataset.format.manifest import describe_shard, write_manifest
from dataset.geometry import Pinhole, pinholes
from dataset.reader import Dataset
from dataset.rewriting.rewrite import rewrite
from training.baselines.registry import AZIMUTH_BASELINES, ROTATION_BASELINES, constant_answers
from training.data.overlap import overlap
from training.evaluation.examples import Examples, ExampleSettings
from training.evaluation.scores import angle_error


def test_the_oracle_knows_signs_and_one_size():
    answers = constant_answers(np.array([-10.0, 40.0, 0.0]), np.array([5.0, -30.0, 50.0]))
    np.testing.assert_allclose(answers["sign oracle"], [-30.0, 30.0, 0.0])
    np.testing.assert_allclose(answers["always zero"], 0.0)


def test_no_other_size_serves_the_oracle_better():
    rng = np.random.default_rng(0)
    truth = rng.uniform(10, 90, 501) * rng.choice([-1, 1], 501)
    best = angle_error(constant_answers(truth, truth)["sign oracle"], truth).mean()
    for size in range(10, 91, 5):
        assert angle_error(np.sign(truth) * size, truth).mean() >= best - 1e-9


@pytest.fixture(scope="module")
def examples(tiny_data) -> Examples:
    return Examples(Dataset(tiny_data, "test"), ExampleSettings(clip_s=0.5))


def test_pictures_of_a_painted_sphere(examples):
    pairs = np.arange(len(examples.pairs.row))
    inputs = (*examples.pictures(pairs), *examples.cameras(pairs))
    error = angle_error(ROTATION_BASELINES["correlation over azimuth"](*inputs), examples.pairs.turn_deg)
    assert error.mean() < 1.0
    answer = ROTATION_BASELINES["SIFT + homography"](*inputs)
    told = ~np.isnan(answer)
    assert angle_error(answer, examples.pairs.turn_deg)[told].max(initial=0.0) < 2.0


@pytest.mark.parametrize("name", ["GCC-PHAT", "GCC-PHAT of onsets", "level difference"])
def test_ears_of_a_ball(examples, name):
    sounds = examples.sounds
    lateral = np.rad2deg(np.arcsin(np.sin(np.deg2rad(sounds.azimuth_deg))))
    answer = AZIMUTH_BASELINES[name](examples.clips(np.arange(len(sounds.row))), examples.sample_rate)
    # The data set's level difference is 6 dB in all bands, less than a ball's at high frequency: only the order counts.
    assert np.corrcoef(answer, lateral)[0, 1] > 0.95
    if name != "level difference":
        assert np.abs(answer - lateral).mean() < 5.0


def test_examples_have_the_camera_of_each_view(tiny_data, tmp_path):
    """Fields of the shard count, not the settings: overlaps and cameras of pairs follow them."""
    angles = {"hfov_deg": [60.0, 80.0, 40.0], "pitch_deg": [-22.5, -10.0, -22.5], "roll_deg": [0.0, 0.0, 15.0]}
    old = Dataset(tiny_data, "test")
    entry, path = old.shards[0], tmp_path / old.shards[0]["path"]
    path.parent.mkdir()
    rewrite(old.shard_file(0), path, added={name: np.float32(value) for name, value in angles.items()})
    write_manifest(tmp_path, {**old.manifest, "shards": [{**entry, **describe_shard(path, tmp_path)}]})
    examples, plain = (Examples(data, ExampleSettings(clip_s=0.5)) for data in (Dataset(tmp_path, "test"), old))
    items = np.arange(len(examples.pairs.row))
    cameras = pinholes({name: np.float32(value) for name, value in angles.items()})
    views = examples.pairs.view_s, examples.pairs.view_t
    assert examples.cameras(items) == tuple([cameras[v] for v in view] for view in views)
    assert plain.cameras(items) == ([Pinhole(60.0, -22.5)] * len(items),) * 2
    for item in items:
        row, s, t = (int(part[item]) for part in (examples.pairs.row, *views))
        one = examples.data[row]
        poses = (one["position"][s], one["heading"][s].astype(float), one["position"][t], one["heading"][t].astype(float))
        shared = overlap(one["depth"][s], *poses, cameras[s], cameras[t])
        assert examples.pairs.overlap[item] == pytest.approx(shared, abs=1e-9)
    assert np.abs(examples.pairs.overlap - plain.pairs.overlap).max() > 0.1
