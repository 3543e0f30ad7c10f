"""Distances of predicted to true binaural sound: waveforms, levels and delays between the ears; WAV examples."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import soundfile
import torch
from scipy.signal import hilbert, stft

from dataset.interaural import ild_db, itd_us
from training.data.batches import Batches
from training.data.render import render_batch
from training.networks.encoders import ordered_pairs
from training.tasks.pretext import Pretext

EXAMPLES = 4
PART = 16
"""Sounds whose delays are measured at a time: their oversampled correlations take memory."""


def distances(predicted: np.ndarray, truth: np.ndarray, rate_hz: int) -> dict[str, float]:
    """Return mean distances of N binaural sounds (N, 2, L), ears (left, right).

    stft, envelope: norm of the difference of the ears' short-time spectra (512 points) or Hilbert envelopes, as a share of the
    truth's norm. ild_db: error of the level difference of the whole sound. itd_us: error of the delay between the ears.
    """
    spectra, envelopes = ([f(x) for x in (predicted, truth)] for f in (_spectra, _envelopes))
    return {
        "stft": _relative(*spectra),
        "envelope": _relative(*envelopes),
        "ild_db": float(np.nanmean(np.abs(ild_db(predicted) - ild_db(truth)))),
        "itd_us": float(np.nanmean(np.abs(_delays(predicted, rate_hz) - _delays(truth, rate_hz)))),
    }


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


def _delays(sound: np.ndarray, rate_hz: int) -> np.ndarray:
    return np.concatenate([itd_us(sound[k : k + PART], rate_hz) for k in range(0, len(sound), PART)])


def _spectra(sound: np.ndarray) -> np.ndarray:
    return stft(sound, nperseg=min(512, sound.shape[-1]))[2]


def _envelopes(sound: np.ndarray) -> np.ndarray:
    return np.abs(hilbert(sound))


def _relative(predicted: np.ndarray, truth: np.ndarray) -> float:
    def norm(x: np.ndarray) -> np.ndarray:
        return np.sqrt(np.square(np.abs(x)).sum(tuple(range(1, x.ndim))))

    return float((norm(predicted - truth) / norm(truth).clip(1e-9)).mean())
