"""Renders to an address: the fields of a render to a folder, whatever the store does, and nothing lost in silence."""

from __future__ import annotations

import os

import pytest

from dataset.errors import DatasetError
from dataset.reader import Dataset
from dataset.storage.output import AddressOutput, open_output
from dataset.verify import verify
from simulator.render import main
from simulator.run.output_folder import scratch_folder

fsspec = pytest.importorskip("fsspec")


@pytest.fixture
def address(tmp_path, monkeypatch):
    """Give an empty address in memory; caches and scratch are in a folder of the test."""
    monkeypatch.setenv("SIGHT_AND_SOUND_CACHE", str(tmp_path / "cache"))
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    monkeypatch.setattr("dataset.storage.output.PAUSE_S", 0.0)
    monkeypatch.setattr("dataset.storage.remote.PAUSE_S", 0.0)
    name = f"memory://{tmp_path.name}/set"
    yield name
    fsspec.filesystem("memory").store.clear()


@pytest.fixture
def render(tiny_scenes, tiny_options, address):
    """Return a function that renders the tiny data set to the address, in this process, and returns the exit status."""
    return lambda *more: main(["--scenes", str(tiny_scenes), "--out", address, "--workers", "0", *tiny_options, *more])


def content(root):
    return {one["set_id"]: {k: v.tobytes() if hasattr(v, "tobytes") else v for k, v in one.items()} for one in Dataset(root)}


def test_the_fields_are_those_of_a_render_to_a_folder_and_scratch_is_empty(render, address, tiny_data, capsys):
    assert render() == 0
    assert content(address) == content(tiny_data) and verify(address) == []
    assert not [name for _, _, files in os.walk(scratch_folder(address)) for name in files]
    assert f"{address}: 8 sets of 2 scenes" in capsys.readouterr().out
    before = open_output(address).read("manifest.json")
    assert render() == 0 and "nothing to do" in capsys.readouterr().out
    assert open_output(address).read("manifest.json") == before


def test_an_interrupted_render_goes_on_with_what_is_there(render, address, tiny_data, monkeypatch):
    put, sent = AddressOutput.put, []

    def stop(self, path, name):
        if len(sent) == 2:
            raise KeyboardInterrupt
        sent.append(name)
        put(self, path, name)

    monkeypatch.setattr(AddressOutput, "put", stop)
    assert render() == 130 and len(open_output(address).sizes("shards")) == 2
    monkeypatch.setattr(AddressOutput, "put", lambda self, path, name: (sent.append(name), put(self, path, name))[1])
    assert render() == 0
    assert len(sent) == len(set(sent)) == 5, "four shards and the manifest, each once"
    assert content(address) == content(tiny_data)


def test_lost_and_cut_shards_are_rendered_again(render, address, tiny_data):
    assert render() == 0
    files, base = fsspec.core.url_to_fs(address)
    files.rm_file(f"{base}/shards/alpha-0000.h5")
    files.pipe_file(f"{base}/shards/beta-0001.h5", b"cut")
    assert render() == 0
    assert content(address) == content(tiny_data) and verify(address) == []


def test_a_shard_that_cannot_be_sent_is_listed_and_the_same_command_completes(render, address, tiny_data, monkeypatch, capsys):
    put = AddressOutput.put

    def refuse(self, path, name):
        if name.endswith("alpha-0001.h5"):
            raise DatasetError(f"{self.name}/{name} cannot be written (500); check address and keys, then run the command again")
        put(self, path, name)

    monkeypatch.setattr(AddressOutput, "put", refuse)
    assert render() == 1
    assert f"left out: scene alpha: {address}/shards/alpha-0001.h5 cannot be written (500)" in capsys.readouterr().out
    monkeypatch.setattr(AddressOutput, "put", put)
    assert render() == 0
    assert content(address) == content(tiny_data)


def test_a_shard_that_vanishes_during_the_render_is_listed(render, address, monkeypatch, capsys):
    put = AddressOutput.put

    def lose(self, path, name):
        put(self, path, name)
        if name.endswith("alpha-0001.h5"):
            self.delete(name)

    monkeypatch.setattr(AddressOutput, "put", lose)
    assert render() == 1
    assert f"left out: shard {address}/shards/alpha-0001.h5 is missing" in capsys.readouterr().out


def test_other_settings_and_other_files_are_refused(render, address, capsys):
    open_output(address).write("notes.txt", "mine")
    assert render() == 2 and "holds files that are not a data set (notes.txt)" in capsys.readouterr().err
    open_output(address).delete("notes.txt")
    assert render() == 0
    capsys.readouterr()
    open_output(address).delete("manifest.json")
    assert render("--seed", "9") == 2 and "holds shards of other settings (seed: " in capsys.readouterr().err
