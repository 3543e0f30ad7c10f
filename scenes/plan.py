"""A floor plan: rooms side by side, doors between them, windows to the outside."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np

from scenes.textures import Color, harmony

WALL_M = 0.14
"""Thickness of the walls between rooms."""
SIDES = "nesw"


@dataclass(frozen=True)
class Opening:
    """A hole in a wall: from `start` to `start + width` along the wall's own direction, `sill` to `top` above the floor."""

    side: str
    start: float
    width: float
    sill: float
    top: float
    kind: str
    """door, window, or shut_door."""


@dataclass
class Room:
    """A rectangular room: interior walls, height, colours and openings. Sides: n at low z, e at high x, s, w."""

    name: str
    kind: str
    x0: float
    z0: float
    x1: float
    z1: float
    height: float
    colors: dict[str, Color]
    openings: list[Opening] = field(default_factory=list)

    @property
    def width(self) -> float:
        """Extent along x, m."""
        return self.x1 - self.x0

    @property
    def depth(self) -> float:
        """Extent along z, m."""
        return self.z1 - self.z0

    def wall(self, side: str) -> tuple[np.ndarray, np.ndarray, float]:
        """Give a wall's left end on the floor seen from inside, its direction to the right, and its length."""
        corner, along, length = {
            "n": ((self.x0, 0, self.z0), (1, 0, 0), self.width),
            "e": ((self.x1, 0, self.z0), (0, 0, 1), self.depth),
            "s": ((self.x1, 0, self.z1), (-1, 0, 0), self.width),
            "w": ((self.x0, 0, self.z1), (0, 0, -1), self.depth),
        }[side]
        return np.array(corner, float), np.array(along, float), length

    def inward(self, side: str) -> np.ndarray:
        """Give the unit vector from a wall into the room."""
        return np.array({"n": (0, 0, 1), "e": (-1, 0, 0), "s": (0, 0, -1), "w": (1, 0, 0)}[side], float)


def draw_plan(rng: np.random.Generator) -> list[Room]:
    """Draw a floor plan: a rectangle divided into 2 to 6 rooms, every room reached through doors."""
    count = int(rng.integers(2, 7))
    cells = _divide([(0.0, 0.0, rng.uniform(4.2, 5.5) + 1.1 * count, rng.uniform(4.5, 6.0) + 0.55 * count)], count, rng)
    cells.sort(key=lambda c: -(c[2] - c[0]) * (c[3] - c[1]))
    base = rng.choice([2.4, 2.5, 2.6, 2.8, 3.0, 3.3])
    names: dict[str, int] = {}
    rooms = []
    for (x0, z0, x1, z1), kind in zip(cells, _kinds(len(cells), rng), strict=True):
        names[kind] = names.get(kind, 0) + 1
        name = kind if names[kind] == 1 else f"{kind}_{names[kind]}"
        height = float(base + rng.choice([0.0, 0.0, 0.3]))
        half = WALL_M / 2
        rooms.append(Room(name, kind, x0 + half, z0 + half, x1 - half, z1 - half, height, harmony(rng)))
    _add_doors(rooms, rng)
    _add_windows(rooms, cells, rng)
    return rooms


def _kinds(count: int, rng: np.random.Generator) -> list[str]:
    """Name rooms, the largest first: it is the living room; of four and more the smallest is the bathroom."""
    middle = [str(k) for k in rng.permutation(["bedroom", "kitchen", "study", "bedroom"])]
    kinds = ["living_room", *middle][:count]
    if count > 3:
        kinds = [*kinds[: count - 1], "bathroom"]
    return kinds


Cell = tuple[float, float, float, float]


def _divide(cells: list[Cell], count: int, rng: np.random.Generator) -> list[Cell]:
    """Cut the largest cell across its longer side until there are enough."""
    while len(cells) < count:
        cells.sort(key=lambda c: (c[2] - c[0]) * (c[3] - c[1]))
        x0, z0, x1, z1 = cells.pop()
        share = rng.uniform(0.4, 0.6)
        if x1 - x0 >= z1 - z0:
            cut = x0 + share * (x1 - x0)
            cells += [(x0, z0, cut, z1), (cut, z0, x1, z1)]
        else:
            cut = z0 + share * (z1 - z0)
            cells += [(x0, z0, x1, cut), (x0, cut, x1, z1)]
    return cells


def _add_doors(rooms: list[Room], rng: np.random.Generator) -> None:
    """Join rooms that share enough wall: a spanning tree first, then some more; some of the latter doors are shut."""
    reached = {0}
    pairs = [(a, b) for a in range(len(rooms)) for b in range(a + 1, len(rooms)) if _shared(rooms[a], rooms[b])]
    order = [pairs[k] for k in rng.permutation(len(pairs))]
    spare = []
    while order:
        joint = next(((a, b) for a, b in order if (a in reached) != (b in reached)), None)
        if joint is None:
            spare = order
            break
        order.remove(joint)
        reached |= set(joint)
        _cut_door(rooms[joint[0]], rooms[joint[1]], "door", rng)
    for a, b in spare:
        if rng.random() < 0.35:
            _cut_door(rooms[a], rooms[b], "shut_door" if rng.random() < 0.4 else "door", rng)


def _shared(a: Room, b: Room) -> tuple[str, str, float, float] | None:
    """Give the sides by which two rooms touch and the stretch that they share, if a door fits into it."""
    for first, second, flip in ((a, b, False), (b, a, True)):
        if abs(second.x0 - first.x1 - WALL_M) < 1e-6:
            low, high = max(a.z0, b.z0), min(a.z1, b.z1)
            sides = ("e", "w")
        elif abs(second.z0 - first.z1 - WALL_M) < 1e-6:
            low, high = max(a.x0, b.x0), min(a.x1, b.x1)
            sides = ("s", "n")
        else:
            continue
        if high - low > 1.5:
            return (sides[1], sides[0], low, high) if flip else (*sides, low, high)
    return None


def _cut_door(a: Room, b: Room, kind: str, rng: np.random.Generator) -> None:
    shared = _shared(a, b)
    assert shared is not None, "only rooms that touch are joined"
    side_a, side_b, low, high = shared
    width = float(rng.uniform(0.9, 1.2))
    start = float(rng.uniform(low + 0.2, high - 0.2 - width))
    top = min(2.05, a.height - 0.2, b.height - 0.2)
    for room, side in ((a, side_a), (b, side_b)):
        corner, along, _ = room.wall(side)
        ends = np.array([start, start + width]) - corner[0 if abs(along[0]) > 0 else 2]
        local = np.sort(ends * along.sum())
        room.openings.append(Opening(side, float(local[0]), width, 0.0, top, kind))


def _add_windows(rooms: list[Room], cells: list[Cell], rng: np.random.Generator) -> None:
    """Put windows into outer walls that have no door."""
    low_x, low_z = min(c[0] for c in cells), min(c[1] for c in cells)
    high_x, high_z = max(c[2] for c in cells), max(c[3] for c in cells)
    for room in rooms:
        outer = {"w": room.x0 - low_x, "e": high_x - room.x1, "n": room.z0 - low_z, "s": high_z - room.z1}
        for side in SIDES:
            length = room.wall(side)[2]
            if outer[side] > WALL_M or length < 1.8 or rng.random() < 0.25:
                continue
            small = room.kind == "bathroom"
            width = float(min(rng.uniform(0.5, 0.8) if small else rng.uniform(1.1, 2.2), length - 0.8))
            sill = float(1.3 if small else rng.choice([0.45, 0.85, 0.95]))
            start = float(rng.uniform(0.4, length - width - 0.4))
            room.openings.append(Opening(side, start, width, sill, min(2.15, room.height - 0.2), "window"))
