"""The report of a run: report.json for machines, report.md with tables, plots and examples for people."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from training.evaluate import Results
from training.examples import Examples

Curves = Mapping[str, Sequence[tuple[float, float]]]
"""{name of a loss: [(step, value), ...]}, from the run's log."""


def write_report(
    out: Path,
    results: Results,
    test: Examples,
    *,
    settings: Mapping[str, Any],
    seconds: Mapping[str, float],
    probes: Mapping[str, Mapping[str, float]] | None = None,
    curves: Curves | None = None,
    sweeps: Sequence[Mapping[str, Any]] = (),
    notes: Mapping[str, Any] | None = None,
) -> dict[str, Any]:
    """Write report.json and report.md, with plots and examples beside them, into a run's folder; gives report.json's content.

    results: what evaluate() gave. test: the examples it was given as such. settings: all of the run's, JSON-able. seconds: time
    by stage. probes: {features: {"rotation_accuracy", "azimuth_accuracy", "chance_accuracy"}}, shares of 1. curves: losses by
    step, for the loss plot. sweeps: what training.sweeps.robustness() gave. notes: anything else that should be told (pretext gain,
    waveform distances), JSON-able, shown as it is.
    """
    raise NotImplementedError
