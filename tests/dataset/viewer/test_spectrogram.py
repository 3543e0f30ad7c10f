"""Levels of a spectrogram, by hand."""

import numpy as np
import pytest

from dataset.viewer.spectrogram import spectrogram


def test_a_full_scale_sine_has_0_db():
    level = spectrogram(np.sin(2 * np.pi * 1000 / 16000 * np.arange(16000)))
    assert level.argmax(0).tolist() == [32] * level.shape[1]  # 1000 Hz / (16000 Hz / 512)
    assert level.max() == pytest.approx(0, abs=0.1)
