"""Convert a data set to WebDataset, SLfM's layout, videos or DCASE's layout, and SLfM's layout to a data set.

    python -m dataset.convert data/slfm --to webdataset --out data/tars        tars for streaming trainers
    python -m dataset.convert data/slfm --to slfm --out hm3d-4view-rotation    folders for the original SLfM code
    python -m dataset.convert data/walks --to video --out data/videos          MP4 with stereo sound, JSON of truths; needs PyAV
    python -m dataset.convert data/walks --to dcase --out data/seld            stereo SELD challenge: WAV, MP4, CSV; needs PyAV
    python -m dataset.convert --from slfm ProcessedData/hm3d-4view-rotation --lists data-split/hm3d-4view-rotation --out data/hm3d

SLfM's layout is scene/pair-NNNN/ with camera_{i}_rgb.png, metadata.json and binaural_rirs_direct|_indirect/. It has no dry
sound, binaural sound, clips, instances or metric depth: --from declares these fields absent, --to does not write them. --lists
names the folder of train.csv, val.csv and test.csv: the listed pairs are taken, in these splits. Without it all pairs are taken
and scenes are split 8:1:1. Repeat an interrupted command to resume it.
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from dataset.command import exit_status, output_argument, print_made
from dataset.errors import DatasetError
from dataset.layouts.dcase import to_dcase
from dataset.layouts.slfm_read import Layout, from_slfm
from dataset.layouts.slfm_write import to_slfm
from dataset.layouts.video import to_videos
from dataset.layouts.webdataset import to_tars

MOST_NAMED = 20


def main(argv: list[str] | None = None) -> int:
    """Run the command line; return the exit status: 1 where pairs were left out."""
    parser = argparse.ArgumentParser(
        prog="python -m dataset.convert", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("data", help="folder or address of the data set; with --from the folder that holds the scenes' folders")
    way = parser.add_mutually_exclusive_group(required=True)
    way.add_argument("--to", choices=("webdataset", "slfm", "video", "dcase"), help="layout to write")
    way.add_argument("--from", dest="source", choices=("slfm",), help="layout to read")
    parser.add_argument("--out", type=output_argument, required=True, help="folder to write; it must be new or empty")
    parser.add_argument("--lists", type=Path, metavar="DIR", help="with --from slfm: folder of train.csv, val.csv, test.csv")
    parser.add_argument(
        "--hfov-deg", type=float, default=Layout.hfov_deg, help="with --from slfm: horizontal field of view (default %(default)g)"
    )
    parser.add_argument(
        "--shard-sets", type=int, default=Layout.shard_sets, help="with --from slfm: sets per shard (default %(default)s)"
    )
    options = parser.parse_args(argv)
    return exit_status(lambda: _run(options))


def _run(options: argparse.Namespace) -> int:
    if options.source == "slfm":
        return _from_slfm(options)
    if options.lists is not None:
        raise DatasetError("--lists goes with --from slfm")
    if options.to == "slfm":
        pairs = to_slfm(options.data, options.out, progress=True)
        print(f"{options.out}: {pairs} pairs, and the lists of the splits in {options.out / 'data-split'}")
    elif options.to == "video":
        print(f"{options.out}: {to_videos(options.data, options.out, progress=True)} videos, each with a .json of truths")
    elif options.to == "dcase":
        print(f"{options.out}: {to_dcase(options.data, options.out, progress=True)} clips for the stereo SELD challenge")
    else:
        tars = to_tars(options.data, options.out, progress=True)["tars"]
        print(f"{options.out}: {sum(t['sets'] for t in tars)} sets in {len(tars)} tars")
    return 0


def _from_slfm(options: argparse.Namespace) -> int:
    if options.shard_sets < 1:
        raise DatasetError(f"--shard-sets is {options.shard_sets}; give 1 or more")
    if not 10 <= options.hfov_deg <= 150:
        raise DatasetError(f"--hfov-deg is {options.hfov_deg:g}; give 10 to 150")
    layout = Layout(Path(options.data), options.lists, options.hfov_deg, options.shard_sets)
    manifest, left_out = from_slfm(layout, options.out, progress=True)
    for line in left_out[:MOST_NAMED]:
        print(f"left out: {line}")
    if len(left_out) > MOST_NAMED:
        print(f"left out: {len(left_out) - MOST_NAMED} more; the manifest lists them")
    print_made(options.out, manifest)
    return 1 if left_out else 0


if __name__ == "__main__":
    sys.exit(main())
