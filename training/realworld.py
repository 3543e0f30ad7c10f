"""Evaluate a trained run in measured rooms and on panoramic photographs of your own.

    python -m training.realworld runs/slfm --brirs rooms/ --panoramas photographs/
    python -m training.realworld runs/slfm --brirs room.sofa --clips speech/

Rooms are two-ear impulse responses: SOFA files of the conventions SimpleFreeFieldHRIR, SingleRoomSRIR (with two receivers) or
MultiSpeakerBRIR, or WAV or FLAC files named by a CSV table with the columns file, azimuth_deg (relative to the head, left
positive) and optionally room, elevation_deg and distance_m. Which channel is the left ear is read off the responses. Dry clips
are convolved with the responses, and the loudest part as long as the run's clips is used. Panoramas are equirectangular pictures
of the whole sphere, 2:1; pinhole views with known turns are cut from them.
Writes report.md with plots, report.json and summary.md into --out. Nothing is trained or selected on these data. RUN is the
folder of a run, or a checkpoint in it.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path

import torch

from dataset.command import exit_status, output_argument
from training.data.clips import BUNDLED, SUFFIXES, find_clips
from training.data.decode import RATE_HZ
from training.errors import InputError
from training.evaluation.examples import ExampleSettings
from training.evaluation.learned import Learned, load_run
from training.real.measure import PICTURE_SWEEPS, SOUND_SWEEPS, Measured, measure_panoramas, measure_rooms
from training.real.panorama_pairs import ViewSettings
from training.real.panoramas import find_panoramas
from training.real.report import write_real_report
from training.real.room_files import find_rooms

VIEW_WIDTH_PX = 320


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command; return the exit status: 0 done, 2 wrong use or input."""
    options = _parser().parse_args(argv)
    return exit_status(lambda: _run(options))


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m training.realworld", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("run", metavar="RUN", type=Path, help="folder of a run, or a checkpoint in it")
    parser.add_argument("--brirs", type=Path, metavar="DIR", help="folder of .sofa files or a .csv table, or one such file")
    parser.add_argument("--panoramas", type=Path, metavar="DIR", help="folder of equirectangular pictures, or one picture")
    parser.add_argument("--clips", type=Path, metavar="DIR", help="folder of dry sounds; default: those of the project")
    parser.add_argument(
        "--out", type=output_argument, metavar="DIR", help="folder of the report; default: real/ in the run's folder"
    )
    parser.add_argument("--hfov", type=float, default=60.0, metavar="DEG", help="field of view of the views; default %(default)s")
    parser.add_argument("--pitch", type=float, default=-22.5, metavar="DEG", help="pitch of the views; default %(default)s")
    parser.add_argument("--pairs", type=int, default=4, metavar="N", help="pairs of each panorama; default %(default)s")
    parser.add_argument("--sounds", type=int, default=200, metavar="N", help="most sounds of each room; default %(default)s")
    parser.add_argument(
        "--max-elevation", type=float, default=20.0, metavar="DEG", help="leave out sources further above or below; default 20"
    )
    parser.add_argument("--seed", type=int, default=0, help="draw of headings, turns and clips; default %(default)s")
    parser.add_argument("--no-sweeps", action="store_true", help="only the camera and the sounds named, nothing harder")
    parser.add_argument("--quiet", action="store_true", help="print no progress")
    return parser


def _run(options: argparse.Namespace) -> int:
    _check(options)
    predictors = load_run(options.run, "cuda" if torch.cuda.is_available() else "cpu")
    azimuth = _rooms(options, predictors) if options.brirs else None
    rotation = _panoramas(options, predictors) if options.panoramas else None
    out = options.out or (options.run if options.run.is_dir() else options.run.parent) / "real"
    try:
        write_real_report(out, options.run.name, rotation, azimuth)
    except OSError as error:
        raise InputError(f"{error.filename or out} cannot be written ({error.strerror}); use another --out") from None
    print(out / "report.md")
    return 0


def _check(options: argparse.Namespace) -> None:
    """Raise InputError for options out of range."""
    rules = [
        (options.brirs or options.panoramas, "neither --brirs nor --panoramas is given; name measured rooms, panoramas or both"),
        (1 <= options.hfov <= 150, f"--hfov is {options.hfov:g}; expected 1 to 150 degrees"),
        (-90 <= options.pitch <= 90, f"--pitch is {options.pitch:g}; expected -90 to 90 degrees"),
        (options.pairs >= 1, f"--pairs is {options.pairs}; expected 1 or more"),
        (options.sounds >= 1, f"--sounds is {options.sounds}; expected 1 or more"),
        (0 <= options.max_elevation <= 90, f"--max-elevation is {options.max_elevation:g}; expected 0 to 90 degrees"),
        (options.seed >= 0, f"--seed is {options.seed}; expected 0 or more"),
    ]
    for holds, message in rules:
        if not holds:
            raise InputError(message)


def _rooms(options: argparse.Namespace, predictors: Sequence[Learned]) -> Measured:
    folder = options.clips or BUNDLED
    clips = find_clips(folder)
    if not clips:
        raise InputError(f"--clips {folder} holds no sounds ({', '.join(SUFFIXES)}); name a folder of dry, mono clips")
    rooms = [room.level(options.max_elevation) for room in find_rooms(options.brirs, RATE_HZ)]
    empty = [room.name for room in rooms if not len(room)]
    rooms = [room for room in rooms if len(room)]
    if not rooms:
        raise InputError(f"--brirs {options.brirs}: no source within --max-elevation {options.max_elevation:g} degrees; raise it")
    for note in (*(note for room in rooms for note in room.notes), *(f"room {n} has no level source" for n in empty)):
        print(f"note: {note}", file=sys.stderr)
    settings = ExampleSettings(predictors[0].settings.sound.clip_s)
    sweeps = () if options.no_sweeps else SOUND_SWEEPS
    return measure_rooms(
        predictors, rooms, clips, RATE_HZ, settings, options.sounds, options.seed, sweeps, progress=not options.quiet
    )


def _panoramas(options: argparse.Namespace, predictors: Sequence[Learned]) -> Measured:
    picture = predictors[0].settings.picture
    height = round(VIEW_WIDTH_PX * picture.height_px / picture.width_px)
    views = ViewSettings(options.hfov, options.pitch, VIEW_WIDTH_PX, height, per_panorama=options.pairs)
    sweeps = () if options.no_sweeps else PICTURE_SWEEPS
    panoramas = find_panoramas(options.panoramas)
    return measure_panoramas(predictors, panoramas, views, options.seed, sweeps, progress=not options.quiet)


if __name__ == "__main__":
    sys.exit(main())
