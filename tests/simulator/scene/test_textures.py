"""Textures: colour spaces, mip pyramids, and the memory that they may take."""

from __future__ import annotations

import io
from itertools import pairwise

import numpy as np
import pytest
from PIL import Image

from simulator.scene.textures import LARGEST_PX, PYRAMID, fitting_px, linear_from_srgb, pack, pyramid, srgb_from_linear, to_image


def picture(width, height, color=(90, 160, 30, 255)):
    return Image.fromarray(np.full((height, width, 4), color, np.uint8))


def test_srgb_round_trip_and_known_values():
    every = np.arange(256)
    np.testing.assert_array_equal(srgb_from_linear(linear_from_srgb(every)), every)
    # IEC 61966-2-1: mid grey of 18 % reflectance is encoded as 118, half the light as 188.
    assert srgb_from_linear(np.array([0.18, 0.5])).tolist() == [118, 188]


class TestPyramid:
    def test_halving_averages_light_not_codes(self):
        board = np.zeros((2, 2, 4), np.uint8)
        board[[0, 1], [0, 1], :3] = 255
        board[..., 3] = 255
        assert pyramid(board)[1].tolist() == [[[188, 188, 188, 255]]]

    def test_transparent_texels_do_not_bleed_their_colour(self):
        leaf = np.zeros((2, 2, 4), np.uint8)
        leaf[:, 0] = (0, 255, 0, 255)
        leaf[:, 1] = (255, 0, 255, 0)
        assert pyramid(leaf)[1].tolist() == [[[0, 255, 0, 128]]]

    @pytest.mark.parametrize("shape", [(1, 1), (1, 7), (5, 3), (16, 64), (33, 2)])
    def test_ends_at_one_texel_and_keeps_an_even_colour(self, shape):
        chain = pyramid(np.full((*shape, 4), (90, 160, 30, 200), np.uint8))
        assert chain[-1].shape == (1, 1, 4)
        for fine, rough in pairwise(chain):
            assert rough.shape[:2] == tuple(max((n + 1) // 2, 1) for n in fine.shape[:2])
        assert all((level == (90, 160, 30, 200)).all() for level in chain)


@pytest.mark.parametrize(("grey", "byte"), [(0, 0), (128, 0), (129, 1), (32768, 128), (65535, 255)])
@pytest.mark.parametrize("mode", ["I;16", "I"])
def test_16_bit_grey_is_rounded_to_8_bits(grey, byte, mode):
    pixels = np.full((2, 2), grey, np.uint16 if mode == "I;16" else np.int32)
    assert to_image(Image.fromarray(pixels), 64)[0, 0].tolist() == [byte] * 3 + [255]


class TestPack:
    def test_each_level_lies_where_it_says(self):
        images = [picture(8, 4, (1, 2, 3, 255)), picture(2, 2, (9, 8, 7, 255))]
        textures, of = pack(images, {0, 1}, 100, [])
        for k, color in ((0, (1, 2, 3, 255)), (1, (9, 8, 7, 255))):
            for level in range(textures.offset.shape[1]):
                at, (w, h) = textures.offset[of[k], level], textures.size[of[k], level]
                assert (textures.texels[at : at + w * h] == color).all()
        rest = textures.offset.shape[1] - 4  # short pyramids repeat their last level
        assert textures.size[of[0]].tolist() == [[8, 4], [4, 2], [2, 1], [1, 1]] + [[1, 1]] * rest
        assert textures.size[of[1]].tolist() == [[2, 2], [1, 1], [1, 1], [1, 1]] + [[1, 1]] * rest

    @pytest.mark.parametrize("size", [(4096, 4095), (5000, 3), (2047, 2049), (1, 9000), (333, 2500)])
    def test_largest_pictures_fit_their_room(self, size):
        textures, _ = pack([picture(*size), picture(3, 5, (7, 8, 9, 255))], {0, 1}, 100, [])
        assert textures.size[0, 0].max() == LARGEST_PX if max(size) > LARGEST_PX else textures.size[0, 0].tolist() == [*size]
        assert textures.size[0, -1].tolist() == [1, 1]
        last = textures.offset[1, 0]
        assert (textures.texels[last : last + 15] == (7, 8, 9, 255)).all()

    def test_a_broken_picture_leaves_the_others_in_place(self):
        data = io.BytesIO()
        picture(64, 64).save(data, "PNG")
        broken, notes = Image.open(io.BytesIO(data.getvalue()[:100])), []
        textures, of = pack([picture(2, 2), broken, picture(4, 4, (7, 8, 9, 255))], {0, 1, 2}, 100, notes)
        assert of == {0: 0, 2: 1} and len(textures.offset) == len(textures.size) == 2
        assert textures.texels[textures.offset[1, 0]].tolist() == [7, 8, 9, 255]
        assert "picture 1 cannot be decoded" in notes[0]

    def test_unused_pictures_are_not_decoded(self):
        class Untouchable:
            size = (4, 4)

            def __getattr__(self, name):
                raise AssertionError(name)

        textures, of = pack([Untouchable(), picture(4, 4)], {1}, 100, [])
        assert list(of) == [1] and len(textures.offset) == 1

    @pytest.mark.parametrize("budget_mb", [0.1, 0.5, 4.0, 64.0])
    def test_budget_holds(self, budget_mb):
        images = [picture(512, 256), picture(300, 700), *(picture(128, 128) for _ in range(10))]
        notes: list[str] = []
        textures, _ = pack(images, range(12), budget_mb, notes)
        assert textures.texels.nbytes <= budget_mb * 1e6 * 1.02
        full = 4 * PYRAMID * (512 * 256 + 300 * 700 + 10 * 128 * 128)
        assert bool(notes) == (full > budget_mb * 1e6)
        assert all("camera.texture_mb" in note for note in notes)

    def test_as_large_as_fits(self):
        sizes = [(1024, 1024)] * 3
        assert fitting_px(sizes, 17.0) == 2048
        assert fitting_px(sizes, 16.7) == 512
        assert fitting_px([], 0.0) == 2048

    def test_scaled_textures_keep_their_colour(self):
        textures, _ = pack([picture(512, 512)], {0}, 0.1, [])
        assert (textures.texels == (90, 160, 30, 255)).all()


def test_pictures_give_their_memory_back_once_they_are_packed():
    """A scan has hundreds: their own pixels beside the packed ones would double the memory of its textures."""
    pictures = [picture(8, 8), picture(8, 8)]
    pack(pictures, [0], 100, [])
    with pytest.raises(ValueError, match="closed"):
        pictures[0].load()
    assert pictures[1].getpixel((0, 0)) == (90, 160, 30, 255), "what no surface uses is left alone"
