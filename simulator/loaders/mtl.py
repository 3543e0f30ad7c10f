"""Material libraries (.mtl) of OBJ files: diffuse colours and textures."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace

FLAGS = {
    "-blendu": 1,
    "-blendv": 1,
    "-boost": 1,
    "-bm": 1,
    "-cc": 1,
    "-clamp": 1,
    "-imfchan": 1,
    "-mm": 2,
    "-texres": 1,
    "-type": 1,
}
"""Options of a texture and the number of their values."""
VECTORS = ("-o", "-s", "-t")
"""Options with one to three numbers."""
UNSUPPORTED = ("-mm", "-t", "-imfchan")
"""Options that change the texture and are not applied."""


@dataclass(frozen=True)
class Texture:
    """A texture map: texture coordinates are scaled, then offset."""

    name: str
    """Path as written in the library."""
    scale: tuple[float, float] = (1.0, 1.0)
    offset: tuple[float, float] = (0.0, 0.0)
    clamp: bool = False
    ignored: tuple[str, ...] = ()
    """Options that are not applied."""


@dataclass(frozen=True)
class Material:
    """One material of a library."""

    diffuse: tuple[float, float, float] = (0.4, 0.4, 0.4)
    """sRGB, 0..1."""
    texture: Texture | None = None
    opacity: float = 1.0


def parse_mtl(text: str) -> dict[str, Material]:
    """Return the materials of a library by name; raise ValueError for a colour or an opacity that is not finite numbers."""
    materials: dict[str, Material] = {}
    stated: set[tuple[str, str]] = set()
    name = ""
    for keyword, value in statements(text):
        if keyword == "newmtl":
            name = value
            materials[name] = Material()
        elif keyword.lower() == "kd" and name and value.split()[0] not in ("spectral", "xyz"):
            materials[name] = replace(materials[name], diffuse=_color(name, value))
        elif keyword.lower() == "map_kd" and name:
            materials[name] = replace(materials[name], texture=parse_texture(value))
        elif keyword.lower() in ("d", "tr") and name and (name, "d") not in stated:  # d counts where both are there
            number = _opacity(name, value)
            materials[name] = replace(materials[name], opacity=number if keyword.lower() == "d" else 1.0 - number)
            stated.add((name, keyword.lower()))
    return materials


def statements(text: str) -> Iterator[tuple[str, str]]:
    """Yield the keyword and the value of each line that has both."""
    for line in text.splitlines():
        keyword, *value = line.split(None, 1)[:2] or [""]
        if value and not keyword.startswith("#"):
            yield keyword, value[0].rstrip()


def parse_texture(text: str) -> Texture:
    """Parse the value of a `map_Kd` statement: options, then a path that may contain spaces."""
    values: dict[str, list[str]] = {}
    rest = text
    while (words := rest.split(None, 1))[0].lower() in (*FLAGS, *VECTORS) and len(words) == 2:
        option, rest = words[0].lower(), words[1]
        values[option] = []
        while len(values[option]) < FLAGS.get(option, 3) and len(words := rest.split(None, 1)) == 2:
            if option in VECTORS and not _is_number(words[0]):
                break
            values[option].append(words[0])
            rest = words[1]
    su, sv = _pair(values.get("-s", []), 1.0)
    ou, ov = _pair(values.get("-o", []), 0.0)
    clamp = [v.lower() for v in values.get("-clamp", [])] == ["on"]
    return Texture(rest.strip(), (su, sv), (ou, ov), clamp, tuple(o for o in UNSUPPORTED if o in values))


def _color(name: str, value: str) -> tuple[float, float, float]:
    numbers = [float(x) for x in value.split()[:3]]
    numbers = numbers * 3 if len(numbers) == 1 else numbers  # a single value is grey
    if len(numbers) != 3 or not all(abs(x) < float("inf") for x in numbers):
        raise ValueError(f"material {name} has the colour {value!r}; three numbers are expected")
    return numbers[0], numbers[1], numbers[2]


def _opacity(name: str, value: str) -> float:
    """Parse the value of `d` or `Tr`; the option -halo, by which opacity varies with the angle of view, is left out."""
    number = value.removeprefix("-halo").split()[:1]
    if not number or not _is_number(number[0]):
        raise ValueError(f"material {name} has the opacity {value!r}; a number is expected")
    return min(max(float(number[0]), 0.0), 1.0)


def _pair(values: list[str], default: float) -> tuple[float, float]:
    first, second = ([float(v) for v in values] + [default] * 2)[:2] if values else (default, default)
    return first, second


def _is_number(text: str) -> bool:
    try:
        return abs(float(text)) < float("inf")
    except ValueError:
        return False
