"""Acoustic materials: a library, and rules that map the names in a scene to materials."""

from __future__ import annotations

import hashlib
import importlib.util
import json
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any

import numpy as np

from simulator.acoustics.arrivals import BANDS_HZ
from simulator.errors import InputError
from simulator.scene.model import Scene

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib

BUNDLED = Path(__file__).parents[1] / "assets" / "materials.toml"
SCATTERING_SHAPE = np.array([0.25, 0.4, 0.7, 1.0, 1.2, 1.35, 1.5])
"""Scattering by band relative to 1 kHz, where only one number is given."""


@dataclass(frozen=True)
class Rule:
    """Names that contain one of `words`, outside of `unless`, are assigned to a material."""

    words: tuple[str, ...]
    unless: tuple[str, ...]
    material: str

    def match(self, name: str) -> str | None:
        """Return the word that matches a name, ignoring case, or None."""
        text = name.lower()
        for word in self.unless:
            text = text.replace(word, " ")
        return next((word for word in self.words if word in text), None)


@dataclass(frozen=True, eq=False)
class Library:
    """Materials by name, rules in order of precedence, and the default."""

    absorption: dict[str, np.ndarray]
    scattering: dict[str, np.ndarray]
    rules: tuple[Rule, ...]
    default: str
    digest: str
    """SHA-256 of the resolved library."""


@dataclass(frozen=True, eq=False)
class SurfaceAcoustics:
    """Coefficients of the K surfaces of a scene, and the reason of each choice."""

    absorption: np.ndarray
    """(K, 7) share of energy absorbed, by octave band."""
    scattering: np.ndarray
    """(K, 7) share of reflected energy that is diffuse."""
    material: tuple[str, ...]
    reason: tuple[str, ...]


def load_library(source: Path | Mapping[str, Any] | None = None) -> Library:
    """Read the bundled library, extended by a TOML or JSON file or a [materials] table; raise InputError if it is invalid."""
    path = source if isinstance(source, Path) else None
    own: list[dict[str, Any]] = []
    if source is not None:
        own = [_read(source) if isinstance(source, Path) else {"materials": source}]
    tables = [*own, _read(BUNDLED)]
    absorption, scattering = {}, {}
    for table, origin in reversed(list(zip(tables, [*[path or "the given table"] * len(own), BUNDLED], strict=True))):
        for name, entry in table.get("materials", {}).items():
            absorption[name] = _absorption(name, entry, origin)
            scattering[name] = _scattering(name, entry, origin)
    rules = tuple(_rule(r) for table in tables for r in table.get("rules", []))
    default = next(t["default"] for t in tables if "default" in t)
    for name in [default, *(r.material for r in rules)]:
        if name not in absorption:
            raise InputError(f"materials file {path or BUNDLED} names {name!r}, which is not a material; add it to [materials]")
    resolved = {n: [absorption[n].tolist(), scattering[n].tolist()] for n in sorted(absorption)}
    text = json.dumps([resolved, [[r.words, r.unless, r.material] for r in rules], default], sort_keys=True)
    return Library(absorption, scattering, rules, default, hashlib.sha256(text.encode()).hexdigest())


def assign(surfaces: Sequence[tuple[str, str]], library: Library) -> SurfaceAcoustics:
    """Choose a material for each (instance name, material name): by exact name, by a rule on either name, or the default."""
    chosen = [_choose(instance, material, library) for instance, material in surfaces]
    names = tuple(name for name, _ in chosen)
    return SurfaceAcoustics(
        absorption=np.array([library.absorption[n] for n in names]).reshape(-1, len(BANDS_HZ)),
        scattering=np.array([library.scattering[n] for n in names]).reshape(-1, len(BANDS_HZ)),
        material=names,
        reason=tuple(reason for _, reason in chosen),
    )


def report(scene: Scene, acoustics: SurfaceAcoustics) -> str:
    """Return a table of the materials assigned to the surfaces of a scene, by area, with the names that matched."""
    area = np.bincount(scene.face_surface, scene.areas, len(scene.surfaces))
    lines = [f"{'material':<16}{'area m2':>9}{'share':>7}{'absorbs at 500':>16}  from"]
    rows = []
    for name in dict.fromkeys(acoustics.material):
        members = [k for k, m in enumerate(acoustics.material) if m == name]
        reasons = dict.fromkeys(acoustics.reason[k] for k in sorted(members, key=lambda k: -area[k]))
        rows.append((area[members].sum(), name, acoustics.absorption[members[0], 2], "; ".join(list(reasons)[:3])))
    for size, name, absorbed, reason in sorted(rows, reverse=True):
        lines.append(f"{name:<16}{size:9.1f}{100 * size / max(area.sum(), 1e-9):6.1f}%{absorbed:16.2f}  {reason}")
    solid = area * (acoustics.absorption < 1.0).any(1)
    mean = (solid[:, None] * acoustics.absorption).sum(0) / max(solid.sum(), 1e-9)
    lines.append("mean absorption by octave band, openings left out: " + " ".join(f"{a:.2f}" for a in mean))
    return "\n".join(lines)


def _choose(instance: str, material: str, library: Library) -> tuple[str, str]:
    for name in (material, instance):
        if name in library.absorption:
            return name, f"name {name!r}"
    for name in (material, instance):
        for rule in library.rules:
            if name and (word := rule.match(name)):
                return rule.material, f"{word!r} in {name!r}"
    return library.default, "default"


def _read(path: Path) -> dict[str, Any]:
    try:
        text = path.read_text(encoding="utf-8")
        table = json.loads(text) if path.suffix.lower() == ".json" else tomllib.loads(text)
    except OSError as error:
        raise InputError(f"materials file {path} cannot be read ({error.strerror}); check the path") from None
    except ValueError as error:
        raise InputError(
            f"materials file {path} is not valid TOML or JSON ({error}); see simulator/assets/materials.toml"
        ) from None
    kinds = {"materials": dict, "rules": list, "default": str}
    if not isinstance(table, dict) or not table.keys() <= kinds.keys():
        wrong = sorted(table.keys() - kinds.keys()) if isinstance(table, dict) else type(table).__name__
        raise InputError(f"materials file {path} holds {wrong}; it may hold [materials], [[rules]] and default")
    for key, value in table.items():
        if not isinstance(value, kinds[key]):
            raise InputError(f"materials file {path} has {key} = {value!r}; see simulator/assets/materials.toml")
    return table


def _absorption(name: str, entry: Any, path: Path | str) -> np.ndarray:
    if not isinstance(entry, Mapping) or not entry.keys() <= {"absorption", "from", "scattering", "source"}:
        raise InputError(f"material {name!r} in {path} is {entry!r}; absorption (or from), scattering and source are expected")
    if "absorption" in entry:
        values = entry["absorption"]
    else:
        database = _database()
        if str(entry.get("from")) not in database:
            raise InputError(
                f"material {name!r} in {path} has neither 'absorption' nor a 'from' that is in pyroomacoustics' database"
            )
        values = database[entry["from"]]
    return _coefficients(name, "absorption", values, path)


def _scattering(name: str, entry: Mapping[str, Any], path: Path | str) -> np.ndarray:
    value = entry.get("scattering", 0.1)
    if isinstance(value, (int, float)):
        _coefficients(name, "scattering", [value], path)
        return np.clip(value * SCATTERING_SHAPE, 0.0, 1.0)
    return _coefficients(name, "scattering", value, path)


def _coefficients(name: str, kind: str, values: Any, path: Path | str) -> np.ndarray:
    """Check a list of coefficients; repeat its last value up to 8 kHz."""
    try:
        array = np.asarray(values, np.float64).reshape(-1)
    except (TypeError, ValueError):
        array = np.array([np.nan])
    if not 1 <= len(array) <= len(BANDS_HZ) or not ((array >= 0) & (array <= 1)).all():
        raise InputError(f"material {name!r} in {path} has {kind} {values!r}; 1 to 7 numbers from 0 to 1 are expected")
    return np.concatenate([array, np.full(len(BANDS_HZ) - len(array), array[-1])])


def _rule(table: Any) -> Rule:
    lists = [table.get(key, []) for key in ("words", "not")] if isinstance(table, dict) else []
    if not lists or not all(isinstance(x, list) for x in lists) or not lists[0] or "material" not in table:
        raise InputError(f"materials rule {table!r} is not complete; it needs 'words' (a list) and 'material'")
    words, unless = (tuple(str(w).lower() for w in x) for x in lists)
    return Rule(words, unless, str(table["material"]))


@lru_cache(maxsize=1)
def _database() -> dict[str, list[float]]:
    """Read the absorption table of the installed pyroomacoustics without importing the package, which is slow."""
    spec = importlib.util.find_spec("pyroomacoustics")
    assert spec is not None and spec.origin is not None, "pyroomacoustics is a dependency of this package"
    table = json.loads((Path(spec.origin).parent / "data" / "materials.json").read_text())
    return {name: entry["coeffs"] for group in table["absorption"].values() for name, entry in group.items()}
