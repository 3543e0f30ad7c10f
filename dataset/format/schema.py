"""The format, version FORMAT_VERSION: every field of a shard, and the check of a set against it.

A shard is one HDF5 file. Each field is a dataset in its root whose first axis counts sets. Sizes: N sets, V views,
S sources, P distinct positions of the views, H x W pixels (Hp x Wp of panoramas), Td and Ti samples of direct and indirect
responses, L samples of sound, C ambisonic channels, M microphones of an array, B bytes.

With motion walk, a set is a stretch of time: its views are moments, `recording` is its sound, and `source_track` holds sources
that move. Its pictures are WebP files, see pictures.py; dataset.reader decodes them as `rgb`.

Rendered fields are made in simulator/run/simulate.py. Converted ones are made in dataset/layouts/slfm_pair.py, or are listed
in ABSENT of dataset/layouts/slfm_read.py.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from dataset.errors import DatasetError

FORMAT = "sight-and-sound"
FORMAT_VERSION = "1.1"
"""1.1 added hfov_deg, pitch_deg, roll_deg, height_m, hrtf and head_scale, which are filled in from their settings for shards of 1.0,
panoramas, walks and the responses of microphone arrays."""
TEXT = "utf-8"


@dataclass(frozen=True)
class Field:
    """One field: type and axes of one set, unit, frame and meaning."""

    dtype: str
    axes: tuple[str | int, ...]
    unit: str
    meaning: str
    audio: bool = False
    """Stored with rounded mantissas, see writer.py."""
    optional: bool = False
    setting: str = ""
    """Setting that is the value in every set and view of a shard that lacks the field, as those of format 1.0 do."""
    neutral: float | None = None
    """The value where the settings lack it too."""


# ruff: noqa: E501 - one line a field
FIELDS: dict[str, Field] = {
    "set_id": Field(TEXT, (), "", "scene and index of the set: <scene>/<index>"),
    "rgb": Field("uint8", ("V", "H", "W", 3), "sRGB", "picture of the camera"),
    "rgb_webp": Field("uint8", ("B",), "", "pictures of a walk: lossless WebP files of all views, joined; zeros behind them", optional=True),
    "rgb_webp_end": Field("uint32", ("V",), "byte", "end of each view's file in rgb_webp; the first starts at 0", optional=True),
    "depth": Field("uint16", ("V", "H", "W"), "mm", "depth along the optical axis (planar); 0 = nothing hit"),
    "instance": Field("uint16", ("V", "H", "W"), "", "object that the pixel's centre ray hit; 0 = none"),
    "panorama_rgb": Field("uint8", ("P", "Hp", "Wp", 3), "sRGB", "equirectangular picture around each distinct position of the views, in their order; column x has heading 180 - 360 x / Wp, row y elevation 90 - 180 y / Hp", optional=True),
    "panorama_distance": Field("uint16", ("P", "Hp", "Wp"), "mm", "distance along the ray of the panorama's pixel; 0 = nothing hit", optional=True),
    "panorama_instance": Field("uint16", ("P", "Hp", "Wp"), "", "object that the panorama's ray hit; 0 = none", optional=True),
    "time": Field("float32", ("V",), "s", "moment of each view of a walk, from the start of its recording", optional=True),
    "position": Field("float32", ("V", 3), "m", "camera and ears; world frame, +Y up, right-handed, relative to the root attribute origin"),
    "heading": Field("float32", ("V",), "degree", "direction of the head, left positive, 0 along -Z, in [0, 360)"),
    "hfov_deg": Field("float32", ("V",), "degree", "horizontal field of view of the camera, a pinhole with square pixels", optional=True, setting="camera.hfov_deg"),
    "pitch_deg": Field("float32", ("V",), "degree", "optical axis above the horizontal, up positive; the head stays level", optional=True, setting="camera.pitch_deg"),
    "roll_deg": Field("float32", ("V",), "degree", "turn of the camera about its optical axis, its right side up positive (tilt to the left), in [-180, 180]", optional=True, setting="camera.roll_deg", neutral=0.0),
    "height_m": Field("float32", ("V",), "m", "camera and ears above the floor", optional=True, setting="camera.height_m"),
    "hrtf": Field("uint16", (), "", "HRTF file of the ears: its index in inputs.hrtf of the shard's settings, a list of SHA-256; 0 where there is one file only", optional=True, setting="receivers.hrtf", neutral=0),
    "head_scale": Field("float32", (), "", "size of the head relative to the measured one: at frequency f it has the response of the measured head at head_scale f", optional=True, setting="receivers.head_scale", neutral=1.0),
    "source_position": Field("float32", ("S", 3), "m", "sources, of a walk those at its start; world frame, relative to the root attribute origin"),
    "source_track": Field("float32", ("V", "S", 3), "m", "sources at each view of a walk, where they move; frame of source_position", optional=True),
    "azimuth": Field("float32", ("V", "S"), "degree", "source relative to the head, left positive, in (-180, 180]"),
    "elevation": Field("float32", ("V", "S"), "degree", "source above the ears' level"),
    "distance": Field("float32", ("V", "S"), "m", "from the head's centre to the source"),
    "in_sight": Field("uint8", ("V", "S"), "", "1 where nothing is between head and source in a walk, else 0", optional=True),
    "brir_direct": Field("float32", ("V", "S", 2, "Td"), "free field at 1 m = 1", "direct response of (left, right) ear; time 0 is the emission", audio=True),
    "brir_indirect": Field("float32", ("V", "S", 2, "Ti"), "free field at 1 m = 1", "reflections and reverberation, on the same scale; the full response is direct + indirect_ratio x indirect", audio=True),
    "rt60": Field("float32", ("V", "S", 2), "s", "decay time of each ear's full response, from 30 dB of decay, corrected for truncation; NaN where 35 dB do not fit into it"),
    "mono": Field("float32", ("S", "L"), "full scale = 1", "the levelled dry sound of each source", audio=True),
    "audio": Field("float32", ("V", 2, "L"), "full scale = 1", "sound at the (left, right) ear: sum over sources of mono convolved with the full response", audio=True),
    "recording": Field("float32", (2, "L"), "full scale = 1", "sound of a walk at the (left, right) ear, of all sources: direct + indirect_ratio x indirect", audio=True, optional=True),
    "clips": Field(TEXT, (), "", "JSON list, one entry a source: clip, start_s, rms, sha256 of the clip's file"),
    "ambisonic_rir": Field("float32", ("V", "S", "C", "Ti"), "free field at 1 m = 1", "full response of an ambisonic microphone (ACN, SN3D) turned with the head", audio=True, optional=True),
    "ambisonic_recording": Field("float32", ("C", "L"), "full scale = 1", "sound of a walk at an ambisonic microphone (ACN, SN3D) turned with the head, as recording", audio=True, optional=True),
    "array_rir": Field("float32", ("V", "S", "M", "Ti"), "free field at 1 m = 1", "full response of each microphone of an array turned with the head; settings: inputs.receiver", audio=True, optional=True),
    "array_recording": Field("float32", ("M", "L"), "full scale = 1", "sound of a walk at each microphone of an array turned with the head, as recording", audio=True, optional=True),
}  # fmt: skip

RANGES = {
    "heading": (0.0, 360.0),
    "hfov_deg": (1.0, 179.0),
    "pitch_deg": (-90.0, 90.0),
    "roll_deg": (-180.0, 180.0),
    "height_m": (0.0, 10.0),
    "head_scale": (0.5, 2.0),
    "azimuth": (-180.0, 180.0),
    "elevation": (-90.0, 90.0),
    "distance": (0.05, 1000.0),
    "rt60": (0.0, 30.0),
    "time": (0.0, 3600.0),
    "in_sight": (0, 1),
}
"""Smallest and greatest values of fields, in their units; a heading stays below 360. rt60 may be NaN as well."""

GROWS = "B"
"""The axis whose size differs from set to set; rows are padded with zeros to the longest of their shard."""

ATTRIBUTES = ("format", "format_version", "scene", "scene_sha256", "split", "sample_rate", "seed", "settings")
"""Root attributes of a shard; settings is JSON.

A scene far from the world's origin, such as one in UTM coordinates, also has `origin`: (3,) float64, m. Positions are
relative to it, because float32 is too coarse there: world position = position + origin. Without it, the origin is zero.
A shard converted from a layout that lacks fields also has `absent`: JSON, {field: reason}.
"""


def check_set(one: Mapping[str, Any], sizes: dict[str, int], absent: Collection[str] = ()) -> None:
    """Check the types and shapes of one set against the format; `sizes` maps axis letters to sizes and grows.

    absent: fields that the shard declares absent. Raise DatasetError naming the field, what was found and what was
    expected.
    """
    unknown = sorted(set(one) - set(FIELDS))
    missing = sorted(k for k, f in FIELDS.items() if k not in one and not f.optional and k not in absent)
    if unknown or missing:
        raise DatasetError(f"a set lacks the fields {missing} and has unknown fields {unknown}; see dataset/format/schema.py")
    for name, value in one.items():
        field = FIELDS[name]
        if field.dtype == TEXT:
            if not isinstance(value, str):
                raise DatasetError(f"field {name} is {type(value).__name__}; one string is expected")
            continue
        check_array(name, np.asarray(value).dtype, np.shape(value), sizes)


def check_array(name: str, dtype: np.dtype, shape: tuple[int, ...], sizes: dict[str, int]) -> None:
    """Check one numeric field's type and the shape of one set's part, binding axis letters in `sizes`."""
    field = FIELDS[name]
    if str(dtype) != field.dtype:
        raise DatasetError(f"field {name} is {dtype}; {field.dtype} is expected")
    fits = len(shape) == len(field.axes)
    for axis, size in zip(field.axes, shape, strict=False):
        wanted = axis if isinstance(axis, int) else size if axis == GROWS else sizes.setdefault(axis, size)
        fits = fits and wanted == size
    if not fits:
        named = tuple(a if isinstance(a, int) else f"{a}={sizes.get(a, '?')}" for a in field.axes)
        raise DatasetError(f"field {name} has shape {shape}; {named} is expected")
