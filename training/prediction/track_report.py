"""A recording's azimuths over time as text, table and plot."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from matplotlib.figure import Figure

from training.errors import InputError
from training.evaluation.learned import Learned
from training.prediction.sounds import SoundFile
from training.prediction.track import Track, direction_text, follow_blocks, mean_direction, write_table

LINES = 20
"""Moments printed, at most; all are in the table."""


def describe_azimuths(learned: Learned, path: Path, every_s: float, out: Path) -> str:
    """Return a text with azimuths over time; write <name>-azimuth.csv and <name>-azimuth.png into `out`."""
    sound = SoundFile(path)
    track = follow_blocks(learned, sound, every_s)
    sound.levels.notes(path)
    return write_track(learned, track, path, out)


def write_track(learned: Learned, track: Track, path: Path, out: Path, plot: Path | None = None) -> str:
    """Write a track's table into `out` and its plot there or to `plot`; return them as text."""
    table = out / f"{path.stem}-azimuth.csv"
    plot = plot or out / f"{path.stem}-azimuth.png"
    try:
        out.mkdir(parents=True, exist_ok=True)
        write_table(table, track)
        draw(plot, track, path.name, learned)
    except (OSError, ValueError) as error:
        why = getattr(error, "strerror", None) or str(error).splitlines()[0]
        raise InputError(f"{getattr(error, 'filename', None) or out} cannot be written ({why}); use another --out") from None
    return f"{track_text(learned, track, path)}\nall moments: {table}, {plot}"


def track_text(learned: Learned, track: Track, path: Path) -> str:
    """Return a track as text: a summary and at most LINES moments."""
    audible = np.isfinite(track.azimuth_deg)
    lines = [f"{'time, s':>8} {'azimuth':>8} {'GCC-PHAT':>9} {'level, dB':>10}  direction"]
    for k in np.arange(0, len(audible), -(-len(audible) // LINES)):
        angles = f"{_degrees(track.azimuth_deg[k]):>8} {_degrees(track.gcc_phat_deg[k]):>9}"
        where = direction_text(track.azimuth_deg[k], learned.full_circle)
        lines.append(f"{track.time_s[k]:8.2f} {angles} {track.level_db[k].mean():10.1f}  {where}".rstrip())
    seconds = f"{track.seconds:.2f} s, {len(audible)} moments of {2 * track.time_s[0]:g} s"
    quiet = f", of which {int((~audible).sum())} are quiet" if not audible.all() else ""
    mean = f"mean direction {mean_direction(track.azimuth_deg[audible]):+.1f} degrees (left is positive; {_range(learned)})"
    return "\n".join([f"{path}: {seconds}{quiet}; {mean}", *lines])


def draw(path: Path, track: Track, title: str, learned: Learned) -> None:
    """Draw azimuth and levels over time, left above, into a PNG file."""
    figure = Figure((9, 5), layout="constrained")
    above, below = figure.subplots(2, 1, sharex=True, height_ratios=(3, 1))
    above.plot(track.time_s, track.gcc_phat_deg, ".", color="0.6", markersize=4, label="GCC-PHAT (no training)")
    above.plot(track.time_s, track.azimuth_deg, "o-", markersize=4, linewidth=1, label=learned.name)
    above.axhline(0, color="0.8", linewidth=1, zorder=0)
    reach = 180 if learned.full_circle else 90
    if learned.full_circle:
        for sign in (-1, 1):
            above.axhspan(sign * 90, sign * 185, color="0.93", zorder=0)
        above.text(0.01, 0.97, "behind", transform=above.transAxes, va="top", color="0.5", fontsize=8)
    above.set(title=title, ylim=(-reach - 5, reach + 5), yticks=range(-reach, reach + 1, reach // 3))
    above.set(ylabel="azimuth, degrees\nright  -    +  left")
    above.legend(fontsize=8)
    for ear, label in enumerate(("left ear", "right ear")):
        below.plot(track.time_s, track.level_db[:, ear], linewidth=1, label=label)
    below.set(xlabel="time, s", ylabel="level, dB")
    below.legend(fontsize=8)
    for axis in (above, below):
        axis.grid(alpha=0.3)
    figure.savefig(path, dpi=110)


def _range(learned: Learned) -> str:
    return "full circle, beyond 90 is behind" if learned.full_circle else "front only: a sound behind appears at its mirror image"


def _degrees(angle: float) -> str:
    return "quiet" if np.isnan(angle) else f"{angle:+.1f}"
