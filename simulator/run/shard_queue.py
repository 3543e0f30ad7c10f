"""The queue of shards to render, by scene, so that a worker keeps its scene; each operation takes constant time a worker."""

from __future__ import annotations

from collections import OrderedDict, deque
from collections.abc import Collection, Iterable, Iterator

from simulator.run.shard_plan import Shard


class ShardQueue:
    """Shards in the order of their scenes."""

    def __init__(self, shards: Iterable[Shard]) -> None:
        self._scenes: OrderedDict[str, deque[Shard]] = OrderedDict()
        self._count = 0
        for shard in shards:
            self._scenes.setdefault(shard.scene, deque()).append(shard)
            self._count += 1

    def __len__(self) -> int:
        return self._count

    def __iter__(self) -> Iterator[Shard]:
        return (shard for shards in self._scenes.values() for shard in shards)

    def take(self, mine: str | None, taken: Collection[str]) -> Shard:
        """Remove and return the next shard: of the worker's own scene, else of a scene that no worker holds, else any."""
        first = next(iter(self._scenes))
        scene = mine if mine in self._scenes else next((name for name in self._scenes if name not in taken), first)
        assert scene is not None
        shard = self._scenes[scene].popleft()
        if not self._scenes[scene]:
            del self._scenes[scene]
        self._count -= 1
        return shard

    def put_back(self, shard: Shard) -> None:
        """Make a shard the first of the queue."""
        self._scenes.setdefault(shard.scene, deque()).appendleft(shard)
        self._scenes.move_to_end(shard.scene, last=False)
        self._count += 1

    def clear(self) -> None:
        """Remove all shards."""
        self._scenes.clear()
        self._count = 0
