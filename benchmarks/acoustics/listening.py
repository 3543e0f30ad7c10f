"""A clip in a small tiled bathroom, a carpeted bedroom and a large hall: decay times, spectrograms and sound files."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import soundfile
from scipy import signal

from benchmarks.acoustics.findings import Finding, Target
from benchmarks.acoustics.plots import panels
from benchmarks.acoustics.rooms import Surface, box, clean
from simulator.acoustics.acoustic_scene import prepare_acoustics
from simulator.acoustics.air import attenuation, speed_of_sound
from simulator.acoustics.arrivals import BANDS_HZ
from simulator.acoustics.materials import SurfaceAcoustics, assign, load_library
from simulator.acoustics.room_metrics import rt60
from simulator.config import AcousticsSettings
from simulator.engines.responses import responses
from simulator.receivers.hrtf import load_ears
from simulator.receivers.spatialize import convolve
from simulator.run.clips import BUNDLED, decode
from simulator.scene.model import Scene

RATE_HZ = 16000
CLIP = "speech_english_gb.flac"
CLIP_S, PEAK = 3.5, 0.7
OCTAVES = BANDS_HZ[:6]
CREST = 8.0
"""Limit of the crest factor of 20 ms: a single click has 18, noise about 3.4, and up to 7 at an onset or flutter echo."""


@dataclass(frozen=True, eq=False)
class Place:
    """A room with its listener and source."""

    name: str
    surfaces: list[Surface]
    listener: tuple[float, float, float]
    source: tuple[float, float, float]
    response_s: float


def places() -> list[Place]:
    """Return the three rooms; surfaces are named by their materials."""
    bathroom = _room((1.9, 2.4, 2.6), "ceramic floor tile", "painted plaster", "wall tile")
    bathroom += box((0.7, 0.55, 1.6), (0.0, 0.0, 1.0), outside=True, name="bathtub acrylic plastic")
    bathroom += box((0.8, 2.0, 0.04), (0.8, 0.02, 0.01), outside=True, name="wooden door")
    bathroom += box((0.03, 1.2, 0.6), (1.86, 0.6, 1.8), outside=True, name="towel")
    bathroom += box((0.6, 0.02, 0.9), (0.9, 0.01, 1.2), outside=True, name="rug")
    bedroom = _room((4.2, 2.5, 3.6), "carpet", "painted plaster", "plasterboard")
    bedroom += box((1.6, 0.5, 2.0), (0.2, 0.0, 1.2), outside=True, name="mattress")
    bedroom += box((1.8, 2.2, 0.5), (2.2, 0.0, 3.1), outside=True, name="wooden wardrobe")
    bedroom += box((0.08, 2.2, 1.6), (4.1, 0.1, 0.8), outside=True, name="curtain")
    hall = _room((16.0, 10.0, 28.0), "parquet", "painted plaster", "brick")
    hall += box((12.0, 0.5, 14.0), (2.0, 0.0, 10.0), outside=True, name="upholstery")
    return [
        Place("tiled bathroom", bathroom, (1.2, 1.5, 0.7), (1.0, 1.2, 1.9), 2.5),
        Place("carpeted bedroom", bedroom, (2.6, 1.5, 1.0), (3.4, 1.2, 2.2), 0.8),
        Place("large hall", hall, (8.0, 1.5, 22.0), (6.0, 1.5, 4.0), 4.5),
    ]


def _room(size: tuple[float, float, float], floor: str, ceiling: str, wall: str) -> list[Surface]:
    names = {"floor": floor, "ceiling": ceiling}
    return [Surface(names.get(s.name, wall), s.corner, s.along, s.across) for s in box(size)]


def run(out: Path, quick: bool) -> list[Finding]:
    """Compute the responses, convolve the clip, plot spectrograms, write the sound as FLAC."""
    dry = decode(BUNDLED / CLIP, RATE_HZ)[: round(CLIP_S * RATE_HZ)]
    dry = dry * np.minimum(1.0, np.arange(len(dry))[::-1] / (0.05 * RATE_HZ))
    dry = np.concatenate([dry, np.zeros(RATE_HZ)]) * (PEAK / np.abs(dry).max())
    rows, shown = [], [("dry", dry)]
    full_scale, early, spike = 0, -np.inf, 0.0
    for place in places():
        scene = clean(place.surfaces)
        acoustics = assign(scene.surfaces, load_library())
        for quality in ["draft"] if quick else ["standard", "reference"]:
            full, distance, speed = _respond(place, scene, acoustics, quality)
            onset = int((distance / speed - 0.0015) * RATE_HZ)
            spike = max(spike, _crest(full[:, onset + RATE_HZ // 10 :]))
        sound = convolve(dry[None], full)
        sound *= PEAK / np.abs(sound).max()
        path = out / f"{place.name.replace(' ', '-')}.flac"
        soundfile.write(path, sound.T, RATE_HZ)
        full_scale += int((np.abs(soundfile.read(path)[0]) > 0.999).sum())
        shown.append((place.name, sound[0]))
        early = max(early, 10 * np.log10((full[:, :onset] ** 2).sum() / (full**2).sum() + 1e-30))
        rows.append([place.name, *(f"{t:.2f}" for t in _octave_rt60(full)), f"{rt60(full, RATE_HZ).mean():.2f}"])
        rows.append([f"{place.name}, Eyring", *(f"{t:.2f}" for t in _eyring(scene, acoustics)), ""])
    with panels(out / "listening.png", len(shown), "s", "Hz", 3.6) as axes:
        for axis, (name, sound) in zip(axes, shown, strict=True):
            f, t, power = signal.spectrogram(sound, RATE_HZ, nperseg=512, noverlap=384)
            axis.imshow(
                10 * np.log10(power + 1e-20),
                origin="lower",
                aspect="auto",
                extent=(0, t[-1], 0, f[-1]),
                vmin=-120,
                vmax=-40,
                cmap="magma",
            )
            axis.set(title=f"{name}, 80 dB")
            axis.grid(False)
    text = (
        f"RT60 (T30) by octave at the ears, mean of both, and by Eyring's formula with the mean absorption of the materials and "
        f"air; {CLIP} at the left ear below, and as [bathroom](tiled-bathroom.flac), [bedroom](carpeted-bedroom.flac) and "
        "[hall](large-hall.flac), all at the same peak level. With absorbers on few surfaces, as in all three, sound between "
        "hard walls decays more slowly than in Eyring's diffuse field."
    )
    targets = [
        Target("samples at full scale in the files", float(full_scale), 0.0),
        Target("energy earlier than 1.5 ms before the direct sound reaches the head, dB", early, -60.0),
        Target("largest sample of the tail over the RMS of its 20 ms, standard and reference quality", spike, CREST),
    ]
    header = ("room", *(f"{f:g} Hz, s" for f in OCTAVES), "all, s")
    return [Finding("Three rooms to listen to", text, header, rows, targets, ["listening.png"])]


def _respond(place: Place, scene: Scene, acoustics: SurfaceAcoustics, quality: str) -> tuple[np.ndarray, float, float]:
    """Return the response (2, T) of a listener facing 30 degrees right of the source, the distance and the speed of sound."""
    settings = AcousticsSettings(response_s=place.response_s, quality=quality)
    room = prepare_acoustics(scene, acoustics, settings)
    listener, source = np.array(place.listener), np.array(place.source)
    offset = source - listener
    heading = np.rad2deg(np.arctan2(-offset[0], -offset[2])) - 30.0
    ears = load_ears(None, RATE_HZ)
    sound = responses(room, listener[None], np.array([heading]), source[None], settings, ears, np.random.default_rng(0))
    full, direct = sound.indirect[0, 0].astype(np.float64), sound.direct[0, 0]
    shared = min(full.shape[-1], direct.shape[-1])
    full[:, :shared] += direct[:, :shared]
    return full, float(np.linalg.norm(offset)), room.speed_m_s


def _octave_rt60(response: np.ndarray) -> np.ndarray:
    """Return T30 in each octave, mean of both ears."""
    out = []
    for centre in OCTAVES:
        sos = signal.butter(4, [centre / np.sqrt(2), centre * np.sqrt(2)], "bandpass", fs=RATE_HZ, output="sos")
        out.append(rt60(signal.sosfiltfilt(sos, response), RATE_HZ).mean())
    return np.array(out)


def _eyring(scene: Scene, acoustics: SurfaceAcoustics) -> np.ndarray:
    """Return Eyring's reverberation time by octave with air (Kuttruff 2009, 5.1); the volume excludes furniture."""
    a, b, c = scene.vertices[scene.faces].astype(np.float64).transpose(1, 0, 2)
    volume = abs(np.einsum("fi,fi->f", a, np.cross(b, c)).sum()) / 6.0
    area = scene.areas.astype(np.float64)
    mean = (area[:, None] * acoustics.absorption[scene.face_surface]).sum(0) / area.sum()
    loss = -area.sum() * np.log(1.0 - mean) + 4.0 * attenuation(20.0, 50.0) * volume
    return (24.0 * np.log(10.0) * volume / (speed_of_sound(20.0) * loss))[: len(OCTAVES)]


def _crest(tail: np.ndarray) -> float:
    """Return the largest sample of (2, T) responses relative to the RMS of its 20 ms, down to 60 dB below the loudest block."""
    size = RATE_HZ // 50
    blocks = tail[:, : tail.shape[1] // size * size].reshape(2, -1, size)
    power = (blocks**2).mean(-1)
    loud = power > 1e-6 * power.max()
    return float((np.abs(blocks).max(-1)[loud] / np.sqrt(power[loud])).max())
