"""The description of a published data set, shared by the card, Croissant and the citation."""

from __future__ import annotations

import datetime
from collections import Counter
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from dataset.angles import wrap_180
from dataset.format.documents import section, sha256_of
from dataset.format.manifest import NAME
from dataset.format.pictures import pictures_shape
from dataset.format.schema import FIELDS, GROWS
from dataset.format.shard import absent_of
from dataset.format.splits import SPLITS
from dataset.publish.licences import ADDRESS, Source
from dataset.reader import Dataset


@dataclass(frozen=True)
class PublicationMetadata:
    """What only the publisher knows: title, authors and so on."""

    title: str
    authors: tuple[str, ...]
    url: str
    about: str
    version: str
    date: str
    """Date of publication, ISO."""


@dataclass(frozen=True)
class Description:
    """Everything that a publication states about a data set."""

    title: str
    authors: tuple[str, ...]
    url: str
    about: str
    version: str
    date: str
    licence: str
    licence_url: str
    sources: list[Source]
    shards: list[dict[str, Any]]
    manifest_sha256: str
    splits: list[str]
    sets: dict[str, int]
    scenes: dict[str, list[str]]
    shapes: dict[str, tuple[int, ...]]
    """Fields with the shape of one set."""
    absent: dict[str, str]
    settings: dict[str, Any]
    software: dict[str, str]
    spread: dict[str, tuple[float, float, float]]
    """Minimum, median and maximum of turn, azimuth, elevation, distance and RT60."""
    missing: str
    keywords: tuple[str, ...] = (
        "binaural audio", "sound localization", "camera rotation", "audio-visual", "spatial audio", "impulse responses",
        "depth", "synthetic", "self-supervised",
    )  # fmt: skip
    method: str = ""
    processing: tuple[str, ...] = ()
    uses: tuple[str, ...] = (
        "Self-supervised learning of sound localisation and camera rotation from each other (sound localisation from motion).",
        "Training and testing binaural sound localisation, relative pose, depth, dereverberation and spatial audio generation.",
    )
    limitations: tuple[str, ...] = ()
    biases: tuple[str, ...] = (
        "Rooms, furniture and materials are those of the scenes named below; other buildings, cultures and the outdoors are "
        "not represented.",
        "All sound is rendered with the head-related responses named below; other people's ears differ.",
    )
    personal: str = "The pictures show no people, and nobody was recorded; clips may contain voices, see their credits."
    impact: str = (
        "Sound localisation serves hearing aids and robots; it could also serve surveillance. Simulated rooms show nobody's home."
    )
    maintenance: str = "The shards of a version never change; corrections are published as a new version with its own checksums."

    @property
    def key(self) -> str:
        """Key of the citation."""
        return "".join(c for c in self.title.lower().replace(" ", "-") if c.isalnum() or c == "-") or "data-set"

    @property
    def bibtex(self) -> str:
        """BibTeX entry."""
        lines = {"title": self.title, "author": " and ".join(self.authors), "year": self.date[:4], "version": self.version}
        if self.url:
            lines["url"] = self.url
        return f"@misc{{{self.key},\n" + ",\n".join(f"  {k} = {{{v}}}" for k, v in lines.items()) + "\n}"


def describe(data: Dataset, metadata: PublicationMetadata, sources: list[Source], licence: str) -> Description:
    """Return the description of a data set in a folder."""
    shards = data.shards
    settings = data.manifest.get("settings", {})
    splits = [s for s in SPLITS if any(e["split"] == s for e in shards)]
    shapes, absent = _shapes(data)
    return Description(
        title=metadata.title, authors=metadata.authors, url=metadata.url, version=metadata.version, date=metadata.date,
        about=metadata.about or _about(data, settings), licence=licence, licence_url=ADDRESS[licence], sources=sources,
        shards=shards, manifest_sha256=sha256_of(Path(data.root) / NAME), splits=splits,
        sets={s: sum(int(e["sets"]) for e in shards if e["split"] == s) for s in splits},
        scenes={s: list(dict.fromkeys(e["scene"] for e in shards if e["split"] == s)) for s in splits},
        shapes=shapes, absent=absent, settings=settings, software=data.manifest.get("software", {}), spread=_spread(data),
        missing=_missing(data.manifest, absent), method=_method(settings), processing=_processing(settings, data),
        limitations=_limitations(settings),
    )  # fmt: skip


def today() -> str:
    """Return today's date, ISO, in UTC."""
    return datetime.datetime.now(datetime.timezone.utc).date().isoformat()


def _shapes(data: Dataset) -> tuple[dict[str, tuple[int, ...]], dict[str, str]]:
    file = data.shard_file(0)
    shapes = {n: (-1,) if FIELDS[n].axes == (GROWS,) else tuple(file[n].shape[1:]) for n in FIELDS if n in file}
    return shapes, absent_of(file, data.shards[0]["path"])


def _spread(data: Dataset) -> dict[str, tuple[float, float, float]]:
    columns: dict[str, list[np.ndarray]] = {}
    for k in range(len(data.shards)):
        file = data.shard_file(k)
        heading = file["heading"][:]
        columns.setdefault("turn from the first view, degrees", []).append(wrap_180(heading[:, 1:] - heading[:, :1]).ravel())
        for name, unit in (("azimuth", "degrees"), ("elevation", "degrees"), ("distance", "m"), ("rt60", "s")):
            if name in file:
                columns.setdefault(f"{name}, {unit}", []).append(file[name][:].ravel())
    out = {}
    for name, parts in columns.items():
        values = np.concatenate(parts)
        values = values[np.isfinite(values)]  # a decay time is NaN where the response is too short to know it
        if values.size:
            out[name] = (float(values.min()), float(np.median(values)), float(values.max()))
    return out


def _about(data: Dataset, settings: dict[str, Any]) -> str:
    scenes = len({s["scene"] for s in data.shards})
    views, height, width, _ = pictures_shape(data.shard_file(0))
    count = data.shard_file(0)["source_position"].shape[1]
    sources = f"{count} source{'s' if count > 1 else ''}"
    heard = {"audio", "recording"} & set(data.shard_file(0))
    sound = f"binaural sound of {sources}" if heard else f"binaural responses to {sources}"
    moves = {"rotation": "turns the head", "nearby": "turns and moves slightly", "walk": "walks about"}.get(
        section(settings, "sampling").get("motion", ""), "moves"
    )
    return (
        f"{len(data)} sets of {views} views each from {scenes} scenes: RGB pictures ({width} x {height} pixels) and "
        f"{sound} for a listener who {moves}, with exact positions, headings and directions."
    )


def _method(settings: dict[str, Any]) -> str:
    camera, acoustics = section(settings, "camera"), section(settings, "acoustics")
    if "converted_from" in settings:
        return f"Converted from {settings['converted_from']}; fields that the layout lacks are declared absent."
    return (
        f"Simulated. Pictures: ray-cast ({camera.get('engine', 'unknown engine')}) from textured 3D scenes. Sound: geometrical "
        f"acoustics ({acoustics.get('engine', 'unknown engine')}) with the materials of the same scenes, measured "
        "head-related responses, and dry clips. Positions, headings and sources are drawn at random within the limits of the "
        "settings."
    )


def _processing(settings: dict[str, Any], data: Dataset) -> tuple[str, ...]:
    clips = section(settings, "clips")
    rate = int(data.shard_file(0).attrs["sample_rate"])
    steps = [f"Sound is stored at {rate} Hz as float32, rounded to 12 bits of mantissa (error about -86 dB), and never clipped."]
    if {"min_rms", "max_rms", "stretch_s"} <= set(clips):
        steps.append(
            f"Clips are cut to {clips['stretch_s']} s (tiled where shorter) and set to a level (RMS) drawn from "
            f"{clips['min_rms']} to {clips['max_rms']} of full scale."
        )
    return tuple(steps)


def _limitations(settings: dict[str, Any]) -> tuple[str, ...]:
    out = ["All data are simulated: results must be tested separately on recordings of real rooms."]
    if section(settings, "acoustics").get("engine") == "raytrace":
        out.append("Geometrical acoustics: no diffraction around edges, no room modes; low frequencies are approximate.")
    out.append("Listener and sources do not move while a clip plays.")
    return tuple(out)


def _missing(manifest: dict[str, Any], absent: dict[str, str]) -> str:
    parts = [
        f"{e['scene']} has {e.get('given', '?')} of {e.get('asked', '?')} sets ({e.get('why', 'unknown reason')})"
        for e in manifest.get("shortfalls", [])
    ]
    parts += [f"{name} is absent: {why}" for name, why in absent.items()]
    left = Counter(str(v) for v in manifest.get("clips_left_out", {}).values())
    parts += [f"{n} clips were left out ({why})" for why, n in left.items()]
    return "; ".join(parts) or "None: every requested set is present, with every field."
