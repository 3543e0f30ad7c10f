"""How many bytes of decoded sets a process keeps: in memory, and on local disk."""

from __future__ import annotations

import os
import threading
from dataclasses import dataclass, field
from pathlib import Path

from training.errors import InputError

SHARE = 0.5
"""Part of the machine's memory that the decoded sets of a split may take, over all processes of the machine."""
DISK_BYTES = 100_000_000_000
GROUP_LIMITS = (Path("/sys/fs/cgroup/memory.max"), Path("/sys/fs/cgroup/memory/memory.limit_in_bytes"))
"""Limits of a container's memory, in versions 2 and 1 of Linux' control groups."""


def machine_memory() -> int:
    """Return the bytes of memory of this machine, or of the container that this process runs in."""
    total = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    for path in GROUP_LIMITS:
        if path.is_file() and (text := path.read_text().strip()).isdecimal():
            total = min(total, int(text))
    return total


def default_memory() -> int:
    """Return this process's part of SHARE of the machine's memory."""
    return int(SHARE * machine_memory()) // int(os.environ.get("LOCAL_WORLD_SIZE", "1"))


@dataclass(frozen=True)
class Limits:
    """Bytes of a split's decoded sets: a split that fits into memory is decoded once, at the start; others as they are read."""

    memory: int = field(default_factory=default_memory)
    disk: int = DISK_BYTES
    """Of all decoded splits in the cache folder; 0: nothing is kept on disk."""

    def __post_init__(self) -> None:
        """Raise InputError for negative numbers."""
        for name in ("memory", "disk"):
            if getattr(self, name) < 0:
                raise InputError(f"--{name} is {getattr(self, name)}; a number of bytes, 0 or more, is expected")


class Allowance:
    """Bytes that several caches share; safe in threads."""

    def __init__(self, limit: int) -> None:
        self._left = limit
        self._lock = threading.Lock()

    def take(self, size: int) -> bool:
        """Whether there is room for so many bytes, which are then taken."""
        with self._lock:
            if size > self._left:
                return False
            self._left -= size
            return True
