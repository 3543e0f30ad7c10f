"""The calibration refuses few overlapping pairs, is stored in the checkpoints, and prediction uses it."""

import json
from dataclasses import asdict

import numpy as np
import pytest
import torch
from PIL import Image

from dataset.reader import Dataset
from training import predict
from training.calibrate import main
from training.config import preset
from training.errors import InputError
from training.evaluation.calibrate import calibrate
from training.evaluation.learned import load_predictor
from training.run import main as train
from training.tasks import checkpoint
from training.tasks.slfm import Slfm


@pytest.fixture
def run(tmp_path):
    settings = preset("small")
    torch.manual_seed(0)
    checkpoint.save(tmp_path / "run" / "slfm.pt", settings, {"model": Slfm(settings).state_dict(), "step": 7})
    return tmp_path / "run"


class Brightness:
    """Scatters by the difference of the pictures' means."""

    settings = preset("small")

    def rotation_and_spread(self, rgb_s, rgb_t):
        return np.zeros(len(rgb_s)), np.abs(rgb_s.mean((1, 2, 3)) - rgb_t.mean((1, 2, 3)))


@pytest.fixture(scope="module")
def data(make_tiny_data, tmp_path_factory):
    return make_tiny_data(tmp_path_factory.mktemp("calibrate"), sets=12)


def test_at_most_a_twentieth_of_the_overlapping_pairs_is_refused(data):
    found = calibrate(Brightness(), Dataset(data, "val"))
    assert found.overlapping >= 20 and 0 < found.overlapping_refused <= 0.05
    assert found.hfov_deg == 60.0 and found.spread_limit_deg > 0
    assert found.disjoint > 20 and found.disjoint_refused > found.overlapping_refused
    assert calibrate(Brightness(), Dataset(data, "val")) == found


@pytest.mark.slow
def test_the_report_of_a_run_calibrates_its_last_stage(run, data):
    assert train(["--data", str(data), "--out", str(run), "--preset", "small", "--stages", "report", "--quiet"]) == 1
    found = json.loads((run / "report.json").read_text())["notes"]["cannot tell"]
    assert found["overlapping_refused"] <= 0.05
    assert asdict(load_predictor(run).calibration) == found


def test_photographs_scatter_more_than_views(data):
    learned, data = Brightness(), Dataset(data, "val")
    limit = calibrate(learned, data).spread_limit_deg
    rgb = np.concatenate([data[row]["rgb"] for row in range(len(data))])
    assert limit > learned.rotation_and_spread(rgb[:-1], rgb[1:])[1].max()  # cameras differ in exposure


def test_the_command_stores_it_and_prediction_answers_cannot_tell(run, data, tmp_path, capsys):
    assert main([str(run), "--data", str(data)]) == 0
    assert "pairs that share nothing" in capsys.readouterr().out
    learned = load_predictor(run)
    assert learned.calibration is not None and learned.hfov_deg == 60.0
    _, content = checkpoint.load(run / "slfm.pt")
    assert content["step"] == 7
    checkpoint.save(
        run / "slfm.pt", learned.settings, {**content, "calibration": content["calibration"] | {"spread_limit_deg": -1.0}}
    )
    for name in "ab":
        Image.fromarray(np.random.default_rng(ord(name)).integers(0, 255, (72, 96, 3), np.uint8)).save(tmp_path / f"{name}.png")
    files = [str(tmp_path / f"{name}.png") for name in "ab"]
    assert predict.main([str(run), *files, "--hfov", "70", "--picture", str(tmp_path / "turn.png")]) == 0
    captured = capsys.readouterr()
    assert captured.out.startswith("cannot tell: ") and "70.0 degrees (given)" in captured.err
    assert (tmp_path / "turn.png").stat().st_size > 1000
    assert predict.main([str(run), *files, "--hfov", "0"]) == 2
    assert "--hfov is 0" in capsys.readouterr().err


def test_four_answers_that_agree_do_not_scatter(run):
    learned = load_predictor(run)
    rgb = np.random.default_rng(0).integers(0, 255, (3, 2, 72, 96, 3), np.uint8)
    turn, spread = learned.rotation_and_spread(rgb[:, 0], rgb[:, 1])
    np.testing.assert_allclose(turn, learned.rotation(rgb[:, 0], rgb[:, 1]))
    exchanged, again = learned.rotation_and_spread(rgb[:, 1], rgb[:, 0])
    np.testing.assert_allclose(exchanged, -turn)
    np.testing.assert_allclose(again, spread, rtol=1e-4)
    mirrored, again = learned.rotation_and_spread(rgb[:, 0, :, ::-1], rgb[:, 1, :, ::-1])
    np.testing.assert_allclose(again, spread, rtol=1e-4)
    own = np.stack([turn, -mirrored])
    assert (spread >= own.std(0) - 1e-5).all()


def test_too_little_data_and_damaged_calibrations_are_refused(run, tiny_data, capsys):
    with pytest.raises(InputError, match="at least 20 are needed"):
        calibrate(Brightness(), Dataset(tiny_data, "val"))
    assert main([str(run / "none"), "--data", str(tiny_data)]) == 2
    assert "is missing" in capsys.readouterr().err
    settings, content = checkpoint.load(run / "slfm.pt")
    checkpoint.save(run / "slfm.pt", settings, {**content, "calibration": {"hfov_deg": 60.0}})
    with pytest.raises(InputError, match="damaged calibration"):
        load_predictor(run)
