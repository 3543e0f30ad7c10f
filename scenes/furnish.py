"""Placing furniture in rooms: against walls, around tables, on walls; never into each other or into the way of a door."""

from __future__ import annotations

import numpy as np

from scenes.furniture import make
from scenes.mesh import Thing
from scenes.plan import Room

Generator = np.random.Generator
DOOR_WAY_M = 1.0
"""Kept free in front of doors."""
GAP_M = 0.04
TRIES = 60
TURNS = {"n": 0, "w": 1, "s": 2, "e": 3}
AGAINST_WALLS = {
    "living_room": ["sofa", "television", "bookcase", "armchair", "plant", "floor_lamp", "chest", "bookcase", "plant"],
    "bedroom": ["bed", "wardrobe", "bedside_table", "chest", "plant", "bookcase", "stool"],
    "kitchen": ["kitchen_counter", "fridge", "stove", "chest", "plant", "basket"],
    "study": ["desk", "bookcase", "bookcase", "armchair", "plant", "floor_lamp"],
    "bathroom": ["bathtub", "toilet", "washbasin", "basket", "stool"],
}
PICTURES = {"living_room": 4, "bedroom": 3, "kitchen": 2, "study": 3, "bathroom": 1}


class Furnisher:
    """Fills one room; `things` grows as objects find a place."""

    def __init__(self, room: Room, rng: Generator) -> None:
        """Start with the empty room and keep the ways to its doors free."""
        self.room, self.rng = room, rng
        self.things: list[Thing] = []
        self.taken: list[np.ndarray] = [
            self._door_way(o.side, o.start, o.width) for o in room.openings if o.kind == "door"
        ]
        self.on_wall: list[tuple[str, float, float, float]] = [
            (o.side, o.start, o.start + o.width, o.sill) for o in room.openings
        ]
        self.count: dict[str, int] = {}

    def furnish(self) -> list[Thing]:
        """Place what belongs into a room of this kind, as far as there is space."""
        if self.room.width * self.room.depth > 13 and self.room.kind in ("living_room", "kitchen"):
            self._table_with_chairs()
        for kind in AGAINST_WALLS[self.room.kind]:
            self._against_wall(kind)
        if self.room.kind in ("living_room", "bedroom", "study"):
            self._in_the_middle("rug")
        if self.room.kind == "living_room":
            self._in_the_middle("coffee_table")
        for _ in range(PICTURES[self.room.kind]):
            self._hang("picture")
        self._hang_curtains()
        return self.things

    def _name(self, kind: str) -> str:
        self.count[kind] = self.count.get(kind, 0) + 1
        return f"{self.room.name}/{kind}-{self.count[kind]}"

    def _against_wall(self, kind: str) -> None:
        thing = make(kind, self._name(kind), self.rng, self.room.name)
        low, high = thing.bounds()
        for _ in range(TRIES):
            side = str(self.rng.choice(list("nesw")))
            corner, along, length = self.room.wall(side)
            if high[0] - low[0] > length - 0.1:
                continue
            at = self.rng.uniform(-low[0] + 0.03, length - high[0] - 0.03)
            if kind in ("bed", "wardrobe", "bookcase", "fridge") and self.rng.random() < 0.5:
                at = self.rng.choice([-low[0] + 0.03, length - high[0] - 0.03])
            placed = thing.turned(TURNS[side], tuple(corner + at * along + 0.02 * self.room.inward(side)))
            if self._wall_is_free(side, at + low[0], at + high[0], high[1]) and self._floor_is_free(placed):
                self._keep(placed)
                self.on_wall.append((side, at + low[0], at + high[0], 0.0))
                return

    def _in_the_middle(self, kind: str) -> None:
        thing = make(kind, self._name(kind), self.rng, self.room.name)
        flat = thing.bounds()[1, 1] < 0.05
        for _ in range(TRIES):
            at = self._somewhere()
            placed = thing.turned(int(self.rng.integers(4)), tuple(at))
            if self._floor_is_free(placed, 0.03 if flat else 0.35):
                self.things.append(placed)
                if not flat:
                    self._keep(placed)
                    self.things.pop()
                return

    def _table_with_chairs(self) -> None:
        table = make("table", self._name("table"), self.rng, self.room.name)
        low, high = table.bounds()
        seats = [(x, low[2] - 0.28, 0) for x in np.arange(low[0] + 0.35, high[0] - 0.2, 0.6)]
        seats += [(x, high[2] + 0.28, 2) for x in np.arange(low[0] + 0.35, high[0] - 0.2, 0.6)]
        chairs = [
            make("chair", self._name("chair"), np.random.default_rng(0), self.room.name).turned(turn, (x, 0.0, z))
            for x, z, turn in seats
            if self.rng.random() < 0.85
        ]
        for _ in range(TRIES):
            turn, at = int(self.rng.integers(4)), tuple(self._somewhere())
            group = [t.turned(turn, at) for t in (table, *chairs)]
            if all(self._floor_is_free(t, 0.3) for t in group):
                for thing in group:
                    self._keep(thing)
                return

    def _hang(self, kind: str) -> None:
        thing = make(kind, self._name(kind), self.rng, self.room.name)
        low, high = thing.bounds()
        for _ in range(TRIES):
            side = str(self.rng.choice(list("nesw")))
            corner, along, length = self.room.wall(side)
            if high[0] - low[0] > length - 0.4 or high[1] > self.room.height - 0.1:
                continue
            at = self.rng.uniform(-low[0] + 0.2, length - high[0] - 0.2)
            placed = thing.turned(TURNS[side], tuple(corner + at * along + 0.002 * self.room.inward(side)))
            clear = all(not _overlap_3d(placed.bounds(), other.bounds(), 0.02) for other in self.things)
            if clear and self._span_is_free(side, at + low[0], at + high[0]):
                self.things.append(placed)
                self.on_wall.append((side, at + low[0] - 0.1, at + high[0] + 0.1, 0.0))
                return

    def _hang_curtains(self) -> None:
        """Hang a pair of curtains beside most windows where nothing stands in their way."""
        for opening in self.room.openings:
            if opening.kind != "window" or self.room.kind in ("bathroom", "kitchen") or self.rng.random() < 0.25:
                continue
            corner, along, length = self.room.wall(opening.side)
            inward = self.room.inward(opening.side)
            for start in (opening.start - 0.34, opening.start + opening.width + 0.08):
                if start < 0.02 or start + 0.26 > length - 0.02:
                    continue
                curtain = Thing(self._name("curtain"))
                for k in range(4):
                    ends = np.stack([corner + (start + 0.065 * k) * along + (0.05 + 0.03 * (k % 2)) * inward,
                                     corner + (start + 0.065 * (k + 1)) * along + (0.08 + 0.03 * (k % 2)) * inward])  # fmt: skip
                    low, high = ends.min(0), ends.max(0)
                    low[1], high[1] = 0.05, min(opening.top + 0.15, self.room.height - 0.05)
                    curtain.box(f"{self.room.name}_curtain_fabric", tuple(low), tuple(high), 0.4, 0.4)
                if self._floor_is_free(curtain, 0.0):
                    self._keep(curtain)

    def _somewhere(self) -> np.ndarray:
        r = self.room
        x, z = (low + (high - low) * self.rng.uniform(0.2, 0.8) for low, high in ((r.x0, r.x1), (r.z0, r.z1)))
        return np.array([x, 0.0, z])

    def _keep(self, thing: Thing) -> None:
        self.things.append(thing)
        self.taken.append(_footprint(thing))

    def _floor_is_free(self, thing: Thing, gap: float = GAP_M) -> bool:
        low, high = _footprint(thing)
        r = self.room
        if low[0] < r.x0 or low[1] < r.z0 or high[0] > r.x1 or high[1] > r.z1:
            return False
        return not any((low - gap < other[1]).all() and (high + gap > other[0]).all() for other in self.taken)

    def _wall_is_free(self, side: str, start: float, stop: float, height: float) -> bool:
        """Say whether an object of this height blocks no door, window or object along a wall."""
        return not any(
            s == side and start < b + 0.05 and stop > a - 0.05 and height > sill for s, a, b, sill in self.on_wall
        )

    def _span_is_free(self, side: str, start: float, stop: float) -> bool:
        openings = [(o.side, o.start, o.start + o.width) for o in self.room.openings]
        pictures = [(s, a, b) for s, a, b, _ in self.on_wall]
        return not any(s == side and start < b + 0.1 and stop > a - 0.1 for s, a, b in [*openings, *pictures])

    def _door_way(self, side: str, start: float, width: float) -> np.ndarray:
        corner, along, _ = self.room.wall(side)
        ends = np.stack(
            [
                corner + (start - 0.1) * along,
                corner + (start + width + 0.1) * along + DOOR_WAY_M * self.room.inward(side),
            ]
        )
        return np.stack([ends.min(0), ends.max(0)])[:, [0, 2]]


def _footprint(thing: Thing) -> np.ndarray:
    """Give the outline of an object on the floor: lowest and highest x and z, (2, 2)."""
    return thing.bounds()[:, [0, 2]]


def _overlap_3d(a: np.ndarray, b: np.ndarray, gap: float) -> bool:
    return bool((a[0] - gap < b[1]).all() and (a[1] + gap > b[0]).all())
