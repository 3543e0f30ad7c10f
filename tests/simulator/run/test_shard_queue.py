"""The queue of shards: workers keep their scenes, and its work grows linearly with the number of shards."""

from __future__ import annotations

from pathlib import Path

from simulator.run.shard_plan import Shard
from simulator.run.shard_queue import ShardQueue


def shards(scenes):
    return [Shard(s, Path(f"{s}.glb"), "0" * 64, "train", k, 0, 1, Path(f"{k}.h5")) for k, s in enumerate(scenes)]


def test_a_worker_keeps_its_scene_then_takes_one_that_no_worker_holds_then_any():
    """A worker prepares a scene once; two workers share one only where no other is left."""
    queue = ShardQueue(shards("abacb"))
    assert queue.take("b", "ab").number == 1 and queue.take("b", "ab").number == 4
    assert queue.take("b", "ab").number == 3  # of c, which no worker holds
    assert queue.take(None, "abc").number == 0
    assert queue.take("a", "a").number == 2 and not queue


def test_a_shard_that_is_put_back_is_the_next_of_its_scene_and_of_the_queue():
    queue = ShardQueue(shards("aabb"))
    first = queue.take(None, ())
    queue.put_back(first)
    assert len(queue) == 4 and queue.take("a", "a") is first
    queue.put_back(queue.take("b", "ab"))
    assert [s.number for s in queue] == [2, 3, 1]
    queue.clear()
    assert len(queue) == 0 and list(queue) == []
