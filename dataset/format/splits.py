"""Splits of scenes: whole scenes are assigned, and a scene never changes its split."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping

SPLITS = ("train", "val", "test")
SHARES = (8, 1, 1)


def assign_splits(scenes: Iterable[str], known: Mapping[str, str] | None = None) -> dict[str, str]:
    """Return the split of each scene: known scenes keep theirs, new ones go where most is missing.

    scenes: digests of the scenes' content, so that the same scene under two names is in one split, and a name that is used again
    changes nothing. known: {digest: split}. New scenes are taken in the order of their digests' hash, whatever the order of
    files. With three scenes or more each split has at least one.
    """
    out = dict(known or {})
    wanted = list(dict.fromkeys(scenes))
    new = sorted(set(wanted) - set(out), key=lambda digest: hashlib.sha256(digest.encode()).hexdigest())
    total = len(out) + len(new)
    count = {split: sum(s == split for s in out.values()) for split in SPLITS}
    for digest in new:
        out[digest] = _neediest(count, total)
        count[out[digest]] += 1
    return {digest: out[digest] for digest in wanted}


def _neediest(count: Mapping[str, int], total: int) -> str:
    """Return an empty split, train first, or else the one that is farthest below its share of `total` scenes.

    The second scene is not for training: otherwise a third that comes later could not fill both other splits.
    """
    empty = [s for s in SPLITS if count[s] == 0]
    if empty:
        return empty[0]
    goal = dict(zip(SPLITS, SHARES, strict=True))
    return max(SPLITS, key=lambda s: goal[s] * total / sum(SHARES) - count[s])
