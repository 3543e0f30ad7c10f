"""Scene collections in miniature: the layouts of HM3D, Matterport3D, Gibson, Replica, ReplicaCAD, with known geometry.

Each holds the same box of 2 x 3 x 4 m in its publisher's own frame: red floor, green ceiling, blue wall ahead (towards -Z in
the world's frame), grey side walls.
"""

from __future__ import annotations

import json
import os
import struct
from pathlib import Path

import numpy as np
import pytest

from simulator.errors import InputError
from simulator.loaders.discover import find_scenes
from simulator.loaders.habitat_config import orientation
from simulator.loaders.habitat_dataset import read_dataset
from simulator.loaders.load import load_scene, scene_digest
from simulator.loaders.publishers import licence_of

SIZE = np.array([2.0, 3.0, 4.0])
FACES = {  # name: (corners as 0/1 of x, y, z, seen from inside counter-clockwise; colour)
    "floor": ([(0, 0, 0), (0, 0, 1), (1, 0, 1), (1, 0, 0)], (255, 0, 0)),
    "ceiling": ([(0, 1, 0), (1, 1, 0), (1, 1, 1), (0, 1, 1)], (0, 255, 0)),
    "ahead": ([(0, 0, 0), (1, 0, 0), (1, 1, 0), (0, 1, 0)], (0, 0, 255)),
    "behind": ([(0, 0, 1), (0, 1, 1), (1, 1, 1), (1, 0, 1)], (128, 128, 128)),
    "left": ([(0, 0, 0), (0, 1, 0), (0, 1, 1), (0, 0, 1)], (128, 128, 128)),
    "right": ([(1, 0, 0), (1, 0, 1), (1, 1, 1), (1, 1, 0)], (128, 128, 128)),
}
TO_Z_UP = np.array([[1, 0, 0], [0, 0, -1], [0, 1, 0]])
"""World (Y up, -Z ahead) to a frame with Z up and Y ahead."""


def corners(name: str, z_up: bool) -> np.ndarray:
    points = np.array(FACES[name][0]) * SIZE
    return points @ TO_Z_UP.T if z_up else points


def linear(color):
    x = np.array(color) / 255
    return np.where(x <= 0.04045, x / 12.92, ((x + 0.055) / 1.055) ** 2.4)


@pytest.fixture
def write_glb(gltf):
    """Write the box as .glb, one node for the whole (as scans are) or one a face."""

    def write(path: Path, z_up: bool, colors=None) -> Path:
        new = type(gltf)()
        path.parent.mkdir(parents=True, exist_ok=True)
        primitives = []
        for name, (_, color) in FACES.items():
            rgb = np.tile(np.uint8(colors[name]) if colors else linear(color).astype(np.float32), (4, 1))
            at = new.accessor(rgb, normalized=bool(colors))
            primitives.append(new.primitive(corners(name, z_up), [0, 1, 2, 0, 2, 3], COLOR_0=at))
        new.node(mesh=new.mesh(*primitives), name="scan")
        return new.write(path)

    return write


def write_ply(path: Path, z_up: bool, face_numbers: dict[str, int] | None = None, number="object_id") -> Path:
    """Write the box as binary PLY of quads with vertex colours, and a number for each face."""
    path.parent.mkdir(parents=True, exist_ok=True)
    header = ["ply", "format binary_little_endian 1.0", "element vertex 24", *(f"property float {a}" for a in "xyz")]
    header += [f"property uchar {c}" for c in ("red", "green", "blue")] + [
        "element face 6",
        "property list uchar int vertex_indices",
    ]
    header += [f"property int {number}"] * bool(face_numbers) + ["end_header", ""]
    body = b""
    for name, (_, color) in FACES.items():
        for point in corners(name, z_up):
            body += struct.pack("<3f3B", *point, *color)
    for k, name in enumerate(FACES):
        body += struct.pack("<B4i", 4, *range(4 * k, 4 * k + 4)) + (
            struct.pack("<i", face_numbers[name]) if face_numbers else b""
        )
    path.write_bytes("\n".join(header).encode() + body)
    return path


def dump(path: Path, content) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(content) if not isinstance(content, str) else content)
    return path


def check_box(scene, look, offset=(0.0, 0.0, 0.0)):
    """The box stands upright in the world: its size, and the colour and depth of what is seen from its middle."""
    offset = np.array(offset)
    np.testing.assert_allclose(scene.bounds, [offset, offset + SIZE], atol=1e-4)
    ahead = look(scene, position=tuple(offset + SIZE / 2))
    assert np.abs(ahead.rgb[0, 32, 32].astype(int) - (0, 0, 255)).max() <= 1
    np.testing.assert_allclose(ahead.depth[0, 28:36, 28:36], 2.0, atol=1e-4)
    behind = look(scene, position=tuple(offset + SIZE / 2), heading=180.0)
    assert np.abs(behind.rgb[0, 32, 32].astype(int) - 128).max() <= 1
    # Normals by winding point into the room.
    middle = scene.vertices[scene.faces].mean(1)
    assert (((offset + SIZE / 2 - middle) * scene.normals).sum(1) > 0).all()
    down = scene.bvh.closest((offset + SIZE / 2)[None], np.array([[0.0, -1.0, 0.0]]))
    assert scene.corner_color[down.face[0], 0, :3].tolist() == [255, 0, 0]
    return {scene.instances[i - 1] for i in scene.face_instance}


def instance_under(scene, point, direction):
    hit = scene.bvh.closest(np.array([point], float), np.array([direction], float))
    return scene.instances[scene.face_instance[hit.face[0]] - 1]


class TestOrientation:
    def test_y_up_is_left_alone(self):
        np.testing.assert_array_equal(orientation([0, 1, 0], [0, 0, -1]), np.eye(3))

    def test_z_up_lies_down(self):
        turn = orientation([0, 0, 1], [0, 1, 0])
        np.testing.assert_array_equal(turn @ [0, 0, 1], [0, 1, 0])
        np.testing.assert_array_equal(turn @ [0, 1, 0], [0, 0, -1])
        np.testing.assert_allclose(turn, TO_Z_UP.T)

    @pytest.mark.parametrize(("up", "front"), [([0, 1, 0], [1, 0, 0]), ([1, 0, 0], [0, 0, 1]), ([0, 0, -2], [0, 3, 0])])
    def test_any_square_pair_is_a_rotation(self, up, front):
        turn = orientation(up, front)
        np.testing.assert_allclose(turn @ turn.T, np.eye(3), atol=1e-12)
        assert np.linalg.det(turn) == pytest.approx(1)
        np.testing.assert_allclose(turn @ up / np.linalg.norm(up), [0, 1, 0], atol=1e-12)

    @pytest.mark.parametrize(("up", "front"), [([0, 1, 0], [0, 1, 0]), ([0, 0, 0], [0, 1, 0]), ([0, 1], [1, 0, 0])])
    def test_mistakes(self, up, front):
        with pytest.raises(InputError):
            orientation(up, front)


HM3D_COLORS = dict(zip(FACES, [(160, 0, 1), (0, 161, 2), (3, 4, 162), (90, 91, 92), (93, 94, 95), (96, 97, 98)], strict=True))
REPLICA_NUMBERS = dict(zip(FACES, (4, 9, 1, 2, 3, 7), strict=True))


class TestHm3d:
    NAMES = ("floor", "ceiling, white", "wall", "wall", "door", "window")

    @pytest.fixture
    def root(self, tmp_path, write_glb):
        root = tmp_path / "hm3d"
        for scene in ("00800-TEEsavR23oF", "00801-HaxA7YrQdEC"):
            folder, stem = root / "val" / scene, scene[6:]
            write_glb(folder / f"{stem}.glb", z_up=True)
            (folder / f"{stem}.basis.glb").write_bytes((folder / f"{stem}.glb").read_bytes()[:20])  # unreadable
            (folder / f"{stem}.basis.navmesh").write_bytes(b"")
            write_glb(folder / f"{stem}.semantic.glb", z_up=True, colors=HM3D_COLORS)
            lines = [
                f'{k + 1},{r:02X}{g:02X}{b:02X},"{name}",0'
                for k, ((r, g, b), name) in enumerate(zip(HM3D_COLORS.values(), self.NAMES, strict=True))
            ]
            dump(folder / f"{stem}.semantic.txt", "HM3D Semantic Annotations\n" + "\n".join(lines) + "\n")
        for kind in ("basis", "annotated_basis"):
            stages = {"default_attributes": {"shader_type": "flat", "up": [0, 0, 1], "front": [0, 1, 0]}}
            dump(
                root / f"hm3d_{kind}.scene_dataset_config.json", {"stages": {**stages, "paths": {".glb": ["val/*/*.basis.glb"]}}}
            )
        return root

    def test_root_gives_its_scans_and_nothing_else(self, root):
        assert set(find_scenes([root])) == {"TEEsavR23oF", "HaxA7YrQdEC"}

    def test_one_split_without_the_description(self, root):
        assert set(find_scenes([root / "val"])) == {"TEEsavR23oF", "HaxA7YrQdEC"}

    def test_upright_with_annotated_instances(self, root, look):
        path = find_scenes([root])["TEEsavR23oF"]
        scene = load_scene(path)
        assert check_box(scene, look) == {"floor", "ceiling, white", "wall", "wall.2", "door", "window"}
        assert instance_under(scene, SIZE / 2, (0, -1, 0)) == "floor"
        assert instance_under(scene, SIZE / 2, (0, 1, 0)) == "ceiling, white"
        assert instance_under(scene, SIZE / 2, (-1, 0, 0)) == "door"
        assert instance_under(scene, SIZE / 2, (1, 0, 0)) == "window"

    def test_navmesh_beside_says_the_same_without_the_description(self, root, look):
        for config in root.glob("*.json"):
            config.unlink()
        check_box(load_scene(find_scenes([root])["TEEsavR23oF"]), look)

    def test_textured_annotation(self, root, gltf, look):
        """HM3D's own annotated meshes carry colours in a texture: one texel for each face here."""
        folder = root / "val" / "00800-TEEsavR23oF"
        strip = np.uint8([list(HM3D_COLORS.values())])
        m = gltf.material(baseColorTexture={"index": gltf.texture(strip)})
        quads = [
            gltf.primitive(
                corners(name, True), [0, 1, 2, 0, 2, 3], m, TEXCOORD_0=np.tile(np.float32([(k + 0.5) / 6, 0.5]), (4, 1))
            )
            for k, name in enumerate(FACES)
        ]
        gltf.node(mesh=gltf.mesh(*quads))
        gltf.write(folder / "TEEsavR23oF.semantic.glb")
        scene = load_scene(folder / "TEEsavR23oF.glb")
        assert instance_under(scene, SIZE / 2, (1, 0, 0)) == "window"

    def test_basis_alone_is_refused_by_name(self, root, gltf):
        folder = root / "val" / "00800-TEEsavR23oF"
        (folder / "TEEsavR23oF.glb").unlink()
        gltf.node(mesh=gltf.mesh(gltf.primitive()))
        gltf.add("textures", {"extensions": {"KHR_texture_basisu": {"source": 0}}})
        gltf.header["extensionsUsed"] = gltf.header["extensionsRequired"] = ["KHR_texture_basisu"]
        gltf.write(folder / "TEEsavR23oF.basis.glb")
        path = find_scenes([root])["TEEsavR23oF"]
        with pytest.raises(InputError, match="KHR_texture_basisu"):
            load_scene(path)

    def test_digest_follows_annotations_and_frame(self, root):
        path = find_scenes([root])["TEEsavR23oF"]
        first = scene_digest(path)
        text = path.with_name("TEEsavR23oF.semantic.txt")
        text.write_text(text.read_text().replace("door", "gate"))
        second = scene_digest(path)
        for config in root.glob("*.json"):
            config.write_text(config.read_text().replace("[0, 1, 0]", "[1, 0, 0]"))
        read_dataset.cache_clear()
        assert len({first, second, scene_digest(path)}) == 3

    def test_broken_annotation_is_told(self, root):
        path = find_scenes([root])["TEEsavR23oF"]
        path.with_name("TEEsavR23oF.semantic.txt").write_text("HM3D Semantic Annotations\nnonsense\n")
        with pytest.raises(InputError, match=r"semantic.txt is not a readable annotation"):
            load_scene(path)

    def test_licence_forbids(self, root):
        licence = licence_of(find_scenes([root])["TEEsavR23oF"])
        assert licence.collection == "HM3D" and "no redistribution" in licence.terms
        assert load_scene(find_scenes([root])["TEEsavR23oF"]).credit.startswith("HM3D: Matterport")


class TestMatterport3d:
    def test_obj_as_published(self, tmp_path, look):
        folder = tmp_path / "v1" / "scans" / "17DRP5sb8fy" / "matterport_mesh" / "bed1a77d"
        folder.mkdir(parents=True)
        points = [p for name in FACES for p in corners(name, True)]
        mtl = "".join(f"newmtl {n}\nKd {r / 255} {g / 255} {b / 255}\n" for n, (_, (r, g, b)) in FACES.items())
        (folder / "bed1a77d.mtl").write_text(mtl)
        text = "mtllib bed1a77d.mtl\n" + "".join(f"v {x} {y} {z}\n" for x, y, z in points)
        for k, name in enumerate(FACES):
            text += f"usemtl {name}\nf {' '.join(str(4 * k + i + 1) for i in range(4))}\n"
        (folder / "bed1a77d.obj").write_text(text)
        found = find_scenes([tmp_path / "v1"])
        assert list(found) == ["bed1a77d"]
        scene = load_scene(found["bed1a77d"])
        np.testing.assert_allclose(scene.bounds, [np.zeros(3), SIZE], atol=1e-4)
        assert instance_under(scene, SIZE / 2, (0, -1, 0)) == instance_under(scene, SIZE / 2, (0, -1, 0))
        surfaces = dict(enumerate(scene.surfaces))
        hit = scene.bvh.closest((SIZE / 2)[None], np.array([[0.0, -1.0, 0.0]]))
        assert surfaces[scene.face_surface[hit.face[0]]][1] == "floor"
        assert licence_of(found["bed1a77d"]).collection == "Matterport3D"

    @pytest.mark.parametrize("number", ["object_id", "segment_id"])
    def test_for_habitat_with_house_file(self, tmp_path, write_glb, look, number):
        folder = tmp_path / "mp3d" / "17DRP5sb8fy"
        write_glb(folder / "17DRP5sb8fy.glb", z_up=True)
        numbers = {name: k if number == "object_id" else 100 + k for k, name in enumerate(FACES)}
        write_ply(folder / "17DRP5sb8fy_semantic.ply", True, numbers, number)
        house = [
            "ASCII 1.1",
            "H name label 0 0 0 0 0 6 3 0 0 0",
            "C 0 7 floor#mat 2 floor",
            "C 1 8 wall 1 wall",
            "C 2 9 ceiling 17 ceiling",
        ]
        house += [f"O {k} 0 {c} 0 0 0" for k, c in enumerate((0, 2, 1, 1, 1, 1))] + [f"E {k} {k} {100 + k} 1" for k in range(6)]
        dump(folder / "17DRP5sb8fy.house", "\n".join(house))
        found = find_scenes([tmp_path / "mp3d"])
        assert list(found) == ["17DRP5sb8fy"]
        scene = load_scene(found["17DRP5sb8fy"])
        assert check_box(scene, look) == {"floor mat", "ceiling", "wall", "wall.2", "wall.3", "wall.4"}
        assert instance_under(scene, SIZE / 2, (0, -1, 0)) == "floor mat"


class TestGibson:
    def test_for_habitat(self, tmp_path, write_glb, look):
        write_glb(tmp_path / "gibson" / "Adrian.glb", z_up=True)
        (tmp_path / "gibson" / "Adrian.navmesh").write_bytes(b"")
        found = find_scenes([tmp_path / "gibson"])
        check_box(load_scene(found["Adrian"]), look)
        assert licence_of(found["Adrian"]).collection == "Gibson"

    def test_as_published(self, tmp_path):
        folder = tmp_path / "gibson_v2" / "Beechwood"
        folder.mkdir(parents=True)
        for name in ("mesh.obj", "mesh_z_up.obj"):
            points = [p for face in FACES for p in corners(face, True)]
            faces = "".join(f"f {' '.join(str(4 * k + i + 1) for i in range(4))}\n" for k in range(6))
            (folder / name).write_text("".join(f"v {x} {y} {z}\n" for x, y, z in points) + faces)
        found = find_scenes([tmp_path / "gibson_v2"])
        assert list(found) == ["Beechwood"]
        np.testing.assert_allclose(load_scene(found["Beechwood"]).bounds, [np.zeros(3), SIZE], atol=1e-4)


class TestReplica:
    @pytest.fixture(params=[True, False], ids=["described", "bare"])
    def root(self, request, tmp_path):
        root = tmp_path / "replica_v1"
        for scene in ("apartment_0", "office_3"):
            write_ply(root / scene / "mesh.ply", True)
            write_ply(root / scene / "habitat" / "mesh_semantic.ply", True, REPLICA_NUMBERS)
            classes = [{"id": 5, "name": "floor"}, {"id": 6, "name": "wall"}, {"id": 8, "name": "ceiling"}]
            objects = [{"id": n, "class_id": c} for n, c in zip(REPLICA_NUMBERS.values(), (5, 8, 6, 6, 6, 6), strict=True)]
            dump(root / scene / "habitat" / "info_semantic.json", {"classes": classes, "objects": objects})
            if request.param:
                stage = {"render_asset": "../mesh.ply", "up": [0, 0, 1], "front": [0, 1, 0]}
                names = {"semantic_asset": "mesh_semantic.ply", "semantic_descriptor_filename": "info_semantic.json"}
                dump(root / scene / "habitat" / "replica_stage.stage_config.json", stage | names)
        if request.param:
            dump(root / "replica.scene_dataset_config.json", {"stages": {"paths": {".json": ["*/habitat"]}}})
        return root

    def test_root_as_unpacked(self, root, look):
        found = find_scenes([root])
        assert set(found) == {"apartment_0", "office_3"}
        scene = load_scene(found["apartment_0"], "apartment_0")
        assert check_box(scene, look) == {"floor", "ceiling", "wall", "wall.2", "wall.3", "wall.4"}
        assert instance_under(scene, SIZE / 2, (0, 1, 0)) == "ceiling"
        assert licence_of(found["office_3"]).collection == "Replica"


class TestSceneInstances:
    """ReplicaCAD's layout: a stage, and objects placed in it."""

    @pytest.fixture
    def root(self, tmp_path, write_glb, gltf):
        root = tmp_path / "replica_cad"
        write_glb(root / "stages" / "flat.glb", z_up=False)
        # A wedge of 0.2 x 0.4 x 0.6 m, one corner at its origin, of two primitives.
        wedge = [[0, 0, 0], [0.2, 0, 0], [0, 0.4, 0], [0, 0, 0.6]]
        gltf.node(mesh=gltf.mesh(gltf.primitive(wedge, [0, 2, 1, 0, 1, 3]), gltf.primitive(wedge, [0, 3, 2, 1, 2, 3])), name="w")
        (root / "objects").mkdir()
        gltf.write(root / "objects" / "wedge.glb")
        dump(
            root / "configs/stages/flat.stage_config.json",
            {"render_asset": "../../stages/flat.glb", "up": [0, 1, 0], "front": [0, 0, -1]},
        )
        dump(root / "configs/objects/wedge.object_config.json", {"render_asset": "../../objects/wedge.glb"})
        dump(
            root / "configs/objects/doubled.object_config.json",
            {"render_asset": "../../objects/wedge.glb", "scale": [2, 2, 2], "COM": [0.1, 0, 0]},
        )
        quarter = [float(np.sqrt(0.5)), 0, float(np.sqrt(0.5)), 0]  # w, x, y, z: a quarter turn to the left
        objects = [
            {"template_name": "objects/wedge", "translation": [0.5, 0, 1], "translation_origin": "asset_local"},
            {"template_name": "objects/wedge", "translation": [1, 1, 1]},
            {
                "template_name": "objects/wedge",
                "translation": [1, 0, 2],
                "rotation": quarter,
                "translation_origin": "asset_local",
            },
            {"template_name": "objects/doubled", "translation": [1, 1, 2]},
        ]
        scene = {"stage_instance": {"template_name": "stages/flat"}, "object_instances": objects}
        scene["articulated_object_instances"] = [{"template_name": "fridge"}]
        dump(root / "configs/scenes/apt_0.scene_instance.json", scene)
        listed = {"stages": "configs/stages", "objects": "configs/objects", "scene_instances": "configs/scenes"}
        dump(root / "replicaCAD.scene_dataset_config.json", {k: {"paths": {".json": [v]}} for k, v in listed.items()})
        return root

    @pytest.fixture
    def scene(self, root):
        found = find_scenes([root])
        assert list(found) == ["apt_0"]
        return load_scene(found["apt_0"])

    def bounds(self, scene, name):
        points = scene.vertices[scene.faces[scene.face_instance == scene.instances.index(name) + 1]].reshape(-1, 3)
        return np.stack([points.min(0), points.max(0)])

    def test_stage_stands_as_it_is(self, scene, look):
        np.testing.assert_allclose(scene.bounds, [np.zeros(3), SIZE], atol=1e-4)

    def test_each_object_is_one_instance_named_after_its_template(self, scene):
        assert [n for n in scene.instances if "scan" not in n] == ["wedge", "wedge.2", "wedge.3", "doubled"]

    def test_placed_by_the_origin_of_the_mesh(self, scene):
        np.testing.assert_allclose(self.bounds(scene, "wedge"), [[0.5, 0, 1], [0.7, 0.4, 1.6]], atol=1e-5)

    def test_placed_by_the_middle_of_its_bounds(self, scene):
        np.testing.assert_allclose(self.bounds(scene, "wedge.2"), [[0.9, 0.8, 0.7], [1.1, 1.2, 1.3]], atol=1e-5)

    def test_turned_to_the_left(self, scene):
        # +X becomes -Z, +Z becomes +X.
        np.testing.assert_allclose(self.bounds(scene, "wedge.3"), [[1, 0, 1.8], [1.6, 0.4, 2]], atol=1e-5)

    def test_scaled_about_its_centre_of_mass(self, scene):
        """The centre is described in the unscaled mesh: 2 x 0.1 m from its origin, where habitat-sim 0.3.3 shows it too."""
        np.testing.assert_allclose(self.bounds(scene, "doubled"), [[0.8, 1, 2], [1.2, 1.8, 3.2]], atol=1e-5)

    def test_articulated_objects_are_left_out_and_told(self, scene):
        assert "1 articulated objects (URDF) left out" in scene.notes

    def test_a_stage_alone(self, root, look):
        check_box(load_scene(root / "configs/stages/flat.stage_config.json"), look)

    def test_licence_allows(self, root):
        assert licence_of(find_scenes([root])["apt_0"]).terms == "CC BY 4.0"

    @pytest.fixture
    def configure(self, root):
        """Return a function that changes one part of the data set file and names all wedges after a template."""

        def change(part, template="objects/wedge", **content):
            path = root / "replicaCAD.scene_dataset_config.json"
            known = json.loads(path.read_text())
            dump(path, {**known, part: {**known[part], **content}})
            scene = root / "configs/scenes/apt_0.scene_instance.json"
            scene.write_text(scene.read_text().replace("objects/wedge", template))
            read_dataset.cache_clear()
            return scene

        return change

    def heights(self, scene):
        """Return the heights of objects by name."""
        return {n: float(np.ptp(self.bounds(scene, n), 0)[1]) for n in scene.instances if not n.startswith("scan")}

    def test_attributes_of_the_data_set_change_a_listed_object(self, root, configure):
        change = {"original_file": "configs/objects/wedge.object_config.json", "attributes": {"scale": [1, 3, 1]}}
        heights = self.heights(load_scene(configure("objects", configs=[change])))
        assert (heights["wedge"], heights["doubled"]) == pytest.approx((1.2, 0.8))

    def test_a_handle_of_the_data_set_leaves_the_original_as_it_is(self, root, configure):
        change = {"original_file": "wedge.object_config.json", "template_handle": "tall", "attributes": {"scale": [1, 3, 1]}}
        assert self.heights(load_scene(configure("objects", configs=[change])))["wedge"] == pytest.approx(0.4)
        assert self.heights(load_scene(configure("objects", "tall")))["tall"] == pytest.approx(1.2)

    def test_a_template_that_the_data_set_alone_describes(self, root, configure):
        lying = {"render_asset": "objects/wedge.glb", "up": [0, 0, 1], "front": [0, 1, 0]}
        scene = load_scene(configure("objects", "lying", configs=[{"template_handle": "lying", "attributes": lying}]))
        assert self.heights(scene)["lying"] == pytest.approx(0.6)

    def test_default_attributes_of_objects(self, root, configure):
        heights = self.heights(load_scene(configure("objects", default_attributes={"scale": [1, 5, 1]})))
        assert (heights["wedge"], heights["doubled"]) == pytest.approx((2.0, 0.8))

    def test_a_default_centre_of_mass_is_not_that_of_an_object_with_a_file(self, configure):
        """habitat-sim 0.3.3 takes the middle of the bounds if the last description of an object does not name a centre."""
        scene = load_scene(configure("objects", default_attributes={"COM": [9, 9, 9]}))
        np.testing.assert_allclose(self.bounds(scene, "wedge.2"), [[0.9, 0.8, 0.7], [1.1, 1.2, 1.3]], atol=1e-5)

    def test_an_object_that_the_data_set_changes_loses_the_centre_of_mass_of_its_file(self, configure):
        change = {"original_file": "configs/objects/doubled.object_config.json", "attributes": {"scale": [2, 6, 2]}}
        scene = load_scene(configure("objects", configs=[change]))
        np.testing.assert_allclose(self.bounds(scene, "doubled"), [[0.8, -0.2, 1.4], [1.2, 2.2, 2.6]], atol=1e-5)

    def test_attributes_of_the_data_set_change_a_stage_in_and_outside_instances(self, root, configure):
        change = {"original_file": "configs/stages/flat.stage_config.json", "attributes": {"units_to_meters": 2}}
        instance = configure("stages", configs=[change])
        for path in (instance, root / "configs/stages/flat.stage_config.json"):
            np.testing.assert_allclose(load_scene(path).bounds[1], 2 * SIZE, atol=1e-4)

    def test_an_entry_about_a_file_that_is_not_listed_changes_nothing(self, root, configure):
        change = {"original_file": "chair.object_config.json", "attributes": {"scale": [9, 9, 9]}}
        assert self.heights(load_scene(configure("objects", configs=[change])))["wedge"] == pytest.approx(0.4)

    def test_template_that_is_not_listed(self, root):
        path = root / "configs/scenes/apt_0.scene_instance.json"
        path.write_text(path.read_text().replace("objects/doubled", "objects/sofa"))
        with pytest.raises(InputError, match="template 'objects/sofa'"):
            load_scene(path)

    def test_mesh_that_is_missing(self, root):
        (root / "objects" / "wedge.glb").unlink()
        with pytest.raises(InputError, match=r"wedge.glb.* missing"):
            load_scene(root / "configs/scenes/apt_0.scene_instance.json")

    def test_broken_json(self, root):
        path = root / "configs/scenes/apt_0.scene_instance.json"
        path.write_text(path.read_text()[:-5])
        with pytest.raises(InputError, match="not readable JSON"):
            load_scene(path)

    @pytest.mark.parametrize(
        ("file", "key", "value"),
        [
            ("configs/scenes/apt_0.scene_instance.json", "stage_instance", 7),
            (
                "configs/scenes/apt_0.scene_instance.json",
                "object_instances",
                [{"template_name": "objects/wedge", "rotation": [0, 0, 0, 0]}],
            ),
            (
                "configs/scenes/apt_0.scene_instance.json",
                "object_instances",
                [{"template_name": "objects/wedge", "translation": "here"}],
            ),
            ("configs/stages/flat.stage_config.json", "up", ["x", 0, 1]),
            ("configs/stages/flat.stage_config.json", "units_to_meters", None),
            ("configs/stages/flat.stage_config.json", "render_asset", "a\0b"),
            ("replicaCAD.scene_dataset_config.json", "stages", [1]),
            ("replicaCAD.scene_dataset_config.json", "objects", {"paths": {".json": [None]}}),
        ],
    )
    def test_values_of_a_wrong_type_are_one_clear_line(self, root, file, key, value):
        path = root / file
        dump(path, {**json.loads(path.read_text()), key: value})
        read_dataset.cache_clear()
        for read in (load_scene, scene_digest):
            with pytest.raises(InputError, match="restore it") as error:
                read(root / "configs/scenes/apt_0.scene_instance.json")
            assert "\n" not in str(error.value)

    @pytest.mark.parametrize("key", ["render_asset", "semantic_asset", "semantic_descriptor_filename"])
    def test_descriptions_name_files_of_their_data_set_only(self, root, tmp_path, key):
        secret = tmp_path / "secret.glb"
        secret.write_bytes((root / "stages/flat.glb").read_bytes())
        path = root / "configs/stages/flat.stage_config.json"
        kept = json.loads(path.read_text())
        for name in ("../../../secret.glb", str(secret), "/etc/passwd", "/dev/zero"):
            dump(path, {**kept, key: name})
            for read in (load_scene, scene_digest):
                with pytest.raises(InputError, match=rf"refers to {name}, outside .*; put the file into that folder"):
                    read(root / "configs/scenes/apt_0.scene_instance.json")

    def test_pipes_are_not_read(self, root):
        """They would block; a missing annotation is noted."""
        os.mkfifo(root / "names.txt")
        os.mkfifo(root / "configs/objects/pipe.object_config.json")
        os.mkfifo(root / "pipe.glb")
        stage = root / "configs/stages/flat.stage_config.json"
        names = {"semantic_asset": "../../stages/flat.glb", "semantic_descriptor_filename": "../../names.txt"}
        dump(stage, {**json.loads(stage.read_text()), **names})
        scene = load_scene(root / "configs/scenes/apt_0.scene_instance.json")
        assert "annotations names.txt are missing: instances by the mesh's own parts" in scene.notes
        with pytest.raises(InputError, match="is a pipe or a device"):
            load_scene(root / "pipe.glb")

    def test_outside_its_data_set(self, root, tmp_path):
        lost = tmp_path / "lost.scene_instance.json"
        lost.write_text((root / "configs/scenes/apt_0.scene_instance.json").read_text())
        with pytest.raises(InputError, match="no data set"):
            load_scene(lost)


def test_units_and_scale_of_a_stage(tmp_path, write_glb):
    path = write_glb(tmp_path / "box.glb", z_up=True)
    dump(tmp_path / "box.stage_config.json", {"up": [0, 0, 1], "front": [0, 1, 0], "units_to_meters": 0.1, "scale": [10, 10, 20]})
    np.testing.assert_allclose(load_scene(path).bounds, [[0, 0, 0], SIZE * [1, 1, 2]], atol=1e-4)


def test_frame_that_is_not_square_is_told(tmp_path, write_glb):
    path = write_glb(tmp_path / "box.glb", z_up=True)
    dump(tmp_path / "box.stage_config.json", {"up": [0, 0, 1], "front": [0, 1, 1]})
    with pytest.raises(InputError, match="right angles"):
        load_scene(path)


def test_other_scenes_have_no_known_licence(tmp_path, write_glb):
    assert licence_of(write_glb(tmp_path / "mine" / "box.glb", z_up=False)) is None


def test_texture_budget_reaches_the_scene(gltf, tmp_path):
    m = gltf.material(baseColorTexture={"index": gltf.texture(np.zeros((512, 512, 3)))})
    gltf.node(mesh=gltf.mesh(gltf.primitive(material=m, TEXCOORD_0=gltf.QUAD_UV)))
    path = gltf.write(tmp_path / "scene.glb")
    assert load_scene(path).textures.texels.nbytes > 1.3e6
    small = load_scene(path, texture_mb=0.5)
    assert small.textures.texels.nbytes < 0.5e6 and any("camera.texture_mb" in n for n in small.notes)
