"""glTF extensions, instances, and files that must be refused before they cost memory, time or the process."""

from __future__ import annotations

import io
import json
import time

import numpy as np
import pytest
from PIL import Image

from simulator.errors import InputError
from simulator.loaders.load import load_scene, scene_digest
from simulator.scene import assemble
from simulator.scene.model import doubled_areas

QUARTER = [0.0, float(np.sin(np.pi / 4)), 0.0, float(np.cos(np.pi / 4))]
"""A quarter turn about +Y: +X becomes -Z."""


class TestNothingSilentlyWrong:
    """Odd content gives the specified picture, a note or a clear error."""

    @staticmethod
    def sparse(gltf, index, values):
        primitive = gltf.primitive()
        accessor = gltf.header["accessors"][primitive["attributes"]["POSITION"]]
        kind = {"u1": 5121, "i1": 5120}[index.dtype.str[1:]]
        places = {"bufferView": gltf.view(index.tobytes()), "componentType": kind}
        accessor["sparse"] = {"count": len(index), "indices": places, "values": {"bufferView": gltf.view(values.tobytes())}}
        gltf.node(mesh=gltf.mesh(primitive))
        return accessor

    def test_sparse_positions_over_zeros(self, gltf, load):
        del self.sparse(gltf, np.arange(4, dtype=np.uint8), gltf.QUAD)["bufferView"]
        assert load().areas.sum() == pytest.approx(4.0)

    def test_sparse_indices_do_not_count_from_the_end(self, gltf, load):
        self.sparse(gltf, np.array([-1], np.int8), np.float32([[9, 9, 9]]))
        with pytest.raises(InputError, match="negative index of a sparse value"):
            load()

    @pytest.mark.parametrize("scales", [[(-1, 1, 1), (-1, 1, 1)], [(-1, 1, 1), (1, 1, 1)], [(1, -1, 1), (-1, 1, 1)]])
    def test_mirrored_nodes_keep_their_front(self, gltf, load, scales):
        outer, inner = scales
        child = gltf.node(root=False, mesh=gltf.mesh(gltf.primitive()), scale=list(inner))
        gltf.node(children=[child], scale=list(outer))
        np.testing.assert_allclose(load().normals, [[0, 0, 1]] * 2)

    def test_texture_transform_is_translation_rotation_scale_on_its_own_coordinates(self, gltf, load):
        uv, angle = np.float32([[0.2, 0.3], [1, 0], [0, 1], [0.7, 0.9]]), 0.5
        moved = {"offset": [0.1, 0.2], "rotation": angle, "scale": [2, 3], "texCoord": 1}
        info = {"index": gltf.texture(np.zeros((4, 4, 3))), "extensions": {"KHR_texture_transform": moved}}
        gltf.node(mesh=gltf.mesh(gltf.primitive(material=gltf.material(baseColorTexture=info), TEXCOORD_0=0 * uv, TEXCOORD_1=uv)))
        c, s = np.cos(angle), np.sin(angle)
        matrix = np.array([[1, 0, 0.1], [0, 1, 0.2], [0, 0, 1]]) @ [[c, s, 0], [-s, c, 0], [0, 0, 1]] @ np.diag([2, 3, 1])
        expected = (np.c_[uv, np.ones(4)] @ matrix.T)[:, :2]
        np.testing.assert_allclose(load().corner_uv, expected[gltf.QUAD_FACES.reshape(-1, 3)], atol=1e-6)

    @pytest.mark.parametrize("change", [{"offset": [float("nan"), 0]}, {"scale": [1]}, {"rotation": "x"}, {"offset": None}])
    def test_texture_transforms_that_are_no_numbers(self, gltf, load, change):
        info = {"index": gltf.texture(np.zeros((4, 4, 3))), "extensions": {"KHR_texture_transform": change}}
        gltf.node(mesh=gltf.mesh(gltf.primitive(material=gltf.material(baseColorTexture=info), TEXCOORD_0=gltf.QUAD_UV)))
        with pytest.raises(InputError, match=r"of a texture is .*; [12] finite numbers are expected"):
            load()

    def test_a_texture_without_coordinates_is_noted(self, gltf, load, look):
        m = gltf.material(baseColorTexture={"index": gltf.texture(np.zeros((4, 4, 3)))}, baseColorFactor=[1.0, 0.0, 0.0, 1.0])
        gltf.node(mesh=gltf.mesh(gltf.primitive(material=m)))
        scene = load()
        assert (look(scene).rgb[0] == [255, 0, 0]).all()
        assert "1 primitives with a texture lack texture coordinates: plain colour instead" in scene.notes

    def test_texture_factor_and_vertex_colour_multiply_as_light(self, gltf, load, look):
        info = {"index": gltf.texture(np.full((4, 4, 3), 128))}
        m = gltf.material(baseColorTexture=info, baseColorFactor=[0.5, 0.5, 0.5, 1.0])
        colors = np.full((4, 3), 0.5, np.float32)
        gltf.node(mesh=gltf.mesh(gltf.primitive(material=m, TEXCOORD_0=gltf.QUAD_UV, COLOR_0=colors)))
        light = ((128 / 255 + 0.055) / 1.055) ** 2.4 / 4
        np.testing.assert_allclose(look(load()).rgb[0], 255 * (1.055 * light ** (1 / 2.4) - 0.055), atol=1)

    def test_a_projective_matrix_is_refused(self, gltf, load):
        matrix = np.eye(4)
        matrix[3, 0] = 0.5
        gltf.node(mesh=gltf.mesh(gltf.primitive()), matrix=matrix.T.ravel().tolist())
        with pytest.raises(InputError, match=r"matrix with the last row \[0.5, 0.0, 0.0, 1.0\]"):
            load()


@pytest.fixture
def load(gltf, tmp_path):
    """Write the file with a quadrangle in it and load it."""

    def load(**header):
        if not gltf.header.get("meshes"):
            gltf.node(mesh=gltf.mesh(gltf.primitive()))
        gltf.header.update(header)
        return load_scene(gltf.write(tmp_path / "scene.glb"))

    return load


class TestExtensions:
    def test_required_and_unknown_is_refused_by_name(self, load):
        with pytest.raises(InputError, match="requires the extension VENDOR_geometry, which is not supported") as error:
            load(extensionsRequired=["VENDOR_geometry", "KHR_mesh_quantization"], extensionsUsed=["VENDOR_geometry"])
        assert "\n" not in str(error.value)

    def test_used_alone_and_unknown_gives_a_note(self, load):
        scene = load(extensionsUsed=["KHR_lights_punctual", "KHR_materials_unlit", "KHR_materials_clearcoat"])
        assert scene.notes == ("glTF extensions not applied: KHR_lights_punctual, KHR_materials_clearcoat",)

    @pytest.mark.parametrize(
        "name", ["KHR_materials_unlit", "KHR_texture_transform", "KHR_mesh_quantization", "EXT_texture_webp"]
    )
    def test_required_and_implemented_is_read_without_a_note(self, load, name):
        assert load(extensionsRequired=[name], extensionsUsed=[name]).notes == ()

    @pytest.mark.parametrize("moved", [{"skin": 0}, {"weights": [0, 0.5]}])
    def test_skins_and_morph_targets_are_noted(self, gltf, load, moved):
        gltf.node(mesh=gltf.mesh(gltf.primitive()), **moved)
        (note,) = load().notes
        assert note.endswith("not applied: these meshes have their rest pose")

    def test_morph_targets_at_rest_are_not_noted(self, gltf, load):
        gltf.node(mesh=gltf.mesh(gltf.primitive()), weights=[0.0])
        assert load().notes == ()

    def test_the_digest_follows_pictures_beside_a_binary(self, gltf, load, tmp_path):
        gltf.header["images"] = [{"uri": "a%20picture.png"}]
        gltf.header["textures"] = [{"source": 0}]
        gltf.node(mesh=gltf.mesh(gltf.primitive(material=gltf.material(baseColorTexture={"index": 0}), TEXCOORD_0=gltf.QUAD_UV)))
        digests = []
        for color in ((1, 2, 3), (4, 5, 6)):
            Image.new("RGB", (2, 2), color).save(tmp_path / "a picture.png")
            digests.append(load().sha256)
        assert digests[0] != digests[1]


class TestInstancing:
    def instanced(self, gltf, **attributes):
        mesh = gltf.mesh(gltf.primitive([[1, 0, 0], [0, 1, 0], [0, 0, 1]], [0, 1, 2]))
        packed = {name: gltf.accessor(values) for name, values in attributes.items()}
        gltf.node(mesh=mesh, name="chair", translation=[0, 5, 0], extensions={"EXT_mesh_gpu_instancing": {"attributes": packed}})
        name = ["EXT_mesh_gpu_instancing"]
        return {"extensionsRequired": name, "extensionsUsed": name}

    def test_each_instance_is_placed_and_counted(self, gltf, load):
        moved = np.array([[0, 0, 0], [10, 0, 0], [0, 0, 20]], np.float32)
        scene = load(**self.instanced(gltf, TRANSLATION=moved))
        assert scene.instances == ("chair", "chair.2", "chair.3") and scene.notes == ()
        np.testing.assert_allclose(scene.vertices.reshape(3, 3, 3)[:, 0], moved + [1, 5, 0])

    def test_translation_rotation_and_scale_apply_from_right_to_left(self, gltf, load):
        header = self.instanced(
            gltf,
            TRANSLATION=np.array([[10, 20, 30], [0, 0, 0]], np.float32),
            ROTATION=np.array([QUARTER, [0, 0, 0, 1]], np.float32),
            SCALE=np.array([[2, 3, 4], [1, 1, 1]], np.float32),
        )
        found = load(**header).vertices.reshape(2, 3, 3)
        np.testing.assert_allclose(found[0], [[10, 25, 28], [10, 28, 30], [14, 25, 30]], atol=1e-5)
        np.testing.assert_allclose(found[1], np.eye(3) + [0, 5, 0], atol=1e-5)

    def test_normalised_rotations(self, gltf, load):
        header = self.instanced(gltf, ROTATION=np.array([[0, 1, 0, 0]], np.float32))
        turned = np.rint(np.array([QUARTER]) * 32767).astype(np.int16)
        node = gltf.header["nodes"][0]["extensions"]["EXT_mesh_gpu_instancing"]["attributes"]
        node["ROTATION"] = gltf.accessor(turned, normalized=True)
        np.testing.assert_allclose(load(**header).vertices, [[0, 5, -1], [0, 6, 0], [1, 5, 0]], atol=1e-4)

    def test_attributes_of_different_counts_are_refused(self, gltf, load):
        with pytest.raises(InputError, match="one count is expected"):
            load(**self.instanced(gltf, TRANSLATION=np.zeros((2, 3), np.float32), SCALE=np.ones((3, 3), np.float32)))


class TestMaterials:
    @pytest.mark.parametrize(
        "value", [[float("nan"), 1, 1, 1], "red", [1, 1, 1], [1, 1, 1, None], [1, 1, 1, float("inf")], {"r": 1}]
    )
    def test_a_base_colour_that_is_not_four_numbers(self, gltf, load, value):
        gltf.node(mesh=gltf.mesh(gltf.primitive(material=gltf.material(baseColorFactor=value))))
        with pytest.raises(InputError, match=r"baseColorFactor is .*; 4 finite numbers are expected"):
            load()

    @pytest.mark.parametrize(
        ("name", "more"),
        [
            ("emissiveFactor", {"emissiveFactor": [0, float("nan"), 0]}),
            ("emissiveStrength", {"extensions": {"KHR_materials_emissive_strength": {"emissiveStrength": "bright"}}}),
            ("alphaCutoff", {"alphaMode": "MASK", "alphaCutoff": float("nan")}),
            ("baseColorFactor", {"extensions": {"KHR_materials_pbrSpecularGlossiness": {"diffuseFactor": [1]}}}),
        ],
    )
    def test_other_properties(self, gltf, load, name, more):
        gltf.node(mesh=gltf.mesh(gltf.primitive(material=gltf.material())))
        gltf.header["materials"][0].update(more)
        with pytest.raises(InputError, match=f"{name} is .* expected"):
            load()

    def test_null_is_the_default(self, gltf, load):
        gltf.node(mesh=gltf.mesh(gltf.primitive(material=gltf.material(baseColorFactor=None))))
        assert load().materials.base_color.tolist() == [[1, 1, 1, 1]]

    def test_colours_beyond_1_are_clipped(self, gltf, load):
        gltf.node(mesh=gltf.mesh(gltf.primitive(material=gltf.material(baseColorFactor=[2, -1, 0.5, 1]))))
        assert load().materials.base_color.tolist() == [[1, 0, 0.5, 1]]

    def test_vertex_colours_that_are_no_numbers(self, gltf, load, look):
        color = np.tile(np.array([np.nan, 1, 0], np.float32), (4, 1))
        gltf.node(mesh=gltf.mesh(gltf.primitive(COLOR_0=color)))
        assert (look(load()).rgb[0] == (0, 255, 0)).all()

    @pytest.mark.parametrize(("key", "value"), [("source", 99), ("source", -5), ("sampler", 3)])
    def test_a_texture_that_points_nowhere(self, gltf, load, key, value):
        material = gltf.material(baseColorTexture={"index": gltf.texture(np.zeros((2, 2, 3)))})
        gltf.header["textures"][0][key] = value
        gltf.node(mesh=gltf.mesh(gltf.primitive(material=material, TEXCOORD_0=gltf.QUAD_UV)))
        with pytest.raises(InputError, match="is not an index of them"):
            load()


class TestImages:
    def textured(self, gltf, data):
        gltf.add("textures", {"source": gltf.add("images", {"bufferView": gltf.view(data), "name": "wall"})})
        material = gltf.material(baseColorTexture={"index": 0})
        gltf.node(mesh=gltf.mesh(gltf.primitive(material=material, TEXCOORD_0=gltf.QUAD_UV)))

    @pytest.mark.parametrize("form", ["PNG", "JPEG", "WEBP", "BMP", "TGA"])
    def test_formats_that_are_read(self, gltf, load, form):
        out = io.BytesIO()
        Image.new("RGB", (8, 8), (40, 90, 200)).save(out, form)
        self.textured(gltf, out.getvalue())
        scene = load()
        assert scene.notes == () and np.abs(scene.textures.texels[0, :3].astype(int) - (40, 90, 200)).max() <= 6

    @pytest.mark.parametrize("form", ["EPS", "GIF", "TIFF", "PPM", "ICO", "PDF"])
    def test_other_formats_are_not_opened(self, gltf, load, form, monkeypatch):
        def run(*_, **__):
            raise AssertionError("a program is started")

        monkeypatch.setattr("subprocess.Popen", run)
        out = io.BytesIO()
        Image.new("RGB", (16, 16), (40, 90, 200)).save(out, form)
        self.textured(gltf, out.getvalue())
        scene = load()
        assert scene.notes == ("image wall cannot be read (not a BMP, JPEG, PNG, TGA or WEBP image): plain colour instead",)
        assert (scene.materials.texture == -1).all()

    def test_16_bit_grey(self, gltf, load):
        out = io.BytesIO()
        Image.fromarray(np.array([[32768, 65535], [0, 257]], np.uint16)).save(out, "PNG")
        self.textured(gltf, out.getvalue())
        assert load().textures.texels[:4].tolist() == [[128] * 3 + [255], [255] * 4, [0, 0, 0, 255], [1, 1, 1, 255]]

    @pytest.mark.parametrize("size", [(13000, 13000), (60000, 60000)])
    def test_enormous_images_are_not_decoded(self, gltf, load, size):
        out = io.BytesIO()
        Image.new("L", (1, 1)).save(out, "PNG")
        data = bytearray(out.getvalue())
        header = np.array(size, ">u4").tobytes() + b"\x08\0\0\0\0"
        data[16:29] = header
        data[29:33] = int(np.uint32(__import__("zlib").crc32(b"IHDR" + header))).to_bytes(4, "big")
        self.textured(gltf, bytes(data))
        (note,) = load().notes
        assert "pixels" in note and "plain colour instead" in note


class TestStructure:
    def test_nodes_that_share_children_are_refused_at_once(self, gltf, load):
        gltf.node(mesh=gltf.mesh(gltf.primitive()), children=[1, 1])
        for k in range(1, 60):
            gltf.node(root=False, children=[k + 1, k + 1])
        gltf.node(root=False, mesh=0)
        start = time.process_time()
        with pytest.raises(InputError, match=r"broken structure.*node \d+ is reached twice"):
            load()
        assert time.process_time() - start < 5

    def test_a_long_chain_of_nodes_is_read(self, gltf, load):
        for k in range(500):
            gltf.node(root=k == 0, children=[k + 1], translation=[0.01, 0, 0])
        gltf.node(root=False, mesh=gltf.mesh(gltf.primitive()))
        assert load().vertices[:, 0].max() == pytest.approx(6.0)

    def test_more_primitives_than_instances_fit_are_refused_before_they_are_read(self, gltf, load):
        mesh = gltf.mesh(*[gltf.primitive()] * 10)
        gltf.header["nodes"] = [{"mesh": mesh}] * 200_000
        gltf.header["scenes"] = [{"nodes": list(range(200_000))}]
        start = time.process_time()
        with pytest.raises(InputError, match="more than 65535 primitives"):
            load()
        assert time.process_time() - start < 20

    @pytest.mark.parametrize(
        "change", [{"count": 2_000_000_000}, {"count": -1}, {"count": 1.5}, {"count": "4"}, {"type": "MAT9"}]
    )
    def test_accessors_are_checked_before_they_are_read(self, gltf, load, change):
        primitive = gltf.primitive()
        gltf.header["accessors"][primitive["attributes"]["POSITION"]].update(change)
        gltf.node(mesh=gltf.mesh(primitive))
        with pytest.raises(InputError, match="broken structure"):
            load()

    def test_accessors_without_data_are_bounded(self, gltf, load):
        primitive = gltf.primitive()
        accessor = gltf.header["accessors"][primitive["attributes"]["POSITION"]]
        del accessor["bufferView"]
        accessor["count"] = 2_000_000_000
        gltf.node(mesh=gltf.mesh(primitive))
        with pytest.raises(InputError, match="2000000000 elements without data"):
            load()

    def test_millions_of_triangles_at_one_vertex_cost_nothing_but_their_indices(self, gltf, load, monkeypatch):
        zeros = gltf.add("accessors", {"componentType": 5123, "count": 15_000_000, "type": "SCALAR"})
        gltf.node(mesh=gltf.mesh(gltf.primitive(), {**gltf.primitive(), "indices": zeros}))
        measured = []
        monkeypatch.setattr(assemble, "doubled_areas", lambda v, f: measured.append(len(f)) or doubled_areas(v, f))
        scene = load()
        assert measured == [2] and len(scene.faces) == 2
        assert "5000000 triangles without area omitted" in scene.notes

    @pytest.mark.parametrize("stride", [0, 1, -12])
    def test_elements_do_not_overlap(self, gltf, load, stride):
        primitive = gltf.primitive()
        accessor = gltf.header["accessors"][primitive["attributes"]["POSITION"]]
        accessor["count"] = 1_000_000_000
        gltf.header["bufferViews"][accessor["bufferView"]]["byteStride"] = stride
        gltf.node(mesh=gltf.mesh(primitive))
        with pytest.raises(InputError, match="outside its buffer"):
            load()

    @pytest.mark.parametrize(
        "text", ["[]", "3", '"x"', "[" * 100_000, '{"buffers": 3}', '{"buffers": [3], "nodes": [3]}', '{"images": [{"uri": 7}]}']
    )
    def test_headers_of_another_kind(self, tmp_path, text):
        path = tmp_path / "scene.gltf"
        path.write_text(text)
        for read in (load_scene, scene_digest):
            with pytest.raises(InputError) as error:
                read(path)
            assert "scene.gltf" in str(error.value) and "\n" not in str(error.value)

    def test_a_buffer_with_a_path_that_no_file_has(self, gltf, tmp_path):
        gltf.node(mesh=gltf.mesh(gltf.primitive()))
        path = gltf.write(tmp_path / "scene.gltf")
        header = json.loads(path.read_text())
        header["buffers"][0]["uri"] = "a%00b"
        path.write_text(json.dumps(header))
        with pytest.raises(InputError, match="missing"):
            load_scene(path)
