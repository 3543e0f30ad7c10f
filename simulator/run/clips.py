"""Mono clips: find, decode, resample and normalise the dry sounds that sources emit."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any

import numpy as np
import soundfile
import soxr

from dataset.format.documents import sha256_of
from dataset.wav import missing_bytes
from simulator.config import ClipSettings
from simulator.errors import InputError

BUNDLED = Path(__file__).parents[1] / "assets" / "clips"
FORMATS = (".wav", ".flac", ".ogg", ".mp3")
SILENT_RMS = 1e-4
"""A stretch below this level (-80 dB of full scale) is silent."""
MOST_SAMPLES = 2**28
"""Most samples of a clip, over all channels: 1 GiB, 46 minutes of stereo at 48 kHz."""
TRIES = 20
"""Draws for one source before all clips are considered unusable."""


class ClipError(Exception):
    """One clip that cannot be used; the render continues with others."""


@dataclass(frozen=True)
class Clips:
    """The clips of a render: a folder and its files, in a fixed order."""

    root: Path
    names: tuple[str, ...]
    """Paths relative to the folder, with forward slashes."""
    left_out: tuple[tuple[str, str], ...] = ()
    """Files that cannot be used, as printable names, and why."""

    @property
    def digest(self) -> str:
        """SHA-256 of the names and the content of all clips, on which all draws depend."""
        with ThreadPoolExecutor() as pool:  # hashing releases the interpreter lock
            contents = list(pool.map(sha256_of, (self.root / n for n in self.names)))
        lines = [f"{name} {content}" for name, content in zip(self.names, contents, strict=True)]
        return hashlib.sha256("\n".join(lines).encode()).hexdigest()


@dataclass(frozen=True)
class ClipChoice:
    """The clip of a source, and where it starts and how loud it is; None: drawn."""

    clip: str
    """Name relative to the clips folder, with forward slashes."""
    start_s: float | None = None
    rms: float | None = None
    """Level of the stretch, relative to full scale."""


def find_clips(root: Path | None) -> Clips:
    """Return the clips below a folder, in sorted order (None: the bundled clips); raise InputError where there are none."""
    root = root or BUNDLED
    if not root.is_dir():
        raise InputError(f"clips folder {root} does not exist; name a folder of {', '.join(FORMATS)} files")
    found = sorted(p.relative_to(root).as_posix() for p in root.rglob("*") if p.suffix.lower() in FORMATS and p.is_file())
    names = [name for name in found if printable(name) == name]
    if not names:
        raise InputError(f"clips folder {root} holds no clips; put {', '.join(FORMATS)} files there")
    left_out = ((printable(name), "its name is not UTF-8; rename it") for name in found if printable(name) != name)
    return Clips(root, tuple(names), tuple(left_out))


def printable(name: str) -> str:
    """Return a file name with the bytes that are not UTF-8 as escapes such as \\xe9."""
    return name.encode(errors="surrogateescape").decode(errors="backslashreplace")


def draw_stretches(
    clips: Clips,
    count: int,
    settings: ClipSettings,
    sample_rate_hz: int,
    rng: np.random.Generator,
    report: Callable[[str, str], None],
) -> tuple[np.ndarray, list[dict[str, Any]]]:
    """Draw a stretch of a clip for each source and set its level: sound (count, L) float32, and one record each.

    Sources of one set get different clips as long as there are enough. A clip that is damaged or silent is reported with
    the reason, and another is drawn from the same generator, so that the result depends on the files and the generator
    alone. Raise InputError where no usable clip is found.
    report: called with the name and the fault of each clip that cannot be used.
    """
    length = round(settings.stretch_s * sample_rate_hz)
    order = rng.permutation(len(clips.names)) if len(clips.names) < 10_000 else rng.integers(len(clips.names), size=count + TRIES)
    sounds, records = [], []
    for name in (clips.names[k] for k in np.resize(order, max(len(order), count) + TRIES)[: count * TRIES]):
        try:
            sound, start, rms = _stretch(clips.root / name, length, settings, sample_rate_hz, rng)
        except ClipError as error:
            report(name, str(error))
            continue
        sounds.append(sound)
        records.append(_record(clips.root / name, name, start / sample_rate_hz, rms))
        if len(sounds) == count:
            return np.stack(sounds), records
    raise InputError(f"no usable clips among those drawn from {clips.root}; check that they decode and are not silent")


def chosen_stretches(
    clips: Clips, choices: Sequence[ClipChoice], settings: ClipSettings, sample_rate_hz: int, rng: np.random.Generator
) -> tuple[np.ndarray, list[dict[str, Any]]]:
    """Return the chosen stretch of each source, as `draw_stretches` does; raise ClipError for one that cannot be used."""
    length = round(settings.stretch_s * sample_rate_hz)
    sounds, records = [], []
    for choice in choices:
        path = clips.root / choice.clip
        try:
            sound, start, rms = _stretch(path, length, settings, sample_rate_hz, rng, choice)
        except ClipError as error:
            raise ClipError(f"clip {choice.clip} is {error}") from None
        sounds.append(sound)
        records.append(_record(path, choice.clip, start / sample_rate_hz, rms))
    return np.stack(sounds), records


def _record(path: Path, name: str, start_s: float, rms: float) -> dict[str, Any]:
    return {"clip": name, "start_s": round(start_s, 6), "rms": rms, "sha256": file_sha256(path)}


@lru_cache(maxsize=8)
def decode(path: Path, sample_rate_hz: int) -> np.ndarray:
    """Return a clip decoded to mono float32 (L,) at a sample rate; raise ClipError where that fails."""
    try:
        with soundfile.SoundFile(path) as file:
            if file.frames * file.channels > MOST_SAMPLES:
                raise ClipError(f"declares {file.frames} samples of {file.channels} channels; at most {MOST_SAMPLES} are read")
            samples, rate = file.read(dtype="float32", always_2d=True), file.samplerate
        missing = missing_bytes(path)
    except (soundfile.LibsndfileError, OSError, TypeError, ValueError, MemoryError) as error:
        raise ClipError(f"not readable as sound ({error})") from None
    if missing:
        raise ClipError(f"cut off: {missing} bytes of sound that its header declares are missing; copy it again")
    if len(samples) == 0 or not np.isfinite(samples).all():
        raise ClipError("empty, or contains NaN")
    return soxr.resample(samples.mean(1), rate, sample_rate_hz, quality="HQ")


@lru_cache(maxsize=4096)
def file_sha256(path: Path) -> str:
    """Return the SHA-256 of a clip's file; read once per process."""
    return sha256_of(path)


def _stretch(
    path: Path,
    length: int,
    settings: ClipSettings,
    sample_rate_hz: int,
    rng: np.random.Generator,
    choice: ClipChoice | None = None,
) -> tuple[np.ndarray, int, float]:
    """Return a stretch at a random start (short clips are repeated) at a random level: sound (length,), start sample, RMS.

    choice: start and level that are not drawn.
    """
    sound = decode(path, sample_rate_hz)
    start = int(rng.integers(max(len(sound) - length, 0) + 1))
    level = float(rng.uniform(settings.min_rms, settings.max_rms))
    if choice and choice.start_s is not None:
        start = round(choice.start_s * sample_rate_hz)
        if start >= len(sound):
            raise ClipError(f"{len(sound) / sample_rate_hz:.2f} s long, which ends before start_s = {choice.start_s:g}")
    if choice and choice.rms is not None:
        level = choice.rms
    piece = np.resize(sound[start : start + length], length)
    rms = float(np.sqrt(np.mean(piece.astype(np.float64) ** 2)))
    if rms < SILENT_RMS:
        raise ClipError(f"silent at {start / sample_rate_hz:.1f} s")
    return (piece * (level / rms)).astype(np.float32), start, level
