"""Render a data set from 3D scenes and mono clips.

    python -m simulator.render --scenes scenes/
    python -m simulator.render --scenes house.glb --clips LibriSpeech/ --sources 2 --sets 100 --out data/house
    python -m simulator.render --scenes scenes/ --motion walk --fps 10 --duration 10 --sources 2 --out data/walks
    python -m simulator.render --scenes scenes/ --dry-run

Each set is one listener in a scene: several views (RGB, depth, instances) with different headings, the binaural room
impulse responses from each source to both ears in every view, and the binaural audio of the clips. Sets are written to
HDF5 shards, `manifest.json` last. Running the same command again renders what is missing and skips what is finished.

Exit status: 0 complete; 1 incomplete: scenes, clips or sets listed at the end are missing; 2 wrong use; 130 interrupted.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from contextlib import closing
from pathlib import Path
from typing import NoReturn

from dataset.command import exit_status, path_argument, place_argument
from dataset.interrupts import check
from simulator.config import CAMERAS, ENGINES, MOTIONS, POSES, QUALITIES, SOURCE_MOTIONS, WALK, Settings, with_options
from simulator.engines.soundspaces import CREDIT, check_engine
from simulator.errors import InputError, unwritable
from simulator.habitat.session import load_engine
from simulator.loaders.load import find_scenes
from simulator.receivers.array_files import find_array
from simulator.run.clips import find_clips
from simulator.run.cluster import cores, render_here, render_with_ray
from simulator.run.dry_run import describe_plan
from simulator.run.hrtfs import find_hrtfs
from simulator.run.output_folder import output_folder, scratch_folder
from simulator.run.pose_files import posed, read_poses
from simulator.run.progress import progress_bar
from simulator.run.record import record, summary
from simulator.run.shard_plan import Plan, make_plan
from simulator.run.simulate import Inputs
from simulator.run.worker import ShardReport


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command line and return the exit status."""
    options = _parser().parse_args(argv)
    return exit_status(lambda: _run(options))


def _run(options: argparse.Namespace) -> int:
    """Plan and render, or describe the plan, and return the exit status."""
    settings = _settings(options)
    if options.address:
        _make_absolute(options)
    if settings.acoustics.engine == "soundspaces":
        check_engine()
        print(f"note: {CREDIT}", file=sys.stderr)
    if settings.camera.engine == "habitat":
        load_engine()  # if it is missing, it is missing for every scene
    clips, scenes = find_clips(options.clips), find_scenes(options.scenes)
    poses = read_poses(options.poses, scenes, clips.names) if options.poses else None
    settings = posed(settings, poses) if poses else settings
    array = find_array(options.receiver) if options.receiver else None
    if array and settings.acoustics.engine == "soundspaces":
        raise InputError("acoustics is soundspaces, which knows ears only; leave out --receiver, or use --acoustics raytrace")
    inputs = Inputs(clips, find_hrtfs(options.hrtf), options.materials, poses, array)
    address = options.out if isinstance(options.out, str) else ""
    out = scratch_folder(address) if address else options.out
    if options.dry_run:
        plan = make_plan(scenes, out, settings, inputs, address)
        print(describe_plan(plan, max(1, cores() if options.workers is None else options.workers)))
        return 0
    with output_folder(out):
        return _render(make_plan(scenes, out, settings, inputs, address), options.workers, options.address)


def _make_absolute(options: argparse.Namespace) -> None:
    """Resolve relative paths in this folder: the processes of an existing cluster run in folders of their own."""
    for name in ("scenes", "hrtf"):
        setattr(options, name, [path.absolute() for path in getattr(options, name)])
    for name in ("out", "clips", "materials", "receiver"):
        value = getattr(options, name)
        if isinstance(value, Path) and (name != "receiver" or value.is_file()):
            setattr(options, name, value.absolute())


def _render(plan: Plan, workers: int | None, address: str | None) -> int:
    """Render missing shards, write the manifest, print the summary and return the exit status."""
    reports: list[ShardReport] = []
    try:
        _render_missing(plan, workers, address, reports)
    except KeyboardInterrupt:
        kept = sum(not r.failure for r in reports)
        raise KeyboardInterrupt(
            f"interrupted: {kept} shards finished and kept; run the same command again for the rest"
        ) from None
    try:
        manifest = record(plan, reports)
    except OSError as error:
        raise unwritable(plan.name, error) from None
    text, complete = summary(plan, reports, manifest)
    print(text)
    return 0 if complete else 1


def _render_missing(plan: Plan, workers: int | None, address: str | None, reports: list[ShardReport]) -> None:
    """Render the missing shards under a progress bar; their reports are appended to `reports`."""
    if not plan.todo:
        return
    for shard in plan.todo:
        if shard.path in plan.damaged:
            print(f"warning: {plan.damaged[shard.path]}; it is rendered again", file=sys.stderr)
    with progress_bar(sum(s.asked for s in plan.todo)) as bar:

        def on_progress(sets: int) -> None:
            if bar.n == 0 < sets:
                bar.set_description("render", refresh=False)
            bar.update(max(0, sets - bar.n))  # a lost worker's sets are rendered again

        if workers == 0:
            rendering = render_here(plan, on_progress)
        else:
            rendering = render_with_ray(plan, workers, address, on_progress)
        warned = set()
        with closing(rendering):
            for report in rendering:
                reports.append(report)
                if report.failure and report.failure not in warned:
                    bar.write(f"warning: {report.failure}", file=sys.stderr)
                    warned.add(report.failure)
    check()


def _settings(options: argparse.Namespace) -> Settings:
    given = [f"--{name}" for name in ("sets", "views", "sources", "motion") if getattr(options, name) is not None]
    if options.poses and given:
        raise InputError(f"--poses determines sets, views, sources and positions; leave out {', '.join(given)}")
    values = {
        "seed": options.seed,
        "sets": options.sets,
        "views": options.views,
        "sources": options.sources,
        "scale": options.scale,
        "sampling.motion": options.motion,
        "motion.fps": options.fps,
        "motion.sources": options.source_motion,
        "clips.stretch_s": options.duration,
        "camera.engine": options.camera,
        "camera.panorama_px": options.panorama,
        "acoustics.engine": options.acoustics,
        "acoustics.quality": options.quality,
    }
    settings = with_options({key: value for key, value in values.items() if value is not None}, options.set)
    if settings.sampling.motion != WALK and (options.fps is not None or options.source_motion is not None):
        raise InputError(f"--fps and --source-motion are for --motion walk; the motion is {settings.sampling.motion}")
    if settings.sampling.motion == POSES:
        raise InputError("setting motion is poses, which --poses FILE sets")
    return settings


class _Parser(argparse.ArgumentParser):
    def error(self, message: str) -> NoReturn:
        """Print the mistake in one line, without the usage."""
        self.exit(2, f"error: {message}; see --help\n")


def _parser() -> argparse.ArgumentParser:
    parser = _Parser(prog="python -m simulator.render", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    _add_content(parser)
    _add_engines(parser)
    _add_run(parser)
    return parser


def _add_content(parser: argparse.ArgumentParser) -> None:
    """Add the options of what is rendered: scenes, clips and sets."""
    add = parser.add_argument
    add(
        "--scenes",
        type=path_argument,
        nargs="+",
        required=True,
        metavar="PATH",
        help="folders (searched recursively) or files: .glb .gltf .ply .obj, in metres, +Y up",
    )
    add(
        "--clips",
        type=path_argument,
        metavar="DIR",
        help="folder of wav, flac, ogg or mp3 at any rate (searched recursively); default: the bundled clips",
    )
    add(
        "--out",
        type=place_argument,
        default=Path("data/slfm"),
        metavar="DIR",
        help="folder of the data set, or an address such as s3://bucket/set; default %(default)s",
    )
    add("--sets", type=int, metavar="N", help="sets per scene; default 32")
    add("--views", type=int, metavar="N", help="views per set; default 4")
    add("--sources", type=int, metavar="N", help="sources per set; default 1")
    _add_motion(parser)
    add(
        "--poses",
        type=path_argument,
        metavar="FILE",
        help="JSON or CSV with listeners, headings and sources of every set, instead of drawn ones; see docs/motion.md",
    )
    add(
        "--scale",
        type=float,
        default=1.0,
        metavar="FACTOR",
        help="factor from the unit of the scene files to metres, such as 0.01 for centimetres; default 1",
    )
    add(
        "--seed",
        type=int,
        default=0,
        metavar="N",
        help="random seed; the same seed yields the same bytes of every field; default %(default)s",
    )


def _add_motion(parser: argparse.ArgumentParser) -> None:
    """Add the options of positions over time."""
    add = parser.add_argument
    add(
        "--motion",
        choices=MOTIONS,
        help="positions of a set's views: one for all (rotation), within 0.25 m of the first (nearby), or within 2 m (free); or "
        "a walk with one recording, see docs/motion.md; default rotation",
    )
    add("--fps", type=float, metavar="N", help="with --motion walk: pictures a second; default 10")
    add(
        "--duration",
        type=float,
        metavar="SECONDS",
        help="length of each source's sound, and of a walk; default 7.65 (the setting clips.stretch_s)",
    )
    add("--source-motion", choices=SOURCE_MOTIONS, help="with --motion walk: whether sources stand (none) or walk; default none")


def _add_engines(parser: argparse.ArgumentParser) -> None:
    """Add the options of how pictures and sounds are computed."""
    add = parser.add_argument
    add(
        "--camera",
        choices=CAMERAS,
        default="embree",
        help="renderer of the views: Embree, or habitat-sim where it is installed; default %(default)s",
    )
    add(
        "--panorama",
        type=int,
        nargs="?",
        const=512,
        metavar="HEIGHT",
        help="also store an equirectangular picture, distances and instances around each position; HEIGHT in pixels, default 512",
    )
    add("--acoustics", choices=ENGINES, default="raytrace", help="engine of the sound, see docs/engines.md; default %(default)s")
    add(
        "--quality",
        choices=QUALITIES,
        default="standard",
        help="accuracy of the sound: rays are traced until the standard deviation of T30 is 5, 2.5 or 0.4 %%, or a limit of rays "
        "is reached; default %(default)s",
    )
    add(
        "--hrtf",
        type=path_argument,
        nargs="+",
        default=(),
        metavar="PATH",
        help="SOFA files (SimpleFreeFieldHRIR) with the ears' responses, or folders of them (searched recursively); of several "
        "files, one is drawn for each scene; default: MIT KEMAR. The size of the head is the setting receivers.head_scale",
    )
    add(
        "--receiver",
        type=path_argument,
        metavar="FILE",
        help="TOML file of a microphone array, or an example (tetrahedral, ring, glasses), beside the ears; see docs/motion.md",
    )
    add(
        "--materials",
        type=path_argument,
        metavar="FILE",
        help="TOML or JSON: material names and rules on top of the bundled ones (simulator/assets/materials.toml)",
    )


def _add_run(parser: argparse.ArgumentParser) -> None:
    """Add the options of the run, and further settings."""
    add = parser.add_argument
    add("--workers", type=_count, metavar="N", help="worker processes; default: one per core; 0 = in this process, without Ray")
    add(
        "--address",
        metavar="ADDR",
        help="address of an existing Ray cluster; --out must then be an address, or on a file system that all its machines share",
    )
    add(
        "--set",
        action="append",
        default=[],
        metavar="KEY=VALUE",
        help="any other setting of simulator/config.py, such as sampling.min_overlap=0.3 or camera.width_px=640; settings of the "
        "camera and receivers.head_scale may be ranges, camera.hfov_deg=45..90: one value is drawn for each set; may be repeated",
    )
    add(
        "--dry-run",
        action="store_true",
        help="print the plan (scenes and their acoustic materials, shards, bytes, time) and write nothing",
    )


def _count(text: str) -> int:
    if not text.isdecimal():
        raise argparse.ArgumentTypeError(f"{text!r} is not a number of processes; use 0 or more")
    return int(text)


if __name__ == "__main__":
    sys.stdout.reconfigure(errors="backslashreplace")  # type: ignore[union-attr]  # paths need not be UTF-8
    sys.exit(main())
