"""Furnishing by kind of room: which objects, where, in relation to which others."""

from __future__ import annotations

from collections.abc import Callable

from scenes.rooms.bathroom import furnish_bathroom
from scenes.rooms.bedroom import furnish_bedroom
from scenes.rooms.common import finish
from scenes.rooms.hall import furnish_hall
from scenes.rooms.kitchen import furnish_kitchen
from scenes.rooms.living import furnish_living_room
from scenes.rooms.study import furnish_study
from scenes.space import Space

FURNISH: dict[str, Callable[[Space], None]] = {
    "living room": furnish_living_room,
    "kitchen": furnish_kitchen,
    "bedroom": furnish_bedroom,
    "bathroom": furnish_bathroom,
    "study": furnish_study,
    "hall": furnish_hall,
    "corridor": furnish_hall,
}


def furnish(space: Space) -> None:
    """Furnish a room by its kind, then add what every kind of room has."""
    FURNISH[space.room.kind](space)
    finish(space)
