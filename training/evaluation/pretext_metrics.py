"""Distances of predicted to true binaural sound: waveforms, levels and delays between the ears; WAV examples."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import soundfile
import torch
from scipy.signal import hilbert, stft

from training.data.batches import Batches
from training.data.render import render_batch
from training.networks.encoders import ordered_pairs
from training.tasks.pretext import Pretext

LONGEST_DELAY_S = 0.001
FINER = 8
"""Oversampling of the cross-correlations that delays are measured on."""
EXAMPLES = 4


def distances(predicted: np.ndarray, truth: np.ndarray, rate_hz: int) -> dict[str, float]:
    """Return mean distances of N binaural sounds (N, 2, L), ears (left, right).

    stft, envelope: norm of the difference of the ears' short-time spectra (512 points) or Hilbert envelopes, as a share of the
    truth's norm. ild_db: error of the level difference of the whole sound. itd_us: error of the delay between the ears.
    """
    spectra, envelopes = ([f(x) for x in (predicted, truth)] for f in (_spectra, _envelopes))
    return {
        "stft": _relative(*spectra),
        "envelope": _relative(*envelopes),
        "ild_db": float(np.abs(level_difference(predicted) - level_difference(truth)).mean()),
        "itd_us": float(1e6 * np.abs(delay(predicted, rate_hz) - delay(truth, rate_hz)).mean()),
    }


def level_difference(sound: np.ndarray) -> np.ndarray:
    """Return the level of the left ear over the right, dB: (N, 2, L) -> (N,)."""
    power = np.square(sound).mean(-1).clip(1e-12)
    return 10 * np.log10(power[:, 0] / power[:, 1])


def delay(sound: np.ndarray, rate_hz: int) -> np.ndarray:
    """Return the delay of the right ear after the left, s, where their cross-correlation is highest: (N, 2, L) -> (N,)."""
    size = 2 * sound.shape[-1]
    spectrum = np.fft.rfft(sound, size)
    correlation = np.fft.irfft(spectrum[:, 1] * spectrum[:, 0].conj(), FINER * size)
    most = round(LONGEST_DELAY_S * rate_hz * FINER)
    lags = np.arange(-most, most + 1)
    return lags[correlation[:, lags].argmax(1)] / (rate_hz * FINER)


@torch.no_grad()
def measure_pretext(task: Pretext, batches: Batches, device: torch.device, folder: Path) -> dict[str, dict[str, float]]:
    """Return the distances to the truth of binaural sounds predicted from mono, and of the mono sound in both ears.

    Writes EXAMPLES of them into `folder` as WAV: pretext-<n>-mono, -predicted and -true.
    """
    predicted, truth = [], []
    for rendered in batches.between(0, batches.per_epoch, lambda batch: render_batch(batch.to(device))):
        source, target = ordered_pairs(rendered.sound.shape[1])
        sound = rendered.sound[:, target].flatten(0, 1)
        predicted.append(task.binaural(sound, task.condition(rendered, source, target).flatten(0, 1)).float().cpu())
        truth.append(sound.cpu())
    rate = batches.store.sample_rate
    p, t = (torch.cat(x).numpy() for x in (predicted, truth))
    mono = np.repeat(t.mean(1, keepdims=True), 2, 1)
    for k, item in enumerate(np.linspace(0, len(t) - 1, EXAMPLES).astype(int)):
        for kind, ears in (("mono", mono), ("predicted", p), ("true", t)):
            soundfile.write(folder / f"pretext-{k}-{kind}.wav", ears[item].T.clip(-1, 1), rate, subtype="PCM_16")
    return {"predicted": distances(p, t, rate), "mono in both ears": distances(mono, t, rate)}


def _spectra(sound: np.ndarray) -> np.ndarray:
    return stft(sound, nperseg=min(512, sound.shape[-1]))[2]


def _envelopes(sound: np.ndarray) -> np.ndarray:
    return np.abs(hilbert(sound))


def _relative(predicted: np.ndarray, truth: np.ndarray) -> float:
    def norm(x: np.ndarray) -> np.ndarray:
        return np.sqrt(np.square(np.abs(x)).sum(tuple(range(1, x.ndim))))

    return float((norm(predicted - truth) / norm(truth).clip(1e-9)).mean())
