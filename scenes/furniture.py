"""Objects of a home, each built at the origin with its back to z = 0, facing +z, centred on x = 0, standing on y = 0."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from scenes.mesh import Thing

Generator = np.random.Generator


def sofa(t: Thing, rng: Generator, room: str) -> None:
    """A sofa with arms and cushions."""
    w, cloth = rng.uniform(1.6, 2.3), f"{room}_upholstery_fabric"
    t.box(cloth, (-w / 2, 0.08, 0.0), (w / 2, 0.42, 0.88), 0.5)
    t.box(cloth, (-w / 2, 0.42, 0.0), (w / 2, 0.82, 0.22), 0.5)
    for x in (-w / 2, w / 2 - 0.16):
        t.box(cloth, (x, 0.42, 0.22), (x + 0.16, 0.62, 0.86), 0.5)
    for x in np.arange(-w / 2 + 0.2, w / 2 - 0.5, 0.55):
        t.box(f"{room}_cushion_fabric", (x, 0.43, 0.24), (x + 0.42, 0.8, 0.38), 0.4)
    _legs(t, f"{room}_furniture_wood", w - 0.2, 0.7, 0.08, 0.09)


def armchair(t: Thing, rng: Generator, room: str) -> None:
    """A wide chair with arms."""
    cloth = f"{room}_cushion_fabric"
    t.box(cloth, (-0.42, 0.1, 0.0), (0.42, 0.42, 0.8), 0.5)
    t.box(cloth, (-0.42, 0.42, 0.0), (0.42, 0.92, 0.18), 0.5)
    for x in (-0.42, 0.28):
        t.box(cloth, (x, 0.42, 0.18), (x + 0.14, 0.6, 0.78), 0.5)
    _legs(t, f"{room}_furniture_wood", 0.7, 0.65, 0.06, 0.1)


def coffee_table(t: Thing, rng: Generator, room: str) -> None:
    """A low table with a book and a bowl."""
    w, d = rng.uniform(0.8, 1.2), rng.uniform(0.5, 0.7)
    t.box(f"{room}_furniture_wood", (-w / 2, 0.38, 0), (w / 2, 0.42, d), 0.8)
    _legs(t, f"{room}_furniture_wood", w - 0.06, d - 0.06, 0.05, 0.38, 0.03)
    t.box(f"{room}_books_paper", (-0.2, 0.42, 0.1), (0.02, 0.45, 0.4), 0.3)
    t.cylinder(f"{room}_ceramic_bowl", (0.25, 0.42, d / 2), 0.05, 0.07, 0.11)


def rug(t: Thing, rng: Generator, room: str) -> None:
    """A rug with a border."""
    w, d = rng.uniform(1.4, 2.2), rng.uniform(1.0, 1.6)
    t.box(f"{room}_rug", (-w / 2, 0.0, 0), (w / 2, 0.012, d), 1.0, 0.4, skip="d", fit="u")


def television(t: Thing, rng: Generator, room: str) -> None:
    """A screen on a low cabinet."""
    w = rng.uniform(1.2, 1.8)
    t.box(f"{room}_furniture_wood", (-w / 2, 0.05, 0), (w / 2, 0.45, 0.4), 0.8)
    t.box(f"{room}_screen_glass", (-0.55, 0.55, 0.16), (0.55, 1.18, 0.2), 1.0, 0.6, fit="s")
    t.box(f"{room}_metal_stand", (-0.15, 0.45, 0.12), (0.15, 0.55, 0.24), 0.5)


def bookcase(t: Thing, rng: Generator, room: str) -> None:
    """Shelves with rows of books."""
    w, h, wood = rng.uniform(0.7, 1.2), rng.choice([1.1, 1.8, 2.0]), f"{room}_furniture_wood"
    for x in (-w / 2, w / 2 - 0.03):
        t.box(wood, (x, 0, 0), (x + 0.03, h, 0.3), 0.8)
    t.quad(wood, (-w / 2, 0, 0.01), (w, 0, 0), (0, h, 0), 0.8)
    for y in np.linspace(0.06, h - 0.03, round(h / 0.36) + 1):
        t.box(wood, (-w / 2 + 0.03, y, 0), (w / 2 - 0.03, y + 0.025, 0.3), 0.8)
        if y < h - 0.2 and rng.random() < 0.85:
            full = rng.uniform(0.5, 1.0) * (w - 0.08)
            t.box(
                f"{room}_books",
                (-w / 2 + 0.04, y + 0.025, 0.04),
                (-w / 2 + 0.04 + full, y + rng.uniform(0.22, 0.28), 0.24),
                0.7,
            )


def table(t: Thing, rng: Generator, room: str) -> None:
    """A table for meals, with plates."""
    w, d, wood = rng.uniform(1.2, 1.8), rng.uniform(0.75, 0.95), f"{room}_furniture_wood"
    t.box(wood, (-w / 2, 0.71, 0), (w / 2, 0.75, d), 0.9)
    _legs(t, wood, w - 0.08, d - 0.08, 0.06, 0.71, 0.04)
    for x in np.linspace(-w / 2 + 0.3, w / 2 - 0.3, 3):
        t.cylinder(f"{room}_ceramic_plate", (x, 0.75, rng.uniform(0.2, d - 0.2)), 0.09, 0.02, 0.12)


def chair(t: Thing, rng: Generator, room: str) -> None:
    """A wooden chair."""
    wood = f"{room}_furniture_wood"
    t.box(wood, (-0.21, 0.43, 0.0), (0.21, 0.47, 0.42), 0.6)
    t.box(f"{room}_cushion_fabric", (-0.19, 0.47, 0.02), (0.19, 0.5, 0.4), 0.3)
    for x in (-0.21, 0.17):
        t.box(wood, (x, 0.47, 0.0), (x + 0.04, 0.92, 0.04), 0.6)
    t.box(wood, (-0.21, 0.72, 0.005), (0.21, 0.9, 0.03), 0.6)
    _legs(t, wood, 0.4, 0.4, 0.04, 0.43, 0.01)


def bed(t: Thing, rng: Generator, room: str) -> None:
    """A bed with mattress, pillows and a blanket."""
    w = rng.choice([0.95, 1.45, 1.65])
    wood = f"{room}_furniture_wood"
    t.box(wood, (-w / 2, 0.0, 0.0), (w / 2, rng.uniform(0.8, 1.15), 0.06), 0.9)
    t.box(wood, (-w / 2, 0.12, 0.06), (w / 2, 0.3, 2.06), 0.9)
    t.box(f"{room}_mattress_fabric", (-w / 2 + 0.02, 0.3, 0.06), (w / 2 - 0.02, 0.5, 2.04), 0.6)
    t.box(f"{room}_blanket_fabric", (-w / 2 - 0.01, 0.34, 0.75), (w / 2 + 0.01, 0.54, 2.05), 0.7)
    for x in (-w / 4, w / 4) if w > 1.2 else (0.0,):
        t.box(f"{room}_pillow_fabric", (x - 0.28, 0.5, 0.12), (x + 0.28, 0.63, 0.5), 0.4)


def bedside_table(t: Thing, rng: Generator, room: str) -> None:
    """A small chest with a lamp."""
    t.box(f"{room}_furniture_wood", (-0.22, 0.05, 0), (0.22, 0.5, 0.38), 0.6)
    t.cylinder(f"{room}_metal_lamp", (0, 0.5, 0.19), 0.07, 0.25, 0.02)
    t.cylinder(f"{room}_paper_shade", (0, 0.72, 0.19), 0.14, 0.18, 0.09)


def wardrobe(t: Thing, rng: Generator, room: str) -> None:
    """A tall cupboard with two doors."""
    w, wood = rng.uniform(1.0, 1.8), f"{room}_wardrobe_wood"
    t.box(wood, (-w / 2, 0, 0), (w / 2, 2.05, 0.58), 1.0)
    for x in (-w / 2 + 0.03, 0.02):
        t.box(wood, (x, 0.1, 0.58), (x + w / 2 - 0.05, 2.0, 0.6), 0.7)
        t.box(f"{room}_metal_handle", (x + 0.05, 1.0, 0.6), (x + 0.07, 1.2, 0.62), 0.5)


def chest(t: Thing, rng: Generator, room: str) -> None:
    """A chest of drawers with a vase."""
    w, wood = rng.uniform(0.8, 1.2), f"{room}_furniture_wood"
    t.box(wood, (-w / 2, 0.08, 0), (w / 2, 0.85, 0.42), 0.9)
    for y in (0.12, 0.36, 0.6):
        t.box(wood, (-w / 2 + 0.03, y, 0.42), (w / 2 - 0.03, y + 0.2, 0.435), 0.5)
    t.cylinder(f"{room}_ceramic_vase", (w / 4, 0.85, 0.2), 0.06, 0.25, 0.1)
    t.cylinder(f"{room}_plant_foliage", (w / 4, 1.1, 0.2), 0.1, 0.2, 0.16, 9, 0.3)


def desk(t: Thing, rng: Generator, room: str) -> None:
    """A desk with a monitor."""
    w, wood = rng.uniform(1.1, 1.6), f"{room}_furniture_wood"
    t.box(wood, (-w / 2, 0.7, 0), (w / 2, 0.74, 0.7), 0.9)
    t.box(wood, (w / 2 - 0.4, 0.05, 0.05), (w / 2 - 0.02, 0.7, 0.65), 0.7)
    t.box(wood, (-w / 2 + 0.02, 0, 0.05), (-w / 2 + 0.06, 0.7, 0.65), 0.7)
    t.box(f"{room}_screen_glass", (-0.3, 0.86, 0.14), (0.3, 1.22, 0.17), 1.0, 0.6, fit="s")
    t.box(f"{room}_metal_stand", (-0.08, 0.74, 0.1), (0.08, 0.86, 0.22), 0.5)
    t.box(f"{room}_books_paper", (0.3, 0.74, 0.3), (0.5, 0.8, 0.55), 0.3)


def kitchen_counter(t: Thing, rng: Generator, room: str) -> None:
    """A row of cupboards with worktop, sink and wall cupboards."""
    w, wood = rng.uniform(1.6, 2.4), f"{room}_cabinet_wood"
    t.box(wood, (-w / 2, 0.0, 0), (w / 2, 0.86, 0.58), 0.8)
    t.box(f"{room}_counter_marble", (-w / 2, 0.86, 0), (w / 2, 0.9, 0.62), 0.9)
    for x in np.arange(-w / 2, w / 2 - 0.3, 0.5):
        t.box(wood, (x + 0.02, 0.1, 0.58), (x + 0.46, 0.8, 0.6), 0.5)
    t.box(f"{room}_metal_sink", (-0.25, 0.9, 0.12), (0.25, 0.91, 0.5), 0.5)
    t.box(wood, (-w / 2, 1.45, 0), (w / 2, 2.05, 0.34), 0.8)
    t.cylinder(f"{room}_ceramic_jar", (w / 2 - 0.2, 0.9, 0.2), 0.07, 0.2)


def fridge(t: Thing, rng: Generator, room: str) -> None:
    """A fridge with two doors."""
    t.box(f"{room}_metal_fridge", (-0.3, 0.02, 0), (0.3, 1.75, 0.62), 1.0)
    for low, high in ((0.05, 1.15), (1.18, 1.72)):
        t.box(f"{room}_metal_fridge", (-0.29, low, 0.62), (0.29, high, 0.65), 1.0)
        t.box(f"{room}_metal_handle", (0.22, low + 0.2, 0.65), (0.25, low + 0.5, 0.68), 0.5)


def stove(t: Thing, rng: Generator, room: str) -> None:
    """A stove with four plates."""
    t.box(f"{room}_metal_oven", (-0.3, 0.0, 0), (0.3, 0.9, 0.6), 0.8)
    t.box(f"{room}_screen_glass", (-0.24, 0.3, 0.6), (0.24, 0.7, 0.61), 1.0)
    for x in (-0.14, 0.14):
        for z in (0.18, 0.42):
            t.cylinder(f"{room}_metal_handle", (x, 0.9, z), 0.09, 0.015)


def bathtub(t: Thing, rng: Generator, room: str) -> None:
    """A bathtub."""
    white = f"{room}_ceramic"
    t.box(white, (-0.8, 0, 0), (0.8, 0.52, 0.08), 1.0)
    t.box(white, (-0.8, 0, 0.66), (0.8, 0.52, 0.74), 1.0)
    for x in (-0.8, 0.72):
        t.box(white, (x, 0, 0.08), (x + 0.08, 0.52, 0.66), 1.0)
    t.box(white, (-0.72, 0, 0.08), (0.72, 0.15, 0.66), 1.0)


def toilet(t: Thing, rng: Generator, room: str) -> None:
    """A toilet."""
    white = f"{room}_ceramic"
    t.box(white, (-0.2, 0.38, 0), (0.2, 0.8, 0.2), 0.6)
    t.cylinder(white, (0, 0, 0.42), 0.14, 0.4, 0.2)


def washbasin(t: Thing, rng: Generator, room: str) -> None:
    """A basin with a mirror and a towel."""
    white = f"{room}_ceramic"
    t.box(white, (-0.28, 0.7, 0), (0.28, 0.86, 0.44), 0.6)
    t.box(white, (-0.1, 0, 0.02), (0.1, 0.7, 0.2), 0.6)
    t.box(f"{room}_screen_glass", (-0.3, 1.15, 0.0), (0.3, 1.85, 0.02), 1.0, 0.5, fit="s")
    t.box(f"{room}_towel_fabric", (0.36, 0.9, 0.0), (0.7, 1.45, 0.04), 0.3)


def plant(t: Thing, rng: Generator, room: str) -> None:
    """A pot plant: three tiers of leaves."""
    t.cylinder(f"{room}_ceramic_pot", (0, 0, 0.22), 0.13, 0.3, 0.18)
    t.cylinder(f"{room}_furniture_wood", (0, 0.3, 0.22), 0.02, 0.5)
    for y, r in ((0.45, 0.22), (0.75, 0.2), (1.0, 0.13)):
        t.cylinder(f"{room}_plant_foliage", (0, y, 0.22), r, 0.28, 0.35 * r, 9, 0.4)


def floor_lamp(t: Thing, rng: Generator, room: str) -> None:
    """A standing lamp."""
    t.cylinder(f"{room}_metal_lamp", (0, 0, 0.2), 0.15, 0.03)
    t.cylinder(f"{room}_metal_lamp", (0, 0.03, 0.2), 0.015, 1.4, sides=6)
    t.cylinder(f"{room}_paper_shade", (0, 1.38, 0.2), 0.2, 0.25, 0.13)


def picture(t: Thing, rng: Generator, room: str) -> None:
    """A framed picture on the wall."""
    w, h, y = rng.uniform(0.4, 1.0), rng.uniform(0.4, 0.7), rng.uniform(1.2, 1.4)
    t.box(f"{room}_picture_{rng.integers(3)}", (-w / 2, y, 0.0), (w / 2, y + h, 0.03), 1.0, 0.5, skip="n", fit="s")


def stool(t: Thing, rng: Generator, room: str) -> None:
    """A round stool."""
    t.cylinder(f"{room}_furniture_wood", (0, 0.42, 0.18), 0.17, 0.04)
    for x, z in ((-0.1, 0.08), (0.1, 0.08), (0.0, 0.28)):
        t.cylinder(f"{room}_furniture_wood", (x, 0, z), 0.015, 0.42, sides=6)


def basket(t: Thing, rng: Generator, room: str) -> None:
    """A laundry basket."""
    t.cylinder(f"{room}_basket_fabric", (0, 0, 0.22), 0.17, 0.5, 0.21)


KINDS: dict[str, Callable[[Thing, Generator, str], None]] = {
    f.__name__: f
    for f in (sofa, armchair, coffee_table, rug, television, bookcase, table, chair, bed, bedside_table, wardrobe, chest, desk,
              kitchen_counter, fridge, stove, bathtub, toilet, washbasin, plant, floor_lamp, picture, stool, basket)
}  # fmt: skip


def make(kind: str, name: str, rng: Generator, room: str) -> Thing:
    """Build an object of a kind with the sizes drawn from the generator; its surfaces carry the room's name."""
    thing = Thing(name)
    KINDS[kind](thing, rng, room)
    return thing


def _legs(t: Thing, surface: str, width: float, depth: float, thick: float, height: float, front: float = 0.1) -> None:
    """Put four legs under an object of this outline."""
    for x in (-width / 2, width / 2 - thick):
        for z in (front, front + depth - thick):
            t.box(surface, (x, 0, z), (x + thick, height, z + thick), 0.8, 0.6)
