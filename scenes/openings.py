"""Doors and windows: in which walls, and where."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import combinations

import networkx
import numpy as np

from scenes.plan import WALL_M, Room

MARGIN_M = 0.16
"""Least wall between an opening and a corner: room for the frame."""


@dataclass(frozen=True, eq=False)
class Opening:
    """A hole in one room's wall, from s0 to s1 along it and y0 to y1 above the floor, m: clear size."""

    wall: int
    s0: float
    s1: float
    y0: float
    y1: float
    kind: str
    """door, arch, front door or window."""
    to: str = ""
    """The room behind a door or an arch."""
    leaf: str = ""
    """open or shut, on the side where the leaf hangs; empty elsewhere."""
    angle_deg: float = 0.0
    """Opening angle of an open leaf."""
    hinge_left: bool = True


def draw_openings(rooms: list[Room], rng: np.random.Generator) -> dict[str, list[Opening]] | None:
    """Draw doors that join all rooms, windows and a front door, {room: openings}; None if they cannot be joined."""
    openings: dict[str, list[Opening]] = {r.name: [] for r in rooms}
    pairs = _joined(rooms, rng)
    if pairs is None:
        return None
    for first, second in pairs:
        _add_door(first, second, openings, rng)
    _add_front_door(rooms, openings, rng)
    for room in rooms:
        _add_windows(room, rooms, openings, rng)
    return openings


def _joined(rooms: list[Room], rng: np.random.Generator) -> list[tuple[Room, Room]] | None:
    """Choose pairs of rooms to join: the cheapest tree, in which bathrooms are leaves, with an occasional loop."""
    graph = networkx.Graph()
    graph.add_nodes_from(range(len(rooms)))
    for a, b in combinations(range(len(rooms)), 2):
        if _shared(rooms[a], rooms[b]):
            graph.add_edge(a, b, cost=_cost(rooms[a].kind, rooms[b].kind) + 0.5 * rng.random())
    public = [k for k, r in enumerate(rooms) if r.kind != "bathroom"]
    if not networkx.is_connected(graph.subgraph(public)):
        return None
    tree = [tuple(sorted(e)) for e in networkx.minimum_spanning_edges(graph.subgraph(public), weight="cost", data=False)]
    for k, room in enumerate(rooms):
        if room.kind == "bathroom":
            around = sorted(graph[k], key=lambda n: graph[k][n]["cost"])
            if not around:
                return None
            tree.append(tuple(sorted((k, around[0]))))
    spare = [tuple(sorted(e)) for e in graph.subgraph(public).edges if graph.edges[e]["cost"] < 2]
    tree += [e for e in sorted(set(spare) - set(tree)) if rng.random() < 0.5]
    return [(rooms[a], rooms[b]) for a, b in sorted(tree)]


def _cost(a: str, b: str) -> float:
    pair = {a, b}
    if pair & {"corridor", "hall"}:
        return 1.0
    if pair == {"living room", "kitchen"}:
        return 1.3
    if "living room" in pair:
        return 2.0 if "bathroom" not in pair else 3.0
    if pair == {"bedroom", "bathroom"} or pair == {"bedroom", "study"}:
        return 2.5
    return 4.0


def _shared(a: Room, b: Room) -> list[tuple[int, int, float, float]]:
    """Find where walls stand back to back: (wall of a, wall of b, from, to along a's wall), wide enough for a door."""
    found = []
    for i, wall in enumerate(a.walls):
        for k, other in enumerate(b.walls):
            apart = (other.start - wall.start) @ wall.inward
            if wall.inward @ other.inward > -0.5 or abs(apart + WALL_M) > 0.02:
                continue
            ends = sorted(float((p - wall.start) @ wall.along) for p in (other.start, other.start + other.length * other.along))
            low, high = max(0.0, ends[0]) + MARGIN_M, min(wall.length, ends[1]) - MARGIN_M
            if high - low > 0.95:
                found.append((i, k, low, high))
    return found


def _add_door(a: Room, b: Room, openings: dict[str, list[Opening]], rng: np.random.Generator) -> None:
    places = _shared(a, b)
    i, k, low, high = max(places, key=lambda p: p[3] - p[2])
    widest = high - low
    open_plan = {a.kind, b.kind} <= {"living room", "kitchen", "hall", "corridor"} and rng.random() < 0.4
    width = min(rng.uniform(1.1, 2.0), widest) if open_plan and widest > 1.2 else min(rng.uniform(0.92, 1.05), widest)
    s0 = low + (widest - width) * rng.choice([0.0, 0.1, 0.5, 0.9, 1.0])
    height = 2.05
    wall, other = a.walls[i], b.walls[k]
    t1 = float((wall.start + s0 * wall.along - other.start) @ other.along)
    kind = "arch" if open_plan else "door"
    if kind == "arch":
        states = ("", "")
    else:
        state = "shut" if rng.random() < 0.25 else "open"
        # The leaf turns into the room that is not a passage.
        states = ("", state) if a.kind in ("corridor", "hall", "living room") else (state, "")
    angle, left = float(rng.uniform(72, 94)), bool(rng.random() < 0.5)
    left = bool(s0 - low < high - s0 - width) if states[0] else left
    if states[1]:
        left = bool(other.length - t1 > t1 - width)
    for room, wall_number, start, behind, leaf in (
        (a, i, s0, b.name, states[0]),
        (b, k, t1 - width, a.name, states[1]),
    ):
        openings[room.name].append(
            Opening(wall_number, float(start), float(start + width), 0.0, height, kind, behind, leaf, angle, left)
        )


def _add_front_door(rooms: list[Room], openings: dict[str, list[Opening]], rng: np.random.Generator) -> None:
    """Put the (shut) front door into an outer wall of the hall, the corridor or the living room."""
    order = sorted(
        rooms,
        key=lambda r: ["hall", "corridor", "living room"].index(r.kind) if r.kind in ("hall", "corridor", "living room") else 9,
    )
    for room in order:
        places = [(i, s) for i, s in _outer(room, rooms) if s[1] - s[0] > 1.0 + 2 * MARGIN_M]
        free = [(i, _free(openings[room.name], i, s, 1.0)) for i, s in places]
        good = [(i, s) for i, s in free if s is not None]
        if good:
            i, s = good[rng.integers(len(good))]
            openings[room.name].append(
                Opening(i, s, s + 0.95, 0.0, 2.08, "front door", "", "shut", 0.0, bool(rng.random() < 0.5))
            )
            return


def _outer(room: Room, rooms: list[Room]) -> list[tuple[int, tuple[float, float]]]:
    """Find the walls that have no room behind them anywhere: (wall, its usable interval)."""
    middle = np.concatenate([r.gross for r in rooms])
    low, high = middle.min(0), middle.max(0)
    outer = []
    for i, wall in enumerate(room.walls):
        behind = wall.start - wall.inward * WALL_M / 2
        axis = int(abs(wall.inward[1]) > 0.5)
        if min(abs(behind[axis] - low[axis]), abs(behind[axis] - high[axis])) < 0.02:
            outer.append((i, (MARGIN_M, wall.length - MARGIN_M)))
    return outer


def _free(taken: list[Opening], wall: int, stretch: tuple[float, float], width: float) -> float | None:
    """Find a start for an opening of a width on a wall, that overlaps no other."""
    for start in np.arange(stretch[0], stretch[1] - width + 1e-6, 0.1):
        if all(o.wall != wall or o.s1 + 0.25 < start or start + width < o.s0 - 0.25 for o in taken):
            return float(start)
    return None


def _add_windows(room: Room, rooms: list[Room], openings: dict[str, list[Opening]], rng: np.random.Generator) -> None:
    top = min(room.lowest() - 0.15, rng.uniform(2.1, 2.5))
    style = rng.choice(["low", "sill", "sill"])
    sill = float(rng.uniform(0.08, 0.3) if style == "low" else rng.uniform(0.75, 1.0))
    if room.kind == "kitchen":
        sill = 1.15
    if room.kind == "bathroom":
        sill = 1.35
    outer = [(i, s) for i, s in _outer(room, rooms) if s[1] - s[0] > 1.0]
    rng.shuffle(outer)
    # Furniture cannot stand before low windows, so one wall has them and the others stay solid.
    for i, (low, high) in outer[: 1 if style == "low" or rng.random() < 0.4 else 2]:
        length = high - low
        width = float(min(rng.uniform(0.9, 2.4), 0.62 * length)) if room.kind != "bathroom" else 0.6
        if room.kind in ("corridor",):
            width = min(width, 0.8)
        count = 1 if length < 2.6 * width or length < 4 or room.kind == "bathroom" else 2
        for n in range(count):
            middle = low + length * (n + 0.5 + 0.25 * (rng.random() - 0.5)) / count
            start = float(np.clip(middle - width / 2, low, high - width))
            taken = openings[room.name]
            if all(o.wall != i or o.s1 + 0.3 < start or start + width < o.s0 - 0.3 for o in taken):
                taken.append(Opening(i, start, start + width, sill, float(top), "window"))
