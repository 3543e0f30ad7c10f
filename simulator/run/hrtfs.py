"""The HRTF files of a render: found and checked before the first set, one of them drawn for each scene."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from simulator.errors import InputError
from simulator.receivers.hrtf import check_directions
from simulator.receivers.sofa import BUNDLED, read_sofa
from simulator.run.clips import printable

SUFFIX = ".sofa"


@dataclass(frozen=True)
class HrtfFile:
    """One usable file."""

    path: Path
    name: str
    """Printable path relative to the folder that was named, or the file's name."""
    title: str
    """Database and listener."""
    sha256: str


@dataclass(frozen=True)
class Hrtfs:
    """The usable HRTF files of a render, in the order of their indices."""

    files: tuple[HrtfFile, ...]
    left_out: tuple[tuple[str, str], ...] = ()
    """SOFA files of the folders that cannot be used, as printable names, and why."""


def find_hrtfs(paths: Sequence[Path] = ()) -> Hrtfs:
    """Return the HRTF files among SOFA files and folders, which are searched recursively; without any, the bundled KEMAR.

    Files keep the order in which they are named, those of a folder are sorted by name, and equal contents count once. SOFA files
    of a folder that cannot be used, such as measured rooms, are left out. Raise InputError where a file that is named itself
    cannot be used, or a folder holds no file that can.
    """
    files: dict[str, HrtfFile] = {}
    left_out: list[tuple[str, str]] = []
    for path in paths or (BUNDLED,):
        found = list(_in_folder(path, left_out)) if path.is_dir() else [_checked(path, path.name)]
        for file in found:
            files.setdefault(file.sha256, file)
    return Hrtfs(tuple(files.values()), tuple(left_out))


def _in_folder(folder: Path, left_out: list[tuple[str, str]]) -> Iterator[HrtfFile]:
    """Return the usable files of a folder; others are appended to `left_out`."""
    paths = sorted(p for p in folder.rglob("*") if p.suffix.lower() == SUFFIX and p.is_file())
    if not paths:
        raise InputError(f"HRTF folder {folder} holds no {SUFFIX} files; name SimpleFreeFieldHRIR files, or a folder of them")
    faults = []
    for path in paths:
        name = path.relative_to(folder).as_posix()
        try:
            yield _checked(path, name)
        except InputError as error:
            faults.append((printable(name), printable(str(error))))
    if len(faults) == len(paths):
        raise InputError(f"HRTF folder {folder} holds no file that can be used ({len(paths)} cannot; the first: {faults[0][1]})")
    left_out += faults


def _checked(path: Path, name: str) -> HrtfFile:
    """Return a file; raise InputError where it cannot be used."""
    measured = read_sofa(path)
    check_directions(measured)
    return HrtfFile(path, printable(name), measured.title, measured.sha256)
