"""Render a data set from 3D scenes and mono clips.

    python -m simulator.render --scenes scenes/
    python -m simulator.render --scenes house.glb --clips LibriSpeech/ --sources 2 --sets 100 --out data/house
    python -m simulator.render --scenes scenes/ --dry-run

Each set is one listener in a scene: several views (RGB, depth, instances) turned against each other, the binaural room
impulse responses from each source to both ears in every view, and what the ears hear of the clips. Sets are written to
HDF5 shards, `manifest.json` last. Running the same command again finishes what is missing and skips what is done.

Exit status: 0 complete; 1 complete but for the scenes, clips or sets listed at the end; 2 wrong use.
"""

from __future__ import annotations

import argparse
import signal
import sys
import threading
from collections.abc import Iterator, Sequence
from contextlib import closing, contextmanager
from pathlib import Path
from typing import NoReturn

from dataset.errors import DatasetError
from simulator.config import CAMERAS, ENGINES, MOTIONS, QUALITIES, Settings, with_options
from simulator.engines.soundspaces import CREDIT, check_engine
from simulator.errors import InputError, unwritable
from simulator.habitat.session import load_engine
from simulator.loaders.load import find_scenes
from simulator.run.clips import find_clips
from simulator.run.cluster import cores, render_here, render_with_ray
from simulator.run.dry_run import describe_plan
from simulator.run.progress import progress_bar
from simulator.run.record import record, summary
from simulator.run.shard_plan import Plan, clear_parts, make_plan, prepare_folder
from simulator.run.simulate import Inputs
from simulator.run.worker import ShardReport

INTERRUPTED = 130


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command line; gives the exit status."""
    options = _parser().parse_args(argv)
    try:
        settings = _settings(options)
        if settings.acoustics.engine == "soundspaces":
            check_engine()
            print(f"note: {CREDIT}", file=sys.stderr)
        if settings.camera.engine == "habitat":
            load_engine()  # missing, it is missing for every scene
        inputs = Inputs(find_clips(options.clips), options.hrtf, options.materials)
        plan = make_plan(find_scenes(options.scenes), options.out, settings, inputs)
        if options.dry_run:
            print(describe_plan(plan, max(1, cores() if options.workers is None else options.workers)))
            return 0
        prepare_folder(options.out)
        return _render(plan, options.workers, options.address)
    except (InputError, DatasetError, OSError) as error:
        print(f"error: {error}", file=sys.stderr)
        return 2


def _render(plan: Plan, workers: int | None, address: str | None) -> int:
    """Render what is missing, write the manifest, and say how it went."""
    reports: list[ShardReport] = []
    try:
        with _sigterm_interrupts():
            _render_missing(plan, workers, address, reports)
    except KeyboardInterrupt:
        kept = sum(not r.failure for r in reports)
        print(f"\ninterrupted: {kept} shards finished and kept; run the same command again for the rest", file=sys.stderr)
        return INTERRUPTED
    finally:
        clear_parts(plan.out)
    try:
        manifest = record(plan, reports)
    except OSError as error:
        raise unwritable(plan.out, error) from None
    text, complete = summary(plan, reports, manifest)
    print(text)
    return 0 if complete else 1


def _render_missing(plan: Plan, workers: int | None, address: str | None, reports: list[ShardReport]) -> None:
    """Render the missing shards under a progress bar; `reports` grows as they are finished."""
    if not plan.todo:
        return
    with progress_bar(sum(s.asked for s in plan.todo)) as bar:

        def tell(sets: int) -> None:
            if bar.n == 0 < sets:
                bar.set_description("render", refresh=False)
            bar.update(sets - bar.n)

        if workers == 0:
            rendering = render_here(plan, tell)
        else:
            rendering = render_with_ray(plan, workers, address, tell)
        said = set()
        with closing(rendering):
            for report in rendering:
                reports.append(report)
                if report.failure and report.failure not in said:
                    bar.write(f"warning: {report.failure}", file=sys.stderr)
                    said.add(report.failure)


@contextmanager
def _sigterm_interrupts() -> Iterator[None]:
    """Let SIGTERM, which batch systems send, end the work as Ctrl-C does."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    before = signal.signal(signal.SIGTERM, signal.default_int_handler)
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, before)


def _settings(options: argparse.Namespace) -> Settings:
    return with_options(
        {
            "seed": options.seed,
            "sets": options.sets,
            "views": options.views,
            "sources": options.sources,
            "sampling.motion": options.motion,
            "camera.engine": options.camera,
            "acoustics.engine": options.acoustics,
            "acoustics.quality": options.quality,
        },
        options.set,
    )


class _Parser(argparse.ArgumentParser):
    def error(self, message: str) -> NoReturn:
        """Say what is wrong in one line, without the whole usage."""
        self.exit(2, f"error: {message}; see --help\n")


def _parser() -> argparse.ArgumentParser:
    parser = _Parser(prog="python -m simulator.render", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    add = parser.add_argument
    add(
        "--scenes",
        type=Path,
        nargs="+",
        required=True,
        metavar="PATH",
        help="folders (searched recursively) or files: .glb .gltf .ply .obj, in metres, +Y up",
    )
    add(
        "--clips",
        type=Path,
        metavar="DIR",
        help="folder of wav, flac, ogg or mp3 at any rate (searched recursively); default: the bundled clips",
    )
    add("--out", type=Path, default=Path("data/slfm"), metavar="DIR", help="folder of the data set; default %(default)s")
    add("--sets", type=int, default=32, metavar="N", help="sets a scene; default %(default)s")
    add("--views", type=int, default=4, metavar="N", help="views a set; default %(default)s")
    add("--sources", type=int, default=1, metavar="N", help="sources a set; default %(default)s")
    add(
        "--motion",
        choices=MOTIONS,
        default="rotation",
        help="views of one position (rotation), moved by up to 0.25 m (nearby), or up to 2 m apart (free); default %(default)s",
    )
    add("--seed", type=int, default=0, metavar="N", help="the same seed gives the same bytes; default %(default)s")
    add("--camera", choices=CAMERAS, default="embree", help="what renders the views; default %(default)s")
    add("--acoustics", choices=ENGINES, default="raytrace", help="what computes the sound; default %(default)s")
    add(
        "--quality",
        choices=QUALITIES,
        default="standard",
        help="accuracy of the sound: rays are traced until T30 is known to 5, 3 or 0.4 %%; default %(default)s",
    )
    add("--hrtf", type=Path, metavar="FILE", help="SOFA file (SimpleFreeFieldHRIR) of the ears; default: MIT KEMAR")
    add(
        "--materials",
        type=Path,
        metavar="FILE",
        help="TOML or JSON: material names and rules on top of the bundled ones (simulator/assets/materials.toml)",
    )
    add("--workers", type=_count, metavar="N", help="worker processes; default: one a core; 0 = in this process, without Ray")
    add("--address", metavar="ADDR", help="an existing Ray cluster; --out must then be a path that all its machines share")
    add(
        "--set",
        action="append",
        default=[],
        metavar="KEY=VALUE",
        help="any other setting of simulator/config.py, such as sampling.min_overlap=0.3 or camera.width_px=640; may be repeated",
    )
    add(
        "--dry-run",
        action="store_true",
        help="print the plan: scenes and their acoustic materials, shards, bytes, time; write nothing",
    )
    return parser


def _count(text: str) -> int:
    if not text.isdecimal():
        raise argparse.ArgumentTypeError(f"{text!r} is no number of processes; give 0 or more")
    return int(text)


if __name__ == "__main__":
    sys.exit(main())
