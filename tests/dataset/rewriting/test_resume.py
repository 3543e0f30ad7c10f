"""A command that writes a new folder leaves its sources alone."""

from __future__ import annotations

from pathlib import Path

import pytest

from dataset import convert, merge, share, subset
from dataset.errors import DatasetError
from dataset.rewriting.resume import check_apart
from dataset.verify import verify

COMMANDS = {
    "subset": lambda data, out: subset.main([data, "--out", out, "--sets", "1"]),
    "merge": lambda data, out: merge.main([data, data, "--out", out]),
    "to webdataset": lambda data, out: convert.main([data, "--to", "webdataset", "--out", out]),
    "to slfm": lambda data, out: convert.main([data, "--to", "slfm", "--out", out]),
    "share": lambda data, out: share.main([data, "--to", out]),
}


@pytest.mark.parametrize("run", COMMANDS.values(), ids=COMMANDS)
@pytest.mark.parametrize(("place", "where"), [("data/part", "lies inside"), ("data", "is"), (".", "holds")])
def test_the_output_lies_beside_the_source(data: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str], run, place, where):
    assert data == tmp_path / "data"
    before = sorted(p for p in tmp_path.rglob("*"))
    assert run(str(data), str(tmp_path / place)) == 2
    error = capsys.readouterr().err
    assert f" {where} the source {data}; choose a folder beside it" in error and error.count("\n") == 1
    assert sorted(p for p in tmp_path.rglob("*")) == before and verify(data) == []


def test_a_layout_is_not_read_from_where_it_is_written(data: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]):
    pairs = tmp_path / "pairs"
    assert convert.main([str(data), "--to", "slfm", "--out", str(pairs)]) == 0
    assert convert.main([str(pairs), "--from", "slfm", "--out", str(pairs / "back")]) == 2
    assert "lies inside the source" in capsys.readouterr().err and not (pairs / "back").exists()


def test_links_are_followed_and_addresses_lie_elsewhere(tmp_path: Path):
    (tmp_path / "data").mkdir()
    (tmp_path / "link").symlink_to(tmp_path / "data")
    with pytest.raises(DatasetError, match="lies inside"):
        check_apart(tmp_path / "link" / "out", [tmp_path / "data"])
    with pytest.raises(DatasetError, match="lies inside"):
        check_apart(tmp_path / "data" / "out", [f"file://{tmp_path}/data"])
    check_apart(tmp_path / "data2", [tmp_path / "data", "s3://bucket/data"])
