"""Without a terminal, bars are lines: the first, one every ten seconds, and the last."""

import pytest

from dataset import progress
from dataset.progress import progress_bar
from dataset.verify import main as verify


def test_thousands_of_updates_are_few_lines(capsys):
    with progress_bar(5000, "set", "verify") as bar:
        for _ in range(5000):
            bar.update()
    lines = [line for line in capsys.readouterr().err.splitlines() if line]
    assert 1 <= len(lines) <= 3 and lines[-1].startswith("verify: 100%") and "5000/5000" in lines[-1]
    assert "\r" not in "".join(lines)


def test_a_line_after_the_pause(capsys, monkeypatch):
    monkeypatch.setattr(progress, "LOG_EVERY_S", 0.0)
    with progress_bar(3, "set", "verify") as bar:
        for _ in range(3):
            bar.update()
    assert len(capsys.readouterr().err.splitlines()) >= 3


def test_nothing_where_it_is_not_asked_for(capsys):
    with progress_bar(3, "set", "verify", shown=False) as bar:
        bar.update(3)
    assert capsys.readouterr().err == ""


def test_verify_prints_lines(data, capsys):
    assert verify([str(data)]) == 0
    error = capsys.readouterr().err
    assert "\r" not in error and len(error.splitlines()) <= 3 and "6/6" in error


@pytest.mark.parametrize("total", [0, 1])
def test_a_bar_of_little(capsys, total):
    with progress_bar(total, "set", "verify") as bar:
        bar.update(total)
    assert "\r" not in capsys.readouterr().err
