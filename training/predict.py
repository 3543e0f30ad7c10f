"""Tell from two pictures how far a camera turned, and from a recording with two ears where a sound is; a video has both.

    python -m training.predict before.jpg after.jpg                 how far the camera turned, by the pretrained networks
    python -m training.predict street.wav                           azimuth of the sound over time
    python -m training.predict runs/slfm before.jpg after.jpg       the same with the networks of your own run
    python -m training.predict runs/slfm a.jpg b.jpg --hfov 74 --picture turn.png
    python -m training.predict runs/slfm street.wav                 azimuth of the sound over time
    python -m training.predict runs/slfm street.flac --every 0.5 --out tracks/
    python -m training.predict runs/slfm walk.mp4 --hfov 66         heading and azimuth over time, and an annotated copy

Two pictures of one place: prints the turn in degrees, left positive, or "cannot tell" where they share too little and the run is
calibrated (python -m training.calibrate). Their field of view is that of --hfov, else of the EXIF data, else it is guessed; they
are cropped to the proportions and the field of view trained on. --picture writes both side by side with the turn.
One sound with two channels, left ear first (--swap-ears: right ear first), of any rate and length: prints azimuths, levels and
directions, and writes <sound>-azimuth.csv and .png. Azimuths are degrees in (-180, 180], left positive, if the run includes the
stage front-back; otherwise in [-90, 90], a sound behind at its mirror image in front. The output states the range.
One video (needs PyAV: pip install av): prints headings relative to the first frame and, where it has two channels of sound,
azimuths; writes <video>-heading.csv and .png, the sound's files, and <video>-annotated.mp4.
Notes on the files go to standard error. RUN is the folder of a run, or a checkpoint (runs/slfm/supervised.pt); without it, the
pretrained networks are used (training/models/README.md).
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Iterable, Sequence
from pathlib import Path

import torch

from dataset.command import exit_status, output_argument
from training.errors import InputError
from training.evaluation.learned import Learned, load_predictor
from training.models import PRETRAINED
from training.prediction.lens import NARROWEST_DEG, WIDEST_DEG
from training.prediction.pictures import read_picture
from training.prediction.sounds import SHORTEST_S, SoundFile, read_sound
from training.prediction.track import QUIET_DB, Track, follow, follow_blocks, write_table
from training.prediction.track_report import describe_azimuths, draw, write_track
from training.prediction.turn import checked_sign, describe_turn, find_turn, read_pair, turn_text
from training.prediction.turn_picture import draw_turn
from training.prediction.video_file import SUFFIXES, VideoFile
from training.prediction.video_report import describe_video

__all__ = [
    "QUIET_DB",
    "SHORTEST_S",
    "Track",
    "checked_sign",
    "describe_azimuths",
    "describe_turn",
    "draw",
    "follow",
    "main",
    "read_picture",
    "read_sound",
    "write_table",
]


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command; return the exit status: 0 done, 2 wrong use or input."""
    parser = argparse.ArgumentParser(
        prog="python -m training.predict", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument(
        "files",
        metavar="[RUN] FILE",
        type=Path,
        nargs="+",
        help="a run or checkpoint, then two pictures, one binaural sound, or one video",
    )
    parser.add_argument("--hfov", type=float, metavar="DEG", help="horizontal field of view of pictures or video; default: EXIF")
    parser.add_argument("--picture", type=Path, metavar="FILE", help="write both pictures with the turn into this image file")
    parser.add_argument("--every", type=float, default=0.1, metavar="S", help="seconds between moments; default %(default)s")
    parser.add_argument("--swap-ears", action="store_true", help="the first channel is the right ear")
    parser.add_argument("--plot", type=Path, metavar="FILE", help="file of the plot; default: <sound>-azimuth.png in --out")
    parser.add_argument(
        "--out",
        type=output_argument,
        default=Path(),
        metavar="DIR",
        help="folder for table and plot; default: the current folder",
    )
    options = parser.parse_args(argv)
    options.run, options.files = split_run(options.files)
    if not 1 <= len(options.files) <= 2:
        parser.error(f"{len(options.files)} files are given; two pictures, one sound or one video are expected")
    return exit_status(lambda: _predict(options))


def split_run(paths: Sequence[Path]) -> tuple[Path, list[Path]]:
    """Return the run, or the pretrained networks where none is named, and the files: a run is a folder or ends with .pt."""
    first, *others = paths
    return (first, others) if first.is_dir() or first.suffix in ("", ".pt") else (PRETRAINED, list(paths))


def _predict(options: argparse.Namespace) -> int:
    learned = load_predictor(options.run, "cuda" if torch.cuda.is_available() else "cpu", options.run.stem)
    if options.hfov is not None and not NARROWEST_DEG <= options.hfov <= WIDEST_DEG:
        raise InputError(f"--hfov is {options.hfov:g}; expected {NARROWEST_DEG:g} to {WIDEST_DEG:g} degrees")
    if len(options.files) == 2:
        print(_turn(learned, options))
    elif options.files[0].suffix.lower() in SUFFIXES:
        video = VideoFile(options.files[0], options.swap_ears)
        text, notes = describe_video(learned, video, options.every, options.out, options.hfov)
        _note(notes)
        print(text)
    else:
        print(_azimuths(learned, options))
    return 0


def _turn(learned: Learned, options: argparse.Namespace) -> str:
    before, after = options.files
    sign = checked_sign(options.run)
    first, second = read_pair(learned, before, after, options.hfov)
    turn = find_turn(learned, first, second)
    _note(turn.notes)
    if options.picture:
        try:
            draw_turn(options.picture, first, second, turn, (before.name, after.name))
        except (OSError, ValueError) as error:
            why = getattr(error, "strerror", None) or str(error).splitlines()[0]
            raise InputError(f"--picture {options.picture} cannot be written ({why}); name a .png file elsewhere") from None
    return turn_text(turn, sign, before, after, options.run != PRETRAINED)


def _azimuths(learned: Learned, options: argparse.Namespace) -> str:
    (path,) = options.files
    sound = SoundFile(path, options.swap_ears)
    track = follow_blocks(learned, sound, options.every)
    _note(sound.levels.notes(path))
    return write_track(learned, track, path, options.out, options.plot)


def _note(notes: Iterable[str]) -> None:
    for note in notes:
        print(f"note: {note}", file=sys.stderr)


if __name__ == "__main__":
    sys.exit(main())
