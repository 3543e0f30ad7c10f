"""Large scans: memory and time of a worker with two million triangles and two hundred textures.

    python -m benchmarks.scans
    python -m benchmarks.scans --triangles 25000 500000 2000000 --sets 8

Generates noisy, textured scans of one flat at several densities, loads each in a new process, simulates sets, and prints peak
memory and time per set, as ratios to the first. Targets: 1.5 GB per worker, and 1.5 times the time of 25,000 triangles. Exit
status 1 where a target is missed.
"""

from __future__ import annotations

import argparse
import io
import json
import multiprocessing
import resource
import struct
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np
from PIL import Image

from benchmarks.machine import describe

TARGET_MB = 1500
TARGET_RATIO = 1.5
NOISE_M = 0.003
"""Roughness of the surfaces, as in real scans."""
TEXTURE_PX = 1024

Rectangle = tuple[np.ndarray, np.ndarray, np.ndarray]
"""A corner and two edges, (3,) each, m; their cross product points to the visible side."""


def main(argv: Sequence[str] | None = None) -> int:
    """Run the benchmark; return 0 where the targets are met, 1 where not."""
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks.scans", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument(
        "--triangles", type=int, nargs="+", default=[25_000, 2_000_000], help="triangles of each scan; default %(default)s"
    )
    parser.add_argument("--textures", type=int, default=200, help="textures of 1024 x 1024 pixels; default %(default)s")
    parser.add_argument("--sets", type=int, default=8, help="sets simulated in each; default %(default)s")
    parser.add_argument("--repeats", type=int, default=2, help="processes per scan; the best counts; default %(default)s")
    options = parser.parse_args(argv)
    with tempfile.TemporaryDirectory() as folder:
        files = [write_scan(Path(folder) / f"scan{n}.glb", n, options.textures) for n in options.triangles]
        runs: dict[Path, list[dict[str, float]]] = {file: [] for file in files}
        for _ in range(options.repeats):
            for file in files:
                with multiprocessing.get_context("spawn").Pool(1) as pool:
                    runs[file].append(pool.apply(measure, (file, options.sets)))
    print(describe() + "\n")
    print(f"{'triangles':>10} {'file MB':>8} {'load s':>7} {'peak MB':>8} {'s/set':>6} {'ratio':>6}")
    results = [{key: min(run[key] for run in runs[file]) for key in runs[file][0]} for file in files]
    for one in results:
        ratio = one["set_s"] / results[0]["set_s"]
        print(
            f"{one['triangles']:>10.0f} {one['file_mb']:>8.0f} {one['load_s']:>7.1f} {one['peak_mb']:>8.0f} "
            f"{one['set_s']:>6.2f} {ratio:>6.2f}"
        )
    met = results[-1]["peak_mb"] <= TARGET_MB and results[-1]["set_s"] <= TARGET_RATIO * results[0]["set_s"]
    print(f"target (at most {TARGET_MB} MB and {TARGET_RATIO} times the first): {'met' if met else 'MISSED'}")
    return 0 if met else 1


def measure(file: Path, sets: int) -> dict[str, float]:
    """Load a scan and simulate sets in this process; return peak resident memory, CPU seconds to load and per set (median)."""
    from simulator.config import with_options
    from simulator.run.clips import find_clips
    from simulator.run.sampling import Rejected
    from simulator.run.simulate import Inputs, prepare_scene, simulate

    settings = with_options({"sources": 3, "acoustics.response_s": 0.8})
    start = time.process_time()
    context = prepare_scene(file, "scan", settings, Inputs(find_clips(None)))
    load, index = time.process_time() - start, 0
    times: list[float] = []
    while len(times) < sets + 1:
        start = time.process_time()
        try:
            simulate(context, index, lambda name, why: None)
            times.append(time.process_time() - start)
        except Rejected:
            pass
        index += 1
    return {
        "triangles": len(context.scene.faces),
        "file_mb": file.stat().st_size / 1e6,
        "load_s": load,
        "peak_mb": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / (1e6 if sys.platform == "darwin" else 1e3),
        "set_s": float(np.median(times[1:])),  # the first compiles
    }


def write_scan(path: Path, triangles: int, textures: int) -> Path:
    """Write a flat as a scan with about this many triangles, one texture per rectangle, as .glb."""
    rectangles = list(_flat())
    area = sum(float(np.linalg.norm(np.cross(u, v))) for _, u, v in rectangles)
    cell = np.sqrt(2 * area / triangles)
    views: list[bytes] = []
    accessors: list[dict] = []
    primitives: list[dict] = []

    def accessor(array: np.ndarray, kind: int, shape: str) -> int:
        views.append(array.tobytes())
        accessors.append({"bufferView": len(views) - 1, "componentType": kind, "count": len(array), "type": shape})
        return len(accessors) - 1

    for k, rectangle in enumerate(rectangles):
        points, uv, index = _tessellated(rectangle, float(cell))
        attributes = {"POSITION": accessor(points, 5126, "VEC3"), "TEXCOORD_0": accessor(uv, 5126, "VEC2")}
        primitives.append({"attributes": attributes, "indices": accessor(index, 5125, "SCALAR"), "material": k % textures})
    first = len(views)
    views += [_picture(k) for k in range(textures)]
    header = {
        "asset": {"version": "2.0", "copyright": "generated by benchmarks/scans.py"},
        "scenes": [{"nodes": [0]}],
        "nodes": [{"mesh": 0, "name": "scan"}],
        "meshes": [{"primitives": primitives}],
        "materials": [{"pbrMetallicRoughness": {"baseColorTexture": {"index": k}}} for k in range(textures)],
        "textures": [{"source": k} for k in range(textures)],
        "images": [{"bufferView": first + k, "mimeType": "image/jpeg"} for k in range(textures)],
        "accessors": accessors,
    }
    padded = [v + b"\0" * (-len(v) % 4) for v in views]
    starts = np.cumsum([0, *(len(v) for v in padded)])
    header["bufferViews"] = [
        {"buffer": 0, "byteOffset": int(s), "byteLength": len(v)} for s, v in zip(starts, views, strict=False)
    ]
    header["buffers"] = [{"byteLength": int(starts[-1])}]
    text = json.dumps(header).encode()
    text += b" " * (-len(text) % 4)
    with path.open("wb") as file:
        file.write(struct.pack("<4sII", b"glTF", 2, 12 + 8 + len(text) + 8 + int(starts[-1])))
        file.write(struct.pack("<I4s", len(text), b"JSON") + text + struct.pack("<I4s", int(starts[-1]), b"BIN\0"))
        file.writelines(padded)
    return path


def _flat() -> Iterator[Rectangle]:
    """Yield the surfaces of a flat of 12 x 2.8 x 9 m: shell, two walls with doorways, and forty pieces of furniture."""
    yield from _box((0, 0, 0), (12, 2.8, 9), inward=True)
    for x in (4.0, 8.0):
        yield from _box((x, 0, 0), (x + 0.1, 2.8, 5), inward=False)
        yield from _box((x, 0, 6), (x + 0.1, 2.8, 9), inward=False)
    rng = np.random.default_rng(0)
    for _ in range(40):
        x, z = rng.uniform([0.1, 0.1], [11, 8])
        w, h, d = rng.uniform([0.3, 0.3, 0.3], [0.8, 1.2, 0.8])
        yield from _box((x, 0, z), (x + w, h, z + d), inward=False)


def _box(low: Sequence[float], high: Sequence[float], inward: bool) -> Iterator[Rectangle]:
    lo, size = np.array(low, float), np.array(high, float) - low
    for axis in range(3):
        u, v = np.zeros(3), np.zeros(3)
        u[(axis + 1) % 3], v[(axis + 2) % 3] = size[(axis + 1) % 3], size[(axis + 2) % 3]
        far = lo.copy()
        far[axis] += size[axis]
        yield (lo, u, v) if inward else (lo, v, u)
        yield (far, v, u) if inward else (far, u, v)


def _tessellated(rectangle: Rectangle, cell: float) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Divide a rectangle into cells and roughen it; roughness is a function of position, so that edges stay closed."""
    corner, u, v = rectangle
    m, n = (max(1, round(float(np.linalg.norm(e)) / cell)) for e in (u, v))
    t, s = np.meshgrid(np.linspace(0, 1, n + 1), np.linspace(0, 1, m + 1))
    points = corner + s.reshape(-1, 1) * u + t.reshape(-1, 1) * v
    phase = points @ np.array([[61.0, 23.0, 47.0], [37.0, 71.0, 29.0], [43.0, 31.0, 67.0]])
    points = points + NOISE_M * np.sin(phase)
    a = (np.arange(m)[:, None] * (n + 1) + np.arange(n)).ravel()
    b, c, d = a + n + 1, a + n + 2, a + 1
    index = np.stack([a, b, c, a, c, d], -1).ravel()
    return points.astype("<f4"), np.stack([s.ravel(), t.ravel()], -1).astype("<f4"), index.astype("<u4")


def _picture(seed: int) -> bytes:
    rng = np.random.default_rng(seed)
    rough = Image.fromarray(rng.integers(60, 220, (TEXTURE_PX // 8, TEXTURE_PX // 8, 3)).astype(np.uint8))
    out = io.BytesIO()
    rough.resize((TEXTURE_PX, TEXTURE_PX), Image.Resampling.BICUBIC).save(out, "JPEG", quality=85)
    return out.getvalue()


if __name__ == "__main__":
    sys.exit(main())
