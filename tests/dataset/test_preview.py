"""Pictures: depth goes back to where it came from, and every scene gets its picture."""

import numpy as np
import pytest

from dataset.preview import main, plan, points, spectrogram


def test_a_wall_goes_back_to_its_place():
    # A camera at (1, 1.5, 2) that looks along -X (heading 90): a wall at x = -2 has depth 3 m everywhere.
    found = points(np.full((6, 8), 3000, np.uint16), np.array([1, 1.5, 2]), 90.0, hfov_deg=90.0, pitch_deg=0.0)
    np.testing.assert_allclose(found[..., 0], -2, atol=1e-9)
    # 90 degrees wide: the half width at 3 m is 3 m, less half of a pixel of 0.75 m. Right of -X is -Z.
    np.testing.assert_allclose(found[0, [0, -1], 2], [2 + 2.625, 2 - 2.625], atol=1e-9)
    np.testing.assert_allclose(found[[0, -1], 0, 1], [1.5 + 1.875, 1.5 - 1.875], atol=1e-9)


def test_a_pitched_camera_sees_the_floor():
    # Looking straight down from 1.5 m: all points lie on the floor, the top of the picture ahead (-Z).
    found = points(np.full((4, 4), 1500, np.uint16), np.array([0, 1.5, 0]), 0.0, hfov_deg=60.0, pitch_deg=-90.0)
    np.testing.assert_allclose(found[..., 1], 0, atol=1e-9)
    assert found[0, 0, 2] < 0 < found[-1, 0, 2] and found[0, 0, 0] < 0 < found[0, -1, 0]


def test_nothing_hit_is_nowhere():
    assert np.isnan(points(np.zeros((2, 2), np.uint16), np.zeros(3), 0.0, 60.0, 0.0)).all()


def test_the_highest_point_shows():
    red, blue = [255, 0, 0], [0, 0, 255]
    places = np.array([[0.01, 1.0, 0.01], [0.01, 0.2, 0.01], [0.11, 0.0, 0.06]])
    image, extent = plan(places, np.array([red, blue, blue], np.uint8))
    assert image.shape == (3, 5, 3)
    assert image[0, 0].tolist() == red and image[2, 4].tolist() == blue and image[1, 1].tolist() == [255] * 3
    assert extent == pytest.approx((0, 0.125, 0.075, 0))


def test_a_full_scale_sine_has_0_db():
    level = spectrogram(np.sin(2 * np.pi * 1000 / 16000 * np.arange(16000)))
    assert level.argmax(0).tolist() == [32] * level.shape[1]  # 1000 Hz / (16000 Hz / 512)
    assert level.max() == pytest.approx(0, abs=0.1)


def test_every_scene_gets_a_picture(data, tmp_path, capsys):
    image = pytest.importorskip("matplotlib.image")
    assert main([str(data), "--sets", "1", "--out", str(tmp_path / "pictures")]) == 0
    names = [f"{scene}.png" for scene in ("attic", "barn", "cellar")]
    assert sorted(p.name for p in (tmp_path / "pictures").iterdir()) == names
    assert capsys.readouterr().out.count(".png") == 3
    assert image.imread(tmp_path / "pictures" / "barn.png")[..., :3].std() > 0.05


@pytest.mark.parametrize("options", [["--sets", "0"], ["--out", "/dev/null/x"]])
def test_wrong_use_is_one_line(data, capsys, options):
    pytest.importorskip("matplotlib")
    assert main([str(data), *options]) == 2
    error = capsys.readouterr().err
    assert error.startswith("error: ") and error.count("\n") == 1
