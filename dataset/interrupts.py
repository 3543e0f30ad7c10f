"""SIGINT and SIGTERM raise KeyboardInterrupt, and end a command also where Python discards the exception.

Python runs signal handlers between any two instructions, thus also within `__del__` methods and callbacks of weak references,
where it discards exceptions. A request to stop is therefore remembered, and raised again at the next `check`.
"""

from __future__ import annotations

import signal
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

SIGNALS = (signal.SIGINT, signal.SIGTERM)
"""Ctrl-C, and what batch systems send."""

_requested = False


@contextmanager
def interruptible() -> Iterator[None]:
    """Raise KeyboardInterrupt at SIGINT and SIGTERM within the block, at its end at the latest.

    Signals that the process ignores stay ignored. Does nothing outside the main thread, where Python runs no handlers.
    """
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    before = {kind: signal.getsignal(kind) for kind in SIGNALS}
    hook = sys.unraisablehook
    clear()
    for kind, handler in before.items():
        if handler is not signal.SIG_IGN:
            signal.signal(kind, _request)
    sys.unraisablehook = lambda discarded: None if _is_interrupt(discarded) else hook(discarded)
    try:
        yield
        check()
    finally:
        clear()
        sys.unraisablehook = hook
        for kind, handler in before.items():
            signal.signal(kind, signal.SIG_DFL if handler is None else handler)


def check() -> None:
    """Raise KeyboardInterrupt where a signal has requested the end and the command still runs; call it between units of work."""
    if _requested and threading.current_thread() is threading.main_thread():
        raise KeyboardInterrupt


def clear() -> None:
    """Forget a request, after it was followed."""
    global _requested
    _requested = False


def _request(*_: object) -> None:
    global _requested
    _requested = True
    raise KeyboardInterrupt


def _is_interrupt(discarded: Any) -> bool:
    return _requested and issubclass(discarded.exc_type, KeyboardInterrupt)
