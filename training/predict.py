"""Apply a trained run to two pictures or one sound.

    python -m training.predict runs/slfm before.jpg after.jpg       how far the camera turned from one picture to the other
    python -m training.predict runs/slfm street.wav                 azimuth of the sound over time
    python -m training.predict runs/slfm street.flac --every 0.5 --out tracks/

Two pictures of one place: prints the turn in degrees, left positive. They should come from a camera like the one trained on
(60 degrees wide and pitched 22.5 degrees down, if the data set was rendered with defaults); they are cropped to its aspect
ratio. One sound with two channels, left ear first, of any rate: prints azimuths, and writes <sound>-azimuth.csv and .png.
Azimuths are degrees in (-180, 180], left positive, if the run includes the stage front-back; otherwise in [-90, 90], a sound
behind at its mirror image in front. The output states the range.
RUN is the folder of a run, or a checkpoint in it (runs/slfm/supervised.pt).
"""

from __future__ import annotations

import argparse
import csv
import json
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import soundfile
import soxr
import torch
from matplotlib.figure import Figure
from PIL import Image, ImageOps

from dataset.command import exit_status
from training.baselines.azimuth import gcc_phat_azimuth
from training.data.preload import RATE_HZ
from training.errors import InputError
from training.evaluation.learned import Learned, load_predictor

SHORTEST_S = 0.1
"""Shorter sounds are refused."""
QUIET_DB = 40.0
"""Moments this far below the loudest have no azimuth."""
BATCH = 64
LINES = 20
"""Moments printed, at most; all are in the table."""


@dataclass(frozen=True)
class Track:
    """Azimuths and levels at M moments."""

    time_s: np.ndarray
    """(M,) middle of each moment."""
    azimuth_deg: np.ndarray
    """(M,) in (-180, 180], left positive; in [-90, 90] without the stage front-back; NaN in quiet moments."""
    gcc_phat_deg: np.ndarray
    """(M,) the same from the delay between the ears, without learning."""
    level_db: np.ndarray
    """(M, 2) of the left and right ear, relative to full scale."""


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command; return the exit status: 0 done, 2 wrong use or input."""
    parser = argparse.ArgumentParser(
        prog="python -m training.predict", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("run", metavar="RUN", type=Path, help="folder of a run, or a checkpoint in it")
    parser.add_argument("files", metavar="FILE", type=Path, nargs="+", help="two pictures, or one binaural sound")
    parser.add_argument("--every", type=float, default=0.1, metavar="S", help="seconds between moments; default %(default)s")
    parser.add_argument(
        "--out", type=Path, default=Path(), metavar="DIR", help="folder for table and plot; default: the current folder"
    )
    options = parser.parse_args(argv)
    if len(options.files) > 2:
        parser.error(f"{len(options.files)} files are given; two pictures or one sound are expected")
    return exit_status(lambda: _predict(options))


def _predict(options: argparse.Namespace) -> int:
    learned = load_predictor(options.run, "cuda" if torch.cuda.is_available() else "cpu", options.run.stem)
    if len(options.files) == 2:
        print(describe_turn(learned, checked_sign(options.run), *options.files))
    else:
        print(describe_azimuths(learned, options.files[0], options.every, options.out))
    return 0


def describe_turn(learned: Learned, sign: dict[str, Any] | None, before: Path, after: Path) -> str:
    """Return a text with the turn between two picture files and the check of the run's sign."""
    size = learned.settings.picture
    first, second = (read_picture(path, size.width_px / size.height_px)[None] for path in (before, after))
    turn = float(learned.rotation(first, second)[0])
    side = "left" if turn > 0 else "right"
    answer = f"{after} is turned {abs(turn):.1f} degrees to the {side} of {before} ({turn:+.1f}; left is positive)"
    if sign is None:
        return f"{answer}\nthe run has no report of this checkpoint: the sign (left or right) is not checked"
    verdict = "agrees with" if sign["right"] else "CONTRADICTS"
    return (
        f"{answer}\nthe run's sign {verdict} the true turns of {sign['pairs']} validation pairs: mean error "
        f"{sign['mean_deg_kept']:.1f} degrees, {sign['mean_deg_turned']:.1f} with the other sign"
    )


def checked_sign(run: Path) -> dict[str, Any] | None:
    """Return the check of the rotation sign of a run or checkpoint from the run's report; None without a report."""
    report = (run if run.is_dir() else run.parent) / "report.json"
    if not report.is_file():
        return None
    try:
        rotation = json.loads(report.read_text())["rotation"]
        signs, method = rotation["signs"], rotation["method"]
        before = f"{method} before front-back"
        name = {"slfm": before if before in signs else method, "supervised": "supervised"}.get(run.stem, method)
        return signs.get(method if run.is_dir() else name)
    except (ValueError, KeyError, TypeError, AttributeError):
        raise InputError(f"{report} is damaged; run python -m training.run again to write it") from None


def describe_azimuths(learned: Learned, path: Path, every_s: float, out: Path) -> str:
    """Return a text with azimuths over time; write <name>-azimuth.csv and <name>-azimuth.png into `out`."""
    sound = read_sound(path)
    track = follow(learned, sound, every_s)
    table, plot = (out / f"{path.stem}-azimuth{suffix}" for suffix in (".csv", ".png"))
    try:
        out.mkdir(parents=True, exist_ok=True)
        write_table(table, track)
        draw(plot, track, path.name, learned)
    except OSError as error:
        raise InputError(f"{error.filename or out} cannot be written ({error.strerror}); use another --out") from None
    audible = np.isfinite(track.azimuth_deg)
    shown = np.arange(0, len(audible), -(-len(audible) // LINES))
    lines = [f"{'time, s':>8} {'azimuth':>8} {'GCC-PHAT':>9}"]
    lines += [f"{track.time_s[k]:8.2f} {_degrees(track.azimuth_deg[k]):>8} {_degrees(track.gcc_phat_deg[k]):>9}" for k in shown]
    seconds = f"{sound.shape[-1] / RATE_HZ:.2f} s, {len(audible)} moments of {learned.clip / RATE_HZ:g} s"
    quiet = f", of which {int((~audible).sum())} are quiet" if not audible.all() else ""
    mean = f"mean direction {_mean_direction(track.azimuth_deg[audible]):+.1f} degrees (left is positive; {_range(learned)})"
    return "\n".join([f"{path}: {seconds}{quiet}; {mean}", *lines, f"all moments: {table}, {plot}"])


def _mean_direction(azimuth_deg: np.ndarray) -> float:
    """Return the direction of the mean of unit vectors, degrees."""
    angle = np.deg2rad(azimuth_deg)
    return float(np.rad2deg(np.arctan2(np.sin(angle).mean(), np.cos(angle).mean())))


def _range(learned: Learned) -> str:
    return "full circle, beyond 90 is behind" if learned.full_circle else "front only: a sound behind appears at its mirror image"


def read_picture(path: Path, aspect: float) -> np.ndarray:
    """Read a picture upright as (H, W, 3) uint8, cropped at its centre to width / height = aspect."""
    try:
        with Image.open(_present(path)) as file:
            picture = np.asarray(ImageOps.exif_transpose(file).convert("RGB"))
    except (OSError, ValueError, SyntaxError, Image.DecompressionBombError) as error:
        raise InputError(f"{path} is not a readable picture ({_reason(error)}); two PNG or JPEG files are expected") from None
    height, width = picture.shape[:2]
    wide, high = min(width, round(height * aspect)), min(height, round(width / aspect))
    top, left = (height - high) // 2, (width - wide) // 2
    return picture[top : top + high, left : left + wide]


def read_sound(path: Path) -> np.ndarray:
    """Read a binaural sound of any rate as (2, L) float32 at RATE_HZ, ears (left, right)."""
    try:
        sound, rate = soundfile.read(_present(path), dtype="float32", always_2d=True)
    except (OSError, soundfile.SoundFileError) as error:
        raise InputError(f"{path} is not a readable sound ({_reason(error)}); a WAV or FLAC file is expected") from None
    if sound.shape[1] != 2:
        found = "1 channel (mono)" if sound.shape[1] == 1 else f"{sound.shape[1]} channels"
        raise InputError(f"{path} has {found}; direction needs two ears: use a recording with 2 channels, left and right")
    if len(sound) < SHORTEST_S * rate:
        raise InputError(f"{path} lasts {len(sound) / rate:.3f} s; {SHORTEST_S:g} s or more are needed")
    if not np.isfinite(sound).all() or not sound.any():
        raise InputError(f"{path} is silent or has values that are not finite; use an audible sound")
    return np.ascontiguousarray(soxr.resample(sound, rate, RATE_HZ, quality="VHQ").T)


def follow(learned: Learned, sound: np.ndarray, every_s: float) -> Track:
    """Predict the azimuth of a sound (2, L) float32 at RATE_HZ at moments `every_s` apart, each a training clip long."""
    if not 1 / RATE_HZ <= every_s < np.inf:
        raise InputError(f"--every is {every_s:g}; seconds above 0 are expected")
    clip = min(learned.clip, sound.shape[-1])
    pieces = np.lib.stride_tricks.sliding_window_view(sound, clip, axis=-1)[:, :: round(every_s * RATE_HZ)].swapaxes(0, 1)
    power = np.concatenate([np.mean(part.astype(np.float64) ** 2, -1) for part in _parts(pieces)])
    learned_deg = np.concatenate([learned.azimuth(part, RATE_HZ) for part in _parts(pieces)]).astype(float)
    delay_deg = np.concatenate([gcc_phat_azimuth(part, RATE_HZ) for part in _parts(pieces)])
    quiet = power.sum(1) < 10 ** (-QUIET_DB / 10) * power.sum(1).max()
    learned_deg[quiet], delay_deg[quiet] = np.nan, np.nan
    time_s = (np.arange(len(pieces)) * round(every_s * RATE_HZ) + clip / 2) / RATE_HZ
    return Track(time_s, learned_deg, delay_deg, 10 * np.log10(np.maximum(power, 1e-12)))


def write_table(path: Path, track: Track) -> None:
    """Write a track as CSV; quiet moments have no azimuth."""
    with path.open("w", newline="") as file:
        table = csv.writer(file)
        table.writerow(["time_s", "azimuth_deg", "gcc_phat_deg", "level_left_db", "level_right_db"])
        for time, azimuth, delay, level in zip(track.time_s, track.azimuth_deg, track.gcc_phat_deg, track.level_db, strict=True):
            angles = ("" if np.isnan(a) else f"{a:.2f}" for a in (azimuth, delay))
            table.writerow([f"{time:.4f}", *angles, *(f"{x:.2f}" for x in level)])


def draw(path: Path, track: Track, title: str, learned: Learned) -> None:
    """Draw azimuth and levels over time, left above, into a PNG file."""
    figure = Figure((9, 5), layout="constrained")
    above, below = figure.subplots(2, 1, sharex=True, height_ratios=(3, 1))
    above.plot(track.time_s, track.gcc_phat_deg, ".", color="0.6", markersize=4, label="GCC-PHAT (no training)")
    above.plot(track.time_s, track.azimuth_deg, "o-", markersize=4, linewidth=1, label=learned.name)
    above.axhline(0, color="0.8", linewidth=1, zorder=0)
    reach = 180 if learned.full_circle else 90
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


def _parts(pieces: np.ndarray) -> list[np.ndarray]:
    return [pieces[k : k + BATCH].copy() for k in range(0, len(pieces), BATCH)]


def _degrees(angle: float) -> str:
    return "quiet" if np.isnan(angle) else f"{angle:+.1f}"


def _present(path: Path) -> Path:
    if not path.is_file():
        raise InputError(f"{path} is missing or not a file; two pictures or one sound are expected after RUN")
    return path


def _reason(error: Exception) -> str:
    own = getattr(error, "strerror", None) or getattr(error, "error_string", None)
    return (own or str(error).splitlines()[0]).rstrip(".")


if __name__ == "__main__":
    sys.exit(main())
