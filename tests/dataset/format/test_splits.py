"""Scenes are split 8:1:1, deterministically, and for good."""

import random
from collections import Counter

import pytest

from dataset.format.splits import assign_splits


def names(count):
    return [f"scene-{k}" for k in range(count)]


@pytest.mark.parametrize(
    ("count", "expected"),
    [
        (1, (1, 0, 0)),
        (2, (1, 1, 0)),
        (3, (1, 1, 1)),
        (10, (8, 1, 1)),
        (12, (10, 1, 1)),
        (20, (16, 2, 2)),
        (100, (80, 10, 10)),
    ],
)
def test_shares(count, expected):
    found = Counter(assign_splits(names(count)).values())
    assert (found["val"] >= 1 and found["test"] >= 1) == (count >= 3)
    assert max(abs(found[s] - e) for s, e in zip(("train", "val", "test"), expected, strict=True)) <= 1


def test_order_of_scenes_does_not_matter():
    shuffled = names(30)
    random.Random(0).shuffle(shuffled)
    assert assign_splits(names(30)) == assign_splits(shuffled)


def test_no_scene_moves_when_scenes_are_added():
    known = {}
    for count in range(1, 41):
        found = assign_splits(names(count), known)
        assert all(found[name] == split for name, split in known.items())
        known = found
        assert count < 3 or set(found.values()) == {"train", "val", "test"}
    assert Counter(known.values()) == {"train": 32, "val": 4, "test": 4}


def test_only_the_scenes_asked_for_are_given():
    assert assign_splits(["b"], {"a": "train"}).keys() == {"b"}


def test_the_same_content_is_one_scene():
    """Two names of one file have one digest."""
    found = assign_splits(["a", "b", "a", "c", "b"])
    assert list(found) == ["a", "b", "c"] and sorted(found.values()) == ["test", "train", "val"]
    assert found == assign_splits(["a", "b", "c"])


def test_the_split_of_a_scene_is_the_same_in_all_versions():
    """New scenes are taken in the order of the SHA-256 of their digests, so that neither names nor order of creation matter."""
    found = assign_splits(names(6))
    assert found == {name: {"scene-0": "val", "scene-5": "test"}.get(name, "train") for name in names(6)}
