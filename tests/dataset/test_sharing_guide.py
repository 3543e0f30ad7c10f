"""docs/sharing.md: its commands and snippets run as they stand."""

import importlib
import re
import shlex
from pathlib import Path

import pytest

from dataset.layouts.slfm_write import to_slfm
from dataset.verify import verify

GUIDE = Path(__file__).parents[2] / "docs" / "sharing.md"


def blocks(language):
    return re.findall(rf"```{language}\n(.*?)```", GUIDE.read_text(), re.DOTALL)


@pytest.fixture
def workplace(make_data, tmp_path, monkeypatch):
    """A folder with what the guide takes for granted: a data set, and pairs with their lists in the published layout."""
    monkeypatch.chdir(tmp_path)
    make_data(tmp_path / "data/slfm")
    pairs = tmp_path / "ProcessedData/hm3d-4view-rotation"
    to_slfm("data/slfm", pairs)
    (tmp_path / "data-split").mkdir()
    (pairs / "data-split").rename(tmp_path / "data-split/hm3d-4view-rotation")
    return tmp_path


@pytest.mark.slow
def test_every_command_and_what_it_leaves(workplace):
    pytest.importorskip("mlcroissant")
    pytest.importorskip("matplotlib")
    commands = [line.split("#")[0] for block in blocks("bash") for line in block.splitlines()]
    assert len(commands) >= 15
    for command in commands:
        python, dash_m, module, *options = shlex.split(command)
        assert (python, dash_m) == ("python", "-m")
        assert importlib.import_module(module).main(options) == 0, command
    for name in ("slfm", "small", "test", "two", "both", "hm3d", "back"):
        assert verify(f"data/{name}") == [], name
    pytest.importorskip("webdataset")
    code = next(block for block in blocks("python") if "import soundfile, webdataset" in block)
    found = {}
    exec(compile(code, str(GUIDE), "exec"), found)
    assert found["depth_m"].shape == (2, 24, 32) and found["ears"].shape == (3200, 2)


def test_every_command_of_the_package_is_in_the_guide():
    package = GUIDE.parents[1] / "dataset"
    modules = {p.stem for p in package.glob("*.py") if '__name__ == "__main__"' in p.read_text()}
    assert modules <= set(re.findall(r"python -m dataset\.(\w+)", GUIDE.read_text()))
