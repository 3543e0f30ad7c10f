"""Splits of scenes: whole scenes are assigned, and a scene never changes its split."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping

SPLITS = ("train", "val", "test")
SHARES = (8, 1, 1)


def assign_splits(scenes: Iterable[str], known: Mapping[str, str] | None = None) -> dict[str, str]:
    """Give each scene (by name) a split: those already known keep theirs, new ones go where most is missing.

    New scenes come in the order of a hash of their names, so the order of files does not matter. With three scenes or
    more each split has at least one.
    """
    out = dict(known or {})
    new = sorted(set(scenes) - set(out), key=lambda name: hashlib.sha256(name.encode()).hexdigest())
    total = len(out) + len(new)
    for name in new:
        count = {split: sum(s == split for s in out.values()) for split in SPLITS}
        out[name] = _neediest(count, total)
    return {name: out[name] for name in scenes}


def _neediest(count: Mapping[str, int], total: int) -> str:
    """Choose an empty split, train first, or else the one that is farthest from its share of `total` scenes.

    The second scene is not for training: if it were, a third that comes later could not fill both other splits.
    """
    empty = [s for s in SPLITS if count[s] == 0]
    if empty:
        return empty[0]
    goal = dict(zip(SPLITS, SHARES, strict=True))
    return max(SPLITS, key=lambda s: goal[s] * total / sum(SHARES) - count[s])
