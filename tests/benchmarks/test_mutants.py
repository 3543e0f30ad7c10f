"""Mutants: the list fits the code, a test that notices kills, one that does not lets survive, and a broken one is an error."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from benchmarks.mutants import MUTANTS, ROOT, Mutant, judge, main


@pytest.mark.parametrize("mutant", MUTANTS, ids=lambda m: m.name)
def test_each_mutant_changes_one_place_and_names_tests_that_exist(mutant: Mutant) -> None:
    assert (ROOT / mutant.path).read_text().count(mutant.old) == 1 and mutant.new != mutant.old
    path, _, name = mutant.tests[0].partition("::")
    assert f"def {name or 'test'}" in (ROOT / path).read_text()


def test_names_are_listed_and_chosen(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["--list", "--only", "l2r"]) == 0
    assert capsys.readouterr().out.splitlines() == [m.name for m in MUTANTS if "l2r" in m.name]
    with pytest.raises(SystemExit):
        main(["--only", "no such mutant"])


def test_verdicts_are_those_of_the_tests(tmp_path: Path) -> None:
    (tmp_path / "number.py").write_text("def one():\n    return 1\n")
    (tmp_path / "test_dull.py").write_text("def test(): pass\n")
    (tmp_path / "test_broken.py").write_text("def test(): assert False\n")
    (tmp_path / "test_sharp.py").write_text("import number\n\n\ndef test():\n    assert number.one() == 1\n")
    sharp = Mutant("sharp", "number.py", "return 1", "return 2", ("test_sharp.py",))
    mutants = [sharp, replace(sharp, tests=("test_dull.py",)), replace(sharp, tests=("test_broken.py",))]
    assert judge(tmp_path, mutants) == ["killed", "SURVIVED", "ERROR"]
    assert (tmp_path / "number.py").read_text() == "def one():\n    return 1\n"
