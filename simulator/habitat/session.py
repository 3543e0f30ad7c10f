"""habitat-sim itself: its import, the one Simulator of a process, and the configuration of a scene."""

from __future__ import annotations

import json
import os
from ctypes import CDLL, byref, c_int
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np

from simulator.camera.view_camera import fixed
from simulator.config import CameraSettings
from simulator.errors import InputError
from simulator.habitat.display import write_displayed
from simulator.habitat.export import write_instances, write_surface
from simulator.habitat.supported import check_supported
from simulator.habitat.templates import Templates
from simulator.loaders.habitat_config import placements
from simulator.loaders.habitat_dataset import INSTANCE, STAGE, dataset_of
from simulator.loaders.publishers import Y_UP
from simulator.scene.model import Scene

VIEW, INSTANCES = 0, 1
"""Agents: one carries the sensors of a view, the other an instance sensor alone."""
GROWTH_MB = 500.0
"""habitat-sim never frees a scene: once the process has grown by this much, its Simulator is replaced."""


def load_engine() -> Any:
    """Import habitat-sim without its log output; raise InputError where it is missing."""
    os.environ.setdefault("HABITAT_SIM_LOG", "quiet")
    os.environ.setdefault("MAGNUM_LOG", "quiet")
    try:
        import habitat_sim
    except ImportError as error:
        raise InputError(
            f"--camera habitat needs habitat-sim, which cannot be imported ({error}); leave the option out for our own "
            "camera, or install habitat-sim 0.3.3 or later for this Python, see docs/scans.md"
        ) from None
    return habitat_sim


@cache
def _templates() -> Templates:
    """Return the templates of this process."""
    return Templates(load_engine())


_held: list[tuple[Any, float]] = []
"""This process's Simulator, and the resident memory of the process when it was created, MB."""


def simulator_showing(configuration: Any) -> Any:
    """Return the Simulator, reconfigured: loading another scene takes a tenth of the time of a new Simulator."""
    if _held and _held[0][0].config != configuration and _resident_mb() > _held[0][1] + GROWTH_MB:
        _held.pop()[0].close()
    if not _held:
        simulator = load_engine().Simulator(configuration)
        _held.append((simulator, _resident_mb()))
    _held[0][0].reconfigure(configuration)  # no effect where the configuration is the same
    return _held[0][0]


def configuration_of(path: Path, scene: Scene, settings: CameraSettings, folder: Path) -> Any:
    """Return the configuration of a scene and its sensors; raise InputError for a format that habitat-sim does not read.

    folder: an empty folder that must exist for as long as the scene is in use.
    """
    check_supported(path)
    habitat_sim = load_engine()
    backend = habitat_sim.SimulatorConfiguration()
    backend.gpu_device_id = 0 if _has_cuda() else -1
    backend.enable_physics = False
    backend.random_seed = 0
    dataset = dataset_of(path) if path.name.endswith(INSTANCE) else None
    if dataset is not None:
        backend.scene_dataset_config_file, backend.scene_id = str(dataset.path), str(path.resolve())
        _templates().show(path, dataset.path, folder)
    else:
        backend.scene_id = str(_stage_file(path, scene, folder))
    factor = oversampling(settings)
    kinds = habitat_sim.SensorType
    view, instances = habitat_sim.agent.AgentConfiguration(), habitat_sim.agent.AgentConfiguration()
    view.sensor_specifications = [
        _sensor("color", kinds.COLOR, settings, factor),
        _sensor("depth", kinds.DEPTH, settings),
        _sensor("instance", kinds.SEMANTIC, settings),
    ]
    instances.sensor_specifications = [_sensor("instances", kinds.SEMANTIC, settings)]
    return habitat_sim.Configuration(backend, [view, instances], _templates().mediator)


def oversampling(settings: CameraSettings) -> int:
    """Return the factor by which pictures are rendered wider and higher, to have samples_per_pixel after averaging."""
    return int(np.ceil(np.sqrt(settings.samples_per_pixel)))


def _sensor(name: str, kind: Any, settings: CameraSettings, factor: int = 1) -> Any:
    import magnum

    spec = load_engine().CameraSensorSpec()
    spec.uuid, spec.sensor_type = name, kind
    spec.resolution = [factor * settings.height_px, factor * settings.width_px]
    camera = fixed(settings)
    spec.hfov = magnum.Deg(camera.hfov_deg)
    spec.position = [0.0, 0.0, 0.0]
    spec.orientation = [float(np.deg2rad(camera.pitch_deg)), 0.0, 0.0]
    return spec


def _stage_file(path: Path, scene: Scene, folder: Path) -> Path:
    """Write a stage configuration for a single mesh, in the frame of the loader, and the mesh of its instances."""
    (stage,), _, _ = placements(path)
    source = stage.path.suffix.lower()
    instances, render = folder / "instances.ply", stage.path.resolve()
    write_instances(instances, scene)
    # The colours of a scan include its lighting.
    content = {"shader_type": "flat", **stage.attributes}
    if source == ".ply":  # habitat-sim ignores the frame of a PLY
        render = folder / "surface.glb"
        write_surface(render, scene)
        content |= {"up": Y_UP[0], "front": Y_UP[1]}
    elif source == ".glb" and write_displayed(render, folder / "surface.glb"):
        render = folder / "surface.glb"
    content |= {"render_asset": str(render), "semantic_asset": str(instances), "semantic_descriptor_filename": ""}
    content |= {"semantic_up": Y_UP[0], "semantic_front": Y_UP[1], "has_semantic_textures": False}
    file = folder / f"scene{STAGE}"
    file.write_text(json.dumps(content))
    return file


def _resident_mb() -> float:
    """Return the resident memory of this process, MB; 0 where it is unknown."""
    try:
        return int(Path("/proc/self/statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE") / 1e6
    except OSError:
        return 0.0


def _has_cuda() -> bool:
    """Return whether there is a CUDA device: habitat-sim aborts the process if it selects one that does not exist."""
    try:
        driver, count = CDLL("libcuda.so.1"), c_int(0)
    except OSError:
        return False
    return driver.cuInit(0) == 0 and driver.cuDeviceGetCount(byref(count)) == 0 and count.value > 0
