"""The tree of nodes of glTF 2.0, with instances of EXT_mesh_gpu_instancing."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
from scipy.spatial.transform import Rotation

from simulator.loaders.gltf_accessors import Geometry, entry

INSTANCING = "EXT_mesh_gpu_instancing"


def meshes(header: dict[str, Any], geometry: Geometry) -> Iterator[tuple[str, np.ndarray, dict[str, Any]]]:
    """Yield the name, the (4, 4) transform to the world and the mesh of each node that has one, once per instance.

    Raise ValueError where nodes do not form a tree, which bounds the work by the number of nodes.
    """
    nodes = header.get("nodes", [])
    children = {c for n in nodes for c in n.get("children", [])}
    roots = [k for k in range(len(nodes)) if k not in children]
    if header.get("scenes"):
        roots = entry(header, "scenes", header.get("scene", 0)).get("nodes", [])
    waiting = [(k, np.eye(4)) for k in reversed(roots)]
    visited: set[int] = set()
    while waiting:
        index, above = waiting.pop()
        node = entry(header, "nodes", index)
        if index in visited:
            raise ValueError(f"node {index} is reached twice; each node has one parent")
        visited.add(index)
        transform = above @ _transform(node)
        waiting += [(c, transform) for c in reversed(node.get("children", []))]
        if "mesh" in node:
            mesh = entry(header, "meshes", node["mesh"])
            name = str(node.get("name") or mesh.get("name") or f"node{index}")
            for inside in _instances(node, geometry):
                yield name, transform @ inside, mesh


def _transform(node: dict[str, Any]) -> np.ndarray:
    """Return a node's (4, 4) matrix: as written (by columns), or translation x rotation x scale."""
    if "matrix" in node:
        matrix = np.array(node["matrix"], np.float64).reshape(4, 4).T
        if not np.allclose(matrix[3], (0.0, 0.0, 0.0, 1.0)):
            raise ValueError(f"a node has a matrix with the last row {matrix[3].tolist()}; 0, 0, 0, 1 is expected")
        return matrix
    out = np.eye(4)
    if "rotation" in node:
        out[:3, :3] = Rotation.from_quat(node["rotation"]).as_matrix()
    out[:3, :3] *= node.get("scale", (1.0, 1.0, 1.0))
    out[:3, 3] = node.get("translation", (0.0, 0.0, 0.0))
    return out


def _instances(node: dict[str, Any], geometry: Geometry) -> np.ndarray:
    """Return the (I, 4, 4) transforms of a node's instances, in its frame; the identity without the extension."""
    attributes = node.get("extensions", {}).get(INSTANCING, {}).get("attributes", {})
    found = {name: geometry.scaled(attributes[name]) for name in ("TRANSLATION", "ROTATION", "SCALE") if name in attributes}
    counts = {len(values) for values in found.values()} or {1}
    if len(counts) > 1:
        raise ValueError(f"{INSTANCING} has attributes of {sorted(counts)} instances; one count is expected")
    out = np.tile(np.eye(4), (counts.pop(), 1, 1))
    if len(out) == 0:
        return out
    if "ROTATION" in found:
        out[:, :3, :3] = Rotation.from_quat(found["ROTATION"]).as_matrix()
    if "SCALE" in found:
        out[:, :3, :3] *= found["SCALE"][:, None]
    if "TRANSLATION" in found:
        out[:, :3, 3] = found["TRANSLATION"]
    return out
