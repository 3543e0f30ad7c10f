"""Pictures as WebP files in a row of bytes: the same pixels, each decoded alone, and clear errors for damage."""

from __future__ import annotations

import io

import h5py
import numpy as np
import pytest
from PIL import Image

from dataset.format.pictures import decode_pictures, encode_pictures

RNG = np.random.default_rng(0)
RGB = RNG.integers(0, 256, (3, 12, 16, 3), np.uint8)


@pytest.fixture
def shard(tmp_path):
    with h5py.File(tmp_path / "walk.h5", "w") as file:
        made = encode_pictures(RGB)
        file["depth"] = np.zeros((2, 3, 12, 16), np.uint16)
        file["rgb_webp_end"] = np.stack([made["rgb_webp_end"]] * 2)
        file["rgb_webp"] = np.stack([np.pad(made["rgb_webp"], (0, 50))] * 2)
        yield file


def test_pixels_are_kept_and_each_picture_is_a_file(shard) -> None:
    np.testing.assert_array_equal(decode_pictures(shard, 1), RGB)
    np.testing.assert_array_equal(decode_pictures(shard, 0, view=-2), RGB[1])
    end = shard["rgb_webp_end"][0]
    content = shard["rgb_webp"][0, end[0] : end[1]].tobytes()
    np.testing.assert_array_equal(np.asarray(Image.open(io.BytesIO(content)).convert("RGB")), RGB[1])


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda file: file["rgb_webp_end"].__setitem__((0, 1), 5), "not increasing"),
        (lambda file: file["rgb_webp_end"].__setitem__((0, 2), 10**6), "exceeds rgb_webp"),
        (lambda file: file["rgb_webp"].__setitem__((0, slice(0, 40)), 0), "cannot be decoded"),
    ],
)
def test_damage_is_named(shard, change, message) -> None:
    change(shard)
    with pytest.raises(ValueError, match=message):
        decode_pictures(shard, 0)


def test_a_picture_of_another_size_is_refused_before_it_is_decoded(shard) -> None:
    del shard["depth"]
    shard["depth"] = np.zeros((2, 3, 6, 8), np.uint16)
    with pytest.raises(ValueError, match="16 x 12 pixels; 8 x 6 are expected"):
        decode_pictures(shard, 0)
