"""Fields of view follow from EXIF data by hand-worked examples, and crops show what a longer lens would."""

import numpy as np
import pytest
from PIL import ExifTags, Image

from training.prediction.lens import cropped_hfov_deg, exif_hfov_deg, middle, zoom
from training.prediction.pictures import read_photograph, read_picture

TAG = ExifTags.Base


def save(path, size, exif):
    data = Image.Exif()
    data.get_ifd(ExifTags.IFD.Exif).update(exif)
    Image.new("RGB", size, (90, 120, 30)).save(path, exif=data)
    return path


def test_equivalent_focal_lengths_refer_to_the_diagonal():
    # 36 x 24 mm, 28 mm: 2 atan(18 / 28) = 65.47 degrees.
    assert exif_hfov_deg({TAG.FocalLengthIn35mmFilm: 28}, 3000, 2000) == pytest.approx(65.47, abs=0.02)
    # 4:3 with the same diagonal is 34.61 mm wide: 2 atan(17.307 / 26) = 67.31 degrees.
    assert exif_hfov_deg({TAG.FocalLengthIn35mmFilm: 26}, 4000, 3000) == pytest.approx(67.31, abs=0.02)
    # Upright, its width is 25.96 mm: 2 atan(12.98 / 26) = 53.06 degrees.
    assert exif_hfov_deg({TAG.FocalLengthIn35mmFilm: 26}, 3000, 4000) == pytest.approx(53.06, abs=0.02)


def test_without_them_focal_length_and_sensor_decide():
    # 5184 pixels at 5728.18 per inch are 22.99 mm: with 18 mm, 2 atan(11.493 / 18) = 65.11 degrees.
    exif = {
        TAG.FocalLength: 18.0, TAG.FocalPlaneXResolution: 5728.1768, TAG.FocalPlaneResolutionUnit: 2,
        TAG.ExifImageWidth: 5184, TAG.ExifImageHeight: 3456,
    }  # fmt: skip
    assert exif_hfov_deg(exif, 5184, 3456) == pytest.approx(65.11, abs=0.02)
    assert exif_hfov_deg(exif, 1296, 864) == pytest.approx(65.11, abs=0.02)  # scaled down
    # Upright: the width is 15.32 mm: 2 atan(7.662 / 18) = 46.11 degrees.
    assert exif_hfov_deg(exif, 3456, 5184) == pytest.approx(46.11, abs=0.02)


@pytest.mark.parametrize("exif", [{}, {TAG.FocalLengthIn35mmFilm: 0}, {TAG.FocalLength: 4.2}, {TAG.FocalLengthIn35mmFilm: "x"}])
def test_missing_unknown_or_damaged_values_give_none(exif):
    assert exif_hfov_deg(exif, 400, 300) is None


def test_files_are_read_with_their_lens_and_the_crop_narrows_it(tmp_path):
    path = save(tmp_path / "wide.jpg", (600, 400), {TAG.FocalLengthIn35mmFilm: 28})
    photograph = read_photograph(path, 4 / 3)
    assert photograph.rgb.shape == (400, 533, 3) and photograph.origin == "EXIF"
    assert photograph.hfov_deg == pytest.approx(cropped_hfov_deg(65.47, 533 / 600), abs=0.05)
    given = read_photograph(path, 1.5, 50.0)
    assert given.hfov_deg == pytest.approx(50.0) and given.origin == "given"
    np.testing.assert_array_equal(read_picture(path, 4 / 3), photograph.rgb)
    assert read_photograph(save(tmp_path / "none.jpg", (40, 30), {}), 4 / 3).hfov_deg is None


def test_the_middle_is_what_a_longer_lens_shows():
    x = np.arange(1000)
    picture = np.repeat(np.repeat(x[None, :, None], 750, 0), 3, 2)
    part = middle(picture, 90.0, 60.0)
    half = 500 * np.tan(np.deg2rad(30))
    assert part[0, 0, 0] == pytest.approx(500 - half, abs=1) and part[0, -1, 0] == pytest.approx(499 + half, abs=1)
    assert part.shape[0] / 750 == pytest.approx(part.shape[1] / 1000, abs=0.002)
    assert middle(picture, 50.0, 50.0).shape == picture.shape


def test_turns_in_narrower_pictures_are_scaled_by_the_focal_lengths():
    assert zoom(60.0, 60.0) == 1.0
    assert zoom(45.0, 90.0) == pytest.approx(np.tan(np.pi / 8))
