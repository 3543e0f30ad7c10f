"""A video made for the test: its camera turns before a painted sphere, its sound is louder on one side."""

import csv
from types import SimpleNamespace

import numpy as np
import pytest
from PIL import Image

from training.errors import InputError
from training.evaluation.calibration import Calibration
from training.prediction.heading import follow_heading
from training.prediction.pictures import photograph
from training.prediction.video_file import VideoFile
from training.prediction.video_report import annotate, describe_video

RATE, FPS, SECONDS, LEFT_DB = 48000, 10, 3, 12.0


class Shift:
    """Reads the turn off the brightness of the pictures, in degrees, and the azimuth off the level difference, in dB."""

    settings = SimpleNamespace(picture=SimpleNamespace(width_px=96, height_px=72))
    calibration, hfov_deg, full_circle, name, clip = Calibration(60.0, 5.0, 100, 0.05, 100, 0.9), 60.0, True, "shift", 1600

    def rotation_and_spread(self, rgb_s, rgb_t):
        turn = rgb_t.mean((1, 2, 3)) - rgb_s.mean((1, 2, 3))
        return turn, np.where(np.abs(turn) > 60, 90.0, 1.0)

    def azimuth(self, sound, sample_rate):
        power = np.mean(sound.astype(float) ** 2, -1)
        return 10 * np.log10(power[:, 0] / power[:, 1])


def frames(levels):
    return [(0.5 * k, photograph(np.full((72, 96, 3), level, np.uint8), 4 / 3, 60.0, "given")) for k, level in enumerate(levels)]


def test_headings_add_up_over_references():
    heading = follow_heading(Shift(), frames([10, 20, 30, 50, 70, 90, 60, 10]))
    np.testing.assert_allclose(heading.heading_deg, [0, 10, 20, 40, 60, 80, 50, 0])
    assert heading.lost_s == () and heading.time_s[-1] == 3.5


def test_headings_wrap_and_losses_are_reported():
    heading = follow_heading(Shift(), frames([0, 50, 100, 150, 200, 250]))
    np.testing.assert_allclose(heading.heading_deg, [0, 50, 100, 150, -160, -110])
    heading = follow_heading(Shift(), frames([10, 20, 120, 130]))
    np.testing.assert_allclose(heading.heading_deg, [0, 10, 10, 20])
    assert heading.lost_s == (1.0,)


def test_where_the_reference_is_too_far_the_frame_before_helps():
    heading = follow_heading(Shift(), frames([10, 34, 75]))  # 65 from the reference, 41 from the frame before
    np.testing.assert_allclose(heading.heading_deg, [0, 24, 65])
    assert heading.lost_s == ()


@pytest.fixture(scope="module")
def video(tmp_path_factory):
    av = pytest.importorskip("av")
    path = tmp_path_factory.mktemp("video") / "walk.mp4"
    rng = np.random.default_rng(0)
    sound = 0.1 * rng.standard_normal((2, RATE * SECONDS)).astype(np.float32)
    sound[1] *= 10 ** (-LEFT_DB / 20)
    with av.open(str(path), "w") as container:
        pictures = container.add_stream("mpeg4", rate=FPS)
        pictures.width, pictures.height, pictures.pix_fmt = 160, 120, "yuv420p"
        ears = container.add_stream("aac", rate=RATE, layout="stereo")
        for k in range(FPS * SECONDS):
            for packet in pictures.encode(
                av.VideoFrame.from_ndarray(np.full((120, 160, 3), 60 + 2 * k, np.uint8), format="rgb24")
            ):
                container.mux(packet)
        frame = av.AudioFrame.from_ndarray(sound, format="fltp", layout="stereo")
        frame.rate = RATE
        for stream, packets in ((ears, ears.encode(frame)), (pictures, pictures.encode(None)), (ears, ears.encode(None))):
            assert stream is not None
            for packet in packets:
                container.mux(packet)
    return path


def test_frames_come_at_intervals_and_sound_in_blocks(video):
    file = VideoFile(video)
    times = [time for time, _ in file.frames(0.5)]
    np.testing.assert_allclose(times, np.arange(0, SECONDS, 0.5), atol=0.051)
    whole = np.concatenate(list(file.sound()), 1)
    assert whole.shape[1] == pytest.approx(16000 * SECONDS, rel=0.03)
    ratio = 10 * np.log10((whole[0] ** 2).mean() / (whole[1] ** 2).mean())
    assert ratio == pytest.approx(LEFT_DB, abs=0.5) and not file.levels.notes(video)
    swapped = np.concatenate(list(VideoFile(video, swap_ears=True).sound()), 1)
    np.testing.assert_array_equal(swapped, whole[::-1])


def test_heading_azimuth_and_an_annotated_copy_are_written(video, tmp_path):
    text, notes = describe_video(Shift(), VideoFile(video), 0.5, tmp_path, 60.0)
    assert "6 frames" in text and not any("guessed" in note for note in notes)
    with (tmp_path / "walk-heading.csv").open() as file:
        rows = list(csv.DictReader(file))
    np.testing.assert_allclose([float(r["heading_deg"]) for r in rows], [0, 10, 20, 30, 40, 50], atol=3)
    with (tmp_path / "walk-azimuth.csv").open() as file:
        np.testing.assert_allclose([float(r["azimuth_deg"]) for r in csv.DictReader(file)], LEFT_DB, atol=1)
    copy = VideoFile(tmp_path / "walk-annotated.mp4")
    assert copy.channels == 2 and len(list(copy.frames(0.0))) == FPS * SECONDS
    given, made = (next(iter(v.frames(1.0)))[1].astype(int) for v in (VideoFile(video), copy))
    assert given.shape == made.shape and np.abs(given - made)[90:, 110:].max() > 40 and np.abs(given - made)[:60, :80].max() < 12
    for name in ("walk-heading.png", "walk-azimuth.png"):
        assert Image.open(tmp_path / name).size[0] > 400


def test_annotations_show_heading_and_sound_in_the_plan():
    grey = np.full((240, 320, 3), 128, np.uint8)
    heading = follow_heading(Shift(), frames([10, 40]))
    track = SimpleNamespace(time_s=np.array([0.25]), azimuth_deg=np.array([60.0]))
    drawn = annotate(grey, 0.5, heading, track, True).astype(int)
    blue, orange = drawn[..., 2] - drawn[..., 0] > 120, drawn[..., 0] - drawn[..., 2] > 120
    (rows_b, columns_b), (rows_o, columns_o) = np.nonzero(blue), np.nonzero(orange)
    middle = 320 - 34 - 8
    assert columns_b.min() == pytest.approx(middle - 34 * np.sin(np.deg2rad(30)), abs=4)  # the camera turned left by 30
    assert columns_o.min() == pytest.approx(middle - 34, abs=4) and np.ptp(rows_o) <= 6  # the sound: 30 + 60, to the left
    assert rows_b.min() == pytest.approx(240 - 34 - 8 - 34 * np.cos(np.deg2rad(30)), abs=4)


def test_what_is_no_video_is_refused(tmp_path):
    pytest.importorskip("av")
    (tmp_path / "text.mp4").write_text("text")
    with pytest.raises(InputError, match="not a readable video"):
        VideoFile(tmp_path / "text.mp4")
    with pytest.raises(InputError, match="is missing"):
        VideoFile(tmp_path / "none.mp4")


def test_without_the_extra_the_message_names_it(tmp_path, monkeypatch):
    monkeypatch.setitem(__import__("sys").modules, "av", None)
    (tmp_path / "a.mp4").write_bytes(b"x")
    with pytest.raises(InputError, match="pip install av"):
        VideoFile(tmp_path / "a.mp4")
