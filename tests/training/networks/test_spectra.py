"""Spectra against plain Fourier transforms, and what the interaural features of known sounds must be."""

from __future__ import annotations

import math

import numpy as np
import pytest
import torch

from training.networks.spectra import (
    ear_spectrograms,
    from_magnitude_phase,
    interaural_features,
    istft,
    louder_left,
    magnitude_phase,
    stft,
    swap_interaural,
    target_spectrum,
)


def noise(*shape: int, seed: int = 0) -> torch.Tensor:
    return 0.1 * torch.randn(*shape, generator=torch.Generator().manual_seed(seed))


def test_stft_frame_is_the_fourier_transform_of_the_windowed_sound() -> None:
    sound = noise(4000)
    frame = stft(sound, 512, 160, 400)[:, 10].numpy()
    middle = 10 * 160
    window = np.zeros(512)
    window[56:456] = 0.5 * (1 - np.cos(2 * np.pi * np.arange(400) / 400))
    expected = np.fft.rfft(window * sound.numpy()[middle - 256 : middle + 256])[:-1]
    np.testing.assert_allclose(frame, expected, atol=1e-4)


def test_published_sizes() -> None:
    assert target_spectrum(noise(2, 40800)).shape == (2, 256, 256)
    assert ear_spectrograms(noise(3, 2, 40800)).shape == (3, 4, 256, 256)


def test_istft_inverts_stft_of_sound_below_the_dropped_row() -> None:
    time = torch.arange(8000) / 16000
    sound = torch.sin(2 * math.pi * 440 * time) + 0.5 * torch.sin(2 * math.pi * 3000 * time)
    for n_fft, hop, window in ((512, 160, 400), (256, 160, 256)):
        assert (istft(stft(sound, n_fft, hop, window), n_fft, hop, window, 8000) - sound)[300:-300].abs().max() < 1e-3


def test_magnitude_and_phase_by_hand_and_back() -> None:
    spectrum = torch.tensor([[1.0 + 0j, 10j, -1e-9, 0.1 - 0.1j]])
    level, phase = magnitude_phase(spectrum)[0], magnitude_phase(spectrum)[1]
    assert level[0, :2].tolist() == pytest.approx([0.25, 0.5]) and float(level[0, 2]) == pytest.approx(-1.0)
    assert phase[0, :2].tolist() == pytest.approx([0.0, 0.5])
    assert (from_magnitude_phase(magnitude_phase(spectrum)) - spectrum).abs().max() < 2e-5


def parts(sound: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
    """Split features of (1, 2, L) into correlations (5, 31, T), level differences (16, T) and levels (16, T)."""
    correlation, difference, level, _ = interaural_features(sound)[0].split([155, 16, 16, 112])
    return correlation.reshape(5, 31, -1), difference, level


def test_interaural_features_of_one_sound_in_both_ears() -> None:
    mono = noise(1, 1, 8192)
    correlation, difference, level = parts(torch.cat([mono, 0.5 * mono], 1))
    assert (difference - 20 * math.log10(2) / 10).abs().max() < 1e-2
    assert (correlation.argmax(1) == 15).all()
    assert correlation[:, 15].numpy() == pytest.approx(3.0, abs=0.1)
    assert float(level.max()) == pytest.approx(0.5)


@pytest.mark.parametrize("later", [-9, 3, 12])
def test_interaural_features_of_a_delay(later: int) -> None:
    mono = noise(20000)
    left, right = mono[20:-20], mono[20 - later : -20 - later]  # later > 0: the right ear hears it later.
    correlation, difference, _ = parts(torch.stack([left, right])[None])
    peak = 15 + later
    assert (correlation.mean(-1).argmax(1) == peak).all()
    assert difference.mean().abs() < 0.05


def test_fine_levels_are_each_ears_own_in_bands_of_125_hz() -> None:
    time = torch.arange(16384) / 16000
    left, right = (torch.sin(2 * math.pi * f * time) for f in (1312.5, 6187.5))  # the middles of bands 2 and 41
    fine = interaural_features(torch.stack([left, 0.1 * right])[None])[0, 187:].reshape(2, 56, -1).mean(-1)
    assert fine.argmax(1).tolist() == [2, 41]
    assert float(fine[0, 2]) == pytest.approx(0.5, abs=0.01) and float(fine[1, 41]) == pytest.approx(0.0, abs=0.01)  # 20 dB below
    assert fine[0, 41] < -0.4 and fine[1, 2] < -0.4


def test_unlike_ears_do_not_correlate() -> None:
    correlation, _, _ = parts(noise(1, 2, 80000))
    assert correlation.mean(-1).abs().max() < 0.4


def test_swapped_features_are_those_of_swapped_ears() -> None:
    sound = noise(2, 2, 8192)
    assert torch.allclose(swap_interaural(interaural_features(sound)), interaural_features(sound.flip(1)), atol=1e-4)


def test_features_do_not_tell_loudness() -> None:
    sound = noise(1, 2, 8192)
    assert torch.allclose(interaural_features(3 * sound), interaural_features(sound), atol=1e-3)


def test_louder_ear() -> None:
    sound = noise(3, 2, 4000)
    sound[0, 0] *= 2
    sound[1, 1] *= 2
    assert louder_left(sound)[:2].tolist() == [True, False]
    assert (louder_left(sound.flip(1)) == ~louder_left(sound)).all()


def test_a_long_faint_tail_does_not_outvote_the_sound() -> None:
    sound = 0.02 * noise(1, 2, 8000)
    sound[:, 1] *= 1.5  # The tail is louder on the right, where it lasts ten times as long.
    sound[0, 0, :800] += noise(800, seed=1)
    sound[0, 1, :800] += 0.5 * noise(800, seed=1)
    assert bool(louder_left(sound))
