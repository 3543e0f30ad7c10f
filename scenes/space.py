"""A room being furnished: occupied space, free space and walkability."""

from __future__ import annotations

from collections import Counter

import numpy as np
from scipy import ndimage

from scenes.mesh import Thing
from scenes.openings import Opening
from scenes.plan import Room, Wall
from scenes.polygon import Rect, contains, covers, rectangles
from scenes.style import Style

GAP_M = 0.02
"""Distance of furniture from the wall: more than the skirting's thickness."""
BODY_M = 0.28
"""Half the width of a walkway."""
CELL_M = 0.1
FLAT_M = 0.03
"""Objects lower than this do not block the way."""
DOOR_ZONE_M = 0.8


class Space:
    """A room with its objects."""

    def __init__(self, room: Room, openings: list[Opening], style: Style, rng: np.random.Generator) -> None:
        self.room, self.openings, self.style, self.rng = room, openings, style, rng
        self.things: list[Thing] = []
        self.numbers: Counter[str] = Counter()
        self._boxes = np.zeros((0, 2, 3))
        self._zones = np.array([z for o in openings for z in self._zone(o)]).reshape(-1, 2, 3)
        low, high = room.polygon.min(0), room.polygon.max(0)
        self._x = np.arange(low[0] + CELL_M / 2, high[0], CELL_M)
        self._z = np.arange(low[1] + CELL_M / 2, high[1], CELL_M)
        grid = np.stack(np.meshgrid(self._x, self._z, indexing="ij"), -1).reshape(-1, 2)
        near = [contains(room.polygon, grid + BODY_M * np.array(d)) for d in ((1, 1), (1, -1), (-1, 1), (-1, -1))]
        self._free = np.logical_and.reduce(near).reshape(len(self._x), len(self._z))
        self._doors: list[tuple[int, int]] | None = None

    def add(self, thing: Thing) -> None:
        """Add an object without checking whether it fits."""
        self.numbers[thing.name] += 1
        thing.name = f"{self.room.name}/{thing.name}-{self.numbers[thing.name]}"
        self.things.append(thing)
        solids = thing.world_solids()
        self._boxes = np.concatenate([self._boxes, solids])
        self._free &= ~self._covered(solids)

    def place(self, thing: Thing, at: np.ndarray, angle: float, tight: bool = False, zones: bool = True) -> bool:
        """Place an object if it fits and leaves a way through, and return whether it did; tight: it may touch its support."""
        thing.at, thing.angle = np.asarray(at, np.float64), float(angle)
        solids = thing.world_solids()
        if not self._fits(solids, 0.012 if tight else 0.004, zones) or not self._walkable(solids):
            return False
        self.add(thing)
        return True

    def against_wall(
        self,
        thing: Thing,
        tries: int = 30,
        y: float = 0.0,
        out: float = GAP_M,
        walls: list[int] | None = None,
        corner: bool = False,
    ) -> tuple[int, float] | None:
        """Place an object with its back to a wall (at height y), wherever it fits; return the wall and the position along it."""
        size = thing.size()
        left, right = -size[0, 0], size[1, 0]
        lengths = np.array([w.length if walls is None or k in walls else 0.0 for k, w in enumerate(self.room.walls)])
        for _ in range(tries):
            if lengths.sum() == 0:
                return None
            number = int(self.rng.choice(len(lengths), p=lengths / lengths.sum()))
            wall = self.room.walls[number]
            room = wall.length - left - right - 0.03
            if room < 0:
                continue
            ends = self.rng.choice([0.0, 1.0]) if corner or self.rng.random() < 0.2 else self.rng.random()
            s = 0.015 + left + room * ends
            if self.at_wall(thing, number, s, y, out):
                return number, float(s)
        return None

    def at_wall(self, thing: Thing, number: int, s: float, y: float = 0.0, out: float = GAP_M) -> bool:
        """Place an object with its back to a wall, its middle s metres along, if it fits."""
        wall = self.room.walls[number]
        size = thing.size()
        if y + size[0, 1] > FLAT_M and self._hits_opening(number, s + size[0, 0], s + size[1, 0], y + size[0, 1], y + size[1, 1]):
            return False
        if y + size[0, 1] <= FLAT_M and self._hits_opening(number, s + size[0, 0], s + size[1, 0], 0.3, y + size[1, 1]):
            return False
        return self.place(thing, np.array(wall.point(s, y, out)), facing(wall), zones=y < 1.0)

    def hang(self, thing: Thing, low: float, high: float, tries: int = 20, walls: list[int] | None = None) -> bool:
        """Hang an object on a wall with its middle between two heights."""
        height = thing.size()[1, 1]
        middle = self.rng.uniform(low, high)
        return self.against_wall(thing, tries, middle - height / 2, 0.003, walls) is not None

    def put_on(self, host: Thing, thing: Thing, x: float, z: float, y: float | None = None, turn: float = 0.0) -> bool:
        """Put an object on a host, at a point in the host's frame; y: height of the board, else the host's top."""
        top = float(host.size()[1, 1]) if y is None else y
        at = host.to_world(np.array([[x, top + 0.002, z]]))[0]
        return self.place(thing, at, host.angle + turn, tight=True, zones=False)

    def put_before(self, host: Thing, thing: Thing, gap: float, aside: float = 0.0, turn: float = np.pi) -> bool:
        """Put an object in front of a host at a gap; turned by pi it faces the host."""
        depth = float(host.size()[1, 2])
        back = thing.size()[1, 2] if abs(turn - np.pi) < 1.0 else -thing.size()[0, 2]
        at = host.to_world(np.array([[aside, 0.0, depth + gap + back]]))[0]
        return self.place(thing, at, host.angle + turn)

    def put_beside(self, host: Thing, thing: Thing, side: int, gap: float = 0.05, z: float = 0.0) -> bool:
        """Put an object to the right (+1) or left (-1) of a host, with their backs in line."""
        x = (host.size()[1, 0] - thing.size()[0, 0] + gap) if side > 0 else (host.size()[0, 0] - thing.size()[1, 0] - gap)
        at = host.to_world(np.array([[x, 0.0, z]]))[0]
        return self.place(thing, at, host.angle)

    def in_middle(self, thing: Thing, tries: int = 30, spread: float = 0.3) -> bool:
        """Place an object near the middle of the largest part of the room."""
        size = thing.size()
        for k in range(tries):
            r = max(self.rects(), key=lambda r: r.area)
            wide = min(0.45, spread * (1 + k / 10))
            p = np.array(
                [
                    self.rng.normal((r.x0 + r.x1) / 2, wide * (r.x1 - r.x0) / 2),
                    self.rng.normal((r.z0 + r.z1) / 2, wide * (r.z1 - r.z0) / 2),
                ]
            )
            angle = float(self.rng.choice([0, 1, 2, 3])) * np.pi / 2
            middle = np.array([[(size[0, 0] + size[1, 0]) / 2, 0, (size[0, 2] + size[1, 2]) / 2]])
            thing.angle, thing.at = angle, np.zeros(3)
            shift = thing.to_world(middle)[0]
            if self.place(thing, np.array([p[0] - shift[0], 0.0, p[1] - shift[2]]), angle):
                return True
        return False

    def clear(self, thing: Thing) -> bool:
        """Return whether an object, where it is, overlaps no other."""
        return not overlapping(thing.world_solids(), self._boxes, 0.004)

    def taken_share(self) -> float:
        """Return the share of the floor that objects occupy or hang low over."""
        mask = np.zeros((len(self._x), len(self._z)), bool)
        for low, high in self._boxes:
            if low[1] < 1.0 and high[1] > FLAT_M:
                x, z = (self._x > low[0]) & (self._x < high[0]), (self._z > low[2]) & (self._z < high[2])
                mask |= x[:, None] & z[None, :]
        return float(mask.sum() * CELL_M**2 / self.room.area)

    def rects(self) -> list[Rect]:
        """Divide the floor into rectangles."""
        return rectangles(self.room.polygon)

    def _hits_opening(self, number: int, s0: float, s1: float, y0: float, y1: float) -> bool:
        return any(
            o.wall == number and s1 > o.s0 - 0.1 and s0 < o.s1 + 0.1 and y1 > o.y0 - 0.04 and y0 < o.y1 + 0.1
            for o in self.openings
        )

    def _fits(self, solids: np.ndarray, tolerance: float, zones: bool) -> bool:
        low, high = solids[:, 0].min(0), solids[:, 1].max(0)
        if not covers(self.room.polygon, Rect(low[0] + 0.002, low[2] + 0.002, high[0] - 0.002, high[2] - 0.002)):
            return False
        corners = np.array([[x, z] for x in (low[0], high[0]) for z in (low[2], high[2])])
        if high[1] > self.room.ceiling.height(*corners.T).min() - 0.001:
            return False
        taken = self._boxes
        if zones and high[1] > FLAT_M:
            taken = np.concatenate([taken, self._zones])
        return not overlapping(solids, taken, tolerance)

    def _covered(self, solids: np.ndarray) -> np.ndarray:
        """Return which cells of the floor lie within a body's reach of bodies; (X, Z) bool."""
        mask = np.zeros((len(self._x), len(self._z)), bool)
        for low, high in solids:
            if low[1] < 1.7 and high[1] > FLAT_M:
                x = (self._x > low[0] - BODY_M) & (self._x < high[0] + BODY_M)
                z = (self._z > low[2] - BODY_M) & (self._z < high[2] + BODY_M)
                mask |= x[:, None] & z[None, :]
        return mask

    def _walkable(self, solids: np.ndarray) -> bool:
        """Return whether all doors would still be joined, by enough free floor, with these bodies in the room."""
        free = self._free & ~self._covered(solids)
        label, _ = ndimage.label(free)
        if self._doors is None:
            # Not earlier: open door leaves have been placed by now.
            self._doors = [self._before(o) for o in self.openings if o.y0 == 0.0]
        found = {int(label[i, k]) for i, k in self._doors}
        if 0 in found or len(found) > 1:
            return False
        size = np.bincount(label.ravel())
        ground = size[found.pop()] if found else size[1:].max(initial=0)
        return bool(ground * CELL_M**2 >= max(0.25, 0.13 * self.room.area))

    def _before(self, opening: Opening) -> tuple[int, int]:
        """Return the cell of the floor in front of a door."""
        wall = self.room.walls[opening.wall]
        x, _, z = wall.point((opening.s0 + opening.s1) / 2, 0.0, 0.45)
        cells = np.argwhere(self._free)
        nearest = cells[np.hypot(self._x[cells[:, 0]] - x, self._z[cells[:, 1]] - z).argmin()]
        return int(nearest[0]), int(nearest[1])

    def _zone(self, opening: Opening) -> list[list[tuple[float, ...]]]:
        """Keep the ground in front of doors free, and tall things away from windows."""
        wall = self.room.walls[opening.wall]
        depth, margin = (DOOR_ZONE_M, 0.02) if opening.y0 == 0.0 else (0.16, 0.0)
        a, b = wall.point(opening.s0 - margin, opening.y0 + 0.04), wall.point(opening.s1 + margin, opening.y1, depth)
        return [[tuple(map(min, a, b)), tuple(map(max, a, b))]]


def facing(wall: Wall) -> float:
    """Return the rotation with which an object's front faces away from a wall, radians."""
    return float(np.arctan2(wall.inward[0], wall.inward[1]))


def overlapping(solids: np.ndarray, others: np.ndarray, tolerance: float) -> bool:
    """Return whether any of (N, 2, 3) boxes overlaps any of (M, 2, 3) others by more than a tolerance."""
    if len(others) == 0:
        return False
    low, high = solids[:, 0].min(0), solids[:, 1].max(0)
    near = others[((others[:, 0] < high) & (others[:, 1] > low)).all(1)]
    depth = np.minimum(solids[:, None, 1], near[None, :, 1]) - np.maximum(solids[:, None, 0], near[None, :, 0])
    # Furniture may stand on rugs and mats, which block only one another.
    alike = (solids[:, 1, 1] < FLAT_M)[:, None] == (near[:, 1, 1] < FLAT_M)[None, :]
    return bool(((depth > tolerance).all(-1) & alike).any())
