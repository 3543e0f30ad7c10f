"""The decorator of compiled functions: numba, with a cache on disk that follows the content of the source files.

numba's own cache notices changes of a kernel's file only: a constant or an inlined function that changes in another file would
leave old machine code in use. Here the folder of the cache is named by a digest of the kernel's file and of all files of the same
project that it imports, directly or not.
"""

from __future__ import annotations

import ast
import hashlib
import os
import shutil
import stat
import tempfile
import time
from collections.abc import Callable, Iterator
from functools import lru_cache
from pathlib import Path
from typing import Any

import numba

UNUSED_DAYS = 7
"""Caches of other contents are deleted when they have not been used for this long."""


def kernel(**options: Any) -> Callable[[Callable[..., Any]], Any]:
    """Return a decorator that compiles a function without Python objects, releases the GIL and caches the machine code.

    options: those of `numba.njit`, which take precedence.
    """

    def decorate(function: Callable[..., Any]) -> Any:
        file = Path(function.__code__.co_filename).resolve()
        root = file.parents[function.__module__.count(".")]
        folder, before = cache_folder(file, digest(file, root)), numba.config.CACHE_DIR
        numba.config.CACHE_DIR = str(folder or "")
        try:
            return numba.njit(**{"cache": folder is not None, "nogil": True, **options})(function)
        finally:
            numba.config.CACHE_DIR = before

    return decorate


@lru_cache
def digest(file: Path, root: Path) -> str:
    """Return a digest of a module's file and of the files below root that it imports, directly or not."""
    todo, seen = [file], {file}
    while todo:
        new = set(_imported(todo.pop(), root)) - seen
        seen |= new
        todo += new
    content = hashlib.sha256()
    for path in sorted(seen):
        content.update(f"{path.relative_to(root)}\0".encode() + hashlib.sha256(path.read_bytes()).digest())
    return content.hexdigest()[:16]


@lru_cache
def cache_folder(file: Path, key: str) -> Path | None:
    """Return the folder, created where needed, for the machine code of a module's file with the digest `key`.

    The first writable one of: NUMBA_CACHE_DIR, where set; __pycache__ beside the file; the user's cache folder; a private
    temporary folder. None where there is none: every process then compiles anew.
    """
    for parent in _parents(file):
        folder = parent / f"numba-{file.stem}-{key}"
        try:
            folder.mkdir(parents=True, exist_ok=True)
            with tempfile.TemporaryFile(dir=folder):
                os.utime(folder)
        except OSError:
            continue
        _prune(parent, f"numba-{file.stem}-*")
        return folder
    return None


def _parents(file: Path) -> Iterator[Path]:
    """Yield the folders in which a cache may lie, in order of preference."""
    if numba.config.CACHE_DIR:
        yield Path(numba.config.CACHE_DIR)
    yield file.parent / "__pycache__"
    home = os.environ.get("XDG_CACHE_HOME") or os.path.join(os.path.expanduser("~"), ".cache")
    if os.path.isabs(home):
        yield Path(home) / "sight-and-sound" / "kernels"
    if hasattr(os, "getuid"):
        temporary = Path(tempfile.gettempdir()) / f"sight-and-sound-{os.getuid()}"
        if _private(temporary):
            yield temporary


def _private(folder: Path) -> bool:
    """Create a folder that only this user can write, and return whether it is one: machine code is loaded from it."""
    try:
        folder.mkdir(mode=0o700, exist_ok=True)
        status = folder.lstat()
    except OSError:
        return False
    return stat.S_ISDIR(status.st_mode) and status.st_uid == os.getuid() and not status.st_mode & 0o022


def _prune(parent: Path, pattern: str) -> None:
    """Delete the caches of earlier contents that have not been used for UNUSED_DAYS."""
    oldest = time.time() - UNUSED_DAYS * 86400
    for folder in parent.glob(pattern):
        try:
            if folder.stat().st_mtime < oldest:
                shutil.rmtree(folder)
        except OSError:  # another process deletes it too
            continue


@lru_cache
def _imported(file: Path, root: Path) -> tuple[Path, ...]:
    """Return the files below root that a file imports anywhere in it."""
    names: set[str] = set()
    for node in ast.walk(ast.parse(file.read_bytes())):
        if isinstance(node, ast.Import):
            names |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.level == 0:
            names |= {f"{node.module}.{alias.name}" for alias in node.names} | {str(node.module)}
    paths = (root.joinpath(*name.split(".")) for name in names)
    found = [p for path in paths for p in (path.with_suffix(".py"), path / "__init__.py") if p.is_file()]
    return tuple(sorted(found))
