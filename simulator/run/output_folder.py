"""The output folder of a render: refused where it holds other files, locked for one render at a time."""

from __future__ import annotations

import hashlib
import os
import re
import socket
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import IO

from dataset.errors import DatasetError
from dataset.format.manifest import NAME, SHARDS, parse_manifest, read_manifest
from dataset.storage.output import open_output
from simulator.errors import InputError
from simulator.run.progress import print_note

if sys.platform != "win32":
    import fcntl

LOCK = ".render.lock"
PART = re.compile(r"\..+\.(h5|json)\.\d+(-\d+)?\.part")
"""Names of unfinished shards and manifests."""
EMPTY_DISK = "lost+found"
"""The only entry of a newly made file system."""


def check_folder(out: Path) -> None:
    """Raise InputError where a folder holds files but is not a data set of this project; nothing is written."""
    if (out / NAME).is_file():
        try:
            read_manifest(out)
        except DatasetError as error:
            raise InputError(
                f"--out {out} holds a {NAME} that is not a data set's ({error}); choose another --out, or move that file away"
            ) from None
        return
    if not out.is_dir() or any((out / SHARDS).glob("*.h5")):
        return
    entries = [p.name for p in out.iterdir() if p.name not in (SHARDS, EMPTY_DISK)]
    entries += [f"{SHARDS}/{p.name}" for p in (out / SHARDS).glob("*")]
    foreign = sorted(name for name in entries if not Path(name).name.startswith("."))
    if foreign:
        raise InputError(
            f"--out {out} holds files that are not a data set ({', '.join(foreign[:3])}); choose a new or an empty folder"
        )


def check_address(address: str) -> None:
    """Raise InputError where an address holds files but is not a data set of this project; nothing is written."""
    place = open_output(address)
    if place.is_empty() or any(name.endswith(".h5") for name in place.sizes(SHARDS)):
        return
    try:
        parse_manifest(place.read(NAME).decode(errors="replace"), f"{address}/{NAME}")
    except FileNotFoundError:
        foreign = sorted(place.sizes())
        if foreign:
            raise InputError(
                f"--out {address} holds files that are not a data set ({', '.join(foreign[:3])}); choose an empty address"
            ) from None
    except DatasetError as error:
        raise InputError(f"--out {address} holds a {NAME} that is not a data set's ({error}); choose another --out") from None


def scratch_folder(address: str) -> Path:
    """Return the folder on local disk that shards for an address are written to, the same on machines that are set up alike."""
    name = hashlib.sha256(address.rstrip("/").encode()).hexdigest()[:16]
    return Path(tempfile.gettempdir()) / f"sight-and-sound-{os.getuid() if hasattr(os, 'getuid') else 0}" / name


@contextmanager
def output_folder(out: Path) -> Iterator[None]:
    """Create the output folder, lock it within the block, and delete unfinished shards of interrupted renders.

    Raise InputError where the folder holds other files, cannot be written to, or is locked by another render.
    """
    check_folder(out)
    existing = [folder for folder in (out / SHARDS, out) if folder.is_dir()]
    _create(out)
    try:
        with _locked(out):
            clear_parts(out)
            try:
                yield
            finally:
                clear_parts(out)
    finally:
        for folder in (out / SHARDS, out):
            if folder not in existing:
                with suppress(OSError):  # it holds shards now
                    folder.rmdir()


def clear_parts(out: Path) -> None:
    """Delete unfinished shards and manifests; other files stay."""
    for folder in (out, out / SHARDS):
        for part in folder.glob(".*.part"):
            if PART.fullmatch(part.name):
                part.unlink(missing_ok=True)


def _create(out: Path) -> None:
    try:
        folder = out / SHARDS
        folder.mkdir(parents=True, exist_ok=True)
        probe = folder / f".probe.{os.getpid()}"
        probe.write_bytes(b"\0" * 4096)
        probe.unlink()
    except OSError as error:
        raise InputError(f"--out {out} cannot be written to ({error.strerror or error}); choose another folder") from None


@contextmanager
def _locked(out: Path) -> Iterator[None]:
    """Hold the lock file of a folder; the system releases the lock of a process that dies."""
    path = out / LOCK
    file = _lock(path, out)
    file.truncate(0)
    file.write(f"process {os.getpid()} on {socket.gethostname()}, started {time.strftime('%Y-%m-%d %H:%M:%S')}")
    file.flush()
    try:
        yield
    finally:
        path.unlink(missing_ok=True)
        file.close()


def _lock(path: Path, out: Path) -> IO[str]:
    while True:
        file = path.open("a+")
        try:
            if sys.platform != "win32":
                fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            file.seek(0)
            holder = file.read() or "holder unknown"
            file.close()
            raise InputError(
                f"--out {out} is in use by another render ({holder}); wait until it ends, or choose another --out"
            ) from None
        except OSError as error:  # a file system without locks
            print_note(f"note: {out} cannot be locked ({error.strerror}); make sure that no other render writes to it")
        # A render that ends deletes its lock file: a lock on the deleted file protects nothing.
        if path.exists() and os.path.samestat(os.fstat(file.fileno()), path.stat()):
            return file
        file.close()
