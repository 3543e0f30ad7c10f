"""A few apartments, built, lit and loaded once for all tests."""

from __future__ import annotations

import pytest

from scenes.apartment import Apartment, build_apartment
from scenes.generate import make_scene
from simulator.loaders.load import load_scene
from simulator.scene.model import Scene

SEEDS = (1000, 1003, 1007)


@pytest.fixture(scope="session")
def apartments() -> list[Apartment]:
    """Three apartments of different size."""
    return [build_apartment(seed) for seed in SEEDS]


@pytest.fixture(scope="session")
def files(apartments) -> list[bytes]:
    """Their .glb files."""
    return [make_scene(a) for a in apartments]


@pytest.fixture(scope="session")
def loaded(files, tmp_path_factory) -> list[Scene]:
    """The files, read by the simulator."""
    folder = tmp_path_factory.mktemp("apartments")
    scenes = []
    for k, data in enumerate(files):
        path = folder / f"apartment{k}.glb"
        path.write_bytes(data)
        scenes.append(load_scene(path))
    return scenes
