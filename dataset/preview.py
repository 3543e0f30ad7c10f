"""Draw a picture of every scene of a data set.

    python -m dataset.preview data/slfm
    python -m dataset.preview data/slfm --sets 5 --out pictures/

Each picture shows a plan of the scene from above, coloured by the camera pictures (north, -Z, is up), with listeners, their
fields of view and the sources (stars); and for each set its views with their headings and the spectrogram of each ear in the
first view. Walks are lines, with some of their views along them, and the spectrogram of the whole recording.
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path
from typing import Any

import numpy as np

from dataset.angles import forward
from dataset.command import exit_status, output_argument
from dataset.errors import DatasetError
from dataset.reader import Dataset
from dataset.viewer.floor_plan import scene_plan
from dataset.viewer.spectrogram import spectrogram

MOST_VIEWS = 6
COLORS = ("#e4572e", "#17bebb", "#ffc914", "#9b5de5", "#76b041", "#f15bb5", "#2e86ab", "#a44a3f")


def draw_scene(data: Dataset, rows: list[int], sets: int, path: Path) -> None:
    """Draw the picture of a scene from its sets (indices of the data set); the first `sets` of them are drawn in detail."""
    import matplotlib

    matplotlib.use("Agg")
    import matplotlib.pyplot as plt

    shard = data.locate(rows[0])[0]
    entry, attributes = data.shards[shard], data.shard_file(shard).attrs
    rate = int(attributes["sample_rate"])
    shown = [data[k] for k in rows[:sets]]
    views = min(max(len(one["rgb"]) for one in shown), MOST_VIEWS)
    figure = plt.figure(figsize=(5.5 + 2.3 * views + 3.2, max(2.35 * len(shown), 5.2) + 0.5), layout="constrained")
    halves: Any = figure.subfigures(1, 2, width_ratios=[5.5, 2.3 * views + 3.2])
    left, right = halves
    figure.suptitle(f"{entry['scene']} ({entry['split']}, {len(rows)} sets)", fontsize=14)
    _draw_plan(left.subplots(), *scene_plan(data, rows), shown)
    axes = right.subplots(len(shown), views + 1, squeeze=False, width_ratios=[2.3] * views + [3.0])
    for k, one in enumerate(shown):
        _draw_set(axes[k], one, COLORS[k % len(COLORS)], rate)
    figure.savefig(path, dpi=100)
    plt.close(figure)


def _draw_plan(axis: Any, image: np.ndarray, extent: tuple[float, ...], shown: list[dict[str, Any]]) -> None:
    axis.imshow(image, extent=extent, interpolation="nearest")
    for k, one in enumerate(shown):
        color = COLORS[k % len(COLORS)]
        edge = {"color": color, "markeredgecolor": "black", "markeredgewidth": 0.8, "linestyle": "none", "zorder": 5}
        for view in _chosen(one, MOST_VIEWS if "time" in one else len(one["rgb"])):
            position, heading, hfov = (one[name][view] for name in ("position", "heading", "hfov_deg"))
            fan = position + 0.9 * forward(np.linspace(heading - hfov / 2, heading + hfov / 2, 12))
            outline = np.vstack([position, fan])
            axis.fill(outline[:, 0], outline[:, 2], facecolor=color, alpha=0.3, edgecolor=color, linewidth=1.2)
        if "time" in one:
            axis.plot(one["position"][:, 0], one["position"][:, 2], color=color, linewidth=2, zorder=4)
            for track in np.moveaxis(one.get("source_track", np.zeros((0, 0, 3))), 1, 0):
                axis.plot(track[:, 0], track[:, 2], color=color, linewidth=1.5, linestyle=":", zorder=4)
        places = one["position"][:1] if "time" in one else one["position"]
        axis.plot(places[:, 0], places[:, 2], marker="o", markersize=7, label=one["set_id"], **edge)
        axis.plot(one["source_position"][:, 0], one["source_position"][:, 2], marker="*", markersize=14, **edge)
    axis.legend(loc="upper center", bbox_to_anchor=(0.5, -0.05), ncols=2, fontsize=8, frameon=False)
    axis.set_title("plan in metres: x to the right, z down\ndots: listeners, stars: sources", fontsize=10)
    axis.tick_params(labelsize=8)
    axis.set_aspect("equal")


def _draw_set(axes: Any, one: dict[str, Any], color: str, rate: int) -> None:
    for axis in axes[:-1]:
        axis.axis("off")
    for view, axis in zip(_chosen(one, len(axes) - 1), axes[:-1], strict=False):
        axis.imshow(one["rgb"][view])
        sides = ", ".join(f"{abs(a):.0f}° {'left' if a > 0 else 'right'}" for a in one["azimuth"][view])
        moment = f"{one['time'][view]:.1f} s, " if "time" in one else ""
        axis.set_title(f"{moment}heading {one['heading'][view]:.0f}°\nsource {sides}", fontsize=8)
    axes[0].text(
        -0.04, 0.5, one["set_id"], rotation=90, va="center", ha="right", fontsize=9, color="black",
        transform=axes[0].transAxes, bbox={"facecolor": color, "alpha": 0.35, "edgecolor": "none", "pad": 2},
    )  # fmt: skip
    _draw_ears(axes[-1], one, rate)


def _chosen(one: dict[str, Any], most: int) -> np.ndarray:
    """Return the views to draw: the first ones, of walks some along the way."""
    count = min(len(one["rgb"]), most)
    return np.linspace(0, len(one["rgb"]) - 1, count).astype(int) if "time" in one else np.arange(count)


def _draw_ears(axis: Any, one: dict[str, Any], rate: int) -> None:
    """Draw the spectrograms of the recording, or of the sound in the first view."""
    sound = one["recording"] if "time" in one else one["audio"][0]
    # Both ears in one picture: above the white line, frequencies start at 0 again.
    ears = np.concatenate([spectrogram(sound[ear]) for ear in (1, 0)])  # left ear on top
    seconds = sound.shape[-1] / rate
    peak = ears.max()
    axis.imshow(
        ears,
        origin="lower",
        aspect="auto",
        cmap="magma",
        vmin=peak - 70,
        vmax=peak,
        extent=(0, seconds, 0, rate / 1000),
    )
    axis.axhline(rate / 2000, color="white", linewidth=1)
    axis.set_yticks([0, rate / 4000, rate / 2000, rate * 3 / 4000], ["0", f"{rate / 4000:g}"] * 2, fontsize=7)
    axis.tick_params(axis="x", labelsize=7)
    axis.set_ylabel("right    left\nkHz", fontsize=8)
    axis.set_xlabel("s", fontsize=7, labelpad=0)
    if "time" in one:
        axis.set_title("recording", fontsize=8)
        return
    known = one["rt60"][np.isfinite(one["rt60"])]
    decay = f"RT60 {np.median(known):.2f} s" if known.size else "RT60 unknown"
    axis.set_title(f"sound in view 0, {decay}", fontsize=8)


def preview(root: Path, sets: int, out: Path) -> list[Path]:
    """Draw every scene of a data set into a folder and return the paths; raise DatasetError if it cannot be read."""
    data = Dataset(root)
    rows: dict[str, list[int]] = {}
    for index in range(len(data)):
        rows.setdefault(data.shards[data.locate(index)[0]]["scene"], []).append(index)
    out.mkdir(parents=True, exist_ok=True)
    paths = [out / f"{scene.replace('/', '_')}.png" for scene in rows]
    for path, chosen in zip(paths, rows.values(), strict=True):
        draw_scene(data, chosen, sets, path)
    return paths


def main(argv: list[str] | None = None) -> int:
    """Run the command line; return the exit status."""
    parser = argparse.ArgumentParser(
        prog="python -m dataset.preview", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("data", type=Path, help="folder of the data set (it holds manifest.json)")
    parser.add_argument("--sets", type=int, default=3, help="sets of each scene to draw in detail (default 3)")
    parser.add_argument("--out", type=output_argument, help="folder for the pictures (default: preview/ in the data set)")
    options = parser.parse_args(argv)

    def run() -> int:
        if not 1 <= options.sets <= 20:
            raise DatasetError(f"--sets is {options.sets}; give 1 to 20")
        for path in preview(options.data, options.sets, options.out or options.data / "preview"):
            print(path)
        return 0

    return exit_status(run)


if __name__ == "__main__":
    sys.exit(main())
