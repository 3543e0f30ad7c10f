"""Floor plans: rooms, their division of the floor and their heights."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np

from scenes.polygon import Rect, area, inset, outline

WALL_M = 0.12
"""Thickness of a wall between two rooms."""

SIZES = {
    "living room": (17.0, 34.0, 3.3),
    "kitchen": (8.0, 17.0, 2.4),
    "bedroom": (9.5, 18.0, 2.7),
    "bathroom": (4.2, 8.5, 1.75),
    "study": (7.5, 14.0, 2.4),
    "hall": (5.0, 9.0, 1.8),
    "corridor": (5.0, 12.0, 1.35),
}
"""Least and largest floor area, m^2, and least width, m, of each kind of room."""

PROGRAMS = {
    2: [["living room", "bathroom"], ["living room", "kitchen"], ["living room", "bedroom"], ["bedroom", "study"]],
    3: [
        ["living room", "bedroom", "bathroom"],
        ["living room", "kitchen", "hall"],
        ["living room", "kitchen", "bedroom"],
    ],
    4: [["living room", "kitchen", "bedroom", "bathroom"], ["living room", "kitchen", "study", "hall"]],
    5: [
        ["living room", "kitchen", "bedroom", "bathroom", "corridor"],
        ["living room", "kitchen", "bedroom", "study", "hall"],
    ],
    6: [
        ["living room", "kitchen", "bedroom", "study", "bathroom", "corridor"],
        ["living room", "kitchen", "bedroom", "bedroom", "bathroom", "hall"],
    ],
    7: [
        ["living room", "kitchen", "bedroom", "bedroom", "study", "bathroom", "corridor"],
        ["living room", "kitchen", "bedroom", "study", "bathroom", "hall", "corridor"],
    ],
}


@dataclass(frozen=True)
class Ceiling:
    """A plane: height(x, z) = base + slope_x x + slope_z z, m."""

    base: float
    slope_x: float = 0.0
    slope_z: float = 0.0

    def height(self, x: np.ndarray, z: np.ndarray) -> np.ndarray:
        """Return the height above the floor at points x, z of any one shape."""
        return self.base + self.slope_x * x + self.slope_z * z


@dataclass(frozen=True, eq=False)
class Wall:
    """A straight inner wall face; seen from the room, `along` points to the right."""

    start: np.ndarray
    """(2,) left end (x, z)."""
    along: np.ndarray
    """(2,) unit."""
    inward: np.ndarray
    """(2,) unit, into the room."""
    length: float

    def point(self, s: float, y: float, out: float = 0.0) -> tuple[float, float, float]:
        """Return the point s metres along, y above the floor and `out` metres into the room."""
        x, z = self.start + s * self.along + out * self.inward
        return float(x), float(y), float(z)


@dataclass(eq=False)
class Room:
    """One room of the plan."""

    name: str
    kind: str
    polygon: np.ndarray
    """(N, 2) inner faces of its walls."""
    gross: np.ndarray
    """(N, 2) middle lines of its walls."""
    ceiling: Ceiling
    walls: list[Wall] = field(default_factory=list)

    @property
    def area(self) -> float:
        """Floor area, m^2."""
        return area(self.polygon)

    def lowest(self) -> float:
        """Return the height of the lowest point of the ceiling, m."""
        return float(self.ceiling.height(*self.polygon.T).min())


def draw_plan(rng: np.random.Generator, rooms: int | None = None, lofty: bool = False) -> list[Room]:
    """Draw a floor plan of 2 to 7 rooms, lofty ones 3 to 4 m high; the first corner lies near the origin."""
    count = int(rng.choice(np.arange(2, 8), p=[0.08, 0.17, 0.22, 0.21, 0.18, 0.14])) if rooms is None else rooms
    programs = PROGRAMS[count]
    while True:
        kinds = list(programs[rng.integers(len(programs))])
        parts = _with_corridor(kinds, rng) if "corridor" in kinds else _divided(kinds, rng)
        if parts is not None:
            return _rooms(parts, lofty, rng)


def _areas(kinds: list[str], rng: np.random.Generator) -> np.ndarray:
    return np.array([rng.uniform(*SIZES[k][:2]) for k in kinds])


def _divided(kinds: list[str], rng: np.random.Generator) -> list[tuple[str, list[Rect]]] | None:
    """Divide a rectangle again and again; a hall or a bathroom may be cut out of a corner, which leaves an L."""
    carved = next((k for k in ("hall", "bathroom") if k in kinds and len(kinds) > 2 and rng.random() < 0.6), None)
    rest = [k for k in kinds if k != carved]
    rng.shuffle(rest)
    areas = _areas(rest, rng)
    width = float(np.sqrt(areas.sum() * rng.uniform(0.8, 1.6)))
    parts: list[tuple[str, list[Rect]]] = [
        (k, [r]) for k, r in zip(rest, _slice(Rect(0, 0, width, float(areas.sum()) / width), areas, rng), strict=True)
    ]
    if carved is not None:
        host = max(range(len(parts)), key=lambda k: parts[k][1][0].area)
        small = _carve(parts[host][1][0], carved, rng)
        if small is None:
            return None
        parts[host] = (parts[host][0], small[1])
        parts.append((carved, [small[0]]))
    return parts if _fit(parts) else None


def _slice(rect: Rect, areas: np.ndarray, rng: np.random.Generator) -> list[Rect]:
    """Cut a rectangle across its longer side in proportion to the areas, until each has its own part."""
    if len(areas) == 1:
        return [rect]
    half = len(areas) // 2 if rng.random() < 0.7 else 1
    share = areas[:half].sum() / areas.sum()
    x0, z0, x1, z1 = rect
    if x1 - x0 >= z1 - z0:
        cut = _round(x0 + share * (x1 - x0))
        first, second = Rect(x0, z0, cut, z1), Rect(cut, z0, x1, z1)
    else:
        cut = _round(z0 + share * (z1 - z0))
        first, second = Rect(x0, z0, x1, cut), Rect(x0, cut, x1, z1)
    return _slice(first, areas[:half], rng) + _slice(second, areas[half:], rng)


def _carve(rect: Rect, kind: str, rng: np.random.Generator) -> tuple[Rect, list[Rect]] | None:
    """Cut a small room out of a corner of a rectangle; return it and the two rectangles of the remaining L."""
    w, d = rect.x1 - rect.x0, rect.z1 - rect.z0
    size = rng.uniform(SIZES[kind][0], min(SIZES[kind][1], 0.35 * rect.area)) if 0.35 * rect.area > SIZES[kind][0] else 0.0
    a = _round(np.sqrt(max(size, 1.0) * rng.uniform(0.7, 1.4)))
    b = _round(size / a)
    if size == 0.0 or w - a < 1.9 or d - b < 1.9:
        return None
    west, north = rng.random() < 0.5, rng.random() < 0.5
    cx = rect.x0 + a if west else rect.x1 - a
    cz = rect.z0 + b if north else rect.z1 - b
    small = Rect(rect.x0 if west else cx, rect.z0 if north else cz, cx if west else rect.x1, cz if north else rect.z1)
    beside = Rect(cx if west else rect.x0, small.z0, rect.x1 if west else cx, small.z1)
    rest = Rect(rect.x0, cz if north else rect.z0, rect.x1, rect.z1 if north else cz)
    return small, [beside, rest]


def _with_corridor(kinds: list[str], rng: np.random.Generator) -> list[tuple[str, list[Rect]]] | None:
    """Lay rooms in two rows along a corridor, which may end before the last room, which becomes L-shaped."""
    rooms = [k for k in kinds if k != "corridor"]
    rng.shuffle(rooms)
    areas = _areas(rooms, rng)
    half = len(rooms) // 2
    width, wide = float(areas.sum() / 2 / rng.uniform(3.4, 4.8)), float(_round(rng.uniform(1.35, 1.8)))
    depths = [_round(areas[:half].sum() / width), _round(areas[half:].sum() / width)]
    top, bottom = depths[0], depths[0] + wide
    parts: list[tuple[str, list[Rect]]] = []
    for names, sizes, z0, z1 in (
        (rooms[:half], areas[:half], 0.0, top),
        (rooms[half:], areas[half:], bottom, bottom + depths[1]),
    ):
        cuts = np.concatenate([[0.0], np.cumsum(sizes) / sizes.sum() * width])
        cuts[1:-1] = [_round(c) for c in cuts[1:-1]]
        parts += [(n, [Rect(float(a), z0, float(b), z1)]) for n, a, b in zip(names, cuts, cuts[1:], strict=False)]
    end = width
    if rng.random() < 0.6:
        last = half - 1 if rng.random() < 0.5 else len(rooms) - 1
        name, [rect] = parts[last]
        other = parts[len(rooms) - 1 if last == half - 1 else half - 1][1][0]
        start = max(rect.x0, other.x0 + 1.35)
        if name != "bathroom" and width - start > 1.5:
            end = start
            parts[last] = (name, [rect, Rect(start, top, width, bottom)])
    parts.append(("corridor", [Rect(0.0, top, end, bottom)]))
    return parts if _fit(parts) else None


def _fit(parts: list[tuple[str, list[Rect]]]) -> bool:
    """Return whether each room is wide enough and not too elongated."""
    for kind, rects in parts:
        largest = max(rects, key=lambda r: r.area)
        long = max(largest.x1 - largest.x0, largest.z1 - largest.z0)
        if largest.short < SIZES[kind][2] + WALL_M or (kind != "corridor" and long > 2.3 * largest.short):
            return False
        if kind == "corridor" and long < 2.6:
            return False
    return True


def _rooms(parts: list[tuple[str, list[Rect]]], lofty: bool, rng: np.random.Generator) -> list[Room]:
    base = float(np.round(rng.choice([rng.uniform(2.3, 2.7), rng.uniform(2.5, 3.2), rng.uniform(3.0, 4.0)]), 2))
    base = float(np.round(rng.uniform(3.0, 4.0), 2)) if lofty else base
    attic = rng.random() < 0.3
    rooms, taken = [], [k for k, _ in parts]
    for n, (kind, rects) in enumerate(parts):
        gross = outline(rects)
        polygon = inset(gross, WALL_M / 2)
        number = f" {taken[: n + 1].count(kind)}" if taken.count(kind) > 1 else ""
        height = float(np.clip(base + rng.choice([0.0, 0.0, rng.uniform(-0.25, 0.25)]), 2.3, 4.0))
        ceiling = Ceiling(height)
        if attic and len(rects) == 1 and kind not in ("corridor", "bathroom") and rng.random() < 0.7:
            ceiling = _slope(polygon, rng)
        rooms.append(Room(kind + number, kind, polygon, gross, ceiling, _walls(polygon)))
    return rooms


def _slope(polygon: np.ndarray, rng: np.random.Generator) -> Ceiling:
    """Draw a ceiling that rises from one wall to the opposite one."""
    low, high = rng.uniform(2.3, 2.5), rng.uniform(3.0, 4.0)
    axis = int(rng.integers(2))
    a, b = polygon[:, axis].min(), polygon[:, axis].max()
    if rng.random() < 0.5:
        a, b = b, a
    slope = (high - low) / (b - a)
    return Ceiling(low - slope * a, *((slope, 0.0) if axis == 0 else (0.0, slope)))


def _walls(polygon: np.ndarray) -> list[Wall]:
    walls = []
    for end, start in zip(polygon, np.roll(polygon, -1, 0), strict=True):
        length = float(np.linalg.norm(end - start))
        along = (end - start) / length
        walls.append(Wall(start, along, np.array([along[1], -along[0]]) * -1.0, length))
    return walls


def _round(value: float) -> float:
    return float(np.round(value, 2))
