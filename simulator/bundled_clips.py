"""Generate the bundled clips: speech by espeak-ng, music and everyday sounds by the code below.

    python -m simulator.bundled_clips --out simulator/assets/clips

Everything is seeded and written as 16 kHz mono FLAC. espeak-ng (Debian: apt install espeak-ng) is needed for the speech
only; without it the other clips are written.
"""

from __future__ import annotations

import argparse
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path

import numpy as np
import soundfile
import soxr
from scipy import signal

RATE = 16000
SPEECH = {
    "speech_english_us": (
        "en-us", 150,
        "Turn your head a little to the left, and the kettle that was in front of you now sings in "
        "your right ear.",
    ),
    "speech_english_gb": (
        "en-gb+f3", 160,
        "The rain had stopped by seven, and from the open window we could hear the tram turn into "
        "the square.",
    ),
    "speech_german": (
        "de+m3", 150,
        "Im Flur stehen drei Stühle, und aus der Küche riecht es schon nach frischem Brot und "
        "Kaffee.",
    ),
    "speech_spanish": (
        "es+f2", 155,
        "Cada tarde, cuando vuelve la calma, el viejo reloj del comedor da las seis con cinco "
        "minutos de retraso.",
    ),
}  # fmt: skip
"""Name -> espeak-ng voice, words per minute, and a sentence written for this project."""


def plucked_strings(rng: np.random.Generator) -> np.ndarray:
    """Synthesize a melody on plucked strings (Karplus and Strong 1983)."""
    out = np.zeros(6 * RATE)
    for k, pitch in enumerate([0, 4, 7, 12, 11, 7, 4, 2, 5, 9, 12, 9, 7, 4, 0]):
        period = round(RATE / (196.0 * 2 ** (pitch / 12)))
        noise = np.zeros(2 * RATE)
        noise[:period] = rng.uniform(-1, 1, period)
        loop = np.zeros(period + 2)
        loop[0], loop[period], loop[period + 1] = 1.0, -0.498, -0.498
        _place(out, signal.lfilter([1.0], loop, noise), 0.35 * k)
    return out


def organ(rng: np.random.Generator) -> np.ndarray:
    """Synthesize four chords on a small organ."""
    t = np.arange(int(1.7 * RATE)) / RATE
    envelope = np.minimum(1, t / 0.05) * np.minimum(1, (t[-1] - t) / 0.2)
    out = np.zeros(int(6.4 * RATE))
    for k, chord in enumerate([(0, 4, 7, 12), (-3, 0, 4, 9), (-7, -3, 0, 5), (-5, -1, 2, 7)]):
        tone = sum(
            np.sin(2 * np.pi * 220.0 * 2 ** (n / 12) * h * (1 + 1e-3 * rng.standard_normal()) * t + rng.uniform(0, 6.28)) / h
            for n in chord
            for h in (1, 2, 3, 4, 6)
        )
        _place(out, envelope * tone, 1.55 * k)
    return out


def drums(rng: np.random.Generator) -> np.ndarray:
    """Synthesize a drum loop of kick, snare and hi-hat."""
    t = np.arange(RATE // 2) / RATE
    kick = np.sin(2 * np.pi * (50 * t + 9 * (1 - np.exp(-t * 25)))) * np.exp(-9 * t)
    out = np.zeros(6 * RATE)
    high = signal.butter(4, 5000, "high", fs=RATE, output="sos")
    for step in range(24):
        at = 0.25 * step * 0.98
        hat = signal.sosfilt(high, rng.standard_normal(len(t))) * np.exp(-60 * t)
        _place(out, 0.25 * hat, at)
        if step % 4 == 0 or step % 16 == 10:
            _place(out, kick, at)
        if step % 8 == 4:
            _place(out, 0.5 * (rng.standard_normal(len(t)) * np.exp(-18 * t) + np.sin(2 * np.pi * 190 * t) * np.exp(-25 * t)), at)
    return out


def marimba(rng: np.random.Generator) -> np.ndarray:
    """Synthesize a pentatonic phrase on wooden bars with modes at 1, 3.9 and 9.2 times the pitch."""
    t = np.arange(int(1.2 * RATE)) / RATE
    out = np.zeros(6 * RATE)
    for k in range(18):
        f = 262.0 * 2 ** (rng.choice([0, 2, 4, 7, 9, 12, 14]) / 12)
        bar = sum(
            a * np.sin(2 * np.pi * f * r * t) * np.exp(-d * t)
            for a, r, d in ((1, 1, 6), (0.4, 3.93, 14), (0.15, 9.2, 30))
            if f * r < 7500
        )
        _place(out, rng.uniform(0.5, 1) * bar, 0.28 * k + rng.uniform(0, 0.02))
    return out


def clock(rng: np.random.Generator) -> np.ndarray:
    """Synthesize a ticking clock: damped modes of a small case, alternating in pitch."""
    t = np.arange(RATE // 4) / RATE
    out = np.zeros(6 * RATE)
    for k in range(12):
        pitch = 1.0 if k % 2 else 1.18
        tick = sum(
            a * np.sin(2 * np.pi * f * pitch * t) * np.exp(-d * t)
            for a, f, d in ((1, 2100, 120), (0.6, 3400, 160), (0.4, 640, 60))
        )
        _place(out, tick + 0.3 * rng.standard_normal(len(t)) * np.exp(-400 * t), 0.1 + 0.5 * k)
    return out


def footsteps(rng: np.random.Generator) -> np.ndarray:
    """Synthesize footsteps on wooden boards: heel, then sole."""
    t = np.arange(RATE // 3) / RATE
    low = signal.butter(2, [90, 900], "band", fs=RATE, output="sos")
    out = np.zeros(6 * RATE)
    for k in range(10):
        for delay, level, decay in ((0.0, 1.0, 45), (0.09, 0.5, 30)):
            thud = signal.sosfilt(low, rng.standard_normal(len(t)) * np.exp(-decay * t))
            _place(out, level * rng.uniform(0.8, 1.2) * thud, 0.1 + 0.57 * k + delay + rng.uniform(0, 0.03))
    return out


def knocking(rng: np.random.Generator) -> np.ndarray:
    """Synthesize knocks on a door."""
    t = np.arange(RATE // 4) / RATE
    out = np.zeros(5 * RATE)
    for at in (0.2, 0.42, 0.64, 2.0, 2.2, 3.4, 3.6, 3.8):
        modes = ((1, 170, 35), (0.7, 410, 60), (0.4, 980, 110))
        knock = np.zeros_like(t)
        for a, f, d in modes:
            knock += a * np.sin(2 * np.pi * f * t + rng.uniform(0, 1)) * np.exp(-d * t)
        _place(out, rng.uniform(0.8, 1.0) * knock, at)
    return out


def telephone(rng: np.random.Generator) -> np.ndarray:
    """Synthesize a telephone ring: two bells struck in turn, 25 times a second."""
    t = np.arange(RATE // 3) / RATE
    modes = ((1, 12), (2.4, 20), (3.1, 30))
    bells = [np.sum([np.sin(2 * np.pi * f * r * t) * np.exp(-d * t) for r, d in modes], 0) for f in (1320.0, 1570.0)]
    out = np.zeros(6 * RATE)
    for ring in range(2):
        for k in range(38):
            _place(out, rng.uniform(0.9, 1.1) * bells[k % 2], 0.1 + 3.0 * ring + 0.04 * k)
    return out


def running_water(rng: np.random.Generator) -> np.ndarray:
    """Synthesize running water: a soft hiss and many small bubbles (rising damped sines)."""
    out = 0.15 * signal.sosfilt(signal.butter(2, [400, 6000], "band", fs=RATE, output="sos"), rng.standard_normal(6 * RATE))
    for at in np.sort(rng.uniform(0, 5.8, 900)):
        t = np.arange(int(0.04 * RATE)) / RATE
        f = rng.uniform(500, 3500)
        _place(out, 0.3 * rng.uniform(0.2, 1) * np.sin(2 * np.pi * f * t * (1 + 3 * t)) * np.exp(-120 * t), at)
    return out


def doorbell(rng: np.random.Generator) -> np.ndarray:
    """Synthesize a two-tone doorbell, rung twice."""
    t = np.arange(2 * RATE) / RATE
    out = np.zeros(6 * RATE)
    for at, f in ((0.1, 659.3), (0.75, 523.3), (3.0, 659.3), (3.65, 523.3)):
        chime = np.zeros_like(t)
        for a, r, d in ((1, 1, 2.5), (0.5, 2.76, 5), (0.25, 5.4, 9)):
            chime += a * np.sin(2 * np.pi * f * r * t + rng.uniform(0, 1)) * np.exp(-d * t)
        _place(out, chime, at)
    return out


MADE: tuple[Callable[[np.random.Generator], np.ndarray], ...] = (
    plucked_strings, organ, drums, marimba, clock, footsteps, knocking, telephone, running_water, doorbell,
)  # fmt: skip


def speech(voice: str, words_a_minute: int, sentence: str) -> np.ndarray:
    """Synthesize a sentence with espeak-ng; (L,) at RATE."""
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "speech.wav"
        subprocess.run(["espeak-ng", "-v", voice, "-s", str(words_a_minute), "-w", str(file), sentence], check=True)
        samples, rate = soundfile.read(file)
    return soxr.resample(samples, rate, RATE)


def _place(out: np.ndarray, sound: np.ndarray, at_s: float) -> None:
    start = round(at_s * RATE)
    room = max(0, min(len(sound), len(out) - start))
    out[start : start + room] += sound[:room]


def _finish(sound: np.ndarray) -> np.ndarray:
    """Fade the ends over 10 ms and set the highest peak to -3 dB of full scale."""
    ramp = np.linspace(0, 1, RATE // 100)
    sound = sound - sound.mean()
    sound[: len(ramp)] *= ramp
    sound[-len(ramp) :] *= ramp[::-1]
    return 0.7 * sound / np.abs(sound).max()


def main(argv: list[str] | None = None) -> int:
    """Write all clips and return the exit status."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--out", type=Path, required=True, help="folder for the FLAC files")
    out = parser.parse_args(argv).out
    out.mkdir(parents=True, exist_ok=True)
    for k, make in enumerate(MADE):
        soundfile.write(out / f"{make.__name__}.flac", _finish(make(np.random.default_rng(k))), RATE, "PCM_16")
    if shutil.which("espeak-ng") is None:
        print("espeak-ng is not installed: the speech clips were not written", file=sys.stderr)
        return 1
    for name, (voice, rate, sentence) in SPEECH.items():
        soundfile.write(out / f"{name}.flac", _finish(speech(voice, rate, sentence)), RATE, "PCM_16")
    return 0


if __name__ == "__main__":
    sys.exit(main())
