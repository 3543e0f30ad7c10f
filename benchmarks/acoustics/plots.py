"""Plots of a common style."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import matplotlib

matplotlib.use("Agg")
import matplotlib.pyplot as plt
from matplotlib.axes import Axes
from PIL import Image

COLORS = ("#0b5394", "#cc4125", "#38761d", "#b45f06", "#674ea7", "#444444")


@contextmanager
def panels(path: Path, count: int, x: str, y: str, width: float = 4.5) -> Iterator[list[Axes]]:
    """Yield axes side by side; on exit save them as PNG of 256 colours."""
    figure, axes = plt.subplots(1, count, figsize=(width * count, 3.6), squeeze=False, layout="constrained")
    for axis in axes[0]:
        axis.set(xlabel=x, ylabel=y)
        axis.grid(alpha=0.3)
        axis.set_prop_cycle(color=COLORS)
    yield list(axes[0])
    figure.savefig(path, dpi=110)
    plt.close(figure)
    with Image.open(path) as picture:
        picture.convert("RGB").quantize(256, Image.Quantize.MEDIANCUT).save(path, optimize=True)
