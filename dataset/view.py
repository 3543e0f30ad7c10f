"""Show a data set in a browser: pictures, sounds, plans and interaural differences.

    python -m dataset.view data/slfm                       writes a self-contained page, data/slfm/view.html
    python -m dataset.view data/slfm --sets 30 --out show.html --open
    python -m dataset.view data/slfm --serve               serves every set, read on request; for this machine only

The page loads nothing from the network. Each set takes about 0.2 MB; --sets limits their number, and the chosen sets are spread
over the data set. Served sets have their whole sound, losslessly coded. Press ? in the page for its keys.
"""

from __future__ import annotations

import argparse
import sys
import webbrowser
from pathlib import Path

from dataset.command import exit_status, output_argument
from dataset.errors import DatasetError
from dataset.format.splits import SPLITS
from dataset.reader import Dataset
from dataset.viewer.page import write_page
from dataset.viewer.server import serve

SETS = 100
PORT = 8765


def main(argv: list[str] | None = None) -> int:
    """Run the command line; return the exit status."""
    parser = argparse.ArgumentParser(
        prog="python -m dataset.view", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("data", help="folder or address of the data set (it holds manifest.json)")
    parser.add_argument("--out", type=output_argument, help="the page to write (default: view.html in the data set's folder)")
    parser.add_argument("--sets", type=int, default=SETS, help="largest number of sets in the page (default %(default)s)")
    parser.add_argument("--split", choices=SPLITS, help="show this split only")
    parser.add_argument("--open", action="store_true", help="open the page in the browser")
    parser.add_argument("--serve", action="store_true", help="serve the page on 127.0.0.1 and read sets on request")
    parser.add_argument("--port", type=int, default=PORT, help="port of --serve; 0 chooses a free one (default %(default)s)")
    options = parser.parse_args(argv)
    return exit_status(lambda: _run(options))


def _run(options: argparse.Namespace) -> int:
    data = Dataset(options.data, options.split)
    title = Path(options.data.rstrip("/")).name + (f" ({options.split})" if options.split else "")
    if options.serve:
        if options.out is not None:
            raise DatasetError("--out and --serve exclude each other; a served page is not written")
        serve(data, title, options.port, options.open)
        return 0
    if options.sets < 1:
        raise DatasetError(f"--sets is {options.sets}; give at least 1")
    out = options.out or (Path("view.html") if "://" in options.data else Path(options.data) / "view.html")
    if not out.parent.is_dir():
        raise DatasetError(f"the folder of --out {out} does not exist; make it first")
    count = write_page(data, title, options.sets, out, progress=True)
    print(f"{out}: {count} of {len(data)} sets, {out.stat().st_size / 1e6:.1f} MB")
    if options.open:
        webbrowser.open(out.resolve().as_uri())
    return 0


if __name__ == "__main__":
    sys.exit(main())
