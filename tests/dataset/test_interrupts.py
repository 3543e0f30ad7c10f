"""Signals end a command also where Python discards the exception that their handler raises."""

from __future__ import annotations

import json
import os
import signal
import sys
import threading
import weakref

import pytest

from dataset import interrupts
from dataset.command import exit_status
from dataset.format.manifest import write_manifest
from dataset.progress import progress_bar

AGAIN = "\ninterrupted: run the same command again\n"


class Deleted:
    """An object in whose deletion the process gets a signal."""

    def __init__(self, kind):
        self.kind = kind

    def __del__(self):
        os.kill(os.getpid(), self.kind)
        for _ in range(100):
            pass  # the handler runs here


def discarded_in_del(kind):
    deleted = Deleted(kind)
    del deleted


def discarded_in_a_callback(kind):
    def killed(_):
        os.kill(os.getpid(), kind)
        for _ in range(100):
            pass

    target = set()
    reference = weakref.ref(target, killed)
    del target
    assert reference() is None


@pytest.mark.parametrize("discarded", [discarded_in_del, discarded_in_a_callback])
@pytest.mark.parametrize("kind", interrupts.SIGNALS)
class TestDiscarded:
    """The signal arrives where its exception is discarded."""

    def test_a_command_that_ends_without_a_check(self, discarded, kind, capsys):
        done = []

        def run():
            discarded(kind)
            done.append(True)
            return 0

        assert exit_status(run) == 130 and done
        assert capsys.readouterr().err == AGAIN

    @pytest.mark.parametrize("shown", [True, False])
    @pytest.mark.parametrize("iterated", [True, False])
    def test_the_next_step_of_a_bar_ends_it(self, discarded, kind, shown, iterated, capsys):
        steps = []

        def run():
            items = range(5)
            with progress_bar(5, "set", "work", shown, **({"iterable": items} if iterated else {})) as bar:
                for step in bar if iterated else items:
                    steps.append(step)
                    if step == 1:
                        discarded(kind)
                    if not iterated:
                        bar.update()
            return 0

        assert exit_status(run) == 130 and steps == [0, 1]
        assert capsys.readouterr().err.endswith(AGAIN)

    def test_no_manifest_is_written(self, discarded, kind, tmp_path):
        def run():
            discarded(kind)
            write_manifest(tmp_path, {"shards": []})
            return 0

        assert exit_status(run) == 130
        assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("kind", interrupts.SIGNALS)
def test_a_signal_ends_a_command_at_once(kind, capsys):
    before = [signal.getsignal(k) for k in interrupts.SIGNALS], sys.unraisablehook

    def run():
        os.kill(os.getpid(), kind)
        raise AssertionError("the signal was not heeded")

    assert exit_status(run) == 130
    assert capsys.readouterr().err == AGAIN
    assert ([signal.getsignal(k) for k in interrupts.SIGNALS], sys.unraisablehook) == before
    assert exit_status(lambda: 0) == 0, "the request is forgotten"


def test_a_message_of_its_own_takes_the_place_of_the_line(capsys):
    def run():
        raise KeyboardInterrupt("interrupted: 3 shards kept")

    assert exit_status(run) == 130
    assert capsys.readouterr().err == "\ninterrupted: 3 shards kept\n"


def test_an_ignored_signal_stays_ignored():
    before = signal.signal(signal.SIGINT, signal.SIG_IGN)
    try:
        assert exit_status(lambda: os.kill(os.getpid(), signal.SIGINT) or 0) == 0
    finally:
        signal.signal(signal.SIGINT, before)


def test_other_threads_are_not_interrupted():
    found = []

    def run():
        discarded_in_del(signal.SIGTERM)
        thread = threading.Thread(target=lambda: found.append(interrupts.check()))
        thread.start()
        thread.join()
        return 0

    assert exit_status(run) == 130 and found == [None]
    thread = threading.Thread(target=lambda: found.append(exit_status(lambda: 7)))
    thread.start()
    thread.join()
    assert found == [None, 7]


def test_other_discarded_exceptions_are_still_shown(monkeypatch):
    seen = []
    monkeypatch.setattr(sys, "unraisablehook", lambda discarded: seen.append(discarded.exc_type))

    class Broken:
        def __del__(self):
            raise ValueError(json.dumps("broken"))

    def run():
        Broken()
        return 0

    assert exit_status(run) == 0 and seen == [ValueError]
