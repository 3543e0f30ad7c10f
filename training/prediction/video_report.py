"""Heading and azimuth over time of a video, as text, table, plot and an annotated copy."""

from __future__ import annotations

import csv
from pathlib import Path

import cv2
import numpy as np
from matplotlib.figure import Figure

from training.errors import InputError
from training.evaluation.learned import Learned
from training.prediction.heading import Heading, follow_heading
from training.prediction.pictures import photograph
from training.prediction.sounds import check_channels
from training.prediction.track import Track, direction_text, follow_blocks
from training.prediction.track_report import write_track
from training.prediction.video_file import VideoFile, write_annotated

LINES = 20
SOUND_COLOR, CAMERA_COLOR = (255, 140, 0), (40, 120, 255)


def describe_video(
    learned: Learned, video: VideoFile, every_s: float, out: Path, hfov_deg: float | None = None
) -> tuple[str, tuple[str, ...]]:
    """Return a text with headings and azimuths over time, and notes.

    Writes <name>-heading.csv, <name>-heading.png, the sound's files as for recordings, and <name>-annotated.mp4 into `out`.
    """
    if not 0 < every_s < np.inf:
        raise InputError(f"--every is {every_s:g}; seconds above 0 are expected")
    aspect = learned.settings.picture.width_px / learned.settings.picture.height_px
    frames = ((time_s, photograph(rgb, aspect, hfov_deg, "given")) for time_s, rgb in video.frames(every_s))
    heading = follow_heading(learned, frames)
    track, notes = _sound(learned, video, every_s)
    name = video.path.stem
    table, plot, copy = (out / f"{name}{suffix}" for suffix in ("-heading.csv", "-heading.png", "-annotated.mp4"))
    try:
        out.mkdir(parents=True, exist_ok=True)
        _write_headings(table, heading)
        _draw_headings(plot, heading, track, name)
    except OSError as error:
        raise InputError(f"{error.filename or out} cannot be written ({error.strerror}); use another --out") from None
    write_annotated(video, copy, lambda picture, time_s: annotate(picture, time_s, heading, track, learned.full_circle))
    parts = [_text(video.path, heading), f"headings: {table}, {plot}; annotated copy: {copy}"]
    if track is not None:
        parts.append(write_track(learned, track, video.path, out))
    return "\n".join(parts), (*heading.notes, *notes)


def annotate(picture: np.ndarray, time_s: float, heading: Heading, track: Track | None, full_circle: bool) -> np.ndarray:
    """Return a picture (H, W, 3) uint8 with a plan from above: the start's heading is up, the camera's and the sound's turn.

    The sound's line is drawn in the frame of the room: heading plus azimuth.
    """
    out = picture.copy()
    camera = float(heading.heading_deg[np.abs(heading.time_s - time_s).argmin()])
    azimuth = np.nan if track is None else float(track.azimuth_deg[np.abs(track.time_s - time_s).argmin()])
    radius = max(12, min(out.shape[:2]) // 7)
    middle = (out.shape[1] - radius - radius // 4, out.shape[0] - radius - radius // 4)
    shade = out.copy()
    cv2.circle(shade, middle, radius, (0, 0, 0), -1)
    out = cv2.addWeighted(shade, 0.5, out, 0.5, 0)
    cv2.circle(out, middle, radius, (255, 255, 255), 1, cv2.LINE_AA)
    for angle, color in ((camera, CAMERA_COLOR), (camera + azimuth, SOUND_COLOR)):
        if np.isfinite(angle):
            a = np.deg2rad(angle)
            tip = (round(middle[0] - radius * np.sin(a)), round(middle[1] - radius * np.cos(a)))
            cv2.line(out, middle, tip, color, max(2, radius // 12), cv2.LINE_AA)
    text = f"heading {camera:+.0f}"
    if np.isfinite(azimuth):
        text += f"   sound {azimuth:+.0f} ({direction_text(azimuth, full_circle)})"
    scale = out.shape[1] / 900
    at = (round(12 * scale), out.shape[0] - round(14 * scale))
    for color, extra in (((0, 0, 0), 3), ((255, 255, 255), 0)):
        cv2.putText(out, text, at, cv2.FONT_HERSHEY_SIMPLEX, scale, color, round(2 * scale) + extra, cv2.LINE_AA)
    return out


def _sound(learned: Learned, video: VideoFile, every_s: float) -> tuple[Track | None, tuple[str, ...]]:
    """Return the track of a video's sound; None, with a note, where it has none with direction."""
    if not video.channels:
        return None, (f"{video.path} has no sound: only headings are given",)
    try:
        check_channels(video.path, video.channels)
        track = follow_blocks(learned, video.sound(), every_s)
        return track, video.levels.notes(video.path)
    except InputError as error:
        return None, (f"{error}; only headings are given",)


def _text(path: Path, heading: Heading) -> str:
    low, high = heading.heading_deg.min(), heading.heading_deg.max()
    lines = [f"{path}: {len(heading.time_s)} frames; heading from {low:+.1f} to {high:+.1f} degrees (left is positive)"]
    lines.append(f"{'time, s':>8} {'heading':>8}")
    for k in np.arange(0, len(heading.time_s), -(-len(heading.time_s) // LINES)):
        lines.append(f"{heading.time_s[k]:8.2f} {heading.heading_deg[k]:+8.1f}")
    if heading.lost_s:
        times = ", ".join(f"{t:.1f}" for t in heading.lost_s[:LINES])
        lines.append(f"lost at {times} s: these frames share too little with those before; the heading goes on unchanged")
    return "\n".join(lines)


def _write_headings(path: Path, heading: Heading) -> None:
    lost = set(heading.lost_s)
    with path.open("w", newline="") as file:
        table = csv.writer(file)
        table.writerow(["time_s", "heading_deg", "lost"])
        for time_s, angle in zip(heading.time_s.tolist(), heading.heading_deg, strict=True):
            table.writerow([f"{time_s:.4f}", f"{angle:.2f}", int(time_s in lost)])


def _draw_headings(path: Path, heading: Heading, track: Track | None, title: str) -> None:
    """Draw heading, and the sound's azimuth relative to the head, over time."""
    figure = Figure((9, 4), layout="constrained")
    axis = figure.subplots()
    axis.plot(heading.time_s, heading.heading_deg, "-", linewidth=2, label="heading of the camera")
    if track is not None:
        axis.plot(track.time_s, track.azimuth_deg, ".", markersize=4, label="azimuth of the sound")
    for time_s in heading.lost_s:
        axis.axvline(time_s, color="tab:red", linewidth=1, alpha=0.5)
    axis.set(title=title, xlabel="time, s", ylabel="degrees\nright  -    +  left", ylim=(-185, 185), yticks=range(-180, 181, 60))
    axis.grid(alpha=0.3)
    axis.legend(fontsize=8)
    figure.savefig(path, dpi=110)
