"""An annotated picture: both photographs side by side, and the turn seen from above."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.patches import Wedge

from training.prediction.pictures import Photograph
from training.prediction.turn import Turn

COLORS = ("tab:blue", "tab:orange")


def draw_turn(path: Path, first: Photograph, second: Photograph, turn: Turn, names: tuple[str, str]) -> None:
    """Draw both pictures and a plan with their fields of view; a line in each marks the middle of the other."""
    figure = Figure((12, 3.8), layout="constrained")
    axes = figure.subplots(1, 3, width_ratios=(4, 4, 3))
    for axis, photograph, name, color, sign in zip(axes, (first, second), names, COLORS, (-1.0, 1.0), strict=False):
        axis.imshow(photograph.rgb)
        axis.set_title(name, fontsize=9, color=color)
        axis.set_axis_off()
        if turn.known:
            _mark_middle(axis, photograph, sign * turn.degrees, turn.hfov_deg, COLORS[0] if sign > 0 else COLORS[1])
    _draw_plan(axes[2], turn)
    figure.savefig(path, dpi=110)


def _mark_middle(axis: Axes, photograph: Photograph, right_deg: float, guessed_deg: float, color: str) -> None:
    """Draw a line where a direction this far to the right of the middle appears, if the picture shows it."""
    height, width = photograph.rgb.shape[:2]
    half = np.tan(np.deg2rad((photograph.hfov_deg or guessed_deg) / 2))
    x = width / 2 * (1 + np.tan(np.deg2rad(right_deg)) / half)
    if abs(right_deg) < 90 and 0 <= x <= width:
        axis.plot([x, x], [0, height - 1], "--", color=color, linewidth=2)


def _draw_plan(axis: Axes, turn: Turn) -> None:
    """Draw both fields of view from above; the first looks up."""
    turned = turn.degrees if turn.known else 0.0
    for heading, color in zip((0.0, turned) if turn.known else (0.0,), COLORS, strict=False):
        ahead, half = 90.0 + heading, turn.hfov_deg / 2
        axis.add_patch(Wedge((0, 0), 1, ahead - half, ahead + half, color=color, alpha=0.35))
        axis.plot([0, np.cos(np.deg2rad(ahead))], [0, np.sin(np.deg2rad(ahead))], color=color, linewidth=2)
    side = "left" if turn.degrees > 0 else "right"
    axis.set_title(f"turned {abs(turn.degrees):.1f} degrees to the {side}" if turn.known else "cannot tell")
    axis.set(xlim=(-1.05, 1.05), ylim=(-0.6, 1.05), aspect="equal")
    axis.set_axis_off()
