"""A report holds the documented figures, for machines and for people."""

import csv
import json
import re

import numpy as np
import pytest
import soundfile

from dataset.reader import Dataset
from training.evaluation.evaluate import evaluate
from training.evaluation.examples import Examples, ExampleSettings
from training.reporting.report import write_report
from training.reporting.showcase import typical


class Zero:
    """Answers 5 degrees for everything."""

    def __init__(self, name: str) -> None:
        self.name, self.full_circle = name, name == "learned"

    def rotation(self, rgb_s, rgb_t):
        return np.full(len(rgb_s), 5.0)

    def azimuth(self, sound, sample_rate):
        return np.full(len(sound), 5.0)


POINT = {
    "value": 10, "chance_mean_deg": 60.0, "mean_deg": {"learned": 5.0, "GCC-PHAT": 9.0},
    "mean_95_deg": {"learned": [4.2, 5.8], "GCC-PHAT": [8.0, 10.0]},
    "against": {"GCC-PHAT": {"mean_deg": -4.0, "mean_95_deg": [-5.0, -3.0], "verdict": "better"}},
}  # fmt: skip
SICK = {"unexplained_sets": 0.5, "broken_triangles": 0.0, "unsure_bits": 0.1, "side_agreement": 0.97, "shift_agreement": 0.62}


@pytest.fixture(scope="module")
def run(tiny_data, tmp_path_factory):
    test, val = (Examples(Dataset(tiny_data, s), ExampleSettings(clip_s=0.3)) for s in ("test", "val"))
    out = tmp_path_factory.mktemp("run")
    results = evaluate([Zero("learned"), Zero("supervised")], test, val, progress=False)
    content = write_report(
        out, results, test,
        settings={"seed": 3}, seconds={"pretext": 2.0, "slfm": 3.0, "slfm.waiting": 1.0},
        probes={"random": {"rotation_accuracy": 0.1, "azimuth_accuracy": 0.2, "chance_accuracy": 1 / 64}},
        curves={"pretext/loss": [(0, 1.0), (10, 0.5)], "slfm/geometric": [(0, 1.0)]},
        sweeps=[{"title": "noise, dB", "points": [POINT]}], notes={"gain": 0.25},
        health={"slfm": SICK}, complaints=["turns have mixed signs"],
    )  # fmt: skip
    return out, content, results, test


def test_json_holds_what_it_must(run):
    out, content, _, test = run
    read = json.loads((out / "report.json").read_text())
    assert read == json.loads(json.dumps(content))
    for task, n in (("rotation", len(test.pairs.row)), ("azimuth", len(test.sounds.row))):
        for scores in (read[task], *read[task]["baselines"].values(), *read[task]["compared"].values()):
            assert scores["n"] == n
            assert all(np.isfinite(scores[k]) for k in ("mean_deg", "median_deg", "chance_mean_deg"))
    assert {"always zero", "sign oracle", "SIFT + homography", "correlation over azimuth"} == set(read["rotation"]["baselines"])
    assert {"always zero", "sign oracle", "GCC-PHAT", "GCC-PHAT of onsets", "level difference"} == set(
        read["azimuth"]["baselines"]
    )
    assert read["data"]["scenes"] == ["cellar"] and read["data"]["split"] == "test"
    assert read["probes"]["random"]["chance_accuracy"] == pytest.approx(1 / 64)
    assert read["settings"] == {"seed": 3} and read["seconds"]["total"] == 5.0


def test_every_file_that_the_text_names_is_there(run):
    out, *_ = run
    text = (out / "report.md").read_text()
    named = re.findall(r"\((report/[^)]+)\)", text) + re.findall(r"`(report/[^`]+)`", text)
    assert len(named) >= 10
    for name in named:
        assert (out / name).stat().st_size > 100


def test_text_tells_how_the_sign_was_fixed_and_who_is_better(run):
    text = (run[0] / "report.md").read_text()
    assert "fixed without labels" in text and "- learned: " in text
    assert "against correlation over azimuth: worse" in text


def test_text_shows_health_full_circle_bias_and_intervals(run):
    out, content, results, _ = run
    text = (out / "report.md").read_text()
    assert content["health"] == {"figures": {"slfm": SICK}, "complaints": ["turns have mixed signs"]}
    assert "| 62.0 % | at least 70 % |" in text and "- **turns have mixed signs**" in text and "Healthy:" not in text
    assert "| learned | 5.0 [4.2, 5.8] |" in text and "| learned against GCC-PHAT | better |" in text
    circle = content["azimuth"]["full_circle"]
    assert circle["learned"] == circle["always in front"] and circle["true side"]["front_back_accuracy"] == 1
    assert "| always in front |" in text and f"| true side | {circle['true side']['mean_deg']:.1f} |" in text
    bins = content["azimuth"]["bias"]["learned"]
    assert sum(b["n"] for b in bins) == len(results.azimuth.truth_deg)
    assert f"| learned | {' | '.join('' if b['mean_deg'] is None else format(b['mean_deg'], '+.1f') for b in bins)} |" in text


def test_tables_hold_every_answer(run):
    out, _, results, _ = run
    with open(out / "report" / "azimuth.csv") as file:
        rows = list(csv.DictReader(file))
    assert len(rows) == len(results.azimuth.truth_deg)
    np.testing.assert_allclose([float(r["GCC-PHAT"]) for r in rows], results.azimuth.answers["GCC-PHAT"], atol=1e-3)


def test_sounds_are_the_ones_that_were_judged(run):
    out, _, results, test = run
    sound, rate = soundfile.read(out / "report" / "sound-0.wav")
    judged = test.clips(typical(results.azimuth)[:1])[0].T
    assert rate == test.sample_rate and sound.shape == judged.shape
    assert np.corrcoef(sound.ravel(), judged.ravel())[0, 1] > 0.9999
