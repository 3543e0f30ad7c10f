"""Turn a data set into the layouts of others, and theirs into ours.

    python -m dataset.convert data/slfm --to webdataset --out data/tars        tars for streaming trainers
    python -m dataset.convert data/slfm --to slfm --out hm3d-4view-rotation    folders for the original SLfM code
    python -m dataset.convert --from slfm ProcessedData/hm3d-4view-rotation --lists data-split/hm3d-4view-rotation --out data/hm3d

SLfM's layout is scene/pair-NNNN/ with camera_{i}_rgb.png, metadata.json and binaural_rirs_direct|_indirect/. It has no dry
sound, heard sound, clips, instances or metric depth: what comes from it declares these absent, what goes to it leaves them
behind. With --lists, the folder of train.csv, val.csv and test.csv, the pairs listed there are taken, in those splits;
without it all are, and scenes are split 8:1:1. Given again after an interruption the command goes on where it stopped.
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from dataset.errors import DatasetError
from dataset.layouts.slfm_read import Layout, from_slfm
from dataset.layouts.slfm_write import to_slfm
from dataset.layouts.webdataset import to_tars

MOST_NAMED = 20


def main(argv: list[str] | None = None) -> int:
    """Run the command line; return the exit status: 1 where pairs had to be left out."""
    parser = argparse.ArgumentParser(
        prog="python -m dataset.convert", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("data", help="folder or address of the data set; with --from the folder that holds the scenes' folders")
    way = parser.add_mutually_exclusive_group(required=True)
    way.add_argument("--to", choices=("webdataset", "slfm"), help="layout to write")
    way.add_argument("--from", dest="source", choices=("slfm",), help="layout to read")
    parser.add_argument("--out", type=Path, required=True, help="new folder")
    parser.add_argument("--lists", type=Path, metavar="DIR", help="with --from slfm: folder of train.csv, val.csv, test.csv")
    parser.add_argument(
        "--hfov-deg", type=float, default=Layout.hfov_deg, help="with --from slfm: width of the pictures (default %(default)g)"
    )
    parser.add_argument("--shard-sets", type=int, default=Layout.shard_sets, help="with --from slfm: sets a shard (%(default)s)")
    options = parser.parse_args(argv)
    try:
        if options.source == "slfm":
            layout = Layout(Path(options.data), options.lists, options.hfov_deg, options.shard_sets)
            manifest, left_out = from_slfm(layout, options.out, progress=True)
            for line in left_out[:MOST_NAMED]:
                print(f"left out: {line}")
            if len(left_out) > MOST_NAMED:
                print(f"left out: {len(left_out) - MOST_NAMED} more; the manifest lists them")
            sets, scenes = sum(s["sets"] for s in manifest["shards"]), len({s["scene"] for s in manifest["shards"]})
            print(f"{options.out}: {sets} sets of {scenes} scenes; prove it: python -m dataset.verify {options.out}")
            return 1 if left_out else 0
        if options.lists is not None:
            raise DatasetError("--lists goes with --from slfm")
        if options.to == "slfm":
            pairs = to_slfm(options.data, options.out, progress=True)
            print(f"{options.out}: {pairs} pairs, and the lists of the splits in {options.out / 'data-split'}")
        else:
            tars = to_tars(options.data, options.out, progress=True)["tars"]
            print(f"{options.out}: {sum(t['sets'] for t in tars)} sets in {len(tars)} tars")
    except (DatasetError, OSError) as error:
        print(f"error: {error}", file=sys.stderr)
        return 2
    return 0


if __name__ == "__main__":
    sys.exit(main())
