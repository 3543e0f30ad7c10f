"""Files of poses: JSON and CSV say the same, and whatever cannot be used is refused by record."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from simulator.errors import InputError
from simulator.run.clips import ClipChoice
from simulator.run.pose_files import read_poses

SCENES, CLIPS = ("flat", "house"), ("speech.wav", "bell.flac")
RECORD = {
    "scene": "flat",
    "position": [2, 1.5, -3],
    "heading_deg": [0, 30],
    "pitch_deg": -10,
    "sources": [[4, 1.2, -3], [1, 1, 1]],
    "clips": ["speech.wav", {"clip": "bell.flac", "start_s": 1.5, "rms": 0.1}],
}
CSV = """scene,set,x,y,z,heading_deg,pitch_deg,source_x,source_y,source_z,source2_x,source2_y,source2_z,clip,clip2
flat,a,2,1.5,-3,0,-10,4,1.2,-3,1,1,1,speech.wav,bell.flac
flat,a,2,1.5,-3,30,-10,4,1.2,-3,1,1,1,speech.wav,bell.flac
house,a,0,1,0,0,0,4,1.2,-3,1,1,1,speech.wav,bell.flac
house,a,0,1,0.5,-90,0,4,1.2,-3,1,1,1,speech.wav,bell.flac
"""


def written(folder: Path, content: object) -> Path:
    path = folder / "poses.json"
    path.write_text(json.dumps(content))
    return path


def test_one_position_and_one_pitch_hold_for_all_views(tmp_path: Path) -> None:
    poses = read_poses(written(tmp_path, {"sets": [RECORD]}), SCENES, CLIPS)
    (pose,) = poses.sets["flat"]
    np.testing.assert_array_equal(pose.positions, [[2, 1.5, -3], [2, 1.5, -3]])
    np.testing.assert_array_equal(pose.headings_deg, [0, 30])
    assert pose.pitch_deg is not None and pose.roll_deg is None
    np.testing.assert_array_equal(pose.pitch_deg, [-10, -10])
    assert pose.clips == (ClipChoice("speech.wav"), ClipChoice("bell.flac", 1.5, 0.1))
    assert (poses.views, poses.sources) == (2, 2)
    assert poses.farthest_m == pytest.approx(np.linalg.norm([1, 0.5, -4]))


def test_csv_has_one_row_for_each_view(tmp_path: Path) -> None:
    path = tmp_path / "poses.csv"
    path.write_text("\ufeff" + CSV)
    poses = read_poses(path, SCENES, CLIPS)
    plain = {**RECORD, "clips": ["speech.wav", "bell.flac"]}
    same = read_poses(written(tmp_path, {"sets": [plain]}), SCENES, CLIPS).sets["flat"][0]
    (found,), (other,) = poses.sets["flat"], poses.sets["house"]
    for name in ("positions", "headings_deg", "sources", "pitch_deg"):
        np.testing.assert_array_equal(getattr(found, name), getattr(same, name))
    assert found.clips == same.clips
    np.testing.assert_array_equal(other.positions, [[0, 1, 0], [0, 1, 0.5]])


def test_the_only_scene_need_not_be_named(tmp_path: Path) -> None:
    record = {k: v for k, v in RECORD.items() if k != "scene"}
    assert list(read_poses(written(tmp_path, {"sets": [record]}), ["flat"], CLIPS).sets) == ["flat"]
    with pytest.raises(InputError, match=r"sets\[0\]: no scene is named; use one of flat, house"):
        read_poses(written(tmp_path, {"sets": [record]}), SCENES, CLIPS)


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"scene": "castle"}, "scene 'castle' is not among --scenes"),
        ({"position": [1, 2]}, r"position has the shape \(1, 2\)"),
        ({"position": [[0, 0, 0]] * 3}, "3 positions are given for 2 headings"),
        ({"heading_deg": ["north", 0]}, "heading_deg is .*; numbers are expected"),
        ({"heading_deg": ["30", "60"]}, "heading_deg is .*; numbers are expected"),
        ({"heading_deg": [True, False]}, "heading_deg is .*; numbers are expected"),
        ({"heading_deg": [0, float("nan")]}, "NaN"),
        ({"heading_deg": [[0, 1]]}, "heading_deg has 2 axes"),
        ({"position": [[0, 0, 0], [0, 0]]}, "position is .*; numbers are expected"),
        ({"pitch_deg": [0, 1, 2]}, "pitch_deg has 3 numbers for 2 headings"),
        ({"pitch_deg": 100}, "pitch_deg is 100 degrees"),
        ({"sources": [[2, 1.5, -3.05], [1, 1, 1]]}, "a source is 0.05 m from the listener"),
        ({"sources": [[2e5, 1.5, -3], [1, 1, 1]]}, r"a source is 2e\+05 m from the listener"),
        ({"sources": []}, "sources is"),
        ({"clips": ["speech.wav"]}, "one clip for each of 2 sources"),
        ({"clips": ["speech.wav", "../secret.wav"]}, "is not the name of a clip"),
        ({"clips": ["speech.wav", {"clip": "bell.flac", "rms": 2}]}, "needs start_s of 0 or more and rms"),
        ({"heading": 3}, "heading is unknown"),
    ],
)
def test_a_record_that_cannot_be_used_is_named(tmp_path: Path, change: dict[str, object], said: str) -> None:
    with pytest.raises(InputError, match=rf"poses .*poses.json, sets\[1\]: .*{said}"):
        read_poses(written(tmp_path, {"sets": [RECORD, {**RECORD, **change}]}), SCENES, CLIPS)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("[]", "has no list of sets"),
        ('{"sets": []}', "holds no sets"),
        ('{"sets": [3]}', r"sets\[0\] is 3"),
        ("{", "is not JSON"),
        ("[" * 100_000, "is not JSON"),
    ],
)
def test_a_file_that_holds_no_sets_is_refused(tmp_path: Path, text: str, said: str) -> None:
    path = tmp_path / "poses.json"
    path.write_text(text)
    with pytest.raises(InputError, match=said):
        read_poses(path, SCENES, CLIPS)


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ("heading_deg", "yaw", "lacks heading_deg"),
        ("pitch_deg", "pitch", "has the columns pitch"),
        ("flat,a,2,1.5,-3,30", "flat,a,2,1.5,-3,east", "line 3: heading_deg is 'east'"),
        ("flat,a,2,1.5,-3,30,-10,4", "flat,a,2,1.5,-3,30,-10,5", "line 2: the views of one set have different sources"),
        (",speech.wav,bell.flac\nhouse", "\nhouse", "line 3 does not have 15 cells"),
    ],
)
def test_a_table_that_does_not_fit_is_refused_by_line(tmp_path: Path, old: str, new: str, said: str) -> None:
    path = tmp_path / "poses.csv"
    path.write_text(CSV.replace(old, new))
    with pytest.raises(InputError, match=said):
        read_poses(path, SCENES, CLIPS)


def test_sets_have_one_number_of_views_and_sources(tmp_path: Path) -> None:
    other = {**RECORD, "heading_deg": [0, 30, 60]}
    with pytest.raises(InputError, match="sets of 2 and of 3 views"):
        read_poses(written(tmp_path, {"sets": [RECORD, other]}), SCENES, CLIPS)


def test_missing_and_binary_files_are_refused(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="cannot be read"):
        read_poses(tmp_path / "none.json", SCENES, CLIPS)
    (tmp_path / "bad.csv").write_bytes(b"\xff\xfe\x00")
    with pytest.raises(InputError, match="not UTF-8"):
        read_poses(tmp_path / "bad.csv", SCENES, CLIPS)
