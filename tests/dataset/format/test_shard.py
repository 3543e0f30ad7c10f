"""Shards of others: nothing outside the file is ever read, locks are not needed, and a failing disk is not called damage."""

import errno
import fcntl
import json

import h5py
import numpy as np
import pytest

from dataset.errors import DatasetError
from dataset.format.documents import sha256_of
from dataset.format.shard import absent_of, open_shard, settings_of
from dataset.reader import Dataset
from dataset.verify import verify

BARN = "shards/barn-0000.h5"
SECRET = b"private key of this machine, kept in a file beside the data set"


def external_storage(file, secret):
    del file["depth"]
    file.create_dataset("depth", (2, len(SECRET)), "uint8", external=[(str(secret), 0, h5py.h5f.UNLIMITED)])


def external_link(file, secret):
    with h5py.File(secret.with_suffix(".h5"), "w") as other:
        other["depth"] = np.frombuffer(SECRET, np.uint8)[None].repeat(2, 0)
    del file["depth"]
    file["depth"] = h5py.ExternalLink(secret.with_suffix(".h5"), "depth")


def soft_link(file, secret):
    del file["depth"]
    file["depth"] = h5py.SoftLink("/rgb")


def virtual(file, secret):
    with h5py.File(secret.with_suffix(".h5"), "w") as other:
        other["depth"] = np.frombuffer(SECRET, np.uint8)
    layout = h5py.VirtualLayout((2, len(SECRET)), np.uint8)
    layout[0] = layout[1] = h5py.VirtualSource(secret.with_suffix(".h5"), "depth", (len(SECRET),))
    del file["depth"]
    file.create_virtual_dataset("depth", layout)


def group(file, secret):
    del file["depth"]
    file.create_group("depth")


def foreign(file, secret):
    file["smell"] = np.zeros(2)


def huge(file, secret):
    """Declare 1 TB, none of which is stored."""
    del file["depth"]
    file.create_dataset("depth", (2, 2, 500_000, 500_000), "uint16", chunks=(1, 1, 100, 100))


def accept(root):
    """Write the manifest that the maker of a shard would write."""
    path = root / "manifest.json"
    content = json.loads(path.read_text())
    for entry in content["shards"]:
        shard = root / entry["path"]
        entry.update(bytes=shard.stat().st_size, sha256=sha256_of(shard))
    path.write_text(json.dumps(content))


@pytest.mark.parametrize("change", [external_storage, external_link, soft_link, virtual, group, foreign, huge])
def test_content_that_is_not_the_shards_own_is_refused(data, tmp_path, change):
    secret = tmp_path / "secret"
    secret.write_bytes(SECRET)
    with h5py.File(data / BARN, "r+") as file:
        change(file, secret)
    accept(data)
    name = "smell" if change is foreign else "depth"
    sets = Dataset(data)
    for read in (lambda: sets[2], lambda: sets.read(2, "depth"), lambda: sets.read(2, "heading")):
        with pytest.raises(DatasetError, match=rf"barn-0000.h5 is refused: its member '{name}'"):
            read()
    assert sets[0]["set_id"] == "attic/0"
    problems = verify(data)
    assert any(p.startswith(f"{BARN}: field {name}: ") for p in problems), problems
    assert not any(SECRET[:8].decode() in p for p in problems)


def test_a_file_that_is_locked_is_read(data):
    """As on file systems without locks, where HDF5's own locking fails."""
    with open(data / BARN, "rb") as held:
        fcntl.flock(held, fcntl.LOCK_EX)
        assert Dataset(data)[2]["set_id"] == "barn/0"
        assert verify(data) == []


def test_a_failing_disk_is_not_a_damaged_shard(data, monkeypatch):
    def fail(*args, **options):
        raise OSError(errno.EIO, "Input/output error")

    monkeypatch.setattr(h5py, "File", fail)
    with pytest.raises(OSError, match=r"barn-0000.h5 cannot be opened: Input/output error; check disk") as found:
        open_shard(data / BARN)
    with pytest.raises(DatasetError, match=r"cannot be read.*check disk") as refused:
        Dataset(data)[2]
    assert any("check disk" in problem for problem in verify(data))
    for text in (str(found.value), str(refused.value), *verify(data)):
        assert "delete" not in text and "damaged" not in text


def test_a_damaged_shard_is_not_to_be_deleted(data):
    (data / BARN).write_bytes(b"no HDF5")
    with pytest.raises(DatasetError, match="is damaged") as found:
        open_shard(data / BARN)
    assert "delete" not in str(found.value)


@pytest.mark.parametrize("text", ["[]", "{", "[" * 100_000, "7"])
def test_settings_that_are_no_object(data, text):
    with h5py.File(data / BARN, "r+") as file:
        file.attrs["settings"] = text
        file.attrs["absent"] = text
        for read in (settings_of, absent_of):
            with pytest.raises(DatasetError, match="barn is damaged"):
                read(file, "barn")
    assert any("absent fields of shard" in p or "settings of shard" in p for p in verify(data))


def test_missing_settings_are_named(data):
    with h5py.File(data / BARN, "r+") as file:
        file.attrs["settings"] = "{}"
    assert any("acoustics.indirect_ratio = None; a number is expected" in p for p in verify(data))
