"""The warm-up before workers start: it compiles, and asks nothing of an optional engine."""

from __future__ import annotations

from simulator.config import with_options
from simulator.run import simulate, warm_up
from simulator.run.clips import find_clips
from simulator.run.simulate import Inputs
from simulator.run.warm_up import compile_kernels


def test_a_set_of_a_box_is_simulated_without_habitat(monkeypatch):
    def refuse(*_):
        raise AssertionError("habitat-sim does not read the box")

    made = []
    monkeypatch.setattr(simulate, "open_camera", refuse)
    monkeypatch.setattr(warm_up, "simulate", lambda *arguments: made.append(simulate.simulate(*arguments)))
    compile_kernels(with_options({"camera.engine": "habitat", "sources": 2}), Inputs(find_clips(None)))
    assert len(made) == 1 and made[0]["audio"].any()
