"""Walls, floors, ceilings, doors and windows of a plan."""

from __future__ import annotations

import numpy as np

from scenes.mesh import Thing, Vector
from scenes.plan import WALL_M, Opening, Room

SKIRTING_M = 0.08
STEP_M = 0.3
"""Walls are divided this finely for the baked light."""


def build_shell(room: Room, rng: np.random.Generator) -> list[Thing]:
    """Build what encloses a room; the room's walls, floor and ceiling close up but for doors and windows."""
    things = [_floor(room, rng), _ceiling(room)]
    surface = f"{room.name}_wall_{_wall_covering(room, rng)}"
    feature = f"{room.name}_feature_wall_{rng.choice(['brick', 'wallpaper', 'wood_panel'])}"
    favourite = rng.choice(list("nesw"))
    for side in "nesw":
        special = side == favourite and room.kind in ("living_room", "bedroom", "study")
        things.append(_wall(room, side, feature if special else surface))
        things.append(_skirting(room, side))
    for k, opening in enumerate(room.openings):
        things += _opening(room, opening, k, rng)
    return [t for t in things if t.pieces]


def _wall_covering(room: Room, rng: np.random.Generator) -> str:
    if room.kind == "bathroom":
        return "tile"
    return str(rng.choice(["plaster", "plaster", "wallpaper"]))


def _floor(room: Room, rng: np.random.Generator) -> Thing:
    covering = {
        "bathroom": ["tile", "marble"],
        "kitchen": ["tile", "parquet", "marble"],
        "bedroom": ["carpet", "parquet", "carpet"],
    }.get(room.kind, ["parquet", "parquet", "carpet", "tile"])
    thing = Thing(f"{room.name}/floor")
    surface = f"{room.name}_floor_{rng.choice(covering)}"
    thing.quad(surface, (room.x0, 0, room.z1), (room.width, 0, 0), (0, 0, -room.depth), 1.2, STEP_M)
    return thing


def _ceiling(room: Room) -> Thing:
    thing = Thing(f"{room.name}/ceiling")
    corner = (room.x0, room.height, room.z0)
    thing.quad(f"{room.name}_ceiling_plaster", corner, (room.width, 0, 0), (0, 0, room.depth), 2.0, STEP_M)
    return thing


def _wall(room: Room, side: str, surface: str) -> Thing:
    """Lay a wall out in rectangles around its openings."""
    corner, along, length = room.wall(side)
    holes = [(o.start, o.start + o.width, o.sill, o.top) for o in room.openings if o.side == side]
    thing = Thing(f"{room.name}/wall-{side}")
    columns = sorted({0.0, length, *(x for h in holes for x in h[:2])})
    for left, right in zip(columns, columns[1:], strict=False):
        inside = [h for h in holes if h[0] < 0.5 * (left + right) < h[1]]
        spans = [(0.0, inside[0][2]), (inside[0][3], room.height)] if inside else [(0.0, room.height)]
        for low, high in spans:
            start = corner + left * along + [0, low, 0]
            thing.quad(surface, _vector(start), _vector((right - left) * along), (0, high - low, 0), 1.6, STEP_M)
    return thing


def _skirting(room: Room, side: str) -> Thing:
    corner, along, length = room.wall(side)
    doors = sorted((o.start, o.start + o.width) for o in room.openings if o.side == side and o.sill == 0)
    thing = Thing(f"{room.name}/skirting-{side}")
    left = 0.0
    for start, stop in [*doors, (length, length)]:
        if start - left > 0.02:
            _slab(thing, f"{room.name}_skirting_wood", room, side, left, start - left, 0.0, SKIRTING_M, 0.012)
        left = stop
    return thing


def _slab(
    thing: Thing, surface: str, room: Room, side: str, start: float, width: float, low: float, high: float, thick: float,
    behind: float = 0.0,
) -> None:
    """Add a box on a wall: along it from `start`, from `behind` the wall's face to `thick` in front of it."""
    corner, along, _ = room.wall(side)
    inward = room.inward(side)
    ends = np.stack([corner + start * along - behind * inward, corner + (start + width) * along + thick * inward])
    low_corner, high_corner = ends.min(0), ends.max(0)
    low_corner[1], high_corner[1] = low, high
    thing.box(surface, _vector(low_corner), _vector(high_corner), 0.8, 0.6)


def _opening(room: Room, opening: Opening, number: int, rng: np.random.Generator) -> list[Thing]:
    frame = Thing(f"{room.name}/{opening.kind}-frame-{number}")
    wood = f"{room.name}_frame_wood"
    for start, width, low, high in (
        (opening.start - 0.06, 0.06, opening.sill, opening.top + 0.06),
        (opening.start + opening.width, 0.06, opening.sill, opening.top + 0.06),
        (opening.start, opening.width, opening.top, opening.top + 0.06),
    ):
        _slab(frame, wood, room, opening.side, start, width, low, high, 0.02)
    depth = WALL_M if opening.kind == "window" else WALL_M / 2
    _reveal(frame, room, opening, wood, depth)
    if opening.kind == "window":
        return [frame, *_window(room, opening, number)]
    if opening.kind == "shut_door":
        leaf = Thing(f"{room.name}/door-{number}")
        _slab(leaf, f"{room.name}_door_wood", room, opening.side, opening.start, opening.width, 0.0, opening.top, -0.03, 0.07)
        return [frame, leaf]
    return [frame, _open_leaf(room, opening, number)] if opening.side in "en" else [frame]


def _reveal(thing: Thing, room: Room, opening: Opening, surface: str, depth: float) -> None:
    """Line the hole in the wall: two jambs, the lintel and the threshold or sill."""
    corner, along, _ = room.wall(opening.side)
    out = -room.inward(opening.side) * depth
    left = corner + opening.start * along + [0, opening.sill, 0]
    right = left + opening.width * along
    height = (0.0, opening.top - opening.sill, 0.0)
    thing.quad(surface, _vector(left + out), _vector(-out), height)
    thing.quad(surface, _vector(right), _vector(out), height)
    thing.quad(surface, _vector(left), _vector(opening.width * along), _vector(out))
    thing.quad(surface, _vector(left + height + out), _vector(opening.width * along), _vector(-out))


def _open_leaf(room: Room, opening: Opening, number: int) -> Thing:
    """Hang a door leaf that stands open against the jamb, into the room."""
    corner, along, _ = room.wall(opening.side)
    inward = room.inward(opening.side)
    hinge = corner + (opening.start + 0.02) * along + 0.03 * inward
    ends = np.stack([hinge, hinge - 0.04 * along + (opening.width - 0.06) * inward])
    low, high = ends.min(0), ends.max(0)
    high[1] = opening.top - 0.02
    leaf = Thing(f"{room.name}/door-{number}")
    leaf.box(f"{room.name}_door_wood", _vector(low + [0, 0.01, 0]), _vector(high), 1.0, 0.5)
    return leaf


def _window(room: Room, opening: Opening, number: int) -> list[Thing]:
    """Glaze a window and put a picture of the outside behind it."""
    corner, along, _ = room.wall(opening.side)
    out = -room.inward(opening.side)
    middle = corner + opening.start * along + [0, opening.sill, 0] + 0.6 * WALL_M * out
    height = opening.top - opening.sill
    pane = Thing(f"{room.name}/window-{number}")
    pane.quad(f"{room.name}_window_glass", _vector(middle), _vector(opening.width * along), (0, height, 0), 1.0, 9.0)
    bars = Thing(f"{room.name}/window-bars-{number}")
    for start, low, width, tall in ((opening.width / 2 - 0.025, 0.0, 0.05, height), (0.0, 0.62 * height, opening.width, 0.05)):
        _slab(bars, f"{room.name}_frame_wood", room, opening.side, opening.start + start, width, opening.sill + low,
              opening.sill + low + tall, -0.5 * WALL_M, 0.55 * WALL_M)  # fmt: skip
    far = corner + (opening.start - 4.0) * along + [0, opening.sill - 3.2, 0] + 3.0 * out
    view = Thing(f"{room.name}/outside-{number}")
    view.quad("outside_skyline", _vector(far), _vector((opening.width + 8.0) * along), (0, height + 6.4, 0), 1.0, 99.0, fit=True)
    return [pane, bars, view]


def _vector(x: np.ndarray) -> Vector:
    return float(x[0]), float(x[1]), float(x[2])
