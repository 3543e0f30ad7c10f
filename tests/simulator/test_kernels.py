"""Compiled kernels: changes in any file take effect, and a cache is found where neither package nor home can be written."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from simulator.kernels import _imported, cache_folder, digest

ROOT = Path(__file__).parents[2]
KERNEL = """
from simulator.kernels import kernel
from shapes.inner.values import FACTOR, raised

@kernel()
def scaled(x):
    return raised(x) * FACTOR
"""
VALUES = """
from simulator.kernels import kernel
FACTOR = {factor}

@kernel()
def raised(x):
    return x + {offset}
"""


@pytest.fixture
def package(tmp_path):
    (tmp_path / "shapes" / "inner").mkdir(parents=True)
    (tmp_path / "shapes" / "outer.py").write_text(KERNEL)
    return tmp_path


def run(package, factor, offset, **environment):
    """Write the values, run the kernel in a new process; its result and the numbers of cache hits and misses."""
    (package / "shapes" / "inner" / "values.py").write_text(VALUES.format(factor=factor, offset=offset))
    code = "from shapes.outer import scaled; print(scaled(3), sum(scaled.stats.cache_hits.values()))"
    variables = {**os.environ, "PYTHONPATH": f"{package}:{ROOT}", "PYTHONDONTWRITEBYTECODE": "1", **environment}
    made = subprocess.run([sys.executable, "-c", code], env=variables, capture_output=True, text=True, check=True)
    return [int(x) for x in made.stdout.split()]


def test_a_changed_constant_or_function_in_another_file_is_compiled_anew(package):
    assert run(package, 10, 1) == [40, 0]
    assert run(package, 10, 1) == [40, 1]
    assert run(package, 20, 1) == [80, 0]
    assert run(package, 20, 4) == [140, 0]
    assert run(package, 10, 1) == [40, 1]


def test_the_digest_covers_what_is_imported_and_nothing_else(package):
    outer, values = package / "shapes" / "outer.py", package / "shapes" / "inner" / "values.py"
    keys = []
    for file, text in (
        (values, "A = 1"),
        (values, "A = 2"),
        (package / "shapes" / "other.py", "B = 1"),
        (outer, KERNEL + "# more"),
    ):
        file.write_text(text)
        digest.cache_clear()
        _imported.cache_clear()
        keys.append(digest(outer, package))
    assert keys[0] != keys[1] == keys[2] != keys[3]


@pytest.mark.skipif(not hasattr(os, "getuid"), reason="the temporary folder is shared by users on POSIX systems only")
def test_where_nothing_else_can_be_written_the_cache_is_a_private_temporary_folder(tmp_path, monkeypatch):
    (tmp_path / "tmp").mkdir()
    blocked = tmp_path / "file"
    blocked.write_text("")
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path / "tmp"))
    monkeypatch.setenv("XDG_CACHE_HOME", str(blocked / "cache"))
    folder = cache_folder(blocked / "module.py", "0")  # a folder below a file: cannot be made, by root neither
    assert folder == tmp_path / "tmp" / f"sight-and-sound-{os.getuid()}" / "numba-module-0"
    assert folder.parent.stat().st_mode & 0o777 == 0o700


@pytest.mark.skipif(not hasattr(os, "getuid"), reason="as above")
def test_a_folder_that_others_can_write_is_not_used(tmp_path, monkeypatch):
    blocked = tmp_path / "file"
    blocked.write_text("")
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    monkeypatch.setenv("XDG_CACHE_HOME", str(blocked / "cache"))
    shared = tmp_path / f"sight-and-sound-{os.getuid()}"
    shared.mkdir()
    shared.chmod(0o777)
    assert cache_folder(blocked / "module.py", "1") is None


def test_unused_caches_of_earlier_contents_are_deleted(tmp_path):
    old, recent, other = (tmp_path / "__pycache__" / f"numba-{name}" for name in ("module-a", "module-b", "another-a"))
    for folder in (old, recent, other):
        folder.mkdir(parents=True)
    for folder in (old, other):
        os.utime(folder, (0, 0))
    assert cache_folder(tmp_path / "module.py", "c").is_dir()
    assert [f.exists() for f in (old, recent, other)] == [False, True, True]
