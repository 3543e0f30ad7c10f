"""Files of microphone arrays, as TOML: positions, fronts and first-order directivities of the capsules.

    name = "pair of cardioids"

    [[capsule]]
    position = [-0.1, 0, 0]     # m, frame of the head: x to the right, y up, z to the rear
    facing = [-1, 0, 0]         # its front; default: ahead
    alpha = 0.5                 # gain alpha + (1 - alpha) cos(angle): 1 omnidirectional (default), 0.5 cardioid, 0 figure eight

The files in simulator/assets/receivers are examples, and are found by their names: tetrahedral, ring, glasses.
"""

from __future__ import annotations

import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from dataset.format.documents import sha256_of
from simulator.errors import InputError
from simulator.finite import finite_numbers
from simulator.receivers.microphone_array import MicrophoneArray

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib

BUNDLED = Path(__file__).parents[1] / "assets" / "receivers"
AHEAD = (0.0, 0.0, -1.0)
MOST_CAPSULES = 64
KEYS = ("position", "facing", "alpha")


@dataclass(frozen=True)
class ArrayFile:
    """A checked file of an array."""

    path: Path
    sha256: str


@dataclass(frozen=True, eq=False)
class Capsules:
    """The content of a file: M capsules."""

    name: str
    position: np.ndarray
    """(M, 3), m, frame of the head."""
    facing: np.ndarray
    """(M, 3) unit vectors."""
    alpha: np.ndarray
    """(M,)."""

    def array(self) -> MicrophoneArray:
        """Return the array."""
        facing, alpha = self.facing, self.alpha
        return MicrophoneArray(self.position, lambda toward: alpha + (1.0 - alpha) * (toward @ facing.T))

    def to_dict(self) -> dict[str, Any]:
        """Return name and capsules as JSON holds them."""
        rows = zip(self.position.tolist(), self.facing.tolist(), self.alpha.tolist(), strict=True)
        return {"name": self.name, "capsules": [dict(zip(KEYS, row, strict=True)) for row in rows]}


def find_array(name: str | Path) -> ArrayFile:
    """Return the file of a path, or of the name of an example; raise InputError where it cannot be used."""
    path = Path(name)
    if not path.is_file() and (BUNDLED / f"{name}.toml").is_file():
        path = BUNDLED / f"{name}.toml"
    read_array(path)
    return ArrayFile(path, sha256_of(path))


def read_array(path: Path) -> Capsules:
    """Return the capsules of a file; raise InputError for one that cannot be used."""
    try:
        content = tomllib.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        examples = ", ".join(sorted(file.stem for file in BUNDLED.glob("*.toml")))
        raise InputError(
            f"receiver {path} cannot be read ({error.strerror}); name a TOML file, or one of the examples {examples}"
        ) from None
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise InputError(f"receiver {path} is not TOML ({error}); see simulator/assets/receivers for examples") from None
    rows = content.get("capsule")
    if not isinstance(rows, list) or not 1 <= len(rows) <= MOST_CAPSULES or not all(isinstance(row, dict) for row in rows):
        raise InputError(f"receiver {path} has no [[capsule]] tables, or more than {MOST_CAPSULES}; list its capsules")
    capsules = [_capsule(row, f"receiver {path}, capsule {k}") for k, row in enumerate(rows)]
    found = Capsules(str(content.get("name", path.stem)), *(np.array(x) for x in zip(*capsules, strict=True)))
    try:
        found.array()
    except InputError as error:
        raise InputError(f"receiver {path}: {error}") from None
    return found


def _capsule(row: dict[str, Any], where: str) -> tuple[np.ndarray, np.ndarray, float]:
    if unknown := sorted(set(row) - set(KEYS)):
        raise InputError(f"{where} has {', '.join(unknown)}; {', '.join(KEYS)} are known")
    if "position" not in row:
        raise InputError(f"{where} has no position; give x, y, z in metres")
    position = finite_numbers(f"position of {where}", row["position"])
    facing = finite_numbers(f"facing of {where}", row.get("facing", AHEAD))
    alpha = finite_numbers(f"alpha of {where}", row.get("alpha", 1.0))
    for name, vector in (("position", position), ("facing", facing)):
        if vector.shape != (3,):
            raise InputError(f"{name} of {where} has shape {vector.shape}; three numbers x, y, z are expected")
    length = float(np.linalg.norm(facing))
    if alpha.shape != () or not 0 <= float(alpha) <= 1 or length == 0:
        raise InputError(f"{where} has alpha {alpha} and facing {facing.tolist()}; alpha of 0 to 1, and a facing that is not 0")
    return position, facing / length, float(alpha)
