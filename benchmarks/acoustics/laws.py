"""Properties of every room: arrival and level in free field, rotation, reciprocity, energy conservation, repeatability."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from benchmarks.acoustics.apartments import apartment, place_in, room_in
from benchmarks.acoustics.box import SIZE
from benchmarks.acoustics.findings import Finding, Target
from benchmarks.acoustics.measures import echogram
from benchmarks.acoustics.reference import image_echogram
from benchmarks.acoustics.rooms import box, clean, room_of
from dataset.angles import direction
from simulator.acoustics.acoustic_scene import AcousticScene
from simulator.acoustics.arrivals import Arrivals, Paths, sphere_cells
from simulator.config import AcousticsSettings, with_options
from simulator.engines.responses import responses, trace
from simulator.receivers.ambisonics import Microphone
from simulator.receivers.hrtf import load_ears
from simulator.receivers.receiver import Receiver
from simulator.receivers.spatialize import spatialize

RATE_HZ, SPEED_M_S = 16000, 343.2
FINE = 64
DRAWS = 8
APARTMENTS = (6, 44)
PLACE, CORNER = np.array([4.1, 1.5, 3.4]), np.array([0.15, 0.2, 0.15])


def run(out: Path, quick: bool) -> list[Finding]:
    """Check each property."""
    del out
    quality = "standard" if quick else "reference"
    time, level = _free_field()
    swap = max(_swapped(number, quality) for number in APARTMENTS)
    orders = _levels_by_order(quality)
    targets = [
        Target("arrival time of the direct sound, error against distance / c, samples", time, 0.5),
        Target("level of the direct sound, error against 1 / distance, dB", level, 0.05),
        Target("rotation of the head against opposite rotation of the source, dB of the loudest sample", _turned(), -100.0),
        Target("reciprocity: broadband level with source and listener of a furnished apartment exchanged, dB", swap, 0.3),
        Target("total level with images of order 0 to 4, range, dB", float(np.ptp(orders)), 0.1),
        Target(
            "total level 15 cm from two walls and 20 cm above the floor, error against the image method, dB",
            _near_walls(quality),
            0.3,
        ),
        Target("samples that differ between two runs of one seed", float(_differing()), 0.0),
    ]
    text = f"Rays of {quality} quality; apartments {' and '.join(map(str, APARTMENTS))} of the bundled ones."
    return [Finding("Properties of every room", text, ("property", "measured"), [[p.what, p.value] for p in targets], targets)]


def _free_field() -> tuple[float, float]:
    """Return the largest errors of arrival time, samples, and of level, dB, of an omnidirectional microphone."""
    late, loud = [], []
    for distance in np.linspace(0.5, 5.5, 23):
        pulse = _direct_response(direction(0.0, 0.0), distance, 0.0, Microphone(0, RATE_HZ))[0].astype(np.float64)
        spectrum = np.fft.rfft(pulse)
        fine = np.fft.irfft(spectrum, len(pulse) * FINE)
        late.append(fine.argmax() / FINE - distance / SPEED_M_S * RATE_HZ)
        audible = np.abs(spectrum[: len(spectrum) * 7 // 8])  # below 7 kHz: pulses between samples are attenuated below 8
        loud.append(20 * np.log10(audible * distance))
    return float(np.abs(late).max()), float(np.abs(loud).max())


def _turned() -> float:
    """Return the largest difference between a rotated head and a source rotated the other way, dB re the loudest sample."""
    worst = 0.0
    for azimuth, heading in ((10.0, 35.0), (-80.0, 123.4), (170.0, 291.0)):
        turned = _direct_response(direction(azimuth, 12.0), 1.7, heading, load_ears(None, RATE_HZ))
        moved = _direct_response(direction(azimuth - heading, 12.0), 1.7, 0.0, load_ears(None, RATE_HZ))
        worst = max(worst, float(np.abs(turned - moved).max() / np.abs(moved).max()))
    return 20 * np.log10(max(worst, 1e-12))


def _direct_response(toward: np.ndarray, distance: float, heading: float, receiver: Receiver) -> np.ndarray:
    """Return the free-field response (C, 1024) to a source."""
    path = Paths(np.zeros(1, np.int32), np.array([distance]), toward[None], np.full((1, 7), 1.0 / distance))
    none = Paths(*(x[:0] for x in (path.source, path.distance, path.direction, path.gain)))
    field = Arrivals(path, none, np.zeros((1, 1, 128, 7), np.float32), 0.002, sphere_cells(128), SPEED_M_S)
    return spatialize(field, receiver, np.array([heading]), 1024, 10, np.random.default_rng(0))[0][0, 0]


def _swapped(number: int, quality: str) -> float:
    settings = with_options({"acoustics.quality": quality})
    scene = apartment(number)
    listener, _, sources = place_in(scene, settings)
    room = room_in(scene, settings)
    there, back = (_level(room, a, b, settings.acoustics, k) for k, (a, b) in enumerate(_both(listener, sources[0])))
    return abs(there - back)


def _both(a: np.ndarray, b: np.ndarray) -> tuple[tuple[np.ndarray, np.ndarray], tuple[np.ndarray, np.ndarray]]:
    return (a, b), (b, a)


def _level(room: AcousticScene, listener: np.ndarray, source: np.ndarray, settings: AcousticsSettings, seed: int = 0) -> float:
    arrivals = trace(room, listener, source[None], settings, np.random.default_rng(seed))
    return 10 * np.log10(echogram(arrivals).mean(1).sum())


def _levels_by_order(quality: str) -> list[float]:
    """Return the total level with images of order 0 to 4, means over DRAWS seeds: energy lost or counted twice would show."""
    levels = []
    for order in range(5):
        settings = AcousticsSettings(quality=quality, image_order=order, response_s=0.6)
        room = room_of(clean(box(SIZE)), 0.2, 0.2, settings)
        draws = [_level(room, PLACE, np.array([1.7, 1.2, 1.6]), settings, DRAWS * order + k) for k in range(DRAWS)]
        levels.append(float(np.mean(draws)))
    return levels


def _near_walls(quality: str) -> float:
    settings = AcousticsSettings(quality=quality, response_s=0.6)
    room = room_of(clean(box(SIZE)), 0.2, 0.0, settings)
    arrivals = trace(room, PLACE, CORNER[None], settings, np.random.default_rng(0))
    ours = echogram(arrivals)[:, 3]
    pure = image_echogram(SIZE, 0.2, PLACE, CORNER, len(ours), arrivals.bin_s, arrivals.speed_m_s)
    return abs(10 * np.log10(ours.sum() / pure.sum()))


def _differing() -> int:
    settings = with_options({"sources": 2, "acoustics.quality": "draft", "acoustics.ambisonic_order": 1})
    scene = apartment(APARTMENTS[0])
    listener, headings, sources = place_in(scene, settings)
    room, places = room_in(scene, settings), np.repeat(listener[None], settings.views, 0)
    ears = load_ears(None, RATE_HZ)
    one, two = (responses(room, places, headings, sources, settings.acoustics, ears, np.random.default_rng(7)) for _ in range(2))
    assert one.ambisonic is not None and two.ambisonic is not None
    pairs = ((one.direct, two.direct), (one.indirect, two.indirect), (one.ambisonic, two.ambisonic))
    return sum(int((a != b).sum()) for a, b in pairs)
