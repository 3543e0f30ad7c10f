"""Shards: written equals read, whole or absent, the same bytes again, open to plain h5py and Hugging Face."""

import h5py
import numpy as np
import pytest

from dataset.errors import DatasetError
from dataset.format.schema import FIELDS
from dataset.format.writer import ShardWriter, rounded


def test_written_equals_read(tmp_path, make_set, make_shard):
    sets = [make_set("attic", k) for k in range(3)]
    with h5py.File(make_shard(tmp_path, "attic", sets)) as file:
        assert set(file) == {n for n, f in FIELDS.items() if not f.optional}
        for k, one in enumerate(sets):
            for name, value in one.items():
                stored = file[name][k]
                if FIELDS[name].audio:
                    error = np.sum((stored.astype(np.float64) - value) ** 2) / np.sum(value.astype(np.float64) ** 2)
                    assert 10 * np.log10(error) < -80, name
                elif isinstance(value, str):
                    assert stored.decode() == value
                else:
                    assert stored.dtype == value.dtype
                    np.testing.assert_array_equal(stored, value, err_msg=name)


def test_rounding_is_to_nearest_and_idempotent():
    # 12 bits are kept: around 1 the grid is 2^-12; halves go to the even neighbour.
    step = np.float32(2.0**-12)
    values = np.array([1 + 0.4 * step, 1 + 0.6 * step, 1 + 0.5 * step, 1 + 1.5 * step, -(1 + 0.6 * step), 0], np.float32)
    expected = np.array([1, 1 + step, 1, 1 + 2 * step, -(1 + step), 0], np.float32)
    np.testing.assert_array_equal(rounded(values), expected)
    np.testing.assert_array_equal(rounded(rounded(values)), expected)


def test_loud_sound_is_not_clipped(tmp_path, make_set, make_shard):
    one = make_set("attic", 0)
    one["audio"] = one["audio"] * np.float32(100)
    with h5py.File(make_shard(tmp_path, "attic", [one])) as file:
        assert np.abs(file["audio"][0]).max() == np.abs(rounded(one["audio"])).max() > 1


def test_same_sets_give_the_same_file(tmp_path, make_set, make_shard):
    sets = [make_set("attic", k) for k in range(2)]
    first, second = (make_shard(tmp_path / name, "attic", sets).read_bytes() for name in ("a", "b"))
    assert first == second


def test_crash_in_the_middle_leaves_nothing(tmp_path, make_set, make_shard):
    def crash():
        yield make_set("attic", 0)
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        make_shard(tmp_path, "attic", crash())
    assert list((tmp_path / "shards").iterdir()) == []


def test_crash_keeps_the_shard_that_was_there(tmp_path, make_set, make_shard):
    path = make_shard(tmp_path, "attic", [make_set("attic", 0)])
    before = path.read_bytes()
    spoilt = make_set("attic", 1)
    spoilt["heading"] = spoilt["heading"][:1]
    with pytest.raises(DatasetError, match="heading"):
        make_shard(tmp_path, "attic", [make_set("attic", 0), spoilt])
    assert path.read_bytes() == before
    assert list(path.parent.iterdir()) == [path]


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"depth": np.zeros((2, 24, 32), np.float32)}, "depth is float32; uint16 is expected"),
        ({"rt60": np.zeros((2, 2), np.float32)}, r"rt60 has shape \(2, 2\)"),
        ({"set_id": 7}, "set_id is int"),
        ({"smell": np.zeros(2, np.float32)}, "smell"),
    ],
)
def test_wrong_sets_are_refused(tmp_path, make_set, make_shard, change, message):
    with pytest.raises(DatasetError, match=message):
        make_shard(tmp_path, "attic", [{**make_set("attic", 0), **change}])


def test_a_missing_field_is_named(tmp_path, make_set, make_shard):
    one = make_set("attic", 0)
    del one["azimuth"]
    with pytest.raises(DatasetError, match="azimuth"):
        make_shard(tmp_path, "attic", [one])


def test_missing_attributes_are_named(tmp_path):
    with pytest.raises(DatasetError, match="seed"):
        ShardWriter(tmp_path / "a.h5", {"format": "sight-and-sound"})


def test_ambisonic_responses_are_optional(tmp_path, make_set, make_shard):
    one = make_set("attic", 0)
    one["ambisonic_rir"] = np.ones((2, 2, 4, 1600), np.float32)
    with h5py.File(make_shard(tmp_path, "attic", [one])) as file:
        assert file["ambisonic_rir"].shape == (1, 2, 2, 4, 1600)


def test_plain_h5py_and_row_aligned(tmp_path, make_set, make_shard):
    with h5py.File(make_shard(tmp_path, "attic", [make_set("attic", k) for k in range(3)])) as file:
        for name, column in file.items():
            assert isinstance(column, h5py.Dataset) and len(column) == 3
            assert column.compression in (None, "gzip")
            assert column.attrs["meaning"] and column.attrs["axes"].startswith("N")
            if h5py.check_string_dtype(column.dtype) is None:
                assert column.chunks[0] == 1, name
        assert file["rgb"].chunks == (1, 1, 24, 32, 3)
        assert file["brir_indirect"].chunks == (1, 1, 2, 2, 1600)


@pytest.mark.parametrize("streaming", [False, True])
def test_hugging_face_loads_a_shard(tmp_path, make_set, make_shard, streaming):
    datasets = pytest.importorskip("datasets")
    sets = [make_set("attic", k) for k in range(2)]
    path = make_shard(tmp_path, "attic", sets)
    rows = datasets.load_dataset(
        "hdf5", data_files=str(path), split="train", streaming=streaming, cache_dir=str(tmp_path / "cache")
    )
    for row, one in zip(rows, sets, strict=True):
        assert row["set_id"] == one["set_id"]
        np.testing.assert_array_equal(np.asarray(row["rgb"]), one["rgb"])
        np.testing.assert_array_equal(np.asarray(row["heading"], np.float32), one["heading"])
