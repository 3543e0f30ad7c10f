"""Reading: one index over shards, only what is asked for, in forked and spawned processes alike."""

import multiprocessing
import pickle

import h5py
import numpy as np
import pytest

from dataset import reader
from dataset.errors import DatasetError
from dataset.format.writer import rounded
from dataset.reader import Dataset

IDS = ["attic/0", "attic/1", "barn/0", "barn/1", "cellar/0", "cellar/1"]


def test_one_index_over_all_shards(data, make_set):
    sets = Dataset(data)
    assert len(sets) == 6
    assert [one["set_id"] for one in sets] == IDS
    assert sets[-1]["set_id"] == "cellar/1"
    for wrong in (6, -7):
        with pytest.raises(IndexError):
            sets[wrong]
    one, truth = sets[3], make_set("barn", 1)
    assert set(one) == {*truth, "hfov_deg", "pitch_deg", "roll_deg", "height_m", "hrtf", "head_scale"}
    np.testing.assert_array_equal(one["depth"], truth["depth"])
    np.testing.assert_array_equal(one["audio"], rounded(truth["audio"]))


@pytest.mark.parametrize(("split", "ids"), [("train", IDS[:2]), ("val", IDS[2:4]), ("test", IDS[4:])])
def test_splits(data, split, ids):
    assert [one["set_id"] for one in Dataset(data, split=split, fields=["set_id"])] == ids


def test_only_the_fields_and_views_asked_for(data, make_set):
    sets = Dataset(data, fields=["heading", "set_id"])
    assert set(sets[0]) == {"heading", "set_id"}
    view = sets.read(1, "rgb", view=1)
    np.testing.assert_array_equal(view, make_set("attic", 1)["rgb"][1])


def test_wrong_use(data, tmp_path):
    with pytest.raises(DatasetError, match="'dev'; choose one of train, val, test"):
        Dataset(data, split="dev")
    with pytest.raises(DatasetError, match=r"\['smell'\] are unknown"):
        Dataset(data, fields=["smell"])
    with pytest.raises(DatasetError, match="ambisonic_rir"):
        Dataset(data, fields=["ambisonic_rir"])[0]
    with pytest.raises(DatasetError, match="folder does not exist"):
        Dataset(tmp_path / "nowhere")


def test_few_files_stay_open(tmp_path, make_set, make_shard, make_manifest, monkeypatch):
    monkeypatch.setattr(reader, "MOST_OPEN", 2)
    for k in range(4):
        make_shard(tmp_path, "attic", [make_set("attic", k)], number=k)
    make_manifest(tmp_path)
    before = len(h5py.h5f.get_obj_ids(h5py.h5f.OBJ_ALL, h5py.h5f.OBJ_FILE))
    sets = Dataset(tmp_path, fields=["heading"])
    for _ in range(2):
        for k in range(4):
            np.testing.assert_array_equal(sets[k]["heading"], make_set("attic", k)["heading"])
    assert len(h5py.h5f.get_obj_ids(h5py.h5f.OBJ_ALL, h5py.h5f.OBJ_FILE)) - before <= 2
    sets.close()


def sums(sets, results):
    results.put([float(one["audio"].astype(np.float64).sum()) for one in sets])


@pytest.mark.parametrize("method", ["fork", "spawn"])
def test_other_processes_read_the_same(data, method):
    sets = Dataset(data, fields=["audio"])
    truth = [float(one["audio"].astype(np.float64).sum()) for one in sets]  # files are open now
    if method == "spawn":
        # A spawned interpreter imports this module by name only if it can be found; pickling is what spawning needs.
        copy = pickle.loads(pickle.dumps(sets))
        assert [float(one["audio"].astype(np.float64).sum()) for one in copy] == truth
        with multiprocessing.get_context("spawn").Pool(1) as pool:
            heard = pool.map(sets.__getitem__, range(len(sets)))
        assert [float(one["audio"].astype(np.float64).sum()) for one in heard] == truth
        return
    context = multiprocessing.get_context("fork")
    results = context.Queue()
    workers = [context.Process(target=sums, args=(sets, results)) for _ in range(2)]
    for worker in workers:
        worker.start()
    again = [float(one["audio"].astype(np.float64).sum()) for one in sets]  # while the workers read
    heard = [results.get(timeout=60) for _ in workers]
    for worker in workers:
        worker.join()
    assert heard == [truth, truth] and again == truth
