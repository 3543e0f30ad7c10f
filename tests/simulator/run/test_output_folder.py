"""The output folder: created, locked, cleared of unfinished files alone, and refused where it holds other files."""

from __future__ import annotations

import json
import subprocess
import sys

import pytest

from dataset.format.manifest import read_manifest
from simulator.errors import InputError
from simulator.render import main
from simulator.run.output_folder import LOCK, check_folder, output_folder


def names(folder):
    return sorted(p.relative_to(folder).as_posix() for p in folder.rglob("*"))


def test_is_made_and_cleared_of_unfinished_files_alone(tmp_path):
    out = tmp_path / "data" / "new"
    with output_folder(out):
        (out / "shards" / "a-0001.h5").write_bytes(b"whole")
    for name in ("shards/.a-0000.h5.123.part", ".manifest.json.123.part", "shards/.mine.part", "shards/.notes"):
        (out / name).write_bytes(b"half")
    with output_folder(out):
        pass
    assert names(out) == ["shards", "shards/.mine.part", "shards/.notes", "shards/a-0001.h5"]


def test_that_stays_empty_is_removed_again(tmp_path):
    with output_folder(tmp_path / "out"):
        assert (tmp_path / "out" / LOCK).is_file()
    assert names(tmp_path) == []


def test_that_cannot_be_made_is_one_line(tmp_path):
    (tmp_path / "file").write_text("")
    with (
        pytest.raises(InputError, match=r"^--out .*file/out cannot be written to \(.*\); choose another folder$"),
        output_folder(tmp_path / "file" / "out"),
    ):
        pass


class TestLock:
    def test_names_the_holder_and_nothing_of_it_is_deleted(self, tmp_path):
        with output_folder(tmp_path):
            part = tmp_path / "shards" / ".a-0000.h5.7.part"
            part.write_bytes(b"half")
            with pytest.raises(InputError, match=r"in use by another render \(process \d+ on .*\)"), output_folder(tmp_path):
                pass
            assert part.exists() and (tmp_path / LOCK).exists()
        with output_folder(tmp_path):
            pass

    def test_of_a_killed_process_is_free(self, tmp_path):
        code = (
            "import os, pathlib\nfrom simulator.run.output_folder import output_folder\n"
            f"with output_folder(pathlib.Path({str(tmp_path)!r})):\n    os._exit(9)"
        )
        assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 9
        assert (tmp_path / LOCK).exists()
        with output_folder(tmp_path):
            pass

    def test_second_command_ends_with_status_2(self, tiny_scenes, tiny_options, tmp_path, capsys):
        with output_folder(tmp_path):
            assert main(["--scenes", str(tiny_scenes), "--out", str(tmp_path), "--workers", "0", *tiny_options]) == 2
        assert capsys.readouterr().err.startswith(f"error: --out {tmp_path} is in use by another render (process ")


class TestForeignFiles:
    @pytest.mark.parametrize("name", ["photo.jpg", "notes/today.txt", "shards/notes.txt"])
    def test_are_refused_and_stay(self, name, tmp_path):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text("mine")
        before = names(tmp_path)
        with pytest.raises(InputError, match=r"holds files that are not a data set .*choose a new or an empty folder"):
            check_folder(tmp_path)
        assert names(tmp_path) == before

    @pytest.mark.parametrize("text", [json.dumps({"name": "my app", "icons": []}), "[]", "not json"])
    def test_another_manifest_is_refused_and_stays(self, text, tiny_scenes, tiny_options, tmp_path, capsys):
        (tmp_path / "manifest.json").write_text(text)
        assert main(["--scenes", str(tiny_scenes), "--out", str(tmp_path), "--workers", "0", *tiny_options]) == 2
        assert "holds a manifest.json that is not a data set's" in capsys.readouterr().err
        assert names(tmp_path) == ["manifest.json"] and (tmp_path / "manifest.json").read_text() == text

    def test_new_file_systems_and_hidden_files_are_no_obstacle(self, tmp_path):
        (tmp_path / "lost+found").mkdir()
        (tmp_path / ".DS_Store").write_text("")
        check_folder(tmp_path)

    def test_beside_a_data_set_are_no_obstacle(self, tiny_data):
        assert read_manifest(tiny_data)
        check_folder(tiny_data)
