"""One pair of SLfM's published layout: a listener's views, metadata and responses, checked and read as a set.

A pair is a folder scene/pair-NNNN/ (or scene/pair-NNNN/pair-NNNN/) with camera_{i}_rgb.png, metadata.json and
binaural_rirs_direct|_indirect/sound_{j}_camera_{i}_rir.wav. Its metadata uses the frame of this format: +Y up, metres, angles in
degrees, left positive; positions are those of the camera itself.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import soundfile
from PIL import Image
from scipy.spatial.transform import Rotation

from dataset.angles import wrap_180, wrap_360
from dataset.format.schema import RANGES
from dataset.geometry import CAMERA_FIELDS, source_directions

METADATA = "metadata.json"
DIRECT, INDIRECT, FULL = "binaural_rirs_direct", "binaural_rirs_indirect", "binaural_rirs"
ROTATION, HFOV = "camera_{}_rotation_in_quaternion", "camera_{}_hfov_deg"
"""Keys of a camera's rotation, (w, x, y, z), and field of view, degrees; exports of slfm_write alone have the latter."""
GREATEST_GAP_DEG = 0.1
"""Largest difference between an angle in the metadata and the angle computed from positions and heading."""


class PairError(Exception):
    """A pair that cannot be converted; the message gives the reason."""


@dataclass(frozen=True)
class Pair:
    """Folder and name of a pair."""

    scene: str
    number: int
    folder: Path

    @property
    def name(self) -> str:
        """Scene and number: the id of the converted set."""
        return f"{self.scene}/{self.number}"

    def response(self, kind: str, source: int, view: int) -> Path:
        """Return the path of a response."""
        return self.folder / kind / f"sound_{source}_camera_{view}_rir.wav"


@dataclass(frozen=True)
class Kind:
    """Properties that all pairs of a data set share."""

    views: int
    sources: int
    height: int
    width: int
    sample_rate: int
    rt60: bool
    """Whether the metadata has decay times."""


@dataclass(frozen=True)
class Taps:
    """Lengths of responses, in samples; they differ between files."""

    direct: int
    indirect: int


def find_pair(root: Path, scene: str, name: str) -> Pair:
    """Find the folder of a pair, possibly one level deeper; raise PairError where it has no metadata."""
    for folder in (root / scene / name, root / scene / name / name):
        if (folder / METADATA).is_file():
            return Pair(scene, int(name.removeprefix("pair-")), folder)
    raise PairError(f"no {METADATA}" if (root / scene / name).is_dir() else "not there")


def read_metadata(pair: Pair) -> dict[str, Any]:
    """Read the metadata of a pair; raise PairError where it is damaged."""
    try:
        content = json.loads((pair.folder / METADATA).read_text())
    except (OSError, ValueError) as error:
        raise PairError(f"{METADATA} is damaged ({error})") from None
    if not isinstance(content, dict):
        raise PairError(f"{METADATA} holds a {type(content).__name__}; an object is expected")
    return content


def inspect(pair: Pair) -> tuple[Kind, Taps]:
    """Read metadata and headers of a pair; return its kind and longest responses; raise PairError where it is unusable."""
    metadata = read_metadata(pair)
    views, sources = _count(metadata, "camera_{}_position"), _count(metadata, "source_{}_position")
    if not (views and sources):
        raise PairError(f"{METADATA} names {views} cameras and {sources} sources")
    place(metadata, views, sources)
    try:
        with Image.open(pair.folder / "camera_0_rgb.png") as picture:
            width, height = picture.size
        headers = {
            kind: [soundfile.info(pair.response(kind, s, v)) for v in range(views) for s in range(sources)]
            for kind in (DIRECT, INDIRECT)
        }
    except (OSError, soundfile.SoundFileError) as error:
        raise PairError(str(error)) from None
    rates = {h.samplerate for found in headers.values() for h in found}
    if len(rates) > 1 or any(h.channels != 2 for found in headers.values() for h in found):
        raise PairError(f"its responses have the rates {sorted(rates)}, or not two channels")
    taps = Taps(*(max(h.frames for h in headers[kind]) for kind in (DIRECT, INDIRECT)))
    return Kind(views, sources, height, width, rates.pop(), _rt60_key(0, 0) in metadata), taps


def read_set(pair: Pair, kind: Kind, taps: Taps, camera: Mapping[str, Any]) -> dict[str, Any]:
    """Read a pair as a set, without the fields that the layout lacks; raise PairError where a file is damaged.

    camera: settings of the camera, for what the metadata lacks.
    """
    metadata = read_metadata(pair)
    one = {
        "set_id": pair.name,
        "rgb": np.stack([_picture(pair, v, kind) for v in range(kind.views)]),
        **place(metadata, kind.views, kind.sources),
        **cameras(metadata, kind.views, camera),
        "brir_direct": _responses(pair, DIRECT, kind, taps.direct),
        "brir_indirect": _responses(pair, INDIRECT, kind, taps.indirect),
    }
    return {**one, "rt60": _rt60(metadata, kind)} if kind.rt60 else one


def place(metadata: Mapping[str, Any], views: int, sources: int) -> dict[str, np.ndarray]:
    """Return positions, headings and directions of metadata as fields of a set.

    Directions are computed from positions and headings; raise PairError where those of the metadata differ.
    """
    try:
        position = np.array([metadata[f"camera_{v}_position"] for v in range(views)], np.float32)
        heading = wrap_360(np.array([metadata[f"camera_{v}_angle"] for v in range(views)], np.float64)).astype(np.float32)
        source = np.array([metadata[f"source_{s}_position"] for s in range(sources)], np.float32)
        key = "relative_angle_between_sound_{}_camera_{}"
        listed = np.array([[metadata[key.format(s, v)] for s in range(sources)] for v in range(views)], np.float64)
    except (KeyError, ValueError, TypeError) as error:
        raise PairError(f"{METADATA} is incomplete ({error})") from None
    if position.shape != (views, 3) or source.shape != (sources, 3) or not np.isfinite(listed).all():
        raise PairError(f"{METADATA} has positions that are not three numbers, or angles that are not finite")
    heading[heading >= 360] = 0  # by rounding
    directions = source_directions(position, heading, source)
    out = {"position": position, "heading": heading, "source_position": source, **directions}
    gap = np.abs(wrap_180(out["azimuth"] - listed)).max()
    if not gap <= GREATEST_GAP_DEG:
        raise PairError(f"the angles of its sounds differ from positions and headings by {gap:.2f} degrees")
    if not RANGES["distance"][0] <= out["distance"].min() <= out["distance"].max() <= RANGES["distance"][1]:
        raise PairError(f"a source is {out['distance'].min():.3f} m away")
    return out


def cameras(metadata: Mapping[str, Any], views: int, camera: Mapping[str, Any]) -> dict[str, np.ndarray]:
    """Return field of view, pitch and roll of metadata, or else of settings of the camera, as fields of a set, each (V,)."""
    found = []
    for view in range(views):
        tilt = tilt_deg(metadata, view) or (camera.get("pitch_deg"), camera.get("roll_deg", 0.0))
        found.append((metadata.get(HFOV.format(view), camera.get("hfov_deg")), *tilt))
    try:
        columns = np.array(found, np.float32).T
    except (ValueError, TypeError):
        raise PairError(f"{METADATA} and settings have no field of view or no rotation of some camera") from None
    fields = dict(zip(CAMERA_FIELDS, columns, strict=True))
    for name, values in fields.items():
        low, high = RANGES[name]
        if not ((values >= low) & (values <= high)).all():
            raise PairError(f"{METADATA} has {name} of {values.tolist()}; {low:g} to {high:g} are expected")
    return fields


def tilt_deg(metadata: Mapping[str, Any], view: int) -> tuple[float, float] | None:
    """Return pitch, up positive, and roll, right side up positive, of a camera from its quaternion; None where it is missing."""
    rotation = metadata.get(ROTATION.format(view))
    if not rotation:
        return None
    w, x, y, z = rotation
    _, pitch, roll = Rotation.from_quat([x, y, z, w]).as_euler("YXZ", degrees=True)
    return round(float(pitch), 4), round(float(roll), 4)


def indirect_ratio(pair: Pair) -> float | None:
    """Return the factor on the indirect part in a pair's full responses, by least squares; None where these are missing."""
    files = [pair.response(kind, 0, 0) for kind in (FULL, DIRECT, INDIRECT)]
    if not all(f.is_file() for f in files):
        return None
    sounds = [soundfile.read(f, always_2d=True)[0] for f in files]
    length = max(len(s) for s in sounds)
    full, direct, indirect = (np.pad(s, ((0, length - len(s)), (0, 0))) for s in sounds)
    energy = float((indirect**2).sum())
    return round(float(((full - direct) * indirect).sum()) / energy, 3) if energy else None


def _count(metadata: Mapping[str, Any], key: str) -> int:
    count = 0
    while key.format(count) in metadata:
        count += 1
    return count


def _picture(pair: Pair, view: int, kind: Kind) -> np.ndarray:
    name = f"camera_{view}_rgb.png"
    try:
        with Image.open(pair.folder / name) as picture:
            pixels = np.asarray(picture.convert("RGB"))
    except OSError as error:
        raise PairError(f"{name}: {error}") from None
    if pixels.shape[:2] != (kind.height, kind.width):
        raise PairError(f"{name} has {pixels.shape[1]} x {pixels.shape[0]} pixels; {kind.width} x {kind.height} are expected")
    return pixels


def _responses(pair: Pair, which: str, kind: Kind, taps: int) -> np.ndarray:
    """Read the responses (V, S, 2, taps) of a pair, padded with silence."""
    out = np.zeros((kind.views, kind.sources, 2, taps), np.float32)
    for view, source in np.ndindex(kind.views, kind.sources):
        path = pair.response(which, source, view)
        try:
            sound, _ = soundfile.read(path, dtype="float32", always_2d=True)
        except soundfile.SoundFileError as error:
            raise PairError(str(error)) from None
        out[view, source, :, : len(sound)] = sound.T
    if not np.isfinite(out).all():
        raise PairError(f"{which} has values that are not finite")
    return out


def _rt60_key(source: int, view: int) -> str:
    return f"sound_{source}_camera_{view}_rir_rt60"


def _rt60(metadata: Mapping[str, Any], kind: Kind) -> np.ndarray:
    try:
        stored = [[metadata[_rt60_key(s, v)] for s in range(kind.sources)] for v in range(kind.views)]
        out = np.array(stored, np.float32)
        unknown = np.array([[[time is None for time in ears] for ears in view] for view in stored])
    except (KeyError, ValueError, TypeError) as error:
        raise PairError(f"{METADATA} has incomplete decay times ({error})") from None
    low, high = RANGES["rt60"]
    if out.shape != (kind.views, kind.sources, 2) or not (unknown | ((out >= low) & (out <= high))).all():
        raise PairError(f"{METADATA} has decay times that are not two numbers of {low:g} to {high:g} s")
    return out
