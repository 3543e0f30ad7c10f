"""Addresses that cannot be opened: the message names the package that is missing, and no other."""

from __future__ import annotations

import sys

import pytest

from dataset.errors import DatasetError
from dataset.storage.file_system import file_system

fsspec = pytest.importorskip("fsspec")


def test_an_address_has_a_file_system_and_a_path_in_it():
    files, path = file_system("memory://there/set/")
    assert isinstance(files, fsspec.get_filesystem_class("memory")) and path == "/there/set"


@pytest.mark.parametrize(
    ("missing", "address", "message"),
    [
        ("fsspec", "s3://bucket/set", r"fsspec is not installed\); run: pip install -e '\.\[share\]'"),
        ("s3fs", "s3://bucket/set", r"s3fs.*; run: pip install -e '\.\[share\]'"),
        ("huggingface_hub", "hf://datasets/owner/set", r"huggingface_hub.*; run: pip install -e '\.\[share\]'"),
        ("aiohttp", "https://host/set", r"aiohttp.*; run: pip install -e '\.\[share\]'"),
        ("gcsfs", "gs://bucket/set", r"gcsfs.*; install the package that it names$"),
    ],
)
def test_a_missing_package_is_named(monkeypatch, missing, address, message):
    for name in [n for n in sys.modules if n.split(".")[0] in (missing, "fsspec")]:
        monkeypatch.delitem(sys.modules, name)  # so that the file systems are imported again
    monkeypatch.setitem(sys.modules, missing, None)
    with pytest.raises(DatasetError, match=message):
        file_system(address)


def test_an_unknown_protocol_asks_for_no_package():
    with pytest.raises(
        DatasetError, match=r"^gopher://old/set cannot be opened \(Protocol not known: gopher\); check the address$"
    ):
        file_system("gopher://old/set")
