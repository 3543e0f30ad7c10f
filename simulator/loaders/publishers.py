"""Conventions of known scene collections: frames, annotations, licences."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

Vector = tuple[float, float, float]
Z_UP: tuple[Vector, Vector] = ((0.0, 0.0, 1.0), (0.0, 1.0, 0.0))
Y_UP: tuple[Vector, Vector] = ((0.0, 1.0, 0.0), (0.0, 0.0, -1.0))
"""Up and front of a mesh, in its own frame."""
NEAR = 4
"""Number of folders above a scene that are searched for its collection's name."""


@dataclass(frozen=True)
class Licence:
    """Summary of a collection's terms; the publisher's text is authoritative."""

    collection: str
    terms: str


def plain_twin(path: Path) -> Path:
    """Return the uncompressed mesh beside a Basis-compressed one (X.glb for X.basis.glb) if it exists, else the path itself."""
    twin = path.with_name(path.name.replace(".basis.glb", ".glb"))
    return twin if twin.is_file() else path


def is_companion(path: Path) -> bool:
    """Return whether a mesh belongs to another scene file: annotations, a collision shape or a second version."""
    if re.search(r"[._](semantic|collision)$", path.stem):
        return True
    return plain_twin(path) != path or (path.name == "mesh.obj" and path.with_name("mesh_z_up.obj").is_file())


def frame(mesh: Path) -> tuple[Vector, Vector]:
    """Return up and front of a mesh without a description, from its name and the files around it."""
    stem = mesh.name.split(".")[0]
    for_habitat = mesh.suffix == ".glb" and any(mesh.parent.glob(f"{stem}*.navmesh"))  # habitat-sim assumes Z up for a bare .glb
    replica = mesh.suffix == ".ply" and (mesh.parent / "habitat").is_dir()
    matterport = "matterport_mesh" in mesh.parts or mesh.with_name(f"{stem}.house").is_file()
    z_up = for_habitat or replica or matterport or "_vh_clean" in mesh.name or "z_up" in mesh.stem
    return Z_UP if z_up else Y_UP


def annotations_of(mesh: Path, descriptor: Path | None = None) -> tuple[Path | None, Path | None]:
    """Return the annotated mesh and its names where HM3D, Matterport3D and Replica store them, else None."""
    stem = mesh.name.split(".")[0]
    for semantic, names in (
        (mesh.with_name(f"{stem}.semantic.glb"), mesh.with_name(f"{stem}.semantic.txt")),
        (mesh.with_name(f"{stem}_semantic.ply"), mesh.with_name(f"{stem}.house")),
        (mesh.parent / "habitat" / "mesh_semantic.ply", mesh.parent / "habitat" / "info_semantic.json"),
    ):
        if semantic.is_file() and (descriptor or names).is_file():
            return semantic, descriptor or names
    return None, None


def licence_of(path: Path) -> Licence | None:
    """Return the licence of a scene of a known collection, from its path and the files around it; None for others."""
    path = path.resolve()
    return next((licence for licence, belongs in KNOWN if belongs(path)), None)


def _in(*names: str) -> Callable[[Path], bool]:
    """Return a function that tests whether a folder above a scene, or a data set file in it, is named after a collection."""
    pattern = re.compile(rf"^({'|'.join(names)})([-_. ].*)?$", re.IGNORECASE)

    def belongs(path: Path) -> bool:
        above = list(path.parents)[:NEAR]
        configs = (c.name for folder in above for c in folder.glob("*.scene_dataset_config.json"))
        return any(pattern.match(name) for name in (*(folder.name for folder in above), *configs))

    return belongs


def _is_hm3d(path: Path) -> bool:
    return bool(re.fullmatch(r"\d{5}-\w{11}", path.parent.name)) or _in("hm3d")(path)


def _is_matterport(path: Path) -> bool:
    return "matterport_mesh" in path.parts or path.with_suffix(".house").is_file() or _in("mp3d", "matterport3d")(path)


def _is_replica(path: Path) -> bool:
    return (path.parent / "habitat" / "info_semantic.json").is_file() or _in("replica", "replica_v1", "replica-dataset")(path)


def _is_gibson(path: Path) -> bool:
    return path.name == "mesh_z_up.obj" or _in("gibson", "gibson_v2", "gibson_habitat")(path)


KNOWN: tuple[tuple[Licence, Callable[[Path], bool]], ...] = (
    (
        Licence("HM3D", "Matterport End User License for Academic Use: research only, no redistribution"),
        _is_hm3d,
    ),
    (Licence("Matterport3D", "Matterport3D Terms of Use: research only, no redistribution"), _is_matterport),
    (Licence("ReplicaCAD", "CC BY 4.0"), _in("replicacad", "replica_cad")),
    (Licence("Replica", "Replica Dataset Research Terms: research only, no redistribution"), _is_replica),
    (Licence("Gibson", "Gibson Database License: research only, no redistribution"), _is_gibson),
    (Licence("HSSD", "CC BY-NC 4.0: not for commercial use"), _in("hssd", "hssd-hab", "hssd-models")),
    (Licence("ScanNet", "ScanNet Terms of Use: research only, no redistribution"), lambda p: "_vh_clean" in p.name),
)
"""Licences as published in 2024; the first match counts."""
