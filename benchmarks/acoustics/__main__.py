"""Check the accuracy and speed of the acoustics against theory, pyroomacoustics, measured ears and several seeds.

    python -m benchmarks.acoustics                      everything, into docs/acoustics/: some ten minutes of one core
    python -m benchmarks.acoustics --quick --out quick
    python -m benchmarks.acoustics --only box ears      some sections (laws, box, shapes, ears, seeds, cost, peers, listening)

Prints every section when it is ready and writes it, with plots, to its place in OUT/results.md. The comparison with
rlr-audio-propagation (the engine of SoundSpaces 2.0, for non-commercial use only) runs where that package is installed. Times
are CPU seconds of one thread; compare their ratios. Exit status 1 where a target is missed.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable, Sequence
from importlib import import_module
from pathlib import Path

from benchmarks.acoustics.findings import Finding, write_report

SECTIONS = ("laws", "box", "shapes", "ears", "seeds", "cost", "peers", "listening")


def main(argv: Sequence[str] | None = None) -> int:
    """Run the requested sections."""
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks.acoustics", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--only", nargs="+", choices=SECTIONS, default=SECTIONS, metavar="SECTION", help="sections; default all")
    parser.add_argument("--quick", action="store_true", help="fewer seeds, rays and points: a few minutes, less certain")
    parser.add_argument(
        "--out", type=Path, default=Path("docs/acoustics"), help="folder for report and plots; default %(default)s"
    )
    options = parser.parse_args(argv)
    options.out.mkdir(parents=True, exist_ok=True)
    findings: list[Finding] = []
    for name in options.only:
        run: Callable[[Path, bool], list[Finding]] = import_module(f"benchmarks.acoustics.{name}").run
        found = run(options.out, options.quick)
        print("\n".join(f.markdown() for f in found), flush=True)
        how = f"python -m benchmarks.acoustics --only {name}" + (" --quick" if options.quick else "")
        write_report(options.out, name, found, how, SECTIONS)
        findings += found
    missed = [t.what for f in findings for t in f.targets if not t.met]
    print(f"missed: {', '.join(missed)}" if missed else "all targets are met")
    return 1 if missed else 0


if __name__ == "__main__":
    sys.exit(main())
