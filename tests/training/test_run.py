"""A run from the command line: every stage end to end, going on, and knowing whether it has learned."""

from __future__ import annotations

import json
import math
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import soundfile
import torch
from torch import Tensor, nn

from dataset.reader import Dataset
from training import predict, stages
from training.config import Settings, preset
from training.data.batches import Batches
from training.data.preload import Store, load
from training.evaluation.robustness import SWEEPS
from training.run import main
from training.tasks import checkpoint, loop

QUICK = {
    "sound.clip_s": 0.25, "sound.hard_response_s": 0.1, "picture.width_px": 64, "picture.height_px": 48,
    "front_back.moments": 1, "probe.epochs": 2, "views": 3,
    **{f"{stage}.{name}": 2 for stage in ("pretext", "slfm", "front_back", "supervised") for name in ("steps", "batch")},
}  # fmt: skip
TRAINED = ("pretext", "slfm", "front-back", "supervised")


def command(data: object, out: Path, *more: str) -> list[str]:
    changes = [word for name, value in QUICK.items() for word in ("--set", f"{name}={value}")]
    return ["--data", str(data), "--out", str(out), "--preset", "small", "--workers", "0", *changes, *more]


def models(folder: Path) -> dict[str, dict[str, Tensor]]:
    return {stage: checkpoint.load(folder / f"{stage}.pt")[1]["model"] for stage in TRAINED}


def same(a: dict[str, dict[str, Tensor]], b: dict[str, dict[str, Tensor]]) -> bool:
    return all(torch.equal(a[stage][k], b[stage][k]) for stage in TRAINED for k in a[stage])


@pytest.mark.slow
def test_every_stage_end_to_end(tiny_data: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(command(tiny_data, tmp_path)) == 1  # two steps teach nothing, and the run knows it
    told = capsys.readouterr()
    last = told.err.splitlines()[-1]
    assert last.startswith("unhealthy: ") and "try another --seed" in last and "slfm.steps=N" in last
    assert told.out.count("it is trained once more with another draw") == 1
    assert all(f"\n{stage}: " in told.out for stage in TRAINED)

    report = json.loads((tmp_path / "report.json").read_text())
    _check_report(report, (tmp_path / "report.md").read_text())

    # The same command again trains nothing and ends alike.
    before = models(tmp_path)
    assert main(command(tiny_data, tmp_path, "--quiet", "--stages", ",".join(TRAINED))) == 1
    assert same(before, models(tmp_path))

    # Evaluating again what lies there: the same answers, the same judgement.
    capsys.readouterr()
    assert main(command(tiny_data, tmp_path, "--quiet", "--stages", "report")) == 1
    assert capsys.readouterr().err.startswith("unhealthy: ")
    again = json.loads((tmp_path / "report.json").read_text())
    assert again["rotation"] == report["rotation"] and again["azimuth"] == report["azimuth"]
    assert again["robustness"] == [] and again["health"]["complaints"] == report["health"]["complaints"]
    assert same(before, models(tmp_path))

    _check_predict(tiny_data, tmp_path, capsys)


def _check_report(report: dict[str, Any], text: str) -> None:
    names = ["SLfM", "SLfM before front-back", "supervised"]
    assert list(report["health"]["figures"]) == ["slfm", "slfm restarted"] and report["health"]["complaints"]
    assert "## Health" in text and all(f"- **{line}**" in text for line in report["health"]["complaints"])
    for task in ("rotation", "azimuth"):
        assert [report[task]["method"], *report[task]["compared"]] == names
    assert set(report["rotation"]["signs"]) == set(names) and all(s["pairs"] == 8 for s in report["rotation"]["signs"].values())
    circle = report["azimuth"]["full_circle"]
    assert set(circle) == {"SLfM", "supervised", "always in front", "true side"} and "### Full circle" in text
    assert circle["true side"]["front_back_accuracy"] == 1
    assert all(sum(b["n"] for b in bins) == 12 for bins in report["azimuth"]["bias"].values()) and "(report/bias.png)" in text
    assert {s["setting"] for s in report["robustness"]} == {s.setting for s in SWEEPS}
    for point in (p for sweep in report["robustness"] for p in sweep["points"]):
        assert set(point["mean_deg"]) == set(point["mean_95_deg"]) >= {*names, "GCC-PHAT"}
        assert all(low <= point["mean_deg"][n] <= high for n, (low, high) in point["mean_95_deg"].items())
        assert point["against"]["GCC-PHAT"]["verdict"] in ("better", "worse", "no clear difference")
    assert {"pretext", "SLfM", "random"} == set(report["probes"])
    notes = report["notes"]
    assert notes["cannot tell"].startswith("not calibrated: ") and "at least 20 are needed" in notes["cannot tell"]
    assert "without labels" in notes["rotation sign"]["how"] and 0 <= notes["front-back"]["sure bits"] <= 1
    assert "predicted" in notes["pretext sounds (test split)"] and "gain" in notes["pretext gain over no picture (test split)"]
    assert set(TRAINED) < set(report["seconds"]) and report["settings"]["slfm"]["steps"] == 2


def _check_predict(tiny_data: Path, folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    audio = Dataset(tiny_data, "test").read(0, "audio", view=0)
    soundfile.write(folder / "ears.wav", audio.T, 16000, subtype="FLOAT")
    capsys.readouterr()
    assert predict.main([str(folder), str(folder / "ears.wav"), "--out", str(folder)]) == 0
    assert "full circle, beyond 90 is behind" in capsys.readouterr().out
    assert predict.main([str(folder / "slfm.pt"), str(folder / "ears.wav"), "--out", str(folder)]) == 0
    assert "front only: a sound behind appears at its mirror image" in capsys.readouterr().out


def test_a_stage_trained_without_the_one_before_it_is_not_gone_on_with(
    tiny_data: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    main(command(tiny_data, tmp_path, "--quiet", "--stages", "slfm"))
    capsys.readouterr()
    assert main(command(tiny_data, tmp_path, "--quiet", "--stages", "pretext,slfm")) == 2
    told = capsys.readouterr().err
    assert told.count("\n") == 1 and "slfm-rejected.pt was trained from other networks" in told and "--no-resume" in told
    # The remedy works.
    assert main(command(tiny_data, tmp_path, "--quiet", "--stages", "pretext,slfm", "--no-resume")) in (0, 1)
    assert main(command(tiny_data, tmp_path, "--quiet", "--stages", "pretext,slfm")) in (0, 1)


def test_a_loaded_stage_with_other_settings_is_trained_again_by_the_remedy(
    tiny_data: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    quick = ("--quiet", "--set", "pretext.steps=1")
    assert main(command(tiny_data, tmp_path, "--quiet", "--stages", "pretext")) == 0
    for more in ([], ["--no-resume"]):  # which trains the chosen stages alone
        capsys.readouterr()
        assert main(command(tiny_data, tmp_path, *quick, "--stages", "front-back", *more)) == 2
        told = capsys.readouterr().err
        assert told.count("\n") == 1 and "pretext.pt was made with other settings (pretext.steps: 2 there, 1 now)" in told
        assert told.endswith("; use the same settings, or --no-resume with pretext among --stages\n")
    assert main(command(tiny_data, tmp_path, *quick, "--stages", "pretext,front-back", "--no-resume")) == 0


def test_a_damaged_rejected_attempt_is_replaced_by_the_remedy(
    tiny_data: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    arguments = command(tiny_data, tmp_path, "--quiet", "--stages", "slfm")
    assert main(arguments) == 1  # two steps teach nothing: both attempts are unhealthy
    (tmp_path / "slfm-rejected.pt").write_bytes(b"PK")
    capsys.readouterr()
    assert main(arguments) == 2
    assert capsys.readouterr().err.endswith("; delete it and slfm.pt and train again\n")
    (tmp_path / "slfm-rejected.pt").unlink()
    (tmp_path / "slfm.pt").unlink()
    assert main(arguments) == 1 and (tmp_path / "slfm-rejected.pt").is_file()


def test_a_stage_trained_on_other_data_is_not_gone_on_with(
    tiny_data: Path, make_tiny_data: Callable[..., Path], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(command(tiny_data, tmp_path / "run", "--quiet", "--stages", "pretext")) == 0
    other = make_tiny_data(tmp_path / "other", sets=3)
    assert main(command(other, tmp_path / "run", "--quiet", "--stages", "pretext")) == 2
    told = capsys.readouterr().err
    assert told.count("\n") == 1 and "pretext.pt was trained on other data or other clips" in told


def mixed(turn: Tensor) -> Tensor:
    """Turn small turns the other way, as runs of the pairwise loss did."""
    return torch.where(turn.abs() < math.radians(30), -turn, turn)


def right(turn: Tensor) -> Tensor:
    return turn


class Trained:
    """Stands for the training loop of the slfm stage: each attempt ends with a localiser that answers as it is told to."""

    def __init__(self, store: Store, knowing: type, *bends: Callable[[Tensor], Tensor]) -> None:
        self.store, self.knowing, self.bends, self.tags = store, knowing, list(bends), list[int]()

    def __call__(
        self, name: str, task: Any, batches: Batches, stage: object, settings: Settings, run: loop.Run, look: object = None
    ) -> list[dict[str, float]]:
        assert name == "slfm" and isinstance(task, nn.Module)
        told = self.knowing(self.store, self.bends[len(self.tags)])
        self.tags.append(batches.tag)
        task.localiser.azimuth, task.localiser.rotation = told.azimuth, told.rotation
        content = {"model": task.state_dict(), "attempt": len(self.tags), "origin": loop.origin(task, batches)}
        checkpoint.save(run.folder / "slfm.pt", settings, content)
        return []


@pytest.fixture
def attempts(coded: Store, knowing: type, monkeypatch: pytest.MonkeyPatch) -> Callable[..., Trained]:
    """Give a function that replaces data by a coded world and training by attempts of known outcome."""

    def replaced(*bends: Callable[[Tensor], Tensor]) -> Trained:
        trained = Trained(coded, knowing, *bends)
        monkeypatch.setattr(stages, "load", lambda *_: coded)
        monkeypatch.setattr(loop, "train", trained)
        return trained

    return replaced


def run_slfm(folder: Path, names: str = "slfm") -> int:
    return main(command("coded", folder, "--quiet", "--stages", names, "--set", "slfm.permutation=pairwise"))


def test_a_run_whose_turns_have_mixed_signs_is_restarted_once_and_then_told(
    attempts: Callable[..., Trained], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    trained = attempts(mixed, mixed)
    assert run_slfm(tmp_path) == 1
    told = capsys.readouterr()
    assert trained.tags == [stages.TAGS["slfm"], stages.TAGS["slfm restarted"]]  # with draws of its own
    (line,) = told.out.splitlines()
    assert line.startswith("slfm is not healthy: ") and "do not add up" in line and "once more" in line
    (line,) = told.err.splitlines()
    assert line.startswith("unhealthy: localisation from motion did not learn: ") and "contradict each other" in line
    assert "try another --seed, more steps (--set slfm.steps=N) or more data" in line
    rejected, last = (checkpoint.load(tmp_path / f"{name}.pt")[1] for name in ("slfm-rejected", "slfm"))
    assert (rejected["attempt"], last["attempt"]) == (1, 2)
    weights = [c["model"]["localiser.rotation_head.0.weight"] for c in (rejected, last)]
    assert not torch.equal(*weights)  # heads of another draw


def test_a_restart_that_learns_ends_well(
    attempts: Callable[..., Trained], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert len(attempts(mixed, right).bends) == 2
    assert run_slfm(tmp_path) == 0
    told = capsys.readouterr()
    assert "once more with another draw" in told.out and told.err == ""
    assert (tmp_path / "slfm-rejected.pt").is_file()
    # Going on takes up the second attempt, not the rejected first.
    again = attempts(right)
    assert run_slfm(tmp_path) == 0
    assert again.tags == [stages.TAGS["slfm restarted"]] and capsys.readouterr().out == ""


def test_a_resumed_restart_reports_both_attempts(
    attempts: Callable[..., Trained], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    found: list[dict[str, dict[str, float]]] = []
    monkeypatch.setattr(stages, "report_run", lambda work, _: found.append(work.health))
    attempts(mixed, right)
    assert run_slfm(tmp_path, "slfm,report") == 0
    attempts(right)
    assert run_slfm(tmp_path, "slfm,report") == 0
    run_slfm(tmp_path, "report")
    assert list(found[0]) == list(stages.ATTEMPTS)
    assert found[0]["slfm"]["broken_triangles"] > 0.25 > found[0]["slfm restarted"]["broken_triangles"]
    # Where it is evaluated again, weights decide, which know nothing of the coded world: the same attempts, in order.
    assert [list(one) for one in found[1:]] == [list(stages.ATTEMPTS)] * 2


def test_a_rejected_attempt_on_other_data_is_not_taken_for_the_first(
    attempts: Callable[..., Trained],
    coded: Store,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    attempts(mixed, right)
    assert run_slfm(tmp_path) == 0
    (tmp_path / "slfm.pt").unlink()  # as if interrupted when the second attempt began
    monkeypatch.setattr(stages, "load", lambda *_: replace(coded, digest="another"))
    capsys.readouterr()
    assert run_slfm(tmp_path) == 2
    assert "slfm-rejected.pt was trained on other data" in capsys.readouterr().err


def test_other_processes_wait_until_the_rejected_checkpoint_has_been_renamed(
    attempts: Callable[..., Trained], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    waited: list[list[str]] = []
    whole = loop.of_first_process

    def of_first_process(value: Any, run: loop.Run) -> Any:
        if value is None:
            waited.append(sorted(path.name for path in run.folder.glob("slfm*.pt")))
        return whole(value, run)

    monkeypatch.setattr(loop, "of_first_process", of_first_process)
    attempts(mixed, right)
    assert run_slfm(tmp_path) == 0 and waited == [["slfm-rejected.pt"]]


def test_a_healthy_run_is_not_restarted_and_its_sign_is_fixed_without_labels(
    attempts: Callable[..., Trained], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    for bend, sign in ((right, 1.0), (torch.neg, -1.0)):
        trained = attempts(bend)
        assert run_slfm(tmp_path / f"{sign:g}") == 0
        assert trained.tags == [stages.TAGS["slfm"]] and not (tmp_path / f"{sign:g}" / "slfm-rejected.pt").exists()
        model = checkpoint.load(tmp_path / f"{sign:g}" / "slfm.pt")[1]["model"]
        assert float(model["localiser.rotation_sign"]) == sign
    assert capsys.readouterr().err == ""


@pytest.mark.parametrize(
    ("options", "told"),
    [
        (["--stages", "slfm,cook"], "--stages slfm,cook: expected one or more of pretext, slfm, front-back"),
        (["--set", "pretext.task=l2r"], "pretext.task is 'l2r', which needs the U-Net"),
        (["--stages", "report"], "holds neither slfm.pt nor supervised.pt"),
        *((["--device", name], f"--device {name} is unknown") for name in ("abacus", "mps", "meta")),
        (["--seed", str(10**20)], "seed is 100000000000000000000; expected 0 to below 2^63"),
        (["--epochs", "inf"], "pretext.epochs is inf; expected a finite number"),
        (["--set", "slfm.learning_rate=inf"], "slfm.learning_rate is inf; expected a finite number"),
    ],
)
def test_wrong_use_is_refused_in_one_line(
    tiny_data: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str], options: list[str], told: str
) -> None:
    assert main(command(tiny_data, tmp_path, "--quiet", *options)) == 2
    error = capsys.readouterr().err
    assert error.startswith("error: ") and told in error and error.count("\n") == 1


def test_probes_are_fitted_on_the_training_split_and_evaluated_on_the_test_split(
    tiny_data: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings = preset("small", QUICK)
    batches = Batches(load(str(tiny_data), "train", settings, quiet=True), settings, 2, training=True)
    work = stages.Work(str(tiny_data), settings, loop.Run(tmp_path, torch.device("cpu"), quiet=True), batches, batches)
    monkeypatch.setattr(stages, "untrained", lambda *_: {})
    monkeypatch.setattr(stages, "probe", lambda _, training, test, *rest: {"training": training, "test": test})
    stages._probe(work, {})
    scenes = {name: {set_id.split("/")[0] for set_id in used.store.set_id} for name, used in work.probes.items()}  # type: ignore[attr-defined]
    assert scenes == {"training": {"attic"}, "test": {"cellar"}}
