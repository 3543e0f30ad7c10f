"""Every setting of a render: frozen, named with its unit, checked on construction.

A set depends on (settings, scene content, seed, index) alone: this module holds everything that changes a result, and
nothing else. Worker counts and paths belong to the command line.
"""

from __future__ import annotations

import json
import math
from collections.abc import Sequence
from dataclasses import asdict, dataclass, field
from typing import Any

from dataset.settings import Range, bounds, changed, flattened
from simulator.errors import InputError


@dataclass(frozen=True)
class CameraSettings:
    """The cameras of the views; they look along the headings, pitched and rolled.

    Field of view, pitch, roll and height are numbers, or ranges low..high: then one value is drawn for each set. With jitter,
    the value of each view differs from its set's by up to the jitter, drawn uniformly. Shards store the values of every view.
    """

    engine: str = "embree"
    """embree, or habitat (habitat-sim, which must be installed)."""
    width_px: int = 320
    height_px: int = 240
    hfov_deg: float | Range = 60.0
    """Horizontal field of view; pixels are square, so the vertical one follows from width and height."""
    hfov_jitter_deg: float = 0.0
    pitch_deg: float | Range = -22.5
    """Positive is up; the ears stay level."""
    pitch_jitter_deg: float = 0.0
    roll_deg: float | Range = 0.0
    """Turn about the optical axis; positive lifts the right side of the camera."""
    roll_jitter_deg: float = 0.0
    height_m: float | Range = 1.5
    """Camera and ears above the floor."""
    height_jitter_m: float = 0.0
    """With motion nearby or free only: with rotation, all views of a set have one position."""
    panorama_px: int = 0
    """Height of an equirectangular picture for each position; 0: none."""
    samples_per_pixel: int = 4
    texture_mb: float = 400.0
    """Limit on the memory of a scene's textures in a worker; larger textures are scaled down to fit."""

    @property
    def highest_m(self) -> float:
        """Greatest height above the floor."""
        return bounds(self.height_m).high + self.height_jitter_m


@dataclass(frozen=True)
class SamplingSettings:
    """Positions and headings of listeners, and positions of sources."""

    motion: str = "rotation"
    """rotation (one position), nearby (views moved by up to 0.25 m), free (positions up to 2 m apart) or walk (views are moments
    of a walk with one recording, see MotionSettings); poses where they are given, and nothing is drawn."""
    clearance_m: float = 0.25
    """Free radius around the listener."""
    min_depth_max_m: float = 4.0
    """A view is kept if its farthest surface has at least this depth ..."""
    min_depth_mean_m: float = 1.0
    """... and its mean depth is at least this."""
    min_turn_deg: float = 10.0
    max_turn_deg: float = 90.0
    """Range of the angle between the first view and each further view."""
    min_overlap: float = 0.1
    """Least overlap of each further view with the first: share of one's visible surface that is visible in the other too."""
    min_shared_instances: int = 10
    """In annotated scenes with --camera habitat: least number of instances that each further view shares with the first,
    instead of surface."""
    min_source_distance_m: float = 0.5
    max_source_distance_m: float = 3.0
    min_source_height_m: float = 0.7
    max_source_height_m: float = 1.7
    """Above the floor at the listener."""
    max_elevation_deg: float = 45.0
    max_ceiling_m: float = 25.0
    """Scenes whose ceilings are higher, in the median over the floor, are refused: their unit is unlikely to be the metre."""
    position_tries: int = 200
    """Positions tried for one set before it is rejected."""
    heading_tries: int = 40
    """Headings tried at each position."""


@dataclass(frozen=True)
class MotionSettings:
    """Walks, with sampling.motion = walk: one lasts as long as the dry sound, clips.stretch_s.

    Their pictures are smaller by default, see WALK_DEFAULTS.
    """

    fps: float = 10.0
    """Pictures a second; a set has fps x stretch_s views, the first at time 0."""
    sources: str = "none"
    """none (sources stand) or walk (sources walk as the listener does)."""
    standing_share: float = 0.2
    """Share of sets whose listener stands and turns instead of walking."""
    max_speed_m_s: float = 1.0
    """Greatest speed; one from half of it on is drawn for each walk, and bends are walked more slowly."""
    max_acceleration_m_s2: float = 1.5
    max_turn_deg_s: float = 90.0
    """Greatest rate at which a heading turns."""


@dataclass(frozen=True)
class WalkSettings:
    """How finely the late sound of a walk follows the movement."""

    trace_every_m: float = 0.5
    """Rays are traced again when listener and sources together have moved this far."""
    turn_every_deg: float = 5.0
    """Late responses are spatialised again when the listener has turned this far."""

    def __post_init__(self) -> None:
        """Raise InputError for steps that are not above 0."""
        for name in ("trace_every_m", "turn_every_deg"):
            if not getattr(self, name) > 0:
                raise InputError(f"{name} is {getattr(self, name)}; use more than 0")


@dataclass(frozen=True)
class AcousticsSettings:
    """Sound propagation and receivers."""

    engine: str = "raytrace"
    """raytrace, pyroomacoustics or soundspaces, see docs/engines.md."""
    sample_rate_hz: int = 16000
    quality: str = "standard"
    """draft, standard or reference: accuracy that determines the number of rays."""
    response_s: float = 1.0
    """Length of the indirect response; the tail beyond it is cut."""
    image_order: int = 3
    """Specular reflections up to this order are computed as image sources."""
    temperature_c: float = 20.0
    humidity_percent: float = 50.0
    indirect_ratio: float = 1.0
    """Factor on the indirect part in `audio` and `rt60`; 1 is physical."""
    directivity: str = "omnidirectional"
    """Directivity of the sources, whose front faces the listener: speech, or a first-order pattern such as cardioid."""
    ambisonic_order: int = -1
    """0 (mono) to 7 adds responses of an ambisonic microphone; -1 adds none."""


@dataclass(frozen=True)
class ReceiverSettings:
    """The listener's head."""

    head_scale: float | Range = 1.0
    """Size of the head relative to the measured one; of a range, one is drawn for each set. At frequency f, a head k times as
    large has the response of the original at k f, and its delays are k times as long."""


@dataclass(frozen=True)
class ClipSettings:
    """The stretch of dry sound that each source emits."""

    stretch_s: float = 7.65
    """Three training clips of 2.55 s; with motion walk, the duration of a set."""
    min_rms: float = 0.07
    max_rms: float = 0.13
    """Range of the stretch's RMS level, drawn uniformly, relative to full scale."""


@dataclass(frozen=True)
class Settings:
    """Everything that a render depends on besides scenes, clips, HRTF and materials, whose digests are stored beside it."""

    seed: int = 0
    sets: int = 32
    """Sets per scene."""
    views: int = 4
    sources: int = 1
    scale: float = 1.0
    """Factor from the unit of the scene files to metres."""
    camera: CameraSettings = field(default_factory=CameraSettings)
    sampling: SamplingSettings = field(default_factory=SamplingSettings)
    motion: MotionSettings = field(default_factory=MotionSettings)
    walk: WalkSettings = field(default_factory=WalkSettings)
    acoustics: AcousticsSettings = field(default_factory=AcousticsSettings)
    receivers: ReceiverSettings = field(default_factory=ReceiverSettings)
    clips: ClipSettings = field(default_factory=ClipSettings)
    shard_sets: int = 16
    """Sets per shard, the unit of work."""

    def __post_init__(self) -> None:
        """Raise InputError for values out of range."""
        _check(self)

    @property
    def moments(self) -> int:
        """Number of pictures of a walk: one every 1 / fps s from time 0 on, before the end of the sound."""
        return max(1, math.ceil(self.clips.stretch_s * self.motion.fps - 1e-6))

    def to_dict(self) -> dict[str, Any]:
        """Return the settings as nested dictionaries, as JSON holds them."""
        content: dict[str, Any] = json.loads(json.dumps(asdict(self)))
        return content


MOST_SETS, MOST_VIEWS, MOST_SOURCES = 1_000_000, 1000, 1000
"""A plan with more sets of a scene, or a set of more views or sources, exceeds the memory of most machines."""
FARTHEST_M = 6.0
"""Greatest distance of a source for which direct responses are long enough."""
WALK = "walk"
"""The motion of sets that are stretches of time."""
MOTIONS = ("rotation", "nearby", "free", WALK)
SOURCE_MOTIONS = ("none", WALK)
POSES = "poses"
"""The motion of sets whose poses are given."""
CAMERAS = ("embree", "habitat")
ENGINES = ("raytrace", "pyroomacoustics", "soundspaces")
QUALITIES = ("draft", "standard", "reference")
PATTERNS = ("cardioid", "figure_eight", "hypercardioid", "omnidirectional", "subcardioid", "supercardioid", "speech")
"""Directivities of sources; their gains are in simulator/acoustics/directivity.py."""


def _check(s: Settings) -> None:
    rules = [
        (0 <= s.seed < 2**63, f"seed is {s.seed}; use 0 to below 2^63"),
        *_motion_rules(s),
        *_size_rules(s),
        (1e-6 <= s.scale <= 1e6, f"scale is {s.scale}; use a factor from the scenes' unit to metres, such as 0.01"),
        (s.scale == 1.0 or s.camera.engine != "habitat", f"scale is {s.scale}, which habitat-sim ignores; use --camera embree"),
        (s.sampling.max_ceiling_m > 0, f"max_ceiling_m is {s.sampling.max_ceiling_m}; use more than 0"),
        (s.camera.engine in CAMERAS, f"camera is {s.camera.engine!r}; choose one of {', '.join(CAMERAS)}"),
        (s.sampling.motion in (*MOTIONS, POSES), f"motion is {s.sampling.motion!r}; choose one of {', '.join(MOTIONS)}"),
        (s.acoustics.engine in ENGINES, f"acoustics is {s.acoustics.engine!r}; choose one of {', '.join(ENGINES)}"),
        (s.acoustics.quality in QUALITIES, f"quality is {s.acoustics.quality!r}; choose {', '.join(QUALITIES)}"),
        (8 <= s.camera.width_px <= 8192, f"width is {s.camera.width_px} pixels; use 8 to 8192"),
        (8 <= s.camera.height_px <= 8192, f"height is {s.camera.height_px} pixels; use 8 to 8192"),
        *_camera_rules(s.camera),
        (
            s.camera.height_jitter_m == 0 or s.sampling.motion != "rotation",
            f"camera.height_jitter_m is {s.camera.height_jitter_m}, and motion is rotation; use 0, or --motion nearby or free",
        ),
        (1 <= s.camera.samples_per_pixel <= 64, f"samples is {s.camera.samples_per_pixel} a pixel; use 1 to 64"),
        (1 <= s.camera.texture_mb <= 1e6, f"texture_mb is {s.camera.texture_mb} MB; use 1 to 1000000"),
        (0 <= s.sampling.min_overlap < 1, f"min_overlap is {s.sampling.min_overlap}; use 0 to below 1"),
        (s.sampling.min_shared_instances >= 0, f"min_shared_instances is {s.sampling.min_shared_instances}; use 0 or more"),
        (0 <= s.sampling.clearance_m <= 2, f"clearance is {s.sampling.clearance_m} m; use 0 to 2"),
        (0 < s.sampling.max_elevation_deg <= 90, f"max_elevation is {s.sampling.max_elevation_deg} degrees; use above 0 to 90"),
        (s.sampling.position_tries >= 1, f"position_tries is {s.sampling.position_tries}; use 1 or more"),
        (
            s.sampling.heading_tries >= s.views or s.sampling.motion == WALK,
            f"heading_tries is {s.sampling.heading_tries}; use at least the views, {s.views}",
        ),
        *_acoustics_rules(s.acoustics),
        (0 < s.clips.min_rms <= s.clips.max_rms < 1, "clip levels must satisfy 0 < min_rms <= max_rms < 1"),
        (0.1 <= s.clips.stretch_s <= 600, f"stretch is {s.clips.stretch_s} s; use 0.1 to 600"),
        (
            0.1 <= s.sampling.min_source_distance_m < s.sampling.max_source_distance_m <= FARTHEST_M,
            f"source distances must satisfy 0.1 <= min_source_distance_m < max_source_distance_m <= {FARTHEST_M:g}",
        ),
        (
            0 <= s.sampling.min_source_height_m < s.sampling.max_source_height_m,
            "source heights must satisfy 0 <= min_source_height_m < max_source_height_m",
        ),
        (
            0 < s.sampling.min_turn_deg < s.sampling.max_turn_deg <= 180,
            "turns must satisfy 0 < min_turn_deg < max_turn_deg <= 180",
        ),
    ]
    for holds, message in (*rules, _head_rule(s.receivers), *_finite_rules(s)):
        if not holds:
            raise InputError(f"setting {message}")


def _size_rules(s: Settings) -> list[tuple[bool, str]]:
    sizes = (("sets", s.sets, MOST_SETS), ("views", s.views, MOST_VIEWS), ("sources", s.sources, MOST_SOURCES))
    return [
        (s.sets >= 1, f"sets is {s.sets}; use 1 or more"),
        (s.views >= (1 if s.sampling.motion in (POSES, WALK) else 2), f"views is {s.views}; a set needs at least 2"),
        (s.sources >= 1, f"sources is {s.sources}; use 1 or more"),
        (s.shard_sets >= 1, f"shard_sets is {s.shard_sets}; use 1 or more"),
        *((number <= most, f"{name} is {number}; use at most {most}") for name, number, most in sizes),
    ]


def _acoustics_rules(a: AcousticsSettings) -> list[tuple[bool, str]]:
    return [
        (8000 <= a.sample_rate_hz <= 48000, f"sample_rate_hz is {a.sample_rate_hz}; use 8000 to 48000"),
        (0.05 <= a.response_s <= 10, f"response is {a.response_s} s; use 0.05 to 10"),
        (0 <= a.image_order <= 5, f"image_order is {a.image_order}; use 0 to 5"),
        (-20 <= a.temperature_c <= 50, f"temperature is {a.temperature_c} degrees C; use -20 to 50"),
        (0 <= a.humidity_percent <= 100, f"humidity is {a.humidity_percent} %; use 0 to 100"),
        (0 <= a.indirect_ratio <= 100, f"indirect_ratio is {a.indirect_ratio}; use 0 to 100"),
        (a.directivity in PATTERNS, f"directivity is {a.directivity!r}; choose one of {', '.join(PATTERNS)}"),
        (-1 <= a.ambisonic_order <= 7, f"ambisonic_order is {a.ambisonic_order}; use -1 (none) to 7"),
        (
            a.engine != "soundspaces" or (a.directivity == "omnidirectional" and a.ambisonic_order == -1),
            "acoustics is soundspaces, which has neither directional sources nor ambisonics; leave both out",
        ),
    ]


def _motion_rules(s: Settings) -> list[tuple[bool, str]]:
    if s.sampling.motion != WALK:
        return []
    m, jitters = s.motion, [jitter_of(name) for name in LIMITS]
    shaken = [name for name in jitters if getattr(s.camera, name)]
    span = f"{s.clips.stretch_s:g} s at {m.fps:g} pictures a second"
    return [
        (0.1 <= m.fps <= 120, f"motion.fps is {m.fps:g}; use 0.1 to 120"),
        (s.moments <= MOST_VIEWS, f"clips.stretch_s is {span}, {s.moments} pictures a set; use at most {MOST_VIEWS}"),
        (s.views == s.moments, f"views is {s.views}, and a walk of {span} has {s.moments}; leave out views"),
        (m.sources in SOURCE_MOTIONS, f"motion.sources is {m.sources!r}; choose one of {', '.join(SOURCE_MOTIONS)}"),
        (0 <= m.standing_share <= 1, f"motion.standing_share is {m.standing_share:g}; use 0 to 1"),
        (0.05 <= m.max_speed_m_s <= 5, f"motion.max_speed_m_s is {m.max_speed_m_s:g}; use 0.05 to 5"),
        (
            0.1 <= m.max_acceleration_m_s2 <= 20,
            f"motion.max_acceleration_m_s2 is {m.max_acceleration_m_s2:g}; use 0.1 to 20",
        ),
        (5 <= m.max_turn_deg_s <= 720, f"motion.max_turn_deg_s is {m.max_turn_deg_s:g}; use 5 to 720"),
        (not shaken, f"camera.{', camera.'.join(shaken)} vary from view to view, and a walk has one camera; use 0"),
        (s.camera.panorama_px == 0, f"panorama_px is {s.camera.panorama_px}, and walks have no panoramas; use 0"),
        (
            s.acoustics.engine == "raytrace",
            f"acoustics is {s.acoustics.engine}, which cannot follow paths; use --acoustics raytrace with --motion walk",
        ),
    ]


def _finite_rules(s: Settings) -> list[tuple[bool, str]]:
    values = flattened(s.to_dict()).items()
    return [(not isinstance(v, float) or math.isfinite(v), f"{name} is {v}; use a finite number") for name, v in values]


LIMITS = {
    "hfov_deg": (10.0, 150.0, "field of view", "degrees"),
    "pitch_deg": (-90.0, 90.0, "pitch", "degrees"),
    "roll_deg": (-180.0, 180.0, "roll", "degrees"),
    "height_m": (0.0, 3.0, "camera height", "m above the floor"),
}
"""Settings of the camera that may be ranges: smallest value, greatest value, name, unit; a height must be above 0."""


def jitter_of(name: str) -> str:
    """Return the name of the jitter of a setting: hfov_jitter_deg for hfov_deg."""
    quantity, _, unit = name.rpartition("_")
    return f"{quantity}_jitter_{unit}"


def _camera_rules(camera: CameraSettings) -> list[tuple[bool, str]]:
    """Return whether each rule of the settings that may be ranges holds, and the message where it does not."""
    rules = []
    for name, (least, most, title, unit) in LIMITS.items():
        value, jitter = getattr(camera, name), getattr(camera, jitter_of(name))
        low, high = bounds(value)
        above = "above " if name == "height_m" else ""
        varied = isinstance(value, Range) or jitter != 0
        around = f" with a jitter of {jitter:g}" if jitter else ""
        rules += [
            (low <= high, f"{title} is {value}, whose ends are exchanged; use {high:g}..{low:g}"),
            (jitter >= 0, f"camera.{jitter_of(name)} is {jitter}; use 0 or more"),
            (
                (least < low - jitter if above else least <= low - jitter) and high + jitter <= most,
                f"{title} is {value}{around} {unit}; use {above}{least:g} to {most:g}",
            ),
            (
                camera.engine != "habitat" or name == "height_m" or not varied,
                f"{title} is {value}{around}, and habitat-sim renders all views with one camera; use a number without jitter, "
                "or --camera embree",
            ),
        ]
    habitat = camera.engine == "habitat"
    rules += [
        (
            not habitat or camera.roll_deg == 0,
            f"roll is {camera.roll_deg} degrees, which --camera habitat does not render; use 0, or --camera embree",
        ),
        (
            camera.panorama_px == 0 or 16 <= camera.panorama_px <= 4096,
            f"panorama_px is {camera.panorama_px} pixels; use 0 (none), or 16 to 4096",
        ),
        (
            not habitat or camera.panorama_px == 0,
            f"panorama_px is {camera.panorama_px}, and --camera habitat renders no panoramas; use 0, or --camera embree",
        ),
    ]
    return rules


WALK_DEFAULTS = {"camera.width_px": 256, "camera.height_px": 192, "camera.samples_per_pixel": 2}
"""The camera of walks, whose pictures are many: 320 x 240 pixels with 4 samples take three times as long."""
TIMES = ("motion.fps", "clips.stretch_s")
"""Settings that determine the number of moments of a walk."""


def _head_rule(receivers: ReceiverSettings) -> tuple[bool, str]:
    low, high = bounds(receivers.head_scale)
    what = f"receivers.head_scale is {receivers.head_scale}"
    return 0.5 <= low <= high <= 2, f"{what}; use a number from 0.5 to 2, or a range such as 0.85..1.15"


def with_options(values: dict[str, Any], assignments: Sequence[str] = ()) -> Settings:
    """Make settings from dotted names, and from KEY=VALUE texts on top; InputError for an unknown name or a wrong value.

    With motion walk, there are as many views as the walk has moments, and the camera is that of WALK_DEFAULTS, unless named.
    """
    named = {**values, **dict(text.partition("=")[::2] for text in assignments)}
    if named.get("sampling.motion") != WALK:
        return changed(Settings(), values, assignments)
    timed = [text for text in assignments if text.partition("=")[0] in TIMES]
    moments = changed(Settings(), {key: value for key, value in values.items() if key in TIMES}, timed).moments
    return changed(Settings(), {**WALK_DEFAULTS, "views": moments, **values}, assignments)
