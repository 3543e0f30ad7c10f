"""PLY and OBJ files, and the finding and naming of scenes."""

from __future__ import annotations

import os
import re
import struct

import numpy as np
import pytest
from PIL import Image

from simulator.errors import InputError
from simulator.loaders.load import find_scenes, load_scene, scene_digest

CORNERS = [(-1, 1, -2), (1, 1, -2), (-1, -1, -2), (1, -1, -2)]
PAINT = [(255, 0, 0), (0, 255, 0), (0, 0, 255), (255, 255, 255)]


def ply(form, vertices, faces, vertex_properties="", face_properties="", comment=""):
    """Write a PLY: vertices and faces are rows of (struct format, values...)."""
    header = (
        f"ply\nformat {form} 1.0\n{comment}element vertex {len(vertices)}\nproperty float x\nproperty float y\nproperty float z\n"
    )
    header += (
        f"{vertex_properties}element face {len(faces)}\nproperty list uchar int vertex_indices\n{face_properties}end_header\n"
    )
    if form == "ascii":
        rows = [" ".join(str(x) for x in row[1:]) for row in (*vertices, *faces)]
        return header.encode() + "\n".join(rows).encode() + b"\n"
    order = "<" if "little" in form else ">"
    return header.encode() + b"".join(struct.pack(order + row[0], *row[1:]) for row in (*vertices, *faces))


RGB = "property uchar red\nproperty uchar green\nproperty uchar blue\n"
FORMS = ["ascii", "binary_little_endian", "binary_big_endian"]


class TestPly:
    @pytest.mark.parametrize("form", FORMS)
    def test_quads_with_vertex_colours(self, tmp_path, look, form):
        rows = [("3f3B", *map(float, c), *p) for c, p in zip(CORNERS, PAINT, strict=True)]
        (tmp_path / "wall.ply").write_bytes(ply(form, rows, [("B4i", 4, 0, 2, 3, 1)], RGB))
        scene = load_scene(tmp_path / "wall.ply")
        assert len(scene.faces) == 2 and scene.instances == ("wall",)
        np.testing.assert_allclose(scene.normals, [[0, 0, 1]] * 2, atol=1e-6)
        picture = look(scene, size=256).rgb[0].astype(int)
        for (y, x), color in zip([(0, 0), (0, -1), (-1, 0), (-1, -1)], PAINT, strict=True):
            assert np.abs(picture[y, x] - color).max() <= 20
        np.testing.assert_allclose(look(scene).depth, 2.0, atol=1e-4)

    @pytest.mark.parametrize("form", FORMS)
    def test_triangles_and_larger_polygons_mixed(self, tmp_path, form):
        angle = np.arange(5) * 2 * np.pi / 5
        rows = [("3f", float(np.cos(a)), float(np.sin(a)), 0.0) for a in angle] + [("3f", 0.0, 0.0, 1.0)]
        faces = [("B5i", 5, 0, 1, 2, 3, 4), ("B3i", 3, 0, 1, 5), ("B4i", 4, 0, 1, 2, 3)]
        (tmp_path / "mix.ply").write_bytes(ply(form, rows, faces))
        scene = load_scene(tmp_path / "mix.ply")
        assert len(scene.faces) == 3 + 1 + 2
        # The pentagon's and the quadrangle's areas by the shoelace formula.
        assert scene.areas[:3].sum() == pytest.approx(2.5 * np.sin(2 * np.pi / 5), rel=1e-5)

    @pytest.mark.parametrize("form", FORMS)
    def test_colours_by_face(self, tmp_path, look, form):
        rows = [("3f", *map(float, c)) for c in CORNERS]
        faces = [("B3i3B", 3, 0, 2, 1, 255, 0, 0), ("B3i3B", 3, 1, 2, 3, 0, 0, 255)]
        (tmp_path / "two.ply").write_bytes(ply(form, rows, faces, "", RGB))
        picture = look(load_scene(tmp_path / "two.ply")).rgb[0]
        assert picture[5, 5].tolist() == [255, 0, 0] and picture[-5, -5].tolist() == [0, 0, 255]

    def test_texture_named_in_the_header(self, tmp_path, look):
        colors = np.uint8([[PAINT[0], PAINT[1]], [PAINT[2], PAINT[3]]])
        Image.fromarray(np.kron(colors, np.ones((16, 16, 1), np.uint8))).save(tmp_path / "paint.png")
        uv = [(0, 1), (1, 1), (0, 0), (1, 0)]  # v upwards
        rows = [("5f", *map(float, (*c, *t))) for c, t in zip(CORNERS, uv, strict=True)]
        (tmp_path / "wall.ply").write_bytes(
            ply(
                "binary_little_endian",
                rows,
                [("B4i", 4, 0, 2, 3, 1)],
                "property float s\nproperty float t\n",
                "",
                "comment TextureFile paint.png\n",
            )
        )
        picture = look(load_scene(tmp_path / "wall.ply")).rgb[0]
        assert [picture[y, x].tolist() for y in (16, 48) for x in (16, 48)] == [list(p) for p in PAINT]

    @pytest.mark.parametrize("keep", [3, 60, -1, -20])
    @pytest.mark.parametrize("form", FORMS[1:])
    def test_cut_short(self, tmp_path, form, keep):
        rows = [("3f", *map(float, c)) for c in CORNERS]
        (tmp_path / "wall.ply").write_bytes(ply(form, rows, [("B4i", 4, 0, 2, 3, 1)])[:keep])
        with pytest.raises(InputError, match=r"wall.ply is not a readable"):
            load_scene(tmp_path / "wall.ply")

    @pytest.mark.parametrize("form", FORMS)
    @pytest.mark.parametrize("element", ["vertex", "face"])
    def test_counts_beyond_the_data_are_refused_before_memory_is_taken(self, tmp_path, form, element):
        rows = [("3f", *map(float, c)) for c in CORNERS]
        data = ply(form, rows, [("B4i", 4, 0, 2, 3, 1)])
        (tmp_path / "wall.ply").write_bytes(
            re.sub(rf"element {element} \d".encode(), f"element {element} 1000000000".encode(), data)
        )
        with pytest.raises(InputError, match=f"1000000000 rows of {element} take at least"):
            load_scene(tmp_path / "wall.ply")

    @pytest.mark.parametrize("count", [-3, 10**9, 10**18])
    def test_lists_beyond_the_data_are_refused(self, tmp_path, count):
        rows = [("3f", *map(float, c)) for c in CORNERS]
        (tmp_path / "wall.ply").write_bytes(ply("ascii", rows, [("B3i", count, 0, 2, 3)]))
        with pytest.raises(InputError, match="cut short"):
            load_scene(tmp_path / "wall.ply")

    @pytest.mark.parametrize("name", ["../paint.png", "/dev/zero", "pipe.png", "gone.png"])
    def test_a_texture_that_is_no_file_of_the_folder_is_not_opened(self, tmp_path, name):
        folder = tmp_path / "inside"
        folder.mkdir()
        os.mkfifo(folder / "pipe.png")
        Image.new("RGB", (2, 2)).save(tmp_path / "paint.png")
        rows = [("5f", *map(float, c), 0.0, 0.0) for c in CORNERS]
        uv = "property float s\nproperty float t\n"
        data = ply("ascii", rows, [("B4i", 4, 0, 2, 3, 1)], uv, "", f"comment TextureFile {name}\n")
        (folder / "wall.ply").write_bytes(data)
        scene = load_scene(folder / "wall.ply")
        assert len(scene.notes) == 1 and f"texture {name} cannot be read" in scene.notes[0]

    def paint(self, folder):
        colors = np.uint8([[PAINT[0], PAINT[1]], [PAINT[2], PAINT[3]]])
        Image.fromarray(np.kron(colors, np.ones((16, 16, 1), np.uint8))).save(folder / "paint.png")

    @pytest.mark.parametrize("form", FORMS)
    def test_texture_coordinates_by_face(self, tmp_path, look, form):
        self.paint(tmp_path)
        rows = [("3f", *map(float, c)) for c in CORNERS]
        face = [("B4iB8f", 4, 0, 2, 3, 1, 8, 0.0, 1.0, 0.0, 0.0, 1.0, 0.0, 1.0, 1.0)]
        (tmp_path / "wall.ply").write_bytes(
            ply(form, rows, face, "", "property list uchar float texcoord\n", "comment TextureFile paint.png\n")
        )
        scene = load_scene(tmp_path / "wall.ply")
        picture = look(scene).rgb[0]
        assert [picture[y, x].tolist() for y in (16, 48) for x in (16, 48)] == [list(p) for p in PAINT]
        assert scene.notes == () and scene.areas.sum() == pytest.approx(4.0)

    @pytest.mark.parametrize(("files", "uv"), [(1, False), (2, True)])
    def test_textures_that_cannot_be_placed_are_noted(self, tmp_path, files, uv):
        self.paint(tmp_path)
        rows = [("5f", *map(float, c), 0.0, 0.0) if uv else ("3f", *map(float, c)) for c in CORNERS]
        columns = "property float s\nproperty float t\n" if uv else ""
        comment = "".join(f"comment TextureFile paint{'.png' * (k + 1)}\n" for k in range(files))
        (tmp_path / "wall.ply").write_bytes(ply("ascii", rows, [("B4i", 4, 0, 2, 3, 1)], columns, "", comment))
        (note,) = load_scene(tmp_path / "wall.ply").notes
        assert note.startswith("texture paint.png") and note.endswith("plain colour instead")

    @pytest.mark.parametrize(
        ("kind", "code", "value"),
        [("uchar", "B", (1, 0, 1)), ("ushort", "H", (257, 0, 257)), ("float", "f", (1 / 255, 0.0, 1 / 255))],
    )
    @pytest.mark.parametrize("form", FORMS[:2])
    def test_colours_have_the_scale_of_their_type(self, tmp_path, form, kind, code, value):
        rows = [(f"3f3{code}", *map(float, c), *value) for c in CORNERS]
        columns = RGB.replace("uchar", kind)
        (tmp_path / "dark.ply").write_bytes(ply(form, rows, [("B4i", 4, 0, 2, 3, 1)], columns))
        assert np.unique(load_scene(tmp_path / "dark.ply").corner_color.reshape(-1, 4), axis=0).tolist() == [[1, 0, 1, 255]]

    def test_the_digest_follows_the_texture(self, tmp_path):
        rows = [("5f", *map(float, c), 0.0, 0.0) for c in CORNERS]
        columns, comment = "property float s\nproperty float t\n", "comment TextureFile paint.png\n"
        path = tmp_path / "wall.ply"
        path.write_bytes(ply("ascii", rows, [("B4i", 4, 0, 2, 3, 1)], columns, "", comment))
        digests = [scene_digest(path)]
        for color in ((1, 2, 3), (4, 5, 6)):
            Image.new("RGB", (2, 2), color).save(tmp_path / "paint.png")
            digests.append(scene_digest(path))
        assert len(set(digests)) == 3

    def test_a_header_without_a_format(self, tmp_path):
        (tmp_path / "wall.ply").write_bytes(b"ply\nelement vertex 0\nend_header\n")
        with pytest.raises(InputError, match="its header has no line `format`"):
            load_scene(tmp_path / "wall.ply")

    def test_points_alone(self, tmp_path):
        (tmp_path / "cloud.ply").write_bytes(ply("ascii", [("3f", 0, 0, 0)], []))
        with pytest.raises(InputError, match="no triangles"):
            load_scene(tmp_path / "cloud.ply")


class TestObj:
    def test_objects_materials_and_textures(self, tmp_path, look):
        colors = np.uint8([[PAINT[0], PAINT[1]], [PAINT[2], PAINT[3]]])
        Image.fromarray(np.kron(colors, np.ones((16, 16, 1), np.uint8))).save(tmp_path / "paint.png")
        (tmp_path / "room.mtl").write_text("newmtl paper\nKd 1 1 1\nmap_Kd paint.png\nnewmtl blue\nKd 0 0 1\n")
        (tmp_path / "room.obj").write_text(
            "mtllib room.mtl\no picture\n"
            + "".join(f"v {x} {y} {z}\n" for x, y, z in CORNERS)
            + "vt 0 1\nvt 1 1\nvt 0 0\nvt 1 0\nusemtl paper\nf 1/1 3/3 4/4 2/2\n"
            + "o wall\nv -9 9 -4\nv 9 9 -4\nv -9 -9 -4\nv 9 -9 -4\nusemtl blue\nf 5 7 8 6\n"
        )
        scene = load_scene(tmp_path / "room.obj")
        assert len(scene.instances) == 2
        picture = look(scene).rgb[0]
        assert [picture[y, x].tolist() for y in (16, 48) for x in (16, 48)] == [list(p) for p in PAINT]
        assert {m for _, m in scene.surfaces} == {"paper", "blue"}

    def test_digest_follows_materials_and_pictures(self, tmp_path):
        (tmp_path / "a.mtl").write_text("newmtl m\nKd 1 0 0\n")
        (tmp_path / "a.obj").write_text("mtllib a.mtl\nusemtl m\nv 0 0 0\nv 1 0 0\nv 0 1 0\nf 1 2 3\n")
        before = load_scene(tmp_path / "a.obj").sha256
        (tmp_path / "a.mtl").write_text("newmtl m\nKd 0 1 0\n")
        assert load_scene(tmp_path / "a.obj").sha256 != before

    def test_broken(self, tmp_path):
        (tmp_path / "a.obj").write_text("v 0 0\nf 1 2 3 nonsense\n")
        with pytest.raises(InputError, match=r"a\.obj"):
            load_scene(tmp_path / "a.obj")


class TestFind:
    def touch(self, root, *names):
        for name in names:
            (root / name).parent.mkdir(parents=True, exist_ok=True)
            (root / name).write_bytes(b"")

    def test_folders_are_searched_recursively(self, tmp_path):
        self.touch(tmp_path, "a.glb", "deep/er/b.PLY", "deep/c.obj", "deep/notes.txt", "d.gltf")
        assert list(find_scenes([tmp_path])) == ["a", "d", "c", "b"]

    def test_same_stems_are_told_apart_by_their_folders(self, tmp_path):
        self.touch(tmp_path, "x/room.glb", "y/room.glb", "y/hall.glb")
        assert set(find_scenes([tmp_path])) == {"x_room", "y_room", "hall"}

    def test_names_are_safe_for_files(self, tmp_path):
        self.touch(tmp_path, "my house (2).glb")
        assert list(find_scenes([tmp_path])) == ["my_house_2"]

    def test_a_file_given_twice_is_one_scene(self, tmp_path):
        self.touch(tmp_path, "a.glb")
        assert list(find_scenes([tmp_path, tmp_path / "a.glb"])) == ["a"]

    @pytest.mark.parametrize(
        ("name", "message"), [("gone", "does not exist"), ("empty", "holds no scenes"), ("a.txt", "no known format")]
    )
    def test_mistakes(self, tmp_path, name, message):
        (tmp_path / "empty").mkdir()
        (tmp_path / "a.txt").write_text("")
        with pytest.raises(InputError, match=message):
            find_scenes([tmp_path / name])

    @pytest.mark.parametrize(
        ("name", "message"),
        [
            ("room.mtl", r"room\.mtl is a material library; give the \.obj file that uses it"),
            ("room.bin", r"is a buffer; give the \.gltf file that uses it"),
            ("wood.PNG", r"is a picture; give the mesh that uses it"),
            ("wood.ktx2", r"is a picture; give the mesh that uses it"),
            ("room.navmesh", r"is a walkable surface; give the mesh beside it"),
            (
                "package.json",
                r"is no description of a scene; give a mesh, or a \*\.scene_instance\.json, .*dataset_config\.json file",
            ),
            ("room.stl", r"has no known format; give one of \.glb, \.gltf, \.ply, \.obj, such as an export of it as \.glb"),
            ("room", r"has no known format; give one of \.glb"),
            ("rooms", r"is a folder; give a file in it"),
            ("gone.obj", r"cannot be read \(.*No such file or directory.*\); check the file"),
        ],
    )
    def test_files_that_are_no_scenes_are_named_for_what_they_are(self, tmp_path, name, message):
        self.touch(tmp_path, "room.mtl", "room.bin", "wood.PNG", "wood.ktx2", "room.navmesh", "package.json", "room.stl", "room")
        (tmp_path / "rooms").mkdir()
        with pytest.raises(InputError, match=message):
            load_scene(tmp_path / name)
        if name not in ("rooms", "gone.obj"):
            with pytest.raises(InputError, match=message):
                find_scenes([tmp_path / name])

    def test_the_mesh_of_a_description_has_a_known_format(self, tmp_path):
        (tmp_path / "flat.stage_config.json").write_text('{"render_asset": "flat.stl"}')
        (tmp_path / "flat.stl").write_text("solid flat")
        with pytest.raises(
            InputError, match=r"flat\.stage_config\.json: scene file .*flat\.stl has no known format; give one of"
        ):
            load_scene(tmp_path / "flat.stage_config.json")

    def test_a_description_alone_names_files_of_its_folder(self, tmp_path):
        (tmp_path / "a").mkdir()
        config = tmp_path / "a" / "flat.stage_config.json"
        config.write_text('{"render_asset": "../flat.glb"}')
        with pytest.raises(InputError, match=r"refers to \.\./flat\.glb, outside .*/a; put the file into that folder"):
            load_scene(config)


def test_licence_beside_the_scene_is_its_credit(gltf, tmp_path):
    gltf.node(mesh=gltf.mesh(gltf.primitive()))
    path = gltf.write(tmp_path / "scene.glb")
    (tmp_path / "LICENSE").write_text("CC-BY 4.0, by someone\nmore\n")
    assert load_scene(path).credit == "CC-BY 4.0, by someone"
