"""Signals that end a stage at its next checkpoint."""

from __future__ import annotations

import signal
from typing import Any


class Interrupt:
    """Turn SIGINT or SIGTERM into a request to stop at the next record."""

    requested = False

    def __enter__(self) -> None:
        self.before: dict[signal.Signals, Any] = {}
        for kind in (signal.SIGINT, signal.SIGTERM):
            try:
                self.before[kind] = signal.signal(kind, self._request)
            except ValueError:  # Not in the main thread: leave signals alone.
                return

    def __exit__(self, *_: object) -> None:
        for kind, handler in self.before.items():
            signal.signal(kind, handler)

    def _request(self, *_: object) -> None:
        self.requested = True
