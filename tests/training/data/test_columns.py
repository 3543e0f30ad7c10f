"""Splits beyond memory: the same batches as from memory, whatever is kept where, and whatever the cache has lost."""

from __future__ import annotations

import os
from dataclasses import fields, replace
from pathlib import Path

import numpy as np
import pytest
import torch

from training.config import Settings, preset
from training.data.batches import Batch, Batches
from training.data.columns import Column, Records, open_records
from training.data.limits import Allowance, Limits, default_memory, machine_memory
from training.data.preload import Store, load
from training.errors import InputError

BIG = 1 << 40
DRAWS = ("sound.sources=2", "sound.hard_share=0.5", "picture.blur_px=1", "sound.microphone_level_db=3")
LIMITS = {
    "nothing kept": Limits(0, 0),
    "some in memory": Limits(200_000, 0),
    "all on disk": Limits(0, BIG),
    "some on disk": Limits(0, 400_000),
    "some in memory, all on disk": Limits(200_000, BIG),
}


def settings(*assignments: str) -> Settings:
    return preset("small", {"picture.width_px": 64, "picture.height_px": 48, "sound.clip_s": 0.5, "seed": 5}, assignments)


@pytest.fixture(autouse=True)
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("SIGHT_AND_SOUND_CACHE", str(tmp_path / "cache"))
    return tmp_path / "cache"


@pytest.fixture(scope="module")
def whole(tiny_data: Path) -> Store:
    return load(str(tiny_data), "train", settings(*DRAWS), True, limits=Limits(BIG, 0))


def made(store: Store, workers: int = 0) -> list[Batch]:
    batches = Batches(store, settings(*DRAWS), 2, training=True, hard=True)
    return list(batches.between(0, 6, lambda batch: batch, workers))


def same(a: list[Batch], b: list[Batch]) -> bool:
    return all(torch.equal(getattr(x, f.name), getattr(y, f.name)) for x, y in zip(a, b, strict=True) for f in fields(Batch))


@pytest.mark.parametrize("limits", LIMITS.values(), ids=LIMITS)
@pytest.mark.parametrize("workers", [0, 3])
def test_batches_are_those_of_the_split_in_memory(limits: Limits, workers: int, tiny_data: Path, whole: Store) -> None:
    store = load(str(tiny_data), "train", settings(*DRAWS), True, limits=limits)
    assert isinstance(store.rgb, Column) and not isinstance(whole.rgb, Column)
    assert store.digest == whole.digest and store.set_id == whole.set_id and store.bytes == whole.bytes
    assert same(made(store, workers), made(whole))
    assert same(made(store), made(whole)), "when all is kept that will be"


def test_a_remote_data_set_gives_the_same_batches(tiny_data: Path, whole: Store) -> None:
    fsspec = pytest.importorskip("fsspec")
    memory = fsspec.filesystem("memory")
    memory.put(str(tiny_data), "/columns", recursive=True)
    for limits in (Limits(BIG, 0), Limits(0, BIG)):
        assert same(made(load("memory://columns", "train", settings(*DRAWS), True, limits=limits)), made(whole))
    memory.rm("/columns", recursive=True)


def test_decoded_sets_are_read_from_disk_by_the_next_run(tiny_data: Path, whole: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    made(load(str(tiny_data), "train", settings(*DRAWS), True, limits=Limits(0, BIG)))
    again = load(str(tiny_data), "train", settings(*DRAWS), True, limits=Limits(0, BIG))
    for column in (again.rgb, again.direct, again.indirect, again.mono):
        monkeypatch.setattr(column, "_decode", None)
    assert same(made(again), made(whole))


def test_what_the_disk_has_damaged_is_decoded_again(tiny_data: Path, whole: Store, cache: Path) -> None:
    made(load(str(tiny_data), "train", settings(*DRAWS), True, limits=Limits(0, BIG)))
    (folder,) = (cache / "decoded").iterdir()
    for name in ("rgb", "mono"):
        with (folder / name).open("r+b") as file:
            file.seek(1000)
            file.write(b"damage")
    os.truncate(folder / "indirect", 100)
    assert same(made(load(str(tiny_data), "train", settings(*DRAWS), True, limits=Limits(0, BIG))), made(whole))


def test_other_sizes_are_another_split_on_disk(tiny_data: Path, cache: Path) -> None:
    for width in (64, 32):
        load(
            str(tiny_data),
            "train",
            replace(settings(), picture=replace(settings().picture, width_px=width)),
            True,
            limits=Limits(0, BIG),
        )
    assert len(list((cache / "decoded").iterdir())) == 2


def test_splits_on_disk_make_room_for_others(cache: Path) -> None:
    shapes = {"x": ((10, 1 << 20), np.dtype(np.uint8))}
    for number, name in enumerate(("first", "second", "third")):
        records = open_records(name, shapes, limit=25 << 20)
        for row in range(10):
            records["x"].write(row, np.full(1 << 20, row, np.uint8))
        os.utime(cache / "decoded" / name, (number, number))
    assert {path.name for path in (cache / "decoded").iterdir()} == {"second", "third"}


def test_a_full_disk_keeps_nothing_and_reads_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    records = Records(tmp_path / "x", 4, (3,), np.dtype(np.int16))
    monkeypatch.setattr(os, "pwrite", lambda *_: (_ for _ in ()).throw(OSError(28, "No space left on device")))
    records.write(1, np.arange(3, dtype=np.int16))
    assert records.read(1) is None and records.read(9) is None


def test_memory_is_bounded() -> None:
    column = Column(lambda row: np.full(100, row, np.uint8), (50, 100), np.dtype(np.uint8), Allowance(1050), None)
    assert [int(column[row, 7]) for row in range(50)] == list(range(50))
    assert len(column._kept) == 10 and column.nbytes == 5000


def test_the_default_is_a_share_of_the_machine_for_all_its_processes(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("LOCAL_WORLD_SIZE", raising=False)
    alone = default_memory()
    assert 0 < alone < machine_memory()
    monkeypatch.setenv("LOCAL_WORLD_SIZE", "4")
    assert default_memory() == alone // 4


def test_a_negative_limit_is_refused() -> None:
    with pytest.raises(InputError, match="--memory is -1; a number of bytes, 0 or more"):
        Limits(memory=-1)
