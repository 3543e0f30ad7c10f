"""What habitat-sim is handed: it displays numbers as sRGB, so the numbers must be sRGB; runs without habitat-sim."""

from __future__ import annotations

import numpy as np
import pytest

from simulator.habitat.display import write_displayed
from simulator.habitat.export import write_instances
from simulator.loaders.gltf import read_gltf, read_header
from simulator.loaders.load import load_scene

HALF = 0.5029
"""sRGB 188 of 255 is 0.5029 of white's light (IEC 61966-2-1)."""


@pytest.fixture
def displayed(gltf, tmp_path):
    """Return a function that writes the file, and returns the header of its copy for habitat-sim, None for no copy."""

    def call():
        source, path = gltf.write(tmp_path / "a.glb"), tmp_path / "copy.glb"
        return read_header(path)[0] if write_displayed(source, path) else None

    return call


def quad(gltf, material=None, name="quad", **attributes):
    gltf.node(mesh=gltf.mesh(gltf.primitive(material=material, **attributes)), name=name)


def test_factors_are_encoded(gltf, displayed):
    quad(gltf, gltf.material(baseColorFactor=[HALF, 1.0, 0.0, 0.9]))
    factor = displayed()["materials"][0]["pbrMetallicRoughness"]["baseColorFactor"]
    assert factor == pytest.approx([188 / 255, 1.0, 0.0, 0.9])


def test_emission_of_untextured_materials_is_added(gltf, displayed):
    lamp = gltf.material(baseColorFactor=[0.0, 0.0, 0.0, 1.0])
    gltf.header["materials"][lamp]["emissiveFactor"] = [HALF, 1.0, 0.0]
    quad(gltf, lamp)
    factor = displayed()["materials"][0]["pbrMetallicRoughness"]["baseColorFactor"]
    assert factor == pytest.approx([188 / 255, 1.0, 0.0, 1.0])


@pytest.mark.parametrize("width", [3, 4])
@pytest.mark.parametrize("dtype, full", [("f4", 1.0), ("u1", 255), ("u2", 65535)])
def test_vertex_colours_are_encoded(width, dtype, full, gltf, displayed, tmp_path):
    values = np.array([[HALF, 1.0, 0.0, 0.5]] * 4)[:, :width] * full
    colors = values.astype(dtype) if dtype == "f4" else np.rint(values).astype(dtype)
    quad(gltf, COLOR_0=gltf.accessor(colors, normalized=dtype != "f4"))
    assert displayed()
    copy = read_gltf(tmp_path / "copy.glb", lambda name: b"", linear_colors=False).parts[0]
    alpha = 255 if width == 3 else 128
    assert np.abs(copy.color.astype(int) - [188, 255, 0, alpha]).max() <= 1
    np.testing.assert_array_equal(copy.vertices, read_gltf(tmp_path / "a.glb", lambda name: b"").parts[0].vertices)


@pytest.mark.parametrize("mode", ["BLEND", "MASK"])
def test_transparent_surfaces_are_left_out(mode, gltf, displayed):
    pane = gltf.material(baseColorFactor=[1.0, 1.0, 1.0, 0.2])
    gltf.header["materials"][pane]["alphaMode"] = mode
    quad(gltf, pane, "pane")
    quad(gltf, name="wall")
    gltf.node(mesh=gltf.mesh(gltf.primitive(material=pane), gltf.primitive()), name="window")
    header = displayed()
    assert ["mesh" in node for node in header["nodes"]] == [False, True, True]
    assert len(header["meshes"][2]["primitives"]) == 1


def test_textures_and_white_stay_as_they_are(gltf, displayed):
    picture = np.full((2, 2, 3), 100, np.uint8)
    quad(gltf, gltf.material(baseColorTexture={"index": gltf.texture(picture)}, baseColorFactor=[1.0, 1.0, 1.0, 1.0]))
    quad(gltf, COLOR_0=gltf.accessor(np.full((4, 4), 255, np.uint8), normalized=True))
    assert displayed() is None


def test_instances_leave_out_transparent_surfaces(gltf, tmp_path):
    pane = gltf.material(baseColorFactor=[1.0, 1.0, 1.0, 0.2])
    gltf.header["materials"][pane]["alphaMode"] = "BLEND"
    quad(gltf, pane, "pane")
    quad(gltf, name="wall")
    write_instances(tmp_path / "instances.ply", load_scene(gltf.write(tmp_path / "a.glb"), textures=False))
    assert b"element face 2\n" in (tmp_path / "instances.ply").read_bytes()
