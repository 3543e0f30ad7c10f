"""Binaural cues: ITD and ILD by azimuth against the measured head, late interaural coherence against its diffuse field."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from scipy import signal
from scipy.spatial import SphericalVoronoi

from benchmarks.acoustics.findings import Finding, Target
from benchmarks.acoustics.plots import panels
from benchmarks.acoustics.rooms import box, clean, room_of
from dataset.angles import direction
from simulator.acoustics.arrivals import Arrivals, Paths, sphere_cells
from simulator.config import AcousticsSettings
from simulator.engines.responses import responses
from simulator.receivers.hrtf import load_ears
from simulator.receivers.sofa import BUNDLED, Measurement, read_sofa
from simulator.receivers.spatialize import spatialize

RATE_HZ = 16000
FINE = 16
BANDS = ((80, 200), (200, 400), (400, 800))


def run(out: Path, quick: bool) -> list[Finding]:
    """Compare direct sound and late coherence with the bundled KEMAR."""
    measured = read_sofa(BUNDLED)
    return [azimuths(out, measured, 1.0 if not quick else 5.0), coherence(out, measured, 2 if quick else 8)]


def azimuths(out: Path, measured: Measurement, step_deg: float) -> Finding:
    """ITD and ILD of the direct sound in the horizontal plane, at measured directions and in steps between them."""
    level = np.abs(measured.directions[:, 1]) < 1e-6
    known = measured.directions[level]
    azimuth = np.rad2deg(np.arctan2(-known[:, 0], -known[:, 2]))
    front = np.abs(azimuth) <= 90.5
    azimuth, true = azimuth[front], _cues(measured.responses[level][front], measured.sample_rate_hz)
    order = np.argsort(azimuth)
    azimuth, true = azimuth[order], true[:, order]
    at_measured = _direct(azimuth)
    steps = np.arange(-90.0, 90.0 + step_deg / 2, step_deg)
    between = _direct(steps)
    error = np.abs(at_measured - true)
    jump = np.abs(np.diff(between)).max(1) / step_deg
    with panels(out / "ears.png", 2, "azimuth, degrees (left positive)", "", 5.5) as (left, right):
        for axis, k, name in ((left, 0, "ITD, us"), (right, 1, "ILD, dB")):
            axis.plot(steps, between[k], label=f"here, every {step_deg:g} degrees")
            axis.plot(azimuth, true[k], "o", ms=4, mfc="none", label="KEMAR as measured")
            axis.set(ylabel=name)
            axis.legend()
    names = (("ITD, us", 0, "{:.1f}"), ("ILD, dB", 1, "{:.2f}"))
    rows = [[n, *(f.format(x) for x in (np.median(error[k]), error[k].max(), jump[k]))] for n, k, f in names]
    return Finding(
        "Direct sound: interaural time and level differences",
        f"Free field, {len(azimuth)} measured directions from -90 to 90 degrees; limited to 7 kHz; ITD by cross-correlation.",
        ("", "median error", "largest error", "largest change per degree between them"), rows,
        [Target("ITD error, us", float(error[0].max()), 20.0), Target("ILD error, dB", float(error[1].max()), 0.5)],
        ["ears.png"],
    )  # fmt: skip


def coherence(out: Path, measured: Measurement, seeds: int) -> Finding:
    """Coherence of the late sound between the ears, in a diffuse field and in a traced box, against theory."""
    f, theory = _diffuse_coherence(measured)
    none = Paths(np.zeros(0, np.int32), np.zeros(0), np.zeros((0, 3)), np.zeros((0, 7)))
    flat = Arrivals(none, none, np.ones((1, 1000, 128, 7), np.float32), 0.002, sphere_cells(128), 343.2)
    ears, headings = load_ears(None, RATE_HZ), np.array([0.0, 90.0, 200.0])
    settings = AcousticsSettings(response_s=1.0)
    room = room_of(clean(box((6.0, 2.8, 5.0))), 0.105, 0.2, settings, air=True)
    positions, sources = np.repeat([[4.1, 1.5, 3.4]], 3, 0), np.array([[1.7, 1.2, 1.6], [1.2, 1.0, 3.6]])
    field, late = [], []
    for seed in range(seeds):
        rng = np.random.default_rng(seed)
        field.append(spatialize(flat, ears, headings, 10, 2 * RATE_HZ, rng)[1].reshape(-1, 2, 2 * RATE_HZ))
        simulated = responses(room, positions, headings, sources, settings, ears, rng).indirect
        late.append(simulated[..., RATE_HZ // 10 : RATE_HZ * 8 // 10].reshape(-1, 2, RATE_HZ * 7 // 10))
    here, boxed = (_coherence(np.concatenate(x).astype(np.float64)) for x in (field, late))
    with panels(out / "coherence.png", 1, "frequency, Hz", "interaural coherence (real part)", 7.0) as (axis,):
        axis.plot(f, theory, color="#444444", lw=3, alpha=0.4, label="KEMAR in a diffuse field")
        axis.plot(*here, label="here, diffuse field")
        axis.plot(*boxed, label="here, box after 100 ms")
        axis.set(xlim=(60, 2000))
        axis.legend()
    found = [_by_band(f, theory), _by_band(*here), _by_band(*boxed)]
    rows = [[f"{a} to {b} Hz", *(f"{x[k]:.2f}" for x in found)] for k, (a, b) in enumerate(BANDS)]
    text = (
        "Magnitude of the real part of the coherence, mean over each band; theory from KEMAR's responses over the whole sphere. "
        "The field in a box is not entirely diffuse."
    )
    return Finding(
        "Late sound: interaural coherence", text,
        ("band", "theory", "here, diffuse field", "here, box after 100 ms"), rows,
        [Target("largest difference in a diffuse field", float(np.abs(found[1] - found[0]).max()), 0.08)], ["coherence.png"],
    )  # fmt: skip


def _direct(azimuth_deg: np.ndarray) -> np.ndarray:
    toward = direction(azimuth_deg, np.zeros(len(azimuth_deg)))
    out = []
    for one in toward:
        path = Paths(np.zeros(1, np.int32), np.ones(1), one[None], np.ones((1, 7)))
        none = Paths(*(x[:0] for x in (path.source, path.distance, path.direction, path.gain)))
        field = Arrivals(path, none, np.zeros((1, 1, 128, 7), np.float32), 0.002, sphere_cells(128), 343.2)
        simulated, _ = spatialize(field, load_ears(None, RATE_HZ), np.zeros(1), 1024, 10, np.random.default_rng(0))
        out.append(simulated[0, 0])
    return _cues(np.array(out, np.float64), RATE_HZ)


def _cues(responses_: np.ndarray, rate_hz: float) -> np.ndarray:
    """Return (2, K): lag of the right ear behind the left, us, and level of the left ear over the right, dB, below 7 kHz."""
    n = 2048
    spectra = np.fft.rfft(responses_, n)
    spectra[..., np.fft.rfftfreq(n, 1 / rate_hz) > 7000] = 0
    cross = np.fft.irfft(spectra[:, 1] * np.conj(spectra[:, 0]), n * FINE)
    lag = np.fft.fftshift(cross, -1).argmax(-1) - n * FINE // 2
    power = (np.abs(spectra) ** 2).sum(-1)
    return np.stack([lag / (rate_hz * FINE) * 1e6, 10 * np.log10(power[:, 0] / power[:, 1])])


def _diffuse_coherence(measured: Measurement) -> tuple[np.ndarray, np.ndarray]:
    """Return frequencies and coherence (real part) for independent sound of equal power from all directions."""
    places = np.concatenate([measured.directions, [[0.0, -1.0, 0.0]]])  # not measured below -40 degrees
    area = SphericalVoronoi(places).calculate_areas()
    low = measured.directions[:, 1] < measured.directions[:, 1].min() + 0.01
    area = area[:-1] + np.where(low, area[-1] / low.sum(), 0.0)  # the lowest ring represents the directions below it
    n = 4096
    spectra = np.fft.rfft(measured.responses, n)
    cross = (area[:, None] * spectra[:, 0] * np.conj(spectra[:, 1])).sum(0)
    left, right = ((area[:, None] * np.abs(spectra[:, ear]) ** 2).sum(0) for ear in (0, 1))
    return np.fft.rfftfreq(n, 1 / measured.sample_rate_hz), cross.real / np.sqrt(left * right)


def _coherence(responses_: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return frequencies and coherence (real part) of the ears in (K, 2, T) responses, with the decay compensated."""
    block = 400
    power = (responses_[..., : responses_.shape[-1] // block * block].reshape(*responses_.shape[:2], -1, block) ** 2).mean((1, 3))
    at = np.arange(responses_.shape[-1]) / block - 0.5
    level = np.stack([np.interp(at, np.arange(len(p)), np.sqrt(p) + 1e-12) for p in power])
    flat = responses_ / level[:, None]
    f, cross = signal.csd(flat[:, 0], flat[:, 1], RATE_HZ, nperseg=1024)
    left, right = (signal.welch(flat[:, ear], RATE_HZ, nperseg=1024)[1].mean(0) for ear in (0, 1))
    return f, cross.mean(0).real / np.sqrt(left * right)


def _by_band(f: np.ndarray, coherence_: np.ndarray) -> np.ndarray:
    return np.array([np.abs(coherence_[(f >= a) & (f < b)]).mean() for a, b in BANDS])
