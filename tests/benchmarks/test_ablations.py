"""Ablations: each changes what it names, starts from the recipe's pretext task, and has a row with all seeds."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path

import pytest

from benchmarks import ablations
from benchmarks.ablations import ABLATIONS, main
from training.config import preset


def test_each_ablation_changes_a_setting_or_leaves_out_the_pretext_task() -> None:
    recipe, *others = ABLATIONS
    plain = preset("small")
    assert preset("small", assignments=recipe.settings) == plain and recipe.pretext
    changed = [preset("small", assignments=a.settings) for a in others]
    assert all(s != plain or not a.pretext for s, a in zip(changed, others, strict=True))
    assert len({a.folder for a in ABLATIONS}) == len(ABLATIONS)


@pytest.fixture
def trained(monkeypatch: pytest.MonkeyPatch) -> list[tuple[str, int, str, bool]]:
    """Replace training: seed 1 of the loss by pairs is unhealthy. Return the list of (folder, seed, stages, has pretext)."""
    calls: list[tuple[str, int, str, bool]] = []

    def train(command: Sequence[str], folder: Path, seed: int, stages: str) -> int:
        pairs = "--set=slfm.permutation=pairwise" in command
        calls.append((folder.parent.name, seed, stages, (folder / "pretext.pt").is_file()))
        if "pretext" in stages:
            (folder / "pretext.pt").write_text("")
        record = {"rotation_deg": 20.0 * pairs + seed, "azimuth_deg": 5.0}
        (folder / "slfm-history.json").write_text(json.dumps([{"rotation_deg": 90.0, "azimuth_deg": 90.0}, record, {"loss": 1}]))
        return int(pairs and seed == 1)

    monkeypatch.setattr(ablations, "train", train)
    return calls


def test_the_table_has_every_seed_and_marks_unhealthy_runs(
    trained: list[tuple[str, int, str, bool]], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    table = tmp_path / "results" / "ablations.md"
    assert main(["--out", str(tmp_path), "--seeds", "2", "--only", "by pairs", "no pretext", "--table", str(table)]) == 0
    assert trained == [
        ("the-preset", 0, "pretext,slfm", False),
        ("the-preset", 1, "pretext,slfm", False),
        ("loss-by-pairs-as-published", 0, "slfm", True),
        ("loss-by-pairs-as-published", 1, "slfm", True),
        ("no-pretext-task", 0, "slfm", False),
        ("no-pretext-task", 1, "slfm", False),
    ]
    rows = table.read_text().splitlines()[-3:]
    assert rows == [
        "| the preset | 0.5 | 0.0 1.0 | 5.0 | 5.0 5.0 |",
        "| loss by pairs as published | 20.5 | 20.0 21.0* | 5.0 | 5.0 5.0* |",
        "| no pretext task | 0.5 | 0.0 1.0 | 5.0 | 5.0 5.0 |",
    ]
    assert table.read_text().strip() in capsys.readouterr().out


def test_wrong_names_and_failed_runs_are_wrong_use(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    with pytest.raises(SystemExit):
        main(["--only", "no such part"])
    monkeypatch.setattr(ablations, "train", lambda *_: 2)
    assert main(["--out", str(tmp_path), "--seeds", "1"]) == 2
