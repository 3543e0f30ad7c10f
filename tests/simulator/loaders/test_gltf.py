"""The glTF 2.0 specification, clause by clause, on files written by the tests."""

from __future__ import annotations

import base64
import json

import numpy as np
import pytest

from simulator.errors import InputError
from simulator.loaders.load import load_scene

RED, GREEN, BLUE, WHITE = (255, 0, 0), (0, 255, 0), (0, 0, 255), (255, 255, 255)
FOUR = np.repeat(np.repeat(np.array([[RED, GREEN], [BLUE, WHITE]], np.uint8), 16, 0), 16, 1)
"""A picture with red above blue on the left, green above white on the right."""


def srgb(linear):
    """Encode one linear value by the formula of IEC 61966-2-1."""
    return round(255 * (12.92 * linear if linear <= 0.0031308 else 1.055 * linear ** (1 / 2.4) - 0.055))


def cells(rgb):
    """Colours in the middle of the picture's quarters: [[upper left, upper right], [lower left, lower right]]."""
    n = len(rgb) // 4
    return [[tuple(int(x) for x in rgb[y, x]) for x in (n, 3 * n)] for y in (n, 3 * n)]


def show(gltf, tmp_path, look, **options):
    return look(load_scene(gltf.write(tmp_path / "scene.glb")), **options).rgb[0]


class TestTransforms:
    def vertices(self, gltf, tmp_path):
        scene = load_scene(gltf.write(tmp_path / "scene.glb"))
        return {n: scene.vertices[scene.faces[scene.face_instance == k + 1]] for k, n in enumerate(scene.instances)}

    def mesh(self, gltf):
        return gltf.mesh(gltf.primitive([[1, 0, 0], [0, 1, 0], [0, 0, 1]], [0, 1, 2]))

    def test_translation_rotation_scale_apply_from_right_to_left(self, gltf, tmp_path):
        # A quarter turn about +Y takes +X to -Z and +Z to +X.
        quarter = [0.0, np.sin(np.pi / 4), 0.0, np.cos(np.pi / 4)]
        gltf.node(mesh=self.mesh(gltf), name="a", translation=[10, 20, 30], rotation=quarter, scale=[2, 3, 4])
        expected = [[10, 20, 28], [10, 23, 30], [14, 20, 30]]
        np.testing.assert_allclose(self.vertices(gltf, tmp_path)["a"][0], expected, atol=1e-5)

    def test_matrix_is_stored_by_columns(self, gltf, tmp_path):
        gltf.node(mesh=self.mesh(gltf), name="a", matrix=[0, 0, -2, 0, 0, 3, 0, 0, 4, 0, 0, 0, 10, 20, 30, 1])
        np.testing.assert_allclose(self.vertices(gltf, tmp_path)["a"][0], [[10, 20, 28], [10, 23, 30], [14, 20, 30]], atol=1e-5)

    def test_children_move_with_their_parents(self, gltf, tmp_path):
        leaf = gltf.node(root=False, mesh=self.mesh(gltf), name="leaf", translation=[1, 0, 0])
        middle = gltf.node(root=False, children=[leaf], scale=[2, 2, 2])
        gltf.node(children=[middle], translation=[0, 5, 0], rotation=[0, 0, np.sin(np.pi / 4), np.cos(np.pi / 4)])
        # Local (1, 0, 0) -> moved (2, 0, 0) -> scaled (4, 0, 0) -> turned about +Z (0, 4, 0) -> moved (0, 9, 0).
        np.testing.assert_allclose(self.vertices(gltf, tmp_path)["leaf"][0][0], [0, 9, 0], atol=1e-5)

    def test_mirrored_node_keeps_its_outside_outside(self, gltf, tmp_path):
        gltf.node(mesh=self.mesh(gltf), name="plain")
        gltf.node(mesh=0, name="mirror", scale=[-1, 1, 1])
        scene = load_scene(gltf.write(tmp_path / "scene.glb"))
        # The plain triangle's normal is (1, 1, 1); its mirror image's must be (-1, 1, 1).
        np.testing.assert_allclose(scene.normals * np.sqrt(3), [[1, 1, 1], [-1, 1, 1]], atol=1e-5)

    def test_only_the_default_scene_counts(self, gltf, tmp_path):
        gltf.node(mesh=self.mesh(gltf), name="seen")
        other = gltf.node(root=False, mesh=0, name="unseen")
        gltf.header["scenes"].append({"nodes": [other]})
        assert set(self.vertices(gltf, tmp_path)) == {"seen"}

    def test_one_mesh_in_two_nodes_is_two_instances(self, gltf, tmp_path):
        gltf.node(mesh=self.mesh(gltf), name="chair")
        gltf.node(mesh=0, name="chair", translation=[5, 0, 0])
        found = self.vertices(gltf, tmp_path)
        np.testing.assert_allclose(found["chair.2"] - found["chair"], [[[5, 0, 0]] * 3])

    def test_primitives_of_one_node_are_numbered(self, gltf, tmp_path):
        gltf.node(mesh=gltf.mesh(gltf.primitive(), gltf.primitive()), name="sofa")
        assert set(self.vertices(gltf, tmp_path)) == {"sofa/0", "sofa/1"}

    def test_nameless_node_is_named_after_its_mesh(self, gltf, tmp_path):
        gltf.node(mesh=gltf.mesh(gltf.primitive(), name="lamp"))
        assert set(self.vertices(gltf, tmp_path)) == {"lamp"}

    def test_quaternion_of_half_a_turn(self, gltf, tmp_path):
        points = gltf.primitive([[1, 2, 3], [0, 1, 0], [0, 0, 1]], [0, 1, 2])
        gltf.node(mesh=gltf.mesh(points), name="a", rotation=[0, 1, 0, 0])
        np.testing.assert_allclose(self.vertices(gltf, tmp_path)["a"][0][0], [-1, 2, -3], atol=1e-6)

    def test_nodes_in_a_circle_are_refused(self, gltf, tmp_path):
        gltf.node(mesh=self.mesh(gltf), children=[0])
        with pytest.raises(InputError, match="broken structure"):
            load_scene(gltf.write(tmp_path / "scene.glb"))


class TestPrimitives:
    def faces(self, gltf, tmp_path, primitive):
        gltf.node(mesh=gltf.mesh(primitive))
        scene = load_scene(gltf.write(tmp_path / "scene.glb"))
        return scene.faces.tolist(), scene.normals

    def test_strip(self, gltf, tmp_path):
        points = [[0, 0, 0], [1, 0, 0], [0, 1, 0], [1, 1, 0], [0, 2, 0]]
        faces, normals = self.faces(gltf, tmp_path, gltf.primitive(points, [0, 1, 2, 3, 4], mode=5))
        assert [set(f) for f in faces] == [{0, 1, 2}, {1, 2, 3}, {2, 3, 4}]
        np.testing.assert_allclose(normals, [[0, 0, 1]] * 3)

    def test_fan(self, gltf, tmp_path):
        points = [[0, 0, 0], [1, 0, 0], [1, 1, 0], [0, 1, 0], [-1, 1, 0]]
        faces, normals = self.faces(gltf, tmp_path, gltf.primitive(points, [0, 1, 2, 3, 4], mode=6))
        assert [set(f) for f in faces] == [{0, 1, 2}, {0, 2, 3}, {0, 3, 4}]
        np.testing.assert_allclose(normals, [[0, 0, 1]] * 3)

    def test_without_indices(self, gltf, tmp_path):
        faces, _ = self.faces(gltf, tmp_path, gltf.primitive(np.eye(3), None))
        assert faces == [[0, 1, 2]]

    @pytest.mark.parametrize("mode", [0, 1, 2, 3])
    def test_points_and_lines_are_skipped_and_told(self, gltf, tmp_path, mode):
        gltf.node(mesh=gltf.mesh(gltf.primitive(), gltf.primitive(np.eye(3), None, mode=mode)))
        scene = load_scene(gltf.write(tmp_path / "scene.glb"))
        assert len(scene.faces) == 2
        assert any("1 point or line" in note for note in scene.notes)

    def test_strided_and_offset_vertices(self, gltf, tmp_path):
        table = np.zeros(5, [("p", "f4", 3), ("n", "f4", 3)])
        table["p"][2:], table["n"] = np.eye(3), 9.0
        view = gltf.view(table.tobytes(), byteStride=24)
        at = gltf.add("accessors", {"bufferView": view, "byteOffset": 48, "componentType": 5126, "count": 3, "type": "VEC3"})
        gltf.node(mesh=gltf.mesh({"attributes": {"POSITION": at}}))
        np.testing.assert_array_equal(load_scene(gltf.write(tmp_path / "scene.glb")).vertices, np.eye(3))

    def test_sparse_vertices(self, gltf, tmp_path):
        primitive = gltf.primitive(np.zeros((3, 3)), [0, 1, 2])
        gltf.header["accessors"][primitive["attributes"]["POSITION"]]["sparse"] = {
            "count": 2,
            "indices": {"bufferView": gltf.view(np.array([0, 2], np.uint8).tobytes()), "componentType": 5121},
            "values": {"bufferView": gltf.view(np.array([[1, 0, 0], [0, 0, 1]], np.float32).tobytes())},
        }
        gltf.node(mesh=gltf.mesh(primitive))
        np.testing.assert_array_equal(load_scene(gltf.write(tmp_path / "scene.glb")).vertices, [[1, 0, 0], [0, 0, 0], [0, 0, 1]])

    def test_quantised_vertices(self, gltf, tmp_path):
        at = gltf.accessor(np.array([[32767, 0, 0], [0, 32767, 0], [0, 0, -32767]], np.int16), normalized=True)
        gltf.node(mesh=gltf.mesh({"attributes": {"POSITION": at}}), scale=[2, 2, 2])
        np.testing.assert_allclose(
            load_scene(gltf.write(tmp_path / "scene.glb")).vertices, [[2, 0, 0], [0, 2, 0], [0, 0, -2]], atol=1e-6
        )


class TestColour:
    def test_unlit_factor_is_linear_light(self, gltf, tmp_path, look):
        m = gltf.material(baseColorFactor=[0.5, 0.2, 0.01, 1.0])
        gltf.node(mesh=gltf.mesh(gltf.primitive(material=m)))
        assert (show(gltf, tmp_path, look) == [srgb(0.5), srgb(0.2), srgb(0.01)]).all()

    def test_unlit_texture_is_seen_byte_for_byte(self, gltf, tmp_path, look):
        m = gltf.material(baseColorTexture={"index": gltf.texture(np.full((4, 4, 3), (37, 140, 201)))})
        gltf.node(mesh=gltf.mesh(gltf.primitive(material=m, TEXCOORD_0=gltf.QUAD_UV)))
        assert (show(gltf, tmp_path, look, samples=4) == [37, 140, 201]).all()

    def test_texture_stands_upright(self, gltf, tmp_path, look):
        m = gltf.material(baseColorTexture={"index": gltf.texture(FOUR)})
        gltf.node(mesh=gltf.mesh(gltf.primitive(material=m, TEXCOORD_0=gltf.QUAD_UV)))
        assert cells(show(gltf, tmp_path, look)) == [[RED, GREEN], [BLUE, WHITE]]

    def test_factor_multiplies_decoded_texture_and_vertex_colour(self, gltf, tmp_path, look):
        m = gltf.material(baseColorTexture={"index": gltf.texture(np.full((2, 2, 3), 188))}, baseColorFactor=[0.5, 1, 1, 1])
        color = np.tile(np.array([1, 0.25, 1], np.float32), (4, 1))
        gltf.node(mesh=gltf.mesh(gltf.primitive(material=m, TEXCOORD_0=gltf.QUAD_UV, COLOR_0=color)))
        light = ((188 / 255 + 0.055) / 1.055) ** 2.4
        expected = [srgb(0.5 * light), srgb(0.25 * light), 188]
        assert np.abs(show(gltf, tmp_path, look).astype(int) - expected).max() <= 1

    @pytest.mark.parametrize("dtype", ["f4", "u1", "u2"])
    def test_vertex_colours_are_linear_in_any_type(self, gltf, tmp_path, look, dtype):
        full = {"f4": 1.0, "u1": 255, "u2": 65535}[dtype]
        color = (np.tile([1.0, 0.2, 0.0, 1.0], (4, 1)) * full).astype(dtype)
        gltf.node(mesh=gltf.mesh(gltf.primitive(COLOR_0=gltf.accessor(color, normalized=dtype != "f4"))))
        assert (show(gltf, tmp_path, look) == [255, srgb(0.2), 0]).all()

    def test_scan_with_vertex_colours_is_not_shaded(self, gltf, tmp_path, look):
        color = np.tile(np.array([0.2, 0.2, 0.2], np.float32), (4, 1))
        slanted = gltf.QUAD + np.float32([[0, 0, 1], [0, 0, -1]] * 2)
        gltf.node(mesh=gltf.mesh(gltf.primitive(slanted, COLOR_0=color)))
        picture = show(gltf, tmp_path, look)
        assert (picture[32, 32] == srgb(0.2)).all()

    def test_emissive_factor_adds_light(self, gltf, tmp_path, look):
        m = gltf.material(baseColorFactor=[0.1, 0.1, 0.1, 1.0])
        gltf.header["materials"][m]["emissiveFactor"] = [0.2, 0.0, 0.0]
        gltf.node(mesh=gltf.mesh(gltf.primitive(material=m)))
        assert (show(gltf, tmp_path, look) == [srgb(0.3), srgb(0.1), srgb(0.1)]).all()

    def test_plain_surfaces_are_shaded_by_their_slope(self, gltf, tmp_path, look):
        m = gltf.add("materials", {"pbrMetallicRoughness": {"baseColorFactor": [0.5, 0.5, 0.5, 1]}})
        slanted = gltf.QUAD + np.float32([[0, 0, 1], [0, 0, -1]] * 2)
        gltf.node(mesh=gltf.mesh(gltf.primitive(material=m)), translation=[5, 0, 0])
        gltf.node(mesh=gltf.mesh(gltf.primitive(slanted, material=m)))
        scene = load_scene(gltf.write(tmp_path / "scene.glb"))
        turned, facing = (look(scene, position=(x, 0, 0)).rgb[0, 32, 32] for x in (0, 5))
        assert turned.max() < facing.max() <= srgb(0.5)


class TestTextureCoordinates:
    def test_second_set(self, gltf, tmp_path, look):
        m = gltf.material(baseColorTexture={"index": gltf.texture(FOUR), "texCoord": 1})
        quad = gltf.primitive(material=m, TEXCOORD_0=np.zeros((4, 2), np.float32), TEXCOORD_1=gltf.QUAD_UV)
        gltf.node(mesh=gltf.mesh(quad))
        assert cells(show(gltf, tmp_path, look)) == [[RED, GREEN], [BLUE, WHITE]]

    @pytest.mark.parametrize("dtype", ["u1", "u2"])
    def test_normalised_integers(self, gltf, tmp_path, look, dtype):
        m = gltf.material(baseColorTexture={"index": gltf.texture(FOUR)})
        uv = gltf.accessor((gltf.QUAD_UV * np.iinfo(dtype).max).astype(dtype), normalized=True)
        gltf.node(mesh=gltf.mesh(gltf.primitive(material=m, TEXCOORD_0=uv)))
        assert cells(show(gltf, tmp_path, look)) == [[RED, GREEN], [BLUE, WHITE]]

    def test_integers_that_count_texels(self, gltf, tmp_path, look):
        gltf.header["extensionsUsed"] = gltf.header["extensionsRequired"] = ["KHR_mesh_quantization", "KHR_texture_transform"]
        info = {"index": gltf.texture(FOUR), "extensions": {"KHR_texture_transform": {"scale": [1 / 4095, 1 / 4095]}}}
        uv = gltf.accessor((gltf.QUAD_UV * 4095).astype("u2"))
        gltf.node(mesh=gltf.mesh(gltf.primitive(material=gltf.material(baseColorTexture=info), TEXCOORD_0=uv)))
        assert cells(show(gltf, tmp_path, look)) == [[RED, GREEN], [BLUE, WHITE]]

    @pytest.mark.parametrize(
        ("mode", "row"),
        [(10497, [RED, GREEN, RED, GREEN]), (33071, [RED, RED, RED, GREEN]), (33648, [GREEN, RED, RED, GREEN])],
        ids=["repeat", "clamp", "mirror"],
    )
    def test_wrap_modes(self, gltf, tmp_path, look, mode, row):
        # u runs from -1 to 1: the left half of the picture lies outside the texture.
        m = gltf.material(baseColorTexture={"index": gltf.texture(FOUR[:16], {"wrapS": mode, "wrapT": 33071})})
        uv = gltf.QUAD_UV * np.float32([2, 1]) - np.float32([1, 0])
        gltf.node(mesh=gltf.mesh(gltf.primitive(material=m, TEXCOORD_0=uv)))
        picture = show(gltf, tmp_path, look)
        assert [tuple(int(x) for x in picture[32, c]) for c in (8, 24, 40, 56)] == row

    def test_wrap_modes_of_u_and_v_are_apart(self, gltf, tmp_path, look):
        m = gltf.material(baseColorTexture={"index": gltf.texture(FOUR, {"wrapS": 33071, "wrapT": 10497})})
        gltf.node(mesh=gltf.mesh(gltf.primitive(material=m, TEXCOORD_0=gltf.QUAD_UV + np.float32([1, 1]))))
        assert cells(show(gltf, tmp_path, look)) == [[GREEN, GREEN], [WHITE, WHITE]]

    def test_transform_takes_the_lower_left_quarter_turned(self, gltf, tmp_path, look):
        # The extension's own example: offset (0, 1), a quarter turn, scale 0.5 shows the picture's lower left quarter.
        moved = {"offset": [0, 1], "rotation": np.pi / 2, "scale": [0.5, 0.5]}
        info = {"index": gltf.texture(FOUR), "extensions": {"KHR_texture_transform": moved}}
        gltf.node(mesh=gltf.mesh(gltf.primitive(material=gltf.material(baseColorTexture=info), TEXCOORD_0=gltf.QUAD_UV)))
        assert cells(show(gltf, tmp_path, look)) == [[BLUE, BLUE], [BLUE, BLUE]]

    def test_transform_scales_then_offsets_and_may_name_a_set(self, gltf, tmp_path, look):
        moved = {"offset": [0.5, 0.0], "scale": [0.5, 0.5], "texCoord": 1}
        info = {"index": gltf.texture(FOUR), "texCoord": 0, "extensions": {"KHR_texture_transform": moved}}
        m = gltf.material(baseColorTexture=info)
        quad = gltf.primitive(material=m, TEXCOORD_0=np.zeros((4, 2), np.float32), TEXCOORD_1=gltf.QUAD_UV)
        gltf.node(mesh=gltf.mesh(quad))
        assert cells(show(gltf, tmp_path, look)) == [[GREEN, GREEN], [GREEN, GREEN]]


class TestCutOuts:
    def see_through(self, gltf, tmp_path, look, alpha, **more):
        """A green wall behind a red quad whose left half has the given alpha."""
        pixels = np.zeros((32, 32, 4), np.uint8)
        pixels[:] = (255, 0, 0, 255)
        pixels[:, :16, 3] = alpha
        m = gltf.material(baseColorTexture={"index": gltf.texture(pixels)})
        gltf.header["materials"][m].update(more)
        gltf.node(mesh=gltf.mesh(gltf.primitive(material=m, TEXCOORD_0=gltf.QUAD_UV)), name="leaf")
        wall = gltf.material(baseColorFactor=[0, 1, 0, 1])
        gltf.node(mesh=gltf.mesh(gltf.primitive(gltf.QUAD * np.float32(2), material=wall)), name="wall")
        scene = load_scene(gltf.write(tmp_path / "scene.glb"))
        return scene, look(scene)

    def test_mask_opens_to_eyes_depth_and_instances(self, gltf, tmp_path, look):
        scene, seen = self.see_through(gltf, tmp_path, look, 0, alphaMode="MASK")
        assert cells(seen.rgb[0]) == [[GREEN, RED], [GREEN, RED]]
        np.testing.assert_allclose(seen.depth[0][:, :30], 4.0, atol=1e-3)
        np.testing.assert_allclose(seen.depth[0][:, 34:], 2.0, atol=1e-3)
        assert scene.instances[seen.instance[0, 32, 8] - 1] == "wall"

    @pytest.mark.parametrize(("alpha", "cutoff", "open_"), [(100, 0.3, False), (100, 0.5, True), (128, None, False)])
    def test_cutoff(self, gltf, tmp_path, look, alpha, cutoff, open_):
        more = {"alphaMode": "MASK"} | ({} if cutoff is None else {"alphaCutoff": cutoff})
        _, seen = self.see_through(gltf, tmp_path, look, alpha, **more)
        assert (cells(seen.rgb[0])[0][0] == GREEN) == open_

    def test_opaque_ignores_alpha(self, gltf, tmp_path, look):
        _, seen = self.see_through(gltf, tmp_path, look, 0, alphaMode="OPAQUE")
        np.testing.assert_allclose(seen.depth[0], 2.0, atol=1e-3)


class TestFiles:
    def fill(self, gltf):
        m = gltf.material(baseColorTexture={"index": gltf.texture(FOUR)})
        gltf.node(mesh=gltf.mesh(gltf.primitive(material=m, TEXCOORD_0=gltf.QUAD_UV)))

    @pytest.mark.parametrize("embed", [False, True])
    def test_gltf_with_external_or_embedded_buffer(self, gltf, tmp_path, look, embed):
        self.fill(gltf)
        scene = load_scene(gltf.write(tmp_path / "scene.gltf", embed))
        assert cells(look(scene).rgb[0]) == [[RED, GREEN], [BLUE, WHITE]]

    @pytest.mark.parametrize("embed", [False, True])
    def test_external_and_embedded_picture(self, gltf, tmp_path, look, encode_png, embed):
        self.fill(gltf)
        (tmp_path / "a picture.png").write_bytes(encode_png(FOUR))
        data = "data:image/png;base64," + base64.b64encode(encode_png(FOUR)).decode()
        gltf.header["images"] = [{"uri": data if embed else "a%20picture.png"}]
        scene = load_scene(gltf.write(tmp_path / "scene.gltf"))
        assert cells(look(scene).rgb[0]) == [[RED, GREEN], [BLUE, WHITE]]

    def test_digest_follows_the_files_beside(self, gltf, tmp_path):
        self.fill(gltf)
        path = gltf.write(tmp_path / "scene.gltf")
        before = load_scene(path).sha256
        with (tmp_path / "scene data.bin").open("ab") as file:
            file.write(b"more")
        assert load_scene(path).sha256 != before

    def test_missing_buffer_is_named(self, gltf, tmp_path):
        self.fill(gltf)
        path = gltf.write(tmp_path / "scene.gltf")
        (tmp_path / "scene data.bin").unlink()
        with pytest.raises(InputError, match=r"scene%20data\.bin"):
            load_scene(path)

    def test_missing_picture_costs_its_texture_not_the_scene(self, gltf, tmp_path):
        self.fill(gltf)
        gltf.header["images"] = [{"uri": "gone.png"}]
        scene = load_scene(gltf.write(tmp_path / "scene.gltf"))
        assert any("gone.png" in note for note in scene.notes)
        assert (scene.materials.texture == -1).all()

    def test_broken_picture_costs_its_texture_not_the_scene(self, gltf, tmp_path, encode_png):
        self.fill(gltf)
        gltf.header["images"] = [
            {"bufferView": gltf.view(encode_png(np.random.default_rng(0).integers(0, 255, (64, 64, 3)))[:900])}
        ]
        scene = load_scene(gltf.write(tmp_path / "scene.glb"))
        assert any("cannot be" in note for note in scene.notes)

    def test_files_outside_the_folder_are_refused(self, gltf, tmp_path):
        self.fill(gltf)
        (tmp_path / "inside").mkdir()
        path = gltf.write(tmp_path / "inside" / "scene.gltf")
        header = json.loads(path.read_text())
        header["buffers"][0]["uri"] = "../scene%20data.bin"
        path.write_text(json.dumps(header))
        with pytest.raises(InputError, match="outside its folder"):
            load_scene(path)

    def test_copyright_is_the_credit(self, gltf, tmp_path):
        self.fill(gltf)
        gltf.header["asset"]["copyright"] = "2024 A. Nonymous, CC-BY 4.0"
        assert load_scene(gltf.write(tmp_path / "scene.glb")).credit == "2024 A. Nonymous, CC-BY 4.0"


class TestBadFiles:
    @pytest.fixture
    def path(self, gltf, tmp_path):
        gltf.node(mesh=gltf.mesh(gltf.primitive()))
        return gltf.write(tmp_path / "scene.glb")

    @pytest.mark.parametrize("keep", [0, 3, 11, 15, 40, -1, -40])
    def test_cut_short_anywhere(self, path, keep):
        path.write_bytes(path.read_bytes()[:keep])
        with pytest.raises(InputError, match=r"scene.glb .*(cut short|not a)"):
            load_scene(path)

    def test_something_else(self, path):
        path.write_bytes(b"\x89PNG" + bytes(100))
        with pytest.raises(InputError, match="not a glTF"):
            load_scene(path)

    @pytest.mark.parametrize(
        ("name", "remedy"),
        [
            ("EXT_meshopt_compression", "'npx @gltf-transform/cli cp IN.glb OUT.glb'"),
            ("KHR_meshopt_compression", "'npx @gltf-transform/cli cp IN.glb OUT.glb'"),
            ("KHR_texture_basisu", "publisher's files without Basis textures, or export the scene with PNG or JPEG textures$"),
        ],
    )
    def test_compression_is_refused_by_name_with_a_remedy(self, gltf, tmp_path, name, remedy):
        gltf.node(mesh=gltf.mesh(gltf.primitive()))
        gltf.add("textures", {"extensions": {name: {"source": 0}}})
        gltf.header["extensionsRequired"] = gltf.header["extensionsUsed"] = [name]
        with pytest.raises(InputError, match=rf"{name}.* {remedy}") as error:
            load_scene(gltf.write(tmp_path / "scene.glb"))
        assert "\n" not in str(error.value)

    def test_draco_without_its_decoder_names_it(self, gltf, tmp_path, monkeypatch):
        monkeypatch.setattr("simulator.loaders.gltf.HAS_DRACO", False)
        gltf.node(mesh=gltf.mesh(gltf.primitive()))
        gltf.header["extensionsUsed"] = ["KHR_draco_mesh_compression"]
        with pytest.raises(InputError, match=r"KHR_draco_mesh_compression.*pip install DracoPy"):
            load_scene(gltf.write(tmp_path / "scene.glb"))

    def test_basis_with_a_plain_picture_beside_it_is_read(self, gltf, tmp_path, look):
        m = gltf.material(baseColorTexture={"index": gltf.texture(FOUR)})
        gltf.header["textures"][0]["extensions"] = {"KHR_texture_basisu": {"source": 7}}
        gltf.header["extensionsUsed"] = ["KHR_texture_basisu"]
        gltf.node(mesh=gltf.mesh(gltf.primitive(material=m, TEXCOORD_0=gltf.QUAD_UV)))
        assert cells(show(gltf, tmp_path, look)) == [[RED, GREEN], [BLUE, WHITE]]

    @pytest.mark.parametrize("value", [np.nan, np.inf])
    def test_vertices_that_are_no_numbers(self, gltf, tmp_path, value):
        points = gltf.QUAD.copy()
        points[1, 2] = value
        gltf.node(mesh=gltf.mesh(gltf.primitive(points)))
        with pytest.raises(InputError, match="1 vertices that are NaN or infinite"):
            load_scene(gltf.write(tmp_path / "scene.glb"))

    def test_mesh_without_area(self, gltf, tmp_path):
        gltf.node(mesh=gltf.mesh(gltf.primitive(np.ones((4, 3)))))
        with pytest.raises(InputError, match="no triangle with an area"):
            load_scene(gltf.write(tmp_path / "scene.glb"))

    def test_index_beyond_the_vertices(self, gltf, tmp_path):
        gltf.node(mesh=gltf.mesh(gltf.primitive(faces=[0, 1, 9]), gltf.primitive(np.zeros((9, 3)))))
        with pytest.raises(InputError, match="missing vertices"):
            load_scene(gltf.write(tmp_path / "scene.glb"))

    def test_index_beyond_the_accessors(self, gltf, tmp_path):
        primitive = gltf.primitive()
        primitive["indices"] = 99
        gltf.node(mesh=gltf.mesh(primitive))
        with pytest.raises(InputError, match="broken structure"):
            load_scene(gltf.write(tmp_path / "scene.glb"))

    def test_nothing_solid(self, gltf, tmp_path):
        gltf.node(mesh=gltf.mesh(gltf.primitive(mode=1)))
        with pytest.raises(InputError, match="no triangles"):
            load_scene(gltf.write(tmp_path / "scene.glb"))


def test_draco(gltf, tmp_path, look):
    draco = pytest.importorskip("DracoPy", reason="needs the extra `scans`")
    packed = draco.encode(
        gltf.QUAD, gltf.QUAD_FACES.reshape(-1, 3).astype(np.uint32), quantization_bits=16, tex_coord=gltf.QUAD_UV.astype(float)
    )
    ids = {a["attribute_type"]: a["unique_id"] for a in draco.decode(packed).attributes}
    primitive = gltf.primitive(material=gltf.material(baseColorTexture={"index": gltf.texture(FOUR)}))
    primitive["attributes"]["TEXCOORD_0"] = gltf.accessor(gltf.QUAD_UV)
    for accessor in [*primitive["attributes"].values(), primitive["indices"]]:
        del gltf.header["accessors"][accessor]["bufferView"]
    attributes = {"POSITION": ids[0], "TEXCOORD_0": ids[3]}
    primitive["extensions"] = {"KHR_draco_mesh_compression": {"bufferView": gltf.view(packed), "attributes": attributes}}
    gltf.header["extensionsUsed"] = gltf.header["extensionsRequired"] = ["KHR_draco_mesh_compression"]
    gltf.node(mesh=gltf.mesh(primitive))
    scene = load_scene(gltf.write(tmp_path / "scene.glb"))
    assert cells(look(scene).rgb[0]) == [[RED, GREEN], [BLUE, WHITE]]
    np.testing.assert_allclose(look(scene).depth[0], 2.0, atol=1e-3)
