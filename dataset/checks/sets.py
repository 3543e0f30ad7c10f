"""Checks of one set: finite values, ranges, geometry, levels of clips, and sound against its own responses."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from typing import Any

import numpy as np
from scipy.signal import oaconvolve

from dataset.angles import wrap_180
from dataset.checks.walks import walk_problems
from dataset.format.documents import section
from dataset.format.schema import FIELDS, RANGES
from dataset.geometry import source_directions
from dataset.responses import full_response

AUDIO_ERROR_DB = -75.0
"""Largest difference of sound from its own convolution: storage rounds both, each by about -86 dB."""
TAIL, TAIL_DB = 20, -35.0
"""Largest level of the last 20th of a response whose decay time is known, relative to the whole: 35 dB of exponential decay
leave -38 dB there."""
GAP = 0.001
"""Largest difference between the camera of a view, in degrees and m, and its setting: by rounding to float32."""
GIVEN = ("pitch_deg", "roll_deg", "height_m")
"""Fields that do not follow from the settings where poses are given."""
MAY_BE_NAN = ("rt60",)
"""Fields with NaN for values that cannot be measured."""


def set_problems(one: Mapping[str, Any], indirect_ratio: float, scene: str, posed: bool = False) -> Iterator[str]:
    """Check one set, as read from its shard; posed: whether its sources were given, and may be inaudible."""
    set_id = one["set_id"].decode(errors="replace")
    if not set_id.startswith(f"{scene}/") or not set_id.rsplit("/", 1)[1].isdigit():
        yield f"its id is not {scene}/<index>"
    infinite = [name for name, value in one.items() if not _finite(name, value)]
    if infinite:
        yield f"NaN or infinite values in {', '.join(infinite)}"
        return
    for name, (low, high) in RANGES.items():
        if name not in one or np.isnan(one[name]).all():
            continue
        least, most = np.nanmin(one[name]), np.nanmax(one[name])
        if least < low or most > high or (name == "heading" and most >= high):
            yield f"{name} is outside {low} to {high}: {least:.3f} to {most:.3f}"
    yield from _geometry_problems(one)
    yield from _panorama_problems(one)
    yield from walk_problems(one)
    if {"mono", "clips"} <= set(one):  # a shard may declare them absent
        heard = [one[name] for name in ("audio", "recording") if name in one]
        if (any(np.abs(sound).max() == 0 for sound in heard) and not posed) or np.abs(one["mono"]).max(-1).min() == 0:
            yield "silent audio or mono"
        yield from _clip_problems(one)
    if {"audio", "mono"} <= set(one):
        yield from _sound_problems(one, indirect_ratio)
    yield from _decay_problems(one, indirect_ratio)


def is_posed(settings: Mapping[str, Any]) -> bool:
    """Whether listeners and sources were given, and may be anywhere."""
    return bool(section(settings, "sampling").get("motion") == "poses")


def drawn_problems(one: Mapping[str, Any], settings: Mapping[str, Any]) -> Iterator[str]:
    """Check that cameras and head of a rendered set lie within the settings that they were drawn from."""
    if "converted_from" in settings:  # each view has the rotation that its layout stores
        return
    given = GIVEN if is_posed(settings) else ()
    for name, field in FIELDS.items():
        group, _, key = field.setting.partition(".")
        known = section(settings, group)
        if name not in one or key not in known or name in given:
            continue
        low, high = known[key] if isinstance(known[key], list) else (known[key],) * 2
        quantity, _, unit = key.rpartition("_")
        slack = known.get(f"{quantity}_jitter_{unit}", 0.0) + GAP
        if one[name].min() < low - slack or one[name].max() > high + slack:
            yield f"{name} is {one[name].min():.3f} to {one[name].max():.3f}; its setting is {low:g} to {high:g}"


def _finite(name: str, value: Any) -> bool:
    if getattr(value, "dtype", None) != np.float32:
        return True
    return not np.isinf(value).any() if name in MAY_BE_NAN else bool(np.isfinite(value).all())


def _geometry_problems(one: Mapping[str, Any]) -> Iterator[str]:
    sources = one.get("source_track", one["source_position"])
    for name, value in source_directions(one["position"], one["heading"], sources).items():
        gap = wrap_180(one[name] - value) if name == "azimuth" else one[name] - value
        worst = float(np.abs(gap).max())
        if worst > 0.01:
            yield f"{name} differs from the geometry of heading, position and source_position by {worst:.3f}"


def _panorama_problems(one: Mapping[str, Any]) -> Iterator[str]:
    """Check that each distinct position has one panorama."""
    places = len(np.unique(one["position"], axis=0))
    for name in ("panorama_rgb", "panorama_distance", "panorama_instance"):
        if name in one and len(one[name]) != places:
            yield f"{name} has {len(one[name])} pictures for {places} positions"


def _clip_problems(one: Mapping[str, Any]) -> Iterator[str]:
    try:
        clips = json.loads(one["clips"])
        complete = all({"clip", "start_s", "rms", "sha256"} <= set(c) for c in clips)
        levels = [float(c["rms"]) for c in clips] if complete else []
    except (ValueError, TypeError, RecursionError):
        levels = []
    if len(levels) != len(one["mono"]):
        yield "clips is not a JSON list with clip, start_s, rms and sha256 for each source"
        return
    for k, rms in enumerate(levels):
        level = float(np.sqrt(np.mean(one["mono"][k].astype(np.float64) ** 2)))
        if not abs(level - rms) <= 0.01 * rms:
            yield f"mono of source {k} has the level {level:.4f}, clips says {rms:.4f}"


def _sound_problems(one: Mapping[str, Any], indirect_ratio: float) -> Iterator[str]:
    full = full_response(one["brir_direct"], one["brir_indirect"], indirect_ratio, one["brir_indirect"].shape[-1])
    for view, audio in enumerate(one["audio"]):
        convolved = oaconvolve(one["mono"][:, None], full[view], axes=-1)[..., : audio.shape[-1]].sum(0)
        error = 10 * np.log10(max(float(((convolved - audio) ** 2).sum()), 1e-30) / max(float((audio**2).sum()), 1e-20))
        if error > AUDIO_ERROR_DB:
            yield f"audio of view {view} differs from mono convolved with its responses by {error:.0f} dB"


def _decay_problems(one: Mapping[str, Any], indirect_ratio: float) -> Iterator[str]:
    """Check that the responses of known decay times decay by 30 dB after the first 5 before they end."""
    if "rt60" not in one or not {"brir_direct", "brir_indirect"} <= set(one):
        return
    energy = full_response(one["brir_direct"], one["brir_indirect"].astype(np.float64), indirect_ratio) ** 2
    tail = max(1, energy.shape[-1] // TAIL)
    level = 10 * np.log10((energy[..., -tail:].sum(-1) + 1e-30) / (energy.sum(-1) + 1e-30))
    cut = np.isfinite(one["rt60"]) & (level > TAIL_DB) & (energy.sum(-1) > 0)
    if cut.any():
        found = f"{int(cut.sum())} values of rt60, up to {one['rt60'][cut].max():.2f} s,"
        yield f"{found} are of responses that end before 35 dB of decay"
