"""The templates of scene instances, changed so that habitat-sim displays their colours as specified.

habitat-sim shades objects by the lights of the scene instance; without lights, which is the default, they are black, whereas
stages are displayed in their own colours.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any, NamedTuple

from simulator.habitat.display import write_displayed
from simulator.loaders.habitat_config import placements
from simulator.loaders.habitat_dataset import read_json

NO_LIGHTS = "no_lights"
"""Name of the lights of a scene instance that has none, the default."""


class Displayed(NamedTuple):
    """What habitat-sim displays for a template."""

    asset: str
    """Its mesh."""
    flat: bool
    """Whether its colours are displayed without lights."""


class Templates:
    """The templates of all data sets that a process uses; every Simulator shares them.

    A Simulator takes its templates when it is created and keeps them, so that they are changed in place.
    """

    def __init__(self, engine: Any) -> None:
        self.mediator = engine.metadata.MetadataMediator()
        self._originals: dict[tuple[str, str, str], Displayed] = {}
        """By data set, kind and handle."""

    def show(self, scene: Path, dataset: Path, folder: Path) -> None:
        """Let the stage and the objects of a scene instance be displayed in their own colours where it has no lights.

        folder: for copies of meshes, which must exist while the scene is in use.
        """
        flat = read_json(scene).get("default_lighting", NO_LIGHTS) == NO_LIGHTS
        meshes = dict.fromkeys(one.path.resolve() for one in placements(scene)[0])
        shown = {mesh: _copied(mesh, folder / f"mesh{k}.glb") if flat else mesh for k, mesh in enumerate(meshes)}
        self.mediator.active_dataset = str(dataset)
        managers = {"stage": self.mediator.stage_template_manager, "object": self.mediator.object_template_manager}
        for kind, manager in managers.items():
            for handle in manager.get_template_handles():
                template = manager.get_template_by_handle(handle)
                found = Displayed(template.render_asset_fullpath, template.force_flat_shading)
                original = self._originals.setdefault((str(dataset), kind, handle), found)
                mesh = Path(original.asset).resolve()
                if mesh not in shown:
                    continue
                asset = original.asset if shown[mesh] == mesh else str(shown[mesh])
                if found != (wanted := Displayed(asset, flat or original.flat)):
                    template.render_asset_handle, template.force_flat_shading = wanted
                    manager.register_template(template)


def _copied(mesh: Path, path: Path) -> Path:
    """Return the mesh that habitat-sim displays as specified: a copy at `path`, or the mesh itself."""
    return path if mesh.suffix.lower() == ".glb" and write_displayed(mesh, path) else mesh
