"""The render benchmark's timers: the functions that it replaces exist where the code of a set calls them."""

import numpy as np

from benchmarks.machine import describe
from benchmarks.render import STAGES, _timed_stages


def test_every_stage_is_timed_and_restored():
    before = [getattr(owner, attribute) for _, owner, attribute in STAGES]
    with _timed_stages({}):
        assert all(getattr(owner, name) is not call for (_, owner, name), call in zip(STAGES, before, strict=True))
    assert [getattr(owner, attribute) for _, owner, attribute in STAGES] == before


def test_time_is_added_to_the_stage(monkeypatch):
    from collections import defaultdict

    from simulator.run import fields

    monkeypatch.setattr(fields, "rt60", lambda x: np.linalg.svd(x))
    spent = defaultdict(float)
    with _timed_stages(spent):
        fields.rt60(np.random.default_rng(0).normal(size=(600, 600)))
    assert set(spent) == {"convolution"} and spent["convolution"] > 0


def test_the_machine_is_one_line():
    assert "\n" not in describe() and " cores, " in describe()
