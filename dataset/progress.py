"""Progress bars of commands; without a terminal, a line every ten seconds, so that logs stay short."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from typing import Any

from tqdm import tqdm

from dataset.interrupts import check

LOG_EVERY_S = 10.0


class Bar(tqdm):  # type: ignore[misc]  # tqdm has no types
    """A bar at each of whose steps a command can be interrupted."""

    def __iter__(self) -> Iterator[Any]:
        """Iterate over the items of a bar that has some."""
        for item in super().__iter__():
            check()
            yield item

    def update(self, n: float = 1) -> bool | None:
        """Advance the bar by n."""
        check()
        updated: bool | None = super().update(n)
        return updated


class LogLines(Bar):
    """A bar that prints every state as a line of its own, for files and pipes."""

    @staticmethod
    def status_printer(file: Any) -> Callable[[str], None]:
        """Return the function that prints a state of the bar."""

        def write(text: str) -> None:
            if text.strip():
                print(text.strip(), file=file, flush=True)

        return write


def progress_bar(total: int, unit: str, desc: str, shown: bool = True, **options: Any) -> tqdm:
    """Return a bar on standard error, with rate and time left; it prints nothing where `shown` is false.

    options: further arguments of tqdm.
    """
    watched = sys.stderr.isatty()
    bar = Bar if watched else LogLines
    every = 0.1 if watched else LOG_EVERY_S
    return bar(
        total=total, unit=unit, desc=desc, disable=not shown, file=sys.stderr, mininterval=every, maxinterval=max(every, 10.0),
        dynamic_ncols=watched, **options,
    )  # fmt: skip
