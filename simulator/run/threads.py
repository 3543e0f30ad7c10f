"""Work on many files in threads: reading and hashing release the interpreter lock."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

In = TypeVar("In")
Out = TypeVar("Out")
CHUNK = 64
"""Items that a thread takes at once, because handing over one costs as much as looking at a small file."""


def in_threads(call: Callable[[In], Out], items: Sequence[In]) -> list[Out]:
    """Return the results of calls for all items, in their order."""
    if len(items) <= CHUNK:
        chunks = [[item] for item in items]
    else:
        chunks = [list(items[k : k + CHUNK]) for k in range(0, len(items), CHUNK)]
    with ThreadPoolExecutor() as pool:
        return [out for outs in pool.map(lambda chunk: [call(item) for item in chunk], chunks) for out in outs]
